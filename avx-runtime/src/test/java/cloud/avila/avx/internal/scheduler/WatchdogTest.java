package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

class WatchdogTest {
    private final List<String> messages = new CopyOnWriteArrayList<>();
    private final Logger logger = Logger.getLogger(Watchdog.class.getName());
    private final Handler handler =
            new Handler() {
                @Override
                public void publish(LogRecord record) {
                    messages.add(record.getMessage());
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void stopListening() {
        logger.removeHandler(handler);
        logger.setUseParentHandlers(true);
    }

    private static AvxRuntime runtime(Duration stallThreshold) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("watched")
                        .workerThreads(2)
                        .stallThreshold(stallThreshold)
                        .build());
    }

    /**
     * From when the code is where it stays: a worker that lacks a processor on its way there would
     * be reported on its way.
     */
    private static void watch(AvxRuntime rt, CountDownLatch inside) throws InterruptedException {
        assertTrue(inside.await(60, TimeUnit.SECONDS));
        rt.setStallThreshold(Duration.ofMillis(30));
    }

    private void awaitReport(AvxRuntime rt) throws InterruptedException {
        for (int i = 0; rt.metrics().stalls() == 0 && i < 12_000; i++) {
            Thread.sleep(5);
        }
    }

    @Test
    void aFiberThatHoldsItsWorkerIsReportedOnceWithNameAndStack() throws Exception {
        try (var rt = runtime(Duration.ZERO)) {
            var stop = new AtomicBoolean();
            var inside = new CountDownLatch(1);
            var hog =
                    rt.spawn(
                            "the-hog",
                            () -> {
                                spinUntil(stop, inside);
                                return null;
                            });
            watch(rt, inside);
            awaitReport(rt);
            Thread.sleep(150);
            stop.set(true);
            hog.join();
            assertEquals(1, rt.metrics().stalls());
            assertEquals(1, messages.size(), messages.toString());
            String report = messages.getFirst();
            assertTrue(report.contains("fiber \"the-hog\""), report);
            assertTrue(report.contains("spinUntil"), report);
            assertTrue(report.contains("use spawnBlocking"), report);
        }
    }

    @Test
    void aJobThatBlocksItsWorkerIsReportedWithItsClass() throws Exception {
        try (var rt = runtime(Duration.ofMillis(30))) {
            var release = new CountDownLatch(1);
            rt.handle()
                    .execute(
                            () -> {
                                try {
                                    release.await(60, TimeUnit.SECONDS);
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            });
            awaitReport(rt);
            release.countDown();
            assertEquals(1, messages.size(), messages.toString());
            assertTrue(
                    messages.getFirst().contains("job " + WatchdogTest.class.getName()),
                    messages.getFirst());
        }
    }

    @Test
    void theThresholdMayBeChangedWhileAFiberHoldsItsWorker() throws Exception {
        try (var rt = runtime(Duration.ZERO)) {
            assertEquals(Duration.ZERO, rt.stallThreshold());
            var stop = new AtomicBoolean();
            var hog = rt.handle().spawn("the-hog", () -> spunUntil(stop));
            Thread.sleep(100);
            assertEquals(0, rt.metrics().stalls());
            rt.setStallThreshold(Duration.ofMillis(20));
            assertEquals(Duration.ofMillis(20), rt.stallThreshold());
            awaitReport(rt);
            rt.setStallThreshold(Duration.ofMillis(30));
            Thread.sleep(100);
            stop.set(true);
            hog.join();
            assertEquals(1, rt.metrics().stalls());
            assertThrows(
                    IllegalArgumentException.class,
                    () -> rt.setStallThreshold(Duration.ofNanos(-1)));
            assertEquals(Duration.ofMillis(30), rt.stallThreshold());
        }
    }

    private static boolean spunUntil(AtomicBoolean stop) {
        spinUntil(stop, new CountDownLatch(1));
        return true;
    }

    @Test
    void aPollThatHoldsItsWorkerIsReportedWithTheNameOfItsTask() throws Exception {
        try (var rt = runtime(Duration.ZERO)) {
            var stop = new AtomicBoolean();
            var inside = new CountDownLatch(1);
            var hog =
                    rt.spawnFuture(
                            "the-slow-poll",
                            cx -> {
                                spinUntil(stop, inside);
                                return Poll.ready(1);
                            });
            watch(rt, inside);
            awaitReport(rt);
            stop.set(true);
            hog.join();
            String report = messages.getFirst();
            assertTrue(report.contains("poll task \"the-slow-poll\""), report);
            assertTrue(report.contains("spinUntil"), report);
        }
    }

    // In the next two the threshold is a second: a worker may lack a processor for a while.

    @Test
    void workAfterALongSleepIsNoStall() throws Exception {
        try (var rt = runtime(Duration.ofSeconds(1))) {
            for (int i = 0; i < 3; i++) {
                Thread.sleep(1_100); // longer than the threshold: workers and watchdog sleep
                rt.spawn(() -> spinFor(Duration.ofMillis(30))).join();
            }
            assertEquals(0, rt.metrics().stalls(), messages.toString());
        }
    }

    @Test
    void manyShortTasksAreNoStall() throws Exception {
        try (var rt = runtime(Duration.ofSeconds(1))) {
            rt.blockOn(
                    () -> {
                        for (int i = 0; i < 15; i++) {
                            spinFor(Duration.ofMillis(100));
                            Thread.sleep(1);
                        }
                        return null;
                    });
            assertEquals(0, rt.metrics().stalls(), messages.toString());
        }
    }

    private static @Nullable Void spinFor(Duration time) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < time.toNanos()) {
            Thread.onSpinWait();
        }
        return null;
    }

    private static void spinUntil(AtomicBoolean stop, CountDownLatch inside) {
        inside.countDown();
        while (!stop.get()) {
            Thread.onSpinWait();
        }
    }
}
