package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.testing.Background;
import cloud.avila.avx.testing.SingleCarrier;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;

@Timeout(60)
class MutexTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Mutex mutex = new Mutex();

    @Test
    void isHeldBetweenLockAndUnlock() {
        assertFalse(mutex.isLocked());
        mutex.lock();
        assertTrue(mutex.isLocked());
        assertTrue(mutex.isHeldByCurrentThread());
        assertSame(Thread.currentThread(), mutex.holder());
        mutex.unlock();
        assertFalse(mutex.isLocked());
        assertFalse(mutex.isHeldByCurrentThread());
        assertNull(mutex.holder());
    }

    @Test
    void aGuardUnlocksOnce() throws Exception {
        Guard first = mutex.acquire();
        first.close();
        assertFalse(mutex.isLocked());
        try (Guard second = mutex.acquire()) {
            first.close();
            assertTrue(mutex.isLocked());
            assertNotNull(second);
        }
        assertFalse(mutex.isLocked());
    }

    @Test
    void aGuardIsClosedByTheHolderOnly() throws Exception {
        Guard guard = mutex.acquire();
        var closing = Background.start(() -> assertThrowsOnClose(guard));
        assertInstanceOf(IllegalMonitorStateException.class, closing.join());
        assertTrue(mutex.isHeldByCurrentThread());
        guard.close();
        assertFalse(mutex.isLocked());
    }

    private static Throwable assertThrowsOnClose(Guard guard) {
        return assertThrows(IllegalMonitorStateException.class, guard::close);
    }

    @Test
    void relockingByTheHolderIsAnErrorThatSaysSo() {
        mutex.lock();
        for (Background.Step step :
                List.<Background.Step>of(
                        mutex::lock,
                        mutex::lockInterruptibly,
                        mutex::acquire,
                        () -> mutex.tryLock(1, TimeUnit.HOURS),
                        () -> mutex.tryAcquire(Duration.ofHours(1)))) {
            var e = assertThrows(IllegalMonitorStateException.class, step::run);
            assertTrue(e.toString().contains("not reentrant"), e.toString());
        }
        assertFalse(mutex.tryLock());
        assertNull(mutex.tryAcquire());
        mutex.unlock();
        assertFalse(mutex.isLocked());
    }

    @Test
    void unlockingByAStrangerIsAnErrorThatNamesBoth() throws Exception {
        assertThrows(IllegalMonitorStateException.class, mutex::unlock);
        mutex.lock();
        var unlocking = Background.start(() -> failureOfUnlock());
        String message = unlocking.join().toString();
        assertTrue(message.contains(Thread.currentThread().getName()), message);
        assertTrue(message.contains(unlocking.thread().getName()), message);
        mutex.unlock();
    }

    private Throwable failureOfUnlock() {
        return assertThrows(IllegalMonitorStateException.class, mutex::unlock);
    }

    @Test
    void waitersGetTheMutexInTheOrderOfArrival() throws Exception {
        var order = new ArrayList<Integer>();
        var waiting = new ArrayList<Background<?>>();
        mutex.lock();
        for (int i = 0; i < 20; i++) {
            int n = i;
            waiting.add(
                    Background.parkedStep(
                            () -> {
                                mutex.lock();
                                order.add(n);
                                mutex.unlock();
                            }));
        }
        mutex.unlock();
        for (var b : waiting) {
            b.join();
        }
        var expected = new ArrayList<Integer>();
        for (int i = 0; i < 20; i++) {
            expected.add(i);
        }
        assertEquals(expected, order);
    }

    @Test
    void timedLockGivesUp() throws Exception {
        mutex.lock();
        assertEquals(
                List.of(false, false, false, true),
                Background.start(
                                () ->
                                        List.of(
                                                mutex.tryLock(20, TimeUnit.MILLISECONDS),
                                                mutex.tryLock(0, TimeUnit.DAYS),
                                                mutex.tryLock(-1, TimeUnit.DAYS),
                                                mutex.tryAcquire(SHORT) == null))
                        .join());
        mutex.unlock();
        try (var guard = mutex.tryAcquire(SHORT)) {
            assertNotNull(guard);
        }
    }

    @Test
    void timedLockGetsTheMutexInTime() throws Exception {
        mutex.lock();
        var waiting =
                Background.parked(
                        () -> {
                            boolean got = mutex.tryLock(1, TimeUnit.HOURS);
                            mutex.unlock();
                            return got;
                        });
        mutex.unlock();
        assertTrue(waiting.join());
    }

    @Test
    void anInterruptEndsTheWaitAndTheNextWaiterGetsTheMutex() throws Exception {
        mutex.lock();
        var interrupted = Background.parkedStep(mutex::lockInterruptibly);
        var next =
                Background.parkedStep(
                        () -> {
                            mutex.lock();
                            mutex.unlock();
                        });
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        mutex.unlock();
        next.join();
        assertFalse(mutex.isLocked());
    }

    @Test
    void anInterruptThatCameBeforeIsSeen() {
        for (Background.Step step :
                List.<Background.Step>of(
                        mutex::lockInterruptibly,
                        mutex::acquire,
                        () -> mutex.tryLock(1, TimeUnit.HOURS),
                        () -> mutex.tryAcquire(SHORT))) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, step::run);
            assertFalse(Thread.currentThread().isInterrupted());
            assertFalse(mutex.isLocked());
        }
    }

    @Test
    void anInterruptDoesNotEndLockAndIsKept() throws Exception {
        mutex.lock();
        var waiting =
                Background.parked(
                        () -> {
                            mutex.lock();
                            boolean kept = Thread.interrupted();
                            mutex.unlock();
                            return kept;
                        });
        waiting.interrupt();
        Background.awaitParked(waiting.thread());
        mutex.unlock();
        assertTrue(waiting.join());
    }

    /**
     * The holder lets go only for a moment, while no other thread can run: on one carrier the
     * waiter runs only when the holder yields, which it does holding the mutex. Without a hand-off
     * the waiter would never get it.
     */
    @Test
    void aWaiterThatIsOvertakenForTooLongIsHandedTheMutex() throws Exception {
        for (long handOffNanos : new long[] {0, Mutex.HAND_OFF_NANOS}) {
            var fair = new Mutex(handOffNanos);
            var overtakenAfterDemand = new AtomicInteger();
            try (var carrier = new SingleCarrier()) {
                var done = new AtomicBoolean();
                var holder =
                        carrier.start(
                                () -> {
                                    fair.lock();
                                    while (!done.get()) {
                                        Thread.yield();
                                        boolean demanded = fair.handOffDemanded();
                                        fair.unlock();
                                        if (!fair.tryLock()) {
                                            fair.lock();
                                        } else if (demanded) {
                                            overtakenAfterDemand.incrementAndGet();
                                        }
                                    }
                                    fair.unlock();
                                });
                var waiter =
                        carrier.start(
                                () -> {
                                    fair.lock();
                                    done.set(true);
                                    fair.unlock();
                                });
                assertTrue(waiter.join(Duration.ofSeconds(20)), "the waiter starves");
                assertTrue(holder.join(Duration.ofSeconds(20)));
            }
            assertEquals(0, overtakenAfterDemand.get());
            assertFalse(fair.isLocked());
        }
    }

    @Test
    void aChangeThatIsNotCompletedPoisonsTheMutex() throws Exception {
        try (var g = mutex.acquirePoisoning()) {
            g.complete();
        }
        assertFalse(mutex.isPoisoned());
        assertThrows(
                IllegalArgumentException.class,
                () -> {
                    try (var g = mutex.acquirePoisoning()) {
                        throw new IllegalArgumentException("half way");
                    }
                });
        assertTrue(mutex.isPoisoned());
        assertFalse(mutex.isLocked());
        var e = assertThrows(MutexPoisonedException.class, mutex::acquirePoisoning);
        assertTrue(e.toString().contains("clearPoison"), e.toString());
        assertFalse(mutex.isLocked());
        assertThrows(IllegalMonitorStateException.class, mutex::clearPoison);
        try (var g = mutex.acquire()) {
            mutex.clearPoison();
        }
        try (var g = mutex.acquirePoisoning()) {
            g.complete();
            g.close();
            g.close();
        }
        assertFalse(mutex.isPoisoned());
    }

    @Test
    void aPoisoningGuardIsClosedByTheHolderOnly() throws Exception {
        PoisoningGuard guard = mutex.acquirePoisoning();
        assertInstanceOf(
                IllegalMonitorStateException.class,
                Background.start(() -> assertThrowsOnClose(guard)).join());
        assertFalse(mutex.isPoisoned());
        guard.complete();
        guard.close();
        assertFalse(mutex.isPoisoned() || mutex.isLocked());
    }

    @Test
    void aNameIsShown() {
        var named = new Mutex("accounts");
        assertEquals("Mutex \"accounts\"[free]", named.toString());
        named.lock();
        var e = assertThrows(IllegalMonitorStateException.class, named::lock);
        assertTrue(e.toString().contains("Mutex \"accounts\""), e.toString());
        named.unlock();
        e = assertThrows(IllegalMonitorStateException.class, named::unlock);
        assertTrue(e.toString().contains("Mutex \"accounts\""), e.toString());
    }

    /**
     * The holder never waits and never yields, so that on one carrier the waiter, once woken,
     * cannot run to demand anything. The mutex has to be given to it all the same.
     */
    @Test
    void aWaiterThatDoesNotComeToRunIsGivenTheMutex() throws Exception {
        for (long handOffNanos : new long[] {0, Mutex.HAND_OFF_NANOS}) {
            var fair = new Mutex(handOffNanos);
            try (var carrier = new SingleCarrier()) {
                var arrived = new AtomicBoolean();
                var done = new AtomicBoolean();
                var holder =
                        carrier.start(
                                () -> {
                                    fair.lock();
                                    while (!arrived.get()) {
                                        Thread.yield();
                                    }
                                    while (!done.get()) {
                                        fair.unlock();
                                        fair.lock();
                                    }
                                    fair.unlock();
                                });
                var waiter =
                        carrier.start(
                                () -> {
                                    arrived.set(true); // and keeps the carrier until it waits
                                    fair.lock();
                                    done.set(true);
                                    fair.unlock();
                                });
                assertTrue(waiter.join(Duration.ofSeconds(20)), "the waiter starves");
                assertTrue(holder.join(Duration.ofSeconds(20)));
            }
            assertFalse(fair.isLocked());
        }
    }

    @Test
    void conditionsWakeOneOrAll() throws Exception {
        var condition = mutex.newCondition();
        var woken = new AtomicInteger();
        var waiting = new ArrayList<Background<?>>();
        for (int i = 0; i < 5; i++) {
            waiting.add(
                    Background.parkedStep(
                            () -> {
                                mutex.lock();
                                try {
                                    condition.await();
                                    woken.incrementAndGet();
                                } finally {
                                    mutex.unlock();
                                }
                            }));
        }
        mutex.lock();
        condition.signal();
        mutex.unlock();
        waiting.get(0).join();
        assertEquals(1, woken.get());
        mutex.lock();
        condition.signalAll();
        mutex.unlock();
        for (var b : waiting) {
            b.join();
        }
        assertEquals(5, woken.get());
    }

    @Test
    void aConditionIsUsedByTheHolderOnly() {
        var condition = mutex.newCondition();
        for (Background.Step step :
                List.<Background.Step>of(
                        condition::await,
                        condition::awaitUninterruptibly,
                        () -> condition.awaitNanos(1),
                        condition::signal,
                        condition::signalAll)) {
            assertThrows(IllegalMonitorStateException.class, step::run);
        }
    }

    @Test
    void aConditionTimesOutHoldingTheMutexAgain() throws Exception {
        var condition = mutex.newCondition();
        mutex.lock();
        assertFalse(condition.await(10, TimeUnit.MILLISECONDS));
        assertTrue(mutex.isHeldByCurrentThread());
        assertTrue(condition.awaitNanos(1_000_000) <= 0);
        assertTrue(mutex.isHeldByCurrentThread());
        assertFalse(condition.awaitUntil(new java.util.Date(System.currentTimeMillis() + 10)));
        assertTrue(mutex.isHeldByCurrentThread());
        mutex.unlock();
    }

    @Test
    void aSignalIsNotSwallowedByAWaiterThatGaveUp() throws Exception {
        var condition = mutex.newCondition();
        var first = Background.parkedStep(() -> awaitHolding(condition::await));
        var second = Background.parkedStep(() -> awaitHolding(condition::await));
        mutex.lock();
        first.interrupt();
        // the first waiter now waits for the mutex, having withdrawn
        while (!(LockSupport.getBlocker(first.thread()) instanceof Blocker)) {
            Thread.yield();
        }
        condition.signal();
        mutex.unlock();
        assertInstanceOf(InterruptedException.class, first.failure());
        second.join();
    }

    @Test
    void anInterruptDoesNotEndAnUninterruptibleConditionAndIsKept() throws Exception {
        var condition = mutex.newCondition();
        var waiting =
                Background.parked(
                        () -> {
                            awaitHolding(condition::awaitUninterruptibly);
                            return Thread.interrupted();
                        });
        waiting.interrupt();
        Background.awaitParked(waiting.thread());
        mutex.lock();
        condition.signal();
        mutex.unlock();
        assertTrue(waiting.join());
    }

    private void awaitHolding(Background.Step step) throws Exception {
        mutex.lock();
        try {
            step.run();
        } finally {
            mutex.unlock();
        }
    }

    @Test
    void excludesUnderContention() throws Exception {
        Lock lock = mutex;
        int[] count = new int[1];
        var running = new ArrayList<Background<?>>();
        for (int i = 0; i < 16; i++) {
            running.add(
                    Background.start(
                            () -> {
                                for (int k = 0; k < 2000; k++) {
                                    lock.lock();
                                    count[0]++;
                                    lock.unlock();
                                }
                                return true;
                            }));
        }
        for (var b : running) {
            b.join();
        }
        assertEquals(32_000, count[0]);
    }
}
