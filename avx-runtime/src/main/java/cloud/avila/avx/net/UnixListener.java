package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoUnixListener;
import cloud.avila.avx.internal.reactor.IoUnixStream;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A Unix domain socket that accepts connections from this machine.
 *
 * <p>A path must not exist before, and is not deleted by {@link #close()}: another process may have
 * bound it anew. Who may connect is decided by the rights of the file and its directory.
 *
 * <p>Thread-safe; any number of threads may accept at the same time. Opened inside a runtime, and
 * closed with it at the latest.
 */
public final class UnixListener implements AutoCloseable {
    private static final int DEFAULT_BACKLOG = 1024;

    private final IoDriver driver;
    private final IoUnixListener socket;
    private final UnixAddress local;
    private final Acceptor<IoUnixStream> acceptor;

    private UnixListener(IoDriver driver, IoUnixListener socket) {
        this.driver = driver;
        this.socket = socket;
        this.local = UnixAddress.of(socket.localName());
        this.acceptor = new Acceptor<>(this, socket, socket::accept, local);
    }

    /**
     * Listens at a path.
     *
     * @param path a file that does not exist, in a directory that does
     * @return the listener
     * @throws java.net.BindException if the file exists, or must not be created
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no Unix sockets; the message names it
     */
    public static UnixListener bind(Path path) throws IOException {
        return bind(UnixAddress.of(path), DEFAULT_BACKLOG);
    }

    /**
     * Listens at an address.
     *
     * @param local the address, not the unnamed one
     * @param backlog connections that may wait to be accepted, at least 1; the system bounds it
     *     further
     * @return the listener
     * @throws java.net.BindException if the address is in use, or must not be created
     * @throws IOException if the socket cannot be opened
     * @throws IllegalStateException if no runtime is current on this thread
     * @throws UnsupportedOperationException if the driver has no Unix sockets, or no abstract
     *     names; the message names it
     */
    public static UnixListener bind(UnixAddress local, int backlog) throws IOException {
        if (backlog < 1) {
            throw new IllegalArgumentException("backlog must be at least 1, but is " + backlog);
        }
        IoDriver driver = Runtimes.driver();
        return new UnixListener(driver, driver.listenUnix(Checks.named(local), backlog));
    }

    /**
     * Waits for a connection. Want of descriptors is waited out as by {@link TcpListener#accept()}.
     *
     * @return the connection
     * @throws SocketClosedException if the listener is closed
     * @throws IOException if accepting fails for good
     * @throws InterruptedException if the thread was interrupted; no connection is lost
     */
    public UnixStream accept() throws IOException, InterruptedException {
        return accept(IoDriver.FOREVER);
    }

    /**
     * Waits for a connection for a limited time.
     *
     * @param timeout longest time to wait; zero takes only what is there
     * @return the connection
     * @throws java.net.SocketTimeoutException if none came in time
     * @throws SocketClosedException if the listener is closed
     * @throws IOException if accepting fails for good
     * @throws InterruptedException if the thread was interrupted; no connection is lost
     */
    public UnixStream accept(Duration timeout) throws IOException, InterruptedException {
        return accept(Checks.nanos(timeout));
    }

    private UnixStream accept(long timeoutNanos) throws IOException, InterruptedException {
        try {
            return new UnixStream(driver, acceptor.accept(timeoutNanos));
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
     * Hands out no more connections until {@link #resume()}: {@link #accept()} waits. Clients wait
     * in the backlog; when it is full they wait to connect. Idempotent.
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
     * The address it listens at.
     *
     * @return the address
     */
    public UnixAddress localAddress() {
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
     * connections accepted stay, those not yet accepted are reset. The file of a path stays.
     * Idempotent, does not wait.
     */
    @Override
    public void close() {
        acceptor.close();
    }

    @Override
    public String toString() {
        return "UnixListener[" + local + (isOpen() ? "]" : ", closed]");
    }
}
