package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;

/** A datagram socket. Any number of threads may receive and send at the same time. */
public interface IoDatagram extends IoSocket {
    /**
     * A received datagram.
     *
     * @param sender where it came from
     * @param length bytes put into the buffer
     * @param datagramLength bytes of the datagram, more than {@code length} if it was truncated
     */
    record Received(InetSocketAddress sender, int length, int datagramLength) {}

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
    int sendTo(ByteBuffer from, @Nullable InetSocketAddress to, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Membership of a multicast group.
     *
     * @param group the group
     * @param on where to receive, or null for the interface that the system chooses
     * @param source the only sender that counts, or null for every sender
     */
    record Membership(
            InetAddress group, @Nullable NetworkInterface on, @Nullable InetAddress source) {}

    /**
     * Receives datagrams that are there, at least one, each into a buffer of its own whose position
     * it moves. A report that a datagram sent earlier was not delivered, should it come behind the
     * first, is dropped: what was received counts more.
     *
     * @param to the buffers, at least one; what does not fit into one is lost
     * @param received as long as {@code to}; gets what came
     * @param timeoutNanos longest time to wait for the first
     * @return how many came, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if receiving the first failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    default int recvMany(ByteBuffer[] to, @Nullable Received[] received, long timeoutNanos)
            throws IOException, InterruptedException {
        received[0] = recvFrom(to[0], timeoutNanos);
        if (received[0] == null) {
            return isOpen() ? IoDriver.TIMED_OUT : IoDriver.CLOSED;
        }
        int count = 1;
        while (count < to.length) {
            try {
                received[count] = recvFrom(to[count], 0);
            } catch (IOException e) {
                break;
            }
            if (received[count] == null) {
                break;
            }
            count++;
        }
        return count;
    }

    /**
     * Sends datagrams while there is room, at least one, each the whole rest of its buffer, and
     * moves the buffers' positions.
     *
     * @param from the datagrams, at least one
     * @param to where to, as long as {@code from}, or null to send all to the peer it is connected
     *     to
     * @param timeoutNanos longest time to wait for room for the first
     * @return how many were sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if sending the first failed; if a later one fails, those before it count
     *     as sent and its error comes when it is the first
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    default int sendMany(ByteBuffer[] from, InetSocketAddress @Nullable [] to, long timeoutNanos)
            throws IOException, InterruptedException {
        int result = sendTo(from[0], to == null ? null : to[0], timeoutNanos);
        if (result < 0) {
            return result;
        }
        int count = 1;
        while (count < from.length) {
            try {
                if (sendTo(from[count], to == null ? null : to[count], 0) < 0) {
                    break;
                }
            } catch (IOException e) {
                break;
            }
            count++;
        }
        return count;
    }

    /**
     * Joins a multicast group.
     *
     * @param membership the group
     * @return whether it was done; false if the socket is closed
     * @throws IOException if the system refuses
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#MULTICAST}, or
     *     {@link IoCapability#SOURCE_MULTICAST} for one with a source
     */
    default boolean join(Membership membership) throws IOException {
        throw new UnsupportedOperationException(this + " has no multicast");
    }

    /**
     * Leaves a multicast group.
     *
     * @param membership what was joined
     * @return whether it was done; false if the socket is closed
     * @throws IOException if it was not joined or the system refuses
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#MULTICAST}
     */
    default boolean leave(Membership membership) throws IOException {
        throw new UnsupportedOperationException(this + " has no multicast");
    }

    /**
     * Waits until receiving would not wait: there is a datagram or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    default int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        throw new UnsupportedOperationException(this + " cannot wait without receiving");
    }

    /**
     * Fixes the peer: only its datagrams are received.
     *
     * @param remote the peer
     * @return whether it was done; false if the socket is closed
     * @throws IOException if the system refuses
     */
    boolean connect(InetSocketAddress remote) throws IOException;
}
