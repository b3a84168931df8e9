package cloud.avila.avx.atomic;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** What is taken out of a striped counter while others add is neither lost nor taken twice. */
@JCStressTest
@Outcome(id = "3", expect = Expect.ACCEPTABLE, desc = "all that was added, once")
@Outcome(expect = Expect.FORBIDDEN, desc = "lost or doubled")
@State
public class AtomicCounterReset {
    private final AtomicCounter counter = AtomicCounter.striped();
    private long taken;

    /** Adds. */
    @Actor
    public void adder() {
        counter.increment();
        counter.add(2);
    }

    /** Takes. */
    @Actor
    public void taker() {
        taken = counter.getAndReset();
    }

    /** The rest. */
    @Arbiter
    public void rest(I_Result r) {
        r.r1 = (int) (taken + counter.getAndReset());
    }
}
