package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigInteger;
import java.time.Duration;

/**
 * Permits that come at a steady rate: a token bucket. Permits drip into the bucket, at most as many
 * as it holds, the <i>burst</i>; it starts full. So in any stretch of time no more permits are
 * given than the burst and what drips in during that stretch.
 *
 * <p>Waiting threads get their permits strictly in the order of arrival, however many each asked
 * for; nobody overtakes. A wait that ends by an interrupt or a timeout has taken nothing.
 *
 * <p>A thread that waits for the next permits sleeps on the clock of its runtime and wakes some
 * tens of microseconds late. What drips into a full bucket is lost, so the bucket should hold what
 * drips in during a millisecond: give a limiter of 100 000 permits a second a burst of 100 or more.
 *
 * <p>All methods may be called from fibers, other virtual threads and platform threads. A limiter
 * has no thread and no timer of its own.
 */
public final class RateLimiter implements AutoCloseable {
    /*
     * Overview
     *
     * `bucket` is an immutable picture of the bucket at one time, replaced by compare-and-set; what
     * has dripped in since is computed. The arithmetic is exact: with p permits in n nanoseconds
     * (without common factor) the level counts units of which p drip in each nanosecond and n make
     * a permit. A level may be negative after the burst was made smaller than somebody waits for.
     *
     * Whoever finds too little, or anybody waiting, joins the queue. serve() gives to the first as
     * long as there is enough for it. If not, it makes the first the `head`: that one leaves the
     * queue, sleeps until there is enough, takes it, and asks for service. While there is a head,
     * nobody takes anything but it. So of all who wait one only sleeps on the clock.
     *
     *   bucket  everybody                                    compare-and-set
     *   head    server: the waiter that it makes the head    volatile
     *           the head, when it has taken or gives up,
     *           or server, when that one had withdrawn: null
     *   closed  close(): true                                volatile
     *
     * No wake-up is lost. The head clears `head`, then asks isEmpty(); a waiter is pushed, then its
     * serve() reads `head` (WaitQueue). Who closes or changes the rate writes that, then reads
     * `head` and unparks it; the head was written there before it reads closed and bucket, and it
     * reads them anew before each sleep.
     */

    private static final int TAKEN = Waiter.GRANTED;
    private static final int HEAD = Waiter.GRANTED + 1;
    private static final int REFUSED = Waiter.GRANTED + 2;

    private static final long MOST_UNITS = Long.MAX_VALUE / 4;
    private static final VarHandle BUCKET;

    static {
        try {
            BUCKET =
                    MethodHandles.lookup().findVarHandle(RateLimiter.class, "bucket", Bucket.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue queue = new Queue();
    private volatile Bucket bucket;
    private volatile @Nullable Turn head;
    private volatile boolean closed;

    private RateLimiter(Rate rate) {
        bucket = new Bucket(rate, rate.full, System.nanoTime());
    }

    /**
     * A limiter with a full bucket.
     *
     * @param permits how many permits come in a period, at least one
     * @param period the period, longer than zero
     * @param burst how many permits the bucket holds, at least one
     * @return a new limiter
     * @throws IllegalArgumentException if one of them is too small, or the burst would take longer
     *     than some decades to fill
     */
    public static RateLimiter of(long permits, Duration period, int burst) {
        return new RateLimiter(Rate.of(permits, period, burst));
    }

    /**
     * Takes one permit, waiting for it if need be.
     *
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws RateLimiterClosedException if the limiter is closed, or is closed meanwhile
     */
    public void acquire() throws InterruptedException {
        acquire(1);
    }

    /**
     * Takes several permits at once, waiting until all of them are there.
     *
     * @param permits how many, from zero to the burst
     * @throws IllegalArgumentException if negative, or more than the burst
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws RateLimiterClosedException if the limiter is closed, or is closed meanwhile
     */
    public void acquire(int permits) throws InterruptedException {
        if (!tryNow(permits)) {
            waitFor(permits, false, 0);
        }
    }

    /**
     * Takes one permit if it is there and nobody waits.
     *
     * @return false if it was not taken
     * @throws RateLimiterClosedException if the limiter is closed
     */
    public boolean tryAcquire() {
        return tryAcquire(1);
    }

    /**
     * Takes several permits if all of them are there and nobody waits.
     *
     * @param permits how many, from zero to the burst
     * @return false if they were not taken
     * @throws IllegalArgumentException if negative, or more than the burst
     * @throws RateLimiterClosedException if the limiter is closed
     */
    public boolean tryAcquire(int permits) {
        check(permits);
        return takeUnqueued(permits);
    }

    /**
     * Takes one permit, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return false if time is up, or will be before there is a permit at the present rate
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws RateLimiterClosedException if the limiter is closed, or is closed meanwhile
     */
    public boolean tryAcquire(Duration timeout) throws InterruptedException {
        return tryAcquire(1, timeout);
    }

    /**
     * Takes several permits at once, waiting for a limited time until all of them are there.
     *
     * @param permits how many, from zero to the burst
     * @param timeout the longest wait; zero or less does not wait
     * @return false if time is up, or will be before there are so many at the present rate
     * @throws IllegalArgumentException if negative, or more than the burst
     * @throws InterruptedException if the calling thread is interrupted; no permit was taken
     * @throws RateLimiterClosedException if the limiter is closed, or is closed meanwhile
     */
    public boolean tryAcquire(int permits, Duration timeout) throws InterruptedException {
        return tryNow(permits)
                || timeout.isPositive() && waitFor(permits, true, Deadline.after(timeout));
    }

    /**
     * Changes rate and burst from now on. What is in the bucket stays, as far as the new burst
     * allows. Those who wait for more than the new burst get it when the bucket is full, and leave
     * the bucket that much below empty.
     *
     * @param permits how many permits come in a period, at least one
     * @param period the period, longer than zero
     * @param burst how many permits the bucket holds, at least one
     * @throws IllegalArgumentException if one of them is too small, or the burst would take longer
     *     than some decades to fill
     */
    public void setRate(long permits, Duration period, int burst) {
        Rate rate = Rate.of(permits, period, burst);
        for (; ; ) {
            Bucket old = bucket;
            if (BUCKET.compareAndSet(this, old, old.at(System.nanoTime()).with(rate))) {
                break;
            }
        }
        wakeHead();
    }

    /**
     * How many permits are in the bucket now.
     *
     * @return from zero to the burst; out of date at once
     */
    public int availablePermits() {
        Bucket now = bucket.at(System.nanoTime());
        return (int) Math.max(0, now.level / now.rate.unitsPerPermit);
    }

    /**
     * Closes the limiter: those who wait, and those who acquire from now on, get a {@link
     * RateLimiterClosedException}. Does nothing the second time.
     */
    @Override
    public void close() {
        closed = true;
        wakeHead();
        queue.service();
    }

    /**
     * Whether the limiter was closed.
     *
     * @return true from the call of {@link #close()} on
     */
    public boolean isClosed() {
        return closed;
    }

    /**
     * Describes the limiter for a log.
     *
     * @return its rate and what is in the bucket
     */
    @Override
    public String toString() {
        Rate r = bucket.rate;
        return "RateLimiter["
                + r.permits
                + " per "
                + r.period
                + ", "
                + availablePermits()
                + " of "
                + r.burst
                + " available"
                + (closed ? ", closed]" : "]");
    }

    private boolean tryNow(int permits) throws InterruptedException {
        check(permits);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return takeUnqueued(permits);
    }

    private boolean takeUnqueued(int permits) {
        if (closed) {
            throw closed(permits);
        }
        return permits == 0 || head == null && queue.isEmpty() && take(permits) == 0;
    }

    private boolean waitFor(int permits, boolean timed, long deadline) throws InterruptedException {
        var turn = new Turn(permits);
        queue.add(turn);
        int outcome = timed ? queue.awaitUntil(turn, turn, deadline) : queue.await(turn, turn);
        return switch (outcome) {
            case TAKEN -> true;
            case HEAD -> lead(turn, timed, deadline);
            case REFUSED -> throw closed(permits);
            default -> false;
        };
    }

    private boolean lead(Turn turn, boolean timed, long deadline) throws InterruptedException {
        try {
            for (; ; ) {
                if (closed) {
                    throw closed(turn.permits);
                }
                long wait = take(turn.permits);
                if (wait == 0) {
                    return true;
                }
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (timed && deadline - System.nanoTime() < wait) {
                    return false;
                }
                Parker.parkNanos(turn, wait);
            }
        } finally {
            head = null;
            if (!queue.isEmpty()) {
                queue.service();
            }
        }
    }

    private void wakeHead() {
        Turn h = head;
        if (h != null) {
            Parker.unpark(h.thread());
        }
    }

    /** Takes permits and returns zero, or how many nanoseconds from now there will be enough. */
    private long take(int permits) {
        for (; ; ) {
            Bucket old = bucket;
            Bucket now = old.at(System.nanoTime());
            long cost = now.rate.cost(permits);
            long missing = Math.min(cost, now.rate.full) - now.level;
            if (missing > 0) {
                return now.rate.nanosFor(missing);
            }
            if (BUCKET.compareAndSet(this, old, now.plus(-cost))) {
                return 0;
            }
        }
    }

    private void put(int permits) {
        for (; ; ) {
            Bucket old = bucket;
            Bucket now = old.at(System.nanoTime());
            if (BUCKET.compareAndSet(this, old, now.plus(now.rate.cost(permits)))) {
                return;
            }
        }
    }

    private void check(int permits) {
        int burst = bucket.rate.burst;
        if (permits < 0 || permits > burst) {
            throw new IllegalArgumentException(
                    "permits: "
                            + permits
                            + " (expected: 0 to "
                            + burst
                            + ", the burst; acquire more in several steps)");
        }
    }

    private static RateLimiterClosedException closed(int permits) {
        return new RateLimiterClosedException(
                "the rate limiter was closed, " + permits + " permits cannot be acquired");
    }

    /** How fast permits drip in, and how many there is room for. */
    private record Rate(
            long permits,
            Duration period,
            int burst,
            long unitsPerNano,
            long unitsPerPermit,
            long full) {
        static Rate of(long permits, Duration period, int burst) {
            if (permits < 1 || burst < 1 || !period.isPositive()) {
                throw new IllegalArgumentException(
                        permits
                                + " permits per "
                                + period
                                + " with a burst of "
                                + burst
                                + " (expected: at least one, longer than zero, at least one)");
            }
            long nanos = Deadline.nanos(period);
            long divisor =
                    BigInteger.valueOf(permits).gcd(BigInteger.valueOf(nanos)).longValueExact();
            long perNano = permits / divisor;
            long perPermit = nanos / divisor;
            if (burst > MOST_UNITS / perPermit) {
                throw new IllegalArgumentException(
                        permits
                                + " permits per "
                                + period
                                + " with a burst of "
                                + burst
                                + ": the numbers are too large to count with; use rounder or"
                                + " smaller ones");
            }
            return new Rate(permits, period, burst, perNano, perPermit, perPermit * burst);
        }

        /** At most MOST_UNITS, should somebody wait for far more than a new burst. */
        long cost(int permits) {
            return permits > MOST_UNITS / unitsPerPermit ? MOST_UNITS : permits * unitsPerPermit;
        }

        /** Rounded up. */
        long nanosFor(long units) {
            return (units - 1) / unitsPerNano + 1;
        }
    }

    /** What was in the bucket at some time. */
    private record Bucket(Rate rate, long level, long nanoTime) {
        /** The same at another time; time does not go back. */
        Bucket at(long now) {
            long elapsed = now - nanoTime;
            if (elapsed <= 0) {
                return this;
            }
            long missing = rate.full - level;
            long filled =
                    missing == 0 || elapsed >= rate.nanosFor(missing)
                            ? rate.full
                            : level + elapsed * rate.unitsPerNano;
            return new Bucket(rate, filled, now);
        }

        Bucket plus(long units) {
            return new Bucket(rate, Math.clamp(level + units, -MOST_UNITS, rate.full), nanoTime);
        }

        Bucket with(Rate changed) {
            long converted =
                    BigInteger.valueOf(level)
                            .multiply(BigInteger.valueOf(changed.unitsPerPermit))
                            .divide(BigInteger.valueOf(rate.unitsPerPermit))
                            .max(BigInteger.valueOf(-MOST_UNITS))
                            .min(BigInteger.valueOf(changed.full))
                            .longValueExact();
            return new Bucket(changed, converted, nanoTime);
        }
    }

    private final class Turn extends Waiter {
        final int permits;

        Turn(int permits) {
            this.permits = permits;
        }

        @Override
        public String toString() {
            return permits + " permits of " + RateLimiter.this;
        }
    }

    private final class Queue extends WaitQueue<Turn> {
        @Override
        protected void serve() {
            for (Turn t; (t = first()) != null; ) {
                if (closed) {
                    grant(t, REFUSED);
                } else if (head != null) {
                    return;
                } else if (take(t.permits) == 0) {
                    if (!grant(t, TAKEN)) {
                        put(t.permits);
                    }
                } else {
                    head = t;
                    if (grant(t, HEAD)) {
                        return;
                    }
                    head = null;
                }
            }
        }
    }
}
