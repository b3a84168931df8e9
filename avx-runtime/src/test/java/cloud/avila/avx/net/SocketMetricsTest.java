package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the runtime counts of its sockets. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class SocketMetricsTest extends RuntimeSockets {
    private SocketMetrics of(SocketKind kind) {
        return runtime().metrics().sockets(kind);
    }

    private static SocketMetrics stream(
            SocketKind kind, long open, long opened, long in, long out) {
        return new SocketMetrics(kind, open, opened, 0, 0, in, out, 0, 0, 0);
    }

    @Test
    void thereIsOneEntryForEachKind() {
        assertEquals(
                List.of(SocketKind.values()),
                runtime().metrics().sockets().stream().map(SocketMetrics::kind).toList());
        for (SocketKind kind : SocketKind.values()) {
            assertEquals(SocketMetrics.none(kind), of(kind));
        }
    }

    @Test
    void connectionsOfTcpAreCounted(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("file"), new byte[5_000]);
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(loopback(0))) {
                        try (var pair = Pair.connect(listener)) {
                            assertEquals(
                                    new SocketMetrics(
                                            SocketKind.TCP_LISTENER, 1, 1, 1, 0, 0, 0, 0, 0, 0),
                                    of(SocketKind.TCP_LISTENER));
                            pair.client().writeAll(new byte[1_000]);
                            pair.server().readFully(ByteBuffer.allocateDirect(600));
                            var peeked = ByteBuffer.allocate(400);
                            assertEquals(400, pair.server().peek(peeked));
                            pair.server().readFully(new byte[400]);
                            assertEquals(
                                    stream(SocketKind.TCP_STREAM, 2, 2, 1_000, 1_000),
                                    of(SocketKind.TCP_STREAM));
                            assertEquals(5_000, pair.server().transferFrom(file, 0, 5_000));
                            pair.client().readFully(new byte[5_000]);
                            pair.client().close();
                            pair.client().close();
                            assertEquals(-1, pair.server().read(new byte[1]));
                            assertEquals(
                                    stream(SocketKind.TCP_STREAM, 1, 2, 6_000, 6_000),
                                    of(SocketKind.TCP_STREAM));
                        }
                    }
                });
        assertEquals(0, of(SocketKind.TCP_STREAM).open());
        assertEquals(0, of(SocketKind.TCP_LISTENER).open());
    }

    @Test
    void anAttemptToConnectThatFailsLeavesNothingOpen() throws Exception {
        onFiber(
                () -> {
                    var listener = TcpListener.bind(loopback(0));
                    listener.close();
                    assertThrows(
                            IOException.class, () -> TcpStream.connect(listener.localAddress()));
                });
        assertEquals(stream(SocketKind.TCP_STREAM, 0, 1, 0, 0), of(SocketKind.TCP_STREAM));
    }

    @Test
    void datagramsAreCountedOneByOneAndInBatches() throws Exception {
        onFiber(
                () -> {
                    try (var a = UdpSocket.bind(loopback(0));
                            var b = UdpSocket.bind(loopback(0))) {
                        a.sendTo(new byte[100], b.localAddress());
                        b.recvFrom(new byte[60], PATIENCE);
                        a.sendMany(
                                new ByteBuffer[] {ByteBuffer.allocate(10), ByteBuffer.allocate(20)},
                                new InetSocketAddress[] {b.localAddress(), b.localAddress()});
                        for (int got = 0; got < 2; ) {
                            got +=
                                    b.recvMany(
                                                    new ByteBuffer[] {
                                                        ByteBuffer.allocate(64),
                                                        ByteBuffer.allocate(64)
                                                    },
                                                    PATIENCE)
                                            .size();
                        }
                        assertEquals(
                                new SocketMetrics(SocketKind.UDP, 2, 2, 0, 0, 90, 130, 3, 3, 1),
                                of(SocketKind.UDP));
                    }
                });
        assertEquals(0, of(SocketKind.UDP).open());
    }

    @Test
    void socketsOfTheUnixDomainAreCounted(@TempDir Path folder) throws Exception {
        onFiber(
                () -> {
                    Path name = folder.resolve("s");
                    try (var listener = UnixListener.bind(name);
                            var client = UnixStream.connect(name);
                            var server = listener.accept()) {
                        client.writeAll(new byte[7]);
                        server.readFully(new byte[7]);
                        assertEquals(
                                new SocketMetrics(
                                        SocketKind.UNIX_LISTENER, 1, 1, 1, 0, 0, 0, 0, 0, 0),
                                of(SocketKind.UNIX_LISTENER));
                        assertEquals(
                                stream(SocketKind.UNIX_STREAM, 2, 2, 7, 7),
                                of(SocketKind.UNIX_STREAM));
                    }
                    var datagrams = UnixAddress.of(folder.resolve("d"));
                    try (var a = UnixDatagram.bind(datagrams);
                            var b = UnixDatagram.unbound()) {
                        b.sendTo(ByteBuffer.allocate(9), datagrams);
                        a.recvFrom(ByteBuffer.allocate(9));
                        assertEquals(
                                new SocketMetrics(
                                        SocketKind.UNIX_DATAGRAM, 2, 2, 0, 0, 9, 9, 1, 1, 0),
                                of(SocketKind.UNIX_DATAGRAM));
                    }
                });
        assertEquals(0, of(SocketKind.UNIX_STREAM).open());
        assertEquals(0, of(SocketKind.UNIX_DATAGRAM).open());
    }

    @Test
    void closingTheRuntimeClosesWhatIsOpen() throws Exception {
        var opened = runtime().spawn(() -> UdpSocket.bind(loopback(0))).join();
        assertNotNull(opened);
        assertEquals(1, of(SocketKind.UDP).open());
        runtime().close();
        assertEquals(0, of(SocketKind.UDP).open());
        opened.close();
        assertEquals(0, of(SocketKind.UDP).open());
    }
}
