package cloud.avila.avx.time;

import cloud.avila.avx.internal.park.Deadline;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/**
 * Ticks at a fixed period, which the caller waits for:
 *
 * <pre>{@code
 * for (Tick tick : Interval.every(Duration.ofSeconds(1)).onMissed(MissedTicks.SKIP)) {
 *     flush(tick);
 * }
 * }</pre>
 *
 * <p>The first tick is due at once, the others each a period after the one before, however long the
 * work between them takes. There is no thread behind an interval: a tick that is due waits until it
 * is taken. For use by one thread at a time.
 */
public final class Interval implements Iterable<Tick> {
    private static final long TOLERANCE_NANOS = 5_000_000;

    private final Duration period;
    private final long periodNanos;
    private MissedTicks missedTicks = MissedTicks.BURST;
    private long due;
    private long number;

    private Interval(Duration period) {
        this.period = period;
        this.periodNanos = Deadline.nanos(period);
        this.due = System.nanoTime();
    }

    /**
     * An interval whose first tick is due now, with {@link MissedTicks#BURST}.
     *
     * @param period the time from tick to tick; more than 146 years are 146 years
     * @return a new interval
     * @throws IllegalArgumentException if the period is not positive
     */
    public static Interval every(Duration period) {
        if (!period.isPositive()) {
            throw new IllegalArgumentException(
                    "period must be positive, but is "
                            + period
                            + "; to run without a pause use a loop");
        }
        return new Interval(period);
    }

    /**
     * Sets what happens to ticks that were missed.
     *
     * @param behaviour from now on
     * @return this
     */
    public Interval onMissed(MissedTicks behaviour) {
        this.missedTicks = Objects.requireNonNull(behaviour, "behaviour");
        return this;
    }

    /**
     * Makes the next tick due a time from now, and those after it each a period later.
     *
     * @param delay the time; zero or less is now
     * @return this
     */
    public Interval startingAfter(Duration delay) {
        due = System.nanoTime() + Deadline.nanos(delay);
        return this;
    }

    /**
     * The time from tick to tick.
     *
     * @return the period
     */
    public Duration period() {
        return period;
    }

    /**
     * Waits until the next tick is due.
     *
     * @return the tick
     * @throws InterruptedException if the thread is interrupted, before or while it waits; no tick
     *     is lost
     */
    public Tick tick() throws InterruptedException {
        Sleep.until(due, this);
        return take(System.nanoTime());
    }

    /** Takes the tick that is due and decides when the next one is. */
    Tick take(long now) {
        long late = now - due;
        long missed = 0;
        if (missedTicks != MissedTicks.BURST && late >= Math.min(TOLERANCE_NANOS, periodNanos)) {
            missed = late / periodNanos;
            due = missedTicks == MissedTicks.SKIP ? due + missed * periodNanos : now;
        }
        due += periodNanos;
        return new Tick(number++, Duration.ofNanos(late), missed);
    }

    /** When the next tick is due. */
    long due() {
        return due;
    }

    /**
     * The coming ticks, without end. {@link Iterator#hasNext()} waits for the tick. As an iterator
     * cannot throw {@link InterruptedException}, it throws a {@link CancellationException} when its
     * thread is interrupted there, and leaves the interrupt status set, as the iterators of
     * channels do; no tick is lost.
     *
     * @return an iterator that takes this interval's ticks; leaving a loop and starting another
     *     goes on in the same rhythm
     */
    @Override
    public Iterator<Tick> iterator() {
        return new Ticks();
    }

    @Override
    public String toString() {
        return "Interval[" + period + ", " + missedTicks + ", tick " + number + "]";
    }

    private final class Ticks implements Iterator<Tick> {
        private @Nullable Tick taken;

        @Override
        public boolean hasNext() {
            if (taken == null) {
                taken = await();
            }
            return true;
        }

        @Override
        public Tick next() {
            Tick tick = taken != null ? taken : await();
            taken = null;
            return tick;
        }

        private Tick await() {
            try {
                return tick();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                var cancelled = new CancellationException("interrupted while waiting for a tick");
                cancelled.initCause(e);
                throw cancelled;
            }
        }
    }
}
