package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A ticket taken before a look at a condition misses no change that is followed by a call. */
@JCStressTest
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "saw the change")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "was woken after the change")
@Outcome(expect = Expect.FORBIDDEN, desc = "woken without the change")
@State
public class NotifyTicketWakeUp {
    private final Notify notify = new Notify();
    private volatile int changed;

    /** Looks, and waits if need be; would do so for ever if the call were missed. */
    @Actor
    public void waiter(II_Result r) {
        Waits.run(
                () -> {
                    try (var ticket = notify.notified()) {
                        if (changed == 0) {
                            ticket.await();
                            r.r1 = 1;
                        }
                    }
                    r.r2 = changed;
                });
    }

    /** Changes and calls. */
    @Actor
    public void notifier() {
        changed = 1;
        notify.notifyWaiters();
    }
}
