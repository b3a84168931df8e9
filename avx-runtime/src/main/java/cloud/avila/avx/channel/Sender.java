package cloud.avila.avx.channel;

import cloud.avila.avx.task.Future;

import org.jspecify.annotations.Nullable;

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
     * Reserves a place for a message that is yet to come, waiting while the channel is full.
     * Closing the permit unused gives the place back.
     *
     * @return a permit for one message, to close when done
     * @throws InterruptedException if the calling thread is interrupted; nothing is reserved
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    default SendPermit<T> reserve() throws InterruptedException {
        return reserveMany(1);
    }

    /**
     * Reserves a place for a message that is yet to come, waiting for a limited time while the
     * channel is full.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return a permit for one message, to close when done
     * @throws InterruptedException if the calling thread is interrupted; nothing is reserved
     * @throws TimeoutException if the channel was full for all that time; nothing is reserved
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    default SendPermit<T> reserve(Duration timeout) throws InterruptedException, TimeoutException {
        return reserveMany(1, timeout);
    }

    /**
     * Reserves a place if there is room and nobody waits for room.
     *
     * @return a permit for one message, to close when done; null if there is no room now
     * @throws ChannelClosedException if the receiver or this sender is closed
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    default @Nullable SendPermit<T> tryReserve() {
        return tryReserveMany(1);
    }

    /**
     * Reserves several places, all at once, waiting while there is not room for all. Those who wait
     * are served in the order of arrival, so whoever comes later waits behind a large request even
     * if there is room for a small one.
     *
     * @param places how many, from 1 to the capacity of the channel and at most 4194303, which is
     *     also the most that all permits of a channel together can have reserved at a time
     * @return a permit for so many messages, to close when done
     * @throws InterruptedException if the calling thread is interrupted; nothing is reserved
     * @throws IllegalArgumentException if {@code places} is out of range
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    SendPermit<T> reserveMany(int places) throws InterruptedException;

    /**
     * Reserves several places, all at once, waiting for a limited time while there is not room for
     * all.
     *
     * @param places how many, as in {@link #reserveMany(int)}
     * @param timeout the longest wait; zero or less does not wait
     * @return a permit for so many messages, to close when done
     * @throws InterruptedException if the calling thread is interrupted; nothing is reserved
     * @throws TimeoutException if there was not room for all in all that time; nothing is reserved
     * @throws IllegalArgumentException if {@code places} is out of range
     * @throws ChannelClosedException if the receiver or this sender is closed, or all senders are
     *     closed meanwhile
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    SendPermit<T> reserveMany(int places, Duration timeout)
            throws InterruptedException, TimeoutException;

    /**
     * Reserves several places, all or none, if there is room and nobody waits for room.
     *
     * @param places how many, as in {@link #reserveMany(int)}
     * @return a permit for so many messages, to close when done; null if there is no room for all
     * @throws IllegalArgumentException if {@code places} is out of range
     * @throws ChannelClosedException if the receiver or this sender is closed
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    @Nullable SendPermit<T> tryReserveMany(int places);

    /**
     * Sends a message from a poll task, which waits in turn with the threads that wait for room. A
     * future that is dropped before it is ready has either sent its message or never will.
     *
     * @param message the message
     * @return a future that becomes {@link SendResult#SENT}, or {@link SendResult#CLOSED} if the
     *     message was not sent because the channel or this sender is closed
     */
    Future<SendResult> sendFuture(T message);

    /**
     * Reserves places from a poll task, which waits in turn with the threads that wait for room. A
     * future that is dropped before it is ready reserves nothing.
     *
     * @param places how many, as in {@link #reserveMany(int)}
     * @return a future that becomes a permit, to close when done, or fails with {@link
     *     ChannelClosedException}
     * @throws IllegalArgumentException if {@code places} is out of range
     * @throws UnsupportedOperationException if the channel has no places: {@link Mpmc#rendezvous()}
     */
    Future<SendPermit<T>> reserveFuture(int places);

    /**
     * A way to this channel that does not keep it open.
     *
     * @return a weak sender, from which senders can be got as long as one is open
     */
    WeakSender<T> downgrade();

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
