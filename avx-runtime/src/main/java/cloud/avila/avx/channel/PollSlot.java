package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * The poll task that waits for one {@link ReceiveSide}, if there is one. Used by the thread that
 * receives, without synchronisation of its own.
 */
final class PollSlot {
    private @Nullable SelectWaiter waiter;

    /**
     * Takes what there is, or has the task polled when there is something.
     *
     * @param side what to wait for
     * @param take takes it; called only when there is something
     */
    <R> Poll<R> poll(Context cx, ReceiveSide side, Supplier<R> take) {
        if (!side.isReady()) {
            SelectWaiter w = waiter;
            if (w == null || w.isTold() || !w.wakes(cx.waker())) {
                clear(side);
                w = new SelectWaiter(cx.waker());
                side.register(w);
                waiter = w;
            }
            if (!side.isReady()) {
                return Poll.pending();
            }
        }
        if (!cx.budget().tryConsume()) {
            return Poll.pending();
        }
        clear(side);
        return Poll.ready(take.get());
    }

    /** Takes the registration back, if there is one. */
    void clear(Selectable side) {
        SelectWaiter w = waiter;
        if (w != null) {
            waiter = null;
            side.deregister(w);
        }
    }
}
