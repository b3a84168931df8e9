package cloud.avila.avx.sample.aggregate;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The observations of one timer in one window. Count, mean and maximum are exact; percentiles come
 * from a uniform sample once there are more than {@value #MAX_VALUES} observations.
 */
final class TimingSummary {
    static final int MAX_VALUES = 1024;

    private static final long SEED = 0x9E3779B97F4A7C15L;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private double[] values = new double[4];
    private long seen;
    private double count;
    private double sum;
    private double max = Double.NEGATIVE_INFINITY;

    /**
     * Adds an observation.
     *
     * @return whether it takes memory
     */
    boolean add(double value, double weight) {
        count = Aggregator.finite(count + weight);
        sum = Aggregator.finite(sum + Aggregator.finite(value * weight));
        max = Math.max(max, value);
        long index = seen++;
        if (index < MAX_VALUES) {
            if (index == values.length) {
                values = Arrays.copyOf(values, 2 * values.length);
            }
            values[(int) index] = value;
            return true;
        }
        long slot = random.nextLong(seen);
        if (slot < MAX_VALUES) {
            values[(int) slot] = value;
        }
        return false;
    }

    double count() {
        return count;
    }

    double mean() {
        return sum / count;
    }

    double max() {
        return max;
    }

    /** Percentiles by the nearest-rank method. */
    double[] percentiles(double... ranks) {
        double[] sorted = Arrays.copyOf(values, (int) Math.min(seen, MAX_VALUES));
        Arrays.sort(sorted);
        double[] result = new double[ranks.length];
        for (int i = 0; i < ranks.length; i++) {
            int rank = (int) Math.ceil(ranks[i] / 100 * sorted.length);
            result[i] = sorted[Math.max(0, rank - 1)];
        }
        return result;
    }
}
