package cloud.avila.avx.internal.park;

import java.time.Duration;

/** Turns a {@link Duration} into a deadline by {@link System#nanoTime()}. */
public final class Deadline {
    private static final long FOREVER = Long.MAX_VALUE / 2; // 146 years: deadlines never overflow

    private Deadline() {}

    /**
     * The deadline that lies a duration ahead of now.
     *
     * @param timeout how long; zero or less is now, 146 years or more is 146 years
     * @return a value of {@link System#nanoTime()}
     */
    public static long after(Duration timeout) {
        return System.nanoTime() + nanos(timeout);
    }

    /**
     * The deadline that lies some nanoseconds ahead of now.
     *
     * @param nanos how many; zero or less is now, 146 years or more is 146 years
     * @return a value of {@link System#nanoTime()}
     */
    public static long afterNanos(long nanos) {
        return System.nanoTime() + Math.clamp(nanos, 0, FOREVER);
    }

    /**
     * A duration in nanoseconds.
     *
     * @param timeout how long
     * @return from 0 to 146 years, the nearest to the duration
     */
    public static long nanos(Duration timeout) {
        if (timeout.isNegative()) {
            return 0;
        }
        return timeout.getSeconds() >= FOREVER / 1_000_000_000L ? FOREVER : timeout.toNanos();
    }
}
