package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Connections whose readers and writers time out, are interrupted and closed at random moments.
 * Bytes come in order and none twice; in the end every handle is closed once, all memory is back
 * and nobody has written to it since.
 */
@Tag("windows")
@Timeout(120)
class IocpStressTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int CONNECTIONS = 24;
    private static final int ROUNDS = 60;

    @RepeatedTest(4)
    void nothingIsLostWhoeverGivesUp(RepetitionInfo repetition) throws Exception {
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.out.println("IocpStressTest " + repetition + ": -Davx.stress.seed=" + seed);
        var random = new SplittableRandom(seed);
        var winsock = new FaultyWinsock();
        IocpDriver driver = IocpDriver.open(winsock, true);
        try (var poller = new PollingThread(driver);
                IoListener listener =
                        poller.driver()
                                .listen(
                                        IoDriverContract.loopback(0),
                                        new ListenSettings(128, true, false, 0))) {
            var running = new ArrayList<ThreadKind.Running<Long>>();
            var streams = new ArrayList<IoStream>();
            for (int i = 0; i < CONNECTIONS; i++) {
                var accepting = ThreadKind.VIRTUAL.run(() -> listener.accept(20 * SECOND));
                IoStream client = driver.connect(listener.localAddress(), 20 * SECOND);
                IoStream server = accepting.get();
                assertNotNull(client);
                assertNotNull(server);
                streams.addAll(List.of(client, server));
                ThreadKind kind = random.nextInt(4) == 0 ? ThreadKind.PLATFORM : ThreadKind.VIRTUAL;
                var done = new AtomicBoolean();
                running.add(reader(kind, random.split(), server, done));
                running.add(writer(kind, random.split(), client, done));
            }
            for (int i = 0; i < 200; i++) {
                running.get(random.nextInt(running.size())).thread().interrupt();
                if (i % 20 == 19) {
                    int victim = random.nextInt(streams.size());
                    if (random.nextBoolean()) {
                        streams.get(victim).close();
                    } else {
                        streams.get(victim).closeAbortively();
                    }
                }
                Thread.sleep(0, random.nextInt(900_000));
            }
            for (IoStream stream : streams) {
                // others end by themselves, or wait for a peer
                if (random.nextInt(3) == 0) {
                    stream.close();
                }
            }
            for (var each : running) {
                each.get();
            }
            streams.forEach(IoStream::close);
        }
        assertEquals(0, driver.registered());
        assertEquals(driver.registeredTotal(), driver.deregisteredTotal());
        assertEquals(0, driver.memory.pending());
        assertEquals(0, driver.memory.inUse());
        winsock.assertBalanced();
    }

    private static long timeout(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextLong(100_000);
            case 2 -> random.nextLong(5_000_000);
            default -> SECOND;
        };
    }

    /** Reads a stream whose bytes count up. */
    private static ThreadKind.Running<Long> reader(
            ThreadKind kind, SplittableRandom random, IoStream from, AtomicBoolean writerDone) {
        return kind.run(
                () -> {
                    long at = 0;
                    for (int quiet = 0; quiet < 200; ) {
                        ByteBuffer buffer =
                                random.nextBoolean()
                                        ? ByteBuffer.allocate(1 + random.nextInt(20_000))
                                        : ByteBuffer.allocateDirect(1 + random.nextInt(20_000));
                        int count;
                        try {
                            switch (random.nextInt(8)) {
                                case 0 -> count = from.awaitReadable(timeout(random));
                                case 1 -> {
                                    count = from.peek(buffer, timeout(random));
                                    check(buffer, at);
                                    buffer.clear();
                                }
                                default -> {
                                    count = from.recv(buffer, timeout(random));
                                    at += check(buffer, at);
                                }
                            }
                        } catch (InterruptedException e) {
                            check(buffer, at); // nothing
                            assertEquals(0, buffer.position());
                            continue;
                        } catch (IOException e) {
                            return at; // reset
                        }
                        if (count == IoDriver.CLOSED || count == IoDriver.END_OF_STREAM) {
                            return at;
                        }
                        quiet = count == IoDriver.TIMED_OUT && writerDone.get() ? quiet + 1 : 0;
                    }
                    return at;
                });
    }

    private static int check(ByteBuffer buffer, long at) {
        for (int i = 0; i < buffer.position(); i++) {
            assertEquals((byte) (at + i), buffer.get(i), "byte " + (at + i));
        }
        return buffer.position();
    }

    private static ThreadKind.Running<Long> writer(
            ThreadKind kind, SplittableRandom random, IoStream to, AtomicBoolean done) {
        return kind.run(
                () -> {
                    long at = 0;
                    try {
                        for (int round = 0; round < ROUNDS; round++) {
                            int length = 1 + random.nextInt(50_000);
                            ByteBuffer buffer =
                                    random.nextBoolean()
                                            ? ByteBuffer.allocate(length)
                                            : ByteBuffer.allocateDirect(length);
                            for (int i = 0; i < length; i++) {
                                buffer.put((byte) (at + i));
                            }
                            buffer.flip();
                            int count;
                            try {
                                count =
                                        random.nextInt(8) == 0
                                                ? to.awaitWritable(timeout(random))
                                                : to.send(buffer, timeout(random));
                            } catch (InterruptedException e) {
                                assertEquals(0, buffer.position());
                                continue;
                            }
                            if (count == IoDriver.CLOSED) {
                                return at;
                            }
                            assertTrue(count >= 0 || count == IoDriver.TIMED_OUT, "sent " + count);
                            at += buffer.position();
                        }
                        to.shutdownOutput();
                    } catch (IOException e) {
                        return at; // reset
                    } finally {
                        done.set(true);
                    }
                    return at;
                });
    }
}
