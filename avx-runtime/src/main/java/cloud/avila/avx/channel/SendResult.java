package cloud.avila.avx.channel;

/** What became of an attempt to send without waiting. */
public sealed interface SendResult {
    /** The message was sent. */
    SendResult SENT = new Sent();

    /** There was no room; the message was not sent. */
    SendResult FULL = new Full();

    /** The channel is closed; the message was not sent. */
    SendResult CLOSED = new Closed();

    /**
     * Whether the message was sent.
     *
     * @return true for {@link Sent}
     */
    default boolean isSent() {
        return this instanceof Sent;
    }

    /** The message was sent. */
    record Sent() implements SendResult {}

    /** There was no room; the message was not sent. */
    record Full() implements SendResult {}

    /** The channel is closed; the message was not sent, and none will be. */
    record Closed() implements SendResult {}
}
