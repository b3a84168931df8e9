package cloud.avila.avx.actuator;

import cloud.avila.avx.metrics.LatencyHistogram;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A histogram for people and charts: percentiles, and counts since the start in buckets that double
 * in width, so that the difference of two answers is what happened between them.
 *
 * @param count how many values were recorded
 * @param p50 half of the values were no higher
 * @param p99 of a hundred values 99 were no higher
 * @param max the highest value
 * @param upperBounds the end of each bucket but the last, in seconds
 * @param counts how many values were in each bucket; the last one has no end
 */
public record LatencyDescription(
        long count,
        Duration p50,
        Duration p99,
        Duration max,
        List<Double> upperBounds,
        List<Long> counts) {

    private static final int FIRST_EXPONENT = 10; // 1.024 µs
    private static final int LAST_EXPONENT = 34; // 17.2 s
    private static final double NANOS_PER_SECOND = 1e9;

    /** Keeps its own copies of the lists. */
    public LatencyDescription {
        upperBounds = List.copyOf(upperBounds);
        counts = List.copyOf(counts);
    }

    static LatencyDescription of(LatencyHistogram histogram) {
        int bounds = LAST_EXPONENT - FIRST_EXPONENT + 1;
        List<Double> upperBounds = new ArrayList<>();
        long[] counts = new long[bounds + 1];
        for (int i = 0; i < bounds; i++) {
            upperBounds.add((1L << (FIRST_EXPONENT + i)) / NANOS_PER_SECOND);
        }
        for (int bucket = 0; bucket < LatencyHistogram.BUCKETS; bucket++) {
            long highest = LatencyHistogram.highestIn(bucket);
            int exponent = Long.SIZE - Long.numberOfLeadingZeros(highest);
            counts[Math.clamp(exponent - FIRST_EXPONENT, 0, bounds)] += histogram.countIn(bucket);
        }
        return new LatencyDescription(
                histogram.count(),
                histogram.percentile(0.5),
                histogram.percentile(0.99),
                histogram.max(),
                upperBounds,
                Arrays.stream(counts).boxed().toList());
    }
}
