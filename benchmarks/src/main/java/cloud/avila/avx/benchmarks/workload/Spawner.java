package cloud.avila.avx.benchmarks.workload;

import java.util.concurrent.Callable;
import java.util.concurrent.Future;

/** Starts tasks that run concurrently with the caller; callable from any thread. */
@FunctionalInterface
public interface Spawner {
    /**
     * Starts a task.
     *
     * @param task what to run
     */
    void spawn(Task task);

    /**
     * Starts a poll task.
     *
     * @param future what it polls
     * @throws UnsupportedOperationException if no poll tasks are run here
     */
    default void spawnFuture(cloud.avila.avx.task.Future<?> future) {
        throw new UnsupportedOperationException("no poll tasks");
    }

    /**
     * Starts a task whose result is asked for.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return its handle
     * @throws UnsupportedOperationException if the tasks started here have no results
     */
    default <T> Future<T> submit(Callable<T> task) {
        throw new UnsupportedOperationException("tasks without handles");
    }

    /**
     * Starts a task that may block a platform thread for long.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return its handle
     * @throws UnsupportedOperationException if there is no pool of threads behind this
     */
    default <T> Future<T> submitBlocking(Callable<T> task) {
        throw new UnsupportedOperationException("no pool for blocking tasks");
    }
}
