package cloud.avila.avx.net;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The half of a {@link SocketStream} that writes, see {@link SocketStream#split()}. For one thread.
 */
public final class WriteHalf implements AutoCloseable {
    private final SocketStream stream;
    private final AtomicInteger open;
    private final AtomicBoolean closed = new AtomicBoolean();

    WriteHalf(SocketStream stream, AtomicInteger open) {
        this.stream = stream;
        this.open = open;
    }

    /**
     * Writes what fits, waiting for room for the first byte, and moves the buffer's position.
     *
     * @param from the bytes
     * @return bytes written, at least 1 (0 if nothing remains in the buffer)
     * @throws SocketTimeoutException if there was no room within the connection's write timeout
     * @throws SocketClosedException if this half or the connection is closed
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     */
    public int write(ByteBuffer from) throws IOException, InterruptedException {
        checkOpen();
        return stream.write(from);
    }

    /**
     * Writes all that remains in the buffer; its position always tells how much is written.
     *
     * @param from the bytes
     * @throws SocketTimeoutException if there was no room within the connection's write timeout
     * @throws SocketClosedException if this half or the connection is closed
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     */
    public void writeAll(ByteBuffer from) throws IOException, InterruptedException {
        checkOpen();
        stream.writeAll(from);
    }

    private void checkOpen() throws SocketClosedException {
        if (closed.get()) {
            throw Checks.closed("write to", stream.remoteAddress());
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
     * Ends writing: the peer sees the end of the stream after all that was written. Closes the
     * connection if the other half is closed. Idempotent.
     *
     * @throws IOException if the system refuses
     */
    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            if (open.decrementAndGet() == 0) {
                stream.close();
            } else if (stream.isOpen()) {
                stream.shutdownOutput();
            }
        }
    }

    @Override
    public String toString() {
        return "WriteHalf[" + stream + "]";
    }
}
