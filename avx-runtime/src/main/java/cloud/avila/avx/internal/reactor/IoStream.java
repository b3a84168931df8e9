package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * A connection. One thread may receive while another sends; a second one that tries the same
 * direction gets an {@link IllegalStateException}.
 */
public interface IoStream extends IoSocket {
    /**
     * The address of the other end.
     *
     * @return the address, known also after closing
     */
    InetSocketAddress remoteAddress();

    /**
     * Receives what is there, at least one byte.
     *
     * @param to the array that receives
     * @param offset where it begins
     * @param length most bytes, at least 1
     * @param timeoutNanos longest time to wait
     * @return the bytes received, {@link IoDriver#END_OF_STREAM}, {@link IoDriver#TIMED_OUT} or
     *     {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Receives what is there, at least one byte, and moves the buffer's position.
     *
     * @param to the buffer that receives, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes received, {@link IoDriver#END_OF_STREAM}, {@link IoDriver#TIMED_OUT} or
     *     {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    int recv(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Receives what is there, at least one byte, into several buffers, and moves their positions.
     *
     * @param to the buffers that receive, filled one after the other, with at least one byte
     *     remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes received, {@link IoDriver#END_OF_STREAM}, {@link IoDriver#TIMED_OUT} or
     *     {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    int recv(ByteBuffer[] to, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Looks at what is there, at least one byte, without taking it, and moves the buffer's
     * position.
     *
     * @param to the buffer that receives, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes seen, {@link IoDriver#END_OF_STREAM}, {@link IoDriver#TIMED_OUT} or {@link
     *     IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     */
    int peek(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Waits until receiving would not wait: there is data, the end of the stream or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, {@link IoDriver#END_OF_STREAM} if receiving was shut down on this side, {@link
     *     IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    int awaitReadable(long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Waits until sending would not wait: there is room, or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    int awaitWritable(long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Sends what fits, at least one byte, from several buffers, and moves their positions.
     *
     * @param from the buffers to send, one after the other, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    int send(ByteBuffer[] from, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Sends what fits, at least one byte.
     *
     * @param from the array to send from
     * @param offset where it begins
     * @param length most bytes, at least 1
     * @param timeoutNanos longest time to wait
     * @return the bytes sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Sends what fits, at least one byte, and moves the buffer's position.
     *
     * @param from the buffer to send, with at least one byte remaining
     * @param timeoutNanos longest time to wait
     * @return the bytes sent, {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    int send(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException;

    /**
     * Sends what fits of a file, at least one byte unless the file ends before the position. By
     * default through a buffer of this process; a driver with {@link IoCapability#SEND_FILE} lets
     * the system do it.
     *
     * @param file the file, opened by {@link IoDriver#openFile} of the same driver
     * @param position where in the file to begin
     * @param count most bytes, at least 1
     * @param timeoutNanos longest time to wait for room
     * @return the bytes sent, at most 2 GiB; {@link IoDriver#END_OF_STREAM} if the file ends at or
     *     before the position; {@link IoDriver#TIMED_OUT} or {@link IoDriver#CLOSED}
     * @throws IOException if the connection or reading failed
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    default int send(IoFile file, long position, long count, long timeoutNanos)
            throws IOException, InterruptedException {
        ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(count, 64 << 10));
        int read = file.read(chunk, position);
        return read <= 0 ? IoDriver.END_OF_STREAM : send(chunk.flip(), timeoutNanos);
    }

    /**
     * How many bytes can be received without waiting.
     *
     * @return the number, or {@link IoDriver#CLOSED}
     * @throws IOException if the system refuses
     */
    int available() throws IOException;

    /**
     * Ends receiving: a thread that waits for data, and every later one, sees the end of the
     * stream.
     *
     * @return whether it was done; false if the socket is closed
     * @throws IOException if the system refuses
     */
    boolean shutdownInput() throws IOException;

    /**
     * Ends sending: the peer sees the end of the stream after what was sent.
     *
     * @return whether it was done; false if the socket is closed
     * @throws IOException if the system refuses
     */
    boolean shutdownOutput() throws IOException;

    /** Closes with a reset: what the system has not sent yet is discarded. Idempotent. */
    void closeAbortively();
}
