package cloud.avila.avx;

import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/** PROVISIONAL body (the scheduler is landing): the signatures are final. */
public final class AvxRuntime implements AutoCloseable {
    private static final ThreadLocal<@Nullable AvxRuntime> CURRENT = new ThreadLocal<>();

    private final RuntimeConfig config;
    private final AtomicLong ids = new AtomicLong();
    private final ExecutorService fibers = Executors.newVirtualThreadPerTaskExecutor();
    private final ExecutorService blocking = Executors.newCachedThreadPool();
    private final Handle handle = new ProvisionalHandle();

    private AvxRuntime(RuntimeConfig config) {
        this.config = config;
    }

    /**
     * Starts a runtime with the defaults.
     *
     * @return a running runtime
     */
    public static AvxRuntime create() {
        return create(RuntimeConfig.defaults());
    }

    /**
     * Starts a runtime.
     *
     * @param config its settings
     * @return a running runtime
     */
    public static AvxRuntime create(RuntimeConfig config) {
        return new AvxRuntime(config);
    }

    /**
     * The settings in force.
     *
     * @return the configuration
     */
    public RuntimeConfig config() {
        return config;
    }

    /**
     * The handle to pass around.
     *
     * @return this runtime's handle
     */
    public Handle handle() {
        return handle;
    }

    /**
     * Makes this runtime current on the calling thread.
     *
     * @return the guard that ends it
     */
    public EnterGuard enter() {
        AvxRuntime previous = CURRENT.get();
        CURRENT.set(this);
        return () -> CURRENT.set(previous);
    }

    /**
     * Starts a fiber, see {@link Handle#spawn(Callable)}.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     */
    public <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task) {
        return handle.spawn(task);
    }

    /**
     * Starts a fiber with a name, see {@link Handle#spawn(String, Callable)}.
     *
     * @param name the fiber's name
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     */
    public <T extends @Nullable Object> JoinHandle<T> spawn(
            String name, Callable<? extends T> task) {
        return handle.spawn(name, task);
    }

    /**
     * Runs a task on the blocking pool, see {@link Handle#spawnBlocking(Callable)}.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     */
    public <T extends @Nullable Object> JoinHandle<T> spawnBlocking(Callable<? extends T> task) {
        return handle.spawnBlocking(task);
    }

    /**
     * Runs a task as a fiber and waits for it, from a thread outside the runtime.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return what the task returned
     * @throws InterruptedException if the calling thread was interrupted while waiting
     */
    public <T extends @Nullable Object> T blockOn(Callable<? extends T> task)
            throws InterruptedException {
        JoinHandle<T> h = spawn(task);
        return h.join();
    }

    /**
     * A snapshot of what the runtime has done and is doing.
     *
     * @return the metrics
     */
    public RuntimeMetrics metrics() {
        List<WorkerMetrics> workers = new ArrayList<>();
        return new RuntimeMetrics(
                config.name(),
                "none",
                "jdk",
                workers,
                0,
                ids.get(),
                0,
                0,
                0,
                0,
                0,
                config.injectionQueueCapacity(),
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0);
    }

    /** Stops the runtime, see the package for the steps. */
    @Override
    public void close() {
        fibers.close();
        blocking.close();
    }

    static Optional<Handle> currentHandle() {
        AvxRuntime r = CURRENT.get();
        return r == null ? Optional.empty() : Optional.of(r.handle);
    }

    private final class ProvisionalHandle implements Handle {
        @Override
        public String runtimeName() {
            return config.name();
        }

        @Override
        public <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task) {
            return spawn("fiber", task);
        }

        @Override
        public <T extends @Nullable Object> JoinHandle<T> spawn(
                String name, Callable<? extends T> task) {
            var t = new Task<T>(ids.incrementAndGet(), name, task);
            fibers.execute(t);
            return t;
        }

        @Override
        public void execute(Runnable job) {
            spawn(Executors.callable(job));
        }

        @Override
        public <T extends @Nullable Object> JoinHandle<T> spawnBlocking(
                Callable<? extends T> task) {
            var t = new Task<T>(ids.incrementAndGet(), "blocking", task);
            blocking.execute(t);
            return t;
        }
    }

    private final class Task<T extends @Nullable Object> extends FutureTask<T>
            implements JoinHandle<T> {
        private final long id;
        private final String name;
        private final CompletableFuture<T> future = new CompletableFuture<>();

        Task(long id, String name, Callable<? extends T> callable) {
            super(callable::call);
            this.id = id;
            this.name = name;
        }

        @Override
        public void run() {
            try (EnterGuard g = enter()) {
                super.run();
            }
        }

        @Override
        protected void done() {
            switch (state()) {
                case SUCCESS -> future.complete(resultNow());
                case FAILED -> future.completeExceptionally(exceptionNow());
                default -> future.cancel(false);
            }
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public T join() throws InterruptedException {
            try {
                return get();
            } catch (ExecutionException e) {
                throw new CompletionException(e.getCause());
            }
        }

        @Override
        public T join(Duration timeout) throws InterruptedException, TimeoutException {
            try {
                return get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            } catch (ExecutionException e) {
                throw new CompletionException(e.getCause());
            }
        }

        @Override
        public Outcome<T> outcome() {
            return switch (state()) {
                case SUCCESS -> new Outcome.Completed<>(resultNow());
                case FAILED -> new Outcome.Failed<>(exceptionNow());
                case CANCELLED -> new Outcome.Cancelled<>();
                case RUNNING -> throw new IllegalStateException(name + " has not ended");
            };
        }

        @Override
        public CompletableFuture<T> toCompletableFuture() {
            return future;
        }
    }
}
