package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeOption;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;

import java.io.IOException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.util.Map;
import java.util.Set;

/**
 * How the system knows an option of {@link StandardSocketOptions}.
 *
 * @param option the option
 * @param kind how its value is laid out
 */
record StandardOption(NativeOption option, Kind kind) {
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

    private static final Map<SocketOption<?>, StandardOption> KNOWN =
            Map.of(
                    StandardSocketOptions.SO_REUSEADDR,
                    new StandardOption(NativeOption.SO_REUSEADDR, Kind.FLAG),
                    StandardSocketOptions.SO_REUSEPORT,
                    new StandardOption(NativeOption.SO_REUSEPORT, Kind.FLAG),
                    StandardSocketOptions.SO_KEEPALIVE,
                    new StandardOption(NativeOption.SO_KEEPALIVE, Kind.FLAG),
                    StandardSocketOptions.SO_BROADCAST,
                    new StandardOption(NativeOption.SO_BROADCAST, Kind.FLAG),
                    StandardSocketOptions.SO_RCVBUF,
                    new StandardOption(NativeOption.SO_RCVBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_SNDBUF,
                    new StandardOption(NativeOption.SO_SNDBUF, Kind.NUMBER),
                    StandardSocketOptions.SO_LINGER,
                    new StandardOption(NativeOption.SO_LINGER, Kind.LINGER),
                    StandardSocketOptions.TCP_NODELAY,
                    new StandardOption(NativeOption.TCP_NODELAY, Kind.FLAG),
                    StandardSocketOptions.IP_TOS,
                    new StandardOption(NativeOption.IP_TOS, Kind.TRAFFIC_CLASS));

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

    static StandardOption of(SocketOption<?> option) {
        StandardOption known = KNOWN.get(option);
        if (known == null) {
            throw new UnsupportedOperationException("no socket has the option " + option.name());
        }
        return known;
    }

    void set(SocketCalls calls, ReadinessSocket socket, Object value) throws IOException {
        NativeScratch scratch = ReadinessSocket.scratch();
        int bytes = Integer.BYTES;
        switch (kind) {
            case FLAG ->
                    scratch.value().set(ReadinessSocket.INT, 0, Boolean.TRUE.equals(value) ? 1 : 0);
            case NUMBER, TRAFFIC_CLASS ->
                    scratch.value().set(ReadinessSocket.INT, 0, ((Integer) value).intValue());
            case LINGER -> {
                int seconds = (Integer) value;
                scratch.value().set(ReadinessSocket.INT, 0, seconds < 0 ? 0 : 1);
                scratch.value().set(ReadinessSocket.INT, Integer.BYTES, Math.max(seconds, 0));
                bytes = 2 * Integer.BYTES;
            }
        }
        int result = calls.setsockopt(scratch, socket.fd, of(socket), scratch.value(), bytes);
        if (result < 0) {
            throw calls.exception("setting " + option + " of", socket, -result);
        }
    }

    Object get(SocketCalls calls, ReadinessSocket socket) throws IOException {
        NativeScratch scratch = ReadinessSocket.scratch();
        scratch.length().set(ReadinessSocket.INT, 0, 2 * Integer.BYTES);
        int result =
                calls.getsockopt(scratch, socket.fd, of(socket), scratch.value(), scratch.length());
        if (result < 0) {
            throw calls.exception("reading " + option + " of", socket, -result);
        }
        int value = scratch.value().get(ReadinessSocket.INT, 0);
        return switch (kind) {
            case FLAG -> value != 0;
            case NUMBER, TRAFFIC_CLASS -> value;
            case LINGER ->
                    value == 0 ? -1 : scratch.value().get(ReadinessSocket.INT, Integer.BYTES);
        };
    }

    private NativeOption of(ReadinessSocket socket) {
        return kind == Kind.TRAFFIC_CLASS && socket.family == SocketCalls.AF_INET6
                ? NativeOption.IPV6_TCLASS
                : option;
    }
}
