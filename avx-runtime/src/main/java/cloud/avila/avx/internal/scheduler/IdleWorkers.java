package cloud.avila.avx.internal.scheduler;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.IntPredicate;

/** Which workers sleep and how many search: decides whether new work wakes somebody. */
final class IdleWorkers extends IdlePadding1 {
    /*
     * Overview.
     *
     * The aim is that work is never left while a worker sleeps, and that no more workers are awake
     * than have work. The rules are those of the Go scheduler (runtime/proc.go, "Worker thread
     * parking/unparking") and of Tokio's multi-threaded scheduler:
     *
     * - A worker without work of its own searches. At most half of the workers search at a time.
     * - Who makes work known wakes a worker only if none is searching, and the one it wakes counts as
     *   searching from that moment: so wake-ups come one at a time.
     * - Unlike there, who brings work from outside wakes one more whenever more waits than those who
     *   search can be expected to take at once: a searcher may be a thread that has no processor.
     * - A searcher that finds work stops searching, and if it was the last one, it wakes another
     *   while there is more work: so a burst wakes workers one after the other.
     * - A searcher that finds nothing announces its sleep, stops searching, and only then looks at
     *   every queue once more.
     *
     * field      writer              mode
     * sleeping   the sleeper sets its bit, a waker or the sleeper clears it   atomic bit operations
     * searching  anyone              atomic add, compare-and-set
     *
     * Whoever clears a bit decides what the sleeper does next: a waker makes it a searcher (and must
     * wake its thread), the sleeper itself goes on as it is.
     *
     * No lost wake-up. All accesses here are sequentially consistent. A pusher makes its task
     * visible, passes a full fence, reads searching and then sleeping. A worker sets its bit, lowers
     * searching, then reads the queues. If the pusher finds nobody sleeping and nobody searching,
     * the worker's bit is not yet set, so its look at the queues comes after the fence and finds the
     * task. If the pusher finds a searcher, then that searcher has still to lower searching, and its
     * look at the queues, or that of the one it wakes as last searcher, comes after. A waker that
     * raises searching and then finds nobody to wake has to lower it and look again, for others may
     * have relied on it in between; wakeSleeper and wakeAnother do.
     */

    private static final VarHandle SEARCHING;
    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    static {
        try {
            SEARCHING =
                    MethodHandles.lookup()
                            .findVarHandle(IdleSearching.class, "searching", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Words before and behind those in use, so that they share their cache line with nobody. */
    private static final int PADDING = 16;

    private final long[] sleeping;
    private volatile int workers; // in use now
    private volatile int words; // of sleeping, that were ever in use

    /**
     * @param most the most workers there can ever be
     */
    IdleWorkers(int most) {
        this.sleeping = new long[((most + 63) >>> 6) + 2 * PADDING];
    }

    /** Changes how many workers there are, of which half may search. */
    void resize(int workers) {
        words = Math.max(words, (workers + 63) >>> 6);
        this.workers = workers;
    }

    /** Starts to search, unless half of the workers already do. */
    boolean tryStartSearching() {
        for (; ; ) {
            int s = searching;
            if (2 * s >= workers) {
                return false;
            }
            if (SEARCHING.compareAndSet(this, s, s + 1)) {
                return true;
            }
        }
    }

    /**
     * Stops to search.
     *
     * @return whether the caller was the last searcher
     */
    boolean stopSearching() {
        return (int) SEARCHING.getAndAdd(this, -1) == 1;
    }

    /** Announces that the worker is about to sleep. */
    void announceSleep(int worker) {
        WORD.getAndBitwiseOr(sleeping, wordOf(worker), 1L << worker);
    }

    /**
     * Takes the announcement back.
     *
     * @return false if a waker was faster: the worker is then a searcher
     */
    boolean withdrawSleep(int worker) {
        return clear(worker);
    }

    boolean isSleeping(int worker) {
        return ((long) WORD.getVolatile(sleeping, wordOf(worker)) & 1L << worker) != 0;
    }

    boolean anySleeping() {
        for (int w = 0; w < words; w++) {
            if ((long) WORD.getVolatile(sleeping, PADDING + w) != 0) {
                return true;
            }
        }
        return false;
    }

    int sleepingCount() {
        int n = 0;
        for (int w = 0; w < words; w++) {
            n += Long.bitCount((long) WORD.getVolatile(sleeping, PADDING + w));
        }
        return n;
    }

    int searchingCount() {
        return searching;
    }

    /**
     * Whether new work should wake somebody. The caller has made the work known by a
     * read-modify-write, or has passed a full fence since.
     */
    boolean shouldWake() {
        return searching == 0 && anySleeping();
    }

    /** Counts one more searcher, in whose name the caller wakes a worker. */
    void startAnother() {
        SEARCHING.getAndAdd(this, 1);
    }

    /** Becomes the one who may wake a worker, by raising searching from zero in its name. */
    boolean tryStartWaking() {
        return SEARCHING.compareAndSet(this, 0, 1);
    }

    /**
     * Clears the bit of a sleeper, which so becomes a searcher; the lowest numbers first, so that
     * the same few workers stay warm while there is little to do.
     *
     * @param last of a worker, whether to choose it only if no other sleeps
     * @return the worker, or -1 if none sleeps
     */
    int claimSleeper(IntPredicate last) {
        boolean spared = false;
        for (int w = 0; w < words; w++) {
            long others = -1L;
            for (long m; (m = (long) WORD.getVolatile(sleeping, PADDING + w) & others) != 0; ) {
                int worker = (w << 6) + Long.numberOfTrailingZeros(m);
                if (last.test(worker)) {
                    spared = true;
                    others &= ~(1L << worker);
                } else if (clear(worker)) {
                    return worker;
                }
            }
        }
        return spared ? claimSleeper(_ -> false) : -1;
    }

    private boolean clear(int worker) {
        long bit = 1L << worker;
        return ((long) WORD.getAndBitwiseAnd(sleeping, wordOf(worker), ~bit) & bit) != 0;
    }

    private static int wordOf(int worker) {
        return PADDING + (worker >>> 6);
    }
}

/** Keeps the number that searchers write and pushers read on a cache line of its own. */
@SuppressWarnings("unused")
abstract class IdlePadding0 {
    long p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15;
}

abstract class IdleSearching extends IdlePadding0 {
    volatile int searching;
}

@SuppressWarnings("unused")
abstract class IdlePadding1 extends IdleSearching {
    long q00, q01, q02, q03, q04, q05, q06, q07, q08, q09, q10, q11, q12, q13, q14, q15;
}
