package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.BindException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(300)
class TcpListenerTest extends RuntimeSockets {
    @Test
    void twoThousandConnectionsAreServedAtOnce() throws Exception {
        int connections = 2000;
        onFiber(
                () -> {
                    var served = new AtomicInteger();
                    try (var listener = TcpListener.bind(loopback(0))) {
                        var accepting =
                                spawn(
                                        () -> {
                                            for (int i = 0; i < connections; i++) {
                                                TcpStream c = listener.accept();
                                                spawn(
                                                        () -> {
                                                            try (c) {
                                                                c.copyTo(c);
                                                            }
                                                            served.incrementAndGet();
                                                        });
                                            }
                                        });
                        var clients = new ArrayList<TcpStream>();
                        for (int i = 0; i < connections; i++) {
                            clients.add(TcpStream.connect(listener.localAddress(), PATIENCE));
                        }
                        accepting.join();
                        byte[] one = new byte[1];
                        for (int round = 0; round < 3; round++) {
                            for (int i = 0; i < connections; i++) {
                                clients.get(i).writeAll(new byte[] {(byte) (i + round)});
                            }
                            for (int i = 0; i < connections; i++) {
                                clients.get(i).readFully(one);
                                assertEquals((byte) (i + round), one[0]);
                            }
                        }
                        assertTrue(runtime().metrics().registeredSockets() >= connections);
                        clients.forEach(TcpStream::close);
                        while (served.get() < connections) {
                            Thread.sleep(10);
                        }
                    }
                });
        assertEquals(0, runtime().metrics().registeredSockets());
        assertEquals(
                runtime().metrics().socketsRegistered(), runtime().metrics().socketsDeregistered());
    }

    @Test
    void anAddressInUseIsABindExceptionWithTheAddress() throws Exception {
        onFiber(
                () -> {
                    try (var first = TcpListener.bind(loopback(0))) {
                        var e =
                                assertThrows(
                                        BindException.class,
                                        () -> TcpListener.bind(first.localAddress()));
                        assertEquals(
                                "listen on "
                                        + first.localAddress()
                                        + " failed: EADDRINUSE (98), address already in use",
                                e.getMessage());
                    }
                    assertThrows(BindException.class, () -> TcpListener.bind("203.0.113.1", 0));
                });
    }

    @Test
    void listenersCanShareAPort() throws Exception {
        onFiber(
                () -> {
                    var shared = ListenOptions.defaults().withReusePort(true);
                    try (var a = TcpListener.bind(loopback(0), shared);
                            var b = TcpListener.bind(a.localAddress(), shared)) {
                        var accepted = new AtomicInteger();
                        for (var listener : List.of(a, b)) {
                            spawn(
                                    () -> {
                                        while (true) {
                                            listener.accept().close();
                                            accepted.incrementAndGet();
                                        }
                                    });
                        }
                        for (int i = 0; i < 50; i++) {
                            try (var c = TcpStream.connect(a.localAddress(), PATIENCE)) {
                                assertEquals(-1, c.read(new byte[1]));
                            }
                        }
                        // a client may see the end before the acceptor has counted
                        for (int i = 0; i < 60_000 && accepted.get() < 50; i++) {
                            Thread.sleep(1);
                        }
                        assertEquals(50, accepted.get());
                    }
                });
    }

    @Test
    void thePortIsFreeAsSoonAsTheListenerIsClosed() throws Exception {
        onFiber(
                () -> {
                    InetSocketAddress address = loopback(0);
                    for (int i = 0; i < 50; i++) {
                        var listener = TcpListener.bind(address);
                        address = listener.localAddress();
                        var accepting = spawn(listener::accept);
                        if (i % 2 == 0) {
                            Thread.sleep(1);
                        }
                        listener.close();
                        listener.close();
                        var e = assertThrows(CompletionException.class, accepting::join);
                        assertInstanceOf(SocketClosedException.class, e.getCause());
                    }
                });
    }

    @Test
    void acceptingTimesOutAndGoesOn() throws Exception {
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(loopback(0))) {
                        assertThrows(
                                SocketTimeoutException.class, () -> listener.accept(Duration.ZERO));
                        long start = System.nanoTime();
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () -> listener.accept(Duration.ofMillis(20)));
                        assertTrue(System.nanoTime() - start >= 20_000_000);
                        assertMessage("accept on " + listener.localAddress(), e);
                        Pair.connect(listener).close();
                        assertEquals(0, listener.acceptFailures());
                    }
                });
    }

    @Test
    void oneListenerServesBothFamilies() throws Exception {
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(0)) {
                        int port = listener.localAddress().getPort();
                        try (var c = TcpStream.connect("127.0.0.1", port, PATIENCE);
                                var s = listener.accept(PATIENCE)) {
                            assertInstanceOf(Inet4Address.class, s.remoteAddress().getAddress());
                            assertEquals(c.localAddress(), s.remoteAddress());
                        }
                        if (hasIpv6()) {
                            try (var c = TcpStream.connect("::1", port, PATIENCE);
                                    var s = listener.accept(PATIENCE)) {
                                assertInstanceOf(
                                        Inet6Address.class, s.remoteAddress().getAddress());
                                assertEquals(c.localAddress(), s.remoteAddress());
                                s.writeAll(new byte[] {6});
                                assertEquals(1, c.read(new byte[9]));
                            }
                        }
                    }
                });
    }

    /** Whether this machine has the IPv6 loopback address. */
    static boolean hasIpv6() {
        try (var probe = TcpListener.bind(new InetSocketAddress(InetAddress.ofLiteral("::1"), 0))) {
            return probe.isOpen();
        } catch (java.io.IOException e) {
            return false;
        }
    }

    @Test
    void optionsAreChecked() {
        var options =
                ListenOptions.defaults()
                        .withBacklog(7)
                        .withReuseAddress(true)
                        .withReusePort(false)
                        .withReceiveBufferSize(8192);
        assertEquals(ListenOptions.defaults().withBacklog(7).withReceiveBufferSize(8192), options);
        assertThrows(IllegalArgumentException.class, () -> options.withBacklog(0));
        assertThrows(IllegalArgumentException.class, () -> options.withReceiveBufferSize(-1));
    }
}
