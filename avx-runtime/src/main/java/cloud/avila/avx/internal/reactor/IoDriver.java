package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.metrics.SocketMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * One way of the operating system to wait for many sockets, and the sockets that belong to it.
 *
 * <p>The scheduler's leader drives it with {@link #poll}; one thread at a time. Everything else may
 * be called by any thread, virtual or not, and waits, where it waits, through the parking seam.
 *
 * <p>Operations that wait take a timeout in nanoseconds: {@link #FOREVER} (or any negative number)
 * waits without limit, 0 does not wait. An operation that is interrupted throws {@link
 * InterruptedException}, has transferred nothing, and leaves the socket usable.
 */
public interface IoDriver extends AutoCloseable {
    /** Timeout of an operation that waits without limit. */
    long FOREVER = -1;

    /** Result of a transfer: the peer has ended the stream. */
    int END_OF_STREAM = -1;

    /** Result of a transfer: nothing was possible within the timeout. */
    int TIMED_OUT = -2;

    /** Result of a transfer: the socket was closed, before or during the operation. */
    int CLOSED = -3;

    /**
     * The name by which configuration and metrics know this driver.
     *
     * @return for example {@code epoll}
     */
    String name();

    /**
     * Waits for events and wakes the threads that wait for them.
     *
     * <p>Called by one thread at a time, on a platform thread. Returns early, possibly with 0
     * events, after a {@link #wakeup}; a wake-up that came since the last waiting call counts too,
     * so that a thread may look for work, find none, and then wait here without missing any.
     *
     * @param timeoutNanos longest time to wait; negative waits for ever, 0 does not wait
     * @return events dispatched
     * @throws IOException if the system refuses to wait, which no retry will cure
     * @throws IllegalStateException if another thread is in this method
     */
    int poll(long timeoutNanos) throws IOException;

    /**
     * Makes the current or the next waiting {@link #poll} return. Costs a system call only if a
     * thread waits and nobody has woken it yet.
     */
    void wakeup();

    /**
     * Bounds how many events one {@link #poll} takes, so that the events left can go to another
     * worker when the work behind each is dear.
     *
     * @param events 1 to 256; other values are brought into the range
     */
    void maxEvents(int events);

    /**
     * Sets what to run when the first descriptor is registered after there was none: the moment
     * when a thread must begin to poll. Runs on the registering thread; must be short and must not
     * block.
     *
     * @param action for example, waking one worker
     */
    void onFirstRegistration(Runnable action);

    /**
     * Sets which drivers take care of the connections that listeners of this one accept. A driver
     * that cannot pass connections on, or not to a driver of that kind, keeps them.
     *
     * @param drivers asked for each connection, on the accepting thread; must not block nor make a
     *     system call; null for this driver
     */
    default void acceptInto(Supplier<? extends @Nullable IoDriver> drivers) {}

    /**
     * Descriptors that the operating system watches for this driver now. While it is 0 no event can
     * arrive, and only {@link #wakeup} would end a {@link #poll}.
     *
     * @return the number
     */
    int registered();

    /**
     * Descriptors ever registered.
     *
     * @return the number
     */
    long registeredTotal();

    /**
     * Descriptors deregistered.
     *
     * @return the number
     */
    long deregisteredTotal();

    /**
     * Events reported by the operating system.
     *
     * @return the number
     */
    long readyEvents();

    /**
     * Times that {@link #wakeup} took a system call.
     *
     * @return the number
     */
    long wakeups();

    /**
     * What the sockets have done.
     *
     * @return at most one entry for each kind; none where nothing is counted
     */
    default List<SocketMetrics> socketMetrics() {
        return List.of();
    }

    /**
     * The open sockets, whether the driver watches them yet or not, and who waits in them. Looks
     * from outside, at no cost to their users.
     *
     * @param most how many at most
     * @return some of them if there are more; none where they are not known
     */
    default List<OpenSocket> openSockets(int most) {
        return List.of();
    }

    /**
     * Opens a socket that accepts connections.
     *
     * @param local where to listen; port 0 for any free one
     * @param settings options that must be set before binding
     * @return the socket
     * @throws IOException if it could not be opened
     */
    IoListener listen(InetSocketAddress local, ListenSettings settings) throws IOException;

    /**
     * Opens a connection.
     *
     * @param remote where to
     * @param settings options that must be set before connecting
     * @param timeoutNanos longest time to wait
     * @return the connection, or null if the time was over
     * @throws IOException if it could not be opened
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     */
    @Nullable IoStream connect(
            InetSocketAddress remote, ConnectSettings settings, long timeoutNanos)
            throws IOException, InterruptedException;

    /**
     * Opens a connection with the system's defaults.
     *
     * @param remote where to
     * @param timeoutNanos longest time to wait
     * @return the connection, or null if the time was over
     * @throws IOException if it could not be opened
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     */
    default @Nullable IoStream connect(InetSocketAddress remote, long timeoutNanos)
            throws IOException, InterruptedException {
        return connect(remote, ConnectSettings.DEFAULTS, timeoutNanos);
    }

    /**
     * Opens a datagram socket.
     *
     * @param local where to receive; port 0 for any free one
     * @param settings options that must be set before binding
     * @return the socket
     * @throws IOException if it could not be opened
     */
    IoDatagram datagram(InetSocketAddress local, DatagramSettings settings) throws IOException;

    // ---- what a driver may lack ----

    /**
     * What this driver has of the things that not every driver has.
     *
     * @return always the same set
     */
    default Set<IoCapability> capabilities() {
        return Set.of();
    }

    /**
     * Opens a socket of the Unix domain that accepts connections.
     *
     * @param local its name; no file of that path may exist
     * @param backlog connections that may wait to be accepted
     * @return the socket; closing it does not delete the file
     * @throws IOException if it could not be opened
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#UNIX_STREAMS},
     *     or {@link IoCapability#ABSTRACT_NAMES} for such a name
     */
    default IoUnixListener listenUnix(UnixName local, int backlog) throws IOException {
        throw IoCapability.UNIX_STREAMS.missing(name());
    }

    /**
     * Opens a connection of the Unix domain.
     *
     * @param remote where to
     * @param timeoutNanos longest time to wait for room in the listener's backlog
     * @return the connection, or null if the time was over
     * @throws IOException if it could not be opened
     * @throws InterruptedException if the thread was interrupted; nothing stays open
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#UNIX_STREAMS},
     *     or {@link IoCapability#ABSTRACT_NAMES} for such a name
     */
    default @Nullable IoUnixStream connectUnix(UnixName remote, long timeoutNanos)
            throws IOException, InterruptedException {
        throw IoCapability.UNIX_STREAMS.missing(name());
    }

    /**
     * Opens two connected streams of the Unix domain without names.
     *
     * @return both ends
     * @throws IOException if they could not be opened
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#UNIX_STREAMS}
     */
    default IoUnixStream[] unixPair() throws IOException {
        throw IoCapability.UNIX_STREAMS.missing(name());
    }

    /**
     * Opens a datagram socket of the Unix domain.
     *
     * @param local its name; {@link UnixName#UNNAMED} for one that only sends, or is connected
     * @return the socket; closing it does not delete the file
     * @throws IOException if it could not be opened
     * @throws UnsupportedOperationException if the driver lacks {@link
     *     IoCapability#UNIX_DATAGRAMS}, or {@link IoCapability#ABSTRACT_NAMES} for such a name
     */
    default IoUnixDatagram datagramUnix(UnixName local) throws IOException {
        throw IoCapability.UNIX_DATAGRAMS.missing(name());
    }

    /**
     * Watches a descriptor that somebody else has opened, and makes it non-blocking.
     *
     * @param number the descriptor
     * @param owned whether closing what is returned closes the descriptor; else it must not be
     *     closed before
     * @return to wait with; a descriptor must not be given to a driver twice at the same time
     * @throws IOException if it is not open, or of a kind that cannot be waited for (a file)
     * @throws UnsupportedOperationException if the driver lacks {@link IoCapability#DESCRIPTORS}
     */
    default IoDescriptor descriptor(int number, boolean owned) throws IOException {
        throw IoCapability.DESCRIPTORS.missing(name());
    }

    /**
     * Closes a descriptor that came with {@link IoUnixStream#recv(java.nio.ByteBuffer, int, long)}
     * and was not given to {@link #descriptor}.
     *
     * @param number the descriptor
     * @throws IOException if it is not open
     * @throws UnsupportedOperationException if the driver lacks {@link
     *     IoCapability#DESCRIPTOR_PASSING}
     */
    default void closeDescriptor(int number) throws IOException {
        throw IoCapability.DESCRIPTOR_PASSING.missing(name());
    }

    /**
     * Opens a file to be sent by {@link IoStream#send(IoFile, long, long, long)}.
     *
     * @param path the file
     * @return the file, open for reading
     * @throws IOException if it could not be opened, as a {@link java.nio.file.FileSystemException}
     *     where the reason is known
     */
    default IoFile openFile(Path path) throws IOException {
        return new ChannelFile(FileChannel.open(path, StandardOpenOption.READ));
    }

    /**
     * Closes every socket, which wakes whoever waits in one, then the driver itself. A thread in
     * {@link #poll} returns. Idempotent.
     */
    @Override
    void close();

    /**
     * Sets options that were given together.
     *
     * @param socket a socket that is not bound yet
     * @param options the options
     * @throws IOException if the system refuses one
     * @throws UnsupportedOperationException if the socket does not have one
     */
    @SuppressWarnings("unchecked") // the type of each value was checked when it was put there
    static void setOptions(IoSocket socket, Map<SocketOption<?>, Object> options)
            throws IOException {
        for (Map.Entry<SocketOption<?>, Object> option : options.entrySet()) {
            socket.setOption((SocketOption<Object>) option.getKey(), option.getValue());
        }
    }

    /**
     * Options of a listening socket.
     *
     * @param backlog connections that may wait to be accepted
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param reusePort {@code SO_REUSEPORT}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     * @param options other options to set before binding
     */
    record ListenSettings(
            int backlog,
            boolean reuseAddress,
            boolean reusePort,
            int receiveBuffer,
            Map<SocketOption<?>, Object> options) {
        /**
         * Without other options.
         *
         * @param backlog connections that may wait to be accepted
         * @param reuseAddress {@code SO_REUSEADDR}
         * @param reusePort {@code SO_REUSEPORT}
         * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
         */
        public ListenSettings(
                int backlog, boolean reuseAddress, boolean reusePort, int receiveBuffer) {
            this(backlog, reuseAddress, reusePort, receiveBuffer, Map.of());
        }
    }

    /**
     * Options of a connection.
     *
     * @param local where to connect from, port 0 for any free one; null to leave it to the system
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
     * @param options other options to set before binding and connecting
     */
    record ConnectSettings(
            @Nullable InetSocketAddress local,
            boolean reuseAddress,
            int receiveBuffer,
            int sendBuffer,
            Map<SocketOption<?>, Object> options) {
        /** Everything as the system chooses. */
        public static final ConnectSettings DEFAULTS = new ConnectSettings(null, false, 0, 0);

        /**
         * Without other options.
         *
         * @param local where to connect from, port 0 for any free one; null to leave it to the
         *     system
         * @param reuseAddress {@code SO_REUSEADDR}
         * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
         * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
         */
        public ConnectSettings(
                @Nullable InetSocketAddress local,
                boolean reuseAddress,
                int receiveBuffer,
                int sendBuffer) {
            this(local, reuseAddress, receiveBuffer, sendBuffer, Map.of());
        }
    }

    /**
     * Options of a datagram socket.
     *
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param reusePort {@code SO_REUSEPORT}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
     * @param broadcast {@code SO_BROADCAST}
     * @param options other options to set before binding
     */
    record DatagramSettings(
            boolean reuseAddress,
            boolean reusePort,
            int receiveBuffer,
            int sendBuffer,
            boolean broadcast,
            Map<SocketOption<?>, Object> options) {
        /**
         * Without other options.
         *
         * @param reuseAddress {@code SO_REUSEADDR}
         * @param reusePort {@code SO_REUSEPORT}
         * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
         * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
         * @param broadcast {@code SO_BROADCAST}
         */
        public DatagramSettings(
                boolean reuseAddress,
                boolean reusePort,
                int receiveBuffer,
                int sendBuffer,
                boolean broadcast) {
            this(reuseAddress, reusePort, receiveBuffer, sendBuffer, broadcast, Map.of());
        }
    }
}
