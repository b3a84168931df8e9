package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Who looks sees the whole value or none, and who waits gets it. */
@JCStressTest
@Outcome(
        id = {"0, 1", "1, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "not yet, or all of it")
@Outcome(expect = Expect.FORBIDDEN, desc = "a value without its content")
@State
public class SetOncePublication {
    private static final class Value {
        int content;
    }

    private final SetOnce<Value> once = new SetOnce<>();

    /** Sets. */
    @Actor
    public void setter() {
        var value = new Value();
        value.content = 1;
        once.set(value);
    }

    /** Looks, then waits. */
    @Actor
    public void getter(II_Result r) {
        Waits.run(
                () -> {
                    Value seen = once.get();
                    r.r1 = seen == null ? 0 : seen.content;
                    r.r2 = once.await().content;
                });
    }
}
