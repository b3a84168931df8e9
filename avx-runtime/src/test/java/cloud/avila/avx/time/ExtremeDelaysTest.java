package cloud.avila.avx.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.JoinSet;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.channel.Oneshot;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.Semaphore;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;

/** Everything that takes a time takes the longest, the shortest and none. */
@org.junit.jupiter.api.Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ExtremeDelaysTest {
    private static final Duration LONGEST = Duration.ofSeconds(Long.MAX_VALUE, 999_999_999);
    private static final List<Duration> NONE =
            List.of(
                    Duration.ZERO,
                    Duration.ofNanos(-1),
                    Duration.ofNanos(Long.MIN_VALUE),
                    Duration.ofSeconds(Long.MIN_VALUE));
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final AvxRuntime runtime =
            AvxRuntime.create(RuntimeConfig.builder().workerThreads(2).build());

    @AfterAll
    void close() {
        runtime.close();
    }

    /** A wait for something that has not happened yet. */
    private interface Wait {
        /** Waits; true if it happened, false if time was up. */
        boolean await(Duration timeout) throws Exception;

        /** Makes it happen. */
        void happen() throws Exception;
    }

    /**
     * Every timed wait of the public API, and those of the JDK that fibers pass on to the wheel.
     */
    private enum Kind {
        SEMAPHORE {
            @Override
            Wait open(AvxRuntime runtime) {
                var semaphore = new Semaphore(0);
                return waiting(d -> semaphore.tryAcquire(d) != null, () -> semaphore.release(1));
            }
        },
        MUTEX {
            @Override
            Wait open(AvxRuntime runtime) throws Exception {
                var mutex = new Mutex();
                mutex.lock();
                return waiting(d -> mutex.tryAcquire(d) != null, mutex::unlock);
            }
        },
        MUTEX_UNITS {
            @Override
            Wait open(AvxRuntime runtime) throws Exception {
                var mutex = new Mutex();
                mutex.lock();
                return waiting(d -> mutex.tryLock(days(d), TimeUnit.DAYS), mutex::unlock);
            }
        },
        CONDITION_UNITS {
            @Override
            Wait open(AvxRuntime runtime) {
                return ofCondition((c, d) -> c.await(days(d), TimeUnit.DAYS));
            }
        },
        CONDITION_NANOS {
            @Override
            Wait open(AvxRuntime runtime) {
                return ofCondition((c, d) -> c.awaitNanos(days(d)) > 0);
            }
        },
        CONDITION_DATE {
            @Override
            Wait open(AvxRuntime runtime) {
                return ofCondition((c, d) -> c.awaitUntil(new Date(days(d))));
            }
        },
        MPSC_RECV {
            @Override
            Wait open(AvxRuntime runtime) {
                var channel = Mpsc.<String>bounded(1);
                return timed(
                        d -> channel.receiver().recv(d), () -> channel.sender().send("message"));
            }
        },
        MPSC_SEND {
            @Override
            Wait open(AvxRuntime runtime) throws Exception {
                var channel = Mpsc.<String>bounded(1);
                channel.sender().send("first");
                return timed(
                        d -> channel.sender().send("second", d), () -> channel.receiver().recv());
            }
        },
        BROADCAST {
            @Override
            Wait open(AvxRuntime runtime) {
                var channel = Broadcast.<String>create();
                var subscription = channel.subscribe();
                return timed(d -> subscription.recv(d), () -> channel.send("event"));
            }
        },
        ONESHOT {
            @Override
            Wait open(AvxRuntime runtime) {
                var channel = Oneshot.<String>create();
                return timed(d -> channel.recv(d), () -> channel.send("reply"));
            }
        },
        FLAG {
            @Override
            Wait open(AvxRuntime runtime) {
                var flag = new AtomicFlag(false);
                return waiting(d -> flag.awaitSet(d), flag::set);
            }
        },
        TOKEN {
            @Override
            Wait open(AvxRuntime runtime) {
                var token = CancellationToken.create();
                return waiting(d -> token.await(d), () -> token.cancel());
            }
        },
        JOIN {
            @Override
            Wait open(AvxRuntime runtime) {
                var end = new CountDownLatch(1);
                JoinHandle<Boolean> task = runtime.spawn(() -> ended(end));
                return timed(d -> task.join(d), end::countDown);
            }
        },
        GET {
            @Override
            Wait open(AvxRuntime runtime) {
                var end = new CountDownLatch(1);
                JoinHandle<Boolean> task = runtime.spawn(() -> ended(end));
                return timed(d -> task.get(days(d), TimeUnit.NANOSECONDS), end::countDown);
            }
        },
        JOIN_SET {
            @Override
            Wait open(AvxRuntime runtime) {
                var end = new CountDownLatch(1);
                return timed(
                        d -> {
                            try (var set = JoinSet.<Boolean>create()) {
                                set.spawn(() -> ended(end));
                                set.joinNext(d);
                            }
                        },
                        end::countDown);
            }
        },
        LATCH {
            @Override
            Wait open(AvxRuntime runtime) {
                var latch = new CountDownLatch(1);
                return waiting(d -> latch.await(days(d), TimeUnit.DAYS), latch::countDown);
            }
        };

        abstract Wait open(AvxRuntime runtime) throws Exception;
    }

    @FunctionalInterface
    private interface Await {
        boolean await(Duration timeout) throws Exception;
    }

    @FunctionalInterface
    private interface Action {
        void run() throws Exception;
    }

    private static Wait waiting(Await await, Action happen) {
        return new Wait() {
            @Override
            public boolean await(Duration timeout) throws Exception {
                return await.await(timeout);
            }

            @Override
            public void happen() throws Exception {
                happen.run();
            }
        };
    }

    @FunctionalInterface
    private interface Timed {
        void await(Duration timeout) throws Exception;
    }

    /** A wait that tells by an exception that time was up. */
    private static Wait timed(Timed timed, Action happen) {
        return waiting(
                d -> {
                    try {
                        timed.await(d);
                        return true;
                    } catch (TimeoutException e) {
                        return false;
                    }
                },
                happen);
    }

    @FunctionalInterface
    private interface Conditional {
        boolean await(Condition condition, Duration timeout) throws Exception;
    }

    private static Wait ofCondition(Conditional conditional) {
        var mutex = new Mutex();
        Condition condition = mutex.newCondition();
        return waiting(
                d -> {
                    mutex.lock();
                    try {
                        return conditional.await(condition, d);
                    } finally {
                        mutex.unlock();
                    }
                },
                () -> {
                    mutex.lock();
                    try {
                        condition.signal();
                    } finally {
                        mutex.unlock();
                    }
                });
    }

    /** The most extreme number of any unit that stands for the duration. */
    private static long days(Duration duration) {
        return duration.isZero() ? 0 : duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
    }

    private static boolean ended(CountDownLatch end) throws InterruptedException {
        end.await();
        return true;
    }

    @ParameterizedTest
    @EnumSource
    void theLongestTimeEndsWhenItHappens(Kind kind) throws Exception {
        Wait wait = kind.open(runtime);
        var thread = new AtomicReference<Thread>();
        JoinHandle<Boolean> waiter =
                runtime.spawn(
                        () -> {
                            thread.set(Thread.currentThread());
                            return wait.await(LONGEST);
                        });
        awaitParked(thread);
        assertFalse(waiter.isDone());
        wait.happen();
        assertTrue(waiter.join(PATIENCE));
    }

    private static void awaitParked(AtomicReference<Thread> thread) throws InterruptedException {
        while (thread.get() == null
                || thread.get().getState() != Thread.State.TIMED_WAITING
                        && thread.get().getState() != Thread.State.WAITING) {
            Thread.sleep(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noTimeIsUpAtOnce(Kind kind) throws Exception {
        for (Duration none : NONE) {
            Wait wait = kind.open(runtime);
            assertFalse(runtime.spawn(() -> wait.await(none)).join(PATIENCE), none.toString());
            wait.happen();
        }
    }

    /** Sleeps, which end by an interrupt. */
    private enum Nap {
        SLEEP {
            @Override
            void take(Duration d) throws Exception {
                Sleep.of(d);
            }
        },
        THREAD_SLEEP {
            @Override
            void take(Duration d) throws Exception {
                Thread.sleep(d);
            }
        },
        PARK {
            @Override
            void take(Duration d) throws Exception {
                LockSupport.parkNanos(this, days(d));
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
            }
        },
        MONITOR {
            @Override
            void take(Duration d) throws Exception {
                if (d.isPositive()) {
                    synchronized (this) {
                        wait(Long.MAX_VALUE);
                    }
                }
            }
        },
        TIMEOUT {
            @Override
            void take(Duration d) throws Exception {
                if (d.isPositive()) {
                    Timeout.run(d, () -> Thread.sleep(d));
                } else {
                    assertThrows(
                            TimeoutException.class,
                            () ->
                                    Timeout.run(
                                            d,
                                            () -> {
                                                throw new AssertionError("ran");
                                            }));
                }
            }
        },
        INTERVAL {
            @Override
            void take(Duration d) throws Exception {
                var interval = Interval.every(LONGEST).startingAfter(d);
                interval.tick();
                assertTrue(interval.due() - System.nanoTime() > 0);
            }
        };

        abstract void take(Duration d) throws Exception;
    }

    @ParameterizedTest
    @EnumSource
    void theLongestSleepEndsByAnInterrupt(Nap nap) throws Exception {
        var thread = new AtomicReference<Thread>();
        JoinHandle<String> sleeper =
                runtime.spawn(
                        () -> {
                            thread.set(Thread.currentThread());
                            try {
                                nap.take(LONGEST);
                                return "ended by itself";
                            } catch (InterruptedException e) {
                                return "interrupted";
                            }
                        });
        awaitParked(thread);
        thread.get().interrupt();
        assertEquals("interrupted", sleeper.join(PATIENCE));
    }

    @ParameterizedTest
    @EnumSource
    void noSleepIsOverAtOnce(Nap nap) throws Exception {
        for (Duration none : NONE) {
            JoinHandle<Boolean> sleeper =
                    runtime.spawn(
                            () -> {
                                nap.take(none);
                                return true;
                            });
            assertTrue(sleeper.join(PATIENCE), none.toString());
        }
    }

    @Test
    void timersTakeAnyDelay() throws Exception {
        runtime.spawn(
                        () -> {
                            Scheduler scheduler = Objects.requireNonNull(Scheduler.current());
                            for (long past : new long[] {0, -1, Long.MIN_VALUE}) {
                                var fired = new CountDownLatch(1);
                                scheduler.schedule(fired::countDown, past);
                                fired.await();
                            }
                            var never = scheduler.schedule(() -> {}, Long.MAX_VALUE);
                            Thread.sleep(5);
                            assertThrows(
                                    TimeoutException.class,
                                    () -> never.get(Long.MIN_VALUE, TimeUnit.NANOSECONDS));
                            assertTrue(never.getDelay(TimeUnit.DAYS) > 365 * 100);
                            assertTrue(never.cancel(false));
                            return true;
                        })
                .join(PATIENCE);
    }
}
