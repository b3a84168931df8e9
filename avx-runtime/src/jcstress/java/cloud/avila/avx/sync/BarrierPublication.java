package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Each party sees what the other wrote before it arrived, and both see the action. */
@JCStressTest
@Outcome(
        id = {"101, 112"},
        expect = Expect.ACCEPTABLE,
        desc = "met, and saw each other and the action")
@Outcome(expect = Expect.FORBIDDEN, desc = "went through without seeing all")
@State
public class BarrierPublication {
    private int acted;
    private int one;
    private int other;
    private final Barrier barrier = new Barrier(2, () -> acted = 100);

    /** A party. */
    @Actor
    public void one(II_Result r) {
        Waits.run(
                () -> {
                    one = 12;
                    barrier.await();
                    r.r1 = acted + other;
                });
    }

    /** A party. */
    @Actor
    public void other(II_Result r) {
        Waits.run(
                () -> {
                    other = 1;
                    barrier.await();
                    r.r2 = acted + one;
                });
    }
}
