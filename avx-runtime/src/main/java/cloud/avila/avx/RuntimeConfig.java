package cloud.avila.avx;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Settings of a runtime. Immutable; every value is valid.
 *
 * @param name name of the runtime, used in thread names, messages and metrics
 * @param workerThreads number of workers, 1 to {@value #MAX_WORKER_THREADS}
 * @param workerStackSize stack size of a worker thread in bytes, 0 for the JVM's default
 * @param threadNamePrefix prefix of the names of worker threads, followed by their number
 * @param localQueueCapacity initial capacity of a worker's queue, which grows; a power of two
 * @param injectionQueueCapacity most tasks from outside the workers that may wait to start; more
 *     are rejected
 * @param fiberAccess how fibers get onto the workers
 * @param fiberReuse when a fiber's virtual thread runs another fiber after it
 * @param reactorDriver which driver waits for sockets
 * @param reactorGroupSize how many workers share one driver, of whom one waits in it at a time; 0
 *     for all of them
 * @param maxBlockingThreads most threads of the blocking pool
 * @param blockingKeepAlive how long an idle thread of the blocking pool stays
 * @param blockingQueueCapacity most tasks that may wait for a blocking thread
 * @param blockingOverflow what becomes of a task beyond that
 * @param stallThreshold how long one piece of work may occupy a worker before the watchdog reports
 *     it; zero turns the watchdog off
 * @param takeOver whether a worker that is stuck gets another thread, when work waits for it
 * @param workerAffinity whether each worker stays on one processor
 * @param shutdownTimeout how long {@link AvxRuntime#close()} lets running tasks finish before it
 *     interrupts them
 * @param contextPropagators what carries thread-bound contexts from who starts a task to the task
 * @param uncaughtFailureHandler told of the failures of tasks that nobody asks for
 */
public record RuntimeConfig(
        String name,
        int workerThreads,
        long workerStackSize,
        String threadNamePrefix,
        int localQueueCapacity,
        int injectionQueueCapacity,
        FiberAccess fiberAccess,
        FiberReuse fiberReuse,
        ReactorDriver reactorDriver,
        int reactorGroupSize,
        int maxBlockingThreads,
        Duration blockingKeepAlive,
        int blockingQueueCapacity,
        BlockingOverflow blockingOverflow,
        Duration stallThreshold,
        boolean takeOver,
        boolean workerAffinity,
        Duration shutdownTimeout,
        List<ContextPropagator> contextPropagators,
        Consumer<UncaughtFailure> uncaughtFailureHandler) {

    /** The most workers a runtime can have. */
    public static final int MAX_WORKER_THREADS = 1024;

    private static final Consumer<UncaughtFailure> LOG = UncaughtFailure::log;

    /**
     * Checks every value.
     *
     * @throws IllegalArgumentException if a value is out of range; the message names the setting,
     *     the value and the range
     */
    public RuntimeConfig {
        Objects.requireNonNull(fiberAccess, "fiberAccess");
        Objects.requireNonNull(fiberReuse, "fiberReuse");
        Objects.requireNonNull(blockingOverflow, "blockingOverflow");
        Objects.requireNonNull(reactorDriver, "reactorDriver");
        Objects.requireNonNull(uncaughtFailureHandler, "uncaughtFailureHandler");
        contextPropagators = List.copyOf(contextPropagators);
        if (name.isBlank()) {
            throw new IllegalArgumentException("name must not be blank");
        }
        if (threadNamePrefix.isBlank()) {
            throw new IllegalArgumentException("threadNamePrefix must not be blank");
        }
        inRange("workerThreads", workerThreads, 1, MAX_WORKER_THREADS);
        if (workerStackSize != 0) {
            inRange("workerStackSize", workerStackSize, 64 << 10, 1 << 30);
        }
        inRange("localQueueCapacity", localQueueCapacity, 2, 1 << 20);
        if (Integer.bitCount(localQueueCapacity) != 1) {
            throw new IllegalArgumentException(
                    "localQueueCapacity must be a power of two, but is " + localQueueCapacity);
        }
        inRange("injectionQueueCapacity", injectionQueueCapacity, 1, Integer.MAX_VALUE);
        inRange("reactorGroupSize", reactorGroupSize, 0, MAX_WORKER_THREADS);
        inRange("maxBlockingThreads", maxBlockingThreads, 1, 32_767);
        inRange("blockingQueueCapacity", blockingQueueCapacity, 1, Integer.MAX_VALUE);
        notNegative("blockingKeepAlive", blockingKeepAlive);
        notNegative("stallThreshold", stallThreshold);
        notNegative("shutdownTimeout", shutdownTimeout);
    }

    private static void inRange(String setting, long value, long min, long max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(
                    setting + " must be between " + min + " and " + max + ", but is " + value);
        }
    }

    private static void notNegative(String setting, Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException(setting + " must not be negative, but is " + value);
        }
    }

    /**
     * Starts from the defaults: as many workers as processors, a name of {@code avx}, a stall
     * threshold of 100 ms and a shutdown timeout of 30 s.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The defaults.
     *
     * @return a configuration with every default
     */
    public static RuntimeConfig defaults() {
        return builder().build();
    }

    /** Collects settings; not thread-safe. */
    public static final class Builder {
        private String name = "avx";
        private int workerThreads =
                Math.min(Runtime.getRuntime().availableProcessors(), MAX_WORKER_THREADS);
        private long workerStackSize;
        private String threadNamePrefix = "";
        private int localQueueCapacity = 256;
        private int injectionQueueCapacity = 1 << 20;
        private FiberAccess fiberAccess = FiberAccess.AUTO;
        private FiberReuse fiberReuse = FiberReuse.ALWAYS;
        private ReactorDriver reactorDriver = ReactorDriver.AUTO;
        private int reactorGroupSize;
        private int maxBlockingThreads = 512;
        private Duration blockingKeepAlive = Duration.ofSeconds(10);
        private int blockingQueueCapacity = 100_000;
        private BlockingOverflow blockingOverflow = BlockingOverflow.REJECT;
        private Duration stallThreshold = Duration.ofMillis(100);
        private boolean takeOver = true;
        private boolean workerAffinity;
        private Duration shutdownTimeout = Duration.ofSeconds(30);
        private List<ContextPropagator> contextPropagators = List.of();
        private Consumer<UncaughtFailure> uncaughtFailureHandler = LOG;

        private Builder() {}

        /**
         * Sets the runtime's name.
         *
         * @param name not blank
         * @return this
         */
        public Builder name(String name) {
            this.name = name;
            return this;
        }

        /**
         * Sets the number of workers.
         *
         * @param workerThreads 1 to {@value #MAX_WORKER_THREADS}
         * @return this
         */
        public Builder workerThreads(int workerThreads) {
            this.workerThreads = workerThreads;
            return this;
        }

        /**
         * Sets the stack size of worker threads. Fibers do not live on it: they have stacks of
         * their own that grow on the heap.
         *
         * @param bytes 64 KiB to 1 GiB, or 0 for the JVM's default
         * @return this
         */
        public Builder workerStackSize(long bytes) {
            this.workerStackSize = bytes;
            return this;
        }

        /**
         * Sets the prefix of worker threads' names; by default the runtime's name and {@code
         * -worker-}.
         *
         * @param prefix not blank
         * @return this
         */
        public Builder threadNamePrefix(String prefix) {
            this.threadNamePrefix = prefix;
            return this;
        }

        /**
         * Sets the initial capacity of a worker's queue. The queue grows as needed.
         *
         * @param capacity a power of two, 2 to 2^20
         * @return this
         */
        public Builder localQueueCapacity(int capacity) {
            this.localQueueCapacity = capacity;
            return this;
        }

        /**
         * Bounds how many tasks submitted from outside the workers may wait to start. A task beyond
         * the bound is refused with a {@link java.util.concurrent.RejectedExecutionException}.
         * Fibers that have started are never refused.
         *
         * @param capacity at least 1
         * @return this
         */
        public Builder injectionQueueCapacity(int capacity) {
            this.injectionQueueCapacity = capacity;
            return this;
        }

        /**
         * Sets how fibers get onto the workers.
         *
         * @param access the mode
         * @return this
         */
        public Builder fiberAccess(FiberAccess access) {
            this.fiberAccess = access;
            return this;
        }

        /**
         * Sets when a fiber's virtual thread runs another fiber after it.
         *
         * @param reuse the mode
         * @return this
         */
        public Builder fiberReuse(FiberReuse reuse) {
            this.fiberReuse = reuse;
            return this;
        }

        /**
         * Sets the driver of the reactor.
         *
         * @param driver the driver
         * @return this
         */
        public Builder reactorDriver(ReactorDriver driver) {
            this.reactorDriver = driver;
            return this;
        }

        /**
         * Divides the workers into groups that have a driver each. A socket belongs to the group of
         * the worker that opened it, connections that a listener accepts are dealt out to all
         * groups in turn. Within a group one worker at a time waits for sockets and timers; a group
         * whose workers are all busy is served by the others. The number of workers cannot be
         * changed to fewer than there are groups.
         *
         * @param workers how many workers share one driver, 1 to {@value #MAX_WORKER_THREADS}; 0,
         *     the default, for all of them, which was fastest where it was measured
         * @return this
         */
        public Builder reactorGroupSize(int workers) {
            this.reactorGroupSize = workers;
            return this;
        }

        /**
         * Bounds the threads of the blocking pool.
         *
         * @param threads 1 to 32767
         * @return this
         */
        public Builder maxBlockingThreads(int threads) {
            this.maxBlockingThreads = threads;
            return this;
        }

        /**
         * Sets how long an idle thread of the blocking pool stays.
         *
         * @param keepAlive not negative
         * @return this
         */
        public Builder blockingKeepAlive(Duration keepAlive) {
            this.blockingKeepAlive = keepAlive;
            return this;
        }

        /**
         * Bounds how many tasks may wait for a blocking thread. What becomes of more is decided by
         * {@link #blockingOverflow}.
         *
         * @param capacity at least 1
         * @return this
         */
        public Builder blockingQueueCapacity(int capacity) {
            this.blockingQueueCapacity = capacity;
            return this;
        }

        /**
         * Sets what becomes of a task for the blocking pool when its queue is full.
         *
         * @param overflow the policy
         * @return this
         */
        public Builder blockingOverflow(BlockingOverflow overflow) {
            this.blockingOverflow = overflow;
            return this;
        }

        /**
         * Sets how long one piece of work may occupy a worker before the watchdog reports it.
         *
         * @param threshold not negative; zero turns the watchdog off
         * @return this
         */
        public Builder stallThreshold(Duration threshold) {
            this.stallThreshold = threshold;
            return this;
        }

        /**
         * Sets whether a worker that has been on one piece of work for longer than the stall
         * threshold gets another thread when work waits for it, so that the rest of the runtime
         * goes on; when that holds for all workers, one of them gets it after 20 ms already, if no
         * more threads are away than there are workers. On by default. At most 256 threads of a
         * runtime can be away with stuck work.
         *
         * @param takeOver whether it does
         * @return this
         */
        public Builder takeOver(boolean takeOver) {
            this.takeOver = takeOver;
            return this;
        }

        /**
         * Sets whether each worker stays on one processor: the first worker on the first that the
         * process may use, and so on in turn. Off by default: it helps only where the runtime has
         * the machine to itself. Linux only; elsewhere a warning is logged.
         *
         * @param affinity whether it does
         * @return this
         */
        public Builder workerAffinity(boolean affinity) {
            this.workerAffinity = affinity;
            return this;
        }

        /**
         * Sets how long {@link AvxRuntime#close()} lets running tasks finish.
         *
         * @param timeout not negative
         * @return this
         */
        public Builder shutdownTimeout(Duration timeout) {
            this.shutdownTimeout = timeout;
            return this;
        }

        /**
         * Sets what carries thread-bound contexts from who starts a task to the task. Where there
         * are none, which is the default, starting a task costs nothing more.
         *
         * @param propagators asked in this order; taken off the thread in the reverse order
         * @return this
         */
        public Builder contextPropagators(ContextPropagator... propagators) {
            this.contextPropagators = List.of(propagators);
            return this;
        }

        /**
         * Sets who is told of failures that nobody asks for: those of jobs and of {@linkplain
         * JoinHandle#detach() detached} tasks at once, those of other tasks when their handle has
         * become garbage without anybody having asked it. By default they are logged as errors.
         *
         * <p>The handler runs on the thread of the task, on that of a worker, or on one of its own;
         * it must be short and must not block. What it throws is logged.
         *
         * @param handler the handler
         * @return this
         */
        public Builder uncaughtFailureHandler(Consumer<UncaughtFailure> handler) {
            this.uncaughtFailureHandler = handler;
            return this;
        }

        /**
         * Makes the configuration.
         *
         * @return the configuration
         * @throws IllegalArgumentException if a value is out of range
         */
        public RuntimeConfig build() {
            return new RuntimeConfig(
                    name,
                    workerThreads,
                    workerStackSize,
                    threadNamePrefix.isEmpty() ? name + "-worker-" : threadNamePrefix,
                    localQueueCapacity,
                    injectionQueueCapacity,
                    fiberAccess,
                    fiberReuse,
                    reactorDriver,
                    reactorGroupSize,
                    maxBlockingThreads,
                    blockingKeepAlive,
                    blockingQueueCapacity,
                    blockingOverflow,
                    stallThreshold,
                    takeOver,
                    workerAffinity,
                    shutdownTimeout,
                    contextPropagators,
                    uncaughtFailureHandler);
        }
    }
}
