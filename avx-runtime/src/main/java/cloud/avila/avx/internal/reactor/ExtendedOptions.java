package cloud.avila.avx.internal.reactor;

import java.net.SocketOption;

/**
 * Options beside those of {@link java.net.StandardSocketOptions}. Where {@code
 * jdk.net.ExtendedSocketOptions} has one too, name and type are the same, and drivers, which look
 * options up by name, take either.
 */
public final class ExtendedOptions {
    /** Idle seconds before the first keep-alive probe. */
    public static final SocketOption<Integer> TCP_KEEPIDLE = number("TCP_KEEPIDLE");

    /** Seconds between keep-alive probes. */
    public static final SocketOption<Integer> TCP_KEEPINTVL = number("TCP_KEEPINTVL");

    /** Probes without answer after which a connection is dead. */
    public static final SocketOption<Integer> TCP_KEEPCNT = number("TCP_KEEPCNT");

    /** Acknowledge at once. */
    public static final SocketOption<Boolean> TCP_QUICKACK = flag("TCP_QUICKACK");

    /** Send full packets only. */
    public static final SocketOption<Boolean> TCP_CORK = flag("TCP_CORK");

    /** Milliseconds that sent data may stay without acknowledgement. */
    public static final SocketOption<Integer> TCP_USER_TIMEOUT = number("TCP_USER_TIMEOUT");

    /** Of a listener: connections that may be fast-opened at a time. */
    public static final SocketOption<Integer> TCP_FASTOPEN = number("TCP_FASTOPEN");

    /** Of a listener: seconds to wait for the first bytes before a connection can be accepted. */
    public static final SocketOption<Integer> TCP_DEFER_ACCEPT = number("TCP_DEFER_ACCEPT");

    /** Most bytes of a segment. */
    public static final SocketOption<Integer> TCP_MAXSEG = number("TCP_MAXSEG");

    /** Bytes not sent yet above which there is no room. */
    public static final SocketOption<Integer> TCP_NOTSENT_LOWAT = number("TCP_NOTSENT_LOWAT");

    /** Attempts of connecting. */
    public static final SocketOption<Integer> TCP_SYNCNT = number("TCP_SYNCNT");

    /** Processor on which the system last worked for the socket. */
    public static final SocketOption<Integer> SO_INCOMING_CPU = number("SO_INCOMING_CPU");

    /** Microseconds to poll the device before waiting. */
    public static final SocketOption<Integer> SO_BUSY_POLL = number("SO_BUSY_POLL");

    /** Priority of packets, 0 to 6. */
    public static final SocketOption<Integer> SO_PRIORITY = number("SO_PRIORITY");

    /** Bytes that have to be there before the socket is readable. */
    public static final SocketOption<Integer> SO_RCVLOWAT = number("SO_RCVLOWAT");

    /** Hops that packets may make: {@code IP_TTL} or {@code IPV6_UNICAST_HOPS}. */
    public static final SocketOption<Integer> IP_TTL = number("IP_TTL");

    /** Before binding: the port is chosen when connecting. */
    public static final SocketOption<Boolean> IP_BIND_ADDRESS_NO_PORT =
            flag("IP_BIND_ADDRESS_NO_PORT");

    /** Before binding: an address that the machine does not have yet. */
    public static final SocketOption<Boolean> IP_FREEBIND = flag("IP_FREEBIND");

    /** Refuse to split packets. */
    public static final SocketOption<Boolean> IP_DONTFRAGMENT = flag("IP_DONTFRAGMENT");

    /** Before binding, of an IPv6 socket: no IPv4. */
    public static final SocketOption<Boolean> IPV6_V6ONLY = flag("IPV6_V6ONLY");

    private record Option<T>(String name, Class<T> type) implements SocketOption<T> {
        @Override
        public String toString() {
            return name;
        }
    }

    private ExtendedOptions() {}

    private static SocketOption<Integer> number(String name) {
        return new Option<>(name, Integer.class);
    }

    private static SocketOption<Boolean> flag(String name) {
        return new Option<>(name, Boolean.class);
    }
}
