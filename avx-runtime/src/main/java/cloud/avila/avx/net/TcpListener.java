package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoListener;
import cloud.avila.avx.internal.reactor.IoStream;

import java.io.IOException;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.time.Duration;
import java.util.Set;

/**
 * A socket that accepts TCP connections.
 *
 * <pre>{@code
 * try (var server = TcpListener.bind("0.0.0.0", 9000)) {
 *     while (true) {
 *         TcpStream c = server.accept();
 *         rt.spawn(() -> { try (c) { return c.copyTo(c); } });
 *     }
 * }
 * }</pre>
 *
 * <p>Thread-safe; any number of threads may accept at the same time. Opened inside a runtime, and
 * closed with it at the latest.
 */
public final class TcpListener implements AutoCloseable {
    private final IoDriver driver;
    private final IoListener socket;
    private final InetSocketAddress local;
    private final Acceptor<IoStream> acceptor;

    private TcpListener(IoDriver driver, IoListener socket) {
        this.driver = driver;
        this.socket = socket;
        this.local = socket.localAddress();
        this.acceptor = new Acceptor<>(this, socket, socket::accept, local);
    }

    /**
     * Listens on a port of every address, of both families where the machine has IPv6.
     *
     * @param port the port, 0 for any free one
     * @return the listener
     * @throws java.net.BindException if the port is in use or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpListener bind(int port) throws IOException {
        return bind(Runtimes.anyAddress(Checks.port(port)));
    }

    /**
     * Listens on one address of a host.
     *
     * @param host a literal address or a host name; {@code 0.0.0.0} for every IPv4 address, {@code
     *     ::} for every address of both families
     * @param port the port, 0 for any free one
     * @return the listener
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the host is unknown or the socket cannot be opened
     * @throws InterruptedException if the thread was interrupted while the name was looked up
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpListener bind(String host, int port) throws IOException, InterruptedException {
        return bind(new InetSocketAddress(Runtimes.resolve(host)[0], Checks.port(port)));
    }

    /**
     * Listens on an address with the default options.
     *
     * @param local a resolved address; port 0 for any free one
     * @return the listener
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpListener bind(InetSocketAddress local) throws IOException {
        return bind(local, ListenOptions.defaults());
    }

    /**
     * Listens on an address.
     *
     * @param local a resolved address; port 0 for any free one
     * @param options what has to be known before it is opened
     * @return the listener
     * @throws java.net.BindException if the address is in use, not of this machine, or not allowed
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     */
    public static TcpListener bind(InetSocketAddress local, ListenOptions options)
            throws IOException {
        return bind(Runtimes.driver(), local, options);
    }

    static TcpListener bind(IoDriver driver, InetSocketAddress local, ListenOptions options)
            throws IOException {
        return new TcpListener(
                driver,
                driver.listen(
                        Checks.resolved(local),
                        new IoDriver.ListenSettings(
                                options.backlog(),
                                options.reuseAddress(),
                                options.reusePort(),
                                options.receiveBufferSize(),
                                options.options())));
    }

    /**
     * Waits for a connection.
     *
     * <p>When the process or the system runs out of descriptors, waiting goes on with growing
     * pauses until there are some again; {@link #acceptFailures()} counts that.
     *
     * @return the connection, with {@code TCP_NODELAY} on
     * @throws SocketClosedException if the listener is closed
     * @throws IOException if accepting fails for good
     * @throws InterruptedException if the thread was interrupted; no connection is lost
     */
    public TcpStream accept() throws IOException, InterruptedException {
        return accept(IoDriver.FOREVER);
    }

    /**
     * Waits for a connection for a limited time.
     *
     * @param timeout longest time to wait; zero takes only what is there
     * @return the connection, with {@code TCP_NODELAY} on
     * @throws java.net.SocketTimeoutException if none came in time
     * @throws SocketClosedException if the listener is closed
     * @throws IOException if accepting fails for good
     * @throws InterruptedException if the thread was interrupted; no connection is lost
     */
    public TcpStream accept(Duration timeout) throws IOException, InterruptedException {
        return accept(Checks.nanos(timeout));
    }

    private TcpStream accept(long timeoutNanos) throws IOException, InterruptedException {
        try {
            return new TcpStream(driver, acceptor.accept(timeoutNanos));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Asks to be told once when {@link #accept()} would not wait. The rules are those of {@link
     * SocketStream#whenReadable}.
     *
     * @param action what to run; takes the place of one that has not run yet
     * @return true if a connection waits now, and the action will not run; false if it will
     * @throws SocketClosedException if the listener is closed
     * @throws IOException if the system refuses to tell
     * @throws UnsupportedOperationException if the driver cannot; the message names it
     */
    public boolean whenAcceptable(Runnable action) throws IOException {
        try {
            return acceptor.whenAcceptable(action);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Hands out no more connections until {@link #resume()}: {@link #accept()} waits. Clients that
     * connect wait in the backlog, and are refused or get no answer when that is full. Idempotent.
     */
    public void pause() {
        acceptor.pause();
    }

    /** Hands out connections again. Idempotent. */
    public void resume() {
        acceptor.resume();
    }

    /**
     * Whether it is paused.
     *
     * @return true between {@link #pause()} and {@link #resume()}
     */
    public boolean isPaused() {
        return acceptor.isPaused();
    }

    /**
     * Sets an option. Connections that are accepted later inherit most.
     *
     * @param option one of {@link #supportedOptions()}
     * @param value its value
     * @param <T> the type of the value
     * @return this
     * @throws IOException if the socket is closed or the system refuses
     * @throws UnsupportedOperationException if a listener does not have the option
     */
    public <T> TcpListener setOption(SocketOption<T> option, T value) throws IOException {
        if (!socket.setOption(option, value)) {
            throw Checks.closed("setting " + option.name() + " of", local);
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
     * @throws UnsupportedOperationException if a listener does not have the option
     */
    public <T> T getOption(SocketOption<T> option) throws IOException {
        return socket.getOption(option);
    }

    /**
     * The options of listeners.
     *
     * @return some of {@link java.net.StandardSocketOptions} and {@link SocketOptions}
     */
    public Set<SocketOption<?>> supportedOptions() {
        return socket.supportedOptions();
    }

    /**
     * The address it listens on, with the port that was found if none was asked for.
     *
     * @return the address
     */
    public InetSocketAddress localAddress() {
        return local;
    }

    /**
     * Times that accepting failed because descriptors or memory had run out, and was put off.
     *
     * @return the number
     */
    public long acceptFailures() {
        return socket.acceptFailures();
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
     * Stops listening. Threads in {@link #accept()} get a {@link SocketClosedException};
     * connections accepted stay, those not yet accepted are reset. Idempotent, does not wait.
     */
    @Override
    public void close() {
        acceptor.close();
    }

    @Override
    public String toString() {
        return "TcpListener[" + local + (isOpen() ? "]" : ", closed]");
    }
}
