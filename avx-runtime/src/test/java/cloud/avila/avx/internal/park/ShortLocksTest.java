package cloud.avila.avx.internal.park;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Workers' own threads and fibers that take the same locks. */
class ShortLocksTest {
    @Test
    void aWorkerDoesNotQueueForALockBehindAFiberThatNeedsIt() throws Exception {
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(1)
                                .takeOver(false)
                                .stallThreshold(Duration.ZERO)
                                .shutdownTimeout(Duration.ofSeconds(1))
                                .build())) {
            var lock = new ReentrantLock();
            var jobRuns = new CountDownLatch(1);
            var jobIsDone = new CountDownLatch(1);
            JoinHandle<Integer> fiber;
            lock.lock();
            try {
                fiber =
                        rt.spawn(
                                () -> {
                                    ShortLocks.acquire(lock);
                                    lock.unlock();
                                    return 1;
                                });
                while (!lock.hasQueuedThreads()) {
                    Thread.onSpinWait();
                }
                rt.handle()
                        .execute(
                                () -> {
                                    jobRuns.countDown();
                                    ShortLocks.acquire(lock);
                                    lock.unlock();
                                    jobIsDone.countDown();
                                });
                assertTrue(jobRuns.await(60, TimeUnit.SECONDS));
                Thread.sleep(20); // the job is at the lock now, as a rule
            } finally {
                lock.unlock();
            }
            assertTrue(jobIsDone.await(20, TimeUnit.SECONDS), "the worker hangs");
            assertEquals(1, fiber.get(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void nestedLocksAreTakenByBothKinds() throws Exception {
        int each = 10_000;
        var outer = new ReentrantLock();
        var inner = new ReentrantLock();
        int[] counted = {0};
        Runnable step =
                () -> {
                    ShortLocks.acquireNested(outer);
                    ShortLocks.acquireNested(inner);
                    counted[0]++;
                    inner.unlock();
                    outer.unlock();
                };
        try (var rt = AvxRuntime.create(RuntimeConfig.builder().workerThreads(2).build())) {
            Handle handle = rt.handle();
            var jobs = new CountDownLatch(each);
            for (int f = 0; f < 10; f++) {
                rt.handle()
                        .spawnDetached(
                                "contender",
                                () -> {
                                    for (int i = 0; i < each / 10; i++) {
                                        handle.execute(
                                                () -> {
                                                    step.run();
                                                    jobs.countDown();
                                                });
                                        step.run();
                                    }
                                    return 0;
                                });
            }
            assertTrue(jobs.await(60, TimeUnit.SECONDS));
        }
        assertEquals(2 * each, counted[0]);
    }
}
