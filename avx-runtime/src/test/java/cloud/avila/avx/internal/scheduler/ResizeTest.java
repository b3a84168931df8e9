package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.sys.ProcessorAffinity;
import cloud.avila.avx.metrics.WorkerState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

class ResizeTest {
    private static AvxRuntime runtime(int workers) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .workerThreads(workers)
                        .stallThreshold(Duration.ZERO)
                        .build());
    }

    private static long running(AvxRuntime rt) {
        return rt.metrics().workers().stream()
                .filter(w -> w.state() != WorkerState.TERMINATED)
                .count();
    }

    private static void awaitRunning(AvxRuntime rt, int workers) throws InterruptedException {
        for (int i = 0; running(rt) != workers && i < 12_000; i++) {
            Thread.sleep(5);
        }
        assertEquals(workers, running(rt));
    }

    @Test
    void moreWorkersRunMoreAtATime() throws Exception {
        try (var rt = runtime(1)) {
            rt.resize(3);
            assertEquals(3, rt.metrics().activeWorkers());
            var together = new CountDownLatch(3);
            for (int i = 0; i < 3; i++) {
                rt.handle()
                        .execute(
                                () -> {
                                    together.countDown();
                                    long end = System.nanoTime() + 60_000_000_000L;
                                    while (together.getCount() > 0 && System.nanoTime() < end) {
                                        Thread.onSpinWait();
                                    }
                                });
            }
            assertTrue(together.await(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void fewerWorkersGiveTheirQueuesAndTimersToTheOthers() throws Exception {
        try (var rt = runtime(4)) {
            var done = new CountDownLatch(2_000);
            rt.blockOn(
                    () -> {
                        for (int i = 0; i < 2_000; i++) {
                            rt.spawn(
                                    () -> {
                                        Thread.sleep(20);
                                        done.countDown();
                                        return null;
                                    });
                        }
                        return null;
                    });
            rt.resize(1);
            assertTrue(done.await(60, TimeUnit.SECONDS));
            awaitRunning(rt, 1);
            assertEquals(1, rt.metrics().activeWorkers());
            assertEquals(4, rt.metrics().workers().size());
        }
    }

    @Test
    void nothingIsLostWhileTheNumberChangesAtRandom() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        try (var rt = runtime(2)) {
            var stop = new AtomicBoolean();
            var ran = new LongAdder();
            var spawned = new LongAdder();
            for (int i = 0; i < 4; i++) {
                rt.spawn(
                        () -> {
                            while (!stop.get()) {
                                for (int k = 0; k < 20; k++) {
                                    rt.handle().execute(ran::increment);
                                    spawned.increment();
                                }
                                Thread.yield();
                            }
                            return null;
                        });
            }
            for (int i = 0; i < 150; i++) {
                // now and then more than the 64 of one word of sleepers
                rt.resize(1 + random.nextInt(i % 30 == 0 ? 80 : 6));
                if (random.nextInt(4) == 0) {
                    Thread.sleep(random.nextInt(5));
                }
            }
            stop.set(true);
            int last = 1 + random.nextInt(3);
            rt.resize(last);
            awaitRunning(rt, last);
            for (int i = 0; rt.metrics().live() > 0 && i < 12_000; i++) {
                Thread.sleep(5);
            }
            assertEquals(spawned.sum(), ran.sum(), () -> "seed " + seed + ": " + rt.metrics());
            assertEquals(0, rt.metrics().live(), () -> "seed " + seed);
        }
    }

    @Test
    void refusesNumbersOutOfRangeAndAClosedRuntime() {
        var rt = runtime(1);
        assertThrows(IllegalArgumentException.class, () -> rt.resize(0));
        assertThrows(IllegalArgumentException.class, () -> rt.resize(1025));
        rt.close();
        assertThrows(IllegalStateException.class, () -> rt.resize(2));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void workersStayOnTheirProcessors() throws Exception {
        int[] processors = ProcessorAffinity.allowed();
        var config = RuntimeConfig.builder().workerThreads(1).workerAffinity(true).build();
        try (var rt = AvxRuntime.create(config)) {
            var seen = new CompletableFuture<int[]>();
            rt.handle().execute(() -> seen.complete(ProcessorAffinity.allowed()));
            int[] bound = seen.get(60, TimeUnit.SECONDS);
            assertEquals(1, bound.length);
            assertEquals(processors[0], bound[0]);
        }
    }
}
