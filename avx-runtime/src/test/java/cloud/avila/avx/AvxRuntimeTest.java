package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** What a runtime promises, on its own workers and on the JDK's scheduler alike. */
class AvxRuntimeTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static AvxRuntime runtime(FiberAccess access) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("test")
                        .workerThreads(2)
                        .fiberAccess(access)
                        .shutdownTimeout(Duration.ofSeconds(20))
                        .build());
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void spawnedFibersReturnTheirResults(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            int total =
                    rt.<Integer>blockOn(
                            () -> {
                                JoinHandle<Integer> a = rt.spawn(() -> 1);
                                JoinHandle<Integer> b = rt.spawn("b", () -> 2);
                                assertEquals("b", b.name());
                                return a.join() + b.join();
                            });
            assertEquals(3, total);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void fibersAreVirtualThreadsOfTheirRuntime(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            rt.blockOn(
                    () -> {
                        assertTrue(Thread.currentThread().isVirtual());
                        assertEquals(rt.handle(), Handle.current());
                        Thread.sleep(2);
                        assertEquals(rt.handle(), Handle.current());
                        return null;
                    });
            assertTrue(Handle.tryCurrent().isEmpty());
            assertThrows(IllegalStateException.class, Handle::current);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void jobsAndBlockingTasksBelongToTheirRuntime(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var seen = new ArrayBlockingQueue<Handle>(1);
            rt.handle().execute(() -> seen.add(Handle.current()));
            assertEquals(rt.handle(), seen.poll(60, TimeUnit.SECONDS));
            JoinHandle<Handle> blocking =
                    rt.spawnBlocking(
                            () -> {
                                assertFalse(Thread.currentThread().isVirtual());
                                return Handle.current();
                            });
            assertEquals(rt.handle(), blocking.join(LONG));
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void failuresReachEveryKindOfJoin(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var boom = new IllegalArgumentException("boom");
            JoinHandle<Object> handle =
                    rt.spawn(
                            "bomb",
                            () -> {
                                throw boom;
                            });
            assertSame(
                    boom,
                    assertThrows(CompletionException.class, () -> handle.join(LONG)).getCause());
            assertSame(boom, assertThrows(ExecutionException.class, handle::get).getCause());
            assertSame(boom, handle.exceptionNow());
            assertEquals(new Outcome.Failed<>(boom), handle.outcome());
            assertSame(
                    boom,
                    assertThrows(
                                    CompletionException.class,
                                    () -> handle.toCompletableFuture().join())
                            .getCause());
            assertThrows(IllegalStateException.class, handle::resultNow);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void cancellingInterruptsAParkedFiber(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var started = new CountDownLatch(1);
            var interrupted = new CountDownLatch(1);
            JoinHandle<Object> handle =
                    rt.spawn(
                            () -> {
                                started.countDown();
                                try {
                                    new CountDownLatch(1).await();
                                } catch (InterruptedException e) {
                                    interrupted.countDown();
                                }
                                return null;
                            });
            started.await();
            assertThrows(IllegalStateException.class, handle::outcome);
            assertTrue(handle.cancel());
            assertFalse(handle.cancel());
            assertTrue(interrupted.await(60, TimeUnit.SECONDS));
            assertThrows(CancellationException.class, handle::join);
            assertEquals(new Outcome.Cancelled<>(), handle.outcome());
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void cancellingTheFutureViewCancelsTheTask(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            JoinHandle<Object> handle =
                    rt.spawn(
                            () -> {
                                Thread.sleep(LONG);
                                return null;
                            });
            handle.toCompletableFuture().cancel(true);
            assertThrows(CancellationException.class, handle::join);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void joiningCanTimeOutAndBeInterrupted(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var release = new CountDownLatch(1);
            JoinHandle<String> handle =
                    rt.spawn(
                            () -> {
                                release.await();
                                return "done";
                            });
            assertThrows(TimeoutException.class, () -> handle.join(Duration.ofMillis(5)));
            assertThrows(TimeoutException.class, () -> handle.join(Duration.ZERO));
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, handle::join);
            assertFalse(Thread.currentThread().isInterrupted());
            release.countDown();
            assertEquals("done", handle.join(LONG));
            assertEquals("done", handle.join(Duration.ZERO));
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void fibersBlockOnAnythingOfTheJdk(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var lock = new Object();
            var queue = new SynchronousQueue<Integer>();
            rt.blockOn(
                    () -> {
                        JoinHandle<Integer> taker =
                                rt.spawn(() -> queue.poll(60, TimeUnit.SECONDS));
                        queue.put(7);
                        assertEquals(7, taker.join());
                        JoinHandle<Boolean> waiter =
                                rt.spawn(
                                        () -> {
                                            synchronized (lock) {
                                                lock.wait(20);
                                                return true;
                                            }
                                        });
                        assertTrue(waiter.join());
                        assertEquals(
                                null, new ArrayBlockingQueue<>(1).poll(3, TimeUnit.MILLISECONDS));
                        long start = System.nanoTime();
                        LockSupport.parkNanos(2_000_000);
                        Thread.sleep(3);
                        assertTrue(System.nanoTime() - start >= 3_000_000);
                        return null;
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void sleepsNeverEndEarly(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var sleepers = new ArrayList<JoinHandle<Long>>();
            for (int i = 0; i < 200; i++) {
                int millis = i % 23;
                sleepers.add(
                        rt.spawn(
                                () -> {
                                    long start = System.nanoTime();
                                    Thread.sleep(millis);
                                    return System.nanoTime() - start - millis * 1_000_000L;
                                }));
            }
            for (var sleeper : sleepers) {
                assertTrue(sleeper.join(LONG) >= 0);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void blockOnFromInsideIsRefusedWithTheAlternative(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var error =
                    rt.<IllegalStateException>blockOn(
                            () ->
                                    assertThrows(
                                            IllegalStateException.class,
                                            () -> rt.blockOn(() -> 1)));
            assertTrue(
                    String.valueOf(error.getMessage()).contains("spawn(task).join()"),
                    error.getMessage());
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void interruptedBlockOnCancelsTheFiber(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            Thread.currentThread().interrupt();
            var ended = new CountDownLatch(1);
            assertThrows(
                    InterruptedException.class,
                    () ->
                            rt.blockOn(
                                    () -> {
                                        try {
                                            Thread.sleep(LONG);
                                        } finally {
                                            ended.countDown();
                                        }
                                        return null;
                                    }));
            long spawned = rt.metrics().spawned();
            assertEquals(1, spawned);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void enteringMakesARuntimeCurrentAndNests(FiberAccess access) throws Exception {
        try (var a = runtime(access);
                var b = runtime(access)) {
            try (EnterGuard outer = a.enter()) {
                assertEquals(a.handle(), Handle.current());
                EnterGuard inner = b.enter();
                assertEquals(b.handle(), Handle.current());
                assertThrows(IllegalStateException.class, outer::close);
                inner.close();
                inner.close();
                assertEquals(a.handle(), Handle.current());
            }
            assertTrue(Handle.tryCurrent().isEmpty());
            b.blockOn(
                    () -> {
                        try (EnterGuard g = a.enter()) {
                            assertEquals(a.handle(), Handle.current());
                            Thread.sleep(1);
                            assertEquals(a.handle(), Handle.current());
                        }
                        assertEquals(b.handle(), Handle.current());
                        return null;
                    });
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void everySpawnIsAccountedFor(FiberAccess access) throws Exception {
        var rt = runtime(access);
        try (rt) {
            for (int i = 0; i < 30; i++) {
                int n = i;
                switch (i % 5) {
                    case 0 -> rt.spawn(() -> n);
                    case 1 ->
                            rt.spawn(
                                    () -> {
                                        throw new IllegalStateException("expected");
                                    });
                    case 2 -> rt.spawnBlocking(() -> n);
                    case 3 -> rt.handle().execute(() -> {});
                    default ->
                            rt.spawn(
                                            () -> {
                                                Thread.sleep(LONG);
                                                return n;
                                            })
                                    .cancel();
                }
            }
        }
        var metrics = rt.metrics();
        assertEquals(30, metrics.spawned());
        assertEquals(18, metrics.completed());
        assertEquals(6, metrics.failed());
        assertEquals(6, metrics.cancelled());
        assertEquals(0, metrics.live());
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void closingLetsAcceptedTasksFinishAndRefusesNewOnes(FiberAccess access) throws Exception {
        var done = new AtomicInteger();
        var rt = runtime(access);
        Handle handle = rt.handle();
        try (rt) {
            for (int i = 0; i < 100; i++) {
                rt.spawn(
                        () -> {
                            Thread.sleep(5);
                            handle.spawn(
                                    () -> {
                                        Thread.sleep(5);
                                        return done.incrementAndGet();
                                    });
                            return null;
                        });
            }
        }
        assertEquals(100, done.get());
        assertTrue(rt.isClosed());
        var error = assertThrows(RejectedExecutionException.class, () -> handle.spawn(() -> 1));
        assertTrue(
                String.valueOf(error.getMessage()).contains("\"test\" is closed"),
                error.getMessage());
        assertThrows(RejectedExecutionException.class, () -> handle.execute(() -> {}));
        assertThrows(RejectedExecutionException.class, () -> handle.spawnBlocking(() -> 1));
        rt.close();
        assertEquals(3, rt.metrics().rejected());
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void closingInterruptsWhatDoesNotFinishInTime(FiberAccess access) throws Exception {
        var interrupted = new CountDownLatch(2);
        var started = new CountDownLatch(2);
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .fiberAccess(access)
                                .shutdownTimeout(Duration.ofMillis(20))
                                .build())) {
            for (int i = 0; i < 2; i++) {
                boolean blocking = i == 0;
                java.util.concurrent.Callable<Object> sleeper =
                        () -> {
                            started.countDown();
                            try {
                                Thread.sleep(LONG);
                            } catch (InterruptedException e) {
                                interrupted.countDown();
                            }
                            return null;
                        };
                if (blocking) {
                    rt.spawnBlocking(sleeper);
                } else {
                    rt.spawn(sleeper);
                }
            }
            started.await();
        }
        assertTrue(interrupted.await(60, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void aRuntimeCanBeClosedFromItsOwnFiber(FiberAccess access) throws Exception {
        var rt = runtime(access);
        var after = new AtomicReference<String>();
        rt.spawn(
                () -> {
                    rt.close();
                    Thread.sleep(5);
                    after.set("went on");
                    return null;
                });
        rt.close();
        assertTrue(rt.isClosed());
        assertEquals("went on", after.get());
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void aFiberThatOutlivesItsRuntimeStillEnds(FiberAccess access) throws Exception {
        var ended = new CountDownLatch(1);
        var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .fiberAccess(access)
                                .shutdownTimeout(Duration.ZERO)
                                .build());
        var started = new CountDownLatch(1);
        rt.spawn(
                "stubborn",
                () -> {
                    started.countDown();
                    long end = System.nanoTime() + 3_000_000_000L;
                    while (System.nanoTime() - end < 0) {
                        LockSupport.parkNanos(50_000_000);
                        Thread.interrupted();
                    }
                    ended.countDown();
                    return null;
                });
        started.await();
        rt.close();
        assertTrue(rt.isClosed());
        assertTrue(ended.await(60, TimeUnit.SECONDS));
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void tooManySubmissionsFromOutsideAreRejectedWithTheBound(FiberAccess access) throws Exception {
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(1)
                                .fiberAccess(access)
                                .injectionQueueCapacity(10)
                                .stallThreshold(Duration.ZERO)
                                .build())) {
            var release = new CountDownLatch(1);
            var busy = new CountDownLatch(1);
            rt.handle()
                    .execute(
                            () -> {
                                busy.countDown();
                                await(release);
                            });
            busy.await();
            var ran = new AtomicInteger();
            int accepted = 0;
            RejectedExecutionException error = null;
            while (error == null && accepted < 1000) {
                try {
                    rt.handle().execute(ran::incrementAndGet);
                    accepted++;
                } catch (RejectedExecutionException e) {
                    error = e;
                }
            }
            assertInstanceOf(RejectedExecutionException.class, error);
            assertTrue(
                    String.valueOf(error.getMessage()).contains("its bound is 10"),
                    error.getMessage());
            assertEquals(10, accepted);
            release.countDown();
            while (ran.get() < accepted) {
                Thread.sleep(1);
            }
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void manyFibersFromManyThreadsAllRun(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var count = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                Thread thread =
                        new Thread(
                                () -> {
                                    for (int i = 0; i < 5_000; i++) {
                                        rt.spawn(
                                                () -> {
                                                    Thread.yield();
                                                    return rt.spawn(count::incrementAndGet).join();
                                                });
                                    }
                                });
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            long deadline = System.nanoTime() + LONG.toNanos();
            while (count.get() < 20_000 && System.nanoTime() - deadline < 0) {
                Thread.sleep(1);
            }
            assertEquals(20_000, count.get());
        }
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void workersAreNamedAndEndWithTheRuntime(FiberAccess access) throws Exception {
        String prefix = "named-" + access + "-";
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(2)
                                .threadNamePrefix(prefix)
                                .fiberAccess(access)
                                .build())) {
            assertEquals(2, threadsNamed(prefix));
            assertEquals(prefix + "1", rt.metrics().workers().get(1).threadName());
        }
        assertEquals(0, threadsNamed(prefix));
    }

    private static long threadsNamed(String prefix) {
        return Arrays.stream(allThreads()).filter(t -> t.getName().startsWith(prefix)).count();
    }

    private static Thread[] allThreads() {
        return Thread.getAllStackTraces().keySet().toArray(new Thread[0]);
    }
}
