package cloud.avila.avx.atomic;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A release store publishes what preceded it to an acquire load. */
@JCStressTest
@Outcome(
        id = {"0, 0", "0, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "before the store")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "after the store")
@Outcome(expect = Expect.FORBIDDEN, desc = "the value without what preceded it")
@State
public class AtomicBoxRelease {
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
        r.r1 = box.loadAcquire();
        r.r2 = before;
    }
}
