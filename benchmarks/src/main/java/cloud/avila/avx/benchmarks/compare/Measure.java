package cloud.avila.avx.benchmarks.compare;

import cloud.avila.avx.benchmarks.workload.Workload;

import java.util.List;
import java.util.Locale;

/**
 * Measures one case of one contestant and prints a line {@code row=value ...} for each sample. The
 * same loop as in the Tokio peer: run the workload until the warm-up time is over, then take
 * samples, each the mean of as many runs as fill the sample's time; half as many samples if a run
 * takes much longer than that.
 */
public final class Measure {
    private static final int LONG_RUN = 2; // in samples

    private Measure() {}

    /**
     * Measures.
     *
     * @param args group, case, contestant, workers, warm-up in ms, number of samples, sample in ms
     * @throws Exception if the workload fails
     */
    public static void main(String[] args) throws Exception {
        if (args.length != 7) {
            throw new IllegalArgumentException(
                    "expected GROUP CASE CONTESTANT WORKERS WARM_UP_MS SAMPLES SAMPLE_MS");
        }
        int workers = Integer.parseInt(args[3]);
        long warmUp = Long.parseLong(args[4]) * 1_000_000;
        int samples = Integer.parseInt(args[5]);
        long sample = Long.parseLong(args[6]) * 1_000_000;
        try (Workload workload = Workload.open(args[0], args[1], args[2], workers)) {
            measure(workload, warmUp, samples, sample);
        }
    }

    private static void measure(Workload workload, long warmUp, int samples, long sample)
            throws Exception {
        long start = System.nanoTime();
        long last = start;
        long lastRun = 0;
        int least = workload.leastWarmUpRuns();
        for (int run = 0; run < least || last - start < warmUp; run++) {
            workload.run();
            long now = System.nanoTime();
            lastRun = now - last;
            last = now;
        }
        int wanted = lastRun > LONG_RUN * sample ? (samples + 1) / 2 : samples;
        List<String> rows = workload.rows();
        for (int i = 0; i < wanted; i++) {
            double[] sums = new double[rows.size()];
            int runs = 0;
            long begin = System.nanoTime();
            do {
                double[] values = workload.run();
                for (int row = 0; row < sums.length; row++) {
                    sums[row] += values[row];
                }
                runs++;
            } while (System.nanoTime() - begin < sample);
            var line = new StringBuilder();
            for (int row = 0; row < sums.length; row++) {
                line.append(
                        String.format(Locale.ROOT, "%s=%.3f ", rows.get(row), sums[row] / runs));
            }
            System.out.println(line.toString().strip());
        }
    }
}
