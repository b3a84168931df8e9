package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.BlockingOverflow;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

class BlockingPoolTest {
    private static AvxRuntime runtime(int threads, int queue, Duration keepAlive) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("pool")
                        .workerThreads(1)
                        .maxBlockingThreads(threads)
                        .blockingQueueCapacity(queue)
                        .blockingKeepAlive(keepAlive)
                        .build());
    }

    @Test
    void growsToItsBoundThenQueuesThenRejects() throws Exception {
        try (var rt = runtime(3, 2, Duration.ofSeconds(10))) {
            var release = new CountDownLatch(1);
            var running = new Semaphore(0);
            List<JoinHandle<Integer>> handles = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int n = i;
                handles.add(
                        rt.spawnBlocking(
                                () -> {
                                    running.release();
                                    release.await();
                                    return n;
                                }));
            }
            running.acquire(3);
            assertEquals(3, rt.metrics().blockingThreads());
            assertEquals(0, rt.metrics().idleBlockingThreads());
            assertEquals(2, rt.metrics().blockingQueueDepth());
            var error =
                    assertThrows(RejectedExecutionException.class, () -> rt.spawnBlocking(() -> 9));
            assertTrue(
                    String.valueOf(error.getMessage()).contains("all 3 threads busy and 2 tasks"),
                    error.getMessage());
            release.countDown();
            for (int i = 0; i < 5; i++) {
                assertEquals(i, handles.get(i).join());
            }
            assertEquals(1, rt.metrics().rejected());
        }
    }

    @Test
    void reusesIdleThreadsAndEndsThemAfterTheKeepAlive() throws Exception {
        try (var rt = runtime(8, 100, Duration.ofMillis(50))) {
            for (int i = 0; i < 50; i++) {
                rt.spawnBlocking(() -> 1).join();
                while (rt.metrics().blockingThreads() > rt.metrics().idleBlockingThreads()) {
                    Thread.onSpinWait();
                }
            }
            assertTrue(rt.metrics().blockingThreads() <= 2, () -> rt.metrics().toString());
            for (int i = 0; rt.metrics().blockingThreads() > 0 && i < 10_000; i++) {
                Thread.sleep(5);
            }
            assertEquals(0, rt.metrics().blockingThreads());
            assertEquals(50, rt.metrics().blockingCompleted());
        }
    }

    @Test
    void anInterruptNeverReachesTheNextTaskOfTheThread() throws Exception {
        try (var rt = runtime(1, 10, Duration.ofSeconds(10))) {
            var leaked = new AtomicInteger();
            for (int i = 0; i < 2_000; i++) {
                var started = new CountDownLatch(1);
                JoinHandle<Object> victim =
                        rt.spawnBlocking(
                                () -> {
                                    started.countDown();
                                    return null;
                                });
                started.await();
                victim.cancel();
                JoinHandle<Boolean> next =
                        rt.spawnBlocking(
                                () -> {
                                    Thread.onSpinWait();
                                    return Thread.currentThread().isInterrupted();
                                });
                if (next.join()) {
                    leaked.incrementAndGet();
                }
            }
            assertEquals(0, leaked.get());
        }
    }

    @Test
    void aTaskCancelledWhileItWaitsForAThreadNeverRuns() throws Exception {
        try (var rt = runtime(1, 10, Duration.ofSeconds(10))) {
            var release = new CountDownLatch(1);
            rt.spawnBlocking(
                    () -> {
                        release.await();
                        return null;
                    });
            var ran = new AtomicInteger();
            JoinHandle<Integer> waiting = rt.spawnBlocking(ran::incrementAndGet);
            assertTrue(waiting.cancel());
            assertFalse(waiting.cancel());
            release.countDown();
            rt.spawnBlocking(() -> 1).join();
            assertEquals(0, ran.get());
            assertEquals(1, rt.metrics().cancelled());
        }
    }

    @Test
    void codeOfAFiberThatHoldsItsThreadMovesThere() throws Exception {
        try (var rt = runtime(1, 10, Duration.ofSeconds(10))) {
            boolean virtual =
                    rt.<Boolean>blockOn(
                            () ->
                                    WorkStealingScheduler.callBlocking(
                                            () -> Thread.currentThread().isVirtual()));
            assertFalse(virtual);
            assertThrows(
                    java.io.IOException.class,
                    () ->
                            WorkStealingScheduler.callBlocking(
                                    () -> {
                                        throw new java.io.IOException("inline");
                                    }));
        }
    }

    private static AvxRuntime full(BlockingOverflow overflow, CountDownLatch release) {
        var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(1)
                                .maxBlockingThreads(1)
                                .blockingQueueCapacity(1)
                                .blockingOverflow(overflow)
                                .build());
        for (int i = 0; i < 2; i++) {
            rt.spawnBlocking(
                    () -> {
                        release.await();
                        return null;
                    });
        }
        return rt;
    }

    @Test
    void theCallerRunsWhatFindsNoRoomIfThatIsThePolicy() throws Exception {
        var release = new CountDownLatch(1);
        try (var rt = full(BlockingOverflow.CALLER_RUNS, release)) {
            Thread outside = Thread.currentThread();
            assertEquals(outside, rt.spawnBlocking(Thread::currentThread).join());
            boolean inFiber =
                    rt.<Boolean>blockOn(
                            () ->
                                    rt.spawnBlocking(Thread::currentThread).join()
                                            == Thread.currentThread());
            assertTrue(inFiber);
            release.countDown();
        }
    }

    @Test
    void theCallerWaitsForRoomIfThatIsThePolicy() throws Exception {
        var release = new CountDownLatch(1);
        try (var rt = full(BlockingOverflow.WAIT, release)) {
            var waiting = rt.spawn(() -> rt.spawnBlocking(() -> 5).join());
            var interrupted = rt.spawn(() -> rt.spawnBlocking(() -> 6).join());
            Thread.sleep(20);
            assertFalse(waiting.isDone());
            interrupted.cancel();
            var refused = new CompletableFuture<Throwable>();
            rt.handle()
                    .execute(
                            () ->
                                    refused.complete(
                                            assertThrows(
                                                    RejectedExecutionException.class,
                                                    () -> rt.spawnBlocking(() -> 7))));
            assertTrue(String.valueOf(refused.get().getMessage()).contains("all 1 threads busy"));
            release.countDown();
            assertEquals(5, waiting.join());
        }
    }
}
