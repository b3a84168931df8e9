package cloud.avila.avx.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.net.ListenOptions;
import cloud.avila.avx.net.SocketClosedException;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.net.UdpSocket;
import cloud.avila.avx.net.UnixAddress;
import cloud.avila.avx.net.UnixListener;
import cloud.avila.avx.net.UnixStream;
import cloud.avila.avx.simulation.junit.SimulationTest;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The simulated network, through the public sockets. */
@Tag("simulation")
class SimulatedNetworkTest {
    private static final int PORT = 7000;

    /** Accepts one connection at host "server" and hands it over; the client's end is connected. */
    private record Pair(TcpStream client, TcpStream server) {}

    private static Pair connect(SimulatedRuntime sim) throws Exception {
        JoinHandle<TcpStream> accepting =
                sim.host("server")
                        .spawn(
                                "acceptor",
                                () -> {
                                    try (var listener = TcpListener.bind(PORT)) {
                                        return listener.accept();
                                    }
                                });
        TcpStream client =
                sim.host("client").<TcpStream>spawn("connector", () -> keepTrying()).join();
        return new Pair(client, accepting.join());
    }

    /** The listener may not be there yet. */
    private static TcpStream keepTrying() throws Exception {
        for (; ; ) {
            try {
                return TcpStream.connect("server", PORT);
            } catch (ConnectException | UnknownHostException e) {
                Thread.sleep(10);
            }
        }
    }

    private static String read(TcpStream from, int length) throws Exception {
        byte[] bytes = new byte[length];
        from.readFully(bytes);
        return new String(bytes, US_ASCII);
    }

    private static void write(TcpStream to, String text) throws Exception {
        to.writeAll(text.getBytes(US_ASCII));
    }

    // ---- streams ----

    @SimulationTest(seeds = 50)
    void whatIsWrittenArrivesWholeAndInOrder(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        byte[] data = new byte[300_000];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) sim.random().nextInt();
        }
        var echo =
                Handle.current()
                        .spawn(
                                "echo",
                                () -> {
                                    try (var s = pair.server) {
                                        return s.copyTo(s);
                                    }
                                });
        var writer =
                Handle.current()
                        .spawn(
                                "writer",
                                () -> {
                                    pair.client.writeAll(data);
                                    pair.client.shutdownOutput();
                                    return true;
                                });
        byte[] back = new byte[data.length];
        pair.client.readFully(back);
        assertEquals(-1, pair.client.read(new byte[1]));
        assertArrayEquals(data, back);
        assertTrue(writer.join());
        assertEquals(data.length, echo.join());
        pair.client.close();
    }

    @SimulationTest(seeds = 20)
    void addressesAreThoseOfTheHosts(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        var server = new InetSocketAddress(sim.host("server").address(), PORT);
        assertEquals(server, pair.client.remoteAddress());
        assertEquals(server, pair.server.localAddress());
        assertEquals(pair.client.localAddress(), pair.server.remoteAddress());
        assertEquals(sim.host("client").address(), pair.client.localAddress().getAddress());
    }

    @SimulationTest(seeds = 20)
    void writingWaitsForRoomUntilThePeerReads(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        pair.client.writeTimeout(Duration.ofSeconds(5));
        byte[] chunk = new byte[1 << 20];
        var e = assertThrows(SocketTimeoutException.class, () -> pair.client.writeAll(chunk));
        assertEquals(64 << 10, e.bytesTransferred);
        pair.server.readFully(new byte[64 << 10]);
        assertTrue(pair.client.write(chunk) > 0);
    }

    @SimulationTest(seeds = 20)
    void aClosedPortRefuses(SimulatedRuntime sim) {
        var e =
                assertThrows(
                        ConnectException.class,
                        () -> TcpStream.connect(new InetSocketAddress(sim.host("x").address(), 1)));
        assertTrue(String.valueOf(e.getMessage()).contains("ECONNREFUSED"), e::toString);
        assertThrows(UnknownHostException.class, () -> TcpStream.connect("nobody", 1));
        assertThrows(NoRouteToHostException.class, () -> TcpStream.connect("192.0.2.1", 1));
    }

    @SimulationTest(seeds = 20)
    void theLoopbackInterfaceIsAHostsOwn(SimulatedRuntime sim) throws Exception {
        try (var listener = TcpListener.bind("localhost", 0)) {
            int port = listener.localAddress().getPort();
            try (var client = TcpStream.connect("127.0.0.1", port);
                    var server = listener.accept()) {
                write(client, "here");
                assertEquals("here", read(server, 4));
            }
            var other =
                    sim.host("other")
                            .<Boolean>spawn(() -> TcpStream.connect("localhost", port).isOpen());
            assertThrows(Exception.class, other::join);
            assertThrows(
                    ConnectException.class,
                    () ->
                            TcpStream.connect(
                                    new InetSocketAddress(sim.host("local").address(), port)));
        }
    }

    @SimulationTest(seeds = 20)
    void aPortIsBoundOnceAndOnlyToTheHostsOwnAddress(SimulatedRuntime sim) throws Exception {
        try (var listener = TcpListener.bind(PORT)) {
            assertThrows(BindException.class, () -> TcpListener.bind(PORT));
            assertTrue(listener.isOpen());
        }
        TcpListener.bind(PORT).close();
        var foreign = new InetSocketAddress(sim.host("other").address(), PORT);
        assertThrows(BindException.class, () -> TcpListener.bind(foreign));
    }

    @SimulationTest(seeds = 20)
    void aFullBacklogLetsNobodyIn(SimulatedRuntime sim) throws Exception {
        var any = new InetSocketAddress("0.0.0.0", PORT);
        try (var listener = TcpListener.bind(any, ListenOptions.defaults().withBacklog(2))) {
            var first = TcpStream.connect("localhost", PORT);
            var second = TcpStream.connect("localhost", PORT);
            assertThrows(
                    SocketTimeoutException.class,
                    () -> TcpStream.connect("localhost", PORT, Duration.ofSeconds(30)));
            listener.accept().close();
            TcpStream.connect("localhost", PORT, Duration.ofSeconds(30)).close();
            first.close();
            second.close();
        }
    }

    @SimulationTest(seeds = 20)
    void halfCloseEndsOneDirectionOnly(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        write(pair.client, "last words");
        pair.client.shutdownOutput();
        assertEquals("last words", read(pair.server, 10));
        assertEquals(-1, pair.server.read(new byte[1]));
        write(pair.server, "still here");
        assertEquals("still here", read(pair.client, 10));
        var e = assertThrows(SocketException.class, () -> pair.client.write(new byte[1]));
        assertTrue(String.valueOf(e.getMessage()).contains("EPIPE"), e::toString);
        pair.client.shutdownInput();
        assertEquals(-1, pair.client.read(new byte[1]));
    }

    @SimulationTest(seeds = 20)
    void closingWithUnreadDataAndClosingAbortivelyAreResets(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        write(pair.client, "unread");
        Thread.sleep(100);
        pair.server.close();
        assertReset(pair.client);
        Pair other = connect(sim);
        other.client.closeAbortively();
        assertReset(other.server);
    }

    private static void assertReset(TcpStream stream) {
        for (int i = 0; i < 2; i++) {
            var e = assertThrows(SocketException.class, () -> stream.read(new byte[1]));
            assertTrue(String.valueOf(e.getMessage()).contains("ECONNRESET"), e::toString);
        }
    }

    @SimulationTest(seeds = 20)
    void closingAndInterruptingWakeWhoWaits(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        JoinHandle<Integer> reader = Handle.current().spawn(() -> pair.client.read(new byte[1]));
        Thread.sleep(10);
        assertThrows(IllegalStateException.class, () -> pair.client.read(new byte[1]));
        pair.client.close();
        var e = assertThrows(Exception.class, reader::join);
        assertInstanceOf(SocketClosedException.class, e.getCause());
        try (var listener = TcpListener.bind(0)) {
            JoinHandle<TcpStream> acceptor = Handle.current().spawn(listener::accept);
            Thread.sleep(10);
            acceptor.cancel();
            assertTrue(listener.isOpen());
            JoinHandle<TcpStream> next = Handle.current().spawn(listener::accept);
            TcpStream.connect("localhost", listener.localAddress().getPort()).close();
            next.join().close();
        }
    }

    @SimulationTest(seeds = 5)
    void optionsAreKept(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        assertTrue(pair.client.getOption(StandardSocketOptions.TCP_NODELAY));
        pair.client.tcpNoDelay(false).keepAlive(true);
        assertFalse(pair.client.getOption(StandardSocketOptions.TCP_NODELAY));
        assertTrue(pair.client.getOption(StandardSocketOptions.SO_KEEPALIVE));
        assertThrows(
                UnsupportedOperationException.class,
                () -> pair.client.setOption(StandardSocketOptions.SO_BROADCAST, true));
        pair.client.close();
        assertThrows(SocketClosedException.class, () -> pair.client.keepAlive(false));
    }

    // ---- faults ----

    @SimulationTest(seeds = 50)
    void aPartitionDelaysUntilItIsHealedAndLosesNothing(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        sim.network().partition("client", "server");
        write(pair.client, "one ");
        pair.server.readTimeout(Duration.ofMinutes(5));
        assertThrows(SocketTimeoutException.class, () -> pair.server.read(new byte[1]));
        write(pair.client, "two ");
        sim.network().heal("client", "server");
        write(pair.client, "three");
        assertEquals("one two three", read(pair.server, 13));
    }

    @SimulationTest(seeds = 20)
    void aLongPartitionBreaksTheConnectionOfWhoSends(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        sim.network().partition("client", "server");
        write(pair.client, "x");
        var e = assertThrows(SocketException.class, () -> pair.client.read(new byte[1]));
        assertTrue(String.valueOf(e.getMessage()).contains("ETIMEDOUT"), e::toString);
        assertTrue(sim.time().compareTo(Duration.ofMinutes(15)) > 0, sim::toString);
        pair.server.readTimeout(Duration.ofHours(1));
        assertThrows(SocketTimeoutException.class, () -> pair.server.read(new byte[1]));
    }

    @SimulationTest(seeds = 20)
    void connectingThroughAPartitionFailsInTheEnd(SimulatedRuntime sim) throws Exception {
        sim.host("far");
        sim.network().partition("local", "far");
        assertThrows(
                SocketTimeoutException.class,
                () -> TcpStream.connect("far", PORT, Duration.ofSeconds(3)));
        Duration before = sim.time();
        var e = assertThrows(ConnectException.class, () -> TcpStream.connect("far", PORT));
        assertTrue(String.valueOf(e.getMessage()).contains("ETIMEDOUT"), e::toString);
        assertEquals(Duration.ofSeconds(127), sim.time().minus(before));
        sim.network().healAll();
        e = assertThrows(ConnectException.class, () -> TcpStream.connect("far", PORT));
        assertTrue(String.valueOf(e.getMessage()).contains("ECONNREFUSED"), e::toString);
    }

    @SimulationTest(seeds = 20)
    void oneWayCanBeBlockedAlone(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        sim.network().block("client", "server");
        write(pair.server, "down");
        assertEquals("down", read(pair.client, 4));
        write(pair.client, "up");
        pair.server.readTimeout(Duration.ofSeconds(10));
        assertThrows(SocketTimeoutException.class, () -> pair.server.read(new byte[1]));
        assertThrows(IllegalArgumentException.class, () -> sim.network().block("client", "client"));
    }

    @SimulationTest(seeds = 20)
    void aResetBreaksBothSides(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        var reader = Handle.current().spawn(() -> pair.server.read(new byte[1]));
        Thread.sleep(10);
        sim.network().reset("client", "server");
        assertThrows(Exception.class, reader::join);
        assertReset(pair.client);
        assertReset(pair.server);
    }

    @SimulationTest(seeds = 20)
    void aHalfOpenConnectionIsNoticedWhenItIsWrittenTo(SimulatedRuntime sim) throws Exception {
        Pair pair = connect(sim);
        sim.network().forget("server", "client");
        assertReset(pair.server);
        pair.client.readTimeout(Duration.ofHours(1));
        assertThrows(SocketTimeoutException.class, () -> pair.client.read(new byte[1]));
        write(pair.client, "are you there?");
        assertReset(pair.client);
    }

    // ---- datagrams ----

    @SimulationTest(seeds = 20)
    void datagramsKeepTheirBounds(SimulatedRuntime sim) throws Exception {
        try (var a = UdpSocket.bind(PORT);
                var b = UdpSocket.bind("localhost", 0)) {
            for (int size : new int[] {0, 1, 8, 9, 65_507}) {
                a.sendTo(new byte[size], b.localAddress());
                var received = b.recvFrom(new byte[8]);
                assertEquals(Math.min(8, size), received.length());
                assertEquals(size > 8, received.truncated());
                assertEquals(new InetSocketAddress("127.0.0.1", PORT), received.address());
            }
            assertThrows(SocketException.class, () -> a.sendTo(new byte[65_508], b.localAddress()));
            assertThrows(
                    SocketTimeoutException.class,
                    () -> b.recvFrom(new byte[1], Duration.ofDays(1)));
        }
    }

    @Test
    void datagramsAreLostDoubledAndOvertakeEachOther() throws Exception {
        int sent = 0;
        int received = 0;
        int doubled = 0;
        int overtaken = 0;
        for (long seed = 0; seed < 20; seed++) {
            try (var sim = SimulatedRuntime.seeded(seed)) {
                sim.network().loss(0.2);
                sim.network().duplication(0.1);
                List<Integer> got = sim.run(() -> exchange(sim, 100));
                sent += 100;
                received += new HashSet<>(got).size();
                doubled += got.size() - new HashSet<>(got).size();
                for (int i = 1; i < got.size(); i++) {
                    overtaken += got.get(i) < got.get(i - 1) ? 1 : 0;
                }
            }
        }
        assertTrue(received > sent / 2 && received < sent, "received " + received);
        assertTrue(doubled > 0, "doubled " + doubled);
        assertTrue(overtaken > 0, "overtaken " + overtaken);
    }

    private static List<Integer> exchange(SimulatedRuntime sim, int count) throws Exception {
        var to = new InetSocketAddress(sim.host("receiver").address(), PORT);
        JoinHandle<List<Integer>> receiver =
                sim.host("receiver").spawn("receiver", SimulatedNetworkTest::receiveAll);
        Thread.sleep(1);
        try (var socket = UdpSocket.bind(0)) {
            for (int i = 0; i < count; i++) {
                socket.sendTo(new byte[] {(byte) i}, to);
            }
            return receiver.join();
        }
    }

    private static List<Integer> receiveAll() throws IOException, InterruptedException {
        var got = new ArrayList<Integer>();
        byte[] buffer = new byte[1];
        try (var socket = UdpSocket.bind(PORT)) {
            for (; ; ) {
                socket.recvFrom(buffer, Duration.ofSeconds(10));
                got.add((int) buffer[0]);
            }
        } catch (SocketTimeoutException e) {
            return got;
        }
    }

    @SimulationTest(seeds = 20)
    void datagramsDoNotCrossAPartition(SimulatedRuntime sim) throws Exception {
        var receiver = sim.host("receiver").spawn(SimulatedNetworkTest::receiveAll);
        Thread.sleep(1);
        sim.network().partition("local", "receiver");
        try (var socket = UdpSocket.bind(0)) {
            socket.sendTo(new byte[1], new InetSocketAddress(sim.host("receiver").address(), PORT));
            assertEquals(List.of(), receiver.join());
        }
    }

    @SimulationTest(seeds = 20)
    void aConnectedDatagramSocketHearsOfAClosedPort(SimulatedRuntime sim) throws Exception {
        try (var socket = UdpSocket.bind(0)) {
            socket.connect(new InetSocketAddress(sim.host("far").address(), PORT));
            socket.send(ByteBuffer.allocate(1));
            assertThrows(PortUnreachableException.class, () -> socket.recv(ByteBuffer.allocate(1)));
        }
    }

    // ---- repeating ----

    @Test
    void theSameSeedGivesTheSameNetwork() throws Exception {
        for (long seed = 0; seed < 30; seed++) {
            assertEquals(traceOf(seed), traceOf(seed));
        }
        assertFalse(traceOf(1).equals(traceOf(2)));
    }

    private static String traceOf(long seed) throws Exception {
        try (var sim = SimulatedRuntime.seeded(seed)) {
            sim.network().latency(Duration.ofMillis(1), Duration.ofMillis(100));
            sim.network().loss(0.1);
            return sim.run(
                            () -> {
                                Pair pair = connect(sim);
                                write(pair.client, "x".repeat(100_000 / 2));
                                sim.network().partition("client", "server");
                                Thread.sleep(1_000);
                                sim.network().healAll();
                                read(pair.server, 100_000 / 2);
                                return exchange(sim, 20).toString();
                            })
                    + sim.trace();
        }
    }

    @Test
    void socketsLeftOpenAreClosedWithTheSimulation() throws Exception {
        TcpStream client;
        try (var sim = SimulatedRuntime.seeded(4)) {
            client = sim.run(() -> connect(sim)).client();
            assertTrue(client.isOpen());
        }
        assertFalse(client.isOpen());
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        try (var sim = SimulatedRuntime.seeded(1)) {
            var network = sim.network();
            assertThrows(IllegalArgumentException.class, () -> network.loss(1.5));
            assertThrows(IllegalArgumentException.class, () -> network.duplication(-1));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> network.latency(Duration.ofSeconds(2), Duration.ofSeconds(1)));
        }
    }

    @SimulationTest(seeds = 20)
    void unixSocketsBatchesFilesAndCallbacksWork(SimulatedRuntime sim) throws Exception {
        UnixAddress address = UnixAddress.of(Path.of("/run/simulated"));
        var host = sim.host("machine");
        JoinHandle<Integer> served =
                host.<Integer>spawn(
                        "server",
                        () -> {
                            try (var listener = UnixListener.bind(address, 4)) {
                                assertThrows(
                                        BindException.class, () -> UnixListener.bind(address, 4));
                                try (var s = listener.accept()) {
                                    return (int) s.copyTo(s);
                                }
                            }
                        });
        assertEquals(
                "hello",
                host.<String>spawn(
                                "client",
                                () -> {
                                    try (UnixStream c = keepTrying(address)) {
                                        assertEquals(address, c.remoteAddress());
                                        var called = new CompletableFuture<Boolean>();
                                        assertFalse(c.whenReadable(() -> called.complete(true)));
                                        c.writeAll("hello".getBytes(US_ASCII));
                                        c.shutdownOutput();
                                        byte[] reply = c.inputStream().readAllBytes();
                                        assertTrue(called.isDone());
                                        assertTrue(c.whenReadable(() -> {}), "the end");
                                        return new String(reply, US_ASCII);
                                    }
                                })
                        .join());
        assertEquals(5, served.join());
        assertEquals(
                2,
                host.<Integer>spawn(
                                "datagrams",
                                () -> {
                                    try (var udp = UdpSocket.bind(PORT)) {
                                        var self = new InetSocketAddress("127.0.0.1", PORT);
                                        var to = new InetSocketAddress[] {self, self};
                                        udp.sendMany(
                                                new ByteBuffer[] {
                                                    ByteBuffer.allocate(1), ByteBuffer.allocate(2)
                                                },
                                                to);
                                        udp.awaitReadable();
                                        Thread.sleep(1_000);
                                        return udp.recvMany(
                                                        ByteBuffer.allocate(9),
                                                        ByteBuffer.allocate(9),
                                                        ByteBuffer.allocate(9))
                                                .size();
                                    }
                                })
                        .join());
    }

    private static UnixStream keepTrying(UnixAddress address) throws Exception {
        while (true) {
            try {
                return UnixStream.connect(address, Duration.ofSeconds(1));
            } catch (ConnectException notYet) {
                Thread.sleep(1);
            }
        }
    }
}
