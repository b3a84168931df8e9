package cloud.avila.avx.spring.task;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.Priority;
import cloud.avila.avx.actuator.ExecutorMetrics;
import cloud.avila.avx.spring.AvxProperties.RejectionPolicy;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.core.task.TaskRejectedException;

import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * A task executor with a bound on the tasks that run at once and on those that wait for them. The
 * bean behind {@code avx.executors.<name>}. Submitting never blocks: what exceeds both bounds is
 * rejected, dropped or run by the submitter, as the {@link RejectionPolicy} says. Tasks start in
 * the order of their submission; each is a fiber of its own, which may block. Thread-safe.
 *
 * <p>The future of a task that is dropped ends with a {@link TaskRejectedException}. A task that
 * {@link CompletableFuture} itself submits, as {@code supplyAsync(supplier, executor)} does, cannot
 * be ended by anybody but by running it; such a task is never dropped: where others are, it is
 * rejected when it is submitted, or runs late. {@link #submitCompletable} has no such limit.
 *
 * <p>The settings of {@link org.springframework.core.task.SimpleAsyncTaskExecutor} that concern its
 * throttle and its own tracking of threads have no effect. When the application context stops,
 * tasks that wait get the shutdown timeout as well as those that run; those that have not started
 * by then are rejected.
 */
@SuppressWarnings("serial") // as the superclass
public final class BoundedTaskExecutor extends AvxTaskExecutor {
    /*
     * Overview.
     *
     * control counts, in one word that is only changed atomically, the tasks that hold a permit to
     * run (upper half) and the places taken in the queue (lower half). Who submits a task raises one
     * of them, by compare-and-set on what he read: running if it is below the limit and nothing is
     * queued, else queued if there is room. So the bounds hold without a lock, and an order of first
     * come, first served among those that queue.
     *
     * A task that takes a place is linked into queue after that. Whoever sees a free permit and a
     * place taken (the fiber of a task that has ended, after it gave back its permit; who has just
     * linked a task; who raises the limit) moves one from queued to running with one
     * compare-and-set. That is a claim to any one task of the queue; he polls it and starts it.
     *
     * The poll can find nothing, for two reasons: the task is not linked yet, or it has been dropped
     * meanwhile. Then he gives the claim back and looks at the queue once more: a task that has been
     * linked while the claim was held may have found no free permit because of it, and nobody else
     * would start it. Who links a task looks at control after that. Both words being accessed in
     * volatile mode, at least one of the two sees the other: no task is left behind while a permit
     * is free.
     *
     * A queued task is WAITING until a compare-and-set on its state decides who has it: STARTED by
     * the one with a claim, or DROPPED by a timeout, by the policy that drops the oldest, or when
     * stopping. Who drops one takes its place back and removes it from the queue. If a claim meant
     * for it is under way, queued may be -1 for a moment; the claim is given back then.
     *
     * limit is volatile. A lower one takes effect as tasks end; a submission that is just being
     * admitted may still see the old one.
     *
     * One timer gives up the tasks that waited too long. It is set when a task is queued and none is
     * set (reaping), for when the oldest task is due: all wait equally long, so they are due in the
     * order of the queue.
     */

    private static final Log LOG = LogFactory.getLog(BoundedTaskExecutor.class);

    private static final long ONE_RUNNING = 1L << 32;
    private static final long ONE_QUEUED = 1;

    private static final int WAITING = 0;
    private static final int STARTED = 1;
    private static final int DROPPED = 2;

    private static final long LOG_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);

    /**
     * What bounds an executor.
     *
     * @param concurrencyLimit most tasks that run at once, 1 to {@value #MAX_CONCURRENCY}
     * @param queueCapacity most tasks that wait for them to end, 0 to {@value #MAX_CAPACITY}
     * @param rejectionPolicy what happens to a task beyond both
     * @param priority how urgent its tasks are to the runtime
     * @param queueTimeout how long a task may wait before it is given up; zero for ever
     */
    public record Settings(
            int concurrencyLimit,
            int queueCapacity,
            RejectionPolicy rejectionPolicy,
            Priority priority,
            Duration queueTimeout) {
        /** Highest concurrency limit. */
        public static final int MAX_CONCURRENCY = 1_000_000;

        /** Highest capacity of the queue. */
        public static final int MAX_CAPACITY = 100_000_000;

        /** Longest queue timeout. */
        public static final Duration MAX_QUEUE_TIMEOUT = Duration.ofDays(1);

        /**
         * Checks the values.
         *
         * @throws IllegalArgumentException if a value is out of range
         */
        public Settings {
            checkConcurrencyLimit(concurrencyLimit);
            if (queueCapacity < 0 || queueCapacity > MAX_CAPACITY) {
                throw new IllegalArgumentException(
                        "the queue capacity must be between 0 and "
                                + MAX_CAPACITY
                                + ", but is "
                                + queueCapacity);
            }
            if (queueCapacity == 0 && rejectionPolicy == RejectionPolicy.DISCARD_OLDEST) {
                throw new IllegalArgumentException(
                        "the queue capacity must be 1 or more to discard the oldest task, but is"
                                + " 0");
            }
            Objects.requireNonNull(priority, "priority");
            if (queueTimeout.isNegative() || queueTimeout.compareTo(MAX_QUEUE_TIMEOUT) > 0) {
                throw new IllegalArgumentException(
                        "the queue timeout must be between 0 and "
                                + MAX_QUEUE_TIMEOUT
                                + ", but is "
                                + queueTimeout);
            }
        }

        static void checkConcurrencyLimit(int limit) {
            if (limit < 1 || limit > MAX_CONCURRENCY) {
                throw new IllegalArgumentException(
                        "the concurrency limit must be between 1 and "
                                + MAX_CONCURRENCY
                                + ", but is "
                                + limit);
            }
        }
    }

    private final Settings settings;
    private final Handle handle;
    private final long timeoutNanos;
    private final @Nullable ScheduledExecutorService timer;
    private final AtomicLong control = new AtomicLong();
    private final ConcurrentLinkedQueue<Entry> queue = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean reaping = new AtomicBoolean();
    private volatile int limit;

    private final LongAdder neverStarted = new LongAdder(); // accepted, and not run
    private final LongAdder discarded = new LongAdder();
    private final LongAdder timedOut = new LongAdder();
    private final LongAdder callerRuns = new LongAdder();
    private final LongAdder unreported = new LongAdder();
    private final AtomicLong nextReport = new AtomicLong(System.nanoTime());

    /**
     * Creates an executor.
     *
     * @param runtime runs the tasks; it is not closed with the executor
     * @param name its name in messages, if it gets no other one as a bean; its tasks are called by
     *     it and a number
     * @param settings its bounds
     */
    @SuppressWarnings("this-escape") // the class is final, and its superclass knows only the name
    public BoundedTaskExecutor(AvxRuntime runtime, String name, Settings settings) {
        super(runtime);
        this.settings = settings;
        this.handle = runtime.handle().withPriority(settings.priority);
        this.timeoutNanos = settings.queueTimeout.toNanos();
        this.timer = timeoutNanos == 0 ? null : runtime.handle().asScheduledExecutorService();
        this.limit = settings.concurrencyLimit;
        setBeanName(name);
        setThreadNamePrefix(name + "-");
    }

    private static int queued(long control) {
        return (int) control;
    }

    private static int running(long control) {
        return (int) ((control - (int) control) >> 32);
    }

    @Override
    @SuppressWarnings("deprecation") // every way to submit ends here
    public void execute(Runnable task, long startTimeout) {
        Objects.requireNonNull(task, "task");
        if (!isActive()) {
            rejected.increment();
            throw new TaskRejectedException(closed(task));
        }
        submit(new Entry(nextThreadName(), decorate(task), task));
    }

    private void submit(Entry entry) {
        while (true) {
            long c = control.get();
            int free = limit - running(c);
            if (free > 0 && queued(c) <= 0) {
                if (control.compareAndSet(c, c + ONE_RUNNING)) {
                    startDirectly(entry);
                    return;
                }
            } else if (hasRoom(c)) {
                if (control.compareAndSet(c, c + ONE_QUEUED)) {
                    enqueue(entry);
                    return;
                }
            } else if (!makeRoom(entry, c)) {
                return;
            }
        }
    }

    /** As many as may run and wait in all, also when free permits have not been given away yet. */
    private boolean hasRoom(long c) {
        return queued(c) < settings.queueCapacity + Math.max(0, limit - running(c));
    }

    private void startDirectly(Entry entry) {
        entry.state.setPlain(STARTED);
        accept(entry);
        try {
            entry.spawnOn(handle);
        } catch (RejectedExecutionException e) {
            neverStarted.increment();
            rejected.increment();
            forget(entry);
            release();
            throw refused(entry.submitted, e);
        }
    }

    private void enqueue(Entry entry) {
        entry.since = System.nanoTime();
        accept(entry);
        queue.add(entry);
        if (timer != null && !reaping.get() && reaping.compareAndSet(false, true)) {
            reapIn(timer, timeoutNanos);
        }
        startQueued();
    }

    /** Whether to try again; otherwise the task is none of the executor's any more. */
    private boolean makeRoom(Entry entry, long c) {
        switch (settings.rejectionPolicy) {
            case ABORT -> reject(entry, c);
            case CALLER_RUNS -> {
                callerRuns.increment();
                entry.runByCaller();
            }
            case DISCARD -> discard(entry, c);
            case DISCARD_OLDEST -> {
                Entry oldest = dropOldest();
                if (oldest != null) {
                    discarded.increment();
                    oldest.giveUp("was discarded as the oldest waiting, because " + full(c));
                    return true;
                }
                if (hasRoom(control.get())) {
                    return true;
                }
                discard(entry, c);
            }
        }
        return false;
    }

    private void discard(Entry entry, long c) {
        if (!entry.isDroppable()) {
            reject(entry, c);
        }
        discarded.increment();
        entry.giveUp("was discarded, because " + full(c));
    }

    private void reject(Entry entry, long c) {
        rejected.increment();
        throw new TaskRejectedException(
                displayName() + " did not accept " + entry.submitted + ", because " + full(c));
    }

    private String full(long c) {
        return running(c)
                + " tasks run (avx.executors."
                + name()
                + ".concurrency-limit is "
                + limit
                + ") and "
                + Math.max(0, queued(c))
                + " wait (avx.executors."
                + name()
                + ".queue-capacity is "
                + settings.queueCapacity
                + ")";
    }

    private @Nullable Entry dropOldest() {
        for (Entry e : queue) {
            if (e.isDroppable() && drop(e)) {
                return e;
            }
        }
        return null;
    }

    /** Takes a waiting task out of the queue, if nobody else has done so. */
    private boolean drop(Entry e) {
        if (!disown(e)) {
            return false;
        }
        queue.remove(e); // fast: it is the first but for few
        return true;
    }

    private boolean disown(Entry e) {
        if (!e.state.compareAndSet(WAITING, DROPPED)) {
            return false;
        }
        control.addAndGet(-ONE_QUEUED);
        neverStarted.increment();
        return true;
    }

    private void release() {
        control.addAndGet(-ONE_RUNNING);
        startQueued();
    }

    /** Starts queued tasks while permits are free. */
    private void startQueued() {
        while (true) {
            long c = control.get();
            if (queued(c) <= 0 || running(c) >= limit) {
                return;
            }
            if (!control.compareAndSet(c, c + ONE_RUNNING - ONE_QUEUED)) {
                continue;
            }
            Entry e = take();
            if (e != null) {
                start(e);
                continue;
            }
            control.addAndGet(ONE_QUEUED - ONE_RUNNING);
            if (queue.isEmpty()) {
                return;
            }
        }
    }

    private @Nullable Entry take() {
        for (Entry e; (e = queue.poll()) != null; ) {
            if (timeoutNanos > 0
                    && System.nanoTime() - e.since >= timeoutNanos
                    && e.isDroppable()) {
                if (disown(e)) {
                    timeOut(e);
                }
            } else if (e.state.compareAndSet(WAITING, STARTED)) {
                return e;
            }
        }
        return null;
    }

    private void start(Entry e) {
        try {
            e.spawnOn(handle);
        } catch (RejectedExecutionException refusal) {
            neverStarted.increment();
            rejected.increment();
            e.giveUp("was not started by the runtime: " + refusal.getMessage());
            control.addAndGet(-ONE_RUNNING);
        }
    }

    private void reapIn(ScheduledExecutorService timer, long nanos) {
        try {
            var _ = timer.schedule(() -> reap(timer), nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            // the runtime closes: what waits is started or ended with it
            LOG.debug("No queue timeouts any more for " + displayName(), e);
        }
    }

    private void reap(ScheduledExecutorService timer) {
        while (true) {
            long now = System.nanoTime();
            for (Entry e : queue) {
                long left = timeoutNanos - (now - e.since);
                if (left > 0) {
                    reapIn(timer, left);
                    return;
                }
                if (e.isDroppable() && drop(e)) {
                    timeOut(e);
                }
            }
            reaping.set(false);
            // who queued a task meanwhile saw the timer still set
            if (!hasDroppable() || !reaping.compareAndSet(false, true)) {
                return;
            }
        }
    }

    private boolean hasDroppable() {
        for (Entry e : queue) {
            if (e.isDroppable() && e.state.get() == WAITING) {
                return true;
            }
        }
        return false;
    }

    private void timeOut(Entry e) {
        timedOut.increment();
        e.giveUp(
                "waited longer than "
                        + settings.queueTimeout
                        + " (avx.executors."
                        + name()
                        + ".queue-timeout) for one of "
                        + limit
                        + " permits to run");
    }

    @Override
    public ExecutorMetrics executorMetrics() {
        long e = ended.sum();
        long s = Math.max(started.sum(), e);
        long never = neverStarted.sum();
        long a = Math.max(accepted.sum() - never, s);
        long age = 0;
        for (Entry entry : queue) {
            if (entry.state.get() == WAITING) {
                age = Math.max(0, System.nanoTime() - entry.since);
                break;
            }
        }
        int waiting = Math.max(0, queued(control.get()));
        return new ExecutorMetrics(
                s - e,
                e,
                a - s,
                Math.max(0, settings.queueCapacity - waiting),
                s - e,
                runtime.config().workerThreads(),
                limit,
                rejected.sum(),
                discarded.sum(),
                timedOut.sum(),
                callerRuns.sum(),
                age);
    }

    @Override
    public int concurrencyLimit() {
        return limit;
    }

    @Override
    public void concurrencyLimit(int limit) {
        Settings.checkConcurrencyLimit(limit);
        this.limit = limit;
        startQueued();
    }

    @Override
    public boolean isResizable() {
        return true;
    }

    @Override
    public int queueCapacity() {
        return settings.queueCapacity;
    }

    @Override
    public String rejectionPolicy() {
        return settings.rejectionPolicy.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    @Override
    public String priority() {
        return settings.priority.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public Duration queueTimeout() {
        return settings.queueTimeout;
    }

    /** Each task given up whose submitter has no future would vanish without a line in the log. */
    private void report(String what) {
        unreported.increment();
        long due = nextReport.get();
        long now = System.nanoTime();
        if (now - due >= 0 && nextReport.compareAndSet(due, now + LOG_INTERVAL_NANOS)) {
            LOG.warn(
                    displayName()
                            + " has given up "
                            + unreported.sumThenReset()
                            + " tasks since the last such line, at most one in 10 s. The latest: "
                            + what);
        }
    }

    /** A submitted task. */
    private final class Entry extends Task {
        final Runnable submitted;
        final AtomicInteger state = new AtomicInteger(WAITING);
        long since; // written before it is linked

        Entry(String name, Runnable body, Runnable submitted) {
            super(name, body);
            this.submitted = submitted;
        }

        @Override
        void hasEnded() {
            release();
        }

        @Override
        void interrupt() {
            if (drop(this)) {
                tooLate();
            } else {
                super.interrupt();
            }
        }

        @Override
        void leaveOut() {
            if (isInterrupted() && isDroppable()) {
                tooLate();
            } else {
                super.leaveOut();
            }
        }

        private void tooLate() {
            rejected.increment();
            giveUp(
                    "had not started when the shutdown timeout of "
                            + runtime.config().shutdownTimeout()
                            + " (avx.shutdown-timeout) was over");
        }

        void runByCaller() {
            body.run();
        }

        /** Whether somebody is told when it will not run, or nobody expects to be. */
        boolean isDroppable() {
            return !(submitted instanceof CompletableFuture.AsynchronousCompletionTask);
        }

        /** Ends a task that was accepted, or would have been, and will not run. */
        void giveUp(String why) {
            String what = "Task " + submitted + " of " + displayName() + " " + why;
            switch (submitted) {
                case SubmittedTask s -> s.giveUp(new TaskRejectedException(what));
                case Future<?> f -> f.cancel(false);
                default -> {}
            }
            report(what);
            forget(this);
        }
    }
}
