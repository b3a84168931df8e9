package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.Set;

/** What every socket of a driver can do. Thread-safe. */
public interface IoSocket extends AutoCloseable {
    /**
     * The address of this end.
     *
     * @return the address, known also after closing
     */
    InetSocketAddress localAddress();

    /**
     * Sets an option.
     *
     * @param option one of {@link #supportedOptions()}
     * @param value its value
     * @param <T> the type of the value
     * @return whether it was set; false if the socket is closed
     * @throws IOException if the system refuses
     * @throws UnsupportedOperationException if this socket does not have the option
     */
    <T> boolean setOption(SocketOption<T> option, T value) throws IOException;

    /**
     * Reads an option.
     *
     * @param option one of {@link #supportedOptions()}
     * @param <T> the type of the value
     * @return its value
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if this socket does not have the option
     */
    <T> T getOption(SocketOption<T> option) throws IOException;

    /**
     * The options this socket has.
     *
     * @return the options
     */
    Set<SocketOption<?>> supportedOptions();

    /**
     * Whether it is not closed yet.
     *
     * @return whether it is open
     */
    boolean isOpen();

    /**
     * Closes the socket at once, and wakes whoever waits in it with {@link IoDriver#CLOSED}. The
     * number of the descriptor is released when the last operation has left it. Idempotent.
     */
    @Override
    void close();
}
