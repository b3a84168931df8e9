package cloud.avila.avx;

import cloud.avila.avx.UnseenFailures.Failure;
import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/** A runtime as a scheduled executor service: timers of its wheel start fibers. */
final class FiberScheduledExecutor extends FiberExecutor implements ScheduledExecutorService {
    /*
     * Overview.
     *
     * A task is in accepted from its submission until its future is done, and so keeps the executor
     * from terminating. In between it waits for its timer (waiting) or a fiber runs it, in turn: the
     * timer's action starts the fiber, and the end of a periodic run sets the next timer. So runs
     * never overlap.
     *
     * accepted and waiting are guarded by the lock of the group. The future decides by itself between
     * running and being cancelled. timer is volatile: whoever sets it looks afterwards whether the
     * future is done, whoever ends the future cancels the timer that he sees; so no timer stays
     * behind.
     *
     * The runtime tells when it begins to close: timers do not fire for long then, so what waits is
     * cancelled. Each task listens for itself, so that a view that nobody uses is garbage even if it
     * was not shut down.
     */

    private static final long LONGEST = Long.MAX_VALUE / 2; // 146 years: sums never overflow

    private final Scheduler scheduler;
    private final RuntimeHooks hooks;
    private final AtomicLong sequence = new AtomicLong();
    private final Set<Scheduled<?>> accepted = new HashSet<>();

    FiberScheduledExecutor(SchedulerHandle handle) {
        super(handle);
        this.scheduler = handle.scheduler();
        this.hooks = handle.hooks();
    }

    private final class Scheduled<V extends @Nullable Object> extends FutureTask<V>
            implements RunnableScheduledFuture<V> {
        private final long number = sequence.getAndIncrement();
        private final String name;
        private final long period; // positive: at this rate; negative: with this delay; 0: once
        private volatile long time; // when it is due, by System.nanoTime()
        private volatile @Nullable Future<?> timer;
        private volatile @Nullable Failure failure;
        private boolean waiting;
        final Runnable onClosing = this::cancelIfWaiting;

        Scheduled(String name, Callable<V> body, long delay, long period) {
            super(body);
            this.name = name;
            this.time = System.nanoTime() + Math.clamp(delay, 0, LONGEST);
            this.period = period;
        }

        /** Sets the timer for the next run. */
        void arm() {
            boolean off;
            group.acquire();
            try {
                off = isShutdown() && isPeriodic() || scheduler.isClosing();
                waiting = !off;
            } finally {
                group.lock.unlock();
            }
            if (off) {
                cancel(false);
                return;
            }
            long left = time - System.nanoTime();
            if (left <= 0) {
                fire();
                return;
            }
            Future<?> set = scheduler.schedule(this::fire, left);
            timer = set;
            if (isDone()) {
                set.cancel(false);
            }
        }

        private void cancelIfWaiting() {
            boolean was;
            group.acquire();
            try {
                was = waiting;
            } finally {
                group.lock.unlock();
            }
            if (was) {
                cancel(false);
            }
        }

        /** Starts a run, on a worker's thread as a rule. */
        private void fire() {
            if (time - System.nanoTime() > 0) {
                arm(); // the wheel's longest delay is shorter
                return;
            }
            group.acquire();
            try {
                if (!waiting) {
                    return;
                }
                waiting = false;
            } finally {
                group.lock.unlock();
            }
            try {
                group.spawn(TaskGroup.Kind.FIBER, null, new Run(this), task -> !isDone());
            } catch (RejectedExecutionException e) {
                cancel(false);
            } catch (RuntimeException e) {
                setException(e);
            }
        }

        private void runOnce() {
            if (!isPeriodic()) {
                run();
            } else if (runAndReset()) {
                time = period > 0 ? time + period : System.nanoTime() - period;
                arm();
            }
        }

        @Override
        protected void done() {
            Future<?> set = timer;
            if (set != null) {
                set.cancel(false);
            }
            group.acquire();
            try {
                waiting = false;
                accepted.remove(this);
                signalIfTerminated();
            } finally {
                group.lock.unlock();
            }
            scheduler.removeClosingListener(onClosing);
        }

        @Override
        protected void setException(Throwable thrown) {
            var unseen = new Failure(thrown);
            failure = unseen;
            super.setException(thrown);
            if (isCancelled()) {
                return;
            }
            if (isPeriodic()) {
                hooks.failed(name + ", which runs no more,", thrown);
            } else {
                UnseenFailures.watch(this, hooks, name, unseen);
            }
        }

        private void seen() {
            Failure f = failure;
            if (f != null && isDone()) {
                f.seen = true;
            }
        }

        @Override
        public V get() throws InterruptedException, ExecutionException {
            try {
                return super.get();
            } finally {
                seen();
            }
        }

        @Override
        public V get(long timeout, TimeUnit unit)
                throws InterruptedException, ExecutionException, TimeoutException {
            try {
                return super.get(timeout, unit);
            } finally {
                seen();
            }
        }

        @Override
        public Throwable exceptionNow() {
            Throwable thrown = super.exceptionNow();
            seen();
            return thrown;
        }

        @Override
        public boolean isPeriodic() {
            return period != 0;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(time - System.nanoTime(), TimeUnit.NANOSECONDS);
        }

        @Override
        public int compareTo(Delayed other) {
            if (other instanceof Scheduled<?> s) {
                long difference = time - s.time;
                return difference != 0 ? Long.signum(difference) : Long.signum(number - s.number);
            }
            return Long.compare(
                    getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }

    /** One run, as the body of a fiber. */
    private record Run(FiberScheduledExecutor.Scheduled<?> task) implements StartedRun {
        @Override
        public Boolean call() {
            task.runOnce();
            return true;
        }

        @Override
        public Runnable runnable() {
            return task;
        }
    }

    private <V extends @Nullable Object> ScheduledFuture<V> accept(
            Object command, Callable<V> body, long delay, long period) {
        var task =
                new Scheduled<V>(
                        (period == 0 ? "scheduled task " : "periodic task ")
                                + command.getClass().getName(),
                        inContext(body),
                        delay,
                        period);
        group.acquire();
        try {
            checkNotShutdown();
            accepted.add(task);
        } finally {
            group.lock.unlock();
        }
        scheduler.addClosingListener(task.onClosing);
        if (scheduler.isClosing()) {
            task.cancel(false);
            throw new RejectedExecutionException(
                    "runtime \""
                            + scheduler.name()
                            + "\" is closing or closed, its timers start no more tasks");
        }
        task.arm();
        return task;
    }

    private <V extends @Nullable Object> Callable<V> inContext(Callable<V> body) {
        TaskContext context = TaskContext.capture(hooks);
        return context == null ? body : () -> context.<V>call(body);
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
        Objects.requireNonNull(command, "command");
        return accept(command, Executors.callable(command), unit.toNanos(delay), 0);
    }

    @Override
    public <V extends @Nullable Object> ScheduledFuture<V> schedule(
            Callable<V> callable, long delay, TimeUnit unit) {
        Objects.requireNonNull(callable, "callable");
        return accept(callable, callable, unit.toNanos(delay), 0);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(
            Runnable command, long initialDelay, long period, TimeUnit unit) {
        Objects.requireNonNull(command, "command");
        return accept(
                command,
                Executors.callable(command),
                unit.toNanos(initialDelay),
                Math.min(positive("period", period, unit), LONGEST));
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
            Runnable command, long initialDelay, long delay, TimeUnit unit) {
        Objects.requireNonNull(command, "command");
        return accept(
                command,
                Executors.callable(command),
                unit.toNanos(initialDelay),
                -Math.min(positive("delay", delay, unit), LONGEST));
    }

    private static long positive(String what, long value, TimeUnit unit) {
        if (value <= 0) {
            throw new IllegalArgumentException(
                    "the " + what + " must be positive, but is " + value + " " + unit);
        }
        return unit.toNanos(value);
    }

    @Override
    int waiting() {
        return accepted.size();
    }

    /** Cancels those that wait for their time; returns them in the order of their times. */
    private List<Scheduled<?>> cancelWaiting(Predicate<Scheduled<?>> which) {
        List<Scheduled<?>> cancelled = new ArrayList<>();
        group.acquire();
        try {
            for (Scheduled<?> task : accepted) {
                if (task.waiting && which.test(task)) {
                    cancelled.add(task);
                }
            }
        } finally {
            group.lock.unlock();
        }
        cancelled.sort(null);
        cancelled.forEach(task -> task.cancel(false));
        return cancelled;
    }

    @Override
    public void shutdown() {
        beginShutdown();
        cancelWaiting(Scheduled::isPeriodic);
    }

    @Override
    public List<Runnable> shutdownNow() {
        beginShutdown();
        List<Scheduled<?>> waiting = cancelWaiting(task -> true);
        List<Scheduled<?>> running;
        group.acquire();
        try {
            running = List.copyOf(accepted);
        } finally {
            group.lock.unlock();
        }
        running.forEach(task -> task.cancel(true));
        List<Runnable> neverRun = super.shutdownNow();
        neverRun.addAll(waiting);
        return neverRun;
    }
}
