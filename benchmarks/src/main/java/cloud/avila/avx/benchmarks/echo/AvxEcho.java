package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.benchmarks.echo.EchoServer.Service;
import cloud.avila.avx.net.ListenOptions;
import cloud.avila.avx.net.SocketStream;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.UdpSocket;
import cloud.avila.avx.net.UnixAddress;
import cloud.avila.avx.net.UnixListener;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A fiber of AVX per connection, in blocking style; {@code TCP_NODELAY} is its default. */
final class AvxEcho {
    private AvxEcho() {}

    static void serve(Service service, ReactorDriver driver) throws InterruptedException {
        RuntimeConfig config =
                RuntimeConfig.builder()
                        .workerThreads(service.workers())
                        .reactorDriver(driver)
                        .reactorGroupSize(Integer.getInteger("avx.reactor.group-size", 0))
                        .build();
        try (var runtime = AvxRuntime.create(config)) {
            runtime.blockOn(
                    () ->
                            service.isUdp()
                                    ? datagrams(service)
                                    : service.isUnix()
                                            ? acceptUnix(runtime, service)
                                            : acceptTcp(runtime, service));
        }
    }

    private static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    private static @Nullable Object acceptTcp(AvxRuntime runtime, Service service)
            throws IOException, InterruptedException {
        var options = ListenOptions.defaults().withBacklog(EchoServer.BACKLOG);
        try (var listener = TcpListener.bind(loopback(), options)) {
            service.listening(listener.localAddress().getPort());
            while (true) {
                SocketStream stream = listener.accept();
                runtime.spawn(() -> echo(stream, service.buffer()));
            }
        }
    }

    private static @Nullable Object acceptUnix(AvxRuntime runtime, Service service)
            throws IOException, InterruptedException {
        var address = UnixAddress.of(Path.of(service.path()));
        try (var listener = UnixListener.bind(address, EchoServer.BACKLOG)) {
            service.listening(0);
            while (true) {
                SocketStream stream = listener.accept();
                runtime.spawn(() -> echo(stream, service.buffer()));
            }
        }
    }

    private static @Nullable Object echo(SocketStream stream, int size)
            throws InterruptedException {
        try (stream) {
            byte[] buffer = new byte[size];
            int n;
            while ((n = stream.read(buffer)) > 0) {
                stream.writeAll(buffer, 0, n);
            }
        } catch (IOException ended) {
            // the load generator ends its connections with a reset
        }
        return null;
    }

    private static @Nullable Object datagrams(Service service)
            throws IOException, InterruptedException {
        try (var socket = UdpSocket.bind(loopback())) {
            service.listening(socket.localAddress().getPort());
            var buffer = ByteBuffer.allocateDirect(service.buffer());
            while (true) {
                InetSocketAddress from = socket.recvFrom(buffer.clear()).address();
                socket.sendTo(buffer.flip(), from);
            }
        }
    }
}
