package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeOption;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;

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
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How the system knows an option of {@link StandardSocketOptions} or {@link ExtendedOptions}.
 * Options are found by name, so that those of {@code jdk.net} with the same names work, too.
 *
 * @param key the option as users know it
 * @param native4 the option, of IPv4 where the families differ
 * @param native6 the same for IPv6 sockets, which get both, because they may serve IPv4 as well;
 *     null if it is the same
 * @param kind how its value is laid out
 * @param uses sum of the kinds of sockets that have it
 */
record StandardOption(
        SocketOption<?> key,
        NativeOption native4,
        @Nullable NativeOption native6,
        Kind kind,
        int uses) {
    /** How a value is laid out. */
    enum Kind {
        /** An int, 0 or 1. */
        FLAG,
        /** An int. */
        NUMBER,
        /** {@code struct linger}, bits/socket.h: an int for on or off, an int for seconds. */
        LINGER,
        /** An int, 0 or 2: {@code IP_PMTUDISC_DONT} and {@code IP_PMTUDISC_DO} of bits/in.h. */
        NOT_SPLIT,
        /** {@code struct ip_mreqn} for IPv4, the index for IPv6. */
        INTERFACE
    }

    /** A socket that accepts TCP. */
    static final int LISTENER = 1;

    /** A TCP connection. */
    static final int STREAM = 2;

    /** A UDP socket. */
    static final int DATAGRAM = 4;

    /** A Unix socket that accepts. */
    static final int UNIX_LISTENER = 8;

    /** A Unix connection. */
    static final int UNIX_STREAM = 16;

    /** A Unix datagram socket. */
    static final int UNIX_DATAGRAM = 32;

    private static final int TCP = LISTENER | STREAM;
    private static final int INET = TCP | DATAGRAM;
    private static final int UNIX = UNIX_STREAM | UNIX_DATAGRAM;

    private static final List<StandardOption> ALL =
            List.of(
                    flag(StandardSocketOptions.SO_REUSEADDR, NativeOption.SO_REUSEADDR, INET),
                    flag(StandardSocketOptions.SO_REUSEPORT, NativeOption.SO_REUSEPORT, INET),
                    flag(StandardSocketOptions.SO_KEEPALIVE, NativeOption.SO_KEEPALIVE, TCP),
                    flag(StandardSocketOptions.SO_BROADCAST, NativeOption.SO_BROADCAST, DATAGRAM),
                    number(StandardSocketOptions.SO_RCVBUF, NativeOption.SO_RCVBUF, INET | UNIX),
                    number(
                            StandardSocketOptions.SO_SNDBUF,
                            NativeOption.SO_SNDBUF,
                            STREAM | DATAGRAM | UNIX),
                    new StandardOption(
                            StandardSocketOptions.SO_LINGER,
                            NativeOption.SO_LINGER,
                            null,
                            Kind.LINGER,
                            STREAM),
                    flag(StandardSocketOptions.TCP_NODELAY, NativeOption.TCP_NODELAY, TCP),
                    new StandardOption(
                            StandardSocketOptions.IP_TOS,
                            NativeOption.IP_TOS,
                            NativeOption.IPV6_TCLASS,
                            Kind.NUMBER,
                            INET),
                    new StandardOption(
                            StandardSocketOptions.IP_MULTICAST_IF,
                            NativeOption.IP_MULTICAST_IF,
                            NativeOption.IPV6_MULTICAST_IF,
                            Kind.INTERFACE,
                            DATAGRAM),
                    new StandardOption(
                            StandardSocketOptions.IP_MULTICAST_TTL,
                            NativeOption.IP_MULTICAST_TTL,
                            NativeOption.IPV6_MULTICAST_HOPS,
                            Kind.NUMBER,
                            DATAGRAM),
                    new StandardOption(
                            StandardSocketOptions.IP_MULTICAST_LOOP,
                            NativeOption.IP_MULTICAST_LOOP,
                            NativeOption.IPV6_MULTICAST_LOOP,
                            Kind.FLAG,
                            DATAGRAM),
                    number(ExtendedOptions.TCP_KEEPIDLE, NativeOption.TCP_KEEPIDLE, TCP),
                    number(ExtendedOptions.TCP_KEEPINTVL, NativeOption.TCP_KEEPINTVL, TCP),
                    number(ExtendedOptions.TCP_KEEPCNT, NativeOption.TCP_KEEPCNT, TCP),
                    flag(ExtendedOptions.TCP_QUICKACK, NativeOption.TCP_QUICKACK, STREAM),
                    flag(ExtendedOptions.TCP_CORK, NativeOption.TCP_CORK, STREAM),
                    number(ExtendedOptions.TCP_USER_TIMEOUT, NativeOption.TCP_USER_TIMEOUT, TCP),
                    number(ExtendedOptions.TCP_FASTOPEN, NativeOption.TCP_FASTOPEN, LISTENER),
                    number(
                            ExtendedOptions.TCP_DEFER_ACCEPT,
                            NativeOption.TCP_DEFER_ACCEPT,
                            LISTENER),
                    number(ExtendedOptions.TCP_MAXSEG, NativeOption.TCP_MAXSEG, TCP),
                    number(ExtendedOptions.TCP_NOTSENT_LOWAT, NativeOption.TCP_NOTSENT_LOWAT, TCP),
                    number(ExtendedOptions.TCP_SYNCNT, NativeOption.TCP_SYNCNT, STREAM),
                    number(ExtendedOptions.SO_INCOMING_CPU, NativeOption.SO_INCOMING_CPU, INET),
                    number(ExtendedOptions.SO_BUSY_POLL, NativeOption.SO_BUSY_POLL, INET),
                    number(ExtendedOptions.SO_PRIORITY, NativeOption.SO_PRIORITY, INET),
                    number(ExtendedOptions.SO_RCVLOWAT, NativeOption.SO_RCVLOWAT, STREAM),
                    new StandardOption(
                            ExtendedOptions.IP_TTL,
                            NativeOption.IP_TTL,
                            NativeOption.IPV6_UNICAST_HOPS,
                            Kind.NUMBER,
                            INET),
                    flag(
                            ExtendedOptions.IP_BIND_ADDRESS_NO_PORT,
                            NativeOption.IP_BIND_ADDRESS_NO_PORT,
                            STREAM | DATAGRAM),
                    new StandardOption(
                            ExtendedOptions.IP_FREEBIND,
                            NativeOption.IP_FREEBIND,
                            NativeOption.IPV6_FREEBIND,
                            Kind.FLAG,
                            INET),
                    new StandardOption(
                            ExtendedOptions.IP_DONTFRAGMENT,
                            NativeOption.IP_MTU_DISCOVER,
                            NativeOption.IPV6_MTU_DISCOVER,
                            Kind.NOT_SPLIT,
                            DATAGRAM),
                    flag(
                            ExtendedOptions.IPV6_V6ONLY,
                            NativeOption.IPV6_V6ONLY,
                            LISTENER | DATAGRAM));

    private static final Map<String, StandardOption> BY_NAME = byName();

    private static StandardOption flag(SocketOption<?> key, NativeOption option, int uses) {
        return new StandardOption(key, option, null, Kind.FLAG, uses);
    }

    private static StandardOption number(SocketOption<?> key, NativeOption option, int uses) {
        return new StandardOption(key, option, null, Kind.NUMBER, uses);
    }

    private static Map<String, StandardOption> byName() {
        var map = new HashMap<String, StandardOption>();
        for (StandardOption option : ALL) {
            map.put(option.key.name(), option);
        }
        return Map.copyOf(map);
    }

    /** The option of that name and type, or null. */
    static @Nullable StandardOption of(SocketOption<?> option) {
        StandardOption known = BY_NAME.get(option.name());
        return known == null || known.key.type() != option.type() ? null : known;
    }

    /** The options that a kind of socket has. */
    static Set<SocketOption<?>> supported(int use, SocketCalls calls) {
        var all = new LinkedHashSet<SocketOption<?>>();
        for (StandardOption option : ALL) {
            if (option.isOf(use) && option.isOn(calls)) {
                all.add(option.key);
            }
        }
        return Collections.unmodifiableSet(all);
    }

    boolean isOf(int use) {
        return (uses & use) != 0;
    }

    boolean isOn(SocketCalls calls) {
        return calls.has(native4) && (native6 == null || calls.has(native6));
    }

    void set(SocketCalls calls, ReadinessSocket socket, Object value) throws IOException {
        if (native6 == null || socket.family != SocketCalls.AF_INET6) {
            check(calls, socket, set(calls, socket, native4, value));
            return;
        }
        check(calls, socket, set(calls, socket, native6, value));
        int result = set(calls, socket, native4, value);
        // a socket for IPv6 only need not have it
        if (result != -LinuxErrno.ENOPROTOOPT && result != -LinuxErrno.EINVAL) {
            check(calls, socket, result);
        }
    }

    private void check(SocketCalls calls, ReadinessSocket socket, int result) throws IOException {
        if (result < 0) {
            throw calls.exception("setting " + key.name() + " of", socket, -result);
        }
    }

    private int set(SocketCalls calls, ReadinessSocket socket, NativeOption option, Object value) {
        NativeScratch scratch = ReadinessSocket.scratch();
        MemorySegment at = scratch.value();
        int bytes = Integer.BYTES;
        switch (kind) {
            case FLAG -> at.set(ReadinessSocket.INT, 0, Boolean.TRUE.equals(value) ? 1 : 0);
            case NUMBER -> at.set(ReadinessSocket.INT, 0, ((Integer) value).intValue());
            case NOT_SPLIT -> at.set(ReadinessSocket.INT, 0, Boolean.TRUE.equals(value) ? 2 : 0);
            case LINGER -> {
                int seconds = (Integer) value;
                at.set(ReadinessSocket.INT, 0, seconds < 0 ? 0 : 1);
                at.set(ReadinessSocket.INT, Integer.BYTES, Math.max(seconds, 0));
                bytes = 2 * Integer.BYTES;
            }
            case INTERFACE -> {
                var on = (NetworkInterface) value;
                if (option == native6) {
                    at.set(ReadinessSocket.INT, 0, on.getIndex());
                } else {
                    byte[] address = ipv4(on);
                    at.set(ReadinessSocket.INT, 0, 0);
                    MemorySegment.copy(address, 0, at, JAVA_BYTE, 4, 4);
                    at.set(ReadinessSocket.INT, 8, on.getIndex());
                    bytes = 12;
                }
            }
        }
        return calls.setsockopt(scratch, socket.fd, option, at, bytes);
    }

    /** The first IPv4 address of an interface, by which it is told again; else the wildcard. */
    private static byte[] ipv4(NetworkInterface on) {
        return on.inetAddresses()
                .filter(Inet4Address.class::isInstance)
                .findFirst()
                .map(InetAddress::getAddress)
                .orElseGet(() -> new byte[4]);
    }

    Object get(SocketCalls calls, ReadinessSocket socket) throws IOException {
        NativeOption option =
                native6 != null && socket.family == SocketCalls.AF_INET6 ? native6 : native4;
        NativeScratch scratch = ReadinessSocket.scratch();
        MemorySegment at = scratch.value();
        scratch.length().set(ReadinessSocket.INT, 0, 2 * Integer.BYTES);
        int result = calls.getsockopt(scratch, socket.fd, option, at, scratch.length());
        if (result < 0) {
            throw calls.exception("reading " + key.name() + " of", socket, -result);
        }
        int value = at.get(ReadinessSocket.INT, 0);
        return switch (kind) {
            case FLAG -> value != 0;
            case NUMBER -> value;
            case NOT_SPLIT -> value == 2;
            case LINGER -> value == 0 ? -1 : at.get(ReadinessSocket.INT, Integer.BYTES);
            case INTERFACE -> networkInterface(socket, option, value, at);
        };
    }

    private Object networkInterface(
            ReadinessSocket socket, NativeOption option, int value, MemorySegment at)
            throws IOException {
        NetworkInterface found = null;
        if (value != 0 && option == native6) {
            found = NetworkInterface.getByIndex(value);
        } else if (value != 0) {
            byte[] address = new byte[4];
            MemorySegment.copy(at, JAVA_BYTE, 0, address, 0, 4);
            found = NetworkInterface.getByInetAddress(InetAddress.getByAddress(address));
        }
        if (found == null) {
            throw new SocketException(
                    key.name() + " of " + socket + " was not set: it is the system's choice");
        }
        return found;
    }
}
