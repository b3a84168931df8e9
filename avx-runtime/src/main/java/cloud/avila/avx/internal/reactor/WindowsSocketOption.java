package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.Winsock.AF_INET6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_IP;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_IPV6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_TCP;
import static cloud.avila.avx.internal.sys.Winsock.IPV6_TCLASS;
import static cloud.avila.avx.internal.sys.Winsock.IP_TOS;
import static cloud.avila.avx.internal.sys.Winsock.SOL_SOCKET;
import static cloud.avila.avx.internal.sys.Winsock.SO_BROADCAST;
import static cloud.avila.avx.internal.sys.Winsock.SO_KEEPALIVE;
import static cloud.avila.avx.internal.sys.Winsock.SO_LINGER;
import static cloud.avila.avx.internal.sys.Winsock.SO_RCVBUF;
import static cloud.avila.avx.internal.sys.Winsock.SO_REUSEADDR;
import static cloud.avila.avx.internal.sys.Winsock.SO_SNDBUF;
import static cloud.avila.avx.internal.sys.Winsock.TCP_NODELAY;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.WindowsError;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Map;
import java.util.Set;

/**
 * How Windows knows an option of {@link StandardSocketOptions}. It has no {@code SO_REUSEPORT}. Of
 * listeners {@code SO_REUSEADDR} is missing as well: it would let others take the port.
 *
 * @param name its name, for messages
 * @param level {@code SOL_SOCKET} or a protocol
 * @param number its number within the level
 * @param kind how its value is laid out
 */
record WindowsSocketOption(String name, int level, int number, Kind kind) {
    /** How a value is laid out. */
    enum Kind {
        /** An int, 0 or 1. */
        FLAG,
        /** An int. */
        NUMBER,
        /** {@code struct linger}, winsock2.h: 16 bits for on or off, 16 bits for seconds. */
        LINGER,
        /**
         * An int, which IPv6 sockets have at another place. Windows accepts it and marks packets
         * only by policy, or refuses it; the socket remembers what was set.
         */
        TRAFFIC_CLASS
    }

    private static final int MOST_SECONDS = 0xFFFF;

    private static final Map<SocketOption<?>, WindowsSocketOption> KNOWN =
            Map.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    new WindowsSocketOption("SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, Kind.FLAG),
                    StandardSocketOptions.SO_KEEPALIVE,
                    new WindowsSocketOption("SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, Kind.FLAG),
                    StandardSocketOptions.SO_BROADCAST,
                    new WindowsSocketOption("SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, Kind.FLAG),
                    StandardSocketOptions.SO_RCVBUF,
                    new WindowsSocketOption("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_SNDBUF,
                    new WindowsSocketOption("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_LINGER,
                    new WindowsSocketOption("SO_LINGER", SOL_SOCKET, SO_LINGER, Kind.LINGER),
                    StandardSocketOptions.TCP_NODELAY,
                    new WindowsSocketOption("TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, Kind.FLAG),
                    StandardSocketOptions.IP_TOS,
                    new WindowsSocketOption("IP_TOS", IPPROTO_IP, IP_TOS, Kind.TRAFFIC_CLASS));

    static final Set<SocketOption<?>> OF_LISTENER = Set.of(StandardSocketOptions.SO_RCVBUF);

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
                    StandardSocketOptions.SO_BROADCAST,
                    StandardSocketOptions.SO_RCVBUF,
                    StandardSocketOptions.SO_SNDBUF,
                    StandardSocketOptions.IP_TOS);

    static WindowsSocketOption of(SocketOption<?> option) {
        WindowsSocketOption known = KNOWN.get(option);
        if (known == null) {
            throw new UnsupportedOperationException("no socket has the option " + option.name());
        }
        return known;
    }

    void set(IocpSocket socket, Object value) throws IOException {
        NativeScratch scratch = IocpSocket.scratch();
        MemorySegment memory = scratch.value();
        switch (kind) {
            case FLAG -> memory.set(IocpSocket.INT, 0, Boolean.TRUE.equals(value) ? 1 : 0);
            case NUMBER, TRAFFIC_CLASS -> memory.set(IocpSocket.INT, 0, ((Integer) value));
            case LINGER -> {
                int seconds = (Integer) value;
                memory.set(IocpSocket.SHORT, 0, (short) (seconds < 0 ? 0 : 1));
                memory.set(
                        IocpSocket.SHORT,
                        Short.BYTES,
                        (short) Math.clamp(seconds, 0, MOST_SECONDS));
            }
        }
        boolean ipv6 = isIpv6(socket);
        int result =
                socket.winsock.setsockopt(
                        scratch,
                        socket.handle,
                        ipv6 ? IPPROTO_IPV6 : level,
                        ipv6 ? IPV6_TCLASS : number,
                        memory,
                        Integer.BYTES);
        if (kind == Kind.TRAFFIC_CLASS) {
            socket.trafficClass = (Integer) value;
        } else if (result < 0) {
            throw WindowsError.exception("setting " + name + " of", socket, -result);
        }
    }

    Object get(IocpSocket socket) throws IOException {
        if (kind == Kind.TRAFFIC_CLASS) {
            return socket.trafficClass;
        }
        NativeScratch scratch = IocpSocket.scratch();
        scratch.length().set(IocpSocket.INT, 0, Integer.BYTES);
        scratch.value().set(IocpSocket.INT, 0, 0); // some flags are one byte only
        int result =
                socket.winsock.getsockopt(
                        scratch, socket.handle, level, number, scratch.value(), scratch.length());
        if (result < 0) {
            throw WindowsError.exception("reading " + name + " of", socket, -result);
        }
        return switch (kind) {
            case FLAG -> scratch.value().get(IocpSocket.INT, 0) != 0;
            case NUMBER, TRAFFIC_CLASS -> scratch.value().get(IocpSocket.INT, 0);
            case LINGER ->
                    scratch.value().get(IocpSocket.SHORT, 0) == 0
                            ? -1
                            : scratch.value().get(IocpSocket.SHORT, Short.BYTES) & MOST_SECONDS;
        };
    }

    private boolean isIpv6(IocpSocket socket) {
        return kind == Kind.TRAFFIC_CLASS && socket.family == AF_INET6;
    }
}
