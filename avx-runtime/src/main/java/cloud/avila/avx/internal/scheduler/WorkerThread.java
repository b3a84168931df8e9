package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.TimerSlack;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/** A platform thread that runs a worker, the carrier of the fibers on it. */
final class WorkerThread extends RuntimeThread implements NativeScratch.Owner {
    /*
     * Overview.
     *
     * A worker is a slot: queue, wheel, counters. Its thread may lose it: to the watchdog, while a
     * task keeps the thread for too long, or by its own decision before it blocks (blockInPlace). The
     * slot goes to a spare thread then, and the old one finds that out when the task gives it back.
     *
     * Invariant: at most one thread uses the fields of a slot at a time. A thread uses them only
     * after it has gone inside and found hold OWNED; the run loop of the worker is inside all the
     * time but for the tasks it runs, and the code of a task goes inside for each thing it asks of
     * the slot. inside counts, for what the run loop calls may ask, too.
     *
     * field   writer                                      mode
     * inside  this thread                                 release; watchdog reads acquire
     * hold    watchdog or this thread (revoke, restore),
     *         SpareThreads (give)                         volatile; this thread reads opaque
     * worker  SpareThreads, before the thread has a slot  plain; published by start or by hold
     * given   SpareThreads (give), this thread when it    volatile; after hold, so that who sees
     *         begins to run the slot                      it finds the slot, or that it is gone
     * returns this thread, when it comes back without     volatile
     *         a slot
     *
     * Revoking is Dekker's pattern: this thread writes inside and then reads hold, the watchdog
     * writes hold and then reads inside; one of them must see the other. That takes a store-load
     * fence on both sides. This side is passed at every spawn and every wake-up, that side once in a
     * hundred milliseconds, so the fence is asymmetric: the watchdog asks for this thread's stack,
     * for which the JVM stops the thread at a safepoint, or keeps it from leaving native code, and
     * synchronises memory with it (a handshake, JEP 312). Whatever this thread had stored before
     * that is visible after it, and what it loads after that sees hold. Here only the compiler must
     * be kept from moving the load up, which the acquire fence after the store does: the JIT turns
     * it into no instruction on x86 and into a load barrier on ARM.
     *
     * If the thread was inside, the watchdog restores hold and tries again later. Meanwhile hold was
     * REVOKING: a task's code that saw that took the way of other threads, which is always right; the
     * run loop waits until it is decided.
     */

    private static final int OWNED = 0;
    private static final int REVOKING = 1;
    private static final int GONE = 2;

    private static final VarHandle INSIDE;
    private static final VarHandle HOLD;

    static {
        try {
            var lookup = MethodHandles.lookup();
            INSIDE = lookup.findVarHandle(WorkerThread.class, "inside", int.class);
            HOLD = lookup.findVarHandle(WorkerThread.class, "hold", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final WorkStealingScheduler workers;
    private @Nullable NativeScratch scratch; // made at the first system call
    private @Nullable Worker worker;
    private int inside;
    private volatile int hold = GONE;
    private volatile boolean given;
    private volatile int returns;

    WorkerThread(WorkStealingScheduler scheduler, String name, long stackSize) {
        super(scheduler, null, name, stackSize);
        this.workers = scheduler;
    }

    @Override
    public NativeScratch nativeScratch() {
        NativeScratch s = scratch;
        if (s == null) {
            scratch = s = new NativeScratch();
        }
        return s;
    }

    @Override
    public void run() {
        TimerSlack.minimize();
        boolean again;
        do {
            given = false; // nobody gives another one before this one is gone
            Worker slot = Objects.requireNonNull(worker);
            workers.placement.place(slot.index);
            again = slot.run(this) && comeBack();
        } while (again);
    }

    private boolean comeBack() {
        returns = returns + 1; // no other thread writes it
        return workers.spares.awaitSlot(this);
    }

    /** How often it has come back from a task during which it lost its slot. */
    int returns() {
        return returns;
    }

    boolean belongsTo(WorkStealingScheduler scheduler) {
        return workers == scheduler;
    }

    // --- this thread ---

    /** Goes inside, maybe once more; false if the slot is gone, or may be: not inside then. */
    boolean enter() {
        int depth = inside;
        INSIDE.setRelease(this, depth + 1);
        VarHandle.acquireFence();
        if ((int) HOLD.getOpaque(this) == OWNED) {
            return true;
        }
        INSIDE.setRelease(this, depth);
        return false;
    }

    void leave() {
        INSIDE.setRelease(this, inside - 1);
    }

    /** The slot, for who is inside, or has just taken it from this thread. */
    Worker slot() {
        return Objects.requireNonNull(worker);
    }

    /** Goes inside for the run loop; false if the slot is gone for good. */
    boolean enterLoop() {
        while (!enter()) {
            if (hold == GONE) {
                return false;
            }
            Thread.onSpinWait();
        }
        return true;
    }

    // --- handing slots on ---

    /** Gives the slot to this thread, which has none and does not run, or waits for one. */
    void give(Worker slot) {
        worker = slot;
        hold = OWNED;
        given = true;
    }

    /** Gives the slot up from a task's code; false if it is gone already. */
    boolean revokeOwn() {
        while (!HOLD.compareAndSet(this, OWNED, GONE)) {
            if (hold == GONE) {
                return false;
            }
            Thread.onSpinWait();
        }
        return true;
    }

    /** Undoes a revocation, if nobody could be found to run the slot. */
    void restore() {
        slot().thread = this;
        hold = OWNED;
    }

    boolean hasSlot() {
        return hold != GONE;
    }

    /** Whether it got a slot while it waited, which may be gone again before it has woken up. */
    boolean wasGivenSlot() {
        return given;
    }

    /** Tries to take the slot from this thread. Watchdog only. */
    boolean revoke() {
        if (!HOLD.compareAndSet(this, OWNED, REVOKING)) {
            return false;
        }
        getStackTrace(); // the fence, see above
        boolean free = (int) INSIDE.getAcquire(this) == 0;
        hold = free ? GONE : OWNED;
        return free;
    }
}
