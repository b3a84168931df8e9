package cloud.avila.avx.task;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Who registers sees what was written before the wake-up, or is woken by it, or both. */
@JCStressTest
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "seen by the look after registering")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "woken, and sees it then")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "seen, and woken")
@Outcome(expect = Expect.FORBIDDEN, desc = "lost, or woken without seeing it")
@State
public class WakerCellWakeUp {
    private final WakerCell cell = new WakerCell();
    private int value;
    private int valueWhenWoken;
    private final Waker waker = () -> valueWhenWoken = value;

    /** Waits: registers, then looks. */
    @Actor
    public void waiter(II_Result r) {
        cell.register(waker);
        r.r1 = value;
    }

    /** Has something: writes, then wakes. The waker looks at what was written. */
    @Actor
    public void producer(II_Result r) {
        value = 1;
        cell.wake();
        r.r2 = valueWhenWoken;
    }
}
