package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.ExtendedOptions;

import java.net.SocketOption;

/**
 * Options of the system beside those of {@link java.net.StandardSocketOptions}. Which ones a socket
 * has, {@code supportedOptions()} tells; an option that it does not have is an {@link
 * UnsupportedOperationException} with its name.
 *
 * <p>An option of {@code jdk.net.ExtendedSocketOptions} is taken as well where it has the name of
 * one of these.
 */
public final class SocketOptions {
    /**
     * Seconds that a connection is idle before the first keep-alive probe, 1 to 32767; needs {@code
     * SO_KEEPALIVE}.
     */
    public static final SocketOption<Integer> TCP_KEEPIDLE = ExtendedOptions.TCP_KEEPIDLE;

    /** Seconds between keep-alive probes, 1 to 32767. */
    public static final SocketOption<Integer> TCP_KEEPINTVL = ExtendedOptions.TCP_KEEPINTVL;

    /** Keep-alive probes without an answer after which a connection is dead, 1 to 127. */
    public static final SocketOption<Integer> TCP_KEEPCNT = ExtendedOptions.TCP_KEEPCNT;

    /**
     * Acknowledge what comes at once, not together with what is sent; the system turns it off
     * again. Linux.
     */
    public static final SocketOption<Boolean> TCP_QUICKACK = ExtendedOptions.TCP_QUICKACK;

    /** Send only full packets until it is turned off again, at most for 200 ms. Linux. */
    public static final SocketOption<Boolean> TCP_CORK = ExtendedOptions.TCP_CORK;

    /**
     * Milliseconds that what was sent may stay without acknowledgement before the connection is
     * given up, 0 for the system's choice. Linux.
     */
    public static final SocketOption<Integer> TCP_USER_TIMEOUT = ExtendedOptions.TCP_USER_TIMEOUT;

    /**
     * Of a listener: how many clients may be at the stage of sending data with their first packet.
     */
    public static final SocketOption<Integer> TCP_FASTOPEN = ExtendedOptions.TCP_FASTOPEN;

    /**
     * Of a listener: seconds to wait for the first bytes before a connection can be accepted.
     * Linux.
     */
    public static final SocketOption<Integer> TCP_DEFER_ACCEPT = ExtendedOptions.TCP_DEFER_ACCEPT;

    /** Most bytes of a packet, set before connecting or listening. */
    public static final SocketOption<Integer> TCP_MAXSEG = ExtendedOptions.TCP_MAXSEG;

    /**
     * Bytes written but not sent yet above which the connection does not become writable. Linux,
     * macOS.
     */
    public static final SocketOption<Integer> TCP_NOTSENT_LOWAT = ExtendedOptions.TCP_NOTSENT_LOWAT;

    /** How often to try to connect before it is given up, 1 to 255. Linux. */
    public static final SocketOption<Integer> TCP_SYNCNT = ExtendedOptions.TCP_SYNCNT;

    /** The processor on which packets of this socket are worked on. Linux. */
    public static final SocketOption<Integer> SO_INCOMING_CPU = ExtendedOptions.SO_INCOMING_CPU;

    /**
     * Microseconds to poll the network device before a wait; raising it needs a privilege. Linux.
     */
    public static final SocketOption<Integer> SO_BUSY_POLL = ExtendedOptions.SO_BUSY_POLL;

    /** Priority of what is sent, 0 to 6; more needs a privilege. Linux. */
    public static final SocketOption<Integer> SO_PRIORITY = ExtendedOptions.SO_PRIORITY;

    /** Bytes that have to be there before the socket counts as readable. */
    public static final SocketOption<Integer> SO_RCVLOWAT = ExtendedOptions.SO_RCVLOWAT;

    /**
     * Hops that packets may make, 1 to 255: {@code IP_TTL}, or {@code IPV6_UNICAST_HOPS} of an IPv6
     * socket.
     */
    public static final SocketOption<Integer> IP_TTL = ExtendedOptions.IP_TTL;

    /**
     * Set before binding to an address with port 0: the port is chosen when connecting, so that
     * more connections than ports are possible. Linux.
     */
    public static final SocketOption<Boolean> IP_BIND_ADDRESS_NO_PORT =
            ExtendedOptions.IP_BIND_ADDRESS_NO_PORT;

    /** Set before binding: the address need not be one of this machine yet. Linux. */
    public static final SocketOption<Boolean> IP_FREEBIND = ExtendedOptions.IP_FREEBIND;

    /** Datagrams are refused rather than split when they are longer than the path allows. Linux. */
    public static final SocketOption<Boolean> IP_DONTFRAGMENT = ExtendedOptions.IP_DONTFRAGMENT;

    /** Set before binding: an IPv6 socket takes no IPv4. */
    public static final SocketOption<Boolean> IPV6_V6ONLY = ExtendedOptions.IPV6_V6ONLY;

    private SocketOptions() {}
}
