package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Places in a channel that are set apart for messages to come, so that sending them neither waits
 * nor fails. Got from {@link Sender#reserve()}.
 *
 * {@snippet :
 * try (SendPermit<Line> permit = tx.reserve()) { // waits for room before there is a message
 *     permit.send(source.read());
 * } // a place that was not used goes back, and the next sender that waits gets it
 * }
 *
 * <p>A place has no position in the order of messages: a message gets one when it is sent.
 *
 * <p>A permit outlives its sender. A channel that is closed still takes what places were reserved
 * for before, and its receiver sees the end once all permits are used or closed; so close them.
 *
 * <p>Thread-safe, and never blocks.
 *
 * @param <T> the type of messages
 */
public final class SendPermit<T> implements AutoCloseable {
    private static final VarHandle REMAINING;

    static {
        try {
            REMAINING =
                    MethodHandles.lookup().findVarHandle(SendPermit.class, "remaining", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final SegmentQueue<T> queue;
    private volatile int remaining; // compare-and-set, so that each place is used once

    SendPermit(SegmentQueue<T> queue, int places) {
        this.queue = queue;
        this.remaining = places;
    }

    /**
     * Sends a message into one of the places.
     *
     * @param message the message
     * @throws IllegalStateException if no place is left: all were used, or the permit was closed;
     *     the message was not sent
     */
    public void send(T message) {
        requireNonNull(message, "message");
        for (int n; ; ) {
            n = remaining;
            if (n == 0) {
                throw new IllegalStateException(
                        "this permit for "
                                + queue
                                + " has no place left: each is good for one message; reserve"
                                + " again, or reserve more at once");
            }
            if (REMAINING.compareAndSet(this, n, n - 1)) {
                queue.sendReserved(message);
                return;
            }
        }
    }

    /**
     * How many messages can still be sent.
     *
     * @return zero or more; zero once it is closed
     */
    public int remaining() {
        return remaining;
    }

    /**
     * Gives the places back that are left, and wakes the senders for whom there is room now. Does
     * nothing the second time.
     */
    @Override
    public void close() {
        int left = (int) REMAINING.getAndSet(this, 0);
        if (left > 0) {
            queue.unreserve(left);
        }
    }

    /**
     * Describes the permit for a log.
     *
     * @return how many places are left in which channel
     */
    @Override
    public String toString() {
        return "SendPermit[remaining=" + remaining + " of " + queue + "]";
    }
}
