package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoUnixDatagram;
import cloud.avila.avx.internal.reactor.LeakDetector;
import cloud.avila.avx.internal.reactor.UnixName;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A Unix domain socket for datagrams within this machine. Unlike UDP nothing is lost or overtaken:
 * while the receiver has no room, sending waits.
 *
 * <p>Thread-safe; any number of threads may receive and send at the same time. A path must not
 * exist before, and is not deleted by {@link #close()}.
 *
 * <p>Timeouts, interrupts and closing: see the package.
 */
public final class UnixDatagram implements AutoCloseable {
    private final IoUnixDatagram socket;
    private final Cleaner.Cleanable tracked;
    private volatile @Nullable UnixAddress remote;

    private UnixDatagram(IoUnixDatagram socket) {
        this.socket = socket;
        this.tracked = LeakDetector.track(this, socket);
    }

    /**
     * What was told about a datagram that was put into a buffer.
     *
     * @param address where it came from; unnamed if the sender was not bound
     * @param length bytes put into the buffer
     * @param datagramLength bytes that the datagram had
     */
    public record Received(UnixAddress address, int length, int datagramLength) {
        /**
         * Whether the buffer was too small, and the end of the datagram is lost.
         *
         * @return whether bytes are missing
         */
        public boolean truncated() {
            return length < datagramLength;
        }
    }

    /**
     * Receives at a path.
     *
     * @param path a file that does not exist, in a directory that does
     * @return the socket
     * @throws java.net.BindException if the file exists, or must not be created
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no such sockets; the message names it
     */
    public static UnixDatagram bind(Path path) throws IOException {
        return bind(UnixAddress.of(path));
    }

    /**
     * Receives at an address.
     *
     * @param local the address; the unnamed one for a socket that only sends
     * @return the socket
     * @throws java.net.BindException if the address is in use, or must not be created
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no such sockets, or no abstract
     *     names; the message names it
     */
    public static UnixDatagram bind(UnixAddress local) throws IOException {
        return new UnixDatagram(Runtimes.driver().datagramUnix(local.name()));
    }

    /**
     * Opens a socket without a name, which only sends.
     *
     * @return the socket
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no such sockets; the message names it
     */
    public static UnixDatagram unbound() throws IOException {
        return bind(UnixAddress.unnamed());
    }

    /**
     * Waits for a datagram and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @return what came
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public Received recvFrom(ByteBuffer to) throws IOException, InterruptedException {
        return recvFrom(to, IoDriver.FOREVER);
    }

    /**
     * Waits for a datagram for a limited time and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @param timeout longest time to wait; zero takes only what is there
     * @return what came
     * @throws java.net.SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public Received recvFrom(ByteBuffer to, Duration timeout)
            throws IOException, InterruptedException {
        return recvFrom(to, Checks.nanos(timeout));
    }

    private Received recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        try {
            IoUnixDatagram.Received received = socket.recvFrom(to, timeoutNanos);
            if (received != null) {
                return new Received(
                        UnixAddress.of(received.sender()),
                        received.length(),
                        received.datagramLength());
            }
            throw socket.isOpen()
                    ? Checks.timedOut("receive on", localAddress(), timeoutNanos)
                    : Checks.closed("receive on", localAddress());
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Sends all that remains in the buffer as one datagram, and moves the buffer's position. Waits
     * while the receiver has no room.
     *
     * @param from the datagram
     * @param to where to
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.ConnectException if nobody receives there
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    public void sendTo(ByteBuffer from, UnixAddress to) throws IOException, InterruptedException {
        send(from, Checks.named(to), to, IoDriver.FOREVER);
    }

    /**
     * Sends one datagram and waits a limited time for room.
     *
     * @param from the datagram
     * @param to where to
     * @param timeout longest time to wait; zero does not wait
     * @throws java.net.SocketTimeoutException if there was no room in time
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.ConnectException if nobody receives there
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    public void sendTo(ByteBuffer from, UnixAddress to, Duration timeout)
            throws IOException, InterruptedException {
        send(from, Checks.named(to), to, Checks.nanos(timeout));
    }

    /**
     * Sends all that remains in the buffer as one datagram to the peer that the socket is connected
     * to, and moves the buffer's position.
     *
     * @param from the datagram
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.ConnectException if the peer has gone
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     * @throws IllegalStateException if the socket is not connected
     */
    public void send(ByteBuffer from) throws IOException, InterruptedException {
        UnixAddress peer = remote;
        if (peer == null) {
            throw new IllegalStateException(
                    "send needs a connected socket; call connect first, or use sendTo");
        }
        send(from, null, peer, IoDriver.FOREVER);
    }

    private void send(ByteBuffer from, @Nullable UnixName to, UnixAddress shown, long timeoutNanos)
            throws IOException, InterruptedException {
        try {
            int result = socket.sendTo(from, to, timeoutNanos);
            if (result < 0) {
                throw result == IoDriver.CLOSED
                        ? Checks.closed("send to", shown)
                        : Checks.timedOut("send to", shown, timeoutNanos);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Fixes the peer: only its datagrams are received, and {@link #send} goes there.
     *
     * @param peer the address of an open socket
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.ConnectException if nobody receives there
     * @throws IOException if the system refuses
     */
    public void connect(UnixAddress peer) throws IOException {
        if (!socket.connect(Checks.named(peer))) {
            throw Checks.closed("connect datagrams to", peer);
        }
        remote = peer;
    }

    /**
     * The address it receives at.
     *
     * @return the address; unnamed if it only sends
     */
    public UnixAddress localAddress() {
        return UnixAddress.of(socket.localName());
    }

    /**
     * The peer it is connected to.
     *
     * @return the address, or null if it is not connected
     */
    public @Nullable UnixAddress remoteAddress() {
        return remote;
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
     * Closes the socket. Threads that wait in it get a {@link SocketClosedException}. The file of a
     * path stays. Idempotent, does not wait.
     */
    @Override
    public void close() {
        socket.close();
        tracked.clean();
    }

    @Override
    public String toString() {
        return "UnixDatagram[" + localAddress() + (isOpen() ? "]" : ", closed]");
    }
}
