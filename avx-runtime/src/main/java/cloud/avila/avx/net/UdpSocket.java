package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDatagram;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.LeakDetector;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;

/**
 * A UDP socket, used in blocking style from fibers and from every other thread.
 *
 * <p>Thread-safe; any number of threads may receive and send at the same time. A datagram that does
 * not fit into the buffer is cut off and says so, see {@link ReceivedDatagram#truncated()}.
 *
 * <p>Timeouts, interrupts and closing: see the package.
 */
public final class UdpSocket implements AutoCloseable {
    private final IoDatagram socket;
    private final Cleaner.Cleanable tracked;
    private volatile @Nullable InetSocketAddress remote;

    private UdpSocket(IoDatagram socket) {
        this.socket = socket;
        this.tracked = LeakDetector.track(this, socket);
    }

    /**
     * Receives on a port of every address, of both families where the machine has IPv6.
     *
     * @param port the port, 0 for any free one
     * @return the socket
     * @throws java.net.BindException if the port is in use or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static UdpSocket bind(int port) throws IOException {
        return bind(Runtimes.anyAddress(Checks.port(port)));
    }

    /**
     * Receives on one address of a host.
     *
     * @param host a literal address or a host name
     * @param port the port, 0 for any free one
     * @return the socket
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the host is unknown or the socket cannot be opened
     * @throws InterruptedException if the thread was interrupted while the name was looked up
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static UdpSocket bind(String host, int port) throws IOException, InterruptedException {
        return bind(new InetSocketAddress(Runtimes.resolve(host)[0], Checks.port(port)));
    }

    /**
     * Receives on an address, with the default options.
     *
     * @param local a resolved address; port 0 for any free one
     * @return the socket
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static UdpSocket bind(InetSocketAddress local) throws IOException {
        return bind(local, UdpOptions.defaults());
    }

    /**
     * Receives on an address.
     *
     * @param local a resolved address; port 0 for any free one
     * @param options what has to be known before it is opened
     * @return the socket
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static UdpSocket bind(InetSocketAddress local, UdpOptions options) throws IOException {
        return bind(Runtimes.driver(), local, options);
    }

    static UdpSocket bind(IoDriver driver, InetSocketAddress local, UdpOptions options)
            throws IOException {
        return new UdpSocket(
                driver.datagram(
                        Checks.resolved(local),
                        new IoDriver.DatagramSettings(
                                options.reuseAddress(),
                                options.reusePort(),
                                options.receiveBufferSize(),
                                options.sendBufferSize(),
                                options.broadcast())));
    }

    // ---- receiving ----

    /**
     * Waits for a datagram.
     *
     * @param to the array to fill
     * @return what came
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public ReceivedDatagram recvFrom(byte[] to) throws IOException, InterruptedException {
        return recvFrom(ByteBuffer.wrap(to));
    }

    /**
     * Waits for a datagram for a limited time.
     *
     * @param to the array to fill
     * @param timeout longest time to wait; zero takes only what is there
     * @return what came
     * @throws java.net.SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public ReceivedDatagram recvFrom(byte[] to, Duration timeout)
            throws IOException, InterruptedException {
        return recvFrom(ByteBuffer.wrap(to), timeout);
    }

    /**
     * Waits for a datagram and moves the buffer's position.
     *
     * @param to the buffer to fill
     * @return what came
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public ReceivedDatagram recvFrom(ByteBuffer to) throws IOException, InterruptedException {
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
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public ReceivedDatagram recvFrom(ByteBuffer to, Duration timeout)
            throws IOException, InterruptedException {
        return recvFrom(to, Checks.nanos(timeout));
    }

    private ReceivedDatagram recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        try {
            IoDatagram.Received received = socket.recvFrom(to, timeoutNanos);
            if (received != null) {
                return new ReceivedDatagram(
                        received.sender(), received.length(), received.datagramLength());
            }
            if (!socket.isOpen()) {
                throw Checks.closed("receive on", localAddress());
            }
            throw Checks.timedOut("receive on", localAddress(), timeoutNanos);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Waits for a datagram of the peer that the socket is connected to, and moves the buffer's
     * position.
     *
     * @param to the buffer to fill; what does not fit is lost
     * @return bytes put into the buffer
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the peer has told that nobody listens
     * @throws IOException if receiving failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     * @throws IllegalStateException if the socket is not connected
     */
    public int recv(ByteBuffer to) throws IOException, InterruptedException {
        connected("recv", "recvFrom");
        return recvFrom(to).length();
    }

    // ---- sending ----

    /**
     * Sends the array as one datagram.
     *
     * @param from the datagram, at most 65 507 bytes to an IPv4 address
     * @param to where to, a resolved address
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    public void sendTo(byte[] from, InetSocketAddress to) throws IOException, InterruptedException {
        sendTo(ByteBuffer.wrap(from), to);
    }

    /**
     * Sends all that remains in the buffer as one datagram, and moves the buffer's position. Waits
     * while the send buffer is full. That it was sent does not mean that it arrives.
     *
     * @param from the datagram, at most 65 507 bytes to an IPv4 address
     * @param to where to, a resolved address
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    public void sendTo(ByteBuffer from, InetSocketAddress to)
            throws IOException, InterruptedException {
        send(from, Checks.resolved(to), to);
    }

    /**
     * Sends all that remains in the buffer as one datagram to the peer that the socket is connected
     * to, and moves the buffer's position.
     *
     * @param from the datagram, at most 65 507 bytes to an IPv4 address
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the peer has told that nobody listens
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     * @throws IllegalStateException if the socket is not connected
     */
    public void send(ByteBuffer from) throws IOException, InterruptedException {
        send(from, null, connected("send", "sendTo"));
    }

    private void send(ByteBuffer from, @Nullable InetSocketAddress to, InetSocketAddress shown)
            throws IOException, InterruptedException {
        try {
            if (socket.sendTo(from, to, IoDriver.FOREVER) == IoDriver.CLOSED) {
                throw Checks.closed("send to", shown);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Fixes the peer: only its datagrams are received, and {@link #send} goes there.
     *
     * @param peer a resolved address
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if there is no way to the address
     */
    public void connect(InetSocketAddress peer) throws IOException {
        if (!socket.connect(Checks.resolved(peer))) {
            throw Checks.closed("connect datagrams to", peer);
        }
        remote = peer;
    }

    private InetSocketAddress connected(String operation, String other) {
        InetSocketAddress peer = remote;
        if (peer == null) {
            throw new IllegalStateException(
                    operation + " needs a connected socket; call connect first, or use " + other);
        }
        return peer;
    }

    // ---- settings ----

    /**
     * Sets an option.
     *
     * @param option one of {@link #supportedOptions()}
     * @param value its value
     * @param <T> the type of the value
     * @return this
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if a UDP socket does not have the option
     */
    public <T> UdpSocket setOption(SocketOption<T> option, T value) throws IOException {
        if (!socket.setOption(option, value)) {
            throw Checks.closed("setting " + option.name() + " of", localAddress());
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
     * @throws UnsupportedOperationException if a UDP socket does not have the option
     */
    public <T> T getOption(SocketOption<T> option) throws IOException {
        return socket.getOption(option);
    }

    /**
     * The options of UDP sockets.
     *
     * @return some of {@link StandardSocketOptions}
     */
    public Set<SocketOption<?>> supportedOptions() {
        return socket.supportedOptions();
    }

    /**
     * The address it receives on, with the port that was found if none was asked for.
     *
     * @return the address
     */
    public InetSocketAddress localAddress() {
        return socket.localAddress();
    }

    /**
     * The peer it is connected to.
     *
     * @return the address, or null if it is not connected
     */
    public @Nullable InetSocketAddress remoteAddress() {
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
     * Closes the socket. Threads that wait in it get a {@link SocketClosedException}. Idempotent,
     * does not wait.
     */
    @Override
    public void close() {
        socket.close();
        tracked.clean();
    }

    @Override
    public String toString() {
        return "UdpSocket[" + localAddress() + (isOpen() ? "]" : ", closed]");
    }
}
