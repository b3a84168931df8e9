package cloud.avila.avx.channel;

import java.util.Optional;

/**
 * What an attempt to receive without waiting found.
 *
 * @param <T> the type of messages
 */
public sealed interface RecvResult<T> {
    /**
     * The message, if one was received.
     *
     * @return empty for {@link Empty} and {@link Closed}
     */
    default Optional<T> message() {
        return this instanceof Received<T>(T message) ? Optional.of(message) : Optional.empty();
    }

    /**
     * A message was received.
     *
     * @param value the message
     * @param <T> the type of messages
     */
    record Received<T>(T value) implements RecvResult<T> {}

    /**
     * There is no message now.
     *
     * @param <T> the type of messages
     */
    record Empty<T>() implements RecvResult<T> {}

    /**
     * The channel is closed and every message has been received.
     *
     * @param <T> the type of messages
     */
    record Closed<T>() implements RecvResult<T> {}
}
