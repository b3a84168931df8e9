package cloud.avila.avx.benchmarks.workload;

import java.util.List;

/** Something to measure, with the contestant that runs it already started. */
public interface Workload extends AutoCloseable {
    /**
     * The rows of the comparison that a run gives a value for.
     *
     * @return their names, mostly one
     */
    List<String> rows();

    /**
     * Runs once and checks the result.
     *
     * @return a value for each row
     * @throws Exception if something was lost, doubled or late beyond patience
     */
    double[] run() throws Exception;

    /**
     * How many runs it takes at least to warm up.
     *
     * @return a number of runs
     */
    default int leastWarmUpRuns() {
        return 20;
    }

    /** Stops the contestant. */
    @Override
    void close();

    /**
     * Starts a contestant for a case.
     *
     * @param group the group of the case
     * @param id the name of the case
     * @param contestant who runs it
     * @param workers how many threads run tasks; the JDK's virtual threads take theirs from the
     *     system property {@code jdk.virtualThreadScheduler.parallelism} instead
     * @return what to run
     * @throws IllegalArgumentException if there is no such case or the contestant does not do it
     */
    static Workload open(String group, String id, String contestant, int workers) {
        return switch (group) {
            case "spawn" -> SpawnCase.of(id).open(contestant, workers);
            case "channel" -> Channels.open(id, contestant, workers);
            case "sync" -> SyncCase.of(id).open(contestant, workers);
            case "timer" -> TimerCase.open(id, contestant, workers);
            case "latency" -> new WakeUps(id, contestant, workers);
            case "stall" -> new Stall(id, contestant, workers);
            default -> throw new IllegalArgumentException("no group " + group);
        };
    }
}
