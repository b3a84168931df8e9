package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.WakerCell;

import org.jspecify.annotations.Nullable;

/** A poll task that sends a message, and waits in turn with those who wait for room. */
final class SendFuture<T> implements Future<SendResult>, AutoCloseable {
    private final ChannelSender<T> sender;
    private final SegmentQueue<T> queue;
    private final T message;
    private final WakerCell task = new WakerCell();
    private SegmentQueue.@Nullable Pending pending;

    SendFuture(ChannelSender<T> sender, SegmentQueue<T> queue, T message) {
        this.sender = sender;
        this.queue = queue;
        this.message = message;
    }

    @Override
    public Poll<SendResult> poll(Context cx) {
        SegmentQueue.Pending p = pending;
        if (p == null) {
            if (!cx.budget().tryConsume()) {
                return Poll.pending();
            }
            SendResult result = sender.sendOrQueue(message);
            if (result != SendResult.FULL) {
                return Poll.ready(result);
            }
            p = new SegmentQueue.Pending(message, task);
            pending = p;
            task.register(cx.waker());
            queue.blocked.add(p);
        } else {
            task.register(cx.waker());
        }
        if (!p.isDone()) {
            return Poll.pending();
        }
        return Poll.ready(p.isRefused() ? SendResult.CLOSED : SendResult.SENT);
    }

    @Override
    public void close() {
        if (pending != null) {
            queue.blocked.withdraw(pending);
        }
    }
}
