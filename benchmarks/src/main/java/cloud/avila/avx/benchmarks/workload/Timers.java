package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.scheduler.Scheduler;

import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;

import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Timers that run an action once.
 *
 * @param <T> what stands for a timer
 */
interface Timers<T> extends AutoCloseable {
    /** Sets a timer. */
    T schedule(Runnable action, long delayNanos);

    /** Runs a task that sets or cancels timers on one of as many threads as there are workers. */
    void execute(Runnable task);

    /** Cancels a timer; false if it has fired. */
    boolean cancel(T timer);

    /** Stops the threads behind the timers. */
    @Override
    void close();

    /**
     * Starts the timers of a contestant.
     *
     * @param contestant {@code avx}, {@code scheduled-pool} or {@code hashed-wheel}
     * @param workers how many threads set timers and run actions; a hashed wheel runs them on one
     * @throws IllegalArgumentException if there is none of that name
     */
    static Timers<?> open(String contestant, int workers) {
        return switch (contestant) {
            case "avx" -> new Avx(workers);
            case "scheduled-pool" -> new ScheduledPool(workers);
            case "hashed-wheel" -> new HashedWheel(workers);
            default -> throw new IllegalArgumentException("no timers of " + contestant);
        };
    }

    /** Those of an {@link AvxRuntime}. */
    final class Avx implements Timers<Future<?>> {
        private final AvxRuntime runtime;
        private final Scheduler scheduler;

        Avx(int workers) {
            runtime = AvxRuntime.create(RuntimeConfig.builder().workerThreads(workers).build());
            try (var _ = runtime.enter()) {
                scheduler = Objects.requireNonNull(Scheduler.current());
            }
        }

        @Override
        public void execute(Runnable task) {
            runtime.handle().execute(task);
        }

        @Override
        public Future<?> schedule(Runnable action, long delayNanos) {
            return scheduler.schedule(action, delayNanos);
        }

        @Override
        public boolean cancel(Future<?> timer) {
            return timer.cancel(false);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    /** The JDK's executor, told to forget cancelled timers at once. */
    final class ScheduledPool implements Timers<Future<?>> {
        private final ScheduledThreadPoolExecutor pool;
        private final ExecutorService setters;

        ScheduledPool(int workers) {
            setters = Executors.newFixedThreadPool(workers);
            pool = new ScheduledThreadPoolExecutor(workers);
            pool.setRemoveOnCancelPolicy(true);
        }

        @Override
        public void execute(Runnable task) {
            setters.execute(task);
        }

        @Override
        public Future<?> schedule(Runnable action, long delayNanos) {
            return pool.schedule(action, delayNanos, TimeUnit.NANOSECONDS);
        }

        @Override
        public boolean cancel(Future<?> timer) {
            return timer.cancel(false);
        }

        @Override
        public void close() {
            setters.close();
            pool.shutdownNow();
        }
    }

    /** Netty's wheel, with ticks of a millisecond, the shortest it takes. */
    final class HashedWheel implements Timers<Timeout> {
        private static final int BUCKETS = 8192;

        private final ExecutorService setters;
        private final HashedWheelTimer wheel =
                new HashedWheelTimer(
                        Executors.defaultThreadFactory(), 1, TimeUnit.MILLISECONDS, BUCKETS, false);

        HashedWheel(int workers) {
            setters = Executors.newFixedThreadPool(workers);
        }

        @Override
        public void execute(Runnable task) {
            setters.execute(task);
        }

        @Override
        public Timeout schedule(Runnable action, long delayNanos) {
            return wheel.newTimeout(_ -> action.run(), delayNanos, TimeUnit.NANOSECONDS);
        }

        @Override
        public boolean cancel(Timeout timer) {
            return timer.cancel();
        }

        @Override
        public void close() {
            setters.close();
            wheel.stop();
        }
    }
}
