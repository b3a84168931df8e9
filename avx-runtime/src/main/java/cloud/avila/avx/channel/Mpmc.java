package cloud.avila.avx.channel;

import java.util.concurrent.BlockingQueue;

/**
 * A channel from many senders to many receivers, each message to one of them: a queue of work.
 *
 * {@snippet :
 * var jobs = Mpmc.<Job>bounded(100);
 * for (int i = 0; i < 4; i++) {
 *     SharedReceiver<Job> rx = jobs.receiver();
 *     rt.spawn(() -> {
 *         for (Job job : rx) { // ends when every sender is closed and all is received
 *             job.run();
 *         }
 *         return null;
 *     });
 * }
 * }
 *
 * <p>What happens when it is full depends on how it was made:
 *
 * <ul>
 *   <li>{@link #bounded}: {@code send} waits;
 *   <li>{@link #rendezvous}: it holds nothing, so {@code send} waits for a receiver;
 *   <li>{@link #droppingOldest}: the oldest message makes room; with room for one it is {@link
 *       #conflating}: receivers see the latest only;
 *   <li>{@link #droppingNewest}: {@code send} drops its message, {@code trySend} says that it is
 *       full.
 * </ul>
 *
 * <p>What is dropped is counted. A channel takes memory for the messages it holds, not for its
 * capacity. Messages are received in the order in which they were sent; who takes a message first
 * need not be first to do something with it. A channel that has neither had a sender nor been
 * closed is open, and so for receivers.
 *
 * @param <T> the type of messages
 */
public final class Mpmc<T> {
    private final MpmcQueue<T> queue;

    private Mpmc(MpmcQueue<T> queue) {
        this.queue = queue;
    }

    /**
     * A channel that holds a limited number of messages; who sends to a full one waits.
     *
     * @param capacity the most messages that are sent and not yet received, from 1 to
     *     2<sup>30</sup>
     * @param <T> the type of messages
     * @return a new channel
     * @throws IllegalArgumentException if the capacity is out of range
     */
    public static <T> Mpmc<T> bounded(int capacity) {
        int segment = Mpsc.segmentFor(capacity);
        return new Mpmc<>(MpmcQueue.bounded(capacity, segment, 0));
    }

    /**
     * A channel that holds no message: each goes from the hands of a sender, which waits, into
     * those of a receiver. {@code trySend} succeeds only if a receiver waits, {@code tryRecv} only
     * if a sender waits; places cannot be reserved.
     *
     * @param <T> the type of messages
     * @return a new channel
     */
    public static <T> Mpmc<T> rendezvous() {
        return new Mpmc<>(MpmcQueue.bounded(0, Mpsc.segmentFor(1), 0));
    }

    /**
     * A channel that holds the latest message only. Sending never waits.
     *
     * @param <T> the type of messages
     * @return a new channel
     */
    public static <T> Mpmc<T> conflating() {
        return droppingOldest(1);
    }

    /**
     * A channel that holds the latest messages. Sending never waits; the oldest message makes room.
     *
     * @param capacity the most messages that are kept, from 1 to 2<sup>30</sup>
     * @param <T> the type of messages
     * @return a new channel
     * @throws IllegalArgumentException if the capacity is out of range
     */
    public static <T> Mpmc<T> droppingOldest(int capacity) {
        return new Mpmc<>(MpmcQueue.droppingOldest(capacity, Mpsc.segmentFor(capacity)));
    }

    /**
     * A channel that holds the first messages. Sending never waits: {@code send} drops its message
     * when the channel is full, {@code trySend} returns {@link SendResult#FULL}.
     *
     * @param capacity the most messages that are sent and not yet received, from 1 to
     *     2<sup>30</sup>
     * @param <T> the type of messages
     * @return a new channel
     * @throws IllegalArgumentException if the capacity is out of range
     */
    public static <T> Mpmc<T> droppingNewest(int capacity) {
        return new Mpmc<>(MpmcQueue.droppingNewest(capacity, Mpsc.segmentFor(capacity)));
    }

    static <T> Mpmc<T> of(MpmcQueue<T> queue) {
        return new Mpmc<>(queue);
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
     * Adds a receiver. A channel that is closed because no sender is left still has receivers.
     *
     * @return a new receiver, to close when done
     * @throws ChannelClosedException if the last receiver was closed
     */
    public SharedReceiver<T> receiver() {
        return queue.newReceiver();
    }

    /**
     * This channel as a queue of the JDK, for code that expects one; it can be used beside senders
     * and receivers, and does not keep the channel open. {@code put} waits in turn with the
     * senders, {@code take} with the receivers; {@code offer} does what {@code trySend} does.
     *
     * <p>Elements may be removed out of the middle; iterators are weakly consistent and never throw
     * {@link java.util.ConcurrentModificationException}. Once the channel is closed, {@code put}
     * and the timed {@code offer} throw {@link ChannelClosedException}, {@code offer} returns
     * false, and when it is drained {@code take} throws {@link ChannelClosedException} and {@code
     * poll} returns null. If a collection refuses an element that was drained to it, that element
     * is gone.
     *
     * @return a view, thread-safe
     */
    public BlockingQueue<T> asBlockingQueue() {
        return new QueueView<>(queue);
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
     * @return the capacity, 0 for a rendezvous
     */
    public int capacity() {
        return queue.capacity();
    }

    /**
     * How many messages were dropped, because newer ones needed their place or because there was no
     * room for them.
     *
     * @return zero or more, growing; always zero for a bounded channel and a rendezvous
     */
    public long dropped() {
        return queue.dropped();
    }

    /**
     * Whether all receivers or all senders are closed. There may still be messages to receive.
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
