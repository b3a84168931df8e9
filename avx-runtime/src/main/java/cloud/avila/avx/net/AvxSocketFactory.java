package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketImpl;
import java.time.Duration;
import java.util.Objects;

import javax.net.SocketFactory;

/**
 * Makes a {@link Socket} of every connection, for libraries that ask for a {@link SocketFactory}:
 * JDBC drivers, LDAP, mail. What such a socket waits for, a runtime's driver watches; on a fiber
 * the worker goes on with other work. TLS can be layered on top as on any socket.
 *
 * <p>Sockets belong to a runtime. Libraries often make the factory from its class name and connect
 * on threads of their own, so a socket takes, when it connects, the runtime that the factory was
 * given the name of; else the one that is current on the connecting thread; else the only one that
 * is open in this JVM.
 *
 * <p>The sockets differ from the JDK's in this: {@code TCP_NODELAY} is on unless it is turned off;
 * urgent data is not supported; sizes of buffers are not known before the socket connects, unless
 * they were set; there is no channel behind them. Everything else is as {@link Socket} has it: when
 * a fiber is interrupted in a read or write, the socket is closed.
 */
public final class AvxSocketFactory extends SocketFactory {
    private final @Nullable String runtime;

    /** A factory whose sockets find their runtime when they connect. */
    public AvxSocketFactory() {
        this.runtime = null;
    }

    /**
     * A factory whose sockets belong to the open runtime of that name.
     *
     * @param runtime the runtime's name, see {@code RuntimeConfig.name}; it need not be open yet
     */
    public AvxSocketFactory(String runtime) {
        this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * What libraries call that know only the name of the class.
     *
     * @return a factory without a runtime's name
     */
    public static SocketFactory getDefault() {
        return new AvxSocketFactory();
    }

    private TcpStream open(InetSocketAddress remote, ConnectOptions options, Duration timeout)
            throws IOException, InterruptedException {
        IoDriver driver =
                runtime == null ? Runtimes.currentOrOnlyDriver() : Runtimes.driverOf(runtime);
        return TcpStream.connect(driver, remote, options, Checks.nanos(timeout));
    }

    /** The socket of a connection that was accepted. */
    static Socket accepted(TcpStream stream) throws IOException {
        Socket socket = new StreamSocket(new StreamSocketImpl(stream));
        socket.connect(stream.remoteAddress());
        return socket;
    }

    @Override
    public Socket createSocket() throws IOException {
        return new StreamSocket(new StreamSocketImpl(this::open));
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port), null);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return connected(new InetSocketAddress(host, port), null);
    }

    @Override
    public Socket createSocket(String host, int port, @Nullable InetAddress from, int localPort)
            throws IOException {
        return connected(new InetSocketAddress(host, port), new InetSocketAddress(from, localPort));
    }

    @Override
    public Socket createSocket(
            InetAddress host, int port, @Nullable InetAddress from, int localPort)
            throws IOException {
        return connected(new InetSocketAddress(host, port), new InetSocketAddress(from, localPort));
    }

    private Socket connected(InetSocketAddress remote, @Nullable InetSocketAddress local)
            throws IOException {
        Socket socket = createSocket();
        try {
            if (local != null) {
                socket.bind(local);
            }
            socket.connect(remote);
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public String toString() {
        return "AvxSocketFactory[" + (runtime == null ? "" : runtime) + "]";
    }

    private static final class StreamSocket extends Socket {
        StreamSocket(SocketImpl impl) throws SocketException {
            super(impl);
        }
    }
}
