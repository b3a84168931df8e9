package cloud.avila.avx.benchmarks.echo;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.net.ListenOptions;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** A fiber of AVX per connection, in blocking style; {@code TCP_NODELAY} is its default. */
final class AvxEcho {
    private AvxEcho() {}

    static void serve(int workers, ReactorDriver driver, int buffer) throws InterruptedException {
        RuntimeConfig config =
                RuntimeConfig.builder()
                        .workerThreads(workers)
                        .reactorDriver(driver)
                        .reactorGroupSize(Integer.getInteger("avx.reactor.group-size", 0))
                        .build();
        try (var runtime = AvxRuntime.create(config)) {
            runtime.blockOn(() -> accept(runtime, buffer));
        }
    }

    private static @Nullable Object accept(AvxRuntime runtime, int buffer)
            throws IOException, InterruptedException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        var options = ListenOptions.defaults().withBacklog(EchoServer.BACKLOG);
        try (var listener = TcpListener.bind(address, options)) {
            EchoServer.listening(listener.localAddress().getPort());
            while (true) {
                TcpStream stream = listener.accept();
                runtime.spawn(() -> echo(stream, buffer));
            }
        }
    }

    private static @Nullable Object echo(TcpStream stream, int size) throws InterruptedException {
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
}
