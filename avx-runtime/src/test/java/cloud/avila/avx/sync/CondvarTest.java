package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class CondvarTest {
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofHours(1);

    private final Mutex mutex = new Mutex();
    private final Condvar changed = new Condvar(mutex);
    private int value;

    private void holding(Background.Step step) throws Exception {
        try (var g = mutex.acquire()) {
            step.run();
            assertTrue(mutex.isHeldByCurrentThread());
        }
    }

    /** The wait of every form that an interrupt ends. */
    private List<Background.Step> interruptibleWaits() {
        return List.of(
                changed::await,
                () -> changed.await(() -> value != 0),
                () -> changed.await(() -> value != 0, LONG),
                () -> changed.await(LONG),
                () -> changed.await(1, TimeUnit.HOURS),
                () -> changed.awaitNanos(TimeUnit.HOURS.toNanos(1)),
                () -> changed.awaitUntil(new Date(System.currentTimeMillis() + 3_600_000)));
    }

    @Test
    void everyFormIsForTheHolderOnly() throws Exception {
        var steps = new ArrayList<>(interruptibleWaits());
        steps.add(changed::awaitUninterruptibly);
        steps.add(changed::signal);
        steps.add(changed::notifyOne);
        steps.add(changed::signalAll);
        for (var step : steps) {
            assertThrows(IllegalMonitorStateException.class, step::run);
        }
        assertThrows(IllegalMonitorStateException.class, () -> changed.await(() -> true));
        mutex.lock();
        for (var step : steps) {
            var stranger = Background.start(() -> failureOf(step)).join();
            assertTrue(stranger.contains(Thread.currentThread().getName()), stranger);
        }
        mutex.unlock();
    }

    private static String failureOf(Background.Step step) {
        return assertThrows(IllegalMonitorStateException.class, step::run).toString();
    }

    @Test
    void everyFormIsEndedByASignalHoldingTheMutex() throws Exception {
        var waits = new ArrayList<>(interruptibleWaits());
        waits.add(changed::awaitUninterruptibly);
        for (var wait : waits) {
            value = 0;
            var waiting = Background.parkedStep(() -> holding(wait));
            holding(
                    () -> {
                        value = 1;
                        changed.notifyOne();
                        Thread.sleep(1);
                    });
            waiting.join();
        }
        assertFalse(mutex.isLocked());
    }

    @Test
    void everyFormIsEndedByAnInterruptHoldingTheMutex() throws Exception {
        for (var wait : interruptibleWaits()) {
            var waiting =
                    Background.parkedStep(
                            () ->
                                    holding(
                                            () -> {
                                                assertThrows(InterruptedException.class, wait::run);
                                                assertFalse(Thread.interrupted());
                                            }));
            waiting.interrupt();
            waiting.join();
            holding(
                    () -> {
                        Thread.currentThread().interrupt();
                        assertThrows(InterruptedException.class, wait::run);
                    });
        }
        assertFalse(mutex.isLocked());
    }

    @Test
    void everyTimedFormRunsOutOfTimeHoldingTheMutex() throws Exception {
        holding(
                () -> {
                    assertFalse(changed.await(SHORT));
                    assertFalse(changed.await(Duration.ZERO));
                    assertFalse(changed.await(20, TimeUnit.MILLISECONDS));
                    assertTrue(changed.awaitNanos(1_000_000) <= 0);
                    assertFalse(changed.awaitUntil(new Date(System.currentTimeMillis() + 20)));
                    assertFalse(changed.awaitUntil(new Date(-1)));
                    assertFalse(changed.await(() -> false, SHORT));
                    assertFalse(changed.await(() -> false, Duration.ZERO));
                    assertTrue(changed.await(() -> true, Duration.ZERO));
                });
    }

    @Test
    void whatIsWaitedForIsLookedAtBeforeWaitingAndAfterEachSignal() throws Exception {
        var looks = new AtomicInteger();
        holding(() -> changed.await(() -> true));
        var waiting =
                Background.parkedStep(
                        () ->
                                holding(
                                        () ->
                                                changed.await(
                                                        () -> {
                                                            looks.incrementAndGet();
                                                            return value == 3;
                                                        })));
        for (int i = 1; i <= 3; i++) {
            Background.awaitParked(waiting.thread());
            holding(
                    () -> {
                        value++;
                        changed.signal();
                    });
            while (looks.get() == i) {
                Thread.onSpinWait();
            }
        }
        waiting.join();
        assertEquals(4, looks.get());
    }

    @Test
    void aConditionThatThrowsLeavesTheMutexHeld() throws Exception {
        holding(
                () -> {
                    var e =
                            assertThrows(
                                    IllegalStateException.class,
                                    () ->
                                            changed.await(
                                                    () -> {
                                                        throw new IllegalStateException("no");
                                                    }));
                    assertEquals("no", e.getMessage());
                });
        assertFalse(mutex.isLocked());
    }

    @Test
    void timeThatRunsOutIsNoFailureIfWhatIsWaitedForHasCome() throws Exception {
        var looks = new AtomicInteger();
        holding( // nobody signals: the second look is the one when time is up
                () -> assertTrue(changed.await(() -> looks.incrementAndGet() == 2, SHORT)));
        assertEquals(2, looks.get());
    }

    @Test
    void signalsWakeInTheOrderOfArrival() throws Exception {
        var order = new ArrayList<Integer>();
        var waiting = new ArrayList<Background<Boolean>>();
        for (int i = 0; i < 10; i++) {
            int n = i;
            waiting.add(
                    Background.parkedStep(
                            () ->
                                    holding(
                                            () -> {
                                                changed.await();
                                                order.add(n);
                                            })));
        }
        for (int i = 0; i < 5; i++) {
            holding(changed::signal);
            waiting.get(i).join();
        }
        Background.awaitParked(waiting.get(5).thread());
        holding(changed::signalAll);
        for (var b : waiting) {
            b.join();
        }
        assertEquals(List.of(0, 1, 2, 3, 4), order.subList(0, 5));
        assertEquals(10, order.size());
    }

    @Test
    void aSignalWithoutWaitersIsNotKept() throws Exception {
        holding(
                () -> {
                    changed.signal();
                    changed.signalAll();
                    assertFalse(changed.await(SHORT));
                });
    }

    /** The first waiter is out of time, but has not got the mutex back yet. */
    @Test
    void aSignalIsNotSwallowedByAWaiterThatIsOutOfTime() throws Exception {
        boolean met;
        do {
            met = signalWhileTheFirstWaitsForTheMutex();
        } while (!met);
    }

    /** False if the first waiter has got the mutex back too early to be met so. */
    private boolean signalWhileTheFirstWaitsForTheMutex() throws Exception {
        var firstHolds = new Latch(1);
        var first =
                Background.start(
                        () -> {
                            try (var g = mutex.acquire()) {
                                firstHolds.countDown();
                                return changed.await(Duration.ofMillis(100));
                            }
                        });
        firstHolds.await();
        var secondHolds = new Latch(1);
        var second =
                Background.start(
                        () -> {
                            try (var g = mutex.acquire()) {
                                secondHolds.countDown();
                                changed.await();
                                return true;
                            }
                        });
        secondHolds.await();
        var met = new AtomicBoolean();
        holding( // after both, for each gives it back only by its wait
                () -> {
                    while (!met.get() && first.thread().isAlive()) {
                        met.set(Parker.blockerOf(first.thread()) instanceof Blocker);
                        Thread.yield();
                    }
                    changed.signal();
                });
        assertFalse(first.join());
        assertTrue(second.join());
        return met.get();
    }

    @Test
    void whoIsSignalledAndThenInterruptedReturnsNormallyAndIsInterrupted() throws Exception {
        var waiting =
                Background.parked(
                        () -> {
                            try (var g = mutex.acquire()) {
                                changed.await();
                            }
                            return Thread.interrupted();
                        });
        holding(
                () -> {
                    changed.signal();
                    waiting.interrupt();
                });
        assertTrue(waiting.join());
    }

    @Test
    void twoConditionsOfOneMutexMakeABoundedQueue() throws Exception {
        var notFull = new Condvar(mutex);
        var queue = new ArrayDeque<Integer>();
        var producers = new ArrayList<Background<Boolean>>();
        for (int p = 0; p < 4; p++) {
            producers.add(
                    Background.start(
                            () -> {
                                for (int i = 1; i <= 500; i++) {
                                    try (var g = mutex.acquire()) {
                                        notFull.await(() -> queue.size() < 2);
                                        queue.add(i);
                                        changed.notifyOne();
                                    }
                                }
                                return true;
                            }));
        }
        long sum = 0;
        for (int i = 0; i < 2000; i++) {
            try (var g = mutex.acquire()) {
                changed.await(() -> !queue.isEmpty());
                sum += queue.remove();
                notFull.notifyOne();
            }
        }
        for (var producer : producers) {
            producer.join();
        }
        assertEquals(4 * 500 * 501 / 2, sum);
    }

    @Test
    void isCalledByItsMutex() {
        assertEquals("Condvar[of Mutex \"jobs\"[free]]", new Condvar(new Mutex("jobs")).toString());
        assertInstanceOf(Condvar.class, mutex.newCondition());
    }
}
