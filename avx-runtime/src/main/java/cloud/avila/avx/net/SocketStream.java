package cloud.avila.avx.net;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Scope;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoFile;
import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.LeakDetector;

import org.jspecify.annotations.Nullable;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A connection, used in blocking style from fibers and from every other thread: a {@link TcpStream}
 * or a {@link UnixStream}.
 *
 * <p>One thread may read while another writes. A second one that reads, or writes, at the same time
 * gets an {@link IllegalStateException}: the pieces of two would mix in an order that nobody can
 * know. Everything else may be called by any thread at any time.
 *
 * <p>Direct buffers go to the system without a copy; arrays and heap buffers through a small native
 * one, at most 64 KiB a call.
 *
 * <p>Timeouts, interrupts and closing: see the package.
 */
public abstract sealed class SocketStream implements AutoCloseable permits TcpStream, UnixStream {
    private static final int COPY_BYTES = 16 << 10;
    private static final int FILE_BYTES = 64 << 10;

    final IoDriver driver;
    private final IoStream socket;
    private final Cleaner.Cleanable tracked;
    private volatile long readTimeoutNanos = IoDriver.FOREVER;
    private volatile long writeTimeoutNanos = IoDriver.FOREVER;

    SocketStream(IoDriver driver, IoStream socket) {
        this.driver = driver;
        this.socket = socket;
        this.tracked = LeakDetector.track(this, socket);
    }

    final long readTimeoutNanos() {
        return readTimeoutNanos;
    }

    final long writeTimeoutNanos() {
        return writeTimeoutNanos;
    }

    // ---- reading ----

    /**
     * Reads what is there, waiting for the first byte.
     *
     * @param to the array to fill
     * @return bytes read, at least 1 (0 for an empty array), or -1 at the end of the stream
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(byte[] to) throws IOException, InterruptedException {
        return read(to, 0, to.length);
    }

    /**
     * Reads what is there, waiting for the first byte.
     *
     * @param to the array to fill
     * @param offset where to begin
     * @param length most bytes to read
     * @return bytes read, at least 1 (0 if length is 0), or -1 at the end of the stream
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(byte[] to, int offset, int length) throws IOException, InterruptedException {
        Objects.checkFromIndexSize(offset, length, to.length);
        if (length == 0) {
            return 0;
        }
        long timeout = readTimeoutNanos;
        try {
            int count = socket.recv(to, offset, length, timeout);
            return count >= IoDriver.END_OF_STREAM ? count : readFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Reads what is there, waiting for the first byte, and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @return bytes read, at least 1 (0 if nothing remains in the buffer), or -1 at the end of the
     *     stream
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(ByteBuffer to) throws IOException, InterruptedException {
        if (!to.hasRemaining()) {
            return 0;
        }
        return read(to, readTimeoutNanos);
    }

    /**
     * Reads what is there, waiting a limited time for the first byte, and moves the buffer's
     * position.
     *
     * @param to the buffer to fill
     * @param timeout longest time to wait, in place of {@link #readTimeout()}; zero takes only what
     *     is there
     * @return bytes read, at least 1 (0 if nothing remains in the buffer), or -1 at the end of the
     *     stream
     * @throws SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(ByteBuffer to, Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        return to.hasRemaining() ? read(to, nanos) : 0;
    }

    private int read(ByteBuffer to, long timeout) throws IOException, InterruptedException {
        try {
            int count = socket.recv(to, timeout);
            return count >= IoDriver.END_OF_STREAM ? count : readFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private int readFailed(int result, long timeout) throws IOException {
        throw result == IoDriver.CLOSED
                ? Checks.closed("read from", remoteAddress())
                : Checks.timedOut("read from", remoteAddress(), timeout);
    }

    /**
     * Reads what is there into several buffers, one after the other, waiting for the first byte,
     * and moves their positions. At most 64 KiB at a time.
     *
     * @param to the buffers to fill
     * @return bytes read, at least 1 (0 if nothing remains in the buffers), or -1 at the end of the
     *     stream
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(ByteBuffer... to) throws IOException, InterruptedException {
        if (!anyRemaining(to)) {
            return 0;
        }
        long timeout = readTimeoutNanos;
        try {
            int count = socket.recv(to, timeout);
            return count >= IoDriver.END_OF_STREAM ? count : readFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private static boolean anyRemaining(ByteBuffer[] buffers) {
        for (ByteBuffer buffer : buffers) {
            if (buffer.hasRemaining()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Reads what is there, waiting for the first byte, moves the buffer's position, and leaves the
     * bytes to be read once more. At most 64 KiB.
     *
     * @param to the buffer to fill
     * @return bytes seen, at least 1 (0 if nothing remains in the buffer), or -1 at the end of the
     *     stream
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public int peek(ByteBuffer to) throws IOException, InterruptedException {
        if (!to.hasRemaining()) {
            return 0;
        }
        long timeout = readTimeoutNanos;
        try {
            int count = socket.peek(to, timeout);
            return count >= IoDriver.END_OF_STREAM ? count : readFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Waits until a read would not wait: there are bytes, the end of the stream or a failure. Does
     * not need a buffer, so that a connection that idles has none.
     *
     * @throws SocketTimeoutException if that did not happen within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void awaitReadable() throws IOException, InterruptedException {
        awaitReadable(readTimeoutNanos);
    }

    /**
     * Waits a limited time until a read would not wait.
     *
     * @param timeout longest time to wait, in place of {@link #readTimeout()}; zero only looks
     * @throws SocketTimeoutException if that did not happen in time
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void awaitReadable(Duration timeout) throws IOException, InterruptedException {
        awaitReadable(Checks.nanos(timeout));
    }

    private void awaitReadable(long timeout) throws IOException, InterruptedException {
        try {
            int result = socket.awaitReadable(timeout);
            if (result < IoDriver.END_OF_STREAM) {
                readFailed(result, timeout);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Waits until a write would not wait: there is room, or a failure.
     *
     * @throws SocketTimeoutException if that did not happen within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void awaitWritable() throws IOException, InterruptedException {
        awaitWritable(writeTimeoutNanos);
    }

    /**
     * Waits a limited time until a write would not wait.
     *
     * @param timeout longest time to wait, in place of {@link #writeTimeout()}; zero only looks
     * @throws SocketTimeoutException if that did not happen in time
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void awaitWritable(Duration timeout) throws IOException, InterruptedException {
        awaitWritable(Checks.nanos(timeout));
    }

    private void awaitWritable(long timeout) throws IOException, InterruptedException {
        try {
            int result = socket.awaitWritable(timeout);
            if (result < 0) {
                writeFailed(result, timeout);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks to be told once when a read would not wait: there are bytes, the end of the stream, a
     * failure, or the socket is closed.
     *
     * <p>If a read would not wait now, this says so and forgets the action; then {@link #tryRead}
     * until it returns 0, and ask again. Otherwise the action runs once. It runs on the thread that
     * waits for the system's events, which serves every connection: it must be short and must not
     * block, so let it hand the work on, for example with {@code handle.execute(task)}. What it
     * throws goes to that thread's handler of uncaught exceptions. It may run without cause.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if a read would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public boolean whenReadable(Runnable action) throws IOException {
        try {
            return Checks.ready(socket.whenReadable(Checks.guarded(action)), "read from", this);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks to be told once when a write would not wait: there is room, a failure, or the socket is
     * closed. As {@link #whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if a write would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public boolean whenWritable(Runnable action) throws IOException {
        try {
            return Checks.ready(socket.whenWritable(Checks.guarded(action)), "write to", this);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Forgets the actions of {@link #whenReadable} and {@link #whenWritable} that have not run.
     *
     * @throws IOException if the system refuses
     */
    public void forgetCallbacks() throws IOException {
        int unused = socket.whenReadable(null);
        unused = socket.whenWritable(null);
    }

    /**
     * How many bytes can be read without waiting.
     *
     * @return the number; 0 also at the end of the stream
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the system refuses
     */
    public int available() throws IOException {
        try {
            int count = socket.available();
            if (count < 0) {
                throw Checks.closed("read from", remoteAddress());
            }
            return count;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Reads what is there without waiting.
     *
     * @param to the buffer to fill
     * @return bytes read, 0 if there are none now, or -1 at the end of the stream
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws IllegalStateException if another thread is reading
     */
    public int tryRead(ByteBuffer to) throws IOException {
        if (!to.hasRemaining()) {
            return 0;
        }
        try {
            int count = socket.recv(to, 0);
            if (count == IoDriver.CLOSED) {
                throw Checks.closed("read from", remoteAddress());
            }
            return count == IoDriver.TIMED_OUT ? 0 : count;
        } catch (InterruptedException e) {
            throw new AssertionError("did not wait", e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Reads what is there into several buffers, one after the other, without waiting, and moves
     * their positions. At most 64 KiB at a time.
     *
     * @param to the buffers to fill
     * @return bytes read, 0 if there are none now, or -1 at the end of the stream
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws IllegalStateException if another thread is reading
     */
    public int tryRead(ByteBuffer... to) throws IOException {
        if (!anyRemaining(to)) {
            return 0;
        }
        try {
            int count = socket.recv(to, 0);
            if (count == IoDriver.CLOSED) {
                throw Checks.closed("read from", remoteAddress());
            }
            return count == IoDriver.TIMED_OUT ? 0 : count;
        } catch (InterruptedException e) {
            throw new AssertionError("did not wait", e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Reads until the array is full.
     *
     * @param to the array to fill
     * @throws EOFException if the stream ended before; the message has the count
     * @throws SocketTimeoutException if nothing came within the read timeout, which begins anew
     *     with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is read
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; the message tells how much is
     *     read (use a buffer to go on afterwards)
     * @throws IllegalStateException if another thread is reading
     */
    public void readFully(byte[] to) throws IOException, InterruptedException {
        readFully(ByteBuffer.wrap(to));
    }

    /**
     * Reads until the buffer is full; its position always tells how much is read.
     *
     * @param to the buffer to fill
     * @throws EOFException if the stream ended before; the message has the count
     * @throws SocketTimeoutException if nothing came within the read timeout, which begins anew
     *     with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is read
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void readFully(ByteBuffer to) throws IOException, InterruptedException {
        fill(to, null);
    }

    /**
     * Reads until the buffer is full, for a limited time in all; its position always tells how much
     * is read.
     *
     * @param to the buffer to fill
     * @param timeout longest time until it is full, more than zero; {@link #readTimeout()} does not
     *     count
     * @throws EOFException if the stream ended before; the message has the count
     * @throws SocketTimeoutException if it was not full in time; {@link
     *     SocketTimeoutException#bytesTransferred} tells how much is read
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void readFully(ByteBuffer to, Duration timeout)
            throws IOException, InterruptedException {
        fill(to, Limit.of(timeout));
    }

    private void fill(ByteBuffer to, @Nullable Limit limit)
            throws IOException, InterruptedException {
        int start = to.position();
        int wanted = to.remaining();
        try {
            while (to.hasRemaining()) {
                if (read(to, limit == null ? readTimeoutNanos : limit.left()) < 0) {
                    throw new EOFException(
                            "the stream from "
                                    + remoteAddress()
                                    + " ended after "
                                    + (to.position() - start)
                                    + " of "
                                    + wanted
                                    + " bytes");
                }
            }
        } catch (SocketTimeoutException e) {
            throw Limit.told(e, limit, "read from", remoteAddress(), to.position() - start);
        } catch (InterruptedException e) {
            throw interrupted(e, "read", to.position() - start, wanted);
        }
    }

    // ---- writing ----

    /**
     * Writes what fits, waiting for room for the first byte.
     *
     * @param from the bytes
     * @return bytes written, at least 1 (0 for an empty array); use {@link #writeAll(byte[])} to
     *     write all
     * @throws SocketTimeoutException if there was no room within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(byte[] from) throws IOException, InterruptedException {
        return write(from, 0, from.length);
    }

    /**
     * Writes what fits, waiting for room for the first byte.
     *
     * @param from the bytes
     * @param offset where to begin
     * @param length most bytes to write
     * @return bytes written, at least 1 (0 if length is 0)
     * @throws SocketTimeoutException if there was no room within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(byte[] from, int offset, int length) throws IOException, InterruptedException {
        Objects.checkFromIndexSize(offset, length, from.length);
        if (length == 0) {
            return 0;
        }
        long timeout = writeTimeoutNanos;
        try {
            int count = socket.send(from, offset, length, timeout);
            return count >= 0 ? count : writeFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes what fits, waiting for room for the first byte, and moves the buffer's position.
     *
     * @param from the bytes
     * @return bytes written, at least 1 (0 if nothing remains in the buffer)
     * @throws SocketTimeoutException if there was no room within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(ByteBuffer from) throws IOException, InterruptedException {
        if (!from.hasRemaining()) {
            return 0;
        }
        return write(from, writeTimeoutNanos);
    }

    /**
     * Writes what fits, waiting a limited time for room for the first byte, and moves the buffer's
     * position.
     *
     * @param from the bytes
     * @param timeout longest time to wait, in place of {@link #writeTimeout()}; zero does not wait
     * @return bytes written, at least 1 (0 if nothing remains in the buffer)
     * @throws SocketTimeoutException if there was no room in time
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(ByteBuffer from, Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        return from.hasRemaining() ? write(from, nanos) : 0;
    }

    private int write(ByteBuffer from, long timeout) throws IOException, InterruptedException {
        try {
            int count = socket.send(from, timeout);
            return count >= 0 ? count : writeFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes what fits of several buffers, one after the other, waiting for room for the first
     * byte, and moves their positions. At most 64 KiB at a time, in one piece.
     *
     * @param from the bytes
     * @return bytes written, at least 1 (0 if nothing remains in the buffers)
     * @throws SocketTimeoutException if there was no room within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(ByteBuffer... from) throws IOException, InterruptedException {
        if (!anyRemaining(from)) {
            return 0;
        }
        long timeout = writeTimeoutNanos;
        try {
            int count = socket.send(from, timeout);
            return count >= 0 ? count : writeFailed(count, timeout);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private int writeFailed(int result, long timeout) throws IOException {
        throw result == IoDriver.CLOSED
                ? Checks.closed("write to", remoteAddress())
                : Checks.timedOut("write to", remoteAddress(), timeout);
    }

    /**
     * Writes what fits without waiting.
     *
     * @param from the bytes
     * @return bytes written, 0 if there is no room now
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws IllegalStateException if another thread is writing
     */
    public int tryWrite(ByteBuffer from) throws IOException {
        if (!from.hasRemaining()) {
            return 0;
        }
        try {
            int count = socket.send(from, 0);
            if (count == IoDriver.CLOSED) {
                throw Checks.closed("write to", remoteAddress());
            }
            return Math.max(count, 0);
        } catch (InterruptedException e) {
            throw new AssertionError("did not wait", e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes what fits of several buffers, one after the other, without waiting, and moves their
     * positions. At most 64 KiB at a time, in one piece.
     *
     * @param from the bytes
     * @return bytes written, 0 if there is no room now
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws IllegalStateException if another thread is writing
     */
    public int tryWrite(ByteBuffer... from) throws IOException {
        if (!anyRemaining(from)) {
            return 0;
        }
        try {
            int count = socket.send(from, 0);
            if (count == IoDriver.CLOSED) {
                throw Checks.closed("write to", remoteAddress());
            }
            return Math.max(count, 0);
        } catch (InterruptedException e) {
            throw new AssertionError("did not wait", e);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes the whole array.
     *
     * @param from the bytes
     * @throws SocketTimeoutException if there was no room within the write timeout, which begins
     *     anew with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is
     *     written
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; the message tells how much is
     *     written (use a buffer to go on afterwards)
     * @throws IllegalStateException if another thread is writing
     */
    public void writeAll(byte[] from) throws IOException, InterruptedException {
        writeAll(from, 0, from.length);
    }

    /**
     * Writes a part of an array, all of it.
     *
     * @param from the bytes
     * @param offset where to begin
     * @param length bytes to write
     * @throws SocketTimeoutException if there was no room within the write timeout, which begins
     *     anew with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is
     *     written
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; the message tells how much is
     *     written (use a buffer to go on afterwards)
     * @throws IllegalStateException if another thread is writing
     */
    public void writeAll(byte[] from, int offset, int length)
            throws IOException, InterruptedException {
        int done = 0;
        try {
            do {
                done += write(from, offset + done, length - done);
            } while (done < length);
        } catch (SocketTimeoutException e) {
            e.bytesTransferred = done;
            throw e;
        } catch (InterruptedException e) {
            throw interrupted(e, "written", done, length);
        }
    }

    /**
     * Writes all that remains in the buffer; its position always tells how much is written.
     *
     * @param from the bytes
     * @throws SocketTimeoutException if there was no room within the write timeout, which begins
     *     anew with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is
     *     written
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void writeAll(ByteBuffer from) throws IOException, InterruptedException {
        empty(from, null);
    }

    /**
     * Writes all that remains in the buffer, in a limited time in all; its position always tells
     * how much is written.
     *
     * @param from the bytes
     * @param timeout longest time until all is written, more than zero; {@link #writeTimeout()}
     *     does not count
     * @throws SocketTimeoutException if it was not written in time; {@link
     *     SocketTimeoutException#bytesTransferred} tells how much is
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void writeAll(ByteBuffer from, Duration timeout)
            throws IOException, InterruptedException {
        empty(from, Limit.of(timeout));
    }

    private void empty(ByteBuffer from, @Nullable Limit limit)
            throws IOException, InterruptedException {
        int start = from.position();
        int wanted = from.remaining();
        try {
            while (from.hasRemaining()) {
                write(from, limit == null ? writeTimeoutNanos : limit.left());
            }
        } catch (SocketTimeoutException e) {
            throw Limit.told(e, limit, "write to", remoteAddress(), from.position() - start);
        } catch (InterruptedException e) {
            throw interrupted(e, "written", from.position() - start, wanted);
        }
    }

    private static InterruptedException interrupted(
            InterruptedException e, String verb, int done, int wanted) {
        if (done == 0) {
            return e;
        }
        var told =
                new InterruptedException(
                        "interrupted after " + done + " of " + wanted + " bytes were " + verb);
        told.initCause(e);
        return told;
    }

    /**
     * Copies what this connection receives to another one, which may be this one too, until the end
     * of the stream. Closes nothing and ends no output.
     *
     * @param to where to write
     * @return bytes copied
     * @throws SocketTimeoutException if a read or write timeout ran out
     * @throws SocketClosedException if one of the sockets is closed on this side
     * @throws IOException if one of the connections failed
     * @throws InterruptedException if the thread was interrupted; what was read last may not have
     *     been written
     * @throws IllegalStateException if another thread is reading here or writing there
     */
    public long copyTo(SocketStream to) throws IOException, InterruptedException {
        byte[] buffer = new byte[COPY_BYTES];
        long total = 0;
        for (int count = read(buffer); count >= 0; count = read(buffer)) {
            to.writeAll(buffer, 0, count);
            total += count;
        }
        return total;
    }

    /**
     * Copies both ways between two connections, as a proxy does, until both streams have ended. The
     * end of one is passed on ({@link #shutdownOutput()}) while the other goes on. Closes neither.
     * The directions run in two fibers of the current runtime.
     *
     * @param a one connection
     * @param b the other
     * @return how many bytes went which way
     * @throws IOException if a connection failed, or is closed on this side; the other direction
     *     has been stopped
     * @throws InterruptedException if the thread was interrupted; both directions have been
     *     stopped, and what was read last may not have been written
     * @throws IllegalStateException if no runtime is current on this thread, or another thread
     *     reads or writes one of them
     */
    public static Copied copyBidirectional(SocketStream a, SocketStream b)
            throws IOException, InterruptedException {
        try (var scope = Scope.open(Scope.<Long>failFast())) {
            JoinHandle<Long> there = scope.spawn(() -> copyAndEnd(a, b));
            JoinHandle<Long> back = scope.spawn(() -> copyAndEnd(b, a));
            scope.join();
            return new Copied(there.resultNow(), back.resultNow());
        } catch (CompletionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private static long copyAndEnd(SocketStream from, SocketStream to)
            throws IOException, InterruptedException {
        long count = from.copyTo(to);
        to.shutdownOutput();
        return count;
    }

    // ---- files ----

    /**
     * Writes a part of a file. Where the driver and the file allow it, the system copies it to the
     * connection itself ({@code sendfile}); else it passes through a buffer of this process. The
     * file is opened for this call. While the disk works, a fiber keeps its worker.
     *
     * @param file the file
     * @param position where in the file to begin, at least 0
     * @param count most bytes to write, at least 0
     * @return bytes written; fewer than {@code count} only if the file ends before
     * @throws java.nio.file.NoSuchFileException if there is no such file
     * @throws SocketTimeoutException if there was no room within the write timeout, which begins
     *     anew with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is
     *     written, up to the largest int
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed, or the file cannot be read
     * @throws InterruptedException if the thread was interrupted; the message tells how much is
     *     written
     * @throws IllegalStateException if another thread is writing
     */
    public long transferFrom(Path file, long position, long count)
            throws IOException, InterruptedException {
        Checks.range(position, count);
        try (IoFile opened = driver.openFile(file)) {
            return Checks.transfer(count, done -> sendPart(opened, position + done, count - done));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private int sendPart(IoFile file, long position, long count)
            throws IOException, InterruptedException {
        long timeout = writeTimeoutNanos;
        int sent = socket.send(file, position, count, timeout);
        return sent >= IoDriver.END_OF_STREAM ? sent : writeFailed(sent, timeout);
    }

    /**
     * Writes a part of an open file, through a buffer of this process: what a channel of the JDK
     * stands on cannot be had, so the system cannot copy it itself as with {@link
     * #transferFrom(Path, long, long)}. While the disk works, a fiber keeps its worker.
     *
     * @param file the file, open for reading; its position does not matter and does not change
     * @param position where in the file to begin, at least 0
     * @param count most bytes to write, at least 0
     * @return bytes written; fewer than {@code count} only if the file ends before
     * @throws SocketTimeoutException as {@link #transferFrom(Path, long, long)}
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed, or the file cannot be read
     * @throws InterruptedException if the thread was interrupted; the message tells how much is
     *     written
     * @throws IllegalStateException if another thread is writing
     */
    public long transferFrom(FileChannel file, long position, long count)
            throws IOException, InterruptedException {
        Checks.range(position, count);
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(count, FILE_BYTES)).limit(0);
        return Checks.transfer(
                count,
                done -> {
                    if (!buffer.hasRemaining()) {
                        buffer.clear().limit((int) Math.min(count - done, buffer.capacity()));
                        int read = file.read(buffer, position + done);
                        buffer.flip();
                        if (read < 0) {
                            return IoDriver.END_OF_STREAM;
                        }
                    }
                    return write(buffer);
                });
    }

    /**
     * Reads into a part of an open file, until so much has come or the stream ends. While the disk
     * works, a fiber keeps its worker.
     *
     * @param file the file, open for writing; its position does not matter and does not change
     * @param position where in the file to begin, at least 0
     * @param count most bytes to read, at least 0
     * @return bytes read; fewer than {@code count} only if the stream ended before
     * @throws SocketTimeoutException if nothing came within the read timeout, which begins anew
     *     with every piece; {@link SocketTimeoutException#bytesTransferred} tells how much is in
     *     the file, up to the largest int
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed, or the file cannot be written; what was read
     *     last may not be in the file then
     * @throws InterruptedException if the thread was interrupted; the message tells how much is in
     *     the file
     * @throws IllegalStateException if another thread is reading
     */
    public long transferTo(FileChannel file, long position, long count)
            throws IOException, InterruptedException {
        Checks.range(position, count);
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(count, FILE_BYTES));
        return Checks.transfer(
                count,
                done -> {
                    buffer.clear().limit((int) Math.min(count - done, buffer.capacity()));
                    int read = read(buffer);
                    buffer.flip();
                    for (long at = position + done; buffer.hasRemaining(); ) {
                        at += file.write(buffer, at);
                    }
                    return read;
                });
    }

    /**
     * How many bytes were copied.
     *
     * @param there from the first connection to the second
     * @param back from the second to the first
     */
    public record Copied(long there, long back) {}

    // ---- halves and views ----

    /**
     * Splits the connection into halves, to be passed to a reader and a writer. The connection
     * stays usable, but is to be left to them: once both are closed, it is closed.
     *
     * @return the halves
     */
    public Halves split() {
        var open = new AtomicInteger(2);
        return new Halves(new ReadHalf(this, open), new WriteHalf(this, open));
    }

    /**
     * The halves of a connection.
     *
     * @param reader the half that reads
     * @param writer the half that writes
     */
    public record Halves(ReadHalf reader, WriteHalf writer) {}

    /**
     * A view for code that works on channels. Closing it closes the connection. An interrupt closes
     * it, too, as with the JDK's channels, and is a {@link
     * java.nio.channels.ClosedByInterruptException}.
     *
     * @return a new view, also a {@link java.nio.channels.ScatteringByteChannel} and a {@link
     *     java.nio.channels.GatheringByteChannel}
     */
    public ByteChannel asByteChannel() {
        return new ChannelView(this);
    }

    // ---- streams ----

    /**
     * A view for code that reads from streams. Closing it closes the connection. Where {@link
     * #read(byte[])} throws an {@link InterruptedException} it throws an {@link
     * java.io.InterruptedIOException} and leaves the thread interrupted.
     *
     * @return a new view, not buffered
     */
    public InputStream inputStream() {
        return new StreamViews.Input(this);
    }

    /**
     * A view for code that writes to streams. Every write writes all. Closing it closes the
     * connection. Where {@link #write(byte[])} throws an {@link InterruptedException} it throws an
     * {@link java.io.InterruptedIOException} and leaves the thread interrupted.
     *
     * @return a new view, not buffered
     */
    public OutputStream outputStream() {
        return new StreamViews.Output(this);
    }

    // ---- settings ----

    /**
     * Limits how long a read waits for the next bytes. For reads that begin from now on.
     *
     * @param timeout longest time to wait; zero for no limit, which is the default
     * @return this
     */
    public SocketStream readTimeout(Duration timeout) {
        readTimeoutNanos = Checks.nanosOrForever(timeout);
        return this;
    }

    /**
     * The limit of reads.
     *
     * @return the longest time a read waits, zero if there is no limit
     */
    public Duration readTimeout() {
        return Checks.duration(readTimeoutNanos);
    }

    /**
     * Limits how long a write waits for room. For writes that begin from now on.
     *
     * @param timeout longest time to wait; zero for no limit, which is the default
     * @return this
     */
    public SocketStream writeTimeout(Duration timeout) {
        writeTimeoutNanos = Checks.nanosOrForever(timeout);
        return this;
    }

    /**
     * The limit of writes.
     *
     * @return the longest time a write waits, zero if there is no limit
     */
    public Duration writeTimeout() {
        return Checks.duration(writeTimeoutNanos);
    }

    /**
     * Sets an option.
     *
     * @param option one of {@link #supportedOptions()}
     * @param value its value
     * @param <T> the type of the value
     * @return this
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if a connection does not have the option
     */
    public <T> SocketStream setOption(SocketOption<T> option, T value) throws IOException {
        if (!socket.setOption(option, value)) {
            throw Checks.closed("setting " + option.name() + " of connection to", remoteAddress());
        }
        return this;
    }

    /**
     * Reads an option.
     *
     * @param option one of {@link #supportedOptions()}
     * @param <T> the type of the value
     * @return its value; sizes of buffers as the system accounts them, which may be double
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if a connection does not have the option
     */
    public <T> T getOption(SocketOption<T> option) throws IOException {
        return socket.getOption(option);
    }

    /**
     * The options of this connection.
     *
     * @return some of {@link java.net.StandardSocketOptions} and {@link SocketOptions}
     */
    public Set<SocketOption<?>> supportedOptions() {
        return socket.supportedOptions();
    }

    /**
     * The address of this end.
     *
     * @return the address
     */
    public abstract SocketAddress localAddress();

    /**
     * The address of the other end.
     *
     * @return the address, also after closing
     */
    public abstract SocketAddress remoteAddress();

    // ---- ending ----

    /**
     * Ends reading: this and every later read sees the end of the stream, data on its way is
     * discarded. Writing goes on.
     *
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses
     */
    public void shutdownInput() throws IOException {
        if (!socket.shutdownInput()) {
            throw Checks.closed("shutting down input from", remoteAddress());
        }
    }

    /**
     * Ends writing: the peer sees the end of the stream after all that was written. Reading goes
     * on.
     *
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses
     */
    public void shutdownOutput() throws IOException {
        if (!socket.shutdownOutput()) {
            throw Checks.closed("shutting down output to", remoteAddress());
        }
    }

    /**
     * Whether it is open on this side.
     *
     * @return false after closing, or after the end of the runtime; a peer that has gone does not
     *     make it false
     */
    public boolean isOpen() {
        return socket.isOpen();
    }

    /**
     * Closes the connection. What was written is still sent by the system, which goes on in the
     * background; but if the peer sends, or has sent, something that nobody has read, the system
     * answers with a reset. To be sure that the peer gets all, end with {@link #shutdownOutput()}
     * and read to the end of the stream first. Threads that wait in this connection get a {@link
     * SocketClosedException}. Idempotent, does not wait.
     */
    @Override
    public void close() {
        socket.close();
        tracked.clean();
    }

    /**
     * Closes the connection with a reset: what was written and not yet sent is discarded, and the
     * peer sees an error. Otherwise as {@link #close()}.
     */
    public void closeAbortively() {
        socket.closeAbortively();
        tracked.clean();
    }

    /**
     * Closes the connection so that the peer gets all that was written: ends writing, reads and
     * discards what the peer still sends until it ends its side, and closes. Closes in any case.
     *
     * @param timeout longest time to wait for the peer, more than zero
     * @return true if the peer has ended its side; false if it did not in time, or the connection
     *     broke or was closed meanwhile, so that it is not known whether it got all
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public boolean closeGracefully(Duration timeout) throws InterruptedException {
        Limit limit = Limit.of(timeout);
        try {
            shutdownOutput();
            ByteBuffer discarded = ByteBuffer.allocate(COPY_BYTES);
            int count;
            do {
                count = read(discarded.clear(), limit.left());
            } while (count >= 0);
            return true;
        } catch (IOException _) {
            return false; // told by the result
        } finally {
            close();
        }
    }
}
