package cloud.avila.avx.channel;

/**
 * A receiver of a {@link Broadcast}: gets every message that was sent since it subscribed. A
 * message that it receives has not been received before {@link #close()}; after that there is none.
 *
 * @param <T> the type of messages
 */
public interface BroadcastReceiver<T> extends Receiver<T> {
    /**
     * Subscribes once more to the same channel: the new receiver gets what is sent from now on,
     * however far behind this one is.
     *
     * @return a new receiver, to be closed on its own
     * @throws ChannelClosedException if the channel is closed
     */
    BroadcastReceiver<T> resubscribe();

    /**
     * How many messages were sent that this receiver has not received. Beyond the channel's
     * capacity it has missed the oldest of them. May be called by any thread.
     *
     * @return zero or more, 0 when this receiver is closed
     */
    long unread();
}
