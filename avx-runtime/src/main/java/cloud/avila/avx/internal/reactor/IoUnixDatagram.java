package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * A datagram socket of the Unix domain: nothing is lost or overtaken, and a full receiver makes
 * senders wait. Any number of threads may receive and send at the same time.
 */
public interface IoUnixDatagram extends IoSocket {
    /**
     * A received datagram.
     *
     * @param sender where it came from; unnamed if the sender was not bound
     * @param length bytes put into the buffer
     * @param datagramLength bytes of the datagram, more than {@code length} if it was truncated
     */
    record Received(UnixName sender, int length, int datagramLength) {}

    /**
     * The name of this end.
     *
     * @return the name, known also after closing
     */
    UnixName localName();

    /** Not of this domain: see {@link #localName()}. */
    @Override
    default InetSocketAddress localAddress() {
        throw new UnsupportedOperationException(this + " has a name, not an internet address");
    }

    /**
     * Receives one datagram and moves the buffer's position.
     *
     * @param to the buffer that receives; what does not fit is lost
     * @param timeoutNanos longest time to wait
     * @return what came, or null if the time was over or the socket is closed
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    @Nullable Received recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Sends one datagram, the whole rest of the buffer, and moves the buffer's position.
     *
     * @param from the datagram
     * @param to where to, or null for the peer it is connected to
     * @param timeoutNanos longest time to wait for room
     * @return the bytes sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if sending failed
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    int sendTo(ByteBuffer from, @Nullable UnixName to, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Fixes the peer: only its datagrams are received.
     *
     * @param remote the peer
     * @return whether it was done; false if the socket is closed
     * @throws IOException if the system refuses
     */
    boolean connect(UnixName remote) throws IOException;
}
