package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** What was read between a stamp and its validation is of one moment. */
@JCStressTest
@Outcome(
        id = {"0, 0", "1, 1", "2, 2"},
        expect = Expect.ACCEPTABLE,
        desc = "before, between or after")
@Outcome(id = "-1, -1", expect = Expect.ACCEPTABLE, desc = "not valid")
@Outcome(expect = Expect.FORBIDDEN, desc = "a valid stamp lies")
@State
public class RwLockStamps {
    private final RwLock lock = new RwLock();
    private int one;
    private int other;

    /** Writes twice. */
    @Actor
    public void writer() {
        write();
        write();
    }

    private void write() {
        lock.writeLock().lock();
        one++;
        other++;
        lock.writeLock().unlock();
    }

    /** Reads without a lock. */
    @Actor
    public void reader(II_Result r) {
        long stamp = lock.tryOptimisticRead();
        int first = one;
        int second = other;
        boolean valid = lock.validate(stamp);
        r.r1 = valid ? first : -1;
        r.r2 = valid ? second : -1;
    }
}
