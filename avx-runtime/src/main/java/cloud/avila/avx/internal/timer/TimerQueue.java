package cloud.avila.avx.internal.timer;

import org.jspecify.annotations.Nullable;

import java.util.PriorityQueue;
import java.util.function.LongSupplier;

/**
 * Timers on a clock that stands still until somebody moves it: exact to the nanosecond, in the
 * order of their deadlines. For a simulation; the {@link TimerWheel} is for clocks that run.
 *
 * <p>For one thread at a time; only {@link Timer#cancel} may be called by others.
 *
 * @param <T> what is kept with a timer
 */
public final class TimerQueue<T> {
    private static final int SMALLEST_PURGE = 1024;

    /**
     * A timer and what belongs to it.
     *
     * @param timer the timer
     * @param tag what was given with it
     * @param number how many were added before
     * @param <T> the type of the tag
     */
    public record Entry<T>(Timer timer, T tag, long number) implements Comparable<Entry<T>> {
        @Override
        public int compareTo(Entry<T> other) {
            long difference = timer.deadline - other.timer.deadline;
            return difference != 0 ? Long.signum(difference) : Long.signum(number - other.number);
        }
    }

    private final TimerWheel clock; // a timer asks its wheel for the time
    private final PriorityQueue<Entry<T>> entries = new PriorityQueue<>();
    private long numbers;
    private long fired;
    private int purgeAt = SMALLEST_PURGE;

    /**
     * Makes an empty queue.
     *
     * @param clock nanoseconds that never go back
     */
    public TimerQueue(LongSupplier clock) {
        this.clock = new TimerWheel(clock);
    }

    /**
     * Adds a timer.
     *
     * @param action what it does when it is {@linkplain #fire fired}
     * @param delayNanos how long from now
     * @param tag what is kept with it
     * @return the timer, to cancel it
     */
    public Timer add(Runnable action, long delayNanos, T tag) {
        Timer timer = new Timer(clock, action, TimerWheel.deadline(clock.now(), delayNanos));
        timer.move(Timer.NEW, Timer.INBOX);
        if (entries.size() >= purgeAt) {
            entries.removeIf(entry -> entry.timer.isCancelled());
            purgeAt = Math.max(SMALLEST_PURGE, 2 * entries.size());
        }
        entries.add(new Entry<>(timer, tag, numbers++));
        return timer;
    }

    /**
     * When the first timer is due.
     *
     * @return a time of the clock, or {@link Long#MAX_VALUE} if there is no timer
     */
    public long nextDeadline() {
        Entry<T> first = first();
        return first == null ? Long.MAX_VALUE : first.timer.deadline;
    }

    /**
     * Takes a timer out that is due.
     *
     * @return the timer, neither fired nor cancelled, or null if none is due
     */
    public @Nullable Entry<T> takeDue() {
        Entry<T> first = first();
        if (first == null || first.timer.deadline - clock.now() > 0) {
            return null;
        }
        entries.remove();
        return first;
    }

    private @Nullable Entry<T> first() {
        for (Entry<T> first; (first = entries.peek()) != null; entries.remove()) {
            if (!first.timer.isCancelled()) {
                return first;
            }
        }
        return null;
    }

    /**
     * Runs the action of a timer that was taken, unless it was cancelled meanwhile.
     *
     * @param timer what {@link #takeDue} returned
     */
    public void fire(Timer timer) {
        if (timer.move(Timer.INBOX, Timer.FIRED)) {
            fired++;
            timer.fire();
        }
    }

    /**
     * Timers ever added.
     *
     * @return a count
     */
    public long scheduled() {
        return numbers;
    }

    /**
     * Timers fired.
     *
     * @return a count
     */
    public long fired() {
        return fired;
    }

    /**
     * Timers added and neither taken nor cancelled.
     *
     * @return a count
     */
    public long pending() {
        return entries.stream().filter(entry -> !entry.timer.isCancelled()).count();
    }
}
