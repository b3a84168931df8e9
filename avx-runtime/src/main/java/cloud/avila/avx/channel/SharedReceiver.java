package cloud.avila.avx.channel;

import java.util.Collection;
import java.util.Iterator;

/**
 * A receiving end that any number of threads may use at the same time, and of which a channel may
 * have any number: each message goes to one of them. The channel is closed from this side once all
 * of its receivers are closed.
 *
 * <p>Those who wait are served in the order of arrival; who comes while there is a message may be
 * faster than one who is just being woken.
 *
 * @param <T> the type of messages
 */
public interface SharedReceiver<T> extends Receiver<T> {
    /**
     * Makes another receiver of the same channel, to be closed on its own.
     *
     * @return a new receiver
     * @throws ChannelClosedException if this receiver is closed
     */
    SharedReceiver<T> duplicate();

    /**
     * Receives as many messages as there are, waiting for the first if need be. Each is taken
     * before it is added: if {@code into} throws, the message that it has refused is gone.
     *
     * @param into where the messages are added
     * @param max the most to receive, at least 1
     * @return how many were added, from 1 to {@code max}; 0 when the channel is closed and every
     *     message has been received
     * @throws InterruptedException if the calling thread is interrupted; no message was taken
     * @throws IllegalArgumentException if {@code max} is less than 1
     */
    @Override
    int recvMany(Collection<? super T> into, int max) throws InterruptedException;

    /**
     * Whether this end was closed, or all senders or receivers are. There may still be messages to
     * receive.
     *
     * @return true once this receiver is closed or no message can be added
     */
    @Override
    boolean isClosed();

    /**
     * Closes this receiver. Calls of it that wait go on. Closing the last one that was open closes
     * the channel: nothing more can be sent, senders that wait get their message back, and what was
     * sent before can still be received, here too. Does nothing the second time.
     */
    @Override
    void close();

    /**
     * Receives messages until the channel is closed and drained. The iterator waits in {@link
     * Iterator#hasNext()}, which takes the message that {@link Iterator#next()} returns, for others
     * receive as well. When its thread is interrupted there, it throws a {@link
     * java.util.concurrent.CancellationException} and leaves the interrupt status set; no message
     * is lost.
     *
     * @return an iterator for one thread
     */
    @Override
    Iterator<T> iterator();
}
