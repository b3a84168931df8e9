package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/** A stream socket of the Unix domain. Who may use it at the same time is as with every stream. */
public interface IoUnixStream extends IoStream {
    /** Most descriptors in one message: {@code SCM_MAX_FD} of Linux. */
    int MOST_DESCRIPTORS = 253;

    /**
     * Who the peer was when it connected or listened.
     *
     * @param pid its process, 0 if the system does not tell or it is in another namespace
     * @param uid its effective user
     * @param gid its effective group
     */
    record Credentials(int pid, int uid, int gid) {}

    /**
     * What came with descriptors.
     *
     * @param count bytes put into the buffer, or {@link IoDriver#END_OF_STREAM}, {@link
     *     IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @param descriptors numbers of new descriptors, which the caller owns and has to close
     * @param truncated whether the system discarded descriptors for which there was no room
     */
    record Message(int count, int[] descriptors, boolean truncated) {}

    /**
     * The name of this end.
     *
     * @return the name, known also after closing; often none
     */
    UnixName localName();

    /**
     * The name of the other end.
     *
     * @return the name, known also after closing; often none
     */
    UnixName remoteName();

    /** Not of this domain: see {@link #localName()}. */
    @Override
    default InetSocketAddress localAddress() {
        throw new UnsupportedOperationException(this + " has a name, not an internet address");
    }

    /** Not of this domain: see {@link #remoteName()}. */
    @Override
    default InetSocketAddress remoteAddress() {
        throw new UnsupportedOperationException(this + " has a name, not an internet address");
    }

    /**
     * Asks who the peer is.
     *
     * @return who it was when the connection was made
     * @throws IOException if the socket is closed or the system refuses
     */
    default Credentials peerCredentials() throws IOException {
        throw new UnsupportedOperationException(this + " knows no credentials");
    }

    /**
     * Sends what fits, at least one byte, and descriptors with the first byte; moves the buffer's
     * position. They remain open here as well.
     *
     * @param from the buffer to send, with at least one byte remaining
     * @param descriptors numbers of open descriptors, at most {@link #MOST_DESCRIPTORS}
     * @param timeoutNanos longest time to wait
     * @return the bytes sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed or a number is not open
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    default int send(ByteBuffer from, int[] descriptors, long timeoutNanos)
            throws IOException, InterruptedException {
        throw new UnsupportedOperationException(this + " passes no descriptors");
    }

    /**
     * Receives what is there, at least one byte, and the descriptors with it; moves the buffer's
     * position. Descriptors that come while another receiving method is used are discarded by the
     * system.
     *
     * @param to the buffer that receives, with at least one byte remaining
     * @param most most descriptors, 0 to {@link #MOST_DESCRIPTORS}
     * @param timeoutNanos longest time to wait
     * @return what came
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    default Message recv(ByteBuffer to, int most, long timeoutNanos)
            throws IOException, InterruptedException {
        throw new UnsupportedOperationException(this + " passes no descriptors");
    }
}
