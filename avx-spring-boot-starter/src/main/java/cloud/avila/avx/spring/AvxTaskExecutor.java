package cloud.avila.avx.spring;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.actuator.ExecutorMetrics;
import cloud.avila.avx.actuator.ExecutorMetricsSource;
import cloud.avila.avx.metrics.RuntimeMetrics;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.beans.factory.BeanNameAware;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.concurrent.ExecutorConfigurationSupport;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
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
        implements SmartLifecycle, BeanNameAware, BeanClassLoaderAware, ExecutorMetricsSource {
    private static final Log LOG = LogFactory.getLog(AvxTaskExecutor.class);

    private final AvxRuntime runtime;
    private final Set<Task> tasks = ConcurrentHashMap.newKeySet();
    private final LongAdder accepted = new LongAdder();
    private final LongAdder started = new LongAdder();
    private final LongAdder ended = new LongAdder();
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

    @Override
    @SuppressWarnings("deprecation") // every way to submit ends here
    public void execute(Runnable task, long startTimeout) {
        try {
            super.execute(task, startTimeout);
        } catch (TaskRejectedException e) {
            if (!isActive()) {
                throw new TaskRejectedException(
                        displayName()
                                + " does not accept "
                                + task
                                + " because the application context has been closed",
                        e);
            }
            // with a concurrency limit the superclass wraps what doExecute() says
            throw e.getCause() instanceof TaskRejectedException reason ? reason : e;
        }
    }

    @Override
    protected void doExecute(Runnable task) {
        Task t = new Task(nextThreadName(), task);
        tasks.add(t);
        accepted.increment();
        try {
            runtime.handle()
                    .spawn(
                            t.name,
                            () -> {
                                t.run();
                                return null;
                            });
        } catch (RejectedExecutionException e) {
            accepted.decrement();
            tasks.remove(t);
            throw new TaskRejectedException(
                    displayName()
                            + " on runtime '"
                            + runtime.config().name()
                            + "' did not accept "
                            + task
                            + ": "
                            + e.getMessage(),
                    e);
        }
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
                limit < 0 ? Integer.MAX_VALUE : limit);
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

    private String displayName() {
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
        List<Task> late = List.copyOf(tasks);
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
    private final class Task implements Runnable {
        private final String name;
        private final Runnable body;
        private @Nullable Thread thread;
        private boolean interrupted;

        Task(String name, Runnable body) {
            this.name = name;
            this.body = body;
        }

        @Override
        public void run() {
            Thread current = Thread.currentThread();
            ClassLoader previousLoader = current.getContextClassLoader();
            String previousName = current.getName();
            current.setContextClassLoader(contextClassLoader);
            current.setName(name);
            started.increment();
            begin(current);
            try {
                body.run();
            } catch (Throwable e) {
                current.getUncaughtExceptionHandler().uncaughtException(current, e);
                throw e;
            } finally {
                end();
                current.setName(previousName);
                current.setContextClassLoader(previousLoader);
            }
        }

        private synchronized void begin(Thread current) {
            thread = current;
            if (interrupted) {
                current.interrupt();
            }
        }

        /** Afterwards no interrupt can reach what the thread runs next. */
        private void end() {
            synchronized (this) {
                thread = null;
            }
            ended.increment();
            tasks.remove(this);
            CountDownLatch latch = drained;
            if (latch != null && tasks.isEmpty()) {
                latch.countDown();
            }
        }

        synchronized void interrupt() {
            interrupted = true;
            if (thread != null) {
                thread.interrupt();
            }
        }
    }
}
