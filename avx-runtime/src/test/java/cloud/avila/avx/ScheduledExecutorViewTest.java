package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

class ScheduledExecutorViewTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** A test's code. */
    private interface Body {
        void run(AvxRuntime rt, ScheduledExecutorService executor) throws Exception;
    }

    private static void with(Body body) throws Exception {
        Books.balanced(
                rt -> {
                    ScheduledExecutorService executor = rt.handle().asScheduledExecutorService();
                    try {
                        body.run(rt, executor);
                    } finally {
                        executor.shutdownNow();
                        assertTrue(
                                executor.awaitTermination(60, TimeUnit.SECONDS),
                                executor::toString);
                    }
                    awaitNoTimers(rt);
                });
    }

    /** A cancelled timer is counted by whoever works at the wheel at that moment. */
    private static void awaitNoTimers(AvxRuntime rt) throws InterruptedException {
        long start = System.nanoTime();
        while (rt.metrics().timersPending() > 0 && System.nanoTime() - start < LONG.toNanos()) {
            Thread.sleep(1);
        }
        assertEquals(0, rt.metrics().timersPending(), "timers stay behind");
    }

    @Test
    void delayedTasksRunOnFibersAndNeverEarly() throws Exception {
        with(
                (rt, executor) -> {
                    List<ScheduledFuture<Long>> tasks = new ArrayList<>();
                    List<Long> due = new ArrayList<>();
                    for (int i = 0; i < 50; i++) {
                        long delay = i * 300_000L;
                        due.add(System.nanoTime() + delay);
                        tasks.add(
                                executor.schedule(
                                        () -> {
                                            assertTrue(Thread.currentThread().isVirtual());
                                            assertEquals(rt.handle(), Handle.current());
                                            return System.nanoTime();
                                        },
                                        delay,
                                        TimeUnit.NANOSECONDS));
                    }
                    for (int i = 0; i < 50; i++) {
                        assertTrue(tasks.get(i).get() - due.get(i) >= 0, "task " + i + " is early");
                    }
                    var ran = new CountDownLatch(2);
                    executor.schedule(ran::countDown, 0, TimeUnit.SECONDS);
                    executor.schedule(ran::countDown, -5, TimeUnit.SECONDS);
                    assertTrue(ran.await(60, TimeUnit.SECONDS));
                });
    }

    @Test
    void theLongestDelaysAreSafe() throws Exception {
        with(
                (rt, executor) -> {
                    var forever =
                            executor.schedule(() -> "never", Long.MAX_VALUE, TimeUnit.NANOSECONDS);
                    var longer = executor.schedule(() -> "never", Long.MAX_VALUE, TimeUnit.DAYS);
                    var year = executor.schedule(() -> "never", 365, TimeUnit.DAYS);
                    var soon = executor.schedule(() -> "soon", 1, TimeUnit.MILLISECONDS);
                    assertEquals("soon", soon.get(60, TimeUnit.SECONDS));
                    var once = new CountDownLatch(1);
                    var periodic =
                            executor.scheduleAtFixedRate(
                                    once::countDown, 0, Long.MAX_VALUE, TimeUnit.DAYS);
                    assertTrue(once.await(60, TimeUnit.SECONDS));
                    assertFalse(forever.isDone() || longer.isDone() || year.isDone());
                    assertTrue(forever.getDelay(TimeUnit.DAYS) > 50_000);
                    assertTrue(year.compareTo(forever) < 0);
                    assertTrue(forever.compareTo(year) > 0);
                    assertFalse(periodic.isDone());
                });
    }

    @Test
    void cancellingRemovesTheTimerAtOnce() throws Exception {
        with(
                (rt, executor) -> {
                    var tasks = new ArrayList<ScheduledFuture<?>>();
                    for (int i = 0; i < 10_000; i++) {
                        tasks.add(executor.schedule(() -> {}, 1 + i % 100, TimeUnit.HOURS));
                    }
                    assertTrue(executor.toString().contains("10000 scheduled"), executor::toString);
                    for (var task : tasks) {
                        assertTrue(task.cancel(false));
                        assertFalse(task.cancel(false));
                        assertThrows(CancellationException.class, task::get);
                    }
                    assertTrue(executor.toString().contains(" 0 scheduled"), executor::toString);
                    awaitNoTimers(rt);
                });
    }

    @Test
    void cancellingInterruptsARunningTask() throws Exception {
        with(
                (rt, executor) -> {
                    var started = new CountDownLatch(1);
                    var interrupted = new CountDownLatch(1);
                    var task =
                            executor.schedule(
                                    () -> {
                                        started.countDown();
                                        try {
                                            Thread.sleep(LONG);
                                        } catch (InterruptedException e) {
                                            interrupted.countDown();
                                        }
                                        return null;
                                    },
                                    1,
                                    TimeUnit.MILLISECONDS);
                    started.await();
                    assertTrue(task.cancel(true));
                    assertTrue(interrupted.await(60, TimeUnit.SECONDS));
                    assertThrows(CancellationException.class, task::get);
                });
    }

    @Test
    void aFixedRateIsKeptOnAverageAndCatchesUp() throws Exception {
        with(
                (rt, executor) -> {
                    long period = 5_000_000;
                    var runs = new ConcurrentLinkedQueue<Long>();
                    var enough = new CountDownLatch(20);
                    long start = System.nanoTime();
                    var task =
                            executor.scheduleAtFixedRate(
                                    () -> {
                                        runs.add(System.nanoTime());
                                        if (runs.size() == 3) {
                                            pause(Duration.ofMillis(30));
                                        }
                                        enough.countDown();
                                    },
                                    period,
                                    period,
                                    TimeUnit.NANOSECONDS);
                    assertTrue(enough.await(60, TimeUnit.SECONDS));
                    assertTrue(task.cancel(false));
                    int i = 0;
                    for (long time : runs) {
                        i++;
                        assertTrue(time - start >= i * period, "run " + i + " is early");
                    }
                });
    }

    @Test
    void aFixedDelayCountsFromTheEndOfARun() throws Exception {
        with(
                (rt, executor) -> {
                    var end = new AtomicLong(System.nanoTime());
                    var tooSoon = new AtomicInteger();
                    var enough = new CountDownLatch(8);
                    var task =
                            executor.scheduleWithFixedDelay(
                                    () -> {
                                        if (System.nanoTime() - end.get() < 4_000_000) {
                                            tooSoon.incrementAndGet();
                                        }
                                        pause(Duration.ofMillis(3));
                                        enough.countDown();
                                        end.set(System.nanoTime());
                                    },
                                    4,
                                    4,
                                    TimeUnit.MILLISECONDS);
                    assertTrue(enough.await(60, TimeUnit.SECONDS));
                    task.cancel(true);
                    assertEquals(0, tooSoon.get());
                    assertThrows(CancellationException.class, task::get);
                });
    }

    private static void pause(Duration duration) {
        try {
            Thread.sleep(duration);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void runsOfATaskNeverOverlapAndSeeEachOthersWrites() throws Exception {
        with(
                (rt, executor) -> {
                    int[] plain = {0};
                    var inside = new AtomicInteger();
                    var overlaps = new AtomicInteger();
                    var enough = new CountDownLatch(2000);
                    var task =
                            executor.scheduleAtFixedRate(
                                    () -> {
                                        if (inside.incrementAndGet() != 1) {
                                            overlaps.incrementAndGet();
                                        }
                                        plain[0]++;
                                        Thread.yield();
                                        inside.decrementAndGet();
                                        enough.countDown();
                                    },
                                    0,
                                    1,
                                    TimeUnit.NANOSECONDS);
                    assertTrue(enough.await(60, TimeUnit.SECONDS));
                    task.cancel(false);
                    executor.shutdown();
                    assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
                    assertEquals(0, overlaps.get());
                    assertTrue(plain[0] >= 2000, "lost writes: " + plain[0]);
                });
    }

    @Test
    void aRunThatThrowsIsTheLastAndIsReported() throws Exception {
        var reported = new LinkedBlockingQueue<UncaughtFailure>();
        Books.balanced(
                config -> config.uncaughtFailureHandler(reported::add),
                rt -> {
                    try (var executor = rt.handle().asScheduledExecutorService()) {
                        var runs = new AtomicInteger();
                        var boom = new IllegalArgumentException("boom");
                        var task =
                                executor.scheduleAtFixedRate(
                                        () -> {
                                            if (runs.incrementAndGet() == 3) {
                                                throw boom;
                                            }
                                        },
                                        0,
                                        1,
                                        TimeUnit.MILLISECONDS);
                        assertSame(
                                boom, assertThrows(ExecutionException.class, task::get).getCause());
                        var failure = Objects.requireNonNull(reported.poll(60, TimeUnit.SECONDS));
                        assertSame(boom, failure.cause());
                        assertTrue(failure.task().contains("runs no more"), failure::task);
                        assertEquals(3, runs.get());
                        // the failure of a single run is for who asks its future
                        var once =
                                executor.schedule(
                                        () -> {
                                            throw boom;
                                        },
                                        1,
                                        TimeUnit.MILLISECONDS);
                        assertSame(
                                boom, assertThrows(ExecutionException.class, once::get).getCause());
                    }
                });
        assertNull(reported.poll());
    }

    @Test
    void theFailureOfADroppedDelayedTaskIsReported() throws Exception {
        var reported = new LinkedBlockingQueue<UncaughtFailure>();
        Books.balanced(
                config -> config.uncaughtFailureHandler(reported::add),
                rt -> {
                    try (var executor = rt.handle().asScheduledExecutorService()) {
                        executor.schedule(
                                () -> {
                                    throw new IllegalArgumentException("dropped");
                                },
                                1,
                                TimeUnit.MILLISECONDS);
                    }
                    UncaughtFailure failure = null;
                    for (int i = 0; failure == null && i < 300; i++) {
                        System.gc();
                        failure = reported.poll(20, TimeUnit.MILLISECONDS);
                    }
                    assertEquals("dropped", Objects.requireNonNull(failure).cause().getMessage());
                });
    }

    @Test
    void afterShutdownDelayedTasksStillRunAndPeriodicOnesDoNot() throws Exception {
        with(
                (rt, executor) -> {
                    var ran = new AtomicInteger();
                    var delayed =
                            executor.schedule(ran::incrementAndGet, 30, TimeUnit.MILLISECONDS);
                    var periodic = executor.scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.HOURS);
                    var running = new CountDownLatch(1);
                    var gate = new CountDownLatch(1);
                    var inRun =
                            executor.scheduleWithFixedDelay(
                                    () -> {
                                        running.countDown();
                                        try {
                                            gate.await();
                                        } catch (InterruptedException e) {
                                            Thread.currentThread().interrupt();
                                        }
                                    },
                                    0,
                                    1,
                                    TimeUnit.MILLISECONDS);
                    running.await();
                    executor.shutdown();
                    assertTrue(executor.isShutdown());
                    assertTrue(periodic.isCancelled());
                    assertFalse(inRun.isDone());
                    assertFalse(executor.isTerminated());
                    assertThrows(
                            RejectedExecutionException.class,
                            () -> executor.schedule(() -> {}, 1, TimeUnit.SECONDS));
                    assertThrows(
                            RejectedExecutionException.class,
                            () -> executor.scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.SECONDS));
                    gate.countDown();
                    assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
                    assertEquals(1, delayed.resultNow());
                    assertTrue(inRun.isCancelled());
                });
    }

    @Test
    void shutdownNowCancelsAndReturnsWhatWaits() throws Exception {
        with(
                (rt, executor) -> {
                    var later = executor.schedule(() -> {}, 2, TimeUnit.HOURS);
                    var sooner = executor.schedule(() -> {}, 1, TimeUnit.HOURS);
                    var periodic = executor.scheduleAtFixedRate(() -> {}, 3, 1, TimeUnit.HOURS);
                    var started = new CountDownLatch(1);
                    var running =
                            executor.schedule(
                                    () -> {
                                        started.countDown();
                                        Thread.sleep(LONG);
                                        return "";
                                    },
                                    0,
                                    TimeUnit.MILLISECONDS);
                    started.await();
                    assertEquals(List.of(sooner, later, periodic), executor.shutdownNow());
                    assertTrue(
                            later.isCancelled()
                                    && sooner.isCancelled()
                                    && periodic.isCancelled()
                                    && running.isCancelled());
                    assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
                    assertTrue(executor.isTerminated());
                });
    }

    @Test
    void closingTheRuntimeCancelsWhatWaits() throws Exception {
        var rt = AvxRuntime.create();
        ScheduledExecutorService executor = rt.handle().asScheduledExecutorService();
        var delayed = executor.schedule(() -> {}, 1, TimeUnit.HOURS);
        var runs = new CountDownLatch(3);
        var periodic = executor.scheduleAtFixedRate(runs::countDown, 0, 1, TimeUnit.MILLISECONDS);
        assertTrue(runs.await(60, TimeUnit.SECONDS));
        rt.close();
        assertThrows(CancellationException.class, delayed::get);
        assertThrows(CancellationException.class, periodic::get);
        assertThrows(
                RejectedExecutionException.class,
                () -> executor.schedule(() -> {}, 1, TimeUnit.SECONDS));
        executor.close();
        assertTrue(executor.isTerminated());
        var m = rt.metrics();
        assertEquals(m.spawned(), m.completed() + m.failed() + m.cancelled(), m::toString);
    }

    @Test
    @SuppressWarnings("NullAway") // on purpose
    void argumentsAreChecked() throws Exception {
        with(
                (rt, executor) -> {
                    Runnable none = null;
                    assertThrows(
                            NullPointerException.class,
                            () -> executor.schedule(none, 1, TimeUnit.SECONDS));
                    assertThrows(
                            NullPointerException.class, () -> executor.schedule(() -> {}, 1, null));
                    assertThrows(
                            NullPointerException.class,
                            () -> executor.scheduleAtFixedRate(none, 1, 1, TimeUnit.SECONDS));
                    for (long wrong : new long[] {0, -1, Long.MIN_VALUE}) {
                        assertThrows(
                                IllegalArgumentException.class,
                                () ->
                                        executor.scheduleAtFixedRate(
                                                () -> {}, 1, wrong, TimeUnit.SECONDS));
                        assertThrows(
                                IllegalArgumentException.class,
                                () ->
                                        executor.scheduleWithFixedDelay(
                                                () -> {}, 1, wrong, TimeUnit.SECONDS));
                    }
                });
    }

    @Test
    void futuresTellWhatTheyAre() throws Exception {
        with(
                (rt, executor) -> {
                    var once = executor.schedule(() -> {}, 1, TimeUnit.HOURS);
                    var rate = executor.scheduleAtFixedRate(() -> {}, 1, 1, TimeUnit.HOURS);
                    assertFalse(((RunnableScheduledFuture<?>) once).isPeriodic());
                    assertTrue(((RunnableScheduledFuture<?>) rate).isPeriodic());
                    assertTrue(once.compareTo(rate) < 0);
                    assertTrue(once.getDelay(TimeUnit.MINUTES) >= 58);
                    try (var other = Executors.newSingleThreadScheduledExecutor()) {
                        var foreign = other.schedule(() -> {}, 2, TimeUnit.HOURS);
                        assertTrue(once.compareTo(foreign) < 0);
                        other.shutdownNow();
                    }
                });
    }

    /** Schedules, cancels, and shuts down at random: every future ends. */
    @Test
    void noScheduledTaskIsLost() throws Exception {
        Books.balanced(
                rt -> {
                    for (int round = 0; round < 20; round++) {
                        ScheduledExecutorService executor =
                                rt.handle().asScheduledExecutorService();
                        var ran = new AtomicInteger();
                        var futures = new ConcurrentLinkedQueue<ScheduledFuture<?>>();
                        var threads = new ArrayList<Thread>();
                        for (int t = 0; t < 3; t++) {
                            threads.add(
                                    Thread.ofVirtual()
                                            .start(
                                                    () ->
                                                            scheduleUntilRefused(
                                                                    executor, futures, ran)));
                        }
                        Thread.sleep(5);
                        if (round % 2 == 0) {
                            executor.shutdown();
                        } else {
                            executor.shutdownNow();
                        }
                        for (Thread thread : threads) {
                            thread.join();
                        }
                        assertTrue(
                                executor.awaitTermination(60, TimeUnit.SECONDS),
                                executor::toString);
                        int cancelled = 0;
                        for (var future : futures) {
                            assertTrue(future.isDone());
                            cancelled += future.isCancelled() ? 1 : 0;
                        }
                        assertTrue(ran.get() + cancelled >= futures.size());
                    }
                    awaitNoTimers(rt);
                });
    }

    private static void scheduleUntilRefused(
            ScheduledExecutorService executor,
            ConcurrentLinkedQueue<ScheduledFuture<?>> futures,
            AtomicInteger ran) {
        try {
            for (int i = 0; i < 100_000; i++) {
                ScheduledFuture<?> future =
                        i % 10 == 0
                                ? executor.scheduleAtFixedRate(
                                        ran::incrementAndGet, i % 500, 200, TimeUnit.MICROSECONDS)
                                : executor.schedule(
                                        ran::incrementAndGet, i % 3000, TimeUnit.MICROSECONDS);
                futures.add(future);
                if (i % 10 == 0 || i % 7 == 0) {
                    future.cancel(i % 2 == 0);
                }
                if (i % 8 == 0) {
                    Thread.sleep(0, 10_000);
                }
            }
        } catch (RejectedExecutionException | InterruptedException e) {
            assertTrue(executor.isShutdown());
        }
    }
}
