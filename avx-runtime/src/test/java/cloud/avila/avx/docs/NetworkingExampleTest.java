package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.net.AvxServerSocketFactory;
import cloud.avila.avx.net.AvxSocketFactory;
import cloud.avila.avx.net.ReceivedDatagram;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.net.UdpSocket;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

import javax.net.SocketFactory;

class NetworkingExampleTest {
    private static @Nullable Void echo(TcpStream c) throws Exception {
        try (c) {
            c.copyTo(c);
        }
        return null;
    }

    @Test
    void aServerEchoes() throws Exception {
        try (var rt = AvxRuntime.create()) {
            rt.blockOn(
                    () -> {
                        try (var server = TcpListener.bind("127.0.0.1", 0)) {
                            rt.spawn(
                                    () -> {
                                        while (true) {
                                            TcpStream c = server.accept();
                                            rt.spawn(() -> echo(c));
                                        }
                                    });
                            int port = server.localAddress().getPort();
                            try (var c =
                                    TcpStream.connect("127.0.0.1", port, Duration.ofSeconds(5))) {
                                c.readTimeout(Duration.ofSeconds(5));
                                c.writeAll("hello".getBytes(UTF_8));
                                c.shutdownOutput(); // no more from us; replies still arrive
                                assertEquals(
                                        "hello", new String(c.inputStream().readAllBytes(), UTF_8));
                            }
                            return null;
                        }
                    });
        }
    }

    private static void proxy(TcpStream client, TcpStream backend) throws Exception {
        try (client;
                backend) {
            var copied = TcpStream.copyBidirectional(client, backend);
            System.out.println(copied.there() + " bytes there, " + copied.back() + " back");
        }
    }

    @Test
    void aProxyCopiesBothWays() throws Exception {
        try (var rt = AvxRuntime.create()) {
            rt.blockOn(
                    () -> {
                        try (var front = TcpListener.bind("127.0.0.1", 0);
                                var back = TcpListener.bind("127.0.0.1", 0)) {
                            rt.spawn(() -> echo(back.accept()));
                            int frontPort = front.localAddress().getPort();
                            int backPort = back.localAddress().getPort();
                            var proxying =
                                    rt.spawn(
                                            () -> {
                                                proxy(
                                                        front.accept(),
                                                        TcpStream.connect("127.0.0.1", backPort));
                                                return true;
                                            });
                            try (var c = TcpStream.connect("127.0.0.1", frontPort)) {
                                c.writeAll("hello".getBytes(UTF_8));
                                c.shutdownOutput();
                                assertEquals(
                                        "hello", new String(c.inputStream().readAllBytes(), UTF_8));
                            }
                            return proxying.join();
                        }
                    });
        }
    }

    @Test
    void librariesGetSocketsOfTheRuntime() throws Exception {
        try (var rt = AvxRuntime.create(RuntimeConfig.builder().name("orders").build());
                var listener =
                        new AvxServerSocketFactory("orders")
                                .createServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            int port = listener.getLocalPort();
            var greeter =
                    rt.spawn(
                            () -> {
                                try (Socket peer = listener.accept()) {
                                    peer.getOutputStream().write("welcome".getBytes(UTF_8));
                                }
                                return null;
                            });
            SocketFactory sockets = new AvxSocketFactory("orders");
            try (Socket socket = sockets.createSocket("127.0.0.1", port)) {
                socket.setSoTimeout(5_000);
                byte[] greeting = socket.getInputStream().readAllBytes();
                assertEquals("welcome", new String(greeting, UTF_8));
            }
            greeter.join();
        }
    }

    @Test
    void datagramsTellTheirSender() throws Exception {
        try (var rt = AvxRuntime.create();
                var entered = rt.enter()) {
            try (var socket = UdpSocket.bind(0)) {
                var buffer = ByteBuffer.allocateDirect(1500);
                var self = new InetSocketAddress("127.0.0.1", socket.localAddress().getPort());
                socket.sendTo("ping".getBytes(UTF_8), self);
                ReceivedDatagram from = socket.recvFrom(buffer, Duration.ofSeconds(5));
                assertEquals(4, from.length());
                if (!from.truncated()) {
                    socket.sendTo(buffer.flip(), from.address());
                }
            }
        }
    }

    @Test
    void ioUringByConfiguration() throws Exception {
        var config = RuntimeConfig.builder().reactorDriver(ReactorDriver.IO_URING).build();
        try (var rt = AvxRuntime.create(config)) {
            rt.blockOn(
                    () -> {
                        try (var server = TcpListener.bind("127.0.0.1", 0)) {
                            assertTrue(server.localAddress().getPort() > 0);
                        }
                        return null;
                    });
            String driver = rt.metrics().driver();
            assertTrue(List.of("io_uring", "epoll").contains(driver), driver);
        }
    }
}
