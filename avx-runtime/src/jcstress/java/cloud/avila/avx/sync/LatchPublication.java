package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A waiter that arrives while the latch opens neither misses it nor what preceded it. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "open, with what preceded it")
@Outcome(expect = Expect.FORBIDDEN, desc = "open without what preceded it")
@State
public class LatchPublication {
    private final Latch latch = new Latch(1);
    private int before;

    /** Opens. */
    @Actor
    public void opener() {
        before = 1;
        latch.countDown();
    }

    /** Waits; would do so for ever if it missed the opening. */
    @Actor
    public void waiter(I_Result r) {
        Waits.run(
                () -> {
                    latch.await();
                    r.r1 = before;
                });
    }
}
