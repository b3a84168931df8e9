package cloud.avila.avx.channel;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * The sending end of a channel. Any number of threads may use one sender at the same time, and a
 * channel may have any number of senders; the receiver sees the end of the channel once all of them
 * are closed.
 *
 * <p>The messages of one thread are received in the order in which it sent them.
 *
 * @param <T> the type of messages
 */
public interface Sender<T> extends AutoCloseable {
    /**
     * Sends a message, waiting while the channel is full. Those who wait are served in the order of
     * arrival.
     *
     * @param message the message
     * @throws InterruptedException if the calling thread is interrupted; the message was not sent
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile; carries the message, which was not sent
     */
    void send(T message) throws InterruptedException;

    /**
     * Sends a message, waiting for a limited time while the channel is full.
     *
     * @param message the message
     * @param timeout the longest wait; zero or less does not wait
     * @throws InterruptedException if the calling thread is interrupted; the message was not sent
     * @throws TimeoutException if the channel was full for all that time; the message was not sent
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile; carries the message, which was not sent
     */
    void send(T message, Duration timeout) throws InterruptedException, TimeoutException;

    /**
     * Sends a message if there is room and nobody waits for room.
     *
     * @param message the message
     * @return {@link SendResult#SENT}, {@link SendResult#FULL} or {@link SendResult#CLOSED}
     */
    SendResult trySend(T message);

    /**
     * Makes another sender of the same channel, to be closed on its own.
     *
     * @return a new sender
     * @throws ChannelClosedException if this sender or the channel is closed
     */
    Sender<T> duplicate();

    /**
     * Whether sending is of no use any more.
     *
     * @return true once this sender or the receiver is closed
     */
    boolean isClosed();

    /**
     * Closes this sender. Sends through it that are waiting go on, unless it was the last sender
     * that was open: then the channel is closed and they fail. Does nothing the second time.
     */
    @Override
    void close();
}
