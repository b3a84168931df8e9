package cloud.avila.avx.sync;

import cloud.avila.avx.metrics.LockMetrics;

import java.util.List;

/**
 * How much is waited for the {@link Mutex}, {@link RwLock} and {@link Semaphore} that were given a
 * name, in the whole JVM. Locks of one kind and name are counted together; beyond 256 names all
 * further ones of a kind are counted as {@code (other)}. Only a thread that queues is counted, and
 * about one wait in eight is timed, so a lock without contention pays nothing.
 */
public final class NamedLocks {
    private NamedLocks() {}

    /**
     * The waits so far.
     *
     * @return one entry for each kind and name, those waited for longest first
     */
    public static List<LockMetrics> metrics() {
        return LockStatistics.ALL.snapshot();
    }
}
