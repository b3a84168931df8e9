package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketSnapshot;
import cloud.avila.avx.metrics.TimerMetrics;
import cloud.avila.avx.time.Sleep;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

@Timeout(60)
class OpenSocketsTest {
    private static SocketSnapshot await(AvxRuntime rt, SocketKind kind, boolean withReader)
            throws InterruptedException {
        for (; ; ) {
            for (SocketSnapshot socket : rt.sockets(100)) {
                if (socket.kind() == kind && (socket.reader() != null) == withReader) {
                    return socket;
                }
            }
            Thread.sleep(5);
        }
    }

    @Test
    void openSocketsAreListedWithWhoWaitsInThem() throws Exception {
        try (var rt = AvxRuntime.create();
                var entered = rt.enter()) {
            assertEquals(List.of(), rt.sockets(100));
            var listener =
                    TcpListener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            String address = "127.0.0.1:" + listener.localAddress().getPort();
            var server =
                    rt.spawn(
                            "acceptor",
                            () -> {
                                try (TcpStream stream = listener.accept()) {
                                    return stream.read(ByteBuffer.allocateDirect(8));
                                }
                            });
            SocketSnapshot waiting = await(rt, SocketKind.TCP_LISTENER, true);
            assertEquals(address, waiting.local());
            assertNull(waiting.remote());
            assertEquals(new SocketSnapshot.Waiter("acceptor", server.id()), waiting.reader());
            assertNull(waiting.writer());

            var client = TcpStream.connect(listener.localAddress());
            SocketSnapshot reading = await(rt, SocketKind.TCP_STREAM, true);
            assertEquals(address, reading.local());
            assertEquals("127.0.0.1:" + client.localAddress().getPort(), reading.remote());
            assertEquals("acceptor", Objects.requireNonNull(reading.reader()).name());

            assertEquals(3, rt.sockets(100).size());
            assertEquals(2, rt.sockets(2).size());
            assertEquals(0, rt.sockets(0).size());
            assertThrows(IllegalArgumentException.class, () -> rt.sockets(-1));

            client.close();
            server.join();
            listener.close();
            assertEquals(List.of(), rt.sockets(100));
        }
    }

    @Test
    void timersAreCountedByWorker() throws Exception {
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(2)
                                .shutdownTimeout(Duration.ofMillis(100))
                                .build())) {
            assertEquals(2, rt.timers().size());
            assertEquals(0, rt.timers().stream().mapToLong(TimerMetrics::pending).sum());
            assertTrue(rt.timers().stream().allMatch(timers -> timers.next() == null));
            var sleeper =
                    rt.spawn(
                            () -> {
                                Sleep.of(Duration.ofHours(1));
                                return 1;
                            });
            while (rt.timers().stream().mapToLong(TimerMetrics::pending).sum() == 0) {
                Thread.sleep(5);
            }
            TimerMetrics timers =
                    rt.timers().stream().filter(t -> t.pending() > 0).findFirst().orElseThrow();
            assertEquals(1, timers.scheduled());
            Duration next = Objects.requireNonNull(timers.next());
            assertTrue(next.compareTo(Duration.ofHours(2)) < 0 && !next.isNegative(), "" + next);
            assertTrue(sleeper.cancel());
            while (rt.timers().stream().mapToLong(TimerMetrics::pending).sum() != 0) {
                Thread.sleep(5);
            }
        }
    }
}
