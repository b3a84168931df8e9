package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.Waker;

import org.jspecify.annotations.Nullable;

/**
 * Receives in a poll task. Used by one thread at a time; the queue tells its waiter from any. As a
 * future it is used for one message, and dropping it leaves nothing behind.
 */
final class RecvPoll<T> implements Future<RecvResult<T>>, AutoCloseable {
    private final Receiver<T> receiver;
    private final Selectable source;
    private @Nullable SelectWaiter waiter;
    private @Nullable Waker waker;

    RecvPoll(Receiver<T> receiver, Selectable source) {
        this.receiver = receiver;
        this.source = source;
    }

    @Override
    public Poll<RecvResult<T>> poll(Context cx) {
        if (cx.budget().remaining() == 0) {
            cx.budget().tryConsume(); // has the task polled again
            return Poll.pending();
        }
        RecvResult<T> result = receiver.tryRecv();
        if (result instanceof RecvResult.Empty) {
            if (waiter != null && !waiter.isTold() && waker != null && waker.willWake(cx.waker())) {
                return Poll.pending();
            }
            close();
            var w = new SelectWaiter(cx.waker());
            waiter = w;
            waker = cx.waker();
            source.register(w);
            result = receiver.tryRecv();
            if (result instanceof RecvResult.Empty) {
                return Poll.pending();
            }
        }
        close();
        cx.budget().tryConsume();
        return Poll.ready(result);
    }

    /** Leaves the queue; to be called after what was received is taken out. */
    @Override
    public void close() {
        SelectWaiter w = waiter;
        if (w != null) {
            waiter = null;
            waker = null;
            source.deregister(w);
        }
    }
}
