package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.Winsock.AF_INET6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_IP;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_IPV6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_TCP;
import static cloud.avila.avx.internal.sys.Winsock.SOL_SOCKET;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * How Windows knows an option of {@link StandardSocketOptions} or {@link ExtendedOptions}; they are
 * found by name. It has no {@code SO_REUSEPORT}. Of listeners {@code SO_REUSEADDR} is missing as
 * well: it would let others take the port.
 *
 * @param key the option as users know it
 * @param level {@code SOL_SOCKET} or a protocol, of IPv4 sockets
 * @param number its number within the level
 * @param number6 its number within {@code IPPROTO_IPV6} for IPv6 sockets, 0 if it is the same
 *     option
 * @param kind how its value is laid out
 * @param uses sum of the kinds of sockets that have it
 */
record WindowsSocketOption(
        SocketOption<?> key, int level, int number, int number6, Kind kind, int uses) {
    /** How a value is laid out. */
    enum Kind {
        /** An int, 0 or 1. */
        FLAG,
        /** An int. */
        NUMBER,
        /** {@code struct linger}, winsock2.h: 16 bits for on or off, 16 bits for seconds. */
        LINGER,
        /**
         * An int. Windows accepts it and marks packets only by policy, or refuses it; the socket
         * remembers what was set.
         */
        TRAFFIC_CLASS,
        /** An address of the interface for IPv4, the index for IPv6; the socket remembers it. */
        INTERFACE
    }

    private static final int MOST_SECONDS = 0xFFFF;

    private static final int LISTENER = 1;
    private static final int STREAM = 2;
    private static final int DATAGRAM = 4;

    private static final List<WindowsSocketOption> ALL =
            List.of(
                    ofSocket(
                            StandardSocketOptions.SO_REUSEADDR,
                            Winsock.SO_REUSEADDR,
                            Kind.FLAG,
                            DATAGRAM),
                    ofSocket(
                            StandardSocketOptions.SO_KEEPALIVE,
                            Winsock.SO_KEEPALIVE,
                            Kind.FLAG,
                            STREAM),
                    ofSocket(
                            StandardSocketOptions.SO_BROADCAST,
                            Winsock.SO_BROADCAST,
                            Kind.FLAG,
                            DATAGRAM),
                    ofSocket(
                            StandardSocketOptions.SO_RCVBUF,
                            Winsock.SO_RCVBUF,
                            Kind.NUMBER,
                            LISTENER | STREAM | DATAGRAM),
                    ofSocket(
                            StandardSocketOptions.SO_SNDBUF,
                            Winsock.SO_SNDBUF,
                            Kind.NUMBER,
                            STREAM | DATAGRAM),
                    ofSocket(
                            StandardSocketOptions.SO_LINGER,
                            Winsock.SO_LINGER,
                            Kind.LINGER,
                            STREAM),
                    ofTcp(StandardSocketOptions.TCP_NODELAY, Winsock.TCP_NODELAY, Kind.FLAG),
                    ofTcp(ExtendedOptions.TCP_KEEPIDLE, Winsock.TCP_KEEPIDLE, Kind.NUMBER),
                    ofTcp(ExtendedOptions.TCP_KEEPINTVL, Winsock.TCP_KEEPINTVL, Kind.NUMBER),
                    ofTcp(ExtendedOptions.TCP_KEEPCNT, Winsock.TCP_KEEPCNT, Kind.NUMBER),
                    ofIp(
                            StandardSocketOptions.IP_TOS,
                            Winsock.IP_TOS,
                            Winsock.IPV6_TCLASS,
                            Kind.TRAFFIC_CLASS,
                            STREAM | DATAGRAM),
                    ofIp(
                            ExtendedOptions.IP_TTL,
                            Winsock.IP_TTL,
                            Winsock.IP_TTL,
                            Kind.NUMBER,
                            LISTENER | STREAM | DATAGRAM),
                    ofIp(
                            ExtendedOptions.IP_DONTFRAGMENT,
                            Winsock.IP_DONTFRAGMENT,
                            Winsock.IP_DONTFRAGMENT,
                            Kind.FLAG,
                            DATAGRAM),
                    ofIp(
                            StandardSocketOptions.IP_MULTICAST_IF,
                            Winsock.IP_MULTICAST_IF,
                            Winsock.IP_MULTICAST_IF,
                            Kind.INTERFACE,
                            DATAGRAM),
                    ofIp(
                            StandardSocketOptions.IP_MULTICAST_TTL,
                            Winsock.IP_MULTICAST_TTL,
                            Winsock.IP_MULTICAST_TTL,
                            Kind.NUMBER,
                            DATAGRAM),
                    ofIp(
                            StandardSocketOptions.IP_MULTICAST_LOOP,
                            Winsock.IP_MULTICAST_LOOP,
                            Winsock.IP_MULTICAST_LOOP,
                            Kind.FLAG,
                            DATAGRAM),
                    new WindowsSocketOption(
                            ExtendedOptions.IPV6_V6ONLY,
                            IPPROTO_IPV6,
                            Winsock.IPV6_V6ONLY,
                            0,
                            Kind.FLAG,
                            LISTENER | DATAGRAM));

    static final Set<SocketOption<?>> OF_LISTENER = keys(LISTENER);
    static final Set<SocketOption<?>> OF_STREAM = keys(STREAM);
    static final Set<SocketOption<?>> OF_DATAGRAM = keys(DATAGRAM);

    private static WindowsSocketOption ofSocket(
            SocketOption<?> key, int number, Kind kind, int uses) {
        return new WindowsSocketOption(key, SOL_SOCKET, number, 0, kind, uses);
    }

    private static WindowsSocketOption ofTcp(SocketOption<?> key, int number, Kind kind) {
        return new WindowsSocketOption(key, IPPROTO_TCP, number, 0, kind, STREAM);
    }

    private static WindowsSocketOption ofIp(
            SocketOption<?> key, int number, int number6, Kind kind, int uses) {
        return new WindowsSocketOption(key, IPPROTO_IP, number, number6, kind, uses);
    }

    private static Set<SocketOption<?>> keys(int use) {
        var keys = new LinkedHashSet<SocketOption<?>>();
        for (WindowsSocketOption option : ALL) {
            if ((option.uses & use) != 0) {
                keys.add(option.key);
            }
        }
        return Collections.unmodifiableSet(keys);
    }

    /** The option of that name and type among some; or null. */
    static @Nullable WindowsSocketOption of(
            SocketOption<?> option, Set<SocketOption<?>> supported) {
        for (WindowsSocketOption known : ALL) {
            if (known.key.name().equals(option.name())
                    && known.key.type() == option.type()
                    && supported.contains(known.key)) {
                return known;
            }
        }
        return null;
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
            case INTERFACE -> {
                var on = (NetworkInterface) value;
                if (isIpv6(socket)) {
                    memory.set(IocpSocket.INT, 0, on.getIndex());
                } else {
                    MemorySegment.copy(ipv4(on), 0, memory, JAVA_BYTE, 0, 4);
                }
            }
        }
        boolean ipv6 = isIpv6(socket);
        int result =
                socket.winsock.setsockopt(
                        scratch,
                        socket.handle,
                        ipv6 ? IPPROTO_IPV6 : level,
                        ipv6 ? number6 : number,
                        memory,
                        Integer.BYTES);
        if (result < 0 && kind != Kind.TRAFFIC_CLASS) {
            throw WindowsError.exception("setting " + key.name() + " of", socket, -result);
        }
        switch (kind) {
            case TRAFFIC_CLASS -> socket.trafficClass = (Integer) value;
            case INTERFACE -> socket.multicastInterface = (NetworkInterface) value;
            default -> {}
        }
    }

    /** The first IPv4 address of an interface, by which IPv4 knows it. */
    static byte[] ipv4(NetworkInterface on) throws SocketException {
        return on.inetAddresses()
                .filter(Inet4Address.class::isInstance)
                .findFirst()
                .map(InetAddress::getAddress)
                .orElseThrow(
                        () ->
                                new SocketException(
                                        on.getName() + " has no IPv4 address to name it by"));
    }

    Object get(IocpSocket socket) throws IOException {
        if (kind == Kind.TRAFFIC_CLASS) {
            return socket.trafficClass;
        }
        if (kind == Kind.INTERFACE) {
            NetworkInterface on = socket.multicastInterface;
            if (on == null) {
                throw new SocketException(
                        key.name() + " of " + socket + " was not set: it is the system's choice");
            }
            return on;
        }
        NativeScratch scratch = IocpSocket.scratch();
        scratch.length().set(IocpSocket.INT, 0, Integer.BYTES);
        scratch.value().set(IocpSocket.INT, 0, 0); // some flags are one byte only
        boolean ipv6 = isIpv6(socket);
        int result =
                socket.winsock.getsockopt(
                        scratch,
                        socket.handle,
                        ipv6 ? IPPROTO_IPV6 : level,
                        ipv6 ? number6 : number,
                        scratch.value(),
                        scratch.length());
        if (result < 0) {
            throw WindowsError.exception("reading " + key.name() + " of", socket, -result);
        }
        int value = scratch.value().get(IocpSocket.INT, 0);
        return switch (kind) {
            case FLAG -> value != 0;
            case LINGER ->
                    scratch.value().get(IocpSocket.SHORT, 0) == 0
                            ? -1
                            : scratch.value().get(IocpSocket.SHORT, Short.BYTES) & MOST_SECONDS;
            default -> value;
        };
    }

    private boolean isIpv6(IocpSocket socket) {
        return number6 != 0 && socket.family == AF_INET6;
    }
}
