package cloud.avila.avx.net;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.Map;

/**
 * Options of a {@link TcpStream} that are fixed before it connects.
 *
 * @param localAddress where to connect from, port 0 for any free one; null to leave it to the
 *     system
 * @param reuseAddress whether the local port may be bound while connections linger on it ({@code
 *     SO_REUSEADDR})
 * @param receiveBufferSize size of the receive buffer in bytes, 0 for the system's default ({@code
 *     SO_RCVBUF}, which bounds the window that is offered when connecting)
 * @param sendBufferSize size of the send buffer in bytes, 0 for the system's default ({@code
 *     SO_SNDBUF})
 * @param options other options to set before it is bound and connected; see {@link #with}
 */
public record ConnectOptions(
        @Nullable InetSocketAddress localAddress,
        boolean reuseAddress,
        int receiveBufferSize,
        int sendBufferSize,
        Map<SocketOption<?>, Object> options) {
    private static final ConnectOptions DEFAULTS = new ConnectOptions(null, false, 0, 0, Map.of());

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if the local address is not resolved or a buffer size is
     *     negative
     */
    public ConnectOptions {
        options = Map.copyOf(options);
        if (localAddress != null) {
            Checks.resolved(localAddress);
        }
        Checks.bufferSize("receiveBufferSize", receiveBufferSize);
        Checks.bufferSize("sendBufferSize", sendBufferSize);
    }

    /**
     * The defaults: everything is the system's choice.
     *
     * @return the options
     */
    public static ConnectOptions defaults() {
        return DEFAULTS;
    }

    /**
     * The same with another local address.
     *
     * @param value where to connect from, or null
     * @return new options
     */
    public ConnectOptions withLocalAddress(@Nullable InetSocketAddress value) {
        return new ConnectOptions(value, reuseAddress, receiveBufferSize, sendBufferSize, options);
    }

    /**
     * The same with another {@code SO_REUSEADDR}.
     *
     * @param value whether the local address may be bound again at once
     * @return new options
     */
    public ConnectOptions withReuseAddress(boolean value) {
        return new ConnectOptions(localAddress, value, receiveBufferSize, sendBufferSize, options);
    }

    /**
     * The same with another receive buffer.
     *
     * @param bytes its size, 0 for the system's default
     * @return new options
     */
    public ConnectOptions withReceiveBufferSize(int bytes) {
        return new ConnectOptions(localAddress, reuseAddress, bytes, sendBufferSize, options);
    }

    /**
     * The same with another send buffer.
     *
     * @param bytes its size, 0 for the system's default
     * @return new options
     */
    public ConnectOptions withSendBufferSize(int bytes) {
        return new ConnectOptions(localAddress, reuseAddress, receiveBufferSize, bytes, options);
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
    public <T> ConnectOptions with(SocketOption<T> option, T value) {
        return new ConnectOptions(
                localAddress,
                reuseAddress,
                receiveBufferSize,
                sendBufferSize,
                Checks.with(options, option, value));
    }
}
