package cloud.avila.avx.channel;

import org.jspecify.annotations.Nullable;

/**
 * A way to a channel that does not keep it open: for caches, timers and other parties that send now
 * and then but must not hold up the end. Got from {@link Sender#downgrade()}. Needs no closing.
 *
 * <p>Thread-safe, and never blocks.
 *
 * @param <T> the type of messages
 */
public final class WeakSender<T> {
    private final SegmentQueue<T> queue;

    WeakSender(SegmentQueue<T> queue) {
        this.queue = queue;
    }

    /**
     * Adds a sender to the channel, if it is still open.
     *
     * @return a new sender, to close when done; null once the receiver or all senders are closed
     */
    public @Nullable Sender<T> upgrade() {
        return queue.tryNewSender();
    }

    /**
     * Describes the channel for a log.
     *
     * @return its length and capacity
     */
    @Override
    public String toString() {
        return "WeakSender[" + queue + "]";
    }
}
