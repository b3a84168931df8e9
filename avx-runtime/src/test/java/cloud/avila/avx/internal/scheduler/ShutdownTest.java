package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Logger;

/** Each step of closing, while others spawn, wait for timers and use sockets. */
class ShutdownTest {
    private final Logger logger = Logger.getLogger(Shutdown.class.getName());

    @BeforeEach
    void silence() {
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void speak() {
        logger.setUseParentHandlers(true);
    }

    private static AvxRuntime runtime(Duration timeout) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("closing")
                        .workerThreads(2)
                        .shutdownTimeout(timeout)
                        .build());
    }

    private static void assertAccounted(AvxRuntime rt, String when) {
        var m = rt.metrics();
        assertEquals(m.spawned(), m.completed() + m.failed() + m.cancelled(), () -> when + m);
        assertTrue(rt.isClosed(), when);
    }

    @Test
    void everyAcceptedTaskIsAccountedForWhileOthersSpawn() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            var rt = runtime(Duration.ofSeconds(20));
            var handles = new ConcurrentLinkedQueue<JoinHandle<Integer>>();
            var outside = new Thread[3];
            for (int i = 0; i < outside.length; i++) {
                outside[i] = new Thread(() -> spawnUntilRefused(rt, handles));
                outside[i].start();
            }
            rt.spawn(
                    () -> {
                        spawnUntilRefused(rt, handles);
                        return 0;
                    });
            Thread.sleep(0, random.nextInt(999_999));
            rt.close();
            for (Thread thread : outside) {
                thread.join();
            }
            for (JoinHandle<Integer> handle : handles) {
                assertTrue(handle.isDone(), () -> "seed " + seed);
            }
            assertAccounted(rt, "seed " + seed + ", round " + round + ": ");
        }
    }

    private static void spawnUntilRefused(
            AvxRuntime rt, ConcurrentLinkedQueue<JoinHandle<Integer>> handles) {
        try {
            for (int i = 0; i < 200_000 && !rt.isClosing(); i++) {
                int n = i;
                handles.add(rt.spawn(() -> n));
                rt.handle().execute(() -> {});
                if (i % 64 == 0) {
                    Thread.yield();
                }
            }
            while (true) {
                rt.spawn(() -> 0);
                if (Thread.currentThread().isVirtual()) {
                    return; // may go on until it is interrupted
                }
            }
        } catch (RejectedExecutionException expected) {
            assertTrue(String.valueOf(expected.getMessage()).contains("closing"));
        }
    }

    @Test
    void sleepersAndTimersFinishWithinTheTimeout() throws Exception {
        var rt = runtime(Duration.ofSeconds(20));
        var woken = new CountDownLatch(100);
        for (int i = 0; i < 100; i++) {
            int millis = i;
            rt.spawn(
                    () -> {
                        Thread.sleep(millis);
                        woken.countDown();
                        return null;
                    });
        }
        rt.close();
        assertEquals(0, woken.getCount());
        assertAccounted(rt, "");
    }

    @Test
    void whatDoesNotEndInTimeIsInterrupted() throws Exception {
        var rt = runtime(Duration.ofMillis(30));
        var sleeping = rt.spawn(() -> sleepForever());
        var queuedBehind = rt.spawn(() -> sleepForever());
        var blocking = rt.spawnBlocking(() -> sleepForever());
        rt.close();
        assertTrue(sleeping.isCancelled());
        assertTrue(queuedBehind.isCancelled());
        assertTrue(blocking.isCancelled());
        assertAccounted(rt, "");
    }

    private static int sleepForever() throws InterruptedException {
        Thread.sleep(Long.MAX_VALUE);
        return 0;
    }

    @Test
    void fibersBlockedInSocketsAreInterruptedAndSocketsClosed() throws Exception {
        var rt = runtime(Duration.ofMillis(50));
        var listening = new CountDownLatch(1);
        var port = new int[1];
        var accepting =
                rt.spawn(
                        () -> {
                            try (var listener = TcpListener.bind("127.0.0.1", 0)) {
                                port[0] = listener.localAddress().getPort();
                                listening.countDown();
                                while (true) {
                                    TcpStream peer = listener.accept();
                                    rt.spawn(
                                            () -> {
                                                try (peer) {
                                                    return peer.read(ByteBuffer.allocate(1));
                                                }
                                            });
                                }
                            }
                        });
        assertTrue(listening.await(60, TimeUnit.SECONDS));
        rt.spawn(
                        () -> {
                            try (TcpStream client = TcpStream.connect("127.0.0.1", port[0])) {
                                client.writeAll(ByteBuffer.allocate(1));
                            }
                            return null;
                        })
                .join();
        rt.close();
        assertTrue(accepting.isCancelled());
        assertAccounted(rt, "");
        assertEquals(0, rt.metrics().registeredSockets());
    }

    @Test
    void closingFromAFiberReturnsAndGoesOnBehindIt() throws Exception {
        var rt = runtime(Duration.ofSeconds(20));
        var after = new AtomicBoolean();
        rt.spawn(
                () -> {
                    rt.close();
                    Thread.sleep(10);
                    after.set(true);
                    return null;
                });
        rt.close(); // twice: waits for the first
        for (int i = 0; !rt.isClosed() && i < 12_000; i++) {
            Thread.sleep(5);
        }
        assertTrue(after.get());
        assertAccounted(rt, "");
    }

    @Test
    void manyThreadsMayCloseAtOnce() throws Exception {
        var rt = runtime(Duration.ofSeconds(20));
        rt.spawn(
                () -> {
                    Thread.sleep(30);
                    return null;
                });
        var closers = new Thread[4];
        for (int i = 0; i < closers.length; i++) {
            closers[i] =
                    new Thread(
                            () -> {
                                rt.close();
                                assertTrue(rt.isClosed());
                            });
            closers[i].start();
        }
        for (Thread closer : closers) {
            closer.join();
        }
        assertAccounted(rt, "");
    }

    @Test
    void aHookOfTheJvmMayCloseTheRuntime() throws Exception {
        var process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--add-opens=java.base/java.lang=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                InHook.class.getName())
                        .redirectErrorStream(true)
                        .start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), output);
        assertTrue(output.contains("finished in the hook"), output);
        assertTrue(output.contains("closed"), output);
    }

    /** A program that ends while a fiber still works, and closes its runtime in a hook. */
    static final class InHook {
        private InHook() {}

        public static void main(String[] args) throws Exception {
            var rt = AvxRuntime.create();
            var started = new CountDownLatch(1);
            rt.spawn(
                    () -> {
                        started.countDown();
                        Thread.sleep(100);
                        System.out.println("finished in the hook");
                        return null;
                    });
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(
                                    () -> {
                                        rt.close();
                                        System.out.println(rt.isClosed() ? "closed" : "open");
                                    }));
            started.await();
            System.exit(0);
        }
    }
}
