package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.WakerCell;

import org.jspecify.annotations.Nullable;

/** A poll task that reserves places, and waits in turn with those who wait for room. */
final class ReserveFuture<T> implements Future<SendPermit<T>>, AutoCloseable {
    private final ChannelSender<T> sender;
    private final SegmentQueue<T> queue;
    private final int places;
    private final WakerCell task = new WakerCell();
    private SegmentQueue.@Nullable Reserving reserving;
    private boolean ended;

    ReserveFuture(ChannelSender<T> sender, SegmentQueue<T> queue, int places) {
        this.sender = sender;
        this.queue = queue;
        this.places = places;
    }

    @Override
    public Poll<SendPermit<T>> poll(Context cx) {
        SegmentQueue.Reserving r = reserving;
        if (r == null) {
            if (!cx.budget().tryConsume()) {
                return Poll.pending();
            }
            sender.checkOpen();
            if (queue.tryReserve(places)) {
                return Poll.ready(new SendPermit<>(queue, places));
            }
            r = new SegmentQueue.Reserving(places, task);
            reserving = r;
            task.register(cx.waker());
            queue.blocked.add(r);
        } else {
            task.register(cx.waker());
        }
        if (!r.isDone()) {
            return Poll.pending();
        }
        ended = true;
        if (r.isRefused()) {
            throw queue.refusedToReserve();
        }
        return Poll.ready(new SendPermit<>(queue, places));
    }

    @Override
    public void close() {
        SegmentQueue.Reserving r = reserving;
        if (r == null || ended) {
            return;
        }
        ended = true;
        if (!queue.blocked.withdraw(r) && !r.isRefused()) {
            queue.unreserve(places);
        }
    }
}
