package cloud.avila.avx.internal.log;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Writes messages that trouble may repeat without end: a number of them at once, then one in each
 * interval. The next message that passes tells how many were left out before it.
 *
 * <p>The bound is the generic cell rate algorithm (ITU-T I.371, Annex A) on one word. Any thread
 * may log; a message that is left out is not even put together, and costs a look at the clock and
 * an atomic operation. Not part of a simulation: its time is real, and it is no place where fibers
 * give way.
 */
public final class BoundedLog {
    /** How many messages pass at once, unless said otherwise. */
    public static final int BURST = 50;

    /** How often one passes after them, unless said otherwise. */
    public static final Duration INTERVAL = Duration.ofSeconds(1);

    private final String name;
    private volatile System.@Nullable Logger logger; // found at the first message
    private final long intervalNanos;
    private final long burstNanos;
    private final LongSupplier clock;

    /** When all messages so far would have passed at one an interval; only moves forward. */
    private final AtomicLong paidUntil;

    private final AtomicLong leftOut = new AtomicLong();

    /**
     * A log with the usual bound.
     *
     * @param owner the class whose name the logger has
     */
    public BoundedLog(Class<?> owner) {
        this(owner, BURST, INTERVAL);
    }

    /**
     * A log with a bound of its own.
     *
     * @param owner the class whose name the logger has
     * @param burst how many messages pass at once, at least 1
     * @param interval how often one passes after them
     */
    public BoundedLog(Class<?> owner, int burst, Duration interval) {
        this(owner, burst, interval, System::nanoTime);
    }

    BoundedLog(Class<?> owner, int burst, Duration interval, LongSupplier clock) {
        this.name = owner.getName();
        this.intervalNanos = interval.toNanos();
        this.burstNanos = Math.multiplyExact(burst, intervalNanos);
        this.clock = clock;
        this.paidUntil = new AtomicLong(clock.getAsLong());
    }

    /**
     * Writes a message, or counts it as left out.
     *
     * @param level its level
     * @param message what happened
     */
    public void log(Level level, String message) {
        log(level, message, null);
    }

    /**
     * Writes a message with what was thrown, or counts it as left out.
     *
     * @param level its level
     * @param message what happened
     * @param thrown what was thrown, or null
     */
    public void log(Level level, String message, @Nullable Throwable thrown) {
        log(level, () -> message, thrown);
    }

    /**
     * Writes a message with what was thrown, or counts it as left out.
     *
     * @param level its level
     * @param message tells what happened; asked only if it is written
     * @param thrown what was thrown, or null
     */
    public void log(Level level, Supplier<String> message, @Nullable Throwable thrown) {
        System.Logger logger = logger();
        if (!logger.isLoggable(level)) {
            return;
        }
        if (!passes()) {
            leftOut.incrementAndGet();
            return;
        }
        long missing = leftOut.getAndSet(0);
        logger.log(
                level,
                missing == 0
                        ? message.get()
                        : message.get()
                                + " ("
                                + missing
                                + " more messages of this kind were left out before)",
                thrown);
    }

    private System.Logger logger() {
        System.Logger found = logger;
        if (found == null) {
            found = System.getLogger(name);
            logger = found;
        }
        return found;
    }

    private boolean passes() {
        long now = clock.getAsLong();
        for (; ; ) {
            long paid = paidUntil.get();
            long next = (paid - now > 0 ? paid : now) + intervalNanos;
            if (next - now > burstNanos) {
                return false;
            }
            if (paidUntil.compareAndSet(paid, next)) {
                return true;
            }
        }
    }
}
