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
 * <p>The limit, how many permits there are in all, may be changed at any time. When it shrinks
 * below what is held, nothing is taken from anybody: permits that come back are withdrawn first.
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
     * `state` holds, from the top, the limit (31 bits), the number of free permits (32 bits, below
     * zero while more are held than a lowered limit allows) and whether it is closed (1 bit). It is
     * changed by compare-and-set only (volatile), and permits are taken only if there are enough,
     * so they can be neither lost nor made. Whoever finds too few looks again a few times, while
     * nobody waits, and then joins the queue; whoever finds anybody waiting joins it at once;
     * whoever adds permits looks at the queue afterwards. serve() then gives to the first waiter as
     * long as there is enough for it: it takes the permits first and grants second, and gives them
     * back when the waiter turns out to have withdrawn. WaitQueue says why no wake-up is lost.
     */

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Semaphore.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int SPINS = 8;
    private static final long CLOSED = 1;
    private static final int AVAILABLE_SHIFT = 1;
    private static final long AVAILABLE = 0xFFFF_FFFFL << AVAILABLE_SHIFT;
    private static final int LIMIT_SHIFT = 33;
    private static final int TAKEN = Waiter.GRANTED;
    private static final int REFUSED = Waiter.GRANTED + 1;

    private final Queue queue = new Queue();
    private final String label;
    private final @Nullable LockStatistics statistics;
    private volatile long state;

    /**
     * A semaphore whose permits are free.
     *
     * @param permits how many, zero or more: the limit
     * @throws IllegalArgumentException if negative
     */
    public Semaphore(int permits) {
        this(permits, "Semaphore", null);
    }

    /**
     * A semaphore whose permits are free, with a name, by which dumps and messages call it and
     * {@link NamedLocks} tells how much is waited for it.
     *
     * @param name the name, one of few: no number or address of a request
     * @param permits how many, zero or more: the limit
     * @throws IllegalArgumentException if negative
     */
    public Semaphore(String name, int permits) {
        this(permits, Mutex.named("Semaphore", name), LockStatistics.ALL.of("Semaphore", name));
    }

    private Semaphore(int permits, String label, @Nullable LockStatistics statistics) {
        this.label = label;
        this.statistics = statistics;
        state = (long) checkCount(permits) << LIMIT_SHIFT | (long) permits << AVAILABLE_SHIFT;
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
        if (!take(permits) && !spin(permits)) {
            queueFor(permits, false, 0);
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
            if (spin(permits)) {
                return new Held(this, permits);
            }
            if (!queueFor(permits, true, Deadline.after(timeout))) {
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
     * Changes how many permits there are in all. When there are more, those who wait get them in
     * their order. When there are fewer, free ones go first; for the rest, so many that come back
     * stay away, and {@link #availablePermits()} is below zero until then. A waiter that asked for
     * more than the limit waits until it is raised or enough is released. Does not block.
     *
     * @param permits how many, zero or more
     * @throws IllegalArgumentException if negative
     * @throws IllegalStateException if more than {@link Integer#MAX_VALUE} permits would be free
     */
    public void setLimit(int permits) {
        checkCount(permits);
        for (; ; ) {
            long s = state;
            int grown = permits - limit(s);
            if ((long) available(s) + grown > Integer.MAX_VALUE) {
                throw tooMany("raising the limit from " + limit(s) + " to " + permits, s);
            }
            long changed = withAvailable(s, available(s) + grown) & ~(-1L << LIMIT_SHIFT);
            if (STATE.compareAndSet(this, s, changed | (long) permits << LIMIT_SHIFT)) {
                break;
            }
        }
        if (!queue.isEmpty()) {
            queue.service();
        }
    }

    /**
     * How many permits there are in all, free and held: what the constructor or {@link
     * #setLimit(int)} was given. Permits that were released without having been acquired are not
     * counted.
     *
     * @return zero or more
     */
    public int limit() {
        return limit(state);
    }

    /**
     * How many permits are free now.
     *
     * @return out of date at once when others acquire and release; below zero while more are held
     *     than a lowered limit allows
     */
    public int availablePermits() {
        return available(state);
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
        long s = state;
        String end = (s & CLOSED) != 0 ? ", closed]" : "]";
        return label + "[available=" + available(s) + ", limit=" + limit(s) + end;
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
            if (!isEnough(s, permits)) {
                return false;
            }
            if (STATE.compareAndSet(this, s, withAvailable(s, available(s) - permits))) {
                return true;
            }
        }
    }

    /** Whoever holds what is missing may be about to give it back; overtakes nobody. */
    private boolean spin(int permits) {
        for (int i = 0; i < SPINS && queue.isEmpty(); i++) {
            Thread.onSpinWait();
            if (take(permits)) {
                return true;
            }
        }
        return false;
    }

    /** Waits in the queue until the permits are taken; false when time is up. */
    private boolean queueFor(int permits, boolean timed, long deadline)
            throws InterruptedException {
        long since = LockStatistics.begin(statistics);
        var request = new Request(permits);
        queue.add(request);
        try {
            int outcome =
                    timed
                            ? queue.awaitUntil(request, request, deadline)
                            : queue.await(request, request);
            if (outcome == REFUSED) {
                throw closed(permits);
            }
            return outcome == TAKEN;
        } finally {
            LockStatistics.end(statistics, since);
        }
    }

    private void put(int permits) {
        for (; ; ) {
            long s = state;
            if ((long) available(s) + permits > Integer.MAX_VALUE) {
                throw tooMany("releasing " + permits + " permits", s);
            }
            if (STATE.compareAndSet(this, s, withAvailable(s, available(s) + permits))) {
                return;
            }
        }
    }

    /** What nobody has seen taken; no error if others have released beyond measure meanwhile. */
    private void putBack(int permits) {
        for (; ; ) {
            long s = state;
            int more = (int) Math.min((long) available(s) + permits, Integer.MAX_VALUE);
            if (STATE.compareAndSet(this, s, withAvailable(s, more))) {
                return;
            }
        }
    }

    private static int available(long state) {
        return (int) (state >>> AVAILABLE_SHIFT);
    }

    private static int limit(long state) {
        return (int) (state >>> LIMIT_SHIFT);
    }

    private static boolean isEnough(long state, int permits) {
        return available(state) >= permits || permits == 0;
    }

    private static long withAvailable(long state, int available) {
        return state & ~AVAILABLE | ((long) available << AVAILABLE_SHIFT) & AVAILABLE;
    }

    private static int checkCount(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("permits: " + permits + " (expected: >= 0)");
        }
        return permits;
    }

    private SemaphoreClosedException closed(int permits) {
        return new SemaphoreClosedException(
                permits + " permits cannot be acquired, closed was " + this);
    }

    private IllegalStateException tooMany(String action, long state) {
        return new IllegalStateException(
                action
                        + " with "
                        + available(state)
                        + " free would exceed "
                        + Integer.MAX_VALUE
                        + ": more permits are released than acquired from "
                        + this);
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
                } else if (!isEnough(s, r.permits)) {
                    return;
                } else if (STATE.compareAndSet(
                                Semaphore.this, s, withAvailable(s, available(s) - r.permits))
                        && !grant(r, TAKEN)) {
                    putBack(r.permits);
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
