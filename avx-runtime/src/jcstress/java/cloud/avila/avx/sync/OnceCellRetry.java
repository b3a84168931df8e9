package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** After a failure the next makes the value, and sees what the one that failed did. */
@JCStressTest
@Outcome(
        id = {"0, 0", "1, 0"},
        expect = Expect.ACCEPTABLE,
        desc = "failed before or after, or found the value")
@Outcome(expect = Expect.FORBIDDEN, desc = "a lost turn, or a lost write of the one that failed")
@State
public class OnceCellRetry {
    private final OnceCell<Integer> cell = new OnceCell<>();
    private int failures;
    private int seen;

    /** Fails, unless there is a value already. */
    @Actor
    public void failing(II_Result r) {
        Waits.run(
                () -> {
                    try {
                        cell.getOrInit(
                                () -> {
                                    failures++;
                                    throw new ArithmeticException();
                                });
                    } catch (ArithmeticException e) {
                        r.r1 = 1;
                    }
                });
    }

    /** Makes the value. */
    @Actor
    public void making(II_Result r) {
        Waits.run(
                () -> {
                    cell.getOrInit(() -> seen = failures);
                });
    }

    /** Whether the maker missed a failure before it. */
    @Arbiter
    public void check(II_Result r) {
        r.r2 = failures - seen;
    }
}
