package cloud.avila.avx.internal.park;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Takes locks that are held for a few steps only, by fibers and by workers' own threads alike.
 *
 * <p>A worker's thread must not queue for a lock behind a fiber: the lock would be handed to the
 * fiber, which needs a worker to go on, and if every worker waits like that none ever does. So a
 * platform thread spins for such a lock, and takes it past those who queue. That ends because
 * nobody waits for anything while holding the lock.
 */
public final class ShortLocks {
    private static final int SPINS = 100;

    private ShortLocks() {}

    /**
     * Takes a lock under which no other lock is taken. A virtual thread may park for it.
     *
     * @param lock the lock
     */
    public static void acquire(ReentrantLock lock) {
        if (Thread.currentThread().isVirtual()) {
            lock.lock();
        } else {
            spin(lock, true);
        }
    }

    /**
     * Takes a lock under which others of the kind are taken. Since a thread may hold one while it
     * waits for the next, nobody gives up its processor for it but to the system.
     *
     * @param lock the lock
     */
    public static void acquireNested(ReentrantLock lock) {
        spin(lock, !Thread.currentThread().isVirtual());
    }

    private static void spin(ReentrantLock lock, boolean yields) {
        for (int i = 0; !lock.tryLock(); i++) {
            if (yields && i >= SPINS) {
                Thread.yield();
            } else {
                Thread.onSpinWait();
            }
        }
    }
}
