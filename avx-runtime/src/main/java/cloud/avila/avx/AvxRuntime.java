package cloud.avila.avx;

import cloud.avila.avx.internal.scheduler.SchedulerSettings;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.FiberPolicy;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.Overflow;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.Reuse;
import cloud.avila.avx.internal.scheduler.WorkStealingScheduler;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.ShutdownSummary;
import cloud.avila.avx.metrics.SocketSnapshot;
import cloud.avila.avx.metrics.Stall;
import cloud.avila.avx.metrics.TimerMetrics;
import cloud.avila.avx.task.Future;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;

/**
 * An asynchronous runtime: workers that run fibers and jobs, a pool for code that blocks its
 * thread, timers and sockets. Any number of runtimes may live in one JVM; each has its own threads.
 *
 * <pre>{@code
 * try (var rt = AvxRuntime.create()) {
 *     int total = rt.blockOn(() -> {
 *         JoinHandle<Integer> a = rt.spawn(() -> price(1));
 *         JoinHandle<Integer> b = rt.spawn(() -> price(2));
 *         return a.join() + b.join();
 *     });
 * }
 * }</pre>
 *
 * <p>All methods may be called by any thread. The runtime's threads are daemons: an application
 * must wait for what it wants done, by joining or by {@link #close()}.
 */
public final class AvxRuntime implements AutoCloseable {
    /** How many stalls {@link #recentStalls()} gives at most. */
    public static final int RECENT_STALLS = WorkStealingScheduler.RECENT_STALLS;

    private final RuntimeConfig config;
    private final WorkStealingScheduler scheduler;
    private final SchedulerHandle handle;

    private AvxRuntime(RuntimeConfig config) {
        this.config = config;
        this.scheduler =
                new WorkStealingScheduler(
                        settings(config),
                        new RuntimeHooks(
                                config.name(),
                                config.contextPropagators(),
                                config.uncaughtFailureHandler()));
        this.handle = new SchedulerHandle(scheduler);
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
     * @throws UnsupportedOperationException if a driver is asked for by its name, and this system
     *     lacks it or denies native access
     * @throws IllegalStateException if {@link FiberAccess#OPENED_ONLY} is asked for and {@code
     *     java.lang} is not open
     * @throws java.io.UncheckedIOException if a driver is asked for by its name, and the system
     *     refuses the descriptors it needs
     */
    public static AvxRuntime create(RuntimeConfig config) {
        return new AvxRuntime(config);
    }

    private static SchedulerSettings settings(RuntimeConfig config) {
        return new SchedulerSettings(
                config.name(),
                config.workerThreads(),
                config.workerStackSize(),
                config.threadNamePrefix(),
                config.localQueueCapacity(),
                config.injectionQueueCapacity(),
                switch (config.fiberAccess()) {
                    case AUTO -> FiberPolicy.ANY_ACCESS;
                    case OPENED_ONLY -> FiberPolicy.OPENED_ONLY;
                    case JDK -> FiberPolicy.JDK_SCHEDULER;
                },
                switch (config.fiberReuse()) {
                    case ALWAYS -> Reuse.ALWAYS;
                    case UNTIL_PARKED -> Reuse.UNTIL_PARKED;
                    case NEVER -> Reuse.NEVER;
                },
                config.reactorDriver().name().toLowerCase(Locale.ROOT),
                config.reactorGroupSize(),
                config.maxBlockingThreads(),
                TaskHandle.saturatedNanos(config.blockingKeepAlive()),
                config.blockingQueueCapacity(),
                switch (config.blockingOverflow()) {
                    case REJECT -> Overflow.REJECT;
                    case WAIT -> Overflow.WAIT;
                    case CALLER_RUNS -> Overflow.CALLER_RUNS;
                },
                TaskHandle.saturatedNanos(config.stallThreshold()),
                config.takeOver(),
                config.workerAffinity());
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
     * Makes this runtime the calling thread's current one, so that {@link Handle#current()} finds
     * it and sockets can be opened.
     *
     * @return the guard that ends it
     */
    public EnterGuard enter() {
        return new ThreadEnterGuard(scheduler);
    }

    /**
     * Starts a fiber, see {@link Handle#spawn(Callable)}.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or too
     *     many tasks wait to start
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
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or too
     *     many tasks wait to start
     */
    public <T extends @Nullable Object> JoinHandle<T> spawn(
            String name, Callable<? extends T> task) {
        return handle.spawn(name, task);
    }

    /**
     * Starts a poll task, see {@link Handle#spawnFuture(Future)}.
     *
     * @param future what to poll
     * @param <T> what it becomes
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or too
     *     many tasks wait to start
     */
    public <T extends @Nullable Object> JoinHandle<T> spawnFuture(Future<? extends T> future) {
        return handle.spawnFuture(future);
    }

    /**
     * Starts a poll task with a name, see {@link Handle#spawnFuture(String, Future)}.
     *
     * @param name the task's name
     * @param future what to poll
     * @param <T> what it becomes
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or too
     *     many tasks wait to start
     */
    public <T extends @Nullable Object> JoinHandle<T> spawnFuture(
            String name, Future<? extends T> future) {
        return handle.spawnFuture(name, future);
    }

    /**
     * Runs a task on the blocking pool, see {@link Handle#spawnBlocking(Callable)}.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing or too many
     *     tasks wait for a thread
     */
    public <T extends @Nullable Object> JoinHandle<T> spawnBlocking(Callable<? extends T> task) {
        return handle.spawnBlocking(task);
    }

    /**
     * Runs a task as a fiber and waits for it, from a thread outside the runtime. If the waiting
     * thread is interrupted, the fiber is cancelled.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return what the task returned
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws CompletionException if the task threw; the cause is what it threw
     * @throws CancellationException if the runtime was closed before the task ended
     * @throws IllegalStateException if called from inside this runtime, where it could wait for
     *     itself: spawn and join there
     */
    public <T extends @Nullable Object> T blockOn(Callable<? extends T> task)
            throws InterruptedException {
        checkOutside();
        return awaited(spawn("block-on", task));
    }

    /**
     * Runs a future as a poll task and waits for it, from a thread outside the runtime. If the
     * waiting thread is interrupted, the task is cancelled.
     *
     * @param future what to poll
     * @param <T> what it becomes
     * @return what it became
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws CompletionException if the future failed; the cause is what it threw
     * @throws CancellationException if the runtime was closed before the task ended
     * @throws IllegalStateException if called from inside this runtime, where it could wait for
     *     itself: spawn there
     */
    public <T extends @Nullable Object> T blockOnFuture(Future<? extends T> future)
            throws InterruptedException {
        checkOutside();
        return awaited(spawnFuture("block-on", future));
    }

    private void checkOutside() {
        if (scheduler.isInside()) {
            throw new IllegalStateException(
                    "blockOn was called on "
                            + Thread.currentThread()
                            + ", which belongs to runtime \""
                            + config.name()
                            + "\" itself and would wait for itself; use spawn(task).join() here");
        }
    }

    private static <T extends @Nullable Object> T awaited(JoinHandle<T> spawned)
            throws InterruptedException {
        try {
            return spawned.join();
        } catch (InterruptedException e) {
            spawned.cancel(true);
            throw e;
        }
    }

    /**
     * Changes the number of workers while the runtime runs. Workers that become surplus end after
     * the task they are at; what is queued with them goes to the others.
     *
     * @param count the number of workers from now on, 1 to {@value
     *     RuntimeConfig#MAX_WORKER_THREADS}
     * @throws IllegalArgumentException if the count is out of range
     * @throws IllegalStateException if the runtime is closing
     */
    public void resize(int count) {
        if (count < 1 || count > RuntimeConfig.MAX_WORKER_THREADS) {
            throw new IllegalArgumentException(
                    "the number of workers must be between 1 and "
                            + RuntimeConfig.MAX_WORKER_THREADS
                            + ", but is "
                            + count);
        }
        scheduler.resize(count);
    }

    /**
     * How long one piece of work may occupy a worker before the watchdog reports it: what {@link
     * RuntimeConfig} says, or what {@link #setStallThreshold} has changed it to.
     *
     * @return zero if the watchdog is off
     */
    public Duration stallThreshold() {
        return Duration.ofNanos(scheduler.stallNanos());
    }

    /**
     * Changes how long one piece of work may occupy a worker before the watchdog reports it, from
     * its next look on, which comes at once. What has been reported is not reported again.
     *
     * @param threshold not negative; zero turns the watchdog off
     * @throws IllegalArgumentException if the threshold is negative
     */
    public void setStallThreshold(Duration threshold) {
        if (threshold.isNegative()) {
            throw new IllegalArgumentException(
                    "the stall threshold must not be negative, but is " + threshold);
        }
        scheduler.stallNanos(TaskHandle.saturatedNanos(threshold));
    }

    /**
     * A snapshot of what the runtime has done and is doing.
     *
     * @return the metrics
     */
    public RuntimeMetrics metrics() {
        return scheduler.metrics();
    }

    /**
     * What the runtime's tasks are doing, with {@link FiberDump.Options#defaults()}.
     *
     * @return the list of live tasks
     */
    public FiberDump dumpFibers() {
        return dumpFibers(FiberDump.Options.defaults());
    }

    /**
     * What the runtime's tasks are doing: each one's name, age and state, what it waits on and who
     * holds that, where it runs and its stack; and which wait for each other for ever. Never waits
     * for a task; takes a fraction of a microsecond for each live task and some ten microseconds
     * for each stack.
     *
     * @param options which tasks, and how much of them
     * @return the list of live tasks
     */
    public FiberDump dumpFibers(FiberDump.Options options) {
        return scheduler.dump(options);
    }

    /**
     * The open sockets of this runtime, their addresses and who waits in them. Sockets are looked
     * at one after the other while they are used. Never waits; may ask the system for an address.
     *
     * @param most how many at most, zero or more
     * @return some of them if there are more
     * @throws IllegalArgumentException if the number is negative
     */
    public List<SocketSnapshot> sockets(int most) {
        if (most < 0) {
            throw new IllegalArgumentException("most: " + most + " (expected: >= 0)");
        }
        return scheduler.sockets(most);
    }

    /**
     * The timers of this runtime, by worker: sleeps, timeouts and timed waits of fibers.
     *
     * @return one entry for each worker, those out of use among them
     */
    public List<TimerMetrics> timers() {
        return scheduler.timers();
    }

    /**
     * The last times that a worker was on one piece of work for longer than the stall threshold,
     * those that go on among them. There are at most {@value #RECENT_STALLS}, with 64 frames each.
     *
     * @return the stalls, the newest first
     */
    public List<Stall> recentStalls() {
        return scheduler.recentStalls();
    }

    /**
     * Cancels a fiber, poll task or blocking task by its number, as {@link JoinHandle#cancel()}
     * does: for tools, which have no handle. Looks at every live task.
     *
     * @param id the number, as in {@link FiberDump}
     * @return the name of the task; empty if no live task has the number
     */
    public Optional<String> cancel(long id) {
        return Optional.ofNullable(scheduler.cancel(id));
    }

    /**
     * Finds tasks of this runtime that wait for each other in a circle, over {@code Mutex} and
     * joins, also by way of threads that are none of its tasks. A circle that is reported was
     * there; one that a timeout or a cancellation is about to break is reported, too.
     *
     * @return the circles, none twice, at most 32
     */
    public List<Deadlock> findDeadlocks() {
        return scheduler.deadlocks();
    }

    /**
     * Whether {@link #close()} has been called.
     *
     * @return true from then on
     */
    public boolean isClosing() {
        return scheduler.isClosing();
    }

    /**
     * Whether {@link #close()} has come to its end: every worker has ended and every socket of the
     * runtime is closed.
     *
     * @return true from then on
     */
    public boolean isClosed() {
        return scheduler.isClosed();
    }

    /**
     * What happened to the tasks when the runtime was closed.
     *
     * @return the counts, and how long it took; null until {@link #isClosed()}
     */
    public @Nullable ShutdownSummary shutdownSummary() {
        return scheduler.shutdownSummary();
    }

    /**
     * Stops the runtime, in steps: tasks from outside are refused with a {@link
     * java.util.concurrent.RejectedExecutionException}; accepted ones, and what they spawn, may
     * finish until {@link RuntimeConfig#shutdownTimeout()}; then all are cancelled, which
     * interrupts them; workers, sockets and the blocking pool end. Tasks that did not end even so
     * are named in the log; their threads go on as the JDK's own virtual threads.
     *
     * <p>Idempotent: a second call waits for the first to end. Waits uninterruptibly; an interrupt
     * meanwhile is kept. Called from inside the runtime it returns at once and the steps go on
     * behind it.
     */
    @Override
    public void close() {
        scheduler.close(TaskHandle.saturatedNanos(config.shutdownTimeout()));
    }
}
