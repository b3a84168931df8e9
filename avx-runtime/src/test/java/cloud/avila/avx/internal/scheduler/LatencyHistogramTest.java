package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.LatencyHistogram;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Random;

class LatencyHistogramTest {
    @Test
    void everyValueIsInABucketNoWiderThanASixteenth() {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int i = 0; i < 100_000; i++) {
            long value = random.nextLong() >>> 1 + random.nextInt(62);
            int bucket = LatencyHistogram.bucketOf(value);
            long highest = LatencyHistogram.highestIn(bucket);
            assertTrue(value <= highest, () -> value + " is above its bucket, seed " + seed);
            assertTrue(highest - value <= value / 16, () -> value + ", seed " + seed);
            assertTrue(bucket == 0 || LatencyHistogram.highestIn(bucket - 1) < value);
        }
        assertTrue(LatencyHistogram.bucketOf(Long.MAX_VALUE) < LatencyHistogram.BUCKETS);
        assertEquals(0, LatencyHistogram.bucketOf(-5));
    }

    @Test
    void percentilesAreThoseOfTheValues() {
        var recorder = new LatencyRecorder();
        for (int i = 1; i <= 1_000; i++) {
            recorder.record(i * 1_000L);
        }
        long[] sums = new long[LatencyHistogram.BUCKETS];
        recorder.addTo(sums);
        var histogram = new LatencyHistogram(sums);
        assertEquals(1_000, histogram.count());
        assertWithin(500_000, histogram.percentile(0.5));
        assertWithin(990_000, histogram.percentile(0.99));
        assertWithin(1_000_000, histogram.max());
        assertEquals(2_000, histogram.plus(histogram).count());
        assertThrows(IllegalArgumentException.class, () -> histogram.percentile(1.1));
        assertThrows(IllegalArgumentException.class, () -> new LatencyHistogram(new long[3]));
        assertEquals(
                Duration.ZERO,
                new LatencyHistogram(new long[LatencyHistogram.BUCKETS]).percentile(0.5));
    }

    private static void assertWithin(long nanos, Duration found) {
        long difference = found.toNanos() - nanos;
        assertTrue(difference >= 0 && difference <= nanos / 16, () -> nanos + " but " + found);
    }

    @Test
    void aRuntimeMeasuresSomeOfItsTasks() throws Exception {
        try (var rt = AvxRuntime.create()) {
            rt.blockOn(
                    () -> {
                        for (int i = 0; i < 1_000; i++) {
                            rt.spawn(() -> null).join();
                        }
                        return null;
                    });
            assertTrue(rt.metrics().scheduleLatency().count() > 0);
            assertTrue(rt.metrics().taskTime().count() > 0);
        }
    }
}
