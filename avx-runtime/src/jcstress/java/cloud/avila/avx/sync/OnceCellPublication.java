package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** Of two who want the value one makes it, and both see all of it. */
@JCStressTest
@Outcome(
        id = {"1, 1, 1", "2, 2, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "one value, made once")
@Outcome(expect = Expect.FORBIDDEN, desc = "two values, or one without its content")
@State
public class OnceCellPublication {
    private static final class Value {
        int content;

        Value(int content) {
            this.content = content;
        }
    }

    private final OnceCell<Value> cell = new OnceCell<>();
    private int made;

    private int get(int content) throws InterruptedException {
        return cell.getOrInit(
                        () -> {
                            made++;
                            return new Value(content);
                        })
                .content;
    }

    /** Wants it. */
    @Actor
    public void one(III_Result r) {
        Waits.run(
                () -> {
                    r.r1 = get(1);
                });
    }

    /** Wants it. */
    @Actor
    public void other(III_Result r) {
        Waits.run(
                () -> {
                    r.r2 = get(2);
                });
    }

    /** How often it was made. */
    @Arbiter
    public void made(III_Result r) {
        r.r3 = made;
    }
}
