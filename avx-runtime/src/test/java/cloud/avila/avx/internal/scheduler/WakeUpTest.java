package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Work never waits for a worker that sleeps. */
class WakeUpTest {
    private static AvxRuntime runtime(int workers) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("wake-up")
                        .workerThreads(workers)
                        .stallThreshold(Duration.ZERO)
                        .build());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 70})
    void everyJobFromOutsideIsRunHoweverItMeetsSleepingWorkers(int workers) throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        try (var rt = runtime(workers)) {
            for (int i = 0; i < 3_000; i++) {
                int jobs = 1 + random.nextInt(3);
                var ran = new CountDownLatch(jobs);
                for (int j = 0; j < jobs; j++) {
                    rt.handle().execute(ran::countDown);
                }
                assertTrue(
                        ran.await(60, TimeUnit.SECONDS),
                        () -> "lost a wake-up, seed " + seed + ": " + rt.metrics());
                if (random.nextInt(4) == 0) {
                    LockSupport.parkNanos(random.nextInt(200_000));
                }
            }
        }
    }

    /** As when the thread of a worker that was woken, or that searches, waits for a processor. */
    @Test
    @Timeout(120)
    void aSearcherThatGetsNowhereKeepsNoOtherAsleep() throws Exception {
        try (var rt = runtime(2)) {
            var scheduler =
                    (WorkStealingScheduler)
                            OpenSchedulers.all().stream()
                                    .filter(s -> s.name().equals("wake-up"))
                                    .findFirst()
                                    .orElseThrow();
            for (int round = 0; round < 20; round++) {
                while (scheduler.idle.sleepingCount() < 2 || !scheduler.idle.tryStartWaking()) {
                    Thread.sleep(1);
                }
                var ran = new AtomicInteger();
                int pushed = 0;
                try {
                    long end = System.nanoTime() + 60_000_000_000L;
                    while (ran.get() == 0) {
                        assertTrue(System.nanoTime() < end, () -> "asleep: " + rt.metrics());
                        rt.handle().execute(ran::incrementAndGet);
                        if (++pushed % 100 == 0) {
                            Thread.sleep(1);
                        }
                    }
                } finally {
                    scheduler.idle.stopSearching();
                }
                rt.handle().execute(ran::incrementAndGet);
                while (ran.get() <= pushed) {
                    Thread.sleep(1);
                }
            }
        }
    }

    @Test
    void aBurstFromOneFiberSpreadsOverTheWorkers() throws Exception {
        try (var rt = runtime(2)) {
            rt.blockOn(
                    () -> {
                        var arrived = new CountDownLatch(2);
                        for (int i = 0; i < 2; i++) {
                            // each holds its worker until the other has come: needs both workers
                            rt.handle()
                                    .execute(
                                            () -> {
                                                arrived.countDown();
                                                long end = System.nanoTime() + 60_000_000_000L;
                                                while (arrived.getCount() > 0
                                                        && System.nanoTime() < end) {
                                                    Thread.onSpinWait();
                                                }
                                            });
                        }
                        rt.handle().execute(() -> {});
                        assertTrue(arrived.await(60, TimeUnit.SECONDS));
                        return null;
                    });
        }
    }

    @Test
    void timersAndSleepersGoOnWhileAFiberHoldsItsWorker() throws Exception {
        try (var rt = runtime(2)) {
            var stop = new AtomicBoolean();
            var holder =
                    rt.spawn(
                            () -> {
                                while (!stop.get()) {
                                    Thread.onSpinWait();
                                }
                                return null;
                            });
            try {
                int ticks =
                        rt.<Integer>blockOn(
                                () -> {
                                    int n = 0;
                                    for (; n < 50; n++) {
                                        Thread.sleep(2);
                                    }
                                    return n;
                                });
                assertEquals(50, ticks);
            } finally {
                stop.set(true);
            }
            holder.join();
        }
    }

    @Test
    void aYieldingFiberLetsOthersRunOnTheOnlyWorker() throws Exception {
        try (var rt = runtime(1)) {
            var stop = new AtomicBoolean();
            var spinner =
                    rt.spawn(
                            () -> {
                                while (!stop.get()) {
                                    Thread.yield();
                                }
                                return null;
                            });
            var ran = new AtomicInteger();
            for (int i = 0; i < 100; i++) {
                rt.spawn(
                        () -> {
                            Thread.sleep(1);
                            return ran.incrementAndGet();
                        });
            }
            for (int i = 0; ran.get() < 100 && i < 60_000; i++) {
                Thread.sleep(1);
            }
            assertEquals(100, ran.get());
            stop.set(true);
            spinner.join();
        }
    }

    @Test
    void anIdleRuntimeSleeps() throws Exception {
        try (var rt = runtime(4)) {
            rt.blockOn(() -> 1);
            long parks;
            int seconds = 0;
            do { // a busy machine takes a while until every worker has gone to sleep
                long before = parks(rt);
                Thread.sleep(1_000);
                parks = parks(rt) - before;
            } while (parks > 10 && ++seconds < 30);
            assertTrue(parks <= 10, () -> "idle workers keep waking: " + rt.metrics());
        }
    }

    private static long parks(AvxRuntime rt) {
        return rt.metrics().workers().stream().mapToLong(w -> w.parks()).sum();
    }
}
