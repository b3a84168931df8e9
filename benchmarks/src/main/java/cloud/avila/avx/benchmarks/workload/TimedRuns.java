package cloud.avila.avx.benchmarks.workload;

import java.util.List;

/** A workload whose only value is the time of a run, divided by its operations. */
final class TimedRuns implements Workload {
    /** One run. */
    @FunctionalInterface
    interface Body {
        void run() throws Exception;
    }

    /** From this many operations on, a run is its own warm-up. */
    private static final int LONG_RUN = 1_000_000;

    private final String row;
    private final int operations;
    private final Body body;
    private final Contestant contestant;

    TimedRuns(String row, int operations, Contestant contestant, Body body) {
        this.row = row;
        this.operations = operations;
        this.contestant = contestant;
        this.body = body;
    }

    @Override
    public List<String> rows() {
        return List.of(row);
    }

    @Override
    public double[] run() throws Exception {
        long begin = System.nanoTime();
        body.run();
        return new double[] {(double) (System.nanoTime() - begin) / operations};
    }

    @Override
    public int leastWarmUpRuns() {
        return operations >= LONG_RUN ? 1 : Workload.super.leastWarmUpRuns();
    }

    @Override
    public void close() {
        contestant.close();
    }
}
