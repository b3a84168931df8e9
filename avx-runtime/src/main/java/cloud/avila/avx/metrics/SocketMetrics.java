package cloud.avila.avx.metrics;

/**
 * What the sockets of one kind have done since the runtime started. What a kind cannot do is zero.
 * All counts but the first are monotonic.
 *
 * @param kind what they are
 * @param open how many are open now, connections that are being established included
 * @param opened how many were ever opened, accepted ones included
 * @param accepted connections that listeners have accepted
 * @param acceptFailures times that accepting failed for want of descriptors or memory and was put
 *     off
 * @param bytesReceived bytes received, of datagrams only what fitted into the buffers
 * @param bytesSent bytes that the system took to send
 * @param datagramsReceived datagrams received
 * @param datagramsSent datagrams that the system took to send
 * @param datagramsTruncated datagrams received that were longer than the buffer for them
 */
public record SocketMetrics(
        SocketKind kind,
        long open,
        long opened,
        long accepted,
        long acceptFailures,
        long bytesReceived,
        long bytesSent,
        long datagramsReceived,
        long datagramsSent,
        long datagramsTruncated) {
    /**
     * Of a kind of which there never was any.
     *
     * @param kind the kind
     * @return zeros
     */
    public static SocketMetrics none(SocketKind kind) {
        return new SocketMetrics(kind, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    /**
     * The numbers of both.
     *
     * @param other of the same kind
     * @return their sums
     * @throws IllegalArgumentException if it is of another kind
     */
    public SocketMetrics plus(SocketMetrics other) {
        if (other.kind != kind) {
            throw new IllegalArgumentException(
                    "sockets of kind " + other.kind + " cannot be added to those of " + kind);
        }
        return new SocketMetrics(
                kind,
                open + other.open,
                opened + other.opened,
                accepted + other.accepted,
                acceptFailures + other.acceptFailures,
                bytesReceived + other.bytesReceived,
                bytesSent + other.bytesSent,
                datagramsReceived + other.datagramsReceived,
                datagramsSent + other.datagramsSent,
                datagramsTruncated + other.datagramsTruncated);
    }
}
