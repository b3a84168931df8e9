package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A condition of a {@link Mutex}. */
final class MutexCondition implements Condition {
    /*
     * Overview
     *
     * The list of waiters is touched only by the thread that holds the mutex, so it needs no order
     * of its own. What races is the outcome of a waiter, decided once by compare-and-set: signalled
     * by the holder, or withdrawn by the waiting thread, which is interrupted or out of time and
     * does not hold the mutex. A signal looks for the first waiter that it can still decide, so a
     * waiter that withdraws never swallows one. The waiter has joined the list before it released
     * the mutex, so no signal sent after that misses it. One that withdrew unlinks itself as soon
     * as it holds the mutex again, before await returns.
     */

    private static final int SIGNALLED = Waiter.GRANTED;

    private final Mutex mutex;
    private @Nullable Node first;
    private @Nullable Node last;

    MutexCondition(Mutex mutex) {
        this.mutex = mutex;
    }

    @Override
    public void await() throws InterruptedException {
        waitForSignal(true, false, 0);
    }

    @Override
    public void awaitUninterruptibly() {
        try {
            waitForSignal(false, false, 0);
        } catch (InterruptedException e) {
            throw new AssertionError("an uninterruptible wait was interrupted", e);
        }
    }

    @Override
    public long awaitNanos(long nanosTimeout) throws InterruptedException {
        long deadline = Deadline.afterNanos(nanosTimeout);
        waitForSignal(true, true, deadline);
        return deadline - System.nanoTime();
    }

    @Override
    public boolean await(long time, TimeUnit unit) throws InterruptedException {
        return waitForSignal(true, true, Deadline.afterNanos(unit.toNanos(time)));
    }

    @Override
    public boolean awaitUntil(Date deadline) throws InterruptedException {
        long time = deadline.getTime(); // a date before 1970 could make the difference wrap
        long millis = time < 0 ? 0 : time - System.currentTimeMillis();
        return await(millis, TimeUnit.MILLISECONDS);
    }

    @Override
    public void signal() {
        mutex.checkHeldBy(Thread.currentThread(), "signal");
        for (Node n; (n = first) != null; ) {
            unlink(n);
            if (n.decide(SIGNALLED)) {
                Parker.unpark(n.thread());
                return;
            }
        }
    }

    @Override
    public void signalAll() {
        mutex.checkHeldBy(Thread.currentThread(), "signalAll");
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
        mutex.checkHeldBy(me, "await");
        if (interruptible && Thread.interrupted()) {
            throw new InterruptedException();
        }
        Node n = new Node();
        link(n);
        mutex.unlock();
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
        mutex.lock();
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

    @Override
    public String toString() {
        return "Condition[of " + mutex + "]";
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

    private static final class Node extends Waiter {
        @Nullable Node next;
        @Nullable Node previous;
        boolean linked;
    }
}
