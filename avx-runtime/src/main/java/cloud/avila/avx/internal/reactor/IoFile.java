package cloud.avila.avx.internal.reactor;

import java.io.IOException;
import java.nio.ByteBuffer;

/** A file, opened to be sent. Any number of threads may use it. */
public interface IoFile extends AutoCloseable {
    /**
     * Its size now.
     *
     * @return bytes
     * @throws IOException if it is closed or the system refuses
     */
    long size() throws IOException;

    /**
     * Reads at a position and moves the buffer's. May occupy the thread while the disk works.
     *
     * @param to the buffer, with at least one byte remaining
     * @param position where in the file, at least 0
     * @return the bytes read, or {@link IoDriver#END_OF_STREAM} at or behind its end
     * @throws IOException if it is closed or reading failed
     */
    int read(ByteBuffer to, long position) throws IOException;

    /** Closes the file when the last operation has left it. Idempotent. */
    @Override
    void close() throws IOException;
}
