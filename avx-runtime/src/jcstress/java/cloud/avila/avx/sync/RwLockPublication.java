package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A reader sees all of a write or nothing, whoever of the two has to wait. */
@JCStressTest
@Outcome(
        id = {"0, 0", "1, 1", "2, 2"},
        expect = Expect.ACCEPTABLE,
        desc = "before, between or after")
@Outcome(expect = Expect.FORBIDDEN, desc = "read while somebody wrote")
@State
public class RwLockPublication {
    private final RwLock lock = new RwLock();
    private int one;
    private int other;

    /** Spreads the readers. */
    public RwLockPublication() {
        lock.spread();
    }

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

    /** Reads. */
    @Actor
    public void reader(II_Result r) {
        lock.readLock().lock();
        r.r1 = one;
        r.r2 = other;
        lock.readLock().unlock();
    }
}
