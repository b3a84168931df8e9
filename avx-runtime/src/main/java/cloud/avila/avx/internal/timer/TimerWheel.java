package cloud.avila.avx.internal.timer;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.LongSupplier;

/**
 * A hierarchical timing wheel: any number of timers, each added and cancelled in constant time,
 * fired never early and at most one tick of {@value #TICK_NANOS} ns after its deadline, plus the
 * time until somebody calls {@link #advance}.
 *
 * <h2>Structure</h2>
 *
 * After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), in the form with a word
 * of occupied slots for each level that the kernels and runtimes of today use, with one change. A
 * level has 64 slots; a slot of level 0 spans one tick, and one of each further level spans 32
 * slots of the level below. So a level reaches over <em>two</em> slots of the next. A timer goes
 * into the lowest level that reaches it, into the slot {@code tick >> 5 * level} modulo 64. Ten
 * levels reach beyond 292 years.
 *
 * <p>Because of the double reach, the timers of a slot of a higher level can be moved down during
 * the whole slot before it (the <em>soft</em> point), and must have been when it begins (the
 * <em>hard</em> point). A cascade is therefore spread over many calls of {@code advance}, {@value
 * #MAX_MOVES} moves in each, in the shadow of a span 32 times as long as the one it prepares;
 * timers that are due go first. No call does more than {@value #MAX_MOVES} moves and {@value
 * #MAX_FIRES} actions, however many timers there are.
 *
 * <p>Time is the difference to {@code origin}, so {@code nanoTime} may wrap. Deadlines are rounded
 * up to a tick and the present down, which makes "never early" exact.
 *
 * <h2>Concurrency</h2>
 *
 * One word, {@code control}, holds the tick at which {@code advance} is next needed, whether the
 * wheel is locked, and whether the inbox was pushed to while it was (dirty). The lock is only ever
 * tried: who finds it taken pushes its timer on the inbox, a Treiber stack, sets dirty and lowers
 * the tick, and leaves the rest to the holder.
 *
 * <ul>
 *   <li>Invariant 1: {@code control}'s tick is not above that of any timer whose {@code add} has
 *       returned. The holder can only raise it by the compare-and-set that unlocks, which fails
 *       when dirty was set since the inbox was last taken; so it never raises it above a timer it
 *       has not yet put into the wheel.
 *   <li>Invariant 2: when nobody holds the lock and no {@code add} or {@code cancel} is under way,
 *       the inbox is empty or dirty is set and somebody is due to look: a pusher that finds the
 *       wheel unlocked takes the lock and the inbox itself; a holder unlocks with dirty set only
 *       after {@value #MAX_ROUNDS} rounds, and then without raising the tick.
 *   <li>Invariant 3: every timer in a slot has {@code tick >= time}, and in a level above 0 its
 *       slot's index is greater than {@code time}'s, except while that slot is being moved.
 * </ul>
 *
 * <p>Fields and modes: {@code control} and {@code inbox} volatile, by compare-and-set. A push to
 * the inbox comes before its change of {@code control}, and a holder clears dirty before it takes
 * the inbox; in the single order of volatile accesses either the holder's taking sees the push, or
 * dirty is set again after clearing and its unlock fails. All else ({@code slots}, {@code
 * occupied}, {@code levels}, {@code time}, {@code wheelNext}) is plain and touched by the lock
 * holder only; taking the lock reads the {@code control} that the last holder wrote when unlocking,
 * which orders the two. The counters are written by the lock holder and read by anyone, opaque: no
 * order is promised between them.
 *
 * <p>Nothing here blocks or waits for another thread. Actions run outside the lock.
 */
public final class TimerWheel {
    /** Width of a tick in nanoseconds, a power of two. */
    public static final long TICK_NANOS = 1L << 14;

    /** The most actions that one call of {@link #advance} runs. */
    public static final int MAX_FIRES = 256;

    /** The most timers that one call of {@link #advance} moves from level to level. */
    public static final int MAX_MOVES = 512;

    private static final int MAX_ROUNDS = 8;
    private static final int TICK_SHIFT = 14;
    private static final int LEVEL_SHIFT = 5;
    private static final int LEVELS = 10;
    private static final long MAX_DELAY = Long.MAX_VALUE >> 1;

    /** The farthest deadline from the origin; one beyond is a sum of now and delay that wrapped. */
    private static final long MAX_NANOS = Long.MAX_VALUE - 2 * TICK_NANOS;

    private static final long LOCKED = 1;
    private static final long DIRTY = 2;
    private static final int CONTROL_SHIFT = 2;
    private static final long NONE = Long.MAX_VALUE >> CONTROL_SHIFT;

    private static final VarHandle CONTROL;
    private static final VarHandle INBOX;
    private static final VarHandle SCHEDULED;
    private static final VarHandle FIRED;
    private static final VarHandle CANCELLED;

    static {
        try {
            var lookup = MethodHandles.lookup();
            CONTROL = lookup.findVarHandle(TimerWheel.class, "control", long.class);
            INBOX = lookup.findVarHandle(TimerWheel.class, "inbox", Timer.class);
            SCHEDULED = lookup.findVarHandle(TimerWheel.class, "scheduled", long.class);
            FIRED = lookup.findVarHandle(TimerWheel.class, "fired", long.class);
            CANCELLED = lookup.findVarHandle(TimerWheel.class, "cancelled", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final LongSupplier clock;
    private final long origin;

    private volatile long control = NONE << CONTROL_SHIFT;
    private volatile @Nullable Timer inbox;

    /** First timer of each slot; a slot's list is doubly linked, the first's previous the last. */
    private final @Nullable Timer[] slots = new @Nullable Timer[LEVELS * 64];

    /** For each level the slots that hold a timer. */
    private final long[] occupied = new long[LEVELS];

    /** The levels that hold a timer. */
    private int levels;

    /** The tick reached: every timer of an earlier tick has been taken out. */
    private long time;

    /** Not above the next tick at which this wheel, without the inbox, needs advance. */
    private long wheelNext = NONE;

    /** Whether a slot became empty, so that {@link #wheelNext} may be too low. */
    private boolean wheelNextLow;

    private long scheduled;
    private long fired;
    private long cancelled;

    /** Makes an empty wheel on {@link System#nanoTime()}. */
    public TimerWheel() {
        this(System::nanoTime);
    }

    /**
     * Makes an empty wheel.
     *
     * @param clock nanoseconds that never go back, of any origin
     */
    public TimerWheel(LongSupplier clock) {
        this.clock = clock;
        this.origin = clock.getAsLong();
    }

    /**
     * The {@code nanoTime} that is a delay away. Safe for every delay: a negative one is none, and
     * one beyond 146 years is 146 years.
     *
     * @param now the present {@code nanoTime}
     * @param delayNanos the delay in nanoseconds
     * @return the deadline
     */
    public static long deadline(long now, long delayNanos) {
        return now + Math.clamp(delayNanos, 0, MAX_DELAY);
    }

    /**
     * The present of this wheel's clock.
     *
     * @return nanoseconds
     */
    public long now() {
        return clock.getAsLong();
    }

    /**
     * Adds a timer, see {@link #add(Timer, long)}.
     *
     * @param timer a timer made for this wheel and not added before
     * @return whether a thread that sleeps until {@link #nextDeadline()} must be woken
     */
    public boolean add(Timer timer) {
        return add(timer, now());
    }

    /**
     * Adds a timer. Any thread may call it; it never blocks and runs no action, also not of a timer
     * that is already due.
     *
     * @param timer a timer made for this wheel and not added before; one that was cancelled before
     *     is counted and dropped
     * @param now the present {@code nanoTime}, or a moment ago
     * @return true if {@link #nextDeadline()} is now earlier than before the call, so that a thread
     *     that sleeps until it must be woken
     */
    public boolean add(Timer timer, long now) {
        if (timer.wheel != this) {
            throw new IllegalArgumentException("timer was made for another wheel: " + timer);
        }
        long c = control;
        if ((c & LOCKED) == 0 && CONTROL.compareAndSet(this, c, c | LOCKED)) {
            boolean live = timer.move(Timer.NEW, Timer.WHEEL);
            boolean known = live || timer.isCancelled() && timer.slot == Timer.NOT_SEEN;
            if (known) {
                follow(now);
                accept(timer, live);
            }
            boolean earlier = wheelNext < c >>> CONTROL_SHIFT;
            unlock();
            if (!known) {
                throw addedTwice(timer);
            }
            return earlier;
        }
        if (!timer.move(Timer.NEW, Timer.INBOX) && !timer.isCancelled()) {
            throw addedTwice(timer);
        }
        return push(timer, Math.max(0, tick(timer)));
    }

    private static IllegalStateException addedTwice(Timer timer) {
        return new IllegalStateException(
                "timer was added before; make a new one for each use: " + timer);
    }

    /** Called by the cancel that moved the timer from {@code WHEEL} to {@code CANCELLED}. */
    void cancelled(Timer timer) {
        long c = control;
        if ((c & LOCKED) == 0 && CONTROL.compareAndSet(this, c, c | LOCKED)) {
            settle(timer);
            unlock();
        } else {
            push(timer, NONE);
        }
    }

    /** Hands a timer to the lock holder, or becomes it. */
    private boolean push(Timer timer, long tick) {
        Timer head;
        do {
            head = inbox;
            timer.inboxNext = head;
        } while (!INBOX.compareAndSet(this, head, timer));
        for (; ; ) {
            long c = control;
            long next = c >>> CONTROL_SHIFT;
            if ((c & LOCKED) == 0) {
                if (CONTROL.compareAndSet(this, c, (c & ~DIRTY) | LOCKED)) {
                    drain();
                    boolean earlier = wheelNext < next;
                    unlock();
                    return earlier;
                }
            } else {
                long lowered = Math.min(next, tick) << CONTROL_SHIFT | DIRTY | LOCKED;
                if (lowered == c || CONTROL.compareAndSet(this, c, lowered)) {
                    return tick < next;
                }
            }
        }
    }

    /**
     * Fires what is due, {@value #MAX_FIRES} actions at most; then {@link #nextDeadline()} is not
     * in the future and the caller comes again when it suits. Any platform thread may call it.
     *
     * @param now the present {@code nanoTime}
     * @return the number of actions run, or -1 if another thread was at work on the wheel, so that
     *     nothing was done
     */
    public int advance(long now) {
        long nowTick = (now - origin) >> TICK_SHIFT;
        long c = control;
        if (c >>> CONTROL_SHIFT > nowTick && (c & DIRTY) == 0) {
            return 0;
        }
        if ((c & LOCKED) != 0 || !CONTROL.compareAndSet(this, c, (c & ~DIRTY) | LOCKED)) {
            return -1;
        }
        drain();
        Timer first = collect(nowTick);
        unlock();

        int count = 0;
        while (first != null) {
            Timer timer = first;
            first = timer.next;
            timer.next = null;
            timer.fire();
            count++;
        }
        return count;
    }

    /**
     * When {@link #advance} is next needed: not later than the first deadline, rounded up to a
     * tick; earlier when timers must be moved between levels by then.
     *
     * @return a {@code nanoTime}, to be compared by difference, or {@link Long#MAX_VALUE} if there
     *     is no timer
     */
    public long nextDeadline() {
        long next = control >>> CONTROL_SHIFT;
        if (next == NONE) {
            return Long.MAX_VALUE;
        }
        long nanos = origin + (next << TICK_SHIFT);
        return nanos == Long.MAX_VALUE ? nanos - 1 : nanos;
    }

    /**
     * Timers ever added.
     *
     * @return a count
     */
    public long scheduled() {
        return (long) SCHEDULED.getOpaque(this);
    }

    /**
     * Timers fired.
     *
     * @return a count
     */
    public long fired() {
        return (long) FIRED.getOpaque(this);
    }

    /**
     * Timers cancelled.
     *
     * @return a count
     */
    public long cancelled() {
        return (long) CANCELLED.getOpaque(this);
    }

    /**
     * Timers added and neither fired nor cancelled, as of about now.
     *
     * @return a count
     */
    public long pending() {
        long ended = fired() + cancelled();
        return Math.max(0, scheduled() - ended);
    }

    // All below is for the lock holder.

    private void unlock() {
        if (wheelNextLow) {
            wheelNextLow = false;
            wheelNext = next();
        }
        for (int round = 0; ; round++) {
            long c = control;
            if ((c & DIRTY) == 0) {
                if (CONTROL.compareAndSet(this, c, wheelNext << CONTROL_SHIFT)) {
                    return;
                }
            } else if (round < MAX_ROUNDS) {
                if (CONTROL.compareAndSet(this, c, c & ~DIRTY)) {
                    drain();
                }
            } else {
                long low = Math.min(wheelNext, c >>> CONTROL_SHIFT) << CONTROL_SHIFT;
                if (CONTROL.compareAndSet(this, c, low | DIRTY)) {
                    return;
                }
            }
        }
    }

    /** Takes the inbox and settles its timers in the order in which they were pushed. */
    private void drain() {
        if (inbox == null) {
            return;
        }
        Timer stack = (Timer) INBOX.getAndSet(this, null);
        Timer queue = null;
        while (stack != null) {
            Timer below = stack.inboxNext;
            stack.inboxNext = queue;
            queue = stack;
            stack = below;
        }
        while (queue != null) {
            Timer timer = queue;
            queue = timer.inboxNext;
            timer.inboxNext = null;
            settle(timer);
        }
        if (wheelNextLow) {
            wheelNextLow = false;
            wheelNext = next();
        }
    }

    private void settle(Timer timer) {
        if (timer.slot == Timer.NOT_SEEN) {
            accept(timer, timer.move(Timer.INBOX, Timer.WHEEL));
        } else if (timer.slot >= 0) {
            unlink(timer);
            countCancelled();
        }
    }

    private void accept(Timer timer, boolean live) {
        SCHEDULED.setOpaque(this, scheduled + 1);
        if (live) {
            wheelNext = Math.min(wheelNext, link(timer));
        } else {
            timer.slot = Timer.UNLINKED;
            countCancelled();
        }
    }

    private void countCancelled() {
        CANCELLED.setOpaque(this, cancelled + 1);
    }

    /** Moves {@link #time} up to the present if that crosses nothing to do. */
    private void follow(long now) {
        long nowTick = (now - origin) >> TICK_SHIFT;
        if (nowTick > time && nowTick < wheelNext) {
            time = nowTick;
        }
    }

    /** The tick at which a timer is due: its deadline rounded up. May be negative. */
    private long tick(Timer timer) {
        long nanos = timer.deadline - origin;
        if (nanos > MAX_NANOS || nanos < Long.MIN_VALUE >> 1) {
            nanos = MAX_NANOS;
        }
        return (nanos >> TICK_SHIFT) + ((nanos & (TICK_NANOS - 1)) == 0 ? 0 : 1);
    }

    /** Puts a timer into its slot; returns the tick at which that slot needs advance. */
    private long link(Timer timer) {
        long tick = Math.max(tick(timer), time);
        long delta = tick - time;
        int level =
                delta < 64
                        ? 0
                        : (64 - Long.numberOfLeadingZeros(delta) - 7 + LEVEL_SHIFT) / LEVEL_SHIFT;
        if (index(tick, level) - index(time, level) > 63) {
            level++;
        }
        long index = index(tick, level);
        int slot = (level << 6) + (int) (index & 63);
        timer.slot = slot;
        Timer first = slots[slot];
        if (first == null) {
            timer.previous = timer;
            slots[slot] = timer;
            occupied[level] |= 1L << index;
            levels |= 1 << level;
        } else {
            Timer last = last(first);
            last.next = timer;
            timer.previous = last;
            first.previous = timer;
        }
        return event(level, index);
    }

    private static long index(long tick, int level) {
        return tick >>> level * LEVEL_SHIFT;
    }

    /** When a slot needs advance: its tick in level 0, else its soft point. */
    private static long event(int level, long index) {
        return level == 0 ? index : (index - 1) << level * LEVEL_SHIFT;
    }

    private static Timer last(Timer first) {
        Timer last = first.previous;
        return last == null ? first : last;
    }

    private void unlink(Timer timer) {
        int slot = timer.slot;
        Timer next = timer.next;
        Timer first = slots[slot];
        if (first == timer) {
            slots[slot] = next;
            if (next == null) {
                int level = slot >> 6;
                occupied[level] &= ~(1L << slot);
                if (occupied[level] == 0) {
                    levels &= ~(1 << level);
                }
                wheelNextLow = true;
            } else {
                next.previous = timer.previous;
            }
        } else {
            Timer previous = timer.previous;
            if (previous != null) {
                previous.next = next;
            }
            if (next != null) {
                next.previous = previous;
            } else if (first != null) {
                first.previous = previous;
            }
        }
        timer.previous = null;
        timer.next = null;
        timer.slot = Timer.UNLINKED;
    }

    /** Index of the first occupied slot of an occupied level. */
    private long firstIndex(int level) {
        long now = index(time, level);
        return now + Long.numberOfTrailingZeros(Long.rotateRight(occupied[level], (int) now));
    }

    private long next() {
        long next = NONE;
        for (int rest = levels; rest != 0; rest &= rest - 1) {
            int level = Integer.numberOfTrailingZeros(rest);
            next = Math.min(next, Math.max(time, event(level, firstIndex(level))));
        }
        return next;
    }

    /** Takes out what is due and moves down what is near; returns a list linked by next. */
    private @Nullable Timer collect(long nowTick) {
        int fires = MAX_FIRES;
        int moves = MAX_MOVES;
        Timer first = null;
        Timer last = null;
        while (fires > 0 && moves > 0) {
            int level = 0;
            long index = 0;
            long earliest = NONE;
            for (int rest = levels; rest != 0; rest &= rest - 1) {
                int l = Integer.numberOfTrailingZeros(rest);
                long i = firstIndex(l);
                long hard = i << l * LEVEL_SHIFT;
                if (hard <= earliest) {
                    level = l;
                    index = i;
                    earliest = hard;
                }
            }
            if (earliest > nowTick) {
                time = Math.max(time, nowTick);
                break;
            }
            time = Math.max(time, earliest);
            if (level > 0) {
                moves = moveDown(level, index, moves);
                continue;
            }
            Timer due;
            while (fires > 0 && (due = slots[(int) (index & 63)]) != null) {
                unlink(due);
                if (due.move(Timer.WHEEL, Timer.FIRED)) {
                    fires--;
                    if (last == null) {
                        first = due;
                    } else {
                        last.next = due;
                    }
                    last = due;
                } else {
                    countCancelled();
                }
            }
        }
        for (int level = 1; level < LEVELS && moves > 0; level++) {
            long index = index(time, level) + 1;
            if ((occupied[level] & 1L << index) != 0) {
                moves = moveDown(level, index, moves);
            }
        }
        wheelNextLow = true;
        FIRED.setOpaque(this, fired + MAX_FIRES - fires);
        return first;
    }

    private int moveDown(int level, long index, int moves) {
        int slot = (level << 6) + (int) (index & 63);
        Timer timer;
        while (moves > 0 && (timer = slots[slot]) != null) {
            moves--;
            unlink(timer);
            if (timer.isCancelled()) {
                countCancelled();
            } else {
                link(timer);
            }
        }
        return moves;
    }
}
