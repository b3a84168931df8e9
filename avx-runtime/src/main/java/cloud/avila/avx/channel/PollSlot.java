package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

/**
 * The poll task that waits for one {@link Selectable}, if there is one. Used by one thread at a
 * time; the channel tells the waiter from any. As a future it may be polled again after it was
 * ready, and dropping it leaves nothing behind.
 *
 * @param <R> what an attempt finds
 */
final class PollSlot<R> implements Future<R>, AutoCloseable {
    /**
     * One attempt, which does not wait.
     *
     * @param <R> what it finds
     */
    interface Attempt<R> {
        /**
         * Takes what there is.
         *
         * @param cx to be told to poll again, if what will be there in a moment tells nobody
         * @return what was taken, or null for nothing
         */
        @Nullable R now(Context cx);
    }

    private final Selectable side;
    private final Attempt<R> attempt;
    private @Nullable SelectWaiter waiter;

    PollSlot(Selectable side, Attempt<R> attempt) {
        this.side = side;
        this.attempt = attempt;
    }

    @Override
    public Poll<R> poll(Context cx) {
        if (cx.budget().remaining() == 0) {
            cx.budget().tryConsume(); // has the task polled again
            return Poll.pending();
        }
        R result = attempt.now(cx);
        if (result == null) {
            SelectWaiter w = waiter;
            if (w != null && !w.isTold() && w.wakes(cx.waker())) {
                return Poll.pending();
            }
            close();
            w = new SelectWaiter(cx.waker());
            side.register(w);
            waiter = w;
            result = attempt.now(cx);
            if (result == null) {
                return Poll.pending();
            }
        }
        close(); // after it was taken: one that was told and leaves has the next one told
        cx.budget().tryConsume();
        return Poll.ready(result);
    }

    /** Takes the registration back, if there is one. */
    @Override
    public void close() {
        SelectWaiter w = waiter;
        if (w != null) {
            waiter = null;
            side.deregister(w);
        }
    }
}
