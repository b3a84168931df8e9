package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletionException;

@Timeout(300)
class UdpSocketTest extends RuntimeSockets {
    @Test
    void datagramsAreAnswered() throws Exception {
        onFiber(
                () -> {
                    try (var server = UdpSocket.bind("127.0.0.1", 0);
                            var client = UdpSocket.bind(loopback(0))) {
                        var serving =
                                spawn(
                                        () -> {
                                            ByteBuffer buffer = ByteBuffer.allocateDirect(100);
                                            for (int i = 0; i < 500; i++) {
                                                var from = server.recvFrom(buffer.clear());
                                                server.sendTo(buffer.flip(), from.address());
                                            }
                                        });
                        byte[] reply = new byte[100];
                        for (int i = 0; i < 500; i++) {
                            byte[] text = ("datagram " + i).getBytes(US_ASCII);
                            client.sendTo(text, server.localAddress());
                            var from = client.recvFrom(reply, PATIENCE);
                            assertEquals(server.localAddress(), from.address());
                            assertEquals(
                                    "datagram " + i, new String(reply, 0, from.length(), US_ASCII));
                            assertFalse(from.truncated());
                        }
                        serving.join();
                    }
                });
    }

    @Test
    void aDatagramThatDoesNotFitIsCutAndSaysSo() throws Exception {
        onFiber(
                () -> {
                    try (var socket = UdpSocket.bind(loopback(0))) {
                        socket.sendTo(new byte[1000], socket.localAddress());
                        socket.sendTo(new byte[3], socket.localAddress());
                        var first = socket.recvFrom(new byte[10], PATIENCE);
                        assertTrue(first.truncated());
                        assertEquals(10, first.length());
                        assertEquals(1000, first.datagramLength());
                        var second = socket.recvFrom(new byte[10], PATIENCE);
                        assertEquals(new ReceivedDatagram(socket.localAddress(), 3, 3), second);
                    }
                });
    }

    @Test
    void receivingTimesOutIsInterruptedAndClosed() throws Exception {
        onFiber(
                () -> {
                    try (var socket = UdpSocket.bind(0)) {
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () -> socket.recvFrom(new byte[1], Duration.ofMillis(10)));
                        assertMessage("timed out after PT0.01S", e);
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> socket.recvFrom(new byte[1], Duration.ZERO));
                        Thread.currentThread().interrupt();
                        assertThrows(
                                InterruptedException.class, () -> socket.recvFrom(new byte[1]));
                        var receivers = new ArrayList<cloud.avila.avx.JoinHandle<?>>();
                        for (int i = 0; i < 3; i++) {
                            receivers.add(spawn(() -> socket.recvFrom(new byte[1])));
                        }
                        Thread.sleep(20);
                        socket.close();
                        for (var receiver : receivers) {
                            var thrown = assertThrows(CompletionException.class, receiver::join);
                            assertInstanceOf(SocketClosedException.class, thrown.getCause());
                        }
                        assertThrows(
                                SocketClosedException.class,
                                () -> socket.sendTo(new byte[1], loopback(9)));
                    }
                });
    }

    @Test
    void aConnectedSocketHearsItsPeerOnly() throws Exception {
        onFiber(
                () -> {
                    try (var a = UdpSocket.bind(loopback(0));
                            var b = UdpSocket.bind(loopback(0));
                            var stranger = UdpSocket.bind(loopback(0))) {
                        assertNull(a.remoteAddress());
                        assertThrows(
                                IllegalStateException.class, () -> a.send(ByteBuffer.allocate(1)));
                        assertThrows(
                                IllegalStateException.class, () -> a.recv(ByteBuffer.allocate(1)));
                        a.connect(b.localAddress());
                        assertEquals(b.localAddress(), a.remoteAddress());
                        stranger.sendTo(new byte[1], a.localAddress());
                        b.sendTo(new byte[2], a.localAddress());
                        assertEquals(2, a.recv(ByteBuffer.allocate(9)));
                        a.send(ByteBuffer.allocate(3));
                        assertEquals(3, b.recvFrom(new byte[9], PATIENCE).length());
                    }
                });
    }

    @Test
    void aPeerThatIsGoneIsTold() throws Exception {
        onFiber(
                () -> {
                    InetSocketAddress gone;
                    try (var socket = UdpSocket.bind(loopback(0))) {
                        gone = socket.localAddress();
                    }
                    try (var socket = UdpSocket.bind(loopback(0))) {
                        socket.connect(gone);
                        socket.send(ByteBuffer.allocate(1));
                        var e =
                                assertThrows(
                                        PortUnreachableException.class,
                                        () -> socket.recv(ByteBuffer.allocate(1)));
                        assertMessage("ECONNREFUSED", e);
                    }
                });
    }

    @Test
    void oneSocketServesBothFamilies() throws Exception {
        onFiber(
                () -> {
                    try (var any = UdpSocket.bind(0);
                            var four = UdpSocket.bind(loopback(0))) {
                        int port = any.localAddress().getPort();
                        four.sendTo(new byte[4], loopback(port));
                        var got = any.recvFrom(new byte[9], PATIENCE);
                        assertEquals(four.localAddress(), got.address());
                        any.sendTo(new byte[5], got.address());
                        assertEquals(5, four.recvFrom(new byte[9], PATIENCE).length());
                        if (TcpListenerTest.hasIpv6()) {
                            try (var six = UdpSocket.bind("::1", 0)) {
                                six.sendTo(
                                        new byte[6],
                                        new InetSocketAddress(
                                                six.localAddress().getAddress(), port));
                                got = any.recvFrom(new byte[9], PATIENCE);
                                assertEquals(six.localAddress(), got.address());
                            }
                        }
                    }
                });
    }

    @Test
    void failuresSayWhatTheSystemSaid() throws Exception {
        onFiber(
                () -> {
                    try (var socket = UdpSocket.bind(loopback(0))) {
                        assertThrows(
                                BindException.class, () -> UdpSocket.bind(socket.localAddress()));
                        var e =
                                assertThrows(
                                        SocketException.class,
                                        () ->
                                                socket.sendTo(
                                                        new byte[65_508], socket.localAddress()));
                        assertMessage("send 65508 bytes to", e);
                        assertMessage("EMSGSIZE (90)", e);
                    }
                });
    }

    @Test
    void optionsReachTheSystem() throws Exception {
        onFiber(
                () -> {
                    var options =
                            UdpOptions.defaults()
                                    .withReceiveBufferSize(50_000)
                                    .withSendBufferSize(60_000)
                                    .withBroadcast(true)
                                    .withReuseAddress(true)
                                    .withReusePort(true);
                    try (var a = UdpSocket.bind(loopback(0), options);
                            var b = UdpSocket.bind(a.localAddress(), options)) {
                        assertEquals(a.localAddress(), b.localAddress());
                        assertTrue(a.getOption(StandardSocketOptions.SO_BROADCAST));
                        assertTrue(a.getOption(StandardSocketOptions.SO_RCVBUF) >= 50_000);
                        assertTrue(a.getOption(StandardSocketOptions.SO_SNDBUF) >= 60_000);
                        a.setOption(StandardSocketOptions.SO_BROADCAST, false);
                        assertFalse(a.getOption(StandardSocketOptions.SO_BROADCAST));
                        assertTrue(a.supportedOptions().size() > 3);
                    }
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> UdpOptions.defaults().withSendBufferSize(-1));
                });
    }
}
