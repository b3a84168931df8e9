package cloud.avila.avx.benchmarks.workload;

/** Tasks of 10 microseconds each that keep all workers busy until this is closed. */
final class Load implements AutoCloseable {
    private static final long STALL_NANOS = 10_000;

    private final Spawner spawner;
    private final Tally ended;
    private final Runnable perTurn;
    private volatile boolean stopped;

    private Load(Spawner spawner, int tasks, Runnable perTurn) {
        this.spawner = spawner;
        this.perTurn = perTurn;
        this.ended = new Tally(tasks, tasks);
    }

    /** Fibers that yield after each turn of work. */
    static Load yielding(Spawner spawner, int fibers) {
        return start(spawner, fibers, true, () -> {});
    }

    /** Tasks that each start a successor after a turn of work. */
    static Load respawning(Spawner spawner, int tasks) {
        return start(spawner, tasks, false, () -> {});
    }

    /** Either, calling something at the end of each turn. */
    static Load start(Spawner spawner, int tasks, boolean yielding, Runnable perTurn) {
        var load = new Load(spawner, tasks, perTurn);
        Task task = yielding ? load::computeAndYield : load::computeAndRespawn;
        for (int i = 0; i < tasks; i++) {
            spawner.spawn(task);
        }
        return load;
    }

    @SuppressWarnings("ThreadPriorityCheck") // the yield is what is measured
    private void computeAndYield() {
        while (!stopped) {
            Thread.yield();
            compute();
            perTurn.run();
        }
        ended.add(1);
    }

    private void computeAndRespawn() {
        if (stopped) {
            ended.add(1);
        } else {
            compute();
            perTurn.run();
            spawner.spawn(this::computeAndRespawn);
        }
    }

    private static void compute() {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < STALL_NANOS) {
            Thread.onSpinWait();
        }
    }

    /** Stops the load and waits for its last tasks. */
    @Override
    public void close() throws InterruptedException {
        stopped = true;
        ended.await();
    }
}
