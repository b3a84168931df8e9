package cloud.avila.avx.channel;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import java.time.Duration;
import java.util.Collection;
import java.util.Iterator;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * The receiving end of a channel. Used by one thread at a time; it may be handed from one thread to
 * another. {@link #close()} and {@link #isClosed()} may be called by any thread at any time.
 *
 * @param <T> the type of messages
 */
public interface Receiver<T> extends Iterable<T>, AutoCloseable {
    /**
     * Receives a message, waiting for one if need be.
     *
     * @return the message
     * @throws InterruptedException if the calling thread is interrupted; no message was taken
     * @throws ChannelClosedException if the channel is closed and every message has been received
     * @throws LaggedException if the channel is a {@link Broadcast} and overwrote messages
     */
    T recv() throws InterruptedException;

    /**
     * Receives a message, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the message
     * @throws InterruptedException if the calling thread is interrupted; no message was taken
     * @throws TimeoutException if there was no message in all that time
     * @throws ChannelClosedException if the channel is closed and every message has been received
     * @throws LaggedException if the channel is a {@link Broadcast} and overwrote messages
     */
    T recv(Duration timeout) throws InterruptedException, TimeoutException;

    /**
     * Receives a message if there is one.
     *
     * @return the message, or that there is none now, or that there will be none
     * @throws LaggedException if the channel is a {@link Broadcast} and overwrote messages
     */
    RecvResult<T> tryRecv();

    /**
     * Receives as many messages as there are, waiting for the first if need be.
     *
     * @param into where the messages are added
     * @param max the most to receive, at least 1
     * @return how many were added, from 1 to {@code max}; 0 when the channel is closed and every
     *     message has been received
     * @throws InterruptedException if the calling thread is interrupted; no message was taken
     * @throws IllegalArgumentException if {@code max} is less than 1
     * @throws LaggedException if the channel is a {@link Broadcast} and overwrote messages; nothing
     *     was added
     */
    int recvMany(Collection<? super T> into, int max) throws InterruptedException;

    /**
     * Receives a message in a poll task. Takes one operation of the budget if there is a message.
     *
     * @param cx what belongs to this poll; when there is no message now, its waker is woken once
     *     there is, until the next poll or receipt here
     * @return ready with the message, or with the end; pending if there is no message now
     * @throws LaggedException if the channel is a {@link Broadcast} and overwrote messages; the
     *     next poll goes on with the oldest that is left
     */
    Poll<RecvResult<T>> pollRecv(Context cx);

    /**
     * A future that receives one message: ready with the message, or with the end. Dropping it
     * before it is ready takes no message and leaves nothing behind.
     *
     * @return a new future, to be polled by whoever receives
     */
    Future<RecvResult<T>> recvFuture();

    /**
     * Whether this end was closed or no sender is left. There may still be messages to receive.
     *
     * @return true once no message can be added
     */
    boolean isClosed();

    /**
     * Closes the channel from this end: nothing more can be sent, and senders that wait get their
     * message back. What has been sent before can still be received. Does nothing the second time.
     */
    @Override
    void close();

    /**
     * Receives messages until the channel is closed and drained. The iterator waits in {@link
     * Iterator#hasNext()}. When its thread is interrupted there, it throws a {@link
     * java.util.concurrent.CancellationException} and leaves the interrupt status set, so that an
     * interrupt is not taken for the end; no message is lost. Of a broadcast and of a watch {@code
     * hasNext} takes the message that {@code next} returns, so that whoever closes the receiver
     * meanwhile cannot come between the two.
     *
     * @return an iterator for the one thread that receives
     */
    @Override
    Iterator<T> iterator();

    /**
     * The messages until the channel is closed and drained, as a sequential stream that waits for
     * them as {@link #iterator()} does and ends alike on an interrupt. Closing the stream closes
     * this receiver. A stream that is made parallel takes messages in large batches before it works
     * on the first.
     *
     * @return a new stream for the one thread that receives
     */
    default Stream<T> stream() {
        return RecvIteration.stream(this);
    }

    /**
     * This receiver's messages as a publisher by the rules of Reactive Streams, delivered by fibers
     * of the runtime that the calling thread belongs to, or by virtual threads outside of any. See
     * {@link #asPublisher(Executor)}.
     *
     * @return a publisher for one subscriber
     */
    default Flow.Publisher<T> asPublisher() {
        return asPublisher(ReceiverPublisher.defaultExecutor());
    }

    /**
     * This receiver's messages as a publisher by the rules of Reactive Streams. A subscriber gets
     * as many messages as it has asked for; the others stay in the channel, which is full at some
     * point, so that senders wait, or overwrites, whatever it does with a slow receiver. When the
     * channel is closed and drained, the subscriber is told that it is complete. A lag is an error
     * for it ({@link LaggedException}), which ends the subscription.
     *
     * <p>There is one subscriber; a second one is told {@link IllegalStateException}. From the
     * subscription on, nothing else may receive here. When the subscription ends, by cancellation,
     * an error or the end, the receiver is closed.
     *
     * @param executor what runs the subscriber: handed one task at a time for each subscription,
     *     when there is something to deliver; the subscriber may block if the executor's tasks may.
     *     If it refuses, the subscriber is told so on the thread that found out
     * @return a publisher for one subscriber
     */
    default Flow.Publisher<T> asPublisher(Executor executor) {
        return ReceiverPublisher.of(this, executor);
    }
}
