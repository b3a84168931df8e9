package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.JoinHandle;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Connections that are opened, used, timed out, interrupted and closed from two sides at random
 * moments, so that descriptor numbers are reused all the time. A byte that reaches another
 * connection than its own, an operation that hangs, or a descriptor left open is a failure.
 */
@Timeout(300)
class SocketStressTest extends RuntimeSockets {
    private static final long DURATION_MILLIS = Long.getLong("avx.stress.millis", 3000);

    @Test
    void connectionsNeverMixHangOrLeak() throws Exception {
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.err.println("SocketStressTest: -Davx.stress.seed=" + seed);
        var exchanges = new AtomicLong();
        var ids = new AtomicInteger();
        onFiber(
                () -> {
                    long end = System.nanoTime() + Duration.ofMillis(DURATION_MILLIS).toNanos();
                    try (var listener = TcpListener.bind(loopback(0))) {
                        var accepting = spawn(() -> serve(listener));
                        var clients = new ArrayList<JoinHandle<@Nullable Void>>();
                        for (int i = 0; i < 12; i++) {
                            var random = new SplittableRandom(seed + i);
                            clients.add(
                                    spawn(
                                            () -> {
                                                while (System.nanoTime() < end) {
                                                    client(
                                                            listener,
                                                            random,
                                                            ids.incrementAndGet(),
                                                            exchanges);
                                                }
                                            }));
                        }
                        for (var client : clients) {
                            client.join(PATIENCE);
                        }
                        listener.close();
                        try {
                            accepting.join();
                        } catch (CompletionException e) {
                            assertTrue(e.getCause() instanceof SocketClosedException, e::toString);
                        }
                    }
                });
        assertTrue(exchanges.get() > 0, "nothing was exchanged");
        for (int i = 0; i < 6_000 && runtime().metrics().registeredSockets() > 0; i++) {
            Thread.sleep(10);
        }
        assertEquals(0, runtime().metrics().registeredSockets());
    }

    private void serve(TcpListener listener) throws Exception {
        while (true) {
            TcpStream c = listener.accept();
            spawn(
                    () -> {
                        try (c) {
                            c.copyTo(c);
                        } catch (IOException expected) {
                            // clients reset connections
                            assertTrue(c.remoteAddress().getPort() > 0);
                        }
                    });
        }
    }

    /** Sends its number again and again and must get nothing but that back. */
    private void client(TcpListener listener, SplittableRandom random, int id, AtomicLong exchanges)
            throws Exception {
        TcpStream c = TcpStream.connect(listener.localAddress(), PATIENCE);
        try (c) {
            c.readTimeout(PATIENCE);
            ByteBuffer out = ByteBuffer.allocate(4 * 64);
            ByteBuffer in =
                    random.nextBoolean()
                            ? ByteBuffer.allocate(4 * 64)
                            : ByteBuffer.allocateDirect(4 * 64);
            int rounds = random.nextInt(20);
            for (int i = 0; i < rounds; i++) {
                int words = 1 + random.nextInt(64);
                out.clear();
                for (int w = 0; w < words; w++) {
                    out.putInt(id);
                }
                c.writeAll(out.flip());
                c.readFully(in.clear().limit(4 * words));
                in.flip();
                while (in.hasRemaining()) {
                    assertEquals(id, in.getInt());
                }
                exchanges.incrementAndGet();
            }
            switch (random.nextInt(5)) {
                case 0 -> c.closeAbortively();
                case 1 -> {
                    c.shutdownOutput();
                    assertEquals(-1, c.read(in.clear()));
                }
                case 2 -> closedWhileReading(c, random);
                case 3 -> interruptedWhileReading(c);
                default -> c.close();
            }
        }
    }

    private void closedWhileReading(TcpStream c, SplittableRandom random) throws Exception {
        var reading = spawn(() -> c.read(new byte[1]));
        for (int i = random.nextInt(3); i > 0; i--) {
            Thread.yield();
        }
        c.close();
        try {
            reading.join(PATIENCE);
        } catch (CompletionException e) {
            assertTrue(e.getCause() instanceof SocketClosedException, e::toString);
        }
    }

    private void interruptedWhileReading(TcpStream c) throws Exception {
        var started = new CountDownLatch(1);
        var ended = new CountDownLatch(1);
        var failure = new AtomicReference<@Nullable Throwable>();
        var reading =
                spawn(
                        () -> {
                            started.countDown();
                            try {
                                c.read(new byte[1]);
                                failure.set(new AssertionError("read what nobody sent"));
                            } catch (InterruptedException expected) {
                                c.writeAll(new byte[] {1});
                                assertEquals(1, c.read(new byte[1]));
                            } catch (IOException e) {
                                failure.set(e);
                            } finally {
                                ended.countDown();
                            }
                        });
        started.await();
        reading.cancel(true);
        assertTrue(ended.await(60, TimeUnit.SECONDS), "the interrupted reader hangs");
        assertNull(failure.get());
    }
}
