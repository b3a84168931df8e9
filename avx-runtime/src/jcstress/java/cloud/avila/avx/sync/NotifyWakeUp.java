package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A waiter that joins while it is notified neither misses the notification nor what preceded it.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "woken, or took the permit")
@Outcome(expect = Expect.FORBIDDEN, desc = "a wake-up without what preceded it")
@State
public class NotifyWakeUp {
    private final Notify notify = new Notify();
    private int before;

    /** Waits; would do so for ever if the notification were lost. */
    @Actor
    public void waiter(II_Result r) {
        Waits.run(
                () -> {
                    notify.await();
                    r.r1 = before;
                });
    }

    /** Notifies. */
    @Actor
    public void notifier(II_Result r) {
        before = 1;
        notify.notifyOne();
        r.r2 = 1;
    }
}
