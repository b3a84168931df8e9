package cloud.avila.avx.benchmarks.compare;

import cloud.avila.avx.benchmarks.workload.ChannelCase;
import cloud.avila.avx.benchmarks.workload.Contestant;
import cloud.avila.avx.benchmarks.workload.Pipe;
import cloud.avila.avx.benchmarks.workload.SpawnCase;

import java.util.Locale;

/**
 * Measures one case of one contestant and prints nanoseconds per operation, one number per sample.
 * The same loop as in the Tokio peer: run the workload until the warm-up time is over, then take
 * samples, each as many runs as fill the sample's time.
 */
public final class Measure {
    private static final int LEAST_WARM_UP_RUNS = 20;

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
        switch (args[0]) {
            case "spawn" -> {
                SpawnCase c = SpawnCase.of(args[1]);
                try (Contestant contestant = Contestant.open(args[2], c.usesJobs(), workers)) {
                    measure(() -> c.run(contestant), c.operations(), warmUp, samples, sample);
                }
            }
            case "channel" -> {
                ChannelCase c = ChannelCase.of(args[1]);
                Pipe.Factory pipes = Pipe.Factory.of(args[2]);
                try (Contestant contestant = Pipe.Factory.openFibers(args[2], workers)) {
                    measure(
                            () -> c.run(contestant, pipes),
                            c.operations(),
                            warmUp,
                            samples,
                            sample);
                }
            }
            default -> throw new IllegalArgumentException("no group " + args[0]);
        }
    }

    private static void measure(
            Workload workload, int operations, long warmUp, int samples, long sample)
            throws InterruptedException {
        long start = System.nanoTime();
        for (int run = 0; run < LEAST_WARM_UP_RUNS || System.nanoTime() - start < warmUp; run++) {
            workload.run();
        }
        for (int i = 0; i < samples; i++) {
            long begin = System.nanoTime();
            long elapsed;
            int runs = 0;
            do {
                workload.run();
                runs++;
                elapsed = System.nanoTime() - begin;
            } while (elapsed < sample);
            System.out.printf(Locale.ROOT, "%.2f%n", (double) elapsed / runs / operations);
        }
    }

    @FunctionalInterface
    private interface Workload {
        void run() throws InterruptedException;
    }
}
