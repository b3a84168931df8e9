package cloud.avila.avx.time;

import java.time.Duration;

/** Durations as nanoseconds that can be added to a {@code nanoTime} without wrapping. */
final class Nanos {
    /** 146 years. */
    private static final long MAX = Long.MAX_VALUE >> 1;

    private static final Duration LONGEST = Duration.ofNanos(MAX);

    private Nanos() {}

    static long of(Duration duration) {
        if (duration.compareTo(LONGEST) >= 0) {
            return MAX;
        }
        return duration.isNegative() ? 0 : duration.toNanos();
    }
}
