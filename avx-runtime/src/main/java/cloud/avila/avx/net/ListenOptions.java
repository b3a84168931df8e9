package cloud.avila.avx.net;

import java.net.SocketOption;
import java.util.Map;

/**
 * Options of a {@link TcpListener} that are fixed when it is opened.
 *
 * @param backlog connections that may wait to be accepted, at least 1; the system bounds it further
 *     ({@code net.core.somaxconn} on Linux)
 * @param reuseAddress whether the port may be bound while connections of a former listener linger
 *     ({@code SO_REUSEADDR})
 * @param reusePort whether several listeners may share the port, among which the system spreads
 *     connections ({@code SO_REUSEPORT})
 * @param receiveBufferSize size of the receive buffer in bytes, which accepted connections inherit,
 *     0 for the system's default ({@code SO_RCVBUF})
 * @param options other options to set before it is bound; see {@link #with}
 */
public record ListenOptions(
        int backlog,
        boolean reuseAddress,
        boolean reusePort,
        int receiveBufferSize,
        Map<SocketOption<?>, Object> options) {
    private static final ListenOptions DEFAULTS = new ListenOptions(1024, true, false, 0, Map.of());

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the backlog is below 1 or the buffer size negative
     */
    public ListenOptions {
        options = Map.copyOf(options);
        if (backlog < 1) {
            throw new IllegalArgumentException("backlog must be at least 1, but is " + backlog);
        }
        Checks.bufferSize("receiveBufferSize", receiveBufferSize);
    }

    /**
     * The defaults: a backlog of 1024, the address reusable, the port not shared.
     *
     * @return the options
     */
    public static ListenOptions defaults() {
        return DEFAULTS;
    }

    /**
     * The same with another backlog.
     *
     * @param value connections that may wait to be accepted, at least 1
     * @return new options
     */
    public ListenOptions withBacklog(int value) {
        return new ListenOptions(value, reuseAddress, reusePort, receiveBufferSize, options);
    }

    /**
     * The same with another {@code SO_REUSEADDR}.
     *
     * @param value whether the address may be bound again at once
     * @return new options
     */
    public ListenOptions withReuseAddress(boolean value) {
        return new ListenOptions(backlog, value, reusePort, receiveBufferSize, options);
    }

    /**
     * The same with another {@code SO_REUSEPORT}.
     *
     * @param value whether listeners may share the port
     * @return new options
     */
    public ListenOptions withReusePort(boolean value) {
        return new ListenOptions(backlog, reuseAddress, value, receiveBufferSize, options);
    }

    /**
     * The same with another receive buffer.
     *
     * @param bytes its size, 0 for the system's default
     * @return new options
     */
    public ListenOptions withReceiveBufferSize(int bytes) {
        return new ListenOptions(backlog, reuseAddress, reusePort, bytes, options);
    }

    /**
     * The same with another option of the system.
     *
     * @param option the option, of {@link java.net.StandardSocketOptions} or {@link SocketOptions}
     * @param value its value
     * @param <T> the type of the value
     * @return new options
     * @throws ClassCastException if the value is not of the option's type
     */
    public <T> ListenOptions with(SocketOption<T> option, T value) {
        return new ListenOptions(
                backlog,
                reuseAddress,
                reusePort,
                receiveBufferSize,
                Checks.with(options, option, value));
    }
}
