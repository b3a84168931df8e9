package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.RuntimeConfig;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/** What runs a workload's tasks, under the name the comparison prints. */
public interface Contestant extends Spawner, AutoCloseable {
    /** Stops the contestant's threads. */
    @Override
    void close();

    /**
     * Starts a contestant.
     *
     * @param name {@code avx}, {@code forkjoin} (jobs only), {@code jdk-virtual} or {@code
     *     cached-pool} (fibers only: the JDK's, with a pool for what blocks)
     * @param kind of task
     * @param workers how many threads run tasks; the JDK's virtual threads take theirs from the
     *     system property {@code jdk.virtualThreadScheduler.parallelism} instead
     * @return the running contestant
     * @throws IllegalArgumentException if there is none of that name for that kind of task
     */
    static Contestant open(String name, Kind kind, int workers) {
        return switch (name + " " + kind) {
            case "avx JOB" -> new AvxJobs(workers);
            case "avx FIBER" -> new AvxFibers(workers);
            case "avx POLL" -> new AvxPollTasks(workers);
            case "forkjoin JOB" -> new ForkJoin(workers);
            case "jdk-virtual FIBER", "cached-pool FIBER" -> new JdkVirtual();
            default -> throw new IllegalArgumentException("no contestant " + name + " " + kind);
        };
    }

    /** The kinds of task. */
    enum Kind {
        /** Runs to completion and must not block. */
        JOB,
        /** May park. */
        FIBER,
        /** Is polled. */
        POLL
    }

    /** Jobs of an {@link AvxRuntime}. */
    final class AvxJobs extends Avx {
        AvxJobs(int workers) {
            super(workers);
        }

        @Override
        public void spawn(Task task) {
            handle.execute(task);
        }
    }

    /** Fibers of an {@link AvxRuntime}. */
    final class AvxFibers extends Avx {
        AvxFibers(int workers) {
            super(workers);
        }

        @Override
        public void spawn(Task task) {
            handle.spawn(task);
        }

        @Override
        public <T> Future<T> submit(Callable<T> task) {
            return handle.spawn(task);
        }

        @Override
        public <T> Future<T> submitBlocking(Callable<T> task) {
            return handle.spawnBlocking(task);
        }
    }

    /** Poll tasks of an {@link AvxRuntime}. */
    final class AvxPollTasks extends Avx {
        AvxPollTasks(int workers) {
            super(workers);
        }

        @Override
        public void spawn(Task task) {
            handle.spawnFuture(task);
        }

        @Override
        public void spawnFuture(cloud.avila.avx.task.Future<?> future) {
            handle.spawnFuture(future);
        }
    }

    /** A running {@link AvxRuntime}. */
    abstract class Avx implements Contestant {
        final AvxRuntime runtime;
        final Handle handle;

        Avx(int workers) {
            runtime = AvxRuntime.create(RuntimeConfig.builder().workerThreads(workers).build());
            handle = runtime.handle();
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
        private final ExecutorService forBlocking = Executors.newCachedThreadPool();

        @Override
        public void spawn(Task task) {
            Thread.startVirtualThread(task);
        }

        @Override
        public <T> Future<T> submit(Callable<T> task) {
            var future = new FutureTask<T>(task);
            Thread.startVirtualThread(future);
            return future;
        }

        @Override
        public <T> Future<T> submitBlocking(Callable<T> task) {
            return forBlocking.submit(task);
        }

        @Override
        public void close() {
            forBlocking.close();
        }
    }
}
