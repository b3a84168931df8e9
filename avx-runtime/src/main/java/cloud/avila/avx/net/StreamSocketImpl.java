package cloud.avila.avx.net;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketOption;
import java.net.SocketOptions;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a {@link java.net.Socket} is made of when a {@link TcpStream} is behind it. Options that are
 * set before it connects are kept until then.
 */
final class StreamSocketImpl extends SocketImpl {
    private static final Map<Integer, SocketOption<?>> NUMBERED =
            Map.of(
                    SocketOptions.TCP_NODELAY, StandardSocketOptions.TCP_NODELAY,
                    SocketOptions.SO_KEEPALIVE, StandardSocketOptions.SO_KEEPALIVE,
                    SocketOptions.SO_LINGER, StandardSocketOptions.SO_LINGER,
                    SocketOptions.SO_SNDBUF, StandardSocketOptions.SO_SNDBUF,
                    SocketOptions.SO_RCVBUF, StandardSocketOptions.SO_RCVBUF,
                    SocketOptions.IP_TOS, StandardSocketOptions.IP_TOS,
                    SocketOptions.SO_REUSEADDR, StandardSocketOptions.SO_REUSEADDR);

    private static final Map<SocketOption<?>, Object> UNTIL_CONNECTED =
            Map.of(
                    StandardSocketOptions.TCP_NODELAY, true,
                    StandardSocketOptions.SO_KEEPALIVE, false,
                    StandardSocketOptions.SO_LINGER, -1,
                    StandardSocketOptions.IP_TOS, 0,
                    StandardSocketOptions.SO_REUSEADDR, false);

    /** How to connect: where the runtime comes from is the factory's business. */
    @FunctionalInterface
    interface Connector {
        TcpStream connect(InetSocketAddress remote, ConnectOptions options, Duration timeout)
                throws IOException, InterruptedException;
    }

    private final Connector connector;
    private final Map<SocketOption<?>, Object> wanted = new ConcurrentHashMap<>();
    private volatile ConnectOptions options = ConnectOptions.defaults();
    private volatile @Nullable TcpStream stream;
    private volatile int timeoutMillis;
    private volatile boolean closed;

    StreamSocketImpl(Connector connector) {
        this.connector = connector;
    }

    /** Of a connection that was accepted: connecting does nothing. */
    StreamSocketImpl(TcpStream accepted) {
        this.connector = (_, _, _) -> accepted;
    }

    private TcpStream connected() throws SocketException {
        TcpStream s = stream;
        if (s == null) {
            throw new SocketException(closed ? "Socket is closed" : "Socket is not connected");
        }
        return s;
    }

    @Override
    protected void create(boolean isStream) throws IOException {
        if (!isStream) {
            throw new SocketException("there are no datagrams behind a stream");
        }
    }

    @Override
    protected void connect(String host, int port) throws IOException {
        connect(new InetSocketAddress(host, port), 0);
    }

    @Override
    protected void connect(InetAddress address, int port) throws IOException {
        connect(new InetSocketAddress(address, port), 0);
    }

    @Override
    protected void connect(SocketAddress address, int timeout) throws IOException {
        if (!(address instanceof InetSocketAddress remote)) {
            throw new IllegalArgumentException("not an internet address: " + address);
        }
        if (remote.isUnresolved()) {
            throw new UnknownHostException(remote.getHostString());
        }
        var limit = timeout == 0 ? Duration.ofSeconds(Long.MAX_VALUE) : Duration.ofMillis(timeout);
        TcpStream opened;
        try {
            opened = connector.connect(remote, options, limit);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            var thrown = new InterruptedIOException("interrupted while connecting to " + remote);
            thrown.initCause(e);
            throw thrown;
        }
        try {
            opened.readTimeout(Duration.ofMillis(timeoutMillis));
            for (var option : wanted.entrySet()) {
                set(opened, option.getKey(), option.getValue());
            }
        } catch (Throwable e) {
            opened.close();
            throw e;
        }
        stream = opened;
        if (closed) {
            opened.close();
            throw new SocketException("Socket is closed");
        }
    }

    @SuppressWarnings("unchecked") // the option checks the type of its value
    private static void set(TcpStream stream, SocketOption<?> option, Object value)
            throws IOException {
        stream.setOption((SocketOption<Object>) option, value);
    }

    @Override
    protected void bind(InetAddress host, int port) {
        options = options.withLocalAddress(new InetSocketAddress(host, port));
    }

    @Override
    protected void listen(int backlog) throws IOException {
        throw new SocketException("a stream does not listen");
    }

    @Override
    protected void accept(SocketImpl s) throws IOException {
        throw new SocketException("a stream does not accept");
    }

    @Override
    protected InputStream getInputStream() throws IOException {
        return connected().inputStream();
    }

    @Override
    protected OutputStream getOutputStream() throws IOException {
        return connected().outputStream();
    }

    @Override
    protected int available() throws IOException {
        return connected().available();
    }

    @Override
    protected void close() {
        closed = true;
        TcpStream s = stream;
        if (s != null) {
            s.close();
        }
    }

    @Override
    protected void shutdownInput() throws IOException {
        connected().shutdownInput();
    }

    @Override
    protected void shutdownOutput() throws IOException {
        connected().shutdownOutput();
    }

    @Override
    protected void sendUrgentData(int data) throws IOException {
        throw new SocketException("urgent data is not supported");
    }

    @Override
    protected InetAddress getInetAddress() {
        TcpStream s = stream;
        return s == null ? InetAddress.ofLiteral("0.0.0.0") : s.remoteAddress().getAddress();
    }

    @Override
    protected int getPort() {
        TcpStream s = stream;
        return s == null ? 0 : s.remoteAddress().getPort();
    }

    @Override
    protected int getLocalPort() {
        return localAddress().getPort();
    }

    private InetSocketAddress localAddress() {
        TcpStream s = stream;
        if (s != null) {
            return s.localAddress();
        }
        InetSocketAddress bound = options.localAddress();
        return bound != null ? bound : new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
    }

    // --- options ---

    @Override
    protected <T> void setOption(SocketOption<T> name, @Nullable T value) throws IOException {
        Object given = Objects.requireNonNull(value, name.name());
        TcpStream s = stream;
        if (name == StandardSocketOptions.SO_REUSEADDR) {
            options = options.withReuseAddress((Boolean) given);
        } else if (!supportedOptions().contains(name)) {
            throw new UnsupportedOperationException("no connection has the option " + name.name());
        } else if (s != null) {
            set(s, name, given);
        } else if (name == StandardSocketOptions.SO_RCVBUF) {
            options = options.withReceiveBufferSize((Integer) given);
        } else if (name == StandardSocketOptions.SO_SNDBUF) {
            options = options.withSendBufferSize((Integer) given);
        } else {
            wanted.put(name, given);
        }
    }

    @Override
    @SuppressWarnings("unchecked") // put there by setOption with the same option
    protected <T> T getOption(SocketOption<T> name) throws IOException {
        TcpStream s = stream;
        if (name == StandardSocketOptions.SO_REUSEADDR) {
            return (T) (Boolean) options.reuseAddress();
        }
        if (s != null) {
            return s.getOption(name);
        }
        if (name == StandardSocketOptions.SO_RCVBUF && options.receiveBufferSize() > 0) {
            return (T) (Integer) options.receiveBufferSize();
        }
        if (name == StandardSocketOptions.SO_SNDBUF && options.sendBufferSize() > 0) {
            return (T) (Integer) options.sendBufferSize();
        }
        Object value = wanted.getOrDefault(name, UNTIL_CONNECTED.get(name));
        if (value == null) {
            throw new SocketException(
                    name.name()
                            + " is the system's choice and not known before the socket connects");
        }
        return (T) value;
    }

    @Override
    protected Set<SocketOption<?>> supportedOptions() {
        return Set.of(
                StandardSocketOptions.TCP_NODELAY,
                StandardSocketOptions.SO_KEEPALIVE,
                StandardSocketOptions.SO_LINGER,
                StandardSocketOptions.SO_SNDBUF,
                StandardSocketOptions.SO_RCVBUF,
                StandardSocketOptions.IP_TOS,
                StandardSocketOptions.SO_REUSEADDR);
    }

    @Override
    @SuppressWarnings("unchecked") // the option checks the type of its value
    public void setOption(int id, Object value) throws SocketException {
        if (id == SO_TIMEOUT) {
            timeoutMillis = (Integer) value;
            TcpStream s = stream;
            if (s != null) {
                s.readTimeout(Duration.ofMillis(timeoutMillis));
            }
            return;
        }
        boolean off = id == SO_LINGER && Boolean.FALSE.equals(value);
        try {
            setOption((SocketOption<Object>) numbered(id), off ? -1 : value);
        } catch (SocketException e) {
            throw e;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public Object getOption(int id) throws SocketException {
        if (id == SO_TIMEOUT) {
            return timeoutMillis;
        }
        if (id == SO_BINDADDR) {
            return localAddress().getAddress();
        }
        try {
            return getOption(numbered(id));
        } catch (SocketException e) {
            throw e;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static SocketOption<?> numbered(int id) throws SocketException {
        SocketOption<?> option = NUMBERED.get(id);
        if (option == null) {
            throw new SocketException("no connection has option 0x" + Integer.toHexString(id));
        }
        return option;
    }

    private static SocketException failed(IOException e) {
        var thrown = new SocketException(e.getMessage());
        thrown.initCause(e);
        return thrown;
    }

    @Override
    public String toString() {
        TcpStream s = stream;
        return s == null ? "not connected" : s.toString();
    }
}
