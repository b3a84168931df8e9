package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDescriptor;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.LeakDetector;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;

/**
 * Waits for any descriptor that the system can poll, which native code has opened or a peer has
 * sent: a pipe, an eventfd, a timerfd, an inotify instance, a character device, a socket of another
 * protocol. Regular files cannot be polled and are refused.
 *
 * <p>Watching makes the descriptor non-blocking ({@code O_NONBLOCK}), which other processes and
 * descriptors that share its open file notice, too: think twice before watching standard input.
 *
 * <p>Who owns it: after {@link #owning} this object, and closing it closes the descriptor; after
 * {@link #of} the caller, who must close this object first and the descriptor after that. Otherwise
 * the number may already mean another file when this object still uses it.
 *
 * <p>One thread may read or wait to read while another writes or waits to write; a second one in
 * the same direction gets an {@link IllegalStateException}. Timeouts, interrupts and closing: see
 * the package.
 */
public final class AsyncFd implements AutoCloseable {
    private final IoDescriptor socket;
    private final Cleaner.Cleanable tracked;

    private AsyncFd(IoDescriptor socket) {
        this.socket = socket;
        this.tracked = LeakDetector.track(this, socket);
    }

    /**
     * Watches a descriptor that stays the caller's.
     *
     * @param number an open descriptor that no other {@code AsyncFd} watches
     * @return to wait with
     * @throws IOException if it is not open, or of a kind that cannot be polled
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public static AsyncFd of(int number) throws IOException {
        return new AsyncFd(Runtimes.driver().descriptor(number, false));
    }

    /**
     * Takes over a descriptor: it is closed with this object.
     *
     * @param number an open descriptor that nobody else closes
     * @return to wait with
     * @throws IOException if it is not open, or of a kind that cannot be polled; it stays the
     *     caller's then
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public static AsyncFd owning(int number) throws IOException {
        return new AsyncFd(Runtimes.driver().descriptor(number, true));
    }

    /**
     * Takes over a descriptor that was received.
     *
     * @param received the descriptor, which gives it up
     * @return to wait with
     * @throws IOException if it is of a kind that cannot be polled; it stays where it was then
     * @throws IllegalStateException if no runtime is current on this thread, or it was given up
     *     before
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public static AsyncFd owning(OwnedFd received) throws IOException {
        AsyncFd fd = owning(received.number());
        int unused = received.release();
        return fd;
    }

    /**
     * The number of the descriptor.
     *
     * @return the number; after closing it may mean another file
     */
    public int number() {
        return socket.number();
    }

    /**
     * Waits until reading would not wait: there is something, the end, or a failure.
     *
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void awaitReadable() throws IOException, InterruptedException {
        awaited(socket.awaitReadable(IoDriver.FOREVER), "read from", IoDriver.FOREVER);
    }

    /**
     * Waits a limited time until reading would not wait.
     *
     * @param timeout longest time to wait; zero only looks
     * @throws java.net.SocketTimeoutException if that did not happen in time
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is reading
     */
    public void awaitReadable(Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        awaited(socket.awaitReadable(nanos), "read from", nanos);
    }

    /**
     * Waits until writing would not wait: there is room, or a failure.
     *
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void awaitWritable() throws IOException, InterruptedException {
        awaited(socket.awaitWritable(IoDriver.FOREVER), "write to", IoDriver.FOREVER);
    }

    /**
     * Waits a limited time until writing would not wait.
     *
     * @param timeout longest time to wait; zero only looks
     * @throws java.net.SocketTimeoutException if that did not happen in time
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     * @throws IllegalStateException if another thread is writing
     */
    public void awaitWritable(Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        awaited(socket.awaitWritable(nanos), "write to", nanos);
    }

    private int awaited(int result, String operation, long timeoutNanos) throws IOException {
        Reference.reachabilityFence(this);
        if (result == IoDriver.CLOSED) {
            throw Checks.closed(operation, this);
        }
        if (result == IoDriver.TIMED_OUT) {
            throw Checks.timedOut(operation, this, timeoutNanos);
        }
        return result;
    }

    /**
     * Asks to be told once when reading would not wait. The rules are those of {@link
     * SocketStream#whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if reading would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if it is closed on this side
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
     * Asks to be told once when writing would not wait. The rules are those of {@link
     * SocketStream#whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if writing would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if it is closed on this side
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
     * Reads what is there ({@code read(2)}), waiting for it, and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @return bytes read, at least 1 (0 if nothing remains in the buffer), or -1 at the end
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if reading failed, for example because the buffer is too small for what
     *     the descriptor gives
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(ByteBuffer to) throws IOException, InterruptedException {
        return to.hasRemaining()
                ? awaited(socket.read(to, IoDriver.FOREVER), "read from", IoDriver.FOREVER)
                : 0;
    }

    /**
     * Reads what is there, waiting for it a limited time, and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @param timeout longest time to wait; zero takes only what is there
     * @return bytes read, at least 1 (0 if nothing remains in the buffer), or -1 at the end
     * @throws java.net.SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if reading failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     */
    public int read(ByteBuffer to, Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        return to.hasRemaining() ? awaited(socket.read(to, nanos), "read from", nanos) : 0;
    }

    /**
     * Writes what fits ({@code write(2)}), waiting for room, and moves the buffer's position.
     *
     * @param from the bytes
     * @return bytes written, at least 1 (0 if nothing remains in the buffer)
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if writing failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(ByteBuffer from) throws IOException, InterruptedException {
        return from.hasRemaining()
                ? awaited(socket.write(from, IoDriver.FOREVER), "write to", IoDriver.FOREVER)
                : 0;
    }

    /**
     * Writes what fits, waiting a limited time for room, and moves the buffer's position.
     *
     * @param from the bytes
     * @param timeout longest time to wait; zero does not wait
     * @return bytes written, at least 1 (0 if nothing remains in the buffer)
     * @throws java.net.SocketTimeoutException if there was no room in time
     * @throws SocketClosedException if it is closed on this side
     * @throws IOException if writing failed
     * @throws InterruptedException if the thread was interrupted; nothing was written
     * @throws IllegalStateException if another thread is writing
     */
    public int write(ByteBuffer from, Duration timeout) throws IOException, InterruptedException {
        long nanos = Checks.nanos(timeout);
        return from.hasRemaining() ? awaited(socket.write(from, nanos), "write to", nanos) : 0;
    }

    /**
     * Whether it is open.
     *
     * @return false after {@link #close()} or the end of the runtime
     */
    public boolean isOpen() {
        return socket.isOpen();
    }

    /**
     * Ends watching, and closes the descriptor if it is owned. Threads that wait get a {@link
     * SocketClosedException}. Idempotent, does not wait.
     */
    @Override
    public void close() {
        socket.close();
        tracked.clean();
    }

    @Override
    public String toString() {
        return "AsyncFd[" + number() + (isOpen() ? "]" : ", closed]");
    }
}
