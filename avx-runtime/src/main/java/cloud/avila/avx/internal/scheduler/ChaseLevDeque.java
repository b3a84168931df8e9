package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;

/**
 * A worker's queue: one owner pushes at the bottom, everybody takes at the top.
 *
 * @param <E> what it holds
 */
final class ChaseLevDeque<E> extends DequePadding2<E> {
    /*
     * Overview.
     *
     * Chase and Lev, "Dynamic Circular Work-Stealing Deque" (SPAA 2005), with the memory orders of
     * Le, Pop, Cohen and Zappa Nardelli, "Correct and Efficient Work-Stealing for Weak Memory
     * Models" (PPoPP 2013), less the owner's pop at the bottom: tasks of an asynchronous runtime
     * are independent and want to run in the order they came, so the owner, too, takes at the top.
     * That leaves one contended index, and since no taker works at the other end a thief may claim
     * any number of elements with one compare-and-set: it takes half.
     *
     * Invariant: top <= bottom; the elements are array[i & mask] for top <= i < bottom, in the
     * order they were pushed. top and bottom only grow.
     *
     * field     writer            mode
     * top       every taker       compare-and-set; read acquire
     * bottom    owner             release; owner reads plain, others acquire
     * array     owner (grow)      volatile reference; its slots are written by the owner, opaque
     * topCache  owner             plain: a lower bound of top, saves reading the contended index
     * cleared   owner             plain: slots below it hold no reference to a taken element
     *
     * Why the orders suffice. push: the slot is written before bottom's release, so a taker that
     * reads the new bottom (acquire) sees the element. A taker reads top, then bottom, then the
     * array, then the slot, and only its compare-and-set on top makes the element its own: if
     * another taker was there in between, top has moved and it tries again, so what it read in the
     * meantime, maybe from an array already replaced or a slot already reused, is thrown away. A
     * slot is reused only when top has passed it by a whole array length, for push keeps bottom -
     * top below the length, using a top it has read (topCache). grow copies the live elements and
     * then publishes the new array; the old one keeps them, so a slow thief still reads the right
     * element from it.
     *
     * stealHalf writes the loot into the thief's own deque before the compare-and-set and publishes
     * it (release of the thief's bottom) after: until then nobody reads those slots.
     *
     * A taker other than the owner must not clear a slot, for the owner may already have reused it.
     * The owner clears the slots that top has passed when it runs out of work, so that an idle
     * worker retains nothing; until then at most one array length of dead references is kept.
     *
     * The fence a pusher needs before it looks for sleeping workers is not here but in
     * IdleWorkers.
     */

    /** The most elements that one raid takes. */
    static final int MAX_RAID = 128;

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    private static final VarHandle TOP;
    private static final VarHandle BOTTOM;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TOP = lookup.findVarHandle(DequeTop.class, "top", long.class);
            BOTTOM = lookup.findVarHandle(DequeBottom.class, "bottom", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * @param capacity initial length of the array, a power of two, at least 2
     */
    ChaseLevDeque(int capacity) {
        if (capacity < 2 || Integer.bitCount(capacity) != 1) {
            throw new IllegalArgumentException("capacity=" + capacity + " is not a power of two");
        }
        array = new @Nullable Object[capacity];
    }

    /** Adds at the bottom. Owner only. */
    void push(E element) {
        long b = (long) BOTTOM.get(this);
        @Nullable Object[] a = roomFor(b, 1);
        SLOT.setOpaque(a, index(b, a), element);
        BOTTOM.setRelease(this, b + 1);
    }

    /** Takes the oldest. Owner only; the slot keeps nothing. */
    @Nullable E take() {
        for (; ; ) {
            long t = (long) TOP.getAcquire(this);
            if (t >= (long) BOTTOM.get(this)) {
                return null;
            }
            @Nullable Object[] a = array;
            int i = index(t, a);
            Object element = a[i];
            if (TOP.compareAndSet(this, t, t + 1)) {
                a[i] = null;
                return cast(element);
            }
        }
    }

    /** Takes the oldest. Any thread. */
    @Nullable E steal() {
        for (; ; ) {
            long t = (long) TOP.getAcquire(this);
            if (t >= (long) BOTTOM.getAcquire(this)) {
                return null;
            }
            @Nullable Object[] a = array;
            Object element = SLOT.getOpaque(a, index(t, a));
            if (TOP.compareAndSet(this, t, t + 1)) {
                return cast(element);
            }
        }
    }

    /**
     * Takes the older half, rounded up, at most {@value #MAX_RAID}: returns the oldest and puts the
     * rest into the thief's deque.
     *
     * @param thief the caller's own deque
     */
    @Nullable E stealHalf(ChaseLevDeque<E> thief) {
        int written = 0;
        for (; ; ) {
            long t = (long) TOP.getAcquire(this);
            long size = (long) BOTTOM.getAcquire(this) - t;
            if (size <= 0) {
                thief.forget(written);
                return null;
            }
            int n = (int) Math.min(size - (size >> 1), MAX_RAID);
            @Nullable Object[] a = array;
            Object first = SLOT.getOpaque(a, index(t, a));
            long b = (long) BOTTOM.get(thief);
            @Nullable Object[] into = thief.roomFor(b, n);
            for (int i = 1; i < n; i++) {
                SLOT.setOpaque(into, index(b + i - 1, into), SLOT.getOpaque(a, index(t + i, a)));
            }
            if (TOP.compareAndSet(this, t, t + n)) {
                BOTTOM.setRelease(thief, b + n - 1);
                thief.forget(written - (n - 1));
                return cast(first);
            }
            written = Math.max(written, n - 1);
        }
    }

    /** How many elements are there; exact for the owner while nobody takes, else approximate. */
    int size() {
        long t = (long) TOP.getAcquire(this);
        return (int) Math.max(0, (long) BOTTOM.getAcquire(this) - t);
    }

    /** How many elements were ever pushed. Owner only. */
    long pushed() {
        return (long) BOTTOM.get(this);
    }

    boolean isEmpty() {
        long t = (long) TOP.getAcquire(this);
        return (long) BOTTOM.getAcquire(this) <= t;
    }

    /** Visits the elements; any thread. Those taken or pushed meanwhile may be met or missed. */
    void forEach(Consumer<? super E> visitor) {
        long t = (long) TOP.getAcquire(this);
        long b = (long) BOTTOM.getAcquire(this);
        @Nullable Object[] a = array;
        for (long i = Math.max(t, b - a.length); i < b; i++) {
            Object element = SLOT.getAcquire(a, index(i, a));
            if (element != null) {
                visitor.accept(cast(element));
            }
        }
    }

    /** Drops the references that takers left behind. Owner only. */
    void clearTaken() {
        long t = (long) TOP.getAcquire(this);
        @Nullable Object[] a = array;
        // below bottom - length the slots are in use again
        for (long i = Math.max(cleared, (long) BOTTOM.get(this) - a.length); i < t; i++) {
            SLOT.setOpaque(a, index(i, a), null);
        }
        cleared = t;
    }

    /** Drops n references above bottom that a lost raid left there. Owner only. */
    private void forget(int n) {
        long b = (long) BOTTOM.get(this);
        @Nullable Object[] a = array;
        for (int i = 0; i < n; i++) {
            SLOT.setOpaque(a, index(b + i, a), null);
        }
    }

    /** The array, grown until n more elements fit behind bottom b. */
    private @Nullable Object[] roomFor(long b, int n) {
        @Nullable Object[] a = array;
        if (b + n - topCache > a.length) {
            topCache = (long) TOP.getAcquire(this);
            while (b + n - topCache > a.length) {
                a = grow(a, topCache, b);
            }
        }
        return a;
    }

    private @Nullable Object[] grow(@Nullable Object[] old, long t, long b) {
        @Nullable Object[] bigger = new @Nullable Object[Math.multiplyExact(old.length, 2)];
        for (long i = t; i < b; i++) {
            bigger[index(i, bigger)] = old[index(i, old)];
        }
        array = bigger;
        return bigger;
    }

    private static int index(long i, @Nullable Object[] a) {
        return (int) i & (a.length - 1);
    }

    @SuppressWarnings("unchecked")
    private static <E> E cast(@Nullable Object element) {
        return (E) java.util.Objects.requireNonNull(element);
    }
}

/** Keeps the index that everybody writes on a cache line of its own. */
@SuppressWarnings("unused")
abstract class DequePadding0 {
    long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15;
}

abstract class DequeTop extends DequePadding0 {
    volatile long top;
}

@SuppressWarnings("unused")
abstract class DequePadding1 extends DequeTop {
    long q00, q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11, q12, q13, q14, q15;
}

abstract class DequeBottom extends DequePadding1 {
    volatile long bottom;
    volatile @Nullable Object[] array = new @Nullable Object[0];
    long topCache;
    long cleared;
}

@SuppressWarnings("unused")
abstract class DequePadding2<E> extends DequeBottom {
    long r00, r01, r02, r03, r04, r05, r06, r07, r08, r09, r10, r11, r12, r13, r14, r15;
}
