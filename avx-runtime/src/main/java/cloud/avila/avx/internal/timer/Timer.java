package cloud.avila.avx.internal.timer;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.park.Parker;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Delayed;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An action to run once at a deadline, and the entry of a {@link TimerWheel} that stands for it.
 *
 * <p>States, all changes by compare-and-set, so that exactly one of firing and cancelling wins:
 *
 * <pre>
 * NEW ──add──▶ INBOX ──lock holder──▶ WHEEL ──lock holder──▶ FIRED ──action ran──▶ DONE
 *   └────────────────────────────────▶┘ │
 * NEW, INBOX, WHEEL ──cancel──▶ CANCELLED
 * </pre>
 *
 * <p>Fields: {@code state} volatile, anyone. {@code inboxNext} plain: written by the thread that
 * pushes the timer on the wheel's inbox before the push publishes it, then read and cleared by the
 * lock holder that detached the inbox, before it moves the state on; a timer is pushed at most once
 * to be added and, after that push was taken, at most once to be unlinked, because only a cancel
 * that found {@code WHEEL} pushes. {@code previous}, {@code next} and {@code slot} plain: the lock
 * holder; from {@code FIRED} on, {@code next} belongs to the thread that fires. {@code action}
 * plain: dropped by whoever wins the race between firing and cancelling. {@code failure} plain:
 * written before the volatile write of {@code DONE}, read after seeing it.
 */
public final class Timer implements ScheduledFuture<@Nullable Object> {
    static final int NEW = 0;
    static final int INBOX = 1;
    static final int WHEEL = 2;
    static final int FIRED = 3;
    static final int DONE = 4;
    static final int CANCELLED = 5;

    /** {@code slot} of a timer that no lock holder has seen yet. */
    static final int NOT_SEEN = -2;

    /** {@code slot} of a timer that is in no slot any more. */
    static final int UNLINKED = -1;

    private static final BoundedLog LOG = new BoundedLog(Timer.class);
    private static final VarHandle STATE;
    private static final VarHandle WAITERS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(Timer.class, "state", int.class);
            WAITERS = lookup.findVarHandle(Timer.class, "waiters", Waiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private record Waiter(Thread thread, @Nullable Waiter next) {}

    final TimerWheel wheel;
    final long deadline;
    @Nullable Timer previous;
    @Nullable Timer next;
    @Nullable Timer inboxNext;
    int slot = NOT_SEEN;

    private volatile int state;
    private @Nullable Runnable action;
    private @Nullable Throwable failure;
    private volatile @Nullable Waiter waiters;

    /**
     * Makes a timer that does nothing until it is {@linkplain TimerWheel#add(Timer, long) added}.
     *
     * @param wheel the wheel it will be added to
     * @param action what to run at the deadline, on the thread that advances the wheel: short,
     *     never blocks
     * @param deadline the {@code nanoTime} of the wheel's clock at which to run it, at the
     *     earliest; {@link TimerWheel#deadline} computes it from a delay
     */
    public Timer(TimerWheel wheel, Runnable action, long deadline) {
        this.wheel = wheel;
        this.action = Objects.requireNonNull(action, "action");
        this.deadline = deadline;
    }

    boolean move(int from, int to) {
        return STATE.compareAndSet(this, from, to);
    }

    /** Runs the action of a timer whose state the caller has moved to {@code FIRED}. */
    void fire() {
        Runnable a = action;
        action = null;
        try {
            if (a != null) {
                a.run();
            }
        } catch (Throwable t) {
            failure = t;
            LOG.log(Level.ERROR, "action of a timer threw; the other timers go on: " + a, t);
        }
        state = DONE;
        wakeWaiters();
    }

    /**
     * Cancels the timer: if this call wins against firing, the action never runs. Never blocks,
     * takes a constant number of steps of its own, and may be called from any thread.
     *
     * @param mayInterruptIfRunning no effect: an action that has started is not interrupted
     * @return true if this call cancelled the timer; false if it had fired or was cancelled before
     */
    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        int s;
        do {
            s = state;
            if (s > WHEEL) {
                return false;
            }
        } while (!move(s, CANCELLED));
        action = null;
        if (s == WHEEL) {
            wheel.cancelled(this);
        }
        wakeWaiters();
        return true;
    }

    @Override
    public boolean isCancelled() {
        return state == CANCELLED;
    }

    @Override
    public boolean isDone() {
        return state >= DONE;
    }

    @Override
    public long getDelay(TimeUnit unit) {
        return unit.convert(deadline - wheel.now(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
        long difference =
                other instanceof Timer t
                        ? deadline - t.deadline
                        : getDelay(TimeUnit.NANOSECONDS) - other.getDelay(TimeUnit.NANOSECONDS);
        return Long.signum(difference);
    }

    /**
     * Waits until the action has run.
     *
     * @return null
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws ExecutionException if the action threw
     * @throws CancellationException if the timer was cancelled
     */
    @Override
    public @Nullable Object get() throws InterruptedException, ExecutionException {
        if (!isDone()) {
            addWaiter();
            while (!isDone()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                Parker.park(this);
            }
        }
        return result();
    }

    /**
     * Waits for a limited time until the action has run.
     *
     * @return null
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws ExecutionException if the action threw
     * @throws TimeoutException if the action had not run in time
     * @throws CancellationException if the timer was cancelled
     */
    @Override
    public @Nullable Object get(long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        if (!isDone()) {
            long start = System.nanoTime();
            long nanos = Math.max(0, unit.toNanos(timeout)); // or the difference would wrap
            addWaiter();
            while (!isDone()) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                long left = nanos - (System.nanoTime() - start);
                if (left <= 0) {
                    throw new TimeoutException("timer had not fired after " + timeout + " " + unit);
                }
                Parker.parkNanos(this, left);
            }
        }
        return result();
    }

    private @Nullable Object result() throws ExecutionException {
        if (state == CANCELLED) {
            throw new CancellationException("timer was cancelled");
        }
        if (failure != null) {
            throw new ExecutionException(failure);
        }
        return null;
    }

    private void addWaiter() {
        Waiter head;
        do {
            head = waiters;
        } while (!WAITERS.compareAndSet(this, head, new Waiter(Thread.currentThread(), head)));
    }

    private void wakeWaiters() {
        if (waiters != null) {
            Waiter w = (Waiter) WAITERS.getAndSet(this, null);
            for (; w != null; w = w.next) {
                Parker.unpark(w.thread);
            }
        }
    }

    @Override
    public String toString() {
        String name =
                switch (state) {
                    case NEW -> "new";
                    case INBOX, WHEEL -> "pending";
                    case FIRED -> "firing";
                    case DONE -> "fired";
                    default -> "cancelled";
                };
        return "Timer[" + name + ", due in " + getDelay(TimeUnit.MICROSECONDS) + " us]";
    }
}
