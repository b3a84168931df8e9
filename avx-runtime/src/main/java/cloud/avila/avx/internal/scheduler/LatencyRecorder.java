package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.metrics.LatencyHistogram;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Counts durations for a histogram: written by one thread at a time, read by any. */
final class LatencyRecorder {
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] counts = new long[LatencyHistogram.BUCKETS];

    void record(long nanos) {
        int bucket = LatencyHistogram.bucketOf(nanos);
        COUNT.setOpaque(counts, bucket, counts[bucket] + 1);
    }

    void addTo(long[] sums) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] += (long) COUNT.getOpaque(counts, i);
        }
    }
}
