package cloud.avila.avx.atomic;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** An acquire exchange sees what preceded the store of the value that it finds. */
@JCStressTest
@Outcome(
        id = {"0, 0", "0, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "before the store")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "after the store")
@Outcome(expect = Expect.FORBIDDEN, desc = "the value without what preceded it")
@State
public class AtomicBoxExchangeAcquire {
    private static final Integer ZERO = 0;
    private static final Integer ONE = 1;

    private final AtomicBox<Integer> box = AtomicBox.of(ZERO);
    private int before;

    /** Writes, then stores. */
    @Actor
    public void writer() {
        before = 1;
        box.storeRelease(ONE);
    }

    /** Loads, then reads. */
    @Actor
    public void reader(II_Result r) {
        r.r1 = box.compareExchangeAcquire(ONE, ZERO);
        r.r2 = before;
    }
}
