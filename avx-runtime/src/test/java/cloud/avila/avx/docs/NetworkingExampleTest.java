package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.sys.NativeAccess;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.net.AsyncFd;
import cloud.avila.avx.net.AvxServerSocketFactory;
import cloud.avila.avx.net.AvxSocketFactory;
import cloud.avila.avx.net.ListenOptions;
import cloud.avila.avx.net.PeerCredentials;
import cloud.avila.avx.net.ReceivedDatagram;
import cloud.avila.avx.net.SocketOptions;
import cloud.avila.avx.net.SocketStream;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.net.UdpSocket;
import cloud.avila.avx.net.UnixListener;
import cloud.avila.avx.net.UnixStream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

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

    private static void proxy(SocketStream client, SocketStream backend) throws Exception {
        try (client;
                backend) {
            var copied = SocketStream.copyBidirectional(client, backend);
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

    private static @Nullable Void serve(UnixStream c) throws Exception {
        try (c) {
            c.copyTo(c);
        }
        return null;
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void processesOfOneMachineTalk(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("service");
        try (var rt = AvxRuntime.create()) {
            String reply =
                    rt.blockOn(
                            () -> {
                                try (var listener = UnixListener.bind(path)) {
                                    rt.spawn(() -> serve(listener.accept()));
                                    try (var c = UnixStream.connect(path)) {
                                        PeerCredentials server = c.peerCredentials();
                                        System.out.println("served by " + server.pid());
                                        c.writeAll("hello".getBytes(UTF_8));
                                        c.shutdownOutput();
                                        return new String(c.inputStream().readAllBytes(), UTF_8);
                                    }
                                }
                            });
            assertEquals("hello", reply);
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDescriptorOfNativeCodeIsRead() throws Exception {
        int number = NativeAccess.linux().eventfd(new NativeScratch(), 1, 0);
        try (var rt = AvxRuntime.create()) {
            rt.blockOn(
                    () -> {
                        try (AsyncFd timer = AsyncFd.owning(number)) {
                            var expirations = ByteBuffer.allocate(8);
                            timer.read(expirations); // the fiber waits for it
                        }
                        return null;
                    });
        }
    }

    /** Counts the bytes of a connection without a thread of its own. */
    private static final class Counting {
        private final Handle handle;
        private final TcpStream stream;
        private final ByteBuffer buffer = ByteBuffer.allocate(1024);
        private final CompletableFuture<Long> ended = new CompletableFuture<>();
        private long total;

        Counting(Handle handle, TcpStream stream) {
            this.handle = handle;
            this.stream = stream;
        }

        void pump() throws IOException {
            do {
                for (int count; (count = stream.tryRead(buffer.clear())) != 0; ) {
                    if (count < 0) {
                        ended.complete(total);
                        return;
                    }
                    total += count;
                }
            } while (stream.whenReadable(() -> handle.execute(this::pumpOrFail)));
        }

        private void pumpOrFail() {
            try {
                pump();
            } catch (IOException e) {
                ended.completeExceptionally(e);
            }
        }
    }

    @Test
    void aCallbackGoesOnWhereTheLastOneStopped() throws Exception {
        try (var rt = AvxRuntime.create()) {
            rt.blockOn(
                    () -> {
                        try (var listener = TcpListener.bind("127.0.0.1", 0);
                                var c =
                                        TcpStream.connect(
                                                "127.0.0.1", listener.localAddress().getPort());
                                var s = listener.accept()) {
                            var counting = new Counting(rt.handle(), s);
                            counting.pump();
                            for (int i = 0; i < 10; i++) {
                                c.writeAll(new byte[1_000]);
                            }
                            c.shutdownOutput();
                            assertEquals(10_000L, counting.ended.get());
                        }
                        return null;
                    });
        }
    }

    @Test
    void datagramsComeInBatches() throws Exception {
        try (var rt = AvxRuntime.create();
                var entered = rt.enter()) {
            try (var socket = UdpSocket.bind("127.0.0.1", 0)) {
                socket.sendTo(new byte[5], socket.localAddress());
                var buffers = new ByteBuffer[32];
                Arrays.setAll(buffers, i -> ByteBuffer.allocateDirect(1500));
                for (ReceivedDatagram each : socket.recvMany(buffers)) {
                    System.out.println(each.length() + " bytes from " + each.address());
                }
            }
        }
    }

    @Test
    void optionsAreSetBeforeBinding() {
        var options = ListenOptions.defaults().with(SocketOptions.IPV6_V6ONLY, true);
        assertEquals(true, options.options().get(SocketOptions.IPV6_V6ONLY));
    }
}
