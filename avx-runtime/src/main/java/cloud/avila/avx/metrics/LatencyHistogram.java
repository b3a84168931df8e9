package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Arrays;

/**
 * A snapshot of how long something took: counts in buckets whose width grows with the value, so
 * that any value is known to within 1/16, from a nanosecond to centuries.
 *
 * <p>The buckets are log-linear: 16 of equal width between one power of two and the next, as in HDR
 * histograms with a precision of four bits.
 */
public final class LatencyHistogram {
    private static final int SUB_BITS = 4;
    private static final int SUB = 1 << SUB_BITS;

    /** How many buckets there are. */
    public static final int BUCKETS = (Long.SIZE - SUB_BITS) * SUB;

    private final long[] counts;
    private final long count;

    /**
     * Keeps its own copy of the counts.
     *
     * @param counts one for each bucket, {@link #BUCKETS} in all
     * @throws IllegalArgumentException if their number is wrong
     */
    public LatencyHistogram(long[] counts) {
        if (counts.length != BUCKETS) {
            throw new IllegalArgumentException(
                    "there are " + BUCKETS + " buckets, but " + counts.length + " counts");
        }
        this.counts = counts.clone();
        this.count = Arrays.stream(this.counts).sum();
    }

    /**
     * The bucket of a value.
     *
     * @param nanos the value in nanoseconds; a negative one counts as zero
     * @return its number, from 0
     */
    public static int bucketOf(long nanos) {
        if (nanos < SUB) {
            return (int) Math.max(0, nanos);
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        int shift = exponent - SUB_BITS;
        return ((shift + 1) << SUB_BITS) + (int) (nanos >>> shift) - SUB;
    }

    /**
     * The highest value of a bucket.
     *
     * @param bucket its number
     * @return the value in nanoseconds
     */
    public static long highestIn(int bucket) {
        if (bucket < SUB) {
            return bucket;
        }
        int shift = (bucket >>> SUB_BITS) - 1;
        long first = (long) (SUB + (bucket & (SUB - 1))) << shift;
        return first + (1L << shift) - 1;
    }

    /**
     * How many values were recorded.
     *
     * @return their number
     */
    public long count() {
        return count;
    }

    /**
     * How many values were recorded in a bucket.
     *
     * @param bucket its number
     * @return their number
     */
    public long countIn(int bucket) {
        return counts[bucket];
    }

    /**
     * The value that the given share of values does not exceed.
     *
     * @param share 0 to 1, for example 0.99
     * @return the value, rounded up to the end of its bucket; zero if nothing was recorded
     * @throws IllegalArgumentException if the share is out of range
     */
    public Duration percentile(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share must be between 0 and 1, but is " + share);
        }
        long rank = Math.max(1, (long) Math.ceil(share * count));
        long seen = 0;
        for (int i = 0; i < BUCKETS; i++) {
            seen += counts[i];
            if (seen >= rank) {
                return Duration.ofNanos(highestIn(i));
            }
        }
        return Duration.ZERO;
    }

    /**
     * The highest value recorded.
     *
     * @return the value, rounded up to the end of its bucket; zero if nothing was recorded
     */
    public Duration max() {
        return percentile(1);
    }

    /**
     * The values of both.
     *
     * @param other another histogram
     * @return a new one
     */
    public LatencyHistogram plus(LatencyHistogram other) {
        long[] sum = counts.clone();
        for (int i = 0; i < BUCKETS; i++) {
            sum[i] += other.counts[i];
        }
        return new LatencyHistogram(sum);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LatencyHistogram h && Arrays.equals(counts, h.counts);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(counts);
    }

    @Override
    public String toString() {
        return "LatencyHistogram[count=%d, p50=%s, p99=%s, max=%s]"
                .formatted(count, percentile(0.5), percentile(0.99), max());
    }
}
