package cloud.avila.avx.spring.task;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellableTask;
import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.actuator.ExecutorControl;
import cloud.avila.avx.actuator.ExecutorMetrics;
import cloud.avila.avx.actuator.ExecutorMetricsSource;
import cloud.avila.avx.actuator.TaskTimings;
import cloud.avila.avx.metrics.RuntimeMetrics;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.beans.factory.BeanNameAware;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.core.task.TaskDecorator;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.concurrent.ExecutorConfigurationSupport;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletableFuture.AsynchronousCompletionTask;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * A Spring task executor that runs every task as a fiber of an {@link AvxRuntime}. Tasks may block;
 * {@link cloud.avila.avx.Handle#current()} works in them. Thread-safe.
 *
 * <p>It is a {@link SimpleAsyncTaskExecutor}, so {@code spring.task.execution.*} as for virtual
 * threads, task decorators and {@code SimpleAsyncTaskExecutorCustomizer} beans apply to it. Its
 * thread settings do not: a fiber has no priority, group or factory.
 *
 * <p>When the application context stops, it waits in the phase of Spring's executors for its tasks
 * to end, up to the runtime's shutdown timeout, then interrupts those still running. It accepts
 * tasks until it is closed, because requests still in flight and beans being stopped may need it.
 */
@SuppressWarnings("serial") // the superclass is Serializable for historical reasons only
public class AvxTaskExecutor extends SimpleAsyncTaskExecutor
        implements SmartLifecycle,
                BeanNameAware,
                BeanClassLoaderAware,
                ExecutorMetricsSource,
                ExecutorControl {
    private static final Log LOG = LogFactory.getLog(AvxTaskExecutor.class);

    /** Bound where a task is run that was cancelled before it began. */
    private static final ScopedValue<Boolean> CANCELLED = ScopedValue.newInstance();

    final AvxRuntime runtime;
    private final LiveTasks<Task> tasks = new LiveTasks<>();
    final LongAdder accepted = new LongAdder();
    final LongAdder started = new LongAdder();
    final LongAdder ended = new LongAdder();
    final LongAdder rejected = new LongAdder();
    private volatile @Nullable TaskTimings timings;
    private volatile @Nullable TaskDecorator decorator;
    private volatile @Nullable TaskDecorator propagation;
    private @Nullable String beanName;
    private @Nullable ClassLoader contextClassLoader;
    private volatile boolean running;
    // opened by the task that leaves none behind, or by a restart; replaced under the lock of tasks
    private volatile @Nullable CountDownLatch drained;

    /**
     * Creates an executor.
     *
     * @param runtime runs the tasks; it is not closed with the executor
     */
    public AvxTaskExecutor(AvxRuntime runtime) {
        super("task-");
        this.runtime = runtime;
        this.contextClassLoader = Thread.currentThread().getContextClassLoader();
        super.setTaskDecorator(this::decorate);
    }

    /** Keeps the first name: Spring's STOMP registers an executor again under names of its own. */
    @Override
    public void setBeanName(String name) {
        if (beanName == null) {
            beanName = name;
        }
    }

    @Override
    public void setBeanClassLoader(ClassLoader classLoader) {
        contextClassLoader = classLoader;
    }

    /**
     * Has the times of every task measured, from now on.
     *
     * @param timings is told of them; null to measure nothing, which costs nothing
     */
    public void setTaskTimings(@Nullable TaskTimings timings) {
        this.timings = timings;
    }

    @Override
    public void setTaskDecorator(TaskDecorator taskDecorator) {
        this.decorator = taskDecorator;
    }

    /** A decorator around the application's own, so that theirs sees the contexts it carries. */
    final void setPropagation(TaskDecorator propagation) {
        this.propagation = propagation;
    }

    /** Measures inside of what the decorators do. */
    final Runnable decorate(Runnable task) {
        TaskTimings t = timings;
        TaskDecorator inner = decorator;
        TaskDecorator outer = propagation;
        Runnable decorated = t == null ? task : new MeasuredTask(task, t);
        decorated = inner == null ? decorated : inner.decorate(decorated);
        return new Submitted(task, outer == null ? decorated : outer.decorate(decorated));
    }

    /** What was submitted, with what runs in its place. */
    private record Submitted(Runnable task, Runnable decorated) implements Runnable {
        @Override
        public void run() {
            if (!CANCELLED.isBound()) {
                decorated.run();
            } else if (task instanceof AsynchronousCompletionTask) { // nothing else can end it
                Thread.currentThread().interrupt();
                decorated.run();
            } else if (task instanceof Future<?> future) {
                future.cancel(false);
            }
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }

    @Override
    @SuppressWarnings("deprecation") // as the superclass
    public Future<?> submit(Runnable task) {
        var future = new SubmittedTask.OfFuture<Object>(task.getClass(), Executors.callable(task));
        execute(future, TIMEOUT_INDEFINITE);
        return future;
    }

    @Override
    @SuppressWarnings("deprecation") // as the superclass
    public <T> Future<T> submit(Callable<T> task) {
        var future = new SubmittedTask.OfFuture<T>(task.getClass(), task);
        execute(future, TIMEOUT_INDEFINITE);
        return future;
    }

    @Override
    public CompletableFuture<Void> submitCompletable(Runnable task) {
        var future =
                new SubmittedTask.OfCompletable<Void>(
                        task.getClass(), Executors.callable(task, null));
        execute(future);
        return future;
    }

    @Override
    public <T extends @Nullable Object> CompletableFuture<T> submitCompletable(Callable<T> task) {
        var future = new SubmittedTask.OfCompletable<T>(task.getClass(), task);
        execute(future);
        return future;
    }

    @Override
    @SuppressWarnings("deprecation") // every way to submit ends here
    public void execute(Runnable task, long startTimeout) {
        try {
            super.execute(task, startTimeout);
        } catch (TaskRejectedException e) {
            rejected.increment();
            if (!isActive()) {
                throw new TaskRejectedException(closed(task), e);
            }
            // with a concurrency limit the superclass wraps what doExecute() says
            throw e.getCause() instanceof TaskRejectedException reason ? reason : e;
        }
    }

    @Override
    protected void doExecute(Runnable task) {
        Task t = new Task(nextThreadName(), task);
        accept(t);
        try {
            t.spawnOn(runtime.handle());
        } catch (RejectedExecutionException e) {
            accepted.decrement();
            forget(t);
            throw refused(task, e);
        }
    }

    /** From now on stopping waits for the task, until it has run or {@link #forget} was called. */
    final void accept(Task task) {
        tasks.add(task);
        accepted.increment();
    }

    final void forget(Task task) {
        tasks.remove(task);
        CountDownLatch latch = drained;
        if (latch != null && tasks.isEmpty()) {
            latch.countDown();
        }
    }

    final TaskRejectedException refused(Runnable task, RejectedExecutionException e) {
        return new TaskRejectedException(
                displayName()
                        + " on runtime '"
                        + runtime.config().name()
                        + "' did not accept "
                        + task
                        + ": "
                        + e.getMessage(),
                e);
    }

    final String closed(Runnable task) {
        return displayName()
                + " does not accept "
                + task
                + " because the application context has been closed";
    }

    @Override
    public ExecutorMetrics executorMetrics() {
        long e = ended.sum();
        long s = Math.max(started.sum(), e);
        long a = Math.max(accepted.sum(), s);
        RuntimeMetrics m = runtime.metrics();
        int limit = getConcurrencyLimit();
        return new ExecutorMetrics(
                s - e,
                e,
                a - s,
                Math.max(0, m.injectionQueueCapacity() - m.injectionQueueDepth()),
                s - e,
                runtime.config().workerThreads(),
                limit < 0 ? Integer.MAX_VALUE : limit,
                rejected.sum(),
                0,
                0,
                0,
                -1);
    }

    /** The name of the bean; empty for an executor that is none. */
    @Override
    public String name() {
        return beanName == null ? "" : beanName;
    }

    @Override
    public int concurrencyLimit() {
        int limit = getConcurrencyLimit();
        return limit < 0 ? UNLIMITED : limit;
    }

    @Override
    public void concurrencyLimit(int limit) {
        if (limit < 1) {
            throw new IllegalArgumentException(
                    "the concurrency limit of "
                            + displayName()
                            + " must be 1 or more, but is "
                            + limit);
        }
        if (!isResizable()) {
            throw new UnsupportedOperationException(
                    displayName()
                            + " was made without a concurrency limit and cannot get one while it"
                            + " runs; set spring.task.execution.simple.concurrency-limit");
        }
        setConcurrencyLimit(limit);
    }

    /** Only if it has a limit: the superclass counts no tasks without one. */
    @Override
    public boolean isResizable() {
        return isThrottleActive();
    }

    @Override
    public int queueCapacity() {
        return UNLIMITED;
    }

    @Override
    public String rejectionPolicy() {
        return "abort";
    }

    @Override
    public String priority() {
        return "normal";
    }

    @Override
    public Duration queueTimeout() {
        return Duration.ZERO;
    }

    @Override
    public void start() {
        running = true;
        synchronized (tasks) {
            if (drained != null) {
                drained.countDown();
                drained = null;
            }
        }
    }

    /** Waits for the tasks to end, as {@link #stop(Runnable)}. */
    @Override
    public void stop() {
        running = false;
        drain();
    }

    /**
     * Lets the tasks end without holding up the caller.
     *
     * @param callback called when no task runs any more, or when the shutdown timeout is over and
     *     those still running have been interrupted
     */
    @Override
    public void stop(Runnable callback) {
        running = false;
        if (tasks.isEmpty()) {
            callback.run();
            return;
        }
        Thread.ofPlatform()
                .name(runtime.config().name() + "-executor-drain")
                .start(
                        () -> {
                            try {
                                drain();
                            } finally {
                                callback.run();
                            }
                        });
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** An idle executor costs nothing, so a paused context has no reason to wait for its tasks. */
    @Override
    public boolean isPauseable() {
        return false;
    }

    @Override
    public int getPhase() {
        return ExecutorConfigurationSupport.DEFAULT_PHASE;
    }

    final String displayName() {
        return beanName == null ? "an executor" : "executor '" + beanName + "'";
    }

    private void drain() {
        Duration timeout = runtime.config().shutdownTimeout();
        CountDownLatch latch;
        synchronized (tasks) {
            latch = drained;
            if (latch == null || latch.getCount() == 0) {
                latch = new CountDownLatch(1);
                drained = latch;
            }
        }
        try {
            if (tasks.isEmpty() || latch.await(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List<Task> late = tasks.toList();
        LOG.warn(
                late.size()
                        + " tasks of "
                        + displayName()
                        + " have not ended within the shutdown timeout of "
                        + timeout
                        + " (avx.shutdown-timeout) and are interrupted: "
                        + late.stream().limit(10).map(t -> t.name).toList()
                        + (late.size() > 10 ? " and more" : ""));
        late.forEach(Task::interrupt);
    }

    /** One accepted task, in {@link #tasks} until it has ended. */
    class Task extends LiveTasks.Entry<Task> implements CancellableTask<@Nullable Void> {
        final String name;
        final Runnable body;
        // who spawns sets the one and then reads the other, who interrupts does it the other way
        private volatile @Nullable JoinHandle<?> handle;
        private volatile boolean interrupted;

        Task(String name, Runnable body) {
            this.name = name;
            this.body = body;
        }

        /** On a fiber, which has the task's name and which the runtime cleans behind it. */
        @Override
        public final @Nullable Void call() {
            Thread current = Thread.currentThread();
            if (current.getContextClassLoader() != contextClassLoader) {
                current.setContextClassLoader(contextClassLoader);
            }
            started.increment();
            try {
                body.run();
            } catch (Throwable e) {
                // not thrown on: the runtime would report it a second time
                current.getUncaughtExceptionHandler().uncaughtException(current, e);
            } finally {
                ended.increment();
                hasEnded();
                forget(this);
            }
            return null;
        }

        @Override
        public final void cancelled() {
            accepted.decrement();
            leaveOut();
            hasEnded();
            forget(this);
        }

        /** Leaves out the code that was submitted, but not what the superclass does after it. */
        void leaveOut() {
            ScopedValue.where(CANCELLED, true).run(body);
        }

        /** Whether stopping took too long for it. */
        final boolean isInterrupted() {
            return interrupted;
        }

        final void spawnOn(Handle runtime) {
            JoinHandle<?> spawned = runtime.spawn(name, this);
            handle = spawned;
            if (interrupted) {
                spawned.cancel();
            }
        }

        /** Called on the task's fiber after the task. */
        void hasEnded() {}

        /** Called when the shutdown timeout is over. */
        void interrupt() {
            interrupted = true;
            JoinHandle<?> spawned = handle;
            if (spawned != null) {
                spawned.cancel();
            }
        }
    }
}
