package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

import java.time.Duration;

/**
 * A notification that finds the permit there already is not for nothing: who takes the permit after
 * it sees what preceded it. The actors notify at the same time; then one takes the permit, and sees
 * what both wrote if both had notified before it.
 */
@JCStressTest
@Outcome(id = "1, 1, 1", expect = Expect.ACCEPTABLE, desc = "took it after the other notified")
@Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "took its own, the other's is left")
@Outcome(id = "1, 0, 0", expect = Expect.ACCEPTABLE, desc = "took its own, the other came later")
@Outcome(expect = Expect.FORBIDDEN, desc = "took both, but did not see what the other wrote")
@State
public class NotifyMergedPublication {
    private final Notify notify = new Notify();
    private int before;

    /** Writes and notifies. */
    @Actor
    public void other() {
        before = 1;
        notify.notifyOne();
    }

    /** Notifies, takes the permit, and reads. */
    @Actor
    public void taker(III_Result r) {
        Waits.run(
                () -> {
                    notify.notifyOne();
                    r.r1 = notify.await(Duration.ZERO) ? 1 : 0;
                    r.r2 = before;
                });
    }

    /** Looks for a permit that is left. */
    @Arbiter
    public void left(III_Result r) {
        // no permit left: the other's notification was merged into the one that was taken
        try {
            r.r3 = notify.await(Duration.ZERO) ? 0 : 1;
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted by nobody", e);
        }
    }
}
