package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * A counting semaphore that is strictly fair: permits go to those who wait in the order in which
 * they came, however many each asked for, and nobody overtakes them. So a thread that waits for
 * many permits holds up those behind it, but is never starved by them.
 *
 * <p>{@link #acquire()} returns a {@link Permit} for try-with-resources; or ignore it and call
 * {@link #release(int)}, from any thread. Do one or the other, not both.
 *
 * <p>What a thread did before releasing happens-before what follows an acquire of those permits.
 * All methods may be called from fibers, other virtual threads and platform threads.
 */
public final class Semaphore implements AutoCloseable {
    /*
     * Overview
     *
     * `state` is twice the number of free permits, plus one when closed. It is changed by
     * compare-and-set only (volatile), never below zero, so permits can be neither lost nor made.
     * Whoever finds too few, or anybody waiting, joins the queue; whoever adds permits looks at
     * the queue afterwards. serve() then gives to the first waiter as long as there is enough for
     * it: it takes the permits first and grants second, and gives them back when the waiter turns
     * out to have withdrawn. WaitQueue says why no wake-up is lost.
     */

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Semaphore.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final long CLOSED = 1;
    private static final int TAKEN = Waiter.GRANTED;
    private static final int REFUSED = Waiter.GRANTED + 1;

    private final Queue queue = new Queue();
    private volatile long state;

    /**
     * A semaphore with free permits.
     *
     * @param permits how many, zero or more
     * @throws IllegalArgumentException if negative
     */
    public Semaphore(int permits) {
        state = 2L * checkCount(permits);
    }

    /**
     * Takes one permit, waiting for it if need be.
     *
     * @return the permit, to close when done
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws SemaphoreClosedException if the semaphore is closed, or is closed meanwhile
     */
    public Permit acquire() throws InterruptedException {
        return acquire(1);
    }

    /**
     * Takes several permits at once, waiting until all of them are free.
     *
     * @param permits how many, zero or more
     * @return the permits, to close when done
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws SemaphoreClosedException if the semaphore is closed, or is closed meanwhile
     */
    public Permit acquire(int permits) throws InterruptedException {
        checkCount(permits);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!take(permits)) {
            Request request = new Request(permits);
            queue.add(request);
            if (queue.await(request, request) == REFUSED) {
                throw closed(permits);
            }
        }
        return new Held(this, permits);
    }

    /**
     * Takes one permit if one is free and nobody waits.
     *
     * @return the permit, or null
     * @throws SemaphoreClosedException if the semaphore is closed
     */
    public @Nullable Permit tryAcquire() {
        return tryAcquire(1);
    }

    /**
     * Takes several permits if so many are free and nobody waits.
     *
     * @param permits how many, zero or more
     * @return the permits, or null
     * @throws SemaphoreClosedException if the semaphore is closed
     */
    public @Nullable Permit tryAcquire(int permits) {
        return take(checkCount(permits)) ? new Held(this, permits) : null;
    }

    /**
     * Takes one permit, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the permit, or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws SemaphoreClosedException if the semaphore is closed, or is closed meanwhile
     */
    public @Nullable Permit tryAcquire(Duration timeout) throws InterruptedException {
        return tryAcquire(1, timeout);
    }

    /**
     * Takes several permits at once, waiting for a limited time until all of them are free.
     *
     * @param permits how many, zero or more
     * @param timeout the longest wait; zero or less does not wait
     * @return the permits, or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws SemaphoreClosedException if the semaphore is closed, or is closed meanwhile
     */
    public @Nullable Permit tryAcquire(int permits, Duration timeout) throws InterruptedException {
        checkCount(permits);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!take(permits)) {
            if (!timeout.isPositive()) {
                return null;
            }
            Request request = new Request(permits);
            queue.add(request);
            int outcome = queue.awaitUntil(request, request, Deadline.after(timeout));
            if (outcome == REFUSED) {
                throw closed(permits);
            }
            if (outcome == Waiter.WITHDRAWN) {
                return null;
            }
        }
        return new Held(this, permits);
    }

    /**
     * Gives one permit back, or adds one. The caller need not have acquired it.
     *
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE} permits
     */
    public void release() {
        release(1);
    }

    /**
     * Gives permits back, or adds some. The caller need not have acquired them.
     *
     * @param permits how many, zero or more
     * @throws IllegalStateException if there would be more than {@link Integer#MAX_VALUE} permits
     */
    public void release(int permits) {
        checkCount(permits);
        put(permits);
        if (!queue.isEmpty()) {
            queue.service();
        }
    }

    /**
     * How many permits are free now.
     *
     * @return zero or more, out of date at once when others acquire and release
     */
    public int availablePermits() {
        return (int) (state >>> 1);
    }

    /**
     * Closes the semaphore: those who wait, and those who acquire from now on, get a {@link
     * SemaphoreClosedException}. Permits that are held stay valid and may be given back. Does
     * nothing the second time.
     */
    @Override
    public void close() {
        STATE.getAndBitwiseOr(this, CLOSED);
        queue.service();
    }

    /**
     * Whether the semaphore was closed.
     *
     * @return true from the call of {@link #close()} on
     */
    public boolean isClosed() {
        return (state & CLOSED) != 0;
    }

    /**
     * Describes the semaphore for a log.
     *
     * @return its free permits
     */
    @Override
    public String toString() {
        return "Semaphore[available=" + availablePermits() + (isClosed() ? ", closed]" : "]");
    }

    private boolean take(int permits) {
        if (!queue.isEmpty()) {
            if (isClosed()) {
                throw closed(permits);
            }
            return false;
        }
        for (; ; ) {
            long s = state;
            if ((s & CLOSED) != 0) {
                throw closed(permits);
            }
            if (s >>> 1 < permits) {
                return false;
            }
            if (STATE.compareAndSet(this, s, s - 2L * permits)) {
                return true;
            }
        }
    }

    private void put(int permits) {
        for (; ; ) {
            long s = state;
            if ((s >>> 1) + permits > Integer.MAX_VALUE) {
                throw new IllegalStateException(
                        "releasing "
                                + permits
                                + " permits with "
                                + (s >>> 1)
                                + " free would exceed "
                                + Integer.MAX_VALUE
                                + ": more permits are released than acquired");
            }
            if (STATE.compareAndSet(this, s, s + 2L * permits)) {
                return;
            }
        }
    }

    private static int checkCount(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("permits: " + permits + " (expected: >= 0)");
        }
        return permits;
    }

    private static SemaphoreClosedException closed(int permits) {
        return new SemaphoreClosedException(
                "the semaphore was closed, " + permits + " permits cannot be acquired");
    }

    private final class Request extends Waiter {
        final int permits;

        Request(int permits) {
            this.permits = permits;
        }

        @Override
        public String toString() {
            return permits + " permits of " + Semaphore.this;
        }
    }

    private final class Queue extends WaitQueue<Request> {
        @Override
        protected void serve() {
            for (Request r; (r = first()) != null; ) {
                long s = state;
                if ((s & CLOSED) != 0) {
                    grant(r, REFUSED);
                } else if (s >>> 1 < r.permits) {
                    return;
                } else if (STATE.compareAndSet(Semaphore.this, s, s - 2L * r.permits)
                        && !grant(r, TAKEN)) {
                    STATE.getAndAdd(Semaphore.this, 2L * r.permits);
                }
            }
        }
    }

    private static final class Held implements Permit {
        private static final VarHandle CLOSED;

        static {
            try {
                CLOSED = MethodHandles.lookup().findVarHandle(Held.class, "closed", boolean.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        private final Semaphore semaphore;
        private final int count;

        @SuppressWarnings("unused") // through CLOSED
        private volatile boolean closed;

        Held(Semaphore semaphore, int count) {
            this.semaphore = semaphore;
            this.count = count;
        }

        @Override
        public int count() {
            return count;
        }

        @Override
        public void close() {
            if (CLOSED.compareAndSet(this, false, true)) {
                semaphore.release(count);
            }
        }

        @Override
        public String toString() {
            return "Permit[" + count + " of " + semaphore + "]";
        }
    }
}
