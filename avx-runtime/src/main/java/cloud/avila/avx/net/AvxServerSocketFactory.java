package cloud.avila.avx.net;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Objects;

import javax.net.ServerSocketFactory;

/**
 * Makes a {@link ServerSocket} of every listener, for libraries that ask for a {@link
 * ServerSocketFactory}. The sockets it accepts are those of {@link AvxSocketFactory}; which runtime
 * a listener belongs to is decided in the same way, when it is bound.
 */
public final class AvxServerSocketFactory extends ServerSocketFactory {
    private final @Nullable String runtime;

    /** A factory whose listeners find their runtime when they are bound. */
    public AvxServerSocketFactory() {
        this.runtime = null;
    }

    /**
     * A factory whose listeners belong to the open runtime of that name.
     *
     * @param runtime the runtime's name, see {@code RuntimeConfig.name}; it need not be open yet
     */
    public AvxServerSocketFactory(String runtime) {
        this.runtime = Objects.requireNonNull(runtime, "runtime");
    }

    /**
     * What libraries call that know only the name of the class.
     *
     * @return a factory without a runtime's name
     */
    public static ServerSocketFactory getDefault() {
        return new AvxServerSocketFactory();
    }

    @Override
    public ServerSocket createServerSocket() throws IOException {
        return new ListenerSocket(
                () ->
                        runtime == null
                                ? Runtimes.currentOrOnlyDriver()
                                : Runtimes.driverOf(runtime));
    }

    @Override
    public ServerSocket createServerSocket(int port) throws IOException {
        return createServerSocket(port, 0, null);
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog) throws IOException {
        return createServerSocket(port, backlog, null);
    }

    @Override
    public ServerSocket createServerSocket(
            int port, int backlog, @Nullable InetAddress interfaceAddress) throws IOException {
        ServerSocket socket = createServerSocket();
        try {
            socket.bind(new InetSocketAddress(interfaceAddress, port), backlog);
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public String toString() {
        return "AvxServerSocketFactory[" + (runtime == null ? "" : runtime) + "]";
    }
}
