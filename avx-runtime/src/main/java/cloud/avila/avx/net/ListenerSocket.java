package cloud.avila.avx.net;

import cloud.avila.avx.internal.reactor.IoDriver;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.Set;

/** A {@link ServerSocket} with a {@link TcpListener} behind it. */
final class ListenerSocket extends ServerSocket {
    private static final int DEFAULT_BACKLOG = 50; // as ServerSocket has it

    /** Where the driver comes from. */
    @FunctionalInterface
    interface Drivers {
        IoDriver get() throws IOException;
    }

    private final Drivers drivers;
    private volatile ListenOptions options = ListenOptions.defaults();
    private volatile @Nullable TcpListener listener;
    private volatile int timeoutMillis;
    private volatile boolean closed;

    ListenerSocket(Drivers drivers) throws IOException {
        this.drivers = drivers;
    }

    private void checkOpen() throws SocketException {
        if (isClosed()) {
            throw new SocketException("Socket is closed");
        }
    }

    @Override
    public void bind(@Nullable SocketAddress endpoint) throws IOException {
        bind(endpoint, DEFAULT_BACKLOG);
    }

    @Override
    public void bind(@Nullable SocketAddress endpoint, int backlog) throws IOException {
        checkOpen();
        if (listener != null) {
            throw new SocketException("Already bound");
        }
        if (endpoint != null && !(endpoint instanceof InetSocketAddress)) {
            throw new IllegalArgumentException("not an internet address: " + endpoint);
        }
        var local = endpoint == null ? new InetSocketAddress(0) : (InetSocketAddress) endpoint;
        if (local.isUnresolved()) {
            throw new SocketException("Unresolved address " + local);
        }
        var wanted = options.withBacklog(backlog < 1 ? DEFAULT_BACKLOG : backlog);
        TcpListener opened = TcpListener.bind(drivers.get(), local, wanted);
        listener = opened;
        if (closed) {
            opened.close();
            checkOpen();
        }
    }

    @Override
    public Socket accept() throws IOException {
        checkOpen();
        TcpListener bound = listener;
        if (bound == null) {
            throw new SocketException("Socket is not bound yet");
        }
        int millis = timeoutMillis;
        TcpStream stream;
        try {
            stream = millis == 0 ? bound.accept() : bound.accept(Duration.ofMillis(millis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            if (Thread.currentThread().isVirtual()) {
                close(); // as the JDK's does
                throw new SocketException("Closed by interrupt");
            }
            var thrown = new InterruptedIOException("interrupted while accepting on " + bound);
            thrown.initCause(e);
            throw thrown;
        }
        try {
            return AvxSocketFactory.accepted(stream);
        } catch (Throwable e) {
            stream.close();
            throw e;
        }
    }

    @Override
    public void close() {
        closed = true;
        TcpListener bound = listener;
        if (bound != null) {
            bound.close();
        }
    }

    @Override
    public boolean isBound() {
        return listener != null;
    }

    @Override
    public boolean isClosed() {
        TcpListener bound = listener;
        return closed || bound != null && !bound.isOpen();
    }

    @Override
    public @Nullable InetAddress getInetAddress() {
        TcpListener bound = listener;
        return bound == null ? null : bound.localAddress().getAddress();
    }

    @Override
    public int getLocalPort() {
        TcpListener bound = listener;
        return bound == null ? -1 : bound.localAddress().getPort();
    }

    @Override
    public @Nullable SocketAddress getLocalSocketAddress() {
        TcpListener bound = listener;
        return bound == null ? null : bound.localAddress();
    }

    @Override
    public @Nullable ServerSocketChannel getChannel() {
        return null;
    }

    @Override
    public void setSoTimeout(int timeout) throws SocketException {
        if (timeout < 0) {
            throw new IllegalArgumentException("timeout must not be negative, but is " + timeout);
        }
        checkOpen();
        timeoutMillis = timeout;
    }

    @Override
    public int getSoTimeout() throws IOException {
        checkOpen();
        return timeoutMillis;
    }

    @Override
    public void setReuseAddress(boolean on) throws SocketException {
        checkOpen();
        options = options.withReuseAddress(on);
    }

    @Override
    public boolean getReuseAddress() throws SocketException {
        checkOpen();
        return options.reuseAddress();
    }

    @Override
    public void setReceiveBufferSize(int size) throws SocketException {
        if (size <= 0) {
            throw new IllegalArgumentException("size must be positive, but is " + size);
        }
        checkOpen();
        options = options.withReceiveBufferSize(size);
    }

    @Override
    public int getReceiveBufferSize() throws SocketException {
        checkOpen();
        int size = options.receiveBufferSize();
        if (size == 0) {
            throw new SocketException("the receive buffer is the system's choice");
        }
        return size;
    }

    @Override
    public <T> ServerSocket setOption(SocketOption<T> name, T value) throws IOException {
        if (name == StandardSocketOptions.SO_REUSEADDR) {
            setReuseAddress((Boolean) value);
        } else if (name == StandardSocketOptions.SO_REUSEPORT) {
            checkOpen();
            options = options.withReusePort((Boolean) value);
        } else if (name == StandardSocketOptions.SO_RCVBUF) {
            setReceiveBufferSize((Integer) value);
        } else {
            throw new UnsupportedOperationException("no listener has the option " + name.name());
        }
        return this;
    }

    @Override
    @SuppressWarnings("unchecked") // each option has this type
    public <T> T getOption(SocketOption<T> name) throws IOException {
        if (name == StandardSocketOptions.SO_REUSEADDR) {
            return (T) (Boolean) getReuseAddress();
        }
        if (name == StandardSocketOptions.SO_REUSEPORT) {
            checkOpen();
            return (T) (Boolean) options.reusePort();
        }
        if (name == StandardSocketOptions.SO_RCVBUF) {
            return (T) (Integer) getReceiveBufferSize();
        }
        throw new UnsupportedOperationException("no listener has the option " + name.name());
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return Set.of(
                StandardSocketOptions.SO_REUSEADDR,
                StandardSocketOptions.SO_REUSEPORT,
                StandardSocketOptions.SO_RCVBUF);
    }

    @Override
    public String toString() {
        TcpListener bound = listener;
        return "ServerSocket[" + (bound == null ? "unbound" : bound.toString()) + "]";
    }
}
