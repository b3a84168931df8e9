package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoUnixStream;

import java.io.IOException;
import java.lang.ref.Reference;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection within this machine, over a Unix domain socket. Reading, writing and the rules of
 * threads: {@link SocketStream}. Beyond bytes it tells who the peer is, and passes descriptors.
 */
public final class UnixStream extends SocketStream {
    private final IoUnixStream socket;

    UnixStream(IoDriver driver, IoUnixStream socket) {
        super(driver, socket);
        this.socket = socket;
    }

    // ---- connecting ----

    /**
     * Connects to the socket at a path.
     *
     * @param path where somebody listens
     * @return the connection
     * @throws java.net.ConnectException if nobody listens there
     * @throws IOException if it failed otherwise, for example because there is no such file
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no Unix sockets; the message names it
     */
    public static UnixStream connect(Path path) throws IOException, InterruptedException {
        return connect(Runtimes.driver(), UnixAddress.of(path), IoDriver.FOREVER);
    }

    /**
     * Connects to an address within a limited time. It waits only while the listener's backlog is
     * full.
     *
     * @param remote where somebody listens
     * @param timeout longest time to wait, more than zero
     * @return the connection
     * @throws SocketTimeoutException if there was no room in time
     * @throws java.net.ConnectException if nobody listens there
     * @throws IOException if it failed otherwise, for example because there is no such file
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no Unix sockets, or no abstract
     *     names; the message names it
     */
    public static UnixStream connect(UnixAddress remote, Duration timeout)
            throws IOException, InterruptedException {
        return connect(Runtimes.driver(), remote, Checks.positiveNanos(timeout));
    }

    private static UnixStream connect(IoDriver driver, UnixAddress remote, long timeoutNanos)
            throws IOException, InterruptedException {
        IoUnixStream socket = driver.connectUnix(Checks.named(remote), timeoutNanos);
        if (socket == null) {
            throw Checks.timedOut("connect to", remote, timeoutNanos);
        }
        return new UnixStream(driver, socket);
    }

    /**
     * Opens two ends of a connection without names, for example to give one to another process.
     *
     * @return both ends
     * @throws IOException if the system refuses
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no Unix sockets; the message names it
     */
    public static Pair pair() throws IOException {
        IoDriver driver = Runtimes.driver();
        IoUnixStream[] ends = driver.unixPair();
        return new Pair(new UnixStream(driver, ends[0]), new UnixStream(driver, ends[1]));
    }

    /**
     * Two ends of a connection.
     *
     * @param first one end
     * @param second the other
     */
    public record Pair(UnixStream first, UnixStream second) implements AutoCloseable {
        /** Closes both. */
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    // ---- beyond bytes ----

    /**
     * Who the peer is.
     *
     * @return who it was when the connection was made; the system has checked it
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if the driver cannot tell
     */
    public PeerCredentials peerCredentials() throws IOException {
        try {
            IoUnixStream.Credentials known = socket.peerCredentials();
            return new PeerCredentials(known.pid(), known.uid(), known.gid());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Writes all that remains in the buffer, and passes descriptors with its first byte. They stay
     * open here, too; the peer gets descriptors of its own.
     *
     * @param from at least one byte
     * @param numbers open descriptors, at most 253; see {@link AsyncFd#number} and {@link
     *     OwnedFd#number}
     * @throws IllegalArgumentException if there are no bytes, or too many descriptors
     * @throws SocketTimeoutException if there was no room within the write timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed, or a number is not open
     * @throws InterruptedException if the thread was interrupted; if the buffer's position has
     *     moved, the descriptors were sent
     * @throws IllegalStateException if another thread is writing
     * @throws UnsupportedOperationException if the driver cannot pass descriptors
     */
    public void sendDescriptors(ByteBuffer from, int... numbers)
            throws IOException, InterruptedException {
        if (!from.hasRemaining()) {
            throw new IllegalArgumentException(
                    "descriptors travel with bytes: send at least one byte");
        }
        if (numbers.length > IoUnixStream.MOST_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    "at most "
                            + IoUnixStream.MOST_DESCRIPTORS
                            + " descriptors travel at once, not "
                            + numbers.length);
        }
        long timeout = writeTimeoutNanos();
        try {
            int sent = socket.send(from, numbers, timeout);
            if (sent < 0) {
                throw sent == IoDriver.CLOSED
                        ? Checks.closed("write to", remoteAddress())
                        : Checks.timedOut("write to", remoteAddress(), timeout);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
        if (from.hasRemaining()) {
            writeAll(from);
        }
    }

    /**
     * Reads what is there, waiting for the first byte, and takes the descriptors that come with it.
     * Every other way of reading discards descriptors.
     *
     * @param to the buffer to fill, with at least one byte remaining
     * @param most most descriptors to take, 0 to 253; the system closes those beyond
     * @return what came; the caller owns the descriptors
     * @throws IllegalArgumentException if nothing remains in the buffer, or {@code most} is out of
     *     range
     * @throws SocketTimeoutException if nothing came within the read timeout
     * @throws SocketClosedException if the socket is closed on this side
     * @throws IOException if the connection failed
     * @throws InterruptedException if the thread was interrupted; nothing is lost
     * @throws IllegalStateException if another thread is reading
     * @throws UnsupportedOperationException if the driver cannot pass descriptors
     */
    public ReceivedDescriptors recvDescriptors(ByteBuffer to, int most)
            throws IOException, InterruptedException {
        if (!to.hasRemaining()) {
            throw new IllegalArgumentException("nothing remains in the buffer");
        }
        if (most < 0 || most > IoUnixStream.MOST_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    "most must be 0 to "
                            + IoUnixStream.MOST_DESCRIPTORS
                            + " descriptors, but is "
                            + most);
        }
        long timeout = readTimeoutNanos();
        try {
            IoUnixStream.Message message = socket.recv(to, most, timeout);
            if (message.count() == IoDriver.CLOSED) {
                throw Checks.closed("read from", remoteAddress());
            }
            if (message.count() == IoDriver.TIMED_OUT) {
                throw Checks.timedOut("read from", remoteAddress(), timeout);
            }
            List<OwnedFd> owned = new ArrayList<>(message.descriptors().length);
            for (int number : message.descriptors()) {
                owned.add(new OwnedFd(driver, number));
            }
            return new ReceivedDescriptors(message.count(), owned, message.truncated());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    // ---- settings ----

    @Override
    public UnixStream readTimeout(Duration timeout) {
        super.readTimeout(timeout);
        return this;
    }

    @Override
    public UnixStream writeTimeout(Duration timeout) {
        super.writeTimeout(timeout);
        return this;
    }

    @Override
    public <T> UnixStream setOption(SocketOption<T> option, T value) throws IOException {
        super.setOption(option, value);
        return this;
    }

    /**
     * The name of this end.
     *
     * @return the listener's address at its end; mostly unnamed at the other
     */
    @Override
    public UnixAddress localAddress() {
        return UnixAddress.of(socket.localName());
    }

    /**
     * The name of the other end.
     *
     * @return the listener's address at the other end; mostly unnamed at its own
     */
    @Override
    public UnixAddress remoteAddress() {
        return UnixAddress.of(socket.remoteName());
    }

    @Override
    public String toString() {
        return "UnixStream["
                + (remoteAddress().isUnnamed() ? localAddress() : remoteAddress())
                + (isOpen() ? "]" : ", closed]");
    }
}
