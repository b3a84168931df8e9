package cloud.avila.avx.metrics;

/** What a socket of a runtime is. */
public enum SocketKind {
    /** Accepts connections of TCP. */
    TCP_LISTENER,
    /** A connection of TCP. */
    TCP_STREAM,
    /** Sends and receives datagrams of UDP. */
    UDP,
    /** Accepts connections of the Unix domain. */
    UNIX_LISTENER,
    /** A connection of the Unix domain. */
    UNIX_STREAM,
    /** Sends and receives datagrams of the Unix domain. */
    UNIX_DATAGRAM,
    /** A descriptor that somebody else has opened. */
    DESCRIPTOR;

    /**
     * Whether it accepts connections.
     *
     * @return true for listeners
     */
    public boolean isListener() {
        return this == TCP_LISTENER || this == UNIX_LISTENER;
    }

    /**
     * Whether it sends and receives datagrams.
     *
     * @return true for datagram sockets
     */
    public boolean isDatagram() {
        return this == UDP || this == UNIX_DATAGRAM;
    }
}
