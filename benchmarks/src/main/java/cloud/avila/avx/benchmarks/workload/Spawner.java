package cloud.avila.avx.benchmarks.workload;

/** Starts tasks that run concurrently with the caller; callable from any thread. */
@FunctionalInterface
public interface Spawner {
    /**
     * Starts a task.
     *
     * @param task what to run
     */
    void spawn(Task task);
}
