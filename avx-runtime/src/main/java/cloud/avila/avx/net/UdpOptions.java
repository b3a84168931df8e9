package cloud.avila.avx.net;

import java.net.SocketOption;
import java.util.Map;

/**
 * Options of a {@link UdpSocket} that are fixed when it is opened.
 *
 * @param reuseAddress whether other sockets may bind the same port and then receive in our place
 *     ({@code SO_REUSEADDR})
 * @param reusePort whether several sockets may share the port, among which the system spreads
 *     senders ({@code SO_REUSEPORT})
 * @param receiveBufferSize size of the receive buffer in bytes, 0 for the system's default ({@code
 *     SO_RCVBUF}); datagrams that find it full are lost
 * @param sendBufferSize size of the send buffer in bytes, 0 for the system's default ({@code
 *     SO_SNDBUF})
 * @param broadcast whether it may send to broadcast addresses ({@code SO_BROADCAST})
 * @param options other options to set before it is bound; see {@link #with}
 */
public record UdpOptions(
        boolean reuseAddress,
        boolean reusePort,
        int receiveBufferSize,
        int sendBufferSize,
        boolean broadcast,
        Map<SocketOption<?>, Object> options) {
    private static final UdpOptions DEFAULTS = new UdpOptions(false, false, 0, 0, false, Map.of());

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if a buffer size is negative
     */
    public UdpOptions {
        options = Map.copyOf(options);
        Checks.bufferSize("receiveBufferSize", receiveBufferSize);
        Checks.bufferSize("sendBufferSize", sendBufferSize);
    }

    /**
     * The defaults: everything off, buffers of the system's size.
     *
     * @return the options
     */
    public static UdpOptions defaults() {
        return DEFAULTS;
    }

    /**
     * The same with another {@code SO_REUSEADDR}.
     *
     * @param value whether others may bind the same port
     * @return new options
     */
    public UdpOptions withReuseAddress(boolean value) {
        return new UdpOptions(
                value, reusePort, receiveBufferSize, sendBufferSize, broadcast, options);
    }

    /**
     * The same with another {@code SO_REUSEPORT}.
     *
     * @param value whether sockets may share the port
     * @return new options
     */
    public UdpOptions withReusePort(boolean value) {
        return new UdpOptions(
                reuseAddress, value, receiveBufferSize, sendBufferSize, broadcast, options);
    }

    /**
     * The same with another receive buffer.
     *
     * @param bytes its size, 0 for the system's default
     * @return new options
     */
    public UdpOptions withReceiveBufferSize(int bytes) {
        return new UdpOptions(reuseAddress, reusePort, bytes, sendBufferSize, broadcast, options);
    }

    /**
     * The same with another send buffer.
     *
     * @param bytes its size, 0 for the system's default
     * @return new options
     */
    public UdpOptions withSendBufferSize(int bytes) {
        return new UdpOptions(
                reuseAddress, reusePort, receiveBufferSize, bytes, broadcast, options);
    }

    /**
     * The same with another {@code SO_BROADCAST}.
     *
     * @param value whether it may send to broadcast addresses
     * @return new options
     */
    public UdpOptions withBroadcast(boolean value) {
        return new UdpOptions(
                reuseAddress, reusePort, receiveBufferSize, sendBufferSize, value, options);
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
    public <T> UdpOptions with(SocketOption<T> option, T value) {
        return new UdpOptions(
                reuseAddress,
                reusePort,
                receiveBufferSize,
                sendBufferSize,
                broadcast,
                Checks.with(options, option, value));
    }
}
