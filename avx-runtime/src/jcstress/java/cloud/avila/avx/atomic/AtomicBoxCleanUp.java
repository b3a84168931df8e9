package cloud.avila.avx.atomic;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Clean-up sees the whole value, even if it was stored and replaced in release mode. */
@JCStressTest
@Outcome(
        id = {"0, 1", "1, 0"},
        expect = Expect.ACCEPTABLE,
        desc = "one replaced the other and cleaned it up whole")
@Outcome(expect = Expect.FORBIDDEN, desc = "cleaned up without its content, or twice")
@State
public class AtomicBoxCleanUp {
    private static final class Value {
        int content;
        int cleaned;
        int torn;
    }

    private final Value first = new Value();
    private final Value second = new Value();
    private final AtomicBox<Value> box =
            AtomicBox.owning(
                    new Value(),
                    value -> {
                        value.cleaned++;
                        value.torn = 1 - value.content;
                    });

    /** Stores one. */
    @Actor
    public void one() {
        first.content = 1;
        box.storeRelease(first);
    }

    /** Stores the other. */
    @Actor
    public void other() {
        second.content = 1;
        box.storeRelease(second);
    }

    /** How it ended: 1 for what was cleaned up whole. */
    @Arbiter
    public void result(II_Result r) {
        r.r1 = first.cleaned + 10 * first.torn;
        r.r2 = second.cleaned + 10 * second.torn;
    }
}
