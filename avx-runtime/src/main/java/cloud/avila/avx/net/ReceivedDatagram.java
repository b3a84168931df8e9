package cloud.avila.avx.net;

import java.net.InetSocketAddress;

/**
 * What {@link UdpSocket} tells about a datagram that it has put into a buffer.
 *
 * @param address where it came from
 * @param length bytes put into the buffer
 * @param datagramLength bytes that the datagram had
 */
public record ReceivedDatagram(InetSocketAddress address, int length, int datagramLength) {
    /**
     * Whether the buffer was too small, and the end of the datagram is lost.
     *
     * @return whether bytes are missing
     */
    public boolean truncated() {
        return length < datagramLength;
    }
}
