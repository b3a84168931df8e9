package cloud.avila.avx.internal.reactor;

/**
 * What a driver may lack. Everything else every driver has. A method of the seam that belongs to a
 * capability throws an {@link UnsupportedOperationException} that names the driver where it is
 * missing; the driver suite checks either the one or the other.
 */
public enum IoCapability {
    /** Stream sockets of the Unix domain with a path as name. */
    UNIX_STREAMS("Unix domain stream sockets"),
    /** Datagram sockets of the Unix domain. */
    UNIX_DATAGRAMS("Unix domain datagram sockets"),
    /** Names of the Unix domain that are not files (Linux). */
    ABSTRACT_NAMES("abstract names of the Unix domain"),
    /** {@link IoUnixStream#peerCredentials()}. */
    PEER_CREDENTIALS("credentials of the peer"),
    /** Passing descriptors over a Unix stream. */
    DESCRIPTOR_PASSING("passing of descriptors"),
    /** Joining multicast groups. */
    MULTICAST("multicast"),
    /** Joining multicast groups for one source. */
    SOURCE_MULTICAST("multicast from one source"),
    /** {@link IoSocket#whenReadable} and {@link IoSocket#whenWritable}. */
    READINESS_CALLBACKS("readiness callbacks"),
    /** {@link IoDriver#descriptor}: waiting for descriptors that the driver has not opened. */
    DESCRIPTORS("waiting for any descriptor"),
    /** Files go to a socket without passing through this process ({@code sendfile}). */
    SEND_FILE("sending of files by the system");

    private final String text;

    IoCapability(String text) {
        this.text = text;
    }

    /**
     * The exception of a driver without it.
     *
     * @param driverName the driver
     * @return to be thrown
     */
    public UnsupportedOperationException missing(String driverName) {
        return new UnsupportedOperationException(
                "the I/O driver " + driverName + " has no " + text + " on this system");
    }
}
