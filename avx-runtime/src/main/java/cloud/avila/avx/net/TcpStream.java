package cloud.avila.avx.net;

import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.Scope;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.reactor.LeakDetector;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A TCP connection, used in blocking style from fibers and from every other thread.
 *
 * <p>One thread may read while another writes. A second one that reads, or writes, at the same time
 * gets an {@link IllegalStateException}: the pieces of two would mix in an order that nobody can
 * know. Everything else may be called by any thread at any time.
 *
 * <p>{@code TCP_NODELAY} is on. Direct buffers go to the system without a copy; arrays and heap
 * buffers through a small native one, at most 64 KiB a call.
 *
 * <p>Timeouts, interrupts and closing: see the package.
 */
public final class TcpStream implements AutoCloseable {
    private static final int COPY_BYTES = 16 << 10;

    private final IoStream socket;
    private final Cleaner.Cleanable tracked;
    private volatile long readTimeoutNanos = IoDriver.FOREVER;
    private volatile long writeTimeoutNanos = IoDriver.FOREVER;

    TcpStream(IoStream socket) {
        this.socket = socket;
        this.tracked = LeakDetector.track(this, socket);
    }

    // ---- connecting ----

    /**
     * Connects to a host, trying its addresses one after the other.
     *
     * @param host a literal address or a host name
     * @param port the port, 1 to 65535
     * @return the connection
     * @throws java.net.UnknownHostException if the name has no address
     * @throws java.net.ConnectException if every address refused or did not answer; the failures of
     *     the others are suppressed in that of the last one
     * @throws IOException if it failed otherwise
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpStream connect(String host, int port)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), host, port, IoDriver.FOREVER);
    }

    /**
     * Connects to a host within a limited time, trying its addresses one after the other. Each
     * address gets an equal share of the time that is left.
     *
     * @param host a literal address or a host name
     * @param port the port, 1 to 65535
     * @param timeout longest time to wait, more than zero; looking up the name counts
     * @return the connection
     * @throws java.net.UnknownHostException if the name has no address
     * @throws SocketTimeoutException if the last address did not answer in time
     * @throws java.net.ConnectException if the last address refused; the failures of the others are
     *     suppressed in it
     * @throws IOException if it failed otherwise
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpStream connect(String host, int port, Duration timeout)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), host, port, connectNanos(timeout));
    }

    /**
     * Connects to an address.
     *
     * @param remote a resolved address
     * @return the connection
     * @throws java.net.ConnectException if it was refused or not answered
     * @throws IOException if it failed otherwise
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpStream connect(InetSocketAddress remote)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), Checks.resolved(remote), IoDriver.FOREVER);
    }

    /**
     * Connects to an address within a limited time.
     *
     * @param remote a resolved address
     * @param timeout longest time to wait, more than zero
     * @return the connection
     * @throws SocketTimeoutException if it was not answered in time
     * @throws java.net.ConnectException if it was refused
     * @throws IOException if it failed otherwise
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpStream connect(InetSocketAddress remote, Duration timeout)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), Checks.resolved(remote), connectNanos(timeout));
    }

    /**
     * Connects to an address within a limited time, with options that are set beforehand.
     *
     * @param remote a resolved address
     * @param options where to connect from, sizes of buffers
     * @param timeout longest time to wait, more than zero
     * @return the connection
     * @throws SocketTimeoutException if it was not answered in time
     * @throws java.net.ConnectException if it was refused
     * @throws java.net.BindException if the local address cannot be had
     * @throws IOException if it failed otherwise
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpStream connect(
            InetSocketAddress remote, ConnectOptions options, Duration timeout)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), Checks.resolved(remote), options, connectNanos(timeout));
    }

    private static long connectNanos(Duration timeout) {
        if (timeout.isZero()) {
            throw new IllegalArgumentException("timeout must be more than zero");
        }
        return Checks.nanos(timeout);
    }

    static TcpStream connect(IoDriver driver, String host, int port, long timeoutNanos)
            throws IOException, InterruptedException {
        long start = System.nanoTime();
        InetAddress[] addresses = Runtimes.resolve(host);
        IOException failure = null;
        for (int i = 0; i < addresses.length; i++) {
            long share = IoDriver.FOREVER;
            if (timeoutNanos >= 0) {
                long left = timeoutNanos - (System.nanoTime() - start);
                share = Math.max(left / (addresses.length - i), 1);
            }
            try {
                return connect(
                        driver, new InetSocketAddress(addresses[i], Checks.port(port)), share);
            } catch (IOException e) {
                if (failure != null) {
                    e.addSuppressed(failure);
                }
                failure = e;
            }
        }
        throw failure == null ? new UnknownHostException(host) : failure;
    }

    static TcpStream connect(IoDriver driver, InetSocketAddress remote, long timeoutNanos)
            throws IOException, InterruptedException {
        return connect(driver, remote, ConnectOptions.defaults(), timeoutNanos);
    }

    static TcpStream connect(
            IoDriver driver, InetSocketAddress remote, ConnectOptions options, long timeoutNanos)
            throws IOException, InterruptedException {
        var settings =
                new IoDriver.ConnectSettings(
                        options.localAddress(),
                        options.reuseAddress(),
                        options.receiveBufferSize(),
                        options.sendBufferSize());
        IoStream socket = driver.connect(remote, settings, timeoutNanos);
        if (socket == null) {
            throw Checks.timedOut("connect to", remote, timeoutNanos);
        }
        return new TcpStream(socket);
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
        long timeout = readTimeoutNanos;
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
        long timeout = readTimeoutNanos;
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
        long timeout = writeTimeoutNanos;
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
        int start = to.position();
        int wanted = to.remaining();
        try {
            while (to.hasRemaining()) {
                if (read(to) < 0) {
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
            e.bytesTransferred = to.position() - start;
            throw e;
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
        long timeout = writeTimeoutNanos;
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
        int start = from.position();
        int wanted = from.remaining();
        try {
            while (from.hasRemaining()) {
                write(from);
            }
        } catch (SocketTimeoutException e) {
            e.bytesTransferred = from.position() - start;
            throw e;
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
    public long copyTo(TcpStream to) throws IOException, InterruptedException {
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
    public static Copied copyBidirectional(TcpStream a, TcpStream b)
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

    private static long copyAndEnd(TcpStream from, TcpStream to)
            throws IOException, InterruptedException {
        long count = from.copyTo(to);
        to.shutdownOutput();
        return count;
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
    public TcpStream readTimeout(Duration timeout) {
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
    public TcpStream writeTimeout(Duration timeout) {
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
     * Chooses between low delay and few packets ({@code TCP_NODELAY}).
     *
     * @param on true to send small pieces at once, which is the default; false to collect them
     * @return this
     * @throws IOException if the socket is closed or the system refuses
     */
    public TcpStream tcpNoDelay(boolean on) throws IOException {
        return setOption(StandardSocketOptions.TCP_NODELAY, on);
    }

    /**
     * Lets the system probe an idle connection, so that a peer that has vanished is noticed ({@code
     * SO_KEEPALIVE}).
     *
     * @param on whether to probe; off by default
     * @return this
     * @throws IOException if the socket is closed or the system refuses
     */
    public TcpStream keepAlive(boolean on) throws IOException {
        return setOption(StandardSocketOptions.SO_KEEPALIVE, on);
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
    public <T> TcpStream setOption(SocketOption<T> option, T value) throws IOException {
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
     * The options of connections.
     *
     * @return some of {@link StandardSocketOptions}
     */
    public Set<SocketOption<?>> supportedOptions() {
        return socket.supportedOptions();
    }

    /**
     * The address of this end.
     *
     * @return the address; the wildcard if it was never asked for before the socket was closed
     */
    public InetSocketAddress localAddress() {
        return socket.localAddress();
    }

    /**
     * The address of the other end.
     *
     * @return the address, also after closing
     */
    public InetSocketAddress remoteAddress() {
        return socket.remoteAddress();
    }

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

    @Override
    public String toString() {
        return "TcpStream[" + remoteAddress() + (isOpen() ? "]" : ", closed]");
    }
}
