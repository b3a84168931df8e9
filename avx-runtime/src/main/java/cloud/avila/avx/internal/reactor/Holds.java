package cloud.avila.avx.internal.reactor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Keeps a descriptor number from being released while an operation uses it.
 *
 * <p>Invariant: {@link #destroy} runs exactly once, after {@link #beginClose} and when nobody holds
 * it any more; nobody gets a hold after {@code beginClose}.
 *
 * <p>All of it is one word, {@code holds}, changed by atomic read-modify-write only: the sign bit
 * says closed, one bit each says that a reader and a writer hold it alone, the rest counts the
 * other holds. Whoever makes the word exactly {@code CLOSED} is the last and destroys. The
 * operations are full fences, so what a holder did before its release happens before {@code
 * destroy}.
 */
abstract class Holds {
    /** The hold of the one thread that receives. */
    static final int READER = 1 << 30;

    /** The hold of the one thread that sends. */
    static final int WRITER = 1 << 29;

    private static final int CLOSED = 1 << 31;
    private static final int ONE = 1;
    private static final VarHandle HOLDS;

    static {
        try {
            HOLDS = MethodHandles.lookup().findVarHandle(Holds.class, "holds", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("UnusedVariable") // through HOLDS
    private volatile int holds;

    /** Releases the resource; the last thing that happens to it. */
    abstract void destroy();

    final boolean isClosed() {
        return holds < 0;
    }

    /** Takes a hold that others may have as well; false if closed. */
    final boolean hold() {
        for (; ; ) {
            int now = holds;
            if (now < 0) {
                return false;
            }
            if (HOLDS.compareAndSet(this, now, now + ONE)) {
                return true;
            }
        }
    }

    /** Gives back what {@link #hold} took. */
    final void release() {
        if ((int) HOLDS.getAndAdd(this, -ONE) == (CLOSED | ONE)) {
            destroy();
        }
    }

    /** Takes the hold of the one reader or writer; false if closed. */
    final boolean holdAlone(int role) {
        for (; ; ) {
            int now = holds;
            if (now < 0) {
                return false;
            }
            if ((now & role) != 0) {
                throw new IllegalStateException(
                        "another thread is "
                                + (role == READER ? "reading from " : "writing to ")
                                + this
                                + "; one may read while one writes, more must take turns");
            }
            if (HOLDS.compareAndSet(this, now, now | role)) {
                return true;
            }
        }
    }

    /** Gives back what {@link #holdAlone} took. */
    final void releaseAlone(int role) {
        if ((int) HOLDS.getAndBitwiseAnd(this, ~role) == (CLOSED | role)) {
            destroy();
        }
    }

    /** What {@link #beginClose} found. */
    enum Closing {
        /** Someone else has begun. */
        ALREADY,
        /** Nobody held it, and it has been destroyed. */
        DONE,
        /** Others hold it, and so does the caller now, who must wake them and release. */
        HELD
    }

    /** Closes it for new holds. */
    final Closing beginClose() {
        for (; ; ) {
            int now = holds;
            if (now < 0) {
                return Closing.ALREADY;
            }
            int next = (now == 0 ? now : now + ONE) | CLOSED;
            if (HOLDS.compareAndSet(this, now, next)) {
                if (now == 0) {
                    destroy();
                    return Closing.DONE;
                }
                return Closing.HELD;
            }
        }
    }
}
