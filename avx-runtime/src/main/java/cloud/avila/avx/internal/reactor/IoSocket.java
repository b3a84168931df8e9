package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.Set;

/** What every socket of a driver can do. Thread-safe. */
public interface IoSocket extends IoResource {
    /**
     * The internet address of this end.
     *
     * @return the address, known also after closing
     * @throws UnsupportedOperationException if it is no internet socket
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
     * Asks to be told once when receiving (or accepting) would not wait. It may be called by any
     * thread, beside threads that wait.
     *
     * <p>If that is so already, the action is not kept and will not run: so an action that tries
     * again and asks again cannot recurse. Otherwise it runs once, on the thread that polls, when
     * there may be something: data, a connection, the end, an error, or {@link #close()} (then on
     * the closing thread). It must be short, must not block and must not throw. It may run without
     * cause.
     *
     * @param action what to run; takes the place of the one kept before, which will not run; null
     *     forgets that one and keeps none
     * @return 0 if receiving would not wait now; {@link IoDriver#TIMED_OUT} if the action is kept
     *     (or has run in the meantime); {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver lacks {@link
     *     IoCapability#READINESS_CALLBACKS}
     */
    default int whenReadable(@Nullable Runnable action) throws IOException {
        throw new UnsupportedOperationException(this + " has no readiness callbacks");
    }

    /**
     * The same for sending.
     *
     * @param action what to run; null forgets the one before
     * @return 0 if sending would not wait now, {@link IoDriver#TIMED_OUT} if the action is kept, or
     *     {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver lacks {@link
     *     IoCapability#READINESS_CALLBACKS}
     */
    default int whenWritable(@Nullable Runnable action) throws IOException {
        throw new UnsupportedOperationException(this + " has no readiness callbacks");
    }

    /**
     * Closes the socket at once, and wakes whoever waits in it with {@link IoDriver#CLOSED}. The
     * number of the descriptor is released when the last operation has left it. Idempotent.
     */
    @Override
    void close();
}
