package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/** Workers in groups that have a driver each, or all one. */
@Timeout(120)
class WorkerGroupTest {
    private static final int CONNECTIONS = 16;

    /** Without a watchdog that gives a stuck worker another thread. */
    private static AvxRuntime runtime(int workers, int groupSize) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("grouped")
                        .workerThreads(workers)
                        .reactorGroupSize(groupSize)
                        .takeOver(false)
                        .stallThreshold(Duration.ofMinutes(5))
                        .build());
    }

    private static WorkStealingScheduler scheduler() {
        return (WorkStealingScheduler)
                OpenSchedulers.all().stream()
                        .filter(s -> s.name().equals("grouped"))
                        .findFirst()
                        .orElseThrow();
    }

    private static void serve(AvxRuntime rt, TcpListener listener) {
        rt.spawn(
                () -> {
                    for (; ; ) {
                        TcpStream peer = listener.accept();
                        rt.spawn(() -> echo(peer));
                    }
                });
    }

    private static Void echo(TcpStream peer) throws Exception {
        try (peer) {
            var buffer = ByteBuffer.allocate(16);
            while (peer.read(buffer.clear()) > 0) {
                peer.writeAll(buffer.flip());
            }
        }
        return null;
    }

    private static Boolean exchange(TcpStream stream, int rounds)
            throws IOException, InterruptedException {
        for (int i = 0; i < rounds; i++) {
            stream.writeAll(ByteBuffer.wrap(new byte[] {(byte) i}));
            var reply = ByteBuffer.allocate(1);
            assertEquals(1, stream.read(reply));
            assertEquals((byte) i, reply.get(0));
        }
        return true;
    }

    private static List<TcpStream> connect(AvxRuntime rt, TcpListener listener) throws Exception {
        var streams = new ArrayList<TcpStream>();
        for (int i = 0; i < CONNECTIONS; i++) {
            streams.add(
                    rt.spawn(
                                    () ->
                                            TcpStream.connect(
                                                    "127.0.0.1", listener.localAddress().getPort()))
                            .join());
        }
        return streams;
    }

    private static void exchangeAll(AvxRuntime rt, List<TcpStream> streams, int rounds)
            throws Exception {
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (TcpStream stream : streams) {
            fibers.add(rt.spawn(() -> exchange(stream, rounds)));
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
    }

    @ParameterizedTest
    @CsvSource({"4, 0, 1", "4, 4, 1", "4, 2, 2", "4, 1, 4", "3, 2, 2"})
    void eachGroupHasADriverAndItsShareOfAcceptedConnections(int workers, int size, int groups)
            throws Exception {
        try (var rt = runtime(workers, size);
                var listener = rt.spawn(() -> TcpListener.bind("127.0.0.1", 0)).join()) {
            Lead[] leads = scheduler().leads;
            assertEquals(groups, leads.length);
            serve(rt, listener);
            List<TcpStream> streams = connect(rt, listener);
            exchangeAll(rt, streams, 50);
            for (Lead lead : leads) {
                IoDriver driver = Objects.requireNonNull(lead.driver());
                assertTrue(driver.registered() >= CONNECTIONS / groups / 2, driver::toString);
            }
            assertEquals(
                    Stream.of(leads)
                            .mapToInt(l -> Objects.requireNonNull(l.driver()).registered())
                            .sum(),
                    rt.metrics().registeredSockets());
            streams.forEach(TcpStream::close);
        }
    }

    /** Where two groups have one worker each, the other one has to look at both. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void allSocketsAndTimersStayAliveWhileAWorkerIsInAnEndlessLoop(int groupSize) throws Exception {
        var stop = new AtomicBoolean();
        try (var rt = runtime(2, groupSize);
                var listener = rt.spawn(() -> TcpListener.bind("127.0.0.1", 0)).join()) {
            serve(rt, listener);
            List<TcpStream> streams = connect(rt, listener);
            exchangeAll(rt, streams, 5);
            var inside = new CountDownLatch(1);
            var stuck =
                    rt.spawn(
                            () -> {
                                inside.countDown();
                                while (!stop.get()) {
                                    Thread.onSpinWait();
                                }
                                return true;
                            });
            assertTrue(inside.await(60, TimeUnit.SECONDS));
            try {
                for (int i = 0; i < 10; i++) {
                    exchangeAll(rt, streams, 20);
                    rt.spawn(
                                    () -> {
                                        Thread.sleep(3);
                                        return true;
                                    })
                            .join();
                }
                exchangeAll(rt, connect(rt, listener), 20);
                assertEquals(0, rt.metrics().takeOvers());
            } finally {
                stop.set(true);
            }
            assertTrue(stuck.join());
            streams.forEach(TcpStream::close);
        }
    }

    @Test
    void anIdleRuntimeWithAListenerInEachGroupSleeps() throws Exception {
        try (var rt = runtime(2, 1)) {
            var listeners = new ArrayList<TcpListener>();
            for (int i = 0; i < 8; i++) {
                TcpListener listener = rt.spawn(() -> TcpListener.bind("127.0.0.1", 0)).join();
                listeners.add(listener);
                serve(rt, listener);
            }
            long parks;
            int seconds = 0;
            do { // a busy machine takes a while until every worker has gone to sleep
                long before = parks(rt);
                Thread.sleep(1_000);
                parks = parks(rt) - before;
            } while (parks > 10 && ++seconds < 30);
            assertTrue(parks <= 10, () -> "idle workers keep waking: " + rt.metrics());
            listeners.forEach(TcpListener::close);
        }
    }

    private static long parks(AvxRuntime rt) {
        return rt.metrics().workers().stream().mapToLong(w -> w.parks()).sum();
    }

    @Test
    void aRuntimeKeepsAWorkerForEachGroup() {
        try (var rt = runtime(4, 2)) {
            rt.resize(2);
            var e = assertThrows(IllegalArgumentException.class, () -> rt.resize(1));
            assertTrue(String.valueOf(e.getMessage()).contains("2 groups"), e::toString);
            rt.resize(8);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1025})
    void theSizeOfAGroupIsChecked(int size) {
        var e =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> RuntimeConfig.builder().reactorGroupSize(size).build());
        assertEquals("reactorGroupSize must be between 0 and 1024, but is " + size, e.getMessage());
    }
}
