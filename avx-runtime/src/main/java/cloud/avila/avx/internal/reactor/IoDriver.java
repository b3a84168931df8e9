package cloud.avila.avx.internal.reactor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;

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
     * Times that accepting a connection failed for want of descriptors or memory and was put off.
     *
     * @return the number
     */
    long acceptFailures();

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

    /**
     * Closes every socket, which wakes whoever waits in one, then the driver itself. A thread in
     * {@link #poll} returns. Idempotent.
     */
    @Override
    void close();

    /**
     * Options of a listening socket.
     *
     * @param backlog connections that may wait to be accepted
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param reusePort {@code SO_REUSEPORT}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     */
    record ListenSettings(
            int backlog, boolean reuseAddress, boolean reusePort, int receiveBuffer) {}

    /**
     * Options of a connection.
     *
     * @param local where to connect from, port 0 for any free one; null to leave it to the system
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
     */
    record ConnectSettings(
            @Nullable InetSocketAddress local,
            boolean reuseAddress,
            int receiveBuffer,
            int sendBuffer) {
        /** Everything as the system chooses. */
        public static final ConnectSettings DEFAULTS = new ConnectSettings(null, false, 0, 0);
    }

    /**
     * Options of a datagram socket.
     *
     * @param reuseAddress {@code SO_REUSEADDR}
     * @param reusePort {@code SO_REUSEPORT}
     * @param receiveBuffer {@code SO_RCVBUF} in bytes, 0 for the system's default
     * @param sendBuffer {@code SO_SNDBUF} in bytes, 0 for the system's default
     * @param broadcast {@code SO_BROADCAST}
     */
    record DatagramSettings(
            boolean reuseAddress,
            boolean reusePort,
            int receiveBuffer,
            int sendBuffer,
            boolean broadcast) {}
}
