package cloud.avila.avx.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.internal.timer.TimerWheel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** On a wheel that a thread of the test advances. */
@org.junit.jupiter.api.Timeout(120)
class TimeoutTest {
    private static final Duration SHORT = Duration.ofMillis(5);
    private static final Duration LONG = Duration.ofMinutes(5);

    private final TimerWheel wheel = new TimerWheel();
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Thread advancer = Thread.ofPlatform().start(this::advance);

    private void advance() {
        while (!stop.get()) {
            wheel.advance(System.nanoTime());
            Parker.parkNanos(wheel, 500_000);
        }
    }

    private Future<?> schedule(Runnable action, long delayNanos) {
        long now = System.nanoTime();
        var timer = new Timer(wheel, action, TimerWheel.deadline(now, delayNanos));
        if (wheel.add(timer, now)) {
            Parker.unpark(advancer);
        }
        return timer;
    }

    @AfterEach
    void stop() throws Exception {
        Thread.interrupted();
        stop.set(true);
        Parker.unpark(advancer);
        advancer.join();
        assertEquals(0, wheel.pending(), "a timer was left behind");
    }

    private static String sleepLong() throws InterruptedException {
        Sleep.of(LONG);
        return "slept";
    }

    @Test
    void returnsWhatTheCodeReturnsInTime() throws Exception {
        assertEquals("v", Timeout.call(this::schedule, LONG, () -> "v"));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void throwsWhatTheCodeThrowsInTime() {
        var thrown = new IOException("of the test");
        var e =
                assertThrows(
                        IOException.class,
                        () ->
                                Timeout.call(
                                        this::schedule,
                                        LONG,
                                        () -> {
                                            throw thrown;
                                        }));
        assertSame(thrown, e);
        assertThrows(
                AssertionError.class,
                () ->
                        Timeout.call(
                                this::schedule,
                                LONG,
                                () -> {
                                    throw new AssertionError("of the test");
                                }));
    }

    @Test
    void interruptsAtTheDeadline() {
        long start = System.nanoTime();
        var e =
                assertThrows(
                        TimeoutException.class,
                        () -> Timeout.call(this::schedule, SHORT, TimeoutTest::sleepLong));
        assertTrue(System.nanoTime() - start >= SHORT.toNanos());
        assertEquals("did not end within PT0.005S", e.getMessage());
        assertInstanceOf(InterruptedException.class, e.getCause());
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void noTimeMeansNoRun() {
        for (var d : List.of(Duration.ZERO, Duration.ofSeconds(Long.MIN_VALUE))) {
            assertThrows(
                    TimeoutException.class,
                    () ->
                            Timeout.call(
                                    this::schedule,
                                    d,
                                    () -> {
                                        throw new AssertionError("ran");
                                    }));
        }
    }

    @Test
    void aValueReturnedAfterTheDeadlineIsKept() throws Exception {
        String value =
                Timeout.call(
                        this::schedule,
                        SHORT,
                        () -> {
                            awaitInterrupt();
                            return "a message already received";
                        });
        assertEquals("a message already received", value);
        assertFalse(Thread.currentThread().isInterrupted());
    }

    private static void awaitInterrupt() {
        while (!Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theInterruptDoesNotLeakThroughOtherExceptions() {
        var e =
                assertThrows(
                        TimeoutException.class,
                        () ->
                                Timeout.call(
                                        this::schedule,
                                        SHORT,
                                        () -> {
                                            awaitInterrupt();
                                            throw new IOException("closed by interrupt");
                                        }));
        assertInstanceOf(IOException.class, e.getCause());
        assertFalse(Thread.currentThread().isInterrupted());
        assertThrows(
                AssertionError.class,
                () ->
                        Timeout.call(
                                this::schedule,
                                SHORT,
                                () -> {
                                    awaitInterrupt();
                                    throw new AssertionError("of the test");
                                }));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void anInterruptBySomebodyElseStaysOne() throws Exception {
        Thread.currentThread().interrupt();
        assertThrows(
                InterruptedException.class,
                () -> Timeout.call(this::schedule, LONG, TimeoutTest::sleepLong));
        assertFalse(Thread.currentThread().isInterrupted());

        Thread.currentThread().interrupt();
        assertEquals("v", Timeout.call(this::schedule, LONG, () -> "v"));
        assertTrue(Thread.interrupted());

        // not noticed by the code until the deadline
        Thread.currentThread().interrupt();
        assertEquals("v", Timeout.call(this::schedule, SHORT, () -> spin(SHORT.multipliedBy(4))));
        assertTrue(Thread.interrupted());

        Thread.currentThread().interrupt();
        assertThrows(
                InterruptedException.class,
                () ->
                        Timeout.call(
                                this::schedule,
                                SHORT,
                                () -> {
                                    spin(SHORT.multipliedBy(4));
                                    return sleepLong();
                                }));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void aSecondInterruptAfterTheTimeoutsOwnIsKept() {
        assertThrows(
                TimeoutException.class,
                () ->
                        Timeout.call(
                                this::schedule,
                                SHORT,
                                () -> {
                                    try {
                                        return sleepLong();
                                    } finally {
                                        Thread.currentThread().interrupt();
                                    }
                                }));
        assertTrue(Thread.interrupted());
    }

    private static String spin(Duration duration) {
        long start = System.nanoTime();
        while (System.nanoTime() - start < duration.toNanos()) {
            Thread.onSpinWait();
        }
        return "v";
    }

    @Test
    void theInnerTimeoutDoesNotConcernTheOuter() throws Exception {
        String value =
                Timeout.call(
                        this::schedule,
                        LONG,
                        () -> {
                            try {
                                return Timeout.call(this::schedule, SHORT, TimeoutTest::sleepLong);
                            } catch (TimeoutException e) {
                                assertFalse(Thread.currentThread().isInterrupted());
                                return "fallback";
                            }
                        });
        assertEquals("fallback", value);
    }

    @Test
    void theOuterTimeoutEndsTheInner() {
        var e =
                assertThrows(
                        TimeoutException.class,
                        () ->
                                Timeout.call(
                                        this::schedule,
                                        SHORT,
                                        () ->
                                                Timeout.call(
                                                        this::schedule,
                                                        LONG,
                                                        TimeoutTest::sleepLong)));
        assertInstanceOf(InterruptedException.class, e.getCause());
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void theOuterTimeoutIsNotLostWhenBothHaveFired() {
        List<Runnable> timers = new ArrayList<>();
        Timeout.Timers manual = firedByHand(timers);
        var fallbackRan = new AtomicBoolean();
        Callable<String> inner =
                () -> {
                    timers.get(1).run();
                    timers.get(0).run();
                    return sleepLong();
                };
        Callable<String> outer =
                () -> {
                    try {
                        return Timeout.call(manual, LONG, inner);
                    } catch (TimeoutException e) {
                        fallbackRan.set(true);
                        return sleepLong();
                    }
                };
        assertThrows(TimeoutException.class, () -> Timeout.call(manual, LONG, outer));
        assertTrue(fallbackRan.get());
        assertFalse(Thread.currentThread().isInterrupted());
    }

    /** Timers that fire when the test runs their actions; in the order in which they are made. */
    private static Timeout.Timers firedByHand(List<Runnable> timers) {
        return (action, delay) -> {
            timers.add(action);
            return new FutureTask<>(() -> null);
        };
    }

    /** A thread whose interruption by others takes a while. */
    private static final class SlowToInterrupt extends Thread {
        volatile boolean slow;
        volatile boolean interrupting;

        SlowToInterrupt(Runnable body) {
            super(body);
        }

        @Override
        public void interrupt() {
            if (slow && Thread.currentThread() != this) {
                interrupting = true;
                Parker.parkNanos(this, 100_000_000);
            }
            super.interrupt();
        }
    }

    @Test
    void theOuterTimeoutInterruptsOnceAlsoIfItFiresWhileTheInnerOneEnds() throws Exception {
        List<Runnable> timers = new ArrayList<>();
        Timeout.Timers manual = firedByHand(timers);
        var test =
                new FutureTask<Boolean>(
                        () -> {
                            var self = (SlowToInterrupt) Thread.currentThread();
                            Callable<String> inner =
                                    () -> {
                                        timers.get(1).run();
                                        self.slow = true;
                                        Thread.ofPlatform().start(timers.get(0));
                                        while (!self.interrupting) {
                                            Thread.onSpinWait();
                                        }
                                        return sleepLong();
                                    };
                            Callable<String> outer =
                                    () -> {
                                        try {
                                            return Timeout.call(manual, LONG, inner);
                                        } catch (TimeoutException e) {
                                            return sleepLong();
                                        }
                                    };
                            assertThrows(
                                    TimeoutException.class,
                                    () -> Timeout.call(manual, LONG, outer));
                            return self.isInterrupted();
                        });
        new SlowToInterrupt(test).start();
        assertFalse(test.get(), "an interrupt leaked");
    }

    @Test
    void withoutARuntimeItSaysWhatToDo() {
        var e =
                assertThrows(
                        IllegalStateException.class,
                        () -> Timeout.call(LONG, TimeoutTest::sleepLong));
        assertTrue(String.valueOf(e.getMessage()).contains("runtime.enter()"), e.getMessage());
        assertThrows(IllegalStateException.class, () -> Timeout.run(LONG, () -> {}));
        var closed = AvxRuntime.create();
        try (EnterGuard g = closed.enter()) {
            closed.close();
            e = assertThrows(IllegalStateException.class, () -> Timeout.run(LONG, () -> {}));
            assertTrue(String.valueOf(e.getMessage()).contains("is closed"), e.getMessage());
        }
    }

    @Test
    void worksInFibersOnTheBlockingPoolAndOnEnteredThreads() throws Exception {
        try (var runtime = AvxRuntime.create()) {
            JoinHandle<Boolean> fiber = runtime.spawn(TimeoutTest::timesOut);
            JoinHandle<Boolean> blocking = runtime.spawnBlocking(TimeoutTest::timesOut);
            assertTrue(fiber.join());
            assertTrue(blocking.join());
            try (EnterGuard g = runtime.enter()) {
                assertTrue(timesOut());
            }
            // the timeouts and the timed park of the fiber; counted by who works at the wheel
            while (runtime.metrics().timersPending() > 0) {
                Thread.sleep(1);
            }
            assertEquals(0, runtime.metrics().timersPending());
            assertTrue(runtime.metrics().timersFired() >= 3);
        }
    }

    private static boolean timesOut() throws Exception {
        try {
            Timeout.run(SHORT, TimeoutTest::sleepLong);
            return false;
        } catch (TimeoutException e) {
            return !Thread.currentThread().isInterrupted();
        }
    }

    /** Deadlines that fall together with the end of the code, nested, many threads. */
    @Test
    void neitherLeaksNorLosesInterruptsUnderStress() throws Exception {
        long seed = System.nanoTime();
        System.out.println("TimeoutTest: seed " + seed);
        var outcomes = new AtomicInteger[] {new AtomicInteger(), new AtomicInteger()};
        int threads = 8;
        var ready = new CountDownLatch(threads);
        try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> futures = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                var random = new SplittableRandom(seed + t);
                futures.add(
                        pool.submit(
                                () -> {
                                    ready.countDown();
                                    ready.await();
                                    for (int i = 0; i < 1000; i++) {
                                        Duration limit =
                                                Duration.ofNanos(random.nextLong(1, 400_000));
                                        boolean ok = nested(random, random.nextInt(1, 4), limit);
                                        outcomes[ok ? 1 : 0].getAndIncrement();
                                        assertFalse(Thread.currentThread().isInterrupted());
                                    }
                                    return null;
                                }));
            }
            for (var f : futures) {
                f.get();
            }
        }
        System.out.println(
                "TimeoutTest: " + outcomes[1] + " in time, " + outcomes[0] + " timed out");
        assertEquals(threads * 1000, outcomes[0].get() + outcomes[1].get());
        assertTrue(outcomes[0].get() > 0);
    }

    private boolean nested(SplittableRandom random, int depth, Duration limit) throws Exception {
        Duration work = Duration.ofNanos(random.nextLong(1, 400_000));
        boolean computes = random.nextInt(4) == 0;
        try {
            return Timeout.call(
                    this::schedule,
                    limit,
                    () -> {
                        if (depth > 1) {
                            // often at the same time as this one
                            long within = limit.toNanos() + random.nextLong(-20_000, 20_000);
                            nested(random, depth - 1, Duration.ofNanos(within));
                        }
                        if (computes) {
                            spin(work.dividedBy(8));
                        } else {
                            Sleep.of(work);
                        }
                        return true;
                    });
        } catch (TimeoutException e) {
            return false;
        }
    }

    /** Interrupts that come before the deadline, from a third thread, all arrive. */
    @Test
    void interruptsFromOutsideArrive() throws Exception {
        for (int i = 0; i < 300; i++) {
            var sleeping = new CountDownLatch(1);
            var task =
                    new FutureTask<String>(
                            () -> {
                                try {
                                    return Timeout.call(
                                            this::schedule,
                                            LONG,
                                            () -> {
                                                sleeping.countDown();
                                                return sleepLong();
                                            });
                                } catch (InterruptedException e) {
                                    return "interrupted";
                                }
                            });
            Thread thread = Thread.ofVirtual().start(task);
            sleeping.await();
            thread.interrupt();
            assertEquals("interrupted", task.get());
        }
    }
}
