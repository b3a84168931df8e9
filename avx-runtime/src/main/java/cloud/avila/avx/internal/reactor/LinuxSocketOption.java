package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.LinuxLibc.AF_INET6;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPPROTO_IP;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPPROTO_IPV6;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPPROTO_TCP;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPV6_TCLASS;
import static cloud.avila.avx.internal.sys.LinuxLibc.IP_TOS;
import static cloud.avila.avx.internal.sys.LinuxLibc.SOL_SOCKET;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_BROADCAST;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_KEEPALIVE;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_LINGER;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_RCVBUF;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_REUSEADDR;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_REUSEPORT;
import static cloud.avila.avx.internal.sys.LinuxLibc.SO_SNDBUF;
import static cloud.avila.avx.internal.sys.LinuxLibc.TCP_NODELAY;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.io.IOException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Map;
import java.util.Set;

/**
 * How Linux knows an option of {@link StandardSocketOptions}.
 *
 * @param name its name, for messages
 * @param level {@code SOL_SOCKET} or a protocol
 * @param number its number within the level
 * @param kind how its value is laid out
 */
record LinuxSocketOption(String name, int level, int number, Kind kind) {
    /** How a value is laid out. */
    enum Kind {
        /** An int, 0 or 1. */
        FLAG,
        /** An int. */
        NUMBER,
        /** {@code struct linger}, bits/socket.h: an int for on or off, an int for seconds. */
        LINGER,
        /** An int, which IPv6 sockets have at another place. */
        TRAFFIC_CLASS
    }

    private static final Map<SocketOption<?>, LinuxSocketOption> KNOWN =
            Map.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    new LinuxSocketOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, Kind.FLAG),
                    StandardSocketOptions.SO_REUSEPORT,
                    new LinuxSocketOption("SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, Kind.FLAG),
                    StandardSocketOptions.SO_KEEPALIVE,
                    new LinuxSocketOption("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, Kind.FLAG),
                    StandardSocketOptions.SO_BROADCAST,
                    new LinuxSocketOption("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, Kind.FLAG),
                    StandardSocketOptions.SO_RCVBUF,
                    new LinuxSocketOption("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_SNDBUF,
                    new LinuxSocketOption("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_LINGER,
                    new LinuxSocketOption("SO_LINGER", SOL_SOCKET, SO_LINGER, Kind.LINGER),
                    StandardSocketOptions.TCP_NODELAY,
                    new LinuxSocketOption("TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, Kind.FLAG),
                    StandardSocketOptions.IP_TOS,
                    new LinuxSocketOption("IP_TOS", IPPROTO_IP, IP_TOS, Kind.TRAFFIC_CLASS));

    static final Set<SocketOption<?>> OF_LISTENER =
            Set.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    StandardSocketOptions.SO_REUSEPORT,
                    StandardSocketOptions.SO_RCVBUF);

    static final Set<SocketOption<?>> OF_STREAM =
            Set.of(
                    StandardSocketOptions.SO_KEEPALIVE,
                    StandardSocketOptions.SO_RCVBUF,
                    StandardSocketOptions.SO_SNDBUF,
                    StandardSocketOptions.SO_LINGER,
                    StandardSocketOptions.TCP_NODELAY,
                    StandardSocketOptions.IP_TOS);

    static final Set<SocketOption<?>> OF_DATAGRAM =
            Set.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    StandardSocketOptions.SO_REUSEPORT,
                    StandardSocketOptions.SO_BROADCAST,
                    StandardSocketOptions.SO_RCVBUF,
                    StandardSocketOptions.SO_SNDBUF,
                    StandardSocketOptions.IP_TOS);

    static LinuxSocketOption of(SocketOption<?> option) {
        LinuxSocketOption known = KNOWN.get(option);
        if (known == null) {
            throw new UnsupportedOperationException("no socket has the option " + option.name());
        }
        return known;
    }

    void set(LinuxLibc libc, EpollSocket socket, Object value) throws IOException {
        NativeScratch scratch = EpollSocket.scratch();
        int bytes = Integer.BYTES;
        switch (kind) {
            case FLAG ->
                    scratch.value().set(EpollDriver.INT, 0, Boolean.TRUE.equals(value) ? 1 : 0);
            case NUMBER, TRAFFIC_CLASS ->
                    scratch.value().set(EpollDriver.INT, 0, ((Integer) value).intValue());
            case LINGER -> {
                int seconds = (Integer) value;
                scratch.value().set(EpollDriver.INT, 0, seconds < 0 ? 0 : 1);
                scratch.value().set(EpollDriver.INT, Integer.BYTES, Math.max(seconds, 0));
                bytes = 2 * Integer.BYTES;
            }
        }
        int result =
                libc.setsockopt(
                        scratch,
                        socket.fd,
                        isIpv6(socket) ? IPPROTO_IPV6 : level,
                        isIpv6(socket) ? IPV6_TCLASS : number,
                        scratch.value(),
                        bytes);
        if (result < 0) {
            throw LinuxErrno.exception("setting " + name + " of", socket, -result);
        }
    }

    Object get(LinuxLibc libc, EpollSocket socket) throws IOException {
        NativeScratch scratch = EpollSocket.scratch();
        scratch.length().set(EpollDriver.INT, 0, 2 * Integer.BYTES);
        int result =
                libc.getsockopt(
                        scratch,
                        socket.fd,
                        isIpv6(socket) ? IPPROTO_IPV6 : level,
                        isIpv6(socket) ? IPV6_TCLASS : number,
                        scratch.value(),
                        scratch.length());
        if (result < 0) {
            throw LinuxErrno.exception("reading " + name + " of", socket, -result);
        }
        int value = scratch.value().get(EpollDriver.INT, 0);
        return switch (kind) {
            case FLAG -> value != 0;
            case NUMBER, TRAFFIC_CLASS -> value;
            case LINGER -> value == 0 ? -1 : scratch.value().get(EpollDriver.INT, Integer.BYTES);
        };
    }

    private boolean isIpv6(EpollSocket socket) {
        return kind == Kind.TRAFFIC_CLASS && socket.family == AF_INET6;
    }
}
