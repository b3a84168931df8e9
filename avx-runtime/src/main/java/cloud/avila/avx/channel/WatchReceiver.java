package cloud.avila.avx.channel;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * A receiver of a {@link Watch}. To receive is to wait until there is a value that this receiver
 * has not seen, and to get the newest; values that were replaced meanwhile are skipped.
 *
 * <p>As any receiver it is used by one thread at a time; {@link #borrow()}, {@link #close()} and
 * {@link #isClosed()} may be called by any.
 *
 * @param <T> the type of the value
 */
public interface WatchReceiver<T> extends Receiver<T> {
    /**
     * The latest value, which does not count as seen by that.
     *
     * @return the value, the last one if the channel is closed
     */
    T borrow();

    /**
     * The latest value, which counts as seen from now on.
     *
     * @return the value, the last one if the channel is closed
     */
    T borrowAndUpdate();

    /**
     * Whether there is a value that this receiver has not seen.
     *
     * @return true if {@link #changed()} would return at once
     */
    boolean hasChanged();

    /** Makes the present value count as not seen, so that it is the first to be received. */
    void markChanged();

    /**
     * Waits until there is a value that this receiver has not seen, and counts it as seen.
     *
     * @throws InterruptedException if the calling thread is interrupted; no value counts as seen by
     *     that
     * @throws ChannelClosedException if the channel is closed and its last value was seen, or this
     *     receiver is closed
     */
    void changed() throws InterruptedException;

    /**
     * Waits until there is a value that this receiver has not seen, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return whether there is one; it counts as seen then
     * @throws InterruptedException if the calling thread is interrupted; no value counts as seen by
     *     that
     * @throws ChannelClosedException if the channel is closed and its last value was seen, or this
     *     receiver is closed
     */
    boolean changed(Duration timeout) throws InterruptedException;

    /**
     * Waits until the value fulfils a condition. Looks at the present value first, seen or not, and
     * then at each that it gets to see.
     *
     * @param condition called on this thread
     * @return the first value that it is true for; it counts as seen, as do those before it
     * @throws InterruptedException if the calling thread is interrupted
     * @throws ChannelClosedException if the channel is closed with a value that it is not true for,
     *     or this receiver is closed
     */
    T waitFor(Predicate<? super T> condition) throws InterruptedException;

    /**
     * Waits until the value fulfils a condition, for a limited time.
     *
     * @param condition called on this thread
     * @param timeout the longest wait; zero or less looks at the present value only
     * @return the first value that it is true for; it counts as seen, as do those before it
     * @throws InterruptedException if the calling thread is interrupted
     * @throws TimeoutException if no value that this receiver got to see in that time was it
     * @throws ChannelClosedException if the channel is closed with a value that it is not true for,
     *     or this receiver is closed
     */
    T waitFor(Predicate<? super T> condition, Duration timeout)
            throws InterruptedException, TimeoutException;

    /**
     * Adds another receiver to the channel that has seen what this one has.
     *
     * @return a new receiver, to be closed on its own
     */
    WatchReceiver<T> duplicate();
}
