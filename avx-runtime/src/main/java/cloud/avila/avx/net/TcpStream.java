package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoStream;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.time.Duration;

/**
 * A TCP connection, used in blocking style from fibers and from every other thread. Reading,
 * writing and the rules of threads: {@link SocketStream}. {@code TCP_NODELAY} is on.
 */
public final class TcpStream extends SocketStream {
    private final IoStream socket;

    TcpStream(IoDriver driver, IoStream socket) {
        super(driver, socket);
        this.socket = socket;
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
        return connect(Runtimes.driver(), host, port, Checks.positiveNanos(timeout));
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
        return connect(Runtimes.driver(), Checks.resolved(remote), Checks.positiveNanos(timeout));
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
        return connect(
                Runtimes.driver(), Checks.resolved(remote), options, Checks.positiveNanos(timeout));
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
                        options.sendBufferSize(),
                        options.options());
        IoStream socket = driver.connect(remote, settings, timeoutNanos);
        if (socket == null) {
            throw Checks.timedOut("connect to", remote, timeoutNanos);
        }
        return new TcpStream(driver, socket);
    }

    // ---- settings ----

    @Override
    public TcpStream readTimeout(Duration timeout) {
        super.readTimeout(timeout);
        return this;
    }

    @Override
    public TcpStream writeTimeout(Duration timeout) {
        super.writeTimeout(timeout);
        return this;
    }

    @Override
    public <T> TcpStream setOption(SocketOption<T> option, T value) throws IOException {
        super.setOption(option, value);
        return this;
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
     * The address of this end.
     *
     * @return the address; the wildcard if it was never asked for before the socket was closed
     */
    @Override
    public InetSocketAddress localAddress() {
        return socket.localAddress();
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return socket.remoteAddress();
    }

    @Override
    public String toString() {
        return "TcpStream[" + remoteAddress() + (isOpen() ? "]" : ", closed]");
    }
}
