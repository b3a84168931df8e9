package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.locks.LockSupport;

/**
 * Puts the calling thread to sleep and wakes others. Every wait of the runtime goes through here,
 * so that there is one place to change how threads sleep.
 *
 * <p>The contract is that of {@link LockSupport}: one permit a thread, a park may return for no
 * reason, returns at once when the thread is interrupted and leaves the interrupt status as it is.
 * Callers park in a loop around their condition.
 */
public final class Parker {
    private Parker() {}

    /**
     * Waits for a permit.
     *
     * @param blocker what the thread waits on, for diagnosis
     */
    public static void park(Object blocker) {
        LockSupport.park(blocker);
    }

    /**
     * Waits for a permit for a limited time.
     *
     * @param blocker what the thread waits on, for diagnosis
     * @param nanos the most nanoseconds to wait; returns at once when zero or negative
     */
    public static void parkNanos(Object blocker, long nanos) {
        LockSupport.parkNanos(blocker, nanos);
    }

    /**
     * Gives the thread its permit.
     *
     * @param thread the thread to wake; null does nothing
     */
    public static void unpark(@Nullable Thread thread) {
        LockSupport.unpark(thread);
    }

    /**
     * What a thread waits on.
     *
     * @param thread any thread
     * @return the blocker it gave, or null if it gave none or does not wait
     */
    public static @Nullable Object blockerOf(Thread thread) {
        return LockSupport.getBlocker(thread);
    }
}
