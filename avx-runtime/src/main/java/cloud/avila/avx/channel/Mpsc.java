package cloud.avila.avx.channel;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A channel from many senders to one receiver, bounded or unbounded.
 *
 * {@snippet :
 * var lines = Mpsc.<String>bounded(1024);
 * Sender<String> tx = lines.sender();
 * Receiver<String> rx = lines.receiver();
 * tx.send("hello");
 * for (String line : rx) { // ends when every sender is closed and all is received
 *     handle(line);
 * }
 * }
 *
 * <p>Prefer a bounded channel: when the receiver cannot keep up, its senders wait instead of
 * filling the memory. A bounded channel takes memory for the messages it holds, not for its
 * capacity.
 *
 * <p>Sending is lock-free while there is room and costs one atomic operation; no message costs an
 * allocation of its own. Room can be reserved before there is a message: {@link Sender#reserve()}.
 * The messages of one sending thread keep their order. A channel that has neither had a sender nor
 * been closed is open.
 *
 * @param <T> the type of messages
 */
public final class Mpsc<T> {
    private static final int UNBOUNDED_SEGMENT = 128;
    private static final int SMALLEST_SEGMENT = 16;
    private static final VarHandle RECEIVER_TAKEN;

    static {
        try {
            RECEIVER_TAKEN =
                    MethodHandles.lookup()
                            .findVarHandle(Mpsc.class, "receiverTaken", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MpscQueue<T> queue;

    @SuppressWarnings("unused") // through RECEIVER_TAKEN
    private volatile boolean receiverTaken;

    private Mpsc(MpscQueue<T> queue) {
        this.queue = queue;
    }

    /**
     * A channel that holds a limited number of messages.
     *
     * @param capacity the most messages that are sent and not yet received, from 1 to
     *     2<sup>30</sup>
     * @param <T> the type of messages
     * @return a new channel
     * @throws IllegalArgumentException if the capacity is out of range
     */
    public static <T> Mpsc<T> bounded(int capacity) {
        return withSegments(capacity, segmentFor(capacity));
    }

    /** Checks a capacity and says how large segments should be. */
    static int segmentFor(int capacity) {
        if (capacity < 1 || capacity > 1 << 30) {
            throw new IllegalArgumentException(
                    "capacity: " + capacity + " (expected: 1 to " + (1 << 30) + ")");
        }
        return Math.clamp(
                Integer.highestOneBit(2 * capacity - 1), SMALLEST_SEGMENT, UNBOUNDED_SEGMENT);
    }

    /**
     * A channel that holds any number of messages, as far as memory goes.
     *
     * @param <T> the type of messages
     * @return a new channel
     */
    public static <T> Mpsc<T> unbounded() {
        return withSegments(MpscQueue.UNBOUNDED, UNBOUNDED_SEGMENT);
    }

    static <T> Mpsc<T> withSegments(int capacity, int segmentSize) {
        return withSegments(capacity, segmentSize, 0);
    }

    /** A channel whose first position is the first of a segment with a number. */
    static <T> Mpsc<T> withSegments(int capacity, int segmentSize, long firstSegment) {
        return new Mpsc<>(new MpscQueue<>(capacity, segmentSize, firstSegment));
    }

    /**
     * Adds a sender.
     *
     * @return a new sender, to close when done
     * @throws ChannelClosedException if the channel is closed
     */
    public Sender<T> sender() {
        return queue.newSender();
    }

    /**
     * The receiver, which can be got once.
     *
     * @return the receiver
     * @throws IllegalStateException if it was got before
     */
    public Receiver<T> receiver() {
        if (!RECEIVER_TAKEN.compareAndSet(this, false, true)) {
            throw new IllegalStateException(
                    "the receiver of this channel has been taken: an Mpsc has exactly one; pass it"
                            + " on instead of asking for it again");
        }
        return queue;
    }

    /**
     * How many messages are sent and not yet received.
     *
     * @return from 0 to the capacity, out of date at once when others send and receive
     */
    public int length() {
        return queue.length();
    }

    /**
     * How many messages the channel can hold.
     *
     * @return the capacity, or {@link Integer#MAX_VALUE} if unbounded
     */
    public int capacity() {
        return queue.capacity();
    }

    /**
     * Whether the receiver or all senders are closed. There may still be messages to receive.
     *
     * @return true once no message can be added
     */
    public boolean isClosed() {
        return queue.isClosed();
    }

    /**
     * Describes the channel for a log.
     *
     * @return its length and capacity
     */
    @Override
    public String toString() {
        return queue.toString();
    }
}
