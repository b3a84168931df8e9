package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

import java.time.Duration;

/** Whoever takes the permit sees what preceded the notification. */
@JCStressTest
@Outcome(
        id = {"0, 0", "0, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "no permit yet")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "the permit and what preceded it")
@Outcome(expect = Expect.FORBIDDEN, desc = "the permit without what preceded it")
@State
public class NotifyPermitPublication {
    private final Notify notify = new Notify();
    private int before;

    /** Writes, and adds to the permit. */
    @Actor
    public void notifier() {
        before = 1;
        notify.notifyOne();
    }

    /** Takes the permit and reads. */
    @Actor
    public void taker(II_Result r) {
        Waits.run(
                () -> {
                    r.r1 = notify.await(Duration.ZERO) ? 1 : 0;
                    r.r2 = before;
                });
    }
}
