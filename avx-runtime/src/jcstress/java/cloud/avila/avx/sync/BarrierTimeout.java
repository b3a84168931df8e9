package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;

/** When time is up as the other arrives, both get through or none does. */
@JCStressTest
@Outcome(
        id = {"0", "2"},
        expect = Expect.ACCEPTABLE,
        desc = "none or both")
@Outcome(expect = Expect.FORBIDDEN, desc = "one without the other")
@State
public class BarrierTimeout {
    private final Barrier barrier = new Barrier(2);
    private volatile boolean first;
    private volatile boolean second;

    /** Arrives without time to wait. */
    @Actor
    public void one() {
        Waits.run(
                () -> {
                    first = arrive(Duration.ZERO);
                });
    }

    /** Arrives with time to wait, which the other one's timeout ends. */
    @Actor
    public void other() {
        Waits.run(
                () -> {
                    second = arrive(Duration.ofDays(1));
                });
    }

    private boolean arrive(Duration timeout) throws InterruptedException {
        try {
            barrier.await(timeout);
            return true;
        } catch (TimeoutException | BrokenBarrierException e) {
            return false;
        }
    }

    /** How many got through. */
    @Arbiter
    public void through(I_Result r) {
        r.r1 = (first ? 1 : 0) + (second ? 1 : 0);
    }
}
