package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDatagram;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.LeakDetector;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
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
                                options.broadcast(),
                                options.options())));
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

    /**
     * Receives the datagrams that are there, waiting for the first, with as few calls of the system
     * as possible. Each goes into a buffer of its own, whose position it moves.
     *
     * @param to the buffers to fill, in their order, at least one
     * @return what came, as many as datagrams: at least one, at most as many as buffers
     * @throws IllegalArgumentException if there are no buffers
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens; such a report behind the first datagram is dropped
     * @throws IOException if receiving the first failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public List<ReceivedDatagram> recvMany(ByteBuffer... to)
            throws IOException, InterruptedException {
        return recvMany(to, IoDriver.FOREVER);
    }

    /**
     * Receives the datagrams that are there, waiting a limited time for the first.
     *
     * @param to the buffers to fill, in their order, at least one
     * @param timeout longest time to wait; zero takes only what is there
     * @return what came: at least one, at most as many as buffers
     * @throws IllegalArgumentException if there are no buffers
     * @throws java.net.SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the socket is connected and the peer has told
     *     that nobody listens; such a report behind the first datagram is dropped
     * @throws IOException if receiving the first failed
     * @throws InterruptedException if the thread was interrupted; no datagram is lost
     */
    public List<ReceivedDatagram> recvMany(ByteBuffer[] to, Duration timeout)
            throws IOException, InterruptedException {
        return recvMany(to, Checks.nanos(timeout));
    }

    private List<ReceivedDatagram> recvMany(ByteBuffer[] to, long timeoutNanos)
            throws IOException, InterruptedException {
        if (to.length == 0) {
            throw new IllegalArgumentException("there is no buffer to fill");
        }
        try {
            var received = new IoDatagram.@Nullable Received[to.length];
            int count = socket.recvMany(to, received, timeoutNanos);
            if (count < 0) {
                throw count == IoDriver.CLOSED
                        ? Checks.closed("receive on", localAddress())
                        : Checks.timedOut("receive on", localAddress(), timeoutNanos);
            }
            var told = new ArrayList<ReceivedDatagram>(count);
            for (int i = 0; i < count; i++) {
                IoDatagram.Received each = Objects.requireNonNull(received[i]);
                told.add(new ReceivedDatagram(each.sender(), each.length(), each.datagramLength()));
            }
            return told;
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Waits until receiving would not wait, without a buffer.
     *
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    public void awaitReadable() throws IOException, InterruptedException {
        awaitReadable(IoDriver.FOREVER);
    }

    /**
     * Waits a limited time until receiving would not wait, without a buffer.
     *
     * @param timeout longest time to wait; zero only looks
     * @throws java.net.SocketTimeoutException if nothing came in time
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses to tell
     * @throws InterruptedException if the thread was interrupted
     */
    public void awaitReadable(Duration timeout) throws IOException, InterruptedException {
        awaitReadable(Checks.nanos(timeout));
    }

    private void awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        try {
            int result = socket.awaitReadable(timeoutNanos);
            if (result < 0) {
                throw result == IoDriver.CLOSED
                        ? Checks.closed("receive on", localAddress())
                        : Checks.timedOut("receive on", localAddress(), timeoutNanos);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks to be told once when receiving would not wait. The rules are those of {@link
     * SocketStream#whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if receiving would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public boolean whenReadable(Runnable action) throws IOException {
        try {
            return Checks.ready(socket.whenReadable(Checks.guarded(action)), "receive on", this);
        } finally {
            Reference.reachabilityFence(this);
        }
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
        send(from, Checks.resolved(to), to, IoDriver.FOREVER);
    }

    /**
     * Sends one datagram, and waits a limited time for room in the send buffer.
     *
     * @param from the datagram, at most 65 507 bytes to an IPv4 address
     * @param to where to, a resolved address
     * @param timeout longest time to wait; zero does not wait
     * @throws java.net.SocketTimeoutException if there was no room in time
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses, for example because it is too long
     * @throws InterruptedException if the thread was interrupted; nothing was sent
     */
    public void sendTo(ByteBuffer from, InetSocketAddress to, Duration timeout)
            throws IOException, InterruptedException {
        send(from, Checks.resolved(to), to, Checks.nanos(timeout));
    }

    /**
     * Sends datagrams, each all that remains in its buffer, with as few calls of the system as
     * possible, and moves the buffers' positions. Waits while the send buffer is full.
     *
     * @param from the datagrams, in their order
     * @param to where to, one resolved address for each
     * @throws IllegalArgumentException if there are not as many addresses as datagrams
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses one; those before it are sent, and the position of
     *     its buffer has not moved
     * @throws InterruptedException if the thread was interrupted; those whose position has moved
     *     are sent
     */
    public void sendMany(ByteBuffer[] from, InetSocketAddress[] to)
            throws IOException, InterruptedException {
        if (from.length != to.length) {
            throw new IllegalArgumentException(
                    from.length + " datagrams, but " + to.length + " addresses");
        }
        for (InetSocketAddress address : to) {
            Checks.resolved(address);
        }
        sendAll(from, to);
    }

    /**
     * Sends datagrams to the peer that the socket is connected to, each all that remains in its
     * buffer, with as few calls of the system as possible.
     *
     * @param from the datagrams, in their order
     * @throws SocketClosedException if the socket is closed
     * @throws java.net.PortUnreachableException if the peer has told that nobody listens
     * @throws IOException if the system refuses one; those before it are sent, and the position of
     *     its buffer has not moved
     * @throws InterruptedException if the thread was interrupted; those whose position has moved
     *     are sent
     * @throws IllegalStateException if the socket is not connected
     */
    public void sendMany(ByteBuffer... from) throws IOException, InterruptedException {
        InetSocketAddress unused = connected("sendMany", "the addresses");
        sendAll(from, null);
    }

    private void sendAll(ByteBuffer[] from, InetSocketAddress @Nullable [] to)
            throws IOException, InterruptedException {
        try {
            for (int done = 0; done < from.length; ) {
                int count =
                        socket.sendMany(
                                done == 0 ? from : Arrays.copyOfRange(from, done, from.length),
                                to == null || done == 0
                                        ? to
                                        : Arrays.copyOfRange(to, done, to.length),
                                IoDriver.FOREVER);
                if (count < 0) {
                    throw Checks.closed("send on", localAddress());
                }
                done += count;
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks to be told once when sending would not wait. The rules are those of {@link
     * SocketStream#whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if sending would not wait now, and the action will not run; false if it will
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public boolean whenWritable(Runnable action) throws IOException {
        try {
            return Checks.ready(socket.whenWritable(Checks.guarded(action)), "send on", this);
        } finally {
            Reference.reachabilityFence(this);
        }
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
        send(from, null, connected("send", "sendTo"), IoDriver.FOREVER);
    }

    private void send(
            ByteBuffer from,
            @Nullable InetSocketAddress to,
            InetSocketAddress shown,
            long timeoutNanos)
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

    // ---- multicast ----

    /**
     * Joins a multicast group: what is sent to it and to the port of this socket is received. The
     * socket should be bound to the wildcard address or that of the group, with {@code
     * SO_REUSEADDR} if others on this machine do the same.
     *
     * @param group the address of the group
     * @param on the interface on which to receive
     * @throws IllegalArgumentException if it is not the address of a group
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if it was joined before, or the system refuses
     * @throws UnsupportedOperationException if the driver has no multicast; the message names it
     */
    public void join(InetAddress group, NetworkInterface on) throws IOException {
        join(new IoDatagram.Membership(Checks.group(group), on, null));
    }

    /**
     * Joins a multicast group for one sender (source-specific multicast). May be called again for
     * another sender.
     *
     * @param group the address of the group
     * @param on the interface on which to receive
     * @param source the sender
     * @throws IllegalArgumentException if it is not the address of a group
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if it was joined before, or the system refuses
     * @throws UnsupportedOperationException if the driver has no such multicast; the message names
     *     it
     */
    public void join(InetAddress group, NetworkInterface on, InetAddress source)
            throws IOException {
        join(new IoDatagram.Membership(Checks.group(group), on, source));
    }

    private void join(IoDatagram.Membership membership) throws IOException {
        if (!socket.join(membership)) {
            throw Checks.closed("join " + membership.group() + " with", localAddress());
        }
    }

    /**
     * Leaves a multicast group. Closing the socket leaves all.
     *
     * @param group the address of the group
     * @param on the interface with which it was joined
     * @throws IllegalArgumentException if it is not the address of a group
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if it was not joined, or the system refuses
     */
    public void leave(InetAddress group, NetworkInterface on) throws IOException {
        leave(new IoDatagram.Membership(Checks.group(group), on, null));
    }

    /**
     * Leaves a multicast group for one sender.
     *
     * @param group the address of the group
     * @param on the interface with which it was joined
     * @param source the sender with which it was joined
     * @throws IllegalArgumentException if it is not the address of a group
     * @throws SocketClosedException if the socket is closed
     * @throws IOException if it was not joined, or the system refuses
     */
    public void leave(InetAddress group, NetworkInterface on, InetAddress source)
            throws IOException {
        leave(new IoDatagram.Membership(Checks.group(group), on, source));
    }

    private void leave(IoDatagram.Membership membership) throws IOException {
        if (!socket.leave(membership)) {
            throw Checks.closed("leave " + membership.group() + " with", localAddress());
        }
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
     * @return some of {@link java.net.StandardSocketOptions} and {@link SocketOptions}
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
