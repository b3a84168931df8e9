package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * What is written with the only permit is seen by whoever takes it next, whether it waited or not,
 * while the limit goes up and down.
 */
@JCStressTest
@Outcome(id = "4, 1", expect = Expect.ACCEPTABLE, desc = "each saw the other's writes")
@Outcome(expect = Expect.FORBIDDEN, desc = "a lost update, or a lost permit")
@State
public class SemaphorePublication {
    private final Semaphore semaphore = new Semaphore(1);
    private int count;

    /** Counts to two. */
    @Actor
    public void one() {
        increment();
        increment();
    }

    /** Counts to two, and lowers the limit to nothing meanwhile. */
    @Actor
    public void other() {
        increment();
        semaphore.setLimit(0);
        semaphore.setLimit(1);
        increment();
    }

    private void increment() {
        try {
            semaphore.acquire();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        count++;
        semaphore.release();
    }

    /** Reads. */
    @Arbiter
    public void result(II_Result r) {
        r.r1 = count;
        r.r2 = semaphore.availablePermits();
    }
}
