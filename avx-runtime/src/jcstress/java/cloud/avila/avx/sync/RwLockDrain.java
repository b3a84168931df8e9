package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * The last reader to leave and the writer that is about to wait for it do not miss each other: the
 * test would hang.
 */
@JCStressTest
@Outcome(id = "3", expect = Expect.ACCEPTABLE, desc = "every write came about")
@Outcome(expect = Expect.FORBIDDEN, desc = "a lost write")
@State
public class RwLockDrain {
    private final RwLock lock = new RwLock();
    private int count;

    /** Reads, then writes. */
    @Actor
    public void reader() {
        lock.readLock().lock();
        lock.readLock().unlock();
        lock.readLock().lock();
        lock.readLock().unlock();
        write();
    }

    /** Writes twice. */
    @Actor
    public void writer() {
        write();
        write();
    }

    private void write() {
        lock.writeLock().lock();
        count++;
        lock.writeLock().unlock();
    }

    /** Reads. */
    @Arbiter
    public void result(I_Result r) {
        r.r1 = count;
    }
}
