package cloud.avila.avx.sync;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * Holds the upgradeable read lock of a {@link RwLock} until it is closed. Meanwhile others may
 * read, but only this one can come to write.
 *
 * {@snippet :
 * try (var u = lock.upgradeableRead()) {
 *     if (!map.containsKey(key)) {
 *         try (var w = u.upgrade()) {
 *             map.put(key, load(key));
 *         }
 *     }
 * }
 * }
 */
public interface UpgradeableGuard extends Guard {
    /**
     * Waits until those who read now are done, while nobody starts to read, and then holds the
     * write lock. What was read before is still true: nobody else has written.
     *
     * @return the guard of the write lock; closing it leaves the upgradeable read lock
     * @throws InterruptedException if the calling thread is interrupted; the upgradeable read lock
     *     is still held
     * @throws IllegalMonitorStateException if the calling thread does not hold this lock, or has
     *     upgraded it already
     */
    Guard upgrade() throws InterruptedException;

    /**
     * Upgrades if nobody reads.
     *
     * @return the guard of the write lock, or null; closing it leaves the upgradeable read lock
     * @throws IllegalMonitorStateException if the calling thread does not hold this lock, or has
     *     upgraded it already
     */
    @Nullable Guard tryUpgrade();

    /**
     * Upgrades, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the guard of the write lock, or null when time is up; closing it leaves the
     *     upgradeable read lock
     * @throws InterruptedException if the calling thread is interrupted; the upgradeable read lock
     *     is still held
     * @throws IllegalMonitorStateException if the calling thread does not hold this lock, or has
     *     upgraded it already
     */
    @Nullable Guard tryUpgrade(Duration timeout) throws InterruptedException;

    /**
     * Turns the lock into a plain read lock, so that another thread may come to write when this one
     * is done. This guard is closed by that.
     *
     * @return the guard of the read lock, to close when done
     * @throws IllegalMonitorStateException if the calling thread does not hold this lock, or holds
     *     the write lock
     * @throws IllegalStateException if this guard is closed
     */
    Guard downgrade();
}
