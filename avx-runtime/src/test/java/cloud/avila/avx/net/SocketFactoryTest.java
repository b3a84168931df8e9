package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** The sockets keep what {@code java.net.Socket} promises, with a runtime behind them. */
@Timeout(60)
class SocketFactoryTest {
    private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

    private final AvxRuntime rt =
            AvxRuntime.create(RuntimeConfig.builder().name("factories").workerThreads(2).build());
    private final AvxSocketFactory sockets = new AvxSocketFactory("factories");
    private ServerSocket listener;

    @BeforeEach
    void listen() throws IOException {
        listener = new AvxServerSocketFactory("factories").createServerSocket(0, 10, LOOPBACK);
    }

    @AfterEach
    void close() throws IOException {
        listener.close();
        rt.close();
    }

    private record Pair(Socket client, Socket server) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            client.close();
            server.close();
        }
    }

    private Pair pair() throws IOException {
        Socket client = sockets.createSocket(LOOPBACK, listener.getLocalPort());
        return new Pair(client, listener.accept());
    }

    private static String read(Socket socket, int bytes) throws IOException {
        return new String(socket.getInputStream().readNBytes(bytes), UTF_8);
    }

    @Test
    void bothEndsTalkFromFibersAndPlatformThreads() throws Exception {
        try (var pair = pair()) {
            var echo =
                    rt.spawn(
                            () -> {
                                InputStream in = pair.server().getInputStream();
                                in.transferTo(pair.server().getOutputStream());
                                pair.server().shutdownOutput();
                                return null;
                            });
            pair.client().getOutputStream().write("hello".getBytes(UTF_8));
            assertEquals("hello", read(pair.client(), 5));
            pair.client().shutdownOutput();
            assertEquals(-1, pair.client().getInputStream().read());
            echo.join();
            assertTrue(pair.client().isOutputShutdown());
        }
    }

    @Test
    void statesAndAddressesAreThoseOfASocket() throws Exception {
        Socket socket = sockets.createSocket();
        assertFalse(socket.isConnected());
        assertFalse(socket.isBound());
        assertThrows(SocketException.class, socket::getInputStream);
        socket.connect(listener.getLocalSocketAddress(), 5_000);
        try (Socket server = listener.accept()) {
            assertTrue(socket.isConnected() && socket.isBound() && server.isConnected());
            assertEquals(listener.getLocalPort(), socket.getPort());
            assertEquals(socket.getLocalPort(), server.getPort());
            assertEquals(LOOPBACK, socket.getInetAddress());
            assertEquals(LOOPBACK, socket.getLocalAddress());
            assertEquals(socket.getLocalSocketAddress(), server.getRemoteSocketAddress());
            socket.close();
            socket.close();
            assertTrue(socket.isClosed());
            assertThrows(SocketException.class, socket::getOutputStream);
            assertEquals(-1, server.getInputStream().read());
        }
    }

    @Test
    void optionsSetBeforeConnectingHoldAfterwards() throws Exception {
        try (Socket socket = sockets.createSocket()) {
            assertTrue(socket.getTcpNoDelay());
            socket.setTcpNoDelay(false);
            socket.setKeepAlive(true);
            socket.setSoLinger(true, 7);
            socket.setReceiveBufferSize(20_000);
            socket.setSendBufferSize(30_000);
            socket.setSoTimeout(50);
            socket.setReuseAddress(true);
            assertEquals(20_000, socket.getReceiveBufferSize());
            socket.bind(new InetSocketAddress(LOOPBACK, 0));
            socket.connect(listener.getLocalSocketAddress());
            assertFalse(socket.getTcpNoDelay());
            assertTrue(socket.getKeepAlive());
            assertEquals(7, socket.getSoLinger());
            assertTrue(socket.getReceiveBufferSize() >= 20_000);
            assertTrue(socket.getSendBufferSize() >= 30_000);
            assertTrue(socket.getReuseAddress());
            assertThrows(SocketTimeoutException.class, () -> socket.getInputStream().read());
            socket.setSoLinger(false, 0);
            assertEquals(-1, socket.getSoLinger());
            socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
            assertTrue(socket.getOption(StandardSocketOptions.TCP_NODELAY));
            assertThrows(SocketException.class, () -> socket.setOOBInline(true));
            assertThrows(SocketException.class, () -> socket.sendUrgentData(1));
        }
    }

    @Test
    void availableTellsWhatCanBeReadWithoutWaiting() throws Exception {
        try (var pair = pair()) {
            assertEquals(0, pair.client().getInputStream().available());
            pair.server().getOutputStream().write(new byte[1_000]);
            while (pair.client().getInputStream().available() < 1_000) {
                Thread.onSpinWait();
            }
            assertEquals(300, pair.client().getInputStream().readNBytes(300).length);
            assertEquals(700, pair.client().getInputStream().available());
        }
    }

    @Test
    void failuresAreThoseOfASocket() throws Exception {
        int port = listener.getLocalPort();
        listener.close();
        assertThrows(ConnectException.class, () -> sockets.createSocket(LOOPBACK, port));
        try (Socket socket = sockets.createSocket()) {
            assertThrows(
                    UnknownHostException.class,
                    () -> socket.connect(InetSocketAddress.createUnresolved("no.invalid", 1)));
        }
        assertThrows(SocketException.class, listener::accept);
        listener = new AvxServerSocketFactory("factories").createServerSocket(0, 1, LOOPBACK);
        listener.setSoTimeout(30);
        assertThrows(SocketTimeoutException.class, listener::accept);
        assertThrows(SocketException.class, () -> listener.bind(null));
    }

    @Test
    void closingEndsAReadAndAnAcceptThatWait() throws Exception {
        try (var pair = pair()) {
            var reading = rt.spawn(() -> pair.client().getInputStream().read());
            var accepting = rt.spawn(() -> listener.accept());
            Thread.sleep(50);
            pair.client().close();
            listener.close();
            assertEquals(
                    true,
                    assertThrows(ExecutionException.class, reading::get).getCause()
                            instanceof SocketException);
            assertEquals(
                    true,
                    assertThrows(ExecutionException.class, accepting::get).getCause()
                            instanceof SocketException);
        }
    }

    @Test
    void anInterruptClosesTheSocketOfAFiberAsInTheJdk() throws Exception {
        try (var pair = pair()) {
            var started = new CompletableFuture<Thread>();
            var failure = new CompletableFuture<Throwable>();
            var reading =
                    rt.spawn(
                            () -> {
                                started.complete(Thread.currentThread());
                                try {
                                    return pair.client().getInputStream().read();
                                } catch (IOException e) {
                                    failure.complete(e);
                                    throw e;
                                }
                            });
            started.get();
            Thread.sleep(30);
            reading.cancel(true);
            assertTrue(failure.get() instanceof SocketException, () -> failure.join().toString());
            assertTrue(pair.client().isClosed());
        }
    }

    @Test
    void theRuntimeIsTheNamedOneTheCurrentOneOrTheOnlyOne() throws Exception {
        var address = listener.getLocalSocketAddress();
        var free = new AvxSocketFactory();
        try (Socket socket = free.createSocket()) {
            rt.spawn(
                            () -> {
                                socket.connect(address);
                                return null;
                            })
                    .join();
            listener.accept().close();
        }
        try (var other = AvxRuntime.create(RuntimeConfig.builder().name("other").build());
                Socket socket = free.createSocket()) {
            var e = assertThrows(IOException.class, () -> socket.connect(address));
            assertTrue(String.valueOf(e.getMessage()).contains("[factories, other]"), e::toString);
            assertEquals("other", other.config().name());
        }
        try (Socket socket = new AvxSocketFactory("nobody").createSocket()) {
            var e = assertThrows(IOException.class, () -> socket.connect(address));
            assertTrue(String.valueOf(e.getMessage()).contains("nobody"), e::toString);
        }
    }
}
