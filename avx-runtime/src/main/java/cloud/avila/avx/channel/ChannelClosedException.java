package cloud.avila.avx.channel;

import org.jspecify.annotations.Nullable;

import java.util.Optional;

/**
 * Thrown by an operation on a channel that is closed: to a sender with its message, to a receiver
 * once every message has been received.
 */
public class ChannelClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable Object undelivered;

    /**
     * For a receiver.
     *
     * @param message what was attempted on which channel
     */
    public ChannelClosedException(String message) {
        this(message, null);
    }

    /**
     * For a sender.
     *
     * @param message what was attempted on which channel
     * @param undelivered the message that was not sent
     */
    public ChannelClosedException(String message, @Nullable Object undelivered) {
        super(message);
        this.undelivered = undelivered;
    }

    /**
     * The message that could not be sent.
     *
     * @return the very object given to send; empty when thrown to a receiver
     */
    public Optional<Object> undelivered() {
        return Optional.ofNullable(undelivered);
    }
}
