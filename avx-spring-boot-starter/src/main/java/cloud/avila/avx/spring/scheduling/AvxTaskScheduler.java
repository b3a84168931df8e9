package cloud.avila.avx.spring.scheduling;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.actuator.SchedulerMetrics;
import cloud.avila.avx.actuator.SchedulerMetricsSource;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanClassLoaderAware;
import org.springframework.beans.factory.BeanNameAware;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationContextAware;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.core.task.TaskDecorator;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.Trigger;
import org.springframework.scheduling.concurrent.ExecutorConfigurationSupport;
import org.springframework.scheduling.support.SimpleTriggerContext;
import org.springframework.scheduling.support.TaskUtils;
import org.springframework.util.ErrorHandler;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/**
 * A Spring task scheduler on the timers of an {@link AvxRuntime}. Each run is a fiber, which may
 * block for as long as it likes without delaying another task's runs. Thread-safe.
 *
 * <p>Runs of one task never overlap. At a fixed rate, runs that were due while the previous one
 * still ran follow it at once, as with Spring's {@code ThreadPoolTaskScheduler}. A repeated task
 * goes on after an exception, which the error handler gets, unless the handler throws it on; the
 * exception of a single run also ends its future.
 *
 * <p>When the application context begins to close, tasks that wait for their time are cancelled.
 * Runs under way are waited for in the phase of Spring's executors; those that take longer than the
 * termination timeout are interrupted. A stopped context that starts again makes up for single runs
 * that became due meanwhile. It is no {@link java.util.concurrent.Executor}, so it does not become
 * anybody's task executor by accident.
 */
public final class AvxTaskScheduler
        implements TaskScheduler,
                SmartLifecycle,
                BeanNameAware,
                BeanClassLoaderAware,
                ApplicationContextAware,
                ApplicationListener<ContextClosedEvent>,
                SchedulerMetricsSource,
                AutoCloseable {
    /*
     * Overview.
     *
     * A task is in tasks until it has ended for good. It is WAITING while its timer runs. Exactly one
     * compare-and-set takes it out of that: to RUNNING by the fiber that the timer started, or to
     * ENDED by whoever cancels it. Only the fiber that made it RUNNING makes it WAITING again, sets
     * the next timer, and then looks whether the task was cancelled or the scheduler closed in
     * between; who cancels or closes marks that first and then cancels the timer that he sees. So no
     * timer stays behind. The slot for a timer is there before the timer is set: the run that the
     * timer starts may make the next slot before the fiber that set the timer gets on.
     *
     * Who cancels with an interrupt sends it to the runner, if there is one: he marks the end and
     * then looks for a runner, a run makes itself known and then looks for the end.
     */

    private static final Log LOG = LogFactory.getLog(AvxTaskScheduler.class);
    private static final long LONGEST = Long.MAX_VALUE / 4; // 73 years: sums do not overflow

    private static final int WAITING = 0;
    private static final int RUNNING = 1;
    private static final int ENDED = 2;

    private final AvxRuntime runtime;
    private final ScheduledExecutorService timers;
    private final Set<Scheduled> tasks = ConcurrentHashMap.newKeySet();
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicLong started = new AtomicLong();
    private final LongAdder completed = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder late = new LongAdder();
    private final LongAdder overlapping = new LongAdder();
    private volatile boolean closing;
    private volatile @Nullable CountDownLatch paused;
    private volatile @Nullable CountDownLatch idle;

    private String beanName = "taskScheduler";
    private @Nullable ClassLoader contextClassLoader =
            Thread.currentThread().getContextClassLoader();
    private @Nullable ApplicationContext applicationContext;
    private Clock clock = Clock.systemDefaultZone();
    private String threadNamePrefix = "scheduling-";
    private @Nullable ErrorHandler errorHandler;
    private @Nullable TaskDecorator taskDecorator;
    private @Nullable Semaphore permits;
    private Duration terminationTimeout;
    private long lateNanos = TimeUnit.SECONDS.toNanos(1);

    /**
     * Creates a scheduler.
     *
     * @param runtime has the timers and runs the tasks; it is not closed with the scheduler
     */
    public AvxTaskScheduler(AvxRuntime runtime) {
        this.runtime = runtime;
        this.timers = runtime.handle().asScheduledExecutorService();
        this.terminationTimeout = runtime.config().shutdownTimeout();
    }

    @Override
    public void setBeanName(String name) {
        beanName = name;
    }

    @Override
    public void setBeanClassLoader(ClassLoader classLoader) {
        contextClassLoader = classLoader;
    }

    @Override
    public void setApplicationContext(ApplicationContext applicationContext) {
        this.applicationContext = applicationContext;
    }

    /**
     * Sets the clock that start times and triggers refer to, by default the system's. Set it before
     * the first task is scheduled, as everything else.
     *
     * @param clock tells the time
     */
    public void setClock(Clock clock) {
        this.clock = clock;
    }

    @Override
    public Clock getClock() {
        return clock;
    }

    /**
     * Sets how the threads of runs are called, by default {@code scheduling-} and a number.
     *
     * @param prefix what comes before the number
     */
    public void setThreadNamePrefix(String prefix) {
        this.threadNamePrefix = prefix;
    }

    /**
     * Sets who is told what runs throw. By default it is logged; and ends the future of a task that
     * runs once.
     *
     * @param errorHandler is told; if it throws, the task runs no more
     */
    public void setErrorHandler(ErrorHandler errorHandler) {
        this.errorHandler = errorHandler;
    }

    /**
     * Sets what is put around each run.
     *
     * @param taskDecorator decorates, once for each run, on the run's own thread
     */
    public void setTaskDecorator(@Nullable TaskDecorator taskDecorator) {
        this.taskDecorator = taskDecorator;
    }

    /**
     * Bounds how many runs there may be at once; further ones wait.
     *
     * @param limit 1 or more; -1 for no bound, which is the default
     * @throws IllegalArgumentException if the limit is neither
     */
    public void setConcurrencyLimit(int limit) {
        if (limit != -1 && limit < 1) {
            throw new IllegalArgumentException(
                    "the concurrency limit of a scheduler must be 1 or more, or -1 for none, but is "
                            + limit);
        }
        this.permits = limit == -1 ? null : new Semaphore(limit);
    }

    /**
     * Sets for how long stopping waits for runs under way before it interrupts them, by default the
     * runtime's shutdown timeout.
     *
     * @param timeout how long
     */
    public void setTerminationTimeout(Duration timeout) {
        this.terminationTimeout = timeout;
    }

    /**
     * Sets from when on a run counts as late, by default one second.
     *
     * @param threshold how long after its due time it started
     */
    public void setLateThreshold(Duration threshold) {
        this.lateNanos = nanos(threshold);
    }

    @Override
    public @Nullable ScheduledFuture<?> schedule(Runnable task, Trigger trigger) {
        var plan = new Triggered(trigger, clock);
        OptionalLong first = plan.next();
        return first.isEmpty() ? null : accept(new Scheduled(task, plan), first.getAsLong());
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable task, Instant startTime) {
        return accept(new Scheduled(task, Once.PLAN), at(startTime));
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
            Runnable task, Instant startTime, Duration period) {
        return accept(new Scheduled(task, new FixedRate(positive(period))), at(startTime));
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, Duration period) {
        return accept(new Scheduled(task, new FixedRate(positive(period))), System.nanoTime());
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
            Runnable task, Instant startTime, Duration delay) {
        return accept(new Scheduled(task, new FixedDelay(positive(delay))), at(startTime));
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, Duration delay) {
        return accept(new Scheduled(task, new FixedDelay(positive(delay))), System.nanoTime());
    }

    private long at(Instant time) {
        return System.nanoTime() + Math.max(0, nanos(Duration.between(clock.instant(), time)));
    }

    private static long nanos(Duration duration) {
        return Math.clamp(TimeUnit.NANOSECONDS.convert(duration), -LONGEST, LONGEST);
    }

    private static long positive(Duration duration) {
        if (!duration.isPositive()) {
            throw new IllegalArgumentException(
                    "the period or delay of a task must be positive, but is " + duration);
        }
        return nanos(duration);
    }

    private ScheduledFuture<?> accept(Scheduled task, long due) {
        tasks.add(task);
        try {
            task.arm(due);
        } catch (RejectedExecutionException e) {
            task.cancel(false);
            throw rejected(task, "runtime '" + runtime.config().name() + "' is closing", e);
        }
        if (closing) {
            task.cancel(false);
            throw rejected(task, "the application context is being closed", null);
        }
        return task;
    }

    private TaskRejectedException rejected(
            Scheduled task, String why, @Nullable RejectedExecutionException cause) {
        String message =
                "scheduler '" + beanName + "' does not accept " + task.body + " because " + why;
        return cause == null
                ? new TaskRejectedException(message)
                : new TaskRejectedException(message, cause);
    }

    @Override
    public SchedulerMetrics schedulerMetrics() {
        return new SchedulerMetrics(
                tasks.size(),
                active.get(),
                completed.sum(),
                failed.sum(),
                late.sum(),
                overlapping.sum());
    }

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
        if (event.getApplicationContext() == applicationContext) {
            cancelWaiting();
        }
    }

    private void cancelWaiting() {
        closing = true;
        tasks.forEach(Scheduled::cancelIfWaiting);
    }

    @Override
    public void start() {
        CountDownLatch latch = paused;
        paused = null;
        if (latch != null) {
            latch.countDown();
        }
    }

    @Override
    public void stop() {
        pause();
        awaitRuns();
    }

    /**
     * Starts no more runs and lets those under way end, without holding up the caller.
     *
     * @param callback called when none is under way any more, or when the termination timeout is
     *     over and they have been interrupted
     */
    @Override
    public void stop(Runnable callback) {
        pause();
        if (active.get() == 0) {
            callback.run();
            return;
        }
        Thread.ofPlatform()
                .name(runtime.config().name() + "-scheduler-drain")
                .start(
                        () -> {
                            try {
                                awaitRuns();
                            } finally {
                                callback.run();
                            }
                        });
    }

    private void pause() {
        if (paused == null) {
            paused = new CountDownLatch(1);
        }
    }

    /**
     * Counts a run as active, once the scheduler is not paused. Who pauses it looks at the count
     * after that: he sees the run, or the run sees that it has to wait.
     */
    private void becomeActive() throws InterruptedException {
        while (true) {
            active.incrementAndGet();
            CountDownLatch latch = paused;
            if (latch == null || closing) {
                return;
            }
            becomeInactive();
            latch.await();
        }
    }

    private void becomeInactive() {
        if (active.decrementAndGet() == 0) {
            CountDownLatch latch = idle; // read after: who awaits it sets it and then looks
            if (latch != null) {
                latch.countDown();
            }
        }
    }

    private void awaitRuns() {
        CountDownLatch latch = new CountDownLatch(1);
        idle = latch;
        try {
            if (active.get() == 0 || latch.await(nanos(terminationTimeout), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List<Scheduled> running = tasks.stream().filter(Scheduled::isRunning).toList();
        LOG.warn(
                running.size()
                        + " tasks of scheduler '"
                        + beanName
                        + "' have not ended their runs within "
                        + terminationTimeout
                        + " and are interrupted: "
                        + running.stream().limit(10).map(task -> task.body).toList());
        running.forEach(Scheduled::interruptRun);
    }

    @Override
    public boolean isRunning() {
        return paused == null;
    }

    @Override
    public int getPhase() {
        return ExecutorConfigurationSupport.DEFAULT_PHASE;
    }

    /** Cancels every task and interrupts runs under way. Idempotent. */
    @Override
    public void close() {
        cancelWaiting();
        tasks.forEach(task -> task.cancel(true));
        start();
    }

    /**
     * Decides when a task is due, in terms of {@link System#nanoTime()}; called by each run in
     * turn.
     */
    private sealed interface Plan {
        /** After a run that was due, started and ended at these times. */
        OptionalLong next(long due, long ended, Instant startedAt, Instant endedAt);

        default boolean repeats() {
            return true;
        }
    }

    private enum Once implements Plan {
        PLAN;

        @Override
        public OptionalLong next(long due, long ended, Instant startedAt, Instant endedAt) {
            return OptionalLong.empty();
        }

        @Override
        public boolean repeats() {
            return false;
        }
    }

    private record FixedRate(long period) implements Plan {
        @Override
        public OptionalLong next(long due, long ended, Instant startedAt, Instant endedAt) {
            return OptionalLong.of(due + period);
        }
    }

    private record FixedDelay(long delay) implements Plan {
        @Override
        public OptionalLong next(long due, long ended, Instant startedAt, Instant endedAt) {
            return OptionalLong.of(ended + delay);
        }
    }

    private static final class Triggered implements Plan {
        private final Trigger trigger;
        private final SimpleTriggerContext context;
        private @Nullable Instant scheduled;

        Triggered(Trigger trigger, Clock clock) {
            this.trigger = trigger;
            this.context = new SimpleTriggerContext(clock);
        }

        OptionalLong next() {
            Instant time = trigger.nextExecution(context);
            scheduled = time;
            if (time == null) {
                return OptionalLong.empty();
            }
            Duration left = Duration.between(context.getClock().instant(), time);
            return OptionalLong.of(System.nanoTime() + nanos(left));
        }

        @Override
        public OptionalLong next(long due, long ended, Instant startedAt, Instant endedAt) {
            context.update(Objects.requireNonNull(scheduled), startedAt, endedAt);
            return next();
        }
    }

    /** A task and its future. */
    private final class Scheduled implements ScheduledFuture<@Nullable Object>, Runnable {
        private final Runnable body;
        private final Plan plan;
        private final ErrorHandler errors;
        private final AtomicInteger state = new AtomicInteger(WAITING);
        private final CompletableFuture<@Nullable Object> end = new CompletableFuture<>();
        private volatile long due;
        private volatile AtomicReference<@Nullable ScheduledFuture<?>> timer =
                new AtomicReference<>();
        private long previousEnd; // handed from run to run by way of the timer
        private boolean hasRun;
        private @Nullable Thread runner; // guarded by this

        Scheduled(Runnable body, Plan plan) {
            this.body = Objects.requireNonNull(body, "task");
            this.plan = plan;
            ErrorHandler handler = errorHandler;
            this.errors =
                    handler != null ? handler : TaskUtils.getDefaultErrorHandler(plan.repeats());
        }

        void arm(long due) {
            this.due = due;
            var slot = new AtomicReference<@Nullable ScheduledFuture<?>>();
            timer = slot;
            state.set(WAITING);
            ScheduledFuture<?> set =
                    timers.schedule(this, due - System.nanoTime(), TimeUnit.NANOSECONDS);
            slot.set(set);
            if (end.isDone()) {
                set.cancel(false);
            } else if (closing) {
                cancelIfWaiting();
            }
        }

        boolean isRunning() {
            return state.get() == RUNNING;
        }

        /** Interrupts the run under way, if any; a repeated task runs again when it is due. */
        synchronized boolean interruptRun() {
            if (runner == null) {
                return false;
            }
            runner.interrupt();
            return true;
        }

        private synchronized void runBy(@Nullable Thread thread) {
            runner = thread;
        }

        void cancelIfWaiting() {
            if (state.compareAndSet(WAITING, ENDED)) {
                cancel(false);
            }
        }

        /** What the timer does, on a fiber of its own. */
        @Override
        public void run() {
            Semaphore bound = permits;
            try {
                if (bound != null) {
                    bound.acquire();
                }
                try {
                    becomeActive();
                    try {
                        if (state.compareAndSet(WAITING, RUNNING)) {
                            runBy(Thread.currentThread());
                            if (end.isDone()) { // cancelled while it was armed
                                runBy(null);
                                ended();
                            } else {
                                runOnce();
                            }
                        }
                    } finally {
                        becomeInactive();
                    }
                } finally {
                    if (bound != null) {
                        bound.release();
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                cancel(false); // by whoever has interrupted it while it waited
            }
        }

        private void runOnce() {
            long now = System.nanoTime();
            if (hasRun && due - previousEnd < 0) {
                overlapping.increment();
            } else if (now - due > lateNanos) {
                late.increment();
            }
            Instant startedAt = clock.instant();
            Throwable fatal = runHandlingErrors();
            runBy(null);
            completed.increment();
            if (fatal != null) {
                ended();
                end.completeExceptionally(fatal);
                return;
            }
            long ended = System.nanoTime();
            hasRun = true;
            previousEnd = ended;
            OptionalLong next;
            try {
                next = plan.next(due, ended, startedAt, clock.instant());
                if (next.isPresent() && !end.isDone()) {
                    arm(next.getAsLong());
                    return;
                }
            } catch (RejectedExecutionException e) {
                LOG.debug("No further runs of " + body + ": the runtime is closing", e);
                cancel(false);
            } catch (RuntimeException e) {
                LOG.error("No further runs of " + body + ": its trigger failed", e);
                end.completeExceptionally(e);
            }
            ended();
            end.complete(null);
        }

        private void ended() {
            state.set(ENDED);
            tasks.remove(this);
        }

        /** What ends the task, null for nothing. */
        private @Nullable Throwable runHandlingErrors() {
            Thread current = Thread.currentThread(); // a fiber, which is cleaned behind us
            current.setName(threadNamePrefix + started.incrementAndGet());
            current.setContextClassLoader(contextClassLoader);
            try {
                TaskDecorator decorator = taskDecorator;
                (decorator == null ? body : decorator.decorate(body)).run();
                return null;
            } catch (Throwable e) {
                failed.increment();
                try {
                    errors.handleError(e);
                    return null;
                } catch (Throwable fatal) {
                    return fatal;
                }
            }
        }

        @Override
        public boolean cancel(boolean mayInterruptIfRunning) {
            boolean first = end.completeExceptionally(new CancellationException());
            state.compareAndSet(WAITING, ENDED);
            tasks.remove(this);
            if (!mayInterruptIfRunning || !interruptRun()) {
                ScheduledFuture<?> set = timer.get();
                if (set != null) {
                    set.cancel(mayInterruptIfRunning);
                }
            }
            return first;
        }

        @Override
        public boolean isCancelled() {
            return end.isCancelled();
        }

        @Override
        public boolean isDone() {
            return end.isDone();
        }

        @Override
        public @Nullable Object get() throws InterruptedException, ExecutionException {
            return end.get();
        }

        @Override
        public @Nullable Object get(long timeout, TimeUnit unit)
                throws InterruptedException, ExecutionException, TimeoutException {
            return end.get(timeout, unit);
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(due - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            return other instanceof Scheduled s
                    ? Long.signum(due - s.due)
                    : Long.compare(
                            getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }

        @Override
        public String toString() {
            return body.toString();
        }
    }
}
