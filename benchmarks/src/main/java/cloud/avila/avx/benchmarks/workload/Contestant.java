package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.RuntimeConfig;

import java.util.concurrent.ForkJoinPool;

/** What runs a workload's tasks, under the name the comparison prints. */
public interface Contestant extends Spawner, AutoCloseable {
    /** Stops the contestant's threads. */
    @Override
    void close();

    /**
     * Starts a contestant.
     *
     * @param name {@code avx}, {@code forkjoin} (jobs only) or {@code jdk-virtual} (fibers only)
     * @param jobs true for jobs, false for fibers
     * @param workers how many threads run tasks; the JDK's virtual threads take theirs from the
     *     system property {@code jdk.virtualThreadScheduler.parallelism} instead
     * @return the running contestant
     * @throws IllegalArgumentException if there is none of that name for that kind of task
     */
    static Contestant open(String name, boolean jobs, int workers) {
        return switch (name + (jobs ? " jobs" : " fibers")) {
            case "avx jobs" -> new AvxJobs(workers);
            case "avx fibers" -> new AvxFibers(workers);
            case "forkjoin jobs" -> new ForkJoin(workers);
            case "jdk-virtual fibers" -> new JdkVirtual();
            default ->
                    throw new IllegalArgumentException(
                            "no contestant " + name + " for " + (jobs ? "jobs" : "fibers"));
        };
    }

    private static AvxRuntime avx(int workers) {
        return AvxRuntime.create(RuntimeConfig.builder().workerThreads(workers).build());
    }

    /** Jobs of an {@link AvxRuntime}. */
    final class AvxJobs implements Contestant {
        private final AvxRuntime runtime;
        private final Handle handle;

        AvxJobs(int workers) {
            runtime = avx(workers);
            handle = runtime.handle();
        }

        @Override
        public void spawn(Task task) {
            handle.execute(task);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    /** Fibers of an {@link AvxRuntime}. */
    final class AvxFibers implements Contestant {
        private final AvxRuntime runtime;
        private final Handle handle;

        AvxFibers(int workers) {
            runtime = avx(workers);
            handle = runtime.handle();
        }

        @Override
        public void spawn(Task task) {
            handle.spawn(task);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    /** Tasks of a {@link ForkJoinPool} in async mode, as the JDK's own schedulers use it. */
    final class ForkJoin implements Contestant {
        private final ForkJoinPool pool;

        ForkJoin(int workers) {
            pool =
                    new ForkJoinPool(
                            workers, ForkJoinPool.defaultForkJoinWorkerThreadFactory, null, true);
        }

        @Override
        public void spawn(Task task) {
            pool.execute((Runnable) task);
        }

        @Override
        public void close() {
            pool.close();
        }
    }

    /** Virtual threads of the JDK. */
    final class JdkVirtual implements Contestant {
        @Override
        public void spawn(Task task) {
            Thread.startVirtualThread(task);
        }

        @Override
        public void close() {}
    }
}
