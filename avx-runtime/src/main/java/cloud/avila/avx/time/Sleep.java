package cloud.avila.avx.time;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;

import java.time.Duration;

/**
 * Sleeping of the calling thread. A fiber that sleeps costs a timer and no thread.
 *
 * <p>An instance is what a sleeping thread shows as its {@linkplain
 * java.util.concurrent.locks.LockSupport#getBlocker blocker}.
 */
public final class Sleep {
    private final Duration duration;

    private Sleep(Duration duration) {
        this.duration = duration;
    }

    /**
     * Sleeps. Works on fibers, other virtual threads and platform threads. Never returns early; a
     * fiber returns at most a tick of the timer wheel (below 0.1 ms) after the time, plus the time
     * until a worker and the processor are free.
     *
     * @param duration how long; zero or less returns at once, more than 146 years sleeps for 146
     *     years
     * @throws InterruptedException if the thread is interrupted, before or while it sleeps; its
     *     interrupt status is then clear
     */
    public static void of(Duration duration) throws InterruptedException {
        long nanos = Deadline.nanos(duration);
        if (nanos <= 0) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            return;
        }
        until(System.nanoTime() + nanos, new Sleep(duration));
    }

    /** Sleeps until a {@code nanoTime}. */
    static void until(long deadline, Object blocker) throws InterruptedException {
        for (; ; ) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return;
            }
            Parker.parkNanos(blocker, left);
        }
    }

    @Override
    public String toString() {
        return "Sleep[" + duration + "]";
    }
}
