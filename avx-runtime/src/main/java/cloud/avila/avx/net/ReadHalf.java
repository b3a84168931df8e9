package cloud.avila.avx.net;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The half of a {@link SocketStream} that reads, see {@link SocketStream#split()}. For one thread.
 */
public final class ReadHalf implements AutoCloseable {
    private final SocketStream stream;
    private final AtomicInteger open;
    private final AtomicBoolean closed = new AtomicBoolean();

    ReadHalf(SocketStream stream, AtomicInteger open) {
        this.stream = stream;
        this.open = open;
    }

    /**
     * Reads what is there, waiting for the first byte, and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @return bytes read, at least 1 (0 if nothing remains in the buffer), or -1 at the end of the
     *     stream
     * @throws SocketTimeoutException if nothing came within the connection's read timeout
     * @throws SocketClosedException if this half or the connection is closed
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     */
    public int read(ByteBuffer to) throws IOException, InterruptedException {
        checkOpen();
        return stream.read(to);
    }

    /**
     * Fills the buffer.
     *
     * @param to the buffer
     * @throws java.io.EOFException if the stream ends before
     * @throws SocketTimeoutException if nothing came within the connection's read timeout
     * @throws SocketClosedException if this half or the connection is closed
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; the buffer's position tells how
     *     far it got
     */
    public void readFully(ByteBuffer to) throws IOException, InterruptedException {
        checkOpen();
        stream.readFully(to);
    }

    /**
     * Looks at what is there without taking it, see {@link SocketStream#peek}.
     *
     * @param to the buffer to fill
     * @return bytes seen, or -1 at the end of the stream
     * @throws SocketTimeoutException if nothing came within the connection's read timeout
     * @throws SocketClosedException if this half or the connection is closed
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     */
    public int peek(ByteBuffer to) throws IOException, InterruptedException {
        checkOpen();
        return stream.peek(to);
    }

    private void checkOpen() throws SocketClosedException {
        if (closed.get()) {
            throw Checks.closed("read from", stream.remoteAddress());
        }
    }

    /**
     * The address of the other end.
     *
     * @return the address
     */
    public SocketAddress remoteAddress() {
        return stream.remoteAddress();
    }

    /**
     * Ends reading: a thread that waits here sees the end of the stream, data on its way is
     * discarded. Closes the connection if the other half is closed. Idempotent.
     *
     * @throws IOException if the system refuses
     */
    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            if (open.decrementAndGet() == 0) {
                stream.close();
            } else if (stream.isOpen()) {
                stream.shutdownInput();
            }
        }
    }

    @Override
    public String toString() {
        return "ReadHalf[" + stream + "]";
    }
}
