package cloud.avila.avx.task;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Registering the waker that is registered already, which exchanges nothing, loses nothing. */
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "woken after the look")
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "seen, and woken")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "seen after the wake-up")
@Outcome(expect = Expect.FORBIDDEN, desc = "waits on without having seen it")
@State
public class WakerCellRegisteredAgain {
    private final WakerCell cell = new WakerCell();
    private final Waker waker = () -> {};
    private int value;

    /** An earlier poll has registered. */
    public WakerCellRegisteredAgain() {
        cell.register(waker);
    }

    /** Polls again: registers, then looks. */
    @Actor
    public void waiter(II_Result r) {
        cell.register(waker);
        r.r1 = value;
    }

    /** Has something: writes, then wakes. */
    @Actor
    public void producer() {
        value = 1;
        cell.wake();
    }

    /** Tells whether a waker waits on. */
    @Arbiter
    public void arbiter(II_Result r) {
        r.r2 = cell.take() == null ? 0 : 1;
    }
}
