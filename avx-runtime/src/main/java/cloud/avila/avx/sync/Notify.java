package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * Tells threads that something happened, without saying what: the part of a condition that needs no
 * lock. Semantics are those of Tokio's {@code Notify}.
 *
 * <p>{@link #notifyOne()} wakes the thread that has waited longest, {@link #notifyLast()} the one
 * that came last. If nobody waits, either leaves a <i>permit</i>, which the next wait takes instead
 * of waiting; several make one permit. {@link #notifyWaiters()} wakes all who wait and leaves none.
 *
 * <p>A thread that looks at a condition first and then waits misses no {@code notifyOne} in
 * between, for there is the permit; but it would miss a {@code notifyWaiters}. For that there is
 * {@link #notified()}: take a ticket, look, then wait with the ticket.
 *
 * <p>A wait that ends by an interrupt or a timeout takes no notification with it: what it could
 * have had goes to the next who waits. An interrupt that comes when the thread has been notified
 * already does not end the wait with an exception; the interrupt status is set then.
 *
 * <p>What a thread did before it notified happens-before what follows the wait that it ended. All
 * methods may be called from fibers, other virtual threads and platform threads. At most 1 048 575
 * threads may wait at once.
 */
public final class Notify {
    /*
     * Overview
     *
     * Who is notified is decided by one compare-and-set of a word of counters; the queue then finds
     * out which thread that is. So an operation is complete, for everybody, when that
     * compare-and-set is done, however long the server of the queue takes.
     *
     * An Epoch is a queue with its word `counts`:
     *
     *   free    waiters that no notification is meant for yet
     *   first   notifications of notifyOne that the queue has still to hand out
     *   last    the same of notifyLast
     *   permit  one notification that found nobody; never while free > 0
     *   closed  notifyWaiters has been called: everybody in this queue is notified
     *
     *   waiting          free + 1, or permit - 1; then joins the queue
     *   notifyOne/Last   free - 1 and first/last + 1, or else the permit
     *   giving up        free - 1; not possible at zero, since all who wait are notified then, and
     *                    this one will hear of it in a moment. Then leaves the queue.
     *   notifyWaiters    closed, if free > 0; a new epoch takes this one's place. Whoever finds a
     *                    closed epoch puts the new one in place itself.
     *
     * The queue hands out first (last) by taking one off the word and granting it to its first (last)
     * waiter. A waiter that has given up, but is not out of the queue yet, may be chosen: if it
     * refuses, the server puts the notification back; if it was too late to refuse, it does so
     * itself. While it has not done so, others for whom the notification is meant cannot give up,
     * and wait for these few steps.
     *
     * Why epochs: had the waiters of before and after a notifyWaiters one queue, one that has been
     * counted before it and joins late would lose its place to one that came after it.
     *
     *   field   written by                          mode
     *   epoch   whoever finds it closed             compare-and-set
     *   counts  everybody                           compare-and-set, getAndAdd
     *   calls   notifyWaiters                       getAndAdd, before it looks at the epoch
     *
     * A notification without effect (the permit is there already) still is a read-modify-write of
     * counts: the taker of the permit must see what this notifier did, too. No wake-up is lost: the
     * word is changed before isEmpty() is asked, and read by serve() after the waiter was pushed
     * (WaitQueue). A ticket joins before it looks at `calls` again, and notifyWaiters adds to `calls`
     * before it looks for waiters: one of the two sees the other.
     */

    /** The most threads that can wait at once. */
    static final int MAX_WAITERS = (1 << 20) - 1;

    private static final long ONE_FREE = 1;
    private static final long ONE_FIRST = 1L << 20;
    private static final long ONE_LAST = 1L << 40;
    private static final long PERMIT = 1L << 60;
    private static final long CLOSED = 1L << 61;

    private static final int BY_FIRST = Waiter.GRANTED;
    private static final int BY_LAST = Waiter.GRANTED + 1;
    private static final int BY_ALL = Waiter.GRANTED + 2;

    private static final VarHandle EPOCH;
    private static final VarHandle CALLS;
    private static final VarHandle COUNTS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            EPOCH = lookup.findVarHandle(Notify.class, "epoch", Epoch.class);
            CALLS = lookup.findVarHandle(Notify.class, "calls", long.class);
            COUNTS = lookup.findVarHandle(Epoch.class, "counts", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile Epoch epoch = new Epoch();

    @SuppressWarnings("unused") // written through CALLS
    private volatile long calls;

    /** Without a permit. */
    public Notify() {}

    /**
     * Waits for a notification, or takes the permit.
     *
     * @throws InterruptedException if the calling thread is interrupted; no notification was used
     * @throws IllegalStateException if 1 048 575 threads wait already
     */
    public void await() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Epoch e = enter();
        if (e != null) {
            waitIn(e, e.join(), false, 0);
        }
    }

    /**
     * Waits for a notification for a limited time, or takes the permit.
     *
     * @param timeout the longest wait; zero or less takes the permit or nothing
     * @return false when time is up; no notification was used
     * @throws InterruptedException if the calling thread is interrupted; no notification was used
     * @throws IllegalStateException if 1 048 575 threads wait already
     */
    public boolean await(Duration timeout) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!timeout.isPositive()) {
            return takePermit();
        }
        Epoch e = enter();
        return e == null || waitIn(e, e.join(), true, Deadline.after(timeout));
    }

    /**
     * A ticket for waiting that {@link #notifyWaiters()} reaches from now on, even before the wait
     * has begun.
     *
     * {@snippet :
     * while (true) {
     *     try (var notified = changed.notified()) {
     *         if (isDone()) {
     *             return;
     *         }
     *         notified.await();
     *     }
     * }
     * }
     *
     * @return a ticket for the calling thread
     */
    public Notified notified() {
        return new Notified();
    }

    /** Wakes the thread that has waited longest; leaves a permit if nobody waits. */
    public void notifyOne() {
        notifyOne(ONE_FIRST);
    }

    /** Wakes the thread that began to wait last; leaves a permit if nobody waits. */
    public void notifyLast() {
        notifyOne(ONE_LAST);
    }

    /** Wakes all threads that wait. Leaves no permit. */
    public void notifyWaiters() {
        CALLS.getAndAdd(this, 1L);
        for (; ; ) {
            Epoch e = epoch;
            long c = e.counts;
            if ((c & CLOSED) != 0) {
                renew(e);
            } else if (free(c) == 0) {
                return;
            } else if (COUNTS.compareAndSet(e, c, c | CLOSED)) {
                renew(e);
                e.service();
                return;
            }
        }
    }

    /**
     * Describes this for a log.
     *
     * @return whether there is a permit, and how many wait
     */
    @Override
    public String toString() {
        long c = epoch.counts;
        if ((c & (PERMIT | CLOSED)) != 0) {
            return (c & CLOSED) == 0 ? "Notify[permit]" : "Notify[0 waiting]";
        }
        return "Notify[" + free(c) + " waiting]";
    }

    private void notifyOne(long one) {
        for (; ; ) {
            Epoch e = epoch;
            long c = e.counts;
            if ((c & CLOSED) != 0) {
                renew(e);
            } else if (free(c) == 0) {
                if (COUNTS.compareAndSet(e, c, c | PERMIT)) {
                    return;
                }
            } else if (COUNTS.compareAndSet(e, c, c - ONE_FREE + one)) {
                if (!e.isEmpty()) {
                    e.service();
                }
                return;
            }
        }
    }

    private boolean takePermit() {
        for (; ; ) {
            Epoch e = epoch;
            long c = e.counts;
            if ((c & PERMIT) == 0) {
                return false;
            }
            if (COUNTS.compareAndSet(e, c, c - PERMIT)) {
                return true;
            }
        }
    }

    /** Takes the permit and returns null, or counts the calling thread as waiting. */
    private @Nullable Epoch enter() {
        for (; ; ) {
            Epoch e = epoch;
            long c = e.counts;
            if ((c & CLOSED) != 0) {
                renew(e);
            } else if ((c & PERMIT) != 0) {
                if (COUNTS.compareAndSet(e, c, c - PERMIT)) {
                    return null;
                }
            } else if (free(c) + owedFirst(c) + owedLast(c) >= MAX_WAITERS) {
                throw new IllegalStateException(
                        MAX_WAITERS
                                + " threads wait for this notification, which is the most"
                                + " possible: notify them, or spread them over several");
            } else if (COUNTS.compareAndSet(e, c, c + ONE_FREE)) {
                return e;
            }
        }
    }

    private void renew(Epoch closed) {
        if (epoch == closed) {
            EPOCH.compareAndSet(this, closed, new Epoch());
        }
    }

    /** Waits until notified; false when time is up, and then as after an interrupt it has left. */
    private boolean waitIn(Epoch e, Waiter w, boolean timed, long deadline)
            throws InterruptedException {
        while (w.outcome() == Waiter.WAITING) {
            if (Thread.interrupted()) {
                if (e.leave(w)) {
                    throw new InterruptedException();
                }
                e.awaitUninterruptibly(w, this);
                Thread.currentThread().interrupt();
                return true;
            }
            long left = timed ? deadline - System.nanoTime() : Long.MAX_VALUE;
            if (left <= 0) {
                if (e.leave(w)) {
                    return false;
                }
                e.awaitUninterruptibly(w, this);
                return true;
            }
            if (w.outcome() == Waiter.WAITING) {
                if (timed) {
                    Parker.parkNanos(this, left);
                } else {
                    Parker.park(this);
                }
            }
        }
        return true;
    }

    private static int free(long counts) {
        return (int) counts & MAX_WAITERS;
    }

    private static int owedFirst(long counts) {
        return (int) (counts >>> 20) & MAX_WAITERS;
    }

    private static int owedLast(long counts) {
        return (int) (counts >>> 40) & MAX_WAITERS;
    }

    /** Those who wait from one {@link #notifyWaiters} to the next. */
    private static final class Epoch extends WaitQueue<Waiter> {
        volatile long counts;

        @Override
        protected void serve() {
            for (; ; ) {
                long c = counts;
                Waiter w;
                if ((c & CLOSED) != 0) {
                    if ((w = first()) == null) {
                        return;
                    }
                    grant(w, BY_ALL);
                } else if (owedLast(c) > 0 && (w = last()) != null) {
                    handOut(w, c, ONE_LAST, BY_LAST);
                } else if (owedFirst(c) > 0 && (w = first()) != null) {
                    handOut(w, c, ONE_FIRST, BY_FIRST);
                } else {
                    return;
                }
            }
        }

        private void handOut(Waiter w, long c, long one, int outcome) {
            if (COUNTS.compareAndSet(this, c, c - one) && !grant(w, outcome)) {
                COUNTS.getAndAdd(this, one);
            }
        }

        /** Joins the queue, after having been counted. */
        Waiter join() {
            var w = new Waiter();
            add(w);
            return w;
        }

        /** Gives up waiting; false if notified. */
        boolean leave(Waiter w) {
            for (; ; ) {
                long c = counts;
                if ((c & CLOSED) != 0 || free(c) == 0) {
                    return false;
                }
                if (COUNTS.compareAndSet(this, c, c - ONE_FREE)) {
                    break;
                }
            }
            if (!withdraw(w) && w.outcome() != BY_ALL) {
                COUNTS.getAndAdd(this, w.outcome() == BY_FIRST ? ONE_FIRST : ONE_LAST);
                service();
            }
            return true;
        }
    }

    /**
     * A ticket of a {@link Notify}, for one notification and for the thread that took it.
     *
     * <p>{@link #notifyWaiters()} reaches a ticket from the moment it is taken. {@link
     * #notifyOne()} and {@link #notifyLast()} reach it from {@link #enable()} on, or else from
     * {@code await} on, which takes a permit left before. A ticket that waits no more, and was not
     * notified, has to be closed, if it was enabled.
     */
    public final class Notified implements AutoCloseable {
        private final Thread thread = Thread.currentThread();
        private final long callsBefore = calls;
        private @Nullable Epoch joined;
        private @Nullable Waiter waiter; // not null exactly while in the queue of `joined`
        private boolean notified;
        private boolean closed;

        private Notified() {}

        /**
         * Joins those who wait, so that {@link #notifyOne()} may choose this ticket from now on.
         * Never waits.
         *
         * @return true if notified already, so that {@link #await()} will return at once
         * @throws IllegalStateException if closed, if another thread took the ticket, or if 1 048
         *     575 threads wait already
         */
        public boolean enable() {
            check();
            if (!notified) {
                if (waiter == null && calls == callsBefore) {
                    Epoch e = enter();
                    if (e == null) {
                        notified = true;
                        return true;
                    }
                    joined = e;
                    waiter = e.join();
                }
                if (calls != callsBefore) {
                    leave(false);
                    notified = true;
                } else if (waiter != null && waiter.outcome() != Waiter.WAITING) {
                    waiter = null;
                    notified = true;
                }
            }
            return notified;
        }

        /**
         * Waits until notified. Returns at once if it was before.
         *
         * @throws InterruptedException if the calling thread is interrupted; the ticket can be used
         *     further
         * @throws IllegalStateException as {@link #enable()}
         */
        public void await() throws InterruptedException {
            waitFor(false, 0);
        }

        /**
         * Waits for a limited time until notified. Returns at once if it was before.
         *
         * @param timeout the longest wait; zero or less does not wait
         * @return false when time is up; the ticket can be used further, and is still reached by
         *     each {@link #notifyWaiters()} since it was taken
         * @throws InterruptedException if the calling thread is interrupted; the ticket can be used
         *     further
         * @throws IllegalStateException as {@link #enable()}
         */
        public boolean await(Duration timeout) throws InterruptedException {
            return waitFor(true, Deadline.after(timeout));
        }

        /**
         * Gives the ticket up. If {@link #notifyOne()} or {@link #notifyLast()} had chosen it and
         * nobody knows yet, the notification goes to another thread, or becomes the permit. Does
         * nothing the second time.
         *
         * @throws IllegalStateException if another thread took the ticket
         */
        @Override
        public void close() {
            if (!closed) {
                check();
                leave(true);
                closed = true;
            }
        }

        /**
         * Describes the ticket for a log.
         *
         * @return whether it was notified
         */
        @Override
        public String toString() {
            return "Notified[" + (notified ? "yes" : closed ? "closed" : "not yet") + "]";
        }

        private boolean waitFor(boolean timed, long deadline) throws InterruptedException {
            check();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (enable()) {
                return true;
            }
            Epoch e = joined;
            Waiter w = waiter;
            if (e == null || w == null) {
                throw new AssertionError("neither notified nor waiting");
            }
            waiter = null; // waitIn takes it out of the queue, however it ends
            notified = waitIn(e, w, timed, deadline);
            return notified;
        }

        private void leave(boolean passesOn) {
            Epoch e = joined;
            Waiter w = waiter;
            if (e == null || w == null) {
                return;
            }
            waiter = null;
            if (!e.leave(w)) {
                int outcome = e.awaitUninterruptibly(w, Notify.this);
                if (passesOn && outcome != BY_ALL) {
                    notifyOne(outcome == BY_FIRST ? ONE_FIRST : ONE_LAST);
                }
            }
        }

        private void check() {
            if (thread != Thread.currentThread()) {
                throw new IllegalStateException(
                        "this ticket was taken by "
                                + thread
                                + " and is for its use only: take one with notified() in each"
                                + " thread");
            }
            if (closed) {
                throw new IllegalStateException(
                        "this ticket is closed: take another one with notified()");
            }
        }
    }
}
