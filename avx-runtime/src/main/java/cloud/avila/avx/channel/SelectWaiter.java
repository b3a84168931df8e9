package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.Waiter;
import cloud.avila.avx.task.Waker;

import org.jspecify.annotations.Nullable;

/**
 * The registration of one thread, or of one poll task, with one {@link Selectable}. It is told once
 * at most; who wants to be told again registers a new one.
 *
 * <p>It can be queued in a {@link cloud.avila.avx.internal.park.WaitQueue} among the waiters for
 * whom the queue does the operation itself: then granting it {@link #TOLD} tells it. Outside of
 * such a queue it is told by {@link #tell()}.
 */
final class SelectWaiter extends Waiter {
    /** The outcome of a waiter that was told. */
    static final int TOLD = GRANTED;

    /** A note of the queue it is in, written before it is added. */
    long position;

    private final @Nullable Waker waker;

    /** A waiter for the calling thread. */
    SelectWaiter() {
        this.waker = null;
    }

    /**
     * A waiter for a poll task.
     *
     * @param waker what has the task polled
     */
    SelectWaiter(Waker waker) {
        this.waker = waker;
    }

    /** Whether it was told, or taken out by somebody else: it waits for nothing any more. */
    boolean isTold() {
        return outcome() != WAITING;
    }

    /** Whether it is the waiter of a poll task, and wakes the same as the given waker. */
    boolean wakes(Waker other) {
        return waker != null && waker.willWake(other);
    }

    /**
     * Tells it, and wakes its thread or task.
     *
     * @return false if it had been told before or has withdrawn, so that somebody else is to be
     *     told
     */
    boolean tell() {
        if (!decide(TOLD)) {
            return false;
        }
        wake();
        return true;
    }

    @Override
    public void wake() {
        if (waker == null) {
            Parker.unpark(thread());
        } else {
            waker.wake();
        }
    }

    @Override
    protected boolean needsWaking() {
        return waker != null || super.needsWaking();
    }
}
