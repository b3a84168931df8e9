package cloud.avila.avx.atomic;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A thread that begins to wait while the flag is set misses neither that nor what preceded it. */
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "set and cleared, each seen")
@Outcome(expect = Expect.FORBIDDEN, desc = "set without what preceded it")
@State
public class AtomicFlagWakeUp {
    private final AtomicFlag flag = new AtomicFlag();
    private int before;
    private int after;

    /** Waits, then clears; would wait for ever if it missed the setting. */
    @Actor
    public void waiter(II_Result r) {
        await(true);
        r.r1 = before;
        after = 1;
        flag.clear();
    }

    /** Sets, then waits until it is cleared. */
    @Actor
    public void setter(II_Result r) {
        before = 1;
        flag.set();
        await(false);
        r.r2 = after;
    }

    private void await(boolean set) {
        try {
            if (set) {
                flag.awaitSet();
            } else {
                flag.awaitClear();
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted by nobody", e);
        }
    }
}
