package cloud.avila.avx.internal.park;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A piece of code on the calling thread that another thread may interrupt once, without the
 * interrupt reaching what the thread does afterwards: the body of a timeout, or of a call that ends
 * when a token is cancelled.
 *
 * <p>Made, entered and exited by one thread, in nested order; interrupted by any.
 */
public final class Interruptible {
    /*
     * Overview.
     *
     * state decides by compare-and-set who is first, the code that ends (RUNNING -> ENDED) or the
     * interrupter (RUNNING -> FIRING -> FIRED). The interrupter interrupts the thread between FIRING
     * and FIRED, and the thread does not leave exit in FIRING: so the interrupt is delivered before
     * the code is left, and can be cleared, or not at all.
     *
     * Those in progress on one thread are a stack, found through CURRENT. Clearing the status at the
     * end of one could swallow the interrupt of an enclosing one that fired as well; so if an
     * enclosing one has fired, the thread interrupts itself again. Not while that one is FIRING: its
     * own interrupt would come as a second one, and outlive it.
     *
     * An interrupter that finds the thread interrupted already, and not by one of the stack, notes
     * that the interrupt is somebody else's. interrupts, in the outermost one, tells: its upper half
     * counts those that have fired, before they interrupt, and its lower half those of them that
     * have ended, after they cleared the status. Equal halves, unchanged while the interrupter
     * looked at the status, mean that none of the stack had a hand in it. An interrupt by somebody
     * else that comes between this look and the interrupter's own counts as coming after it.
     *
     * state and interrupts: volatile, interrupter and thread. foreign: plain, written by the
     * interrupter before FIRED, read by the thread after.
     */

    private static final int RUNNING = 0;
    private static final int ENDED = 1;
    private static final int FIRING = 2;
    private static final int FIRED = 3;

    private static final long ONE_FIRED = 1L << 32;
    private static final long ONE_ENDED = 1;

    private static final ThreadLocal<@Nullable Interruptible> CURRENT = new ThreadLocal<>();

    private static final VarHandle STATE;
    private static final VarHandle INTERRUPTS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(Interruptible.class, "state", int.class);
            INTERRUPTS = lookup.findVarHandle(Interruptible.class, "interrupts", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Thread thread = Thread.currentThread();
    private final @Nullable Interruptible enclosing = CURRENT.get();
    private final Interruptible outermost = enclosing == null ? this : enclosing.outermost;
    private volatile int state;
    private volatile long interrupts;
    private boolean foreign;

    /** For code that the calling thread is about to run. */
    public Interruptible() {}

    /** Called before the code. */
    public void enter() {
        CURRENT.set(this);
    }

    /** Interrupts the code, unless it has ended or was interrupted before. Any thread. */
    public void interrupt() {
        if (!STATE.compareAndSet(this, RUNNING, FIRING)) {
            return;
        }
        long before = outermost.interrupts;
        foreign =
                before >>> 32 == (int) before
                        && thread.isInterrupted()
                        && outermost.interrupts == before;
        INTERRUPTS.getAndAdd(outermost, ONE_FIRED);
        thread.interrupt();
        state = FIRED;
    }

    /**
     * Called after the code; puts the interrupt status right.
     *
     * @param consumed whether the code threw InterruptedException, so that a status that is set
     *     stems from a further interrupt
     * @return whether the code was interrupted by {@link #interrupt}
     */
    public boolean exit(boolean consumed) {
        if (enclosing == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(enclosing);
        }
        if (STATE.compareAndSet(this, RUNNING, ENDED)) {
            return false;
        }
        awaitFired();
        boolean interrupt = Thread.interrupted() && (foreign || consumed);
        INTERRUPTS.getAndAdd(outermost, ONE_ENDED);
        for (Interruptible i = enclosing; i != null; i = i.enclosing) {
            i.awaitFired();
            interrupt |= i.state == FIRED;
        }
        if (interrupt) {
            thread.interrupt();
        }
        return true;
    }

    /**
     * Whether somebody else had interrupted the thread when {@link #interrupt} was called; for the
     * thread, after {@link #exit} told that it was.
     *
     * @return true if the interrupt status, or the InterruptedException, is somebody else's
     */
    public boolean isForeign() {
        return foreign;
    }

    /** Waits for an interrupter that is just interrupting the thread, for a moment. */
    private void awaitFired() {
        while (state == FIRING) {
            Thread.yield();
        }
    }
}
