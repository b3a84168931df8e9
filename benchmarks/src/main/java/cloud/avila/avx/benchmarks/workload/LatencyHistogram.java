package cloud.avila.avx.benchmarks.workload;

/** Latencies in buckets of 100 ns below 2 ms and of 100 µs up to 4 s; longer ones count as 4 s. */
public final class LatencyHistogram {
    private static final int FINE_NANOS = 100;
    private static final int COARSE_NANOS = 100_000;
    private static final int FINE_BUCKETS = 20_000;
    private static final int COARSE_FROM = FINE_BUCKETS * FINE_NANOS;

    private final int[] buckets = new int[60_000];
    private long count;
    private long max;

    /** Makes an empty histogram. */
    public LatencyHistogram() {}

    /**
     * Adds a latency.
     *
     * @param nanos how long it was, not negative
     */
    public void record(long nanos) {
        long bucket =
                nanos < COARSE_FROM
                        ? nanos / FINE_NANOS
                        : FINE_BUCKETS + (nanos - COARSE_FROM) / COARSE_NANOS;
        buckets[(int) Math.min(bucket, buckets.length - 1)]++;
        count++;
        max = Math.max(max, nanos);
    }

    long count() {
        return count;
    }

    long maxNanos() {
        return max;
    }

    /**
     * A quantile.
     *
     * @param quantile 0 to 1
     * @return the lower bound of its bucket in microseconds, 0 if nothing was recorded
     */
    public double micros(double quantile) {
        long rank = (long) (quantile * count);
        long seen = 0;
        for (int i = 0; i < buckets.length; i++) {
            seen += buckets[i];
            if (seen > rank) {
                double nanos =
                        i < FINE_BUCKETS
                                ? (double) i * FINE_NANOS
                                : COARSE_FROM + (double) (i - FINE_BUCKETS) * COARSE_NANOS;
                return nanos / 1000;
            }
        }
        return 0;
    }
}
