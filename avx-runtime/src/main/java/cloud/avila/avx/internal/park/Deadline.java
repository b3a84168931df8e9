package cloud.avila.avx.internal.park;

import java.time.Duration;

/** Turns a {@link Duration} into a deadline by {@link System#nanoTime()}. */
public final class Deadline {
    private static final long FOREVER = Long.MAX_VALUE / 2; // 146 years: deadlines never overflow

    /** 10 microseconds. A shorter wait would be over before the thread can park. */
    private static final long SHORTEST = 10_000;

    private Deadline() {}

    /**
     * The deadline that lies a duration ahead of now, and far enough for the thread to park:
     * whoever waits in a loop with tiny timeouts must not keep its worker from those it waits for.
     *
     * @param timeout how long; zero or less is now, less than 10 microseconds is 10 microseconds,
     *     146 years or more is 146 years
     * @return a value of {@link System#nanoTime()}
     */
    public static long after(Duration timeout) {
        return afterNanos(nanos(timeout));
    }

    /**
     * The deadline that lies some nanoseconds ahead of now, see {@link #after}.
     *
     * @param nanos how many; zero or less is now, less than 10 microseconds is 10 microseconds, 146
     *     years or more is 146 years
     * @return a value of {@link System#nanoTime()}
     */
    public static long afterNanos(long nanos) {
        long now = System.nanoTime();
        return nanos <= 0 ? now : now + Math.clamp(nanos, SHORTEST, FOREVER);
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
