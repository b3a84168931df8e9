package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;

/**
 * Lets threads that hold a lock wait, without it, until another thread that holds it says that
 * something has changed.
 *
 * {@snippet :
 * try (var g = mutex.acquire()) {
 *     ready.await(() -> !queue.isEmpty());
 *     return queue.remove();
 * }
 * }
 *
 * <p>All methods are called by the thread that holds the lock; others get an {@link
 * IllegalMonitorStateException} that names both threads. Waiting releases the lock and takes it
 * again before it returns or throws, however long that takes. Signals reach waiters in the order in
 * which they came to wait. A waiter that is interrupted or runs out of time takes no signal with
 * it: either it is counted as signalled and returns normally, with its interrupt status set if it
 * was interrupted, or the signal goes to the next one.
 *
 * <p>There are no spurious wake-ups. But between a signal and the return of the wait other threads
 * may hold the lock, so what was waited for must be looked at again: the forms that take a
 * condition do so. Threads that wait for different things with one {@code Condvar} need {@link
 * #signalAll()}: a single signal may go to one for which nothing has changed.
 *
 * <p>{@link Object#wait()}, {@link Object#notify()} and {@link Object#notifyAll()} belong to the
 * object's monitor and have nothing to do with this.
 */
public final class Condvar implements Condition {
    /*
     * Overview
     *
     * The list of waiters is touched only by the thread that holds the lock, so it needs no order
     * of its own. What races is the outcome of a waiter, decided once by compare-and-set: signalled
     * by the holder, or withdrawn by the waiting thread, which is interrupted or out of time and
     * does not hold the lock. A signal looks for the first waiter that it can still decide, so a
     * waiter that withdraws never swallows one. The waiter has joined the list before it released
     * the lock, so no signal sent after that misses it. One that withdrew unlinks itself as soon
     * as it holds the lock again, before await returns.
     */

    private static final int SIGNALLED = Waiter.GRANTED;

    private final Exclusive lock;
    private @Nullable Node first;
    private @Nullable Node last;

    /**
     * A condition of a lock.
     *
     * @param mutex what is held while waiting and signalling
     */
    public Condvar(Mutex mutex) {
        this(new Locking(mutex));
    }

    Condvar(Exclusive lock) {
        this.lock = lock;
    }

    /**
     * Waits for a signal.
     *
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public void await() throws InterruptedException {
        waitForSignal(true, false, 0);
    }

    /**
     * Waits until something is true, which is looked at with the lock held: first at once, then
     * after each signal.
     *
     * @param condition what to wait for; must not block
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    public void await(BooleanSupplier condition) throws InterruptedException {
        lock.checkHeldBy(Thread.currentThread(), "await");
        while (!condition.getAsBoolean()) {
            waitForSignal(true, false, 0);
        }
    }

    /**
     * Waits for a limited time until something is true, which is looked at with the lock held:
     * first at once, then after each signal, and when time is up.
     *
     * @param condition what to wait for; must not block
     * @param timeout the longest wait, not counting the time to get the lock again; zero or less
     *     does not wait
     * @return whether it is true
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    public boolean await(BooleanSupplier condition, Duration timeout) throws InterruptedException {
        lock.checkHeldBy(Thread.currentThread(), "await");
        if (condition.getAsBoolean()) {
            return true;
        }
        long deadline = Deadline.after(timeout);
        boolean more = timeout.isPositive();
        while (more) {
            more = waitForSignal(true, true, deadline);
            if (condition.getAsBoolean()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Waits for a signal for a limited time.
     *
     * @param timeout the longest wait, not counting the time to get the lock again; zero or less
     *     does not wait
     * @return false when time is up
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    public boolean await(Duration timeout) throws InterruptedException {
        return waitForSignal(true, true, Deadline.after(timeout));
    }

    /**
     * Waits for a signal, whether interrupted or not. The interrupt status is kept.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public void awaitUninterruptibly() {
        try {
            waitForSignal(false, false, 0);
        } catch (InterruptedException e) {
            throw Mutex.uninterruptible(e);
        }
    }

    /**
     * Waits for a signal for a limited time.
     *
     * @param nanosTimeout the longest wait in nanoseconds, not counting the time to get the lock
     *     again; zero or less does not wait
     * @return what is left of it, zero or less when time is up
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public long awaitNanos(long nanosTimeout) throws InterruptedException {
        long deadline = Deadline.afterNanos(nanosTimeout);
        waitForSignal(true, true, deadline);
        return deadline - System.nanoTime();
    }

    /**
     * Waits for a signal for a limited time.
     *
     * @param time the longest wait, not counting the time to get the lock again; zero or less does
     *     not wait
     * @param unit the unit of {@code time}
     * @return false when time is up
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
        return waitForSignal(true, true, Deadline.afterNanos(unit.toNanos(time)));
    }

    /**
     * Waits for a signal until some time of the day, by the system's clock as it is now.
     *
     * @param deadline when to give up
     * @return false when time is up
     * @throws InterruptedException if interrupted before a signal came; the lock is held again
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public boolean awaitUntil(Date deadline) throws InterruptedException {
        long time = deadline.getTime(); // a date before 1970 could make the difference wrap
        long millis = time < 0 ? 0 : time - System.currentTimeMillis();
        return await(millis, TimeUnit.MILLISECONDS);
    }

    /**
     * Wakes the thread that has waited longest, if any waits. The same as {@link #signal()}.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    public void notifyOne() {
        signal();
    }

    /**
     * Wakes the thread that has waited longest, if any waits. It goes on when it gets the lock.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public void signal() {
        lock.checkHeldBy(Thread.currentThread(), "signal");
        for (Node n; (n = first) != null; ) {
            unlink(n);
            if (n.decide(SIGNALLED)) {
                Parker.unpark(n.thread());
                return;
            }
        }
    }

    /**
     * Wakes all who wait, in the order in which they came. Each goes on when it gets the lock.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the lock
     */
    @Override
    public void signalAll() {
        lock.checkHeldBy(Thread.currentThread(), "signalAll");
        for (Node n; (n = first) != null; ) {
            unlink(n);
            if (n.decide(SIGNALLED)) {
                Parker.unpark(n.thread());
            }
        }
    }

    /** False when time is up. */
    private boolean waitForSignal(boolean interruptible, boolean timed, long deadline)
            throws InterruptedException {
        Thread me = Thread.currentThread();
        lock.checkHeldBy(me, "await");
        if (interruptible && Thread.interrupted()) {
            throw new InterruptedException();
        }
        Node n = new Node();
        link(n);
        lock.unlock();
        boolean interrupted = false;
        while (n.outcome() == Waiter.WAITING) {
            long left = timed ? deadline - System.nanoTime() : Long.MAX_VALUE;
            if (left <= 0 || interrupted && interruptible) {
                n.decide(Waiter.WITHDRAWN);
                break;
            }
            if (timed) {
                Parker.parkNanos(this, left);
            } else {
                Parker.park(this);
            }
            interrupted |= Thread.interrupted();
        }
        lock.lock();
        boolean signalled = n.outcome() == SIGNALLED;
        if (n.linked) {
            unlink(n);
        }
        if (interrupted) {
            if (interruptible && !signalled) {
                throw new InterruptedException();
            }
            me.interrupt();
        }
        return signalled;
    }

    /**
     * Describes the condition for a log.
     *
     * @return the lock it belongs to
     */
    @Override
    public String toString() {
        return "Condvar[of " + lock + "]";
    }

    private void link(Node n) {
        n.linked = true;
        n.previous = last;
        if (last == null) {
            first = n;
        } else {
            last.next = n;
        }
        last = n;
    }

    private void unlink(Node n) {
        if (n.previous == null) {
            first = n.next;
        } else {
            n.previous.next = n.next;
        }
        if (n.next == null) {
            last = n.previous;
        } else {
            n.next.previous = n.previous;
        }
        n.linked = false;
        n.previous = null;
        n.next = null;
    }

    private record Locking(Mutex mutex) implements Exclusive {
        @Override
        public void checkHeldBy(Thread me, String operation) {
            mutex.checkHeldBy(me, operation);
        }

        @Override
        public void lock() {
            mutex.lock();
        }

        @Override
        public void unlock() {
            mutex.unlock();
        }

        @Override
        public String toString() {
            return mutex.toString();
        }
    }

    private static final class Node extends Waiter {
        @Nullable Node next;
        @Nullable Node previous;
        boolean linked;
    }
}
