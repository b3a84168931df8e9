package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.Set;

/**
 * A descriptor that somebody else has opened (a pipe, an eventfd, a timerfd, a character device, a
 * socket of a protocol unknown here), made non-blocking. One thread may wait to read while another
 * waits to write.
 */
public interface IoDescriptor extends IoSocket {
    /**
     * The number of the descriptor.
     *
     * @return the number
     */
    int number();

    /**
     * Waits until reading would not wait: there is data, an end or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    int awaitReadable(long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Waits until writing would not wait: there is room, or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    int awaitWritable(long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Reads what is there with {@code read(2)} and moves the buffer's position.
     *
     * @param to the buffer, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes read, {@link IoDriver#END_OF_STREAM}, {@link IoDriver#TIMED_OUT} or {@link
     *     IoDriver#CLOSED}
     * @throws IOException if reading failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    int read(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Writes what fits with {@code write(2)} and moves the buffer's position.
     *
     * @param from the buffer, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes written, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if writing failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     */
    int write(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException;

    /** A descriptor has no address. */
    @Override
    default InetSocketAddress localAddress() {
        throw new UnsupportedOperationException(this + " has no address");
    }

    /** A descriptor has no options here. */
    @Override
    default <T> boolean setOption(SocketOption<T> option, T value) throws IOException {
        throw new UnsupportedOperationException(this + " has no option " + option.name());
    }

    /** A descriptor has no options here. */
    @Override
    default <T> T getOption(SocketOption<T> option) throws IOException {
        throw new UnsupportedOperationException(this + " has no option " + option.name());
    }

    /** A descriptor has no options here. */
    @Override
    default Set<SocketOption<?>> supportedOptions() {
        return Set.of();
    }

    /**
     * Ends watching at once and wakes whoever waits with {@link IoDriver#CLOSED}; closes the
     * descriptor if it is owned. Idempotent.
     */
    @Override
    void close();
}
