package cloud.avila.avx.sync;

/**
 * Holds a lock until it is closed, for try-with-resources. Used by the thread that acquired it.
 *
 * {@snippet :
 * try (var g = mutex.acquire()) {
 *     balance += amount;
 * }
 * }
 */
public interface Guard extends AutoCloseable {
    /**
     * Releases the lock. Does nothing the second time.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    void close();
}
