package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Locks and permits whose waiters are interrupted and time out at any moment. */
class SyncSimulationTest {
    private final Mutex mutex = new Mutex();
    private int inside;
    private int turns;

    /** Some time of up to three milliseconds, often none. */
    private static Duration aMoment(SimulatedRuntime sim) {
        return Duration.ofMillis(Math.max(0, sim.random().nextInt(6) - 2));
    }

    private static void cancelSome(SimulatedRuntime sim, List<? extends JoinHandle<?>> fibers)
            throws InterruptedException {
        for (JoinHandle<?> fiber : fibers) {
            if (sim.random().nextInt(3) == 0) {
                Thread.sleep(aMoment(sim));
                fiber.cancel();
            }
        }
    }

    private static void awaitEnd(List<? extends JoinHandle<?>> fibers) throws InterruptedException {
        for (JoinHandle<?> fiber : fibers) {
            while (fiber.state() == Future.State.RUNNING) {
                Thread.sleep(1);
            }
        }
        Thread.sleep(1_000); // a cancelled fiber is still about to leave
    }

    private void turn(SimulatedRuntime sim) throws InterruptedException {
        assertEquals(0, inside++);
        try {
            Thread.sleep(aMoment(sim));
            turns++;
        } finally {
            assertEquals(1, inside--);
        }
    }

    @SimulationTest(seeds = 200)
    void aMutexIsNeverHeldTwiceAndFreeInTheEnd(SimulatedRuntime sim) throws Exception {
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 5; i++) {
            fibers.add(Handle.current().spawn("locker " + i, () -> lockInTurns(sim)));
        }
        cancelSome(sim, fibers);
        awaitEnd(fibers);
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(0, inside);
        assertFalse(mutex.isLocked());
        assertTrue(mutex.tryLock());
    }

    private boolean lockInTurns(SimulatedRuntime sim) throws InterruptedException {
        for (int i = 0; i < 4; i++) {
            if (sim.random().nextBoolean()) {
                try (Guard guard = mutex.acquire()) {
                    turn(sim);
                }
            } else {
                Guard guard = mutex.tryAcquire(aMoment(sim));
                if (guard != null) {
                    try (guard) {
                        turn(sim);
                    }
                }
            }
        }
        return true;
    }

    @SimulationTest(seeds = 200)
    void everyWaiterGetsTheMutexWhenNobodyGivesUp(SimulatedRuntime sim) throws Exception {
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 6; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        try (Guard guard = mutex.acquire()) {
                                            turn(sim);
                                        }
                                        return true;
                                    }));
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        assertEquals(6, turns);
    }

    private final RwLock lock = new RwLock();
    private int writing;
    private int reading;
    private int written;

    private void whileReading(SimulatedRuntime sim) throws InterruptedException {
        int before = written;
        reading++;
        try {
            assertEquals(0, writing);
            Thread.sleep(aMoment(sim));
            assertEquals(before, written);
        } finally {
            reading--;
        }
    }

    private void whileWriting(SimulatedRuntime sim) throws InterruptedException {
        assertEquals(0, writing++);
        assertEquals(0, reading);
        try {
            Thread.sleep(aMoment(sim));
            written++;
        } finally {
            assertEquals(1, writing--);
            assertEquals(0, reading);
        }
    }

    private boolean readAndWrite(SimulatedRuntime sim) throws InterruptedException {
        for (int i = 0; i < 4; i++) {
            switch (sim.random().nextInt(7)) {
                case 0 -> {
                    try (Guard w = lock.write()) {
                        whileWriting(sim);
                    }
                }
                case 1 -> {
                    try (Guard w = lock.tryWrite(aMoment(sim))) {
                        if (w != null) {
                            whileWriting(sim);
                        }
                    }
                }
                case 2 -> {
                    try (UpgradeableGuard u = lock.upgradeableRead()) {
                        int seen = written;
                        Thread.sleep(aMoment(sim));
                        try (Guard w = u.tryUpgrade(aMoment(sim))) {
                            assertEquals(seen, written);
                            if (w != null) {
                                whileWriting(sim);
                            }
                        }
                    }
                }
                case 3 -> {
                    WriteGuard w = lock.write();
                    try (w) {
                        whileWriting(sim);
                        try (Guard r = w.downgrade()) {
                            whileReading(sim);
                        }
                    }
                }
                case 4 -> {
                    try (Guard r = lock.tryRead(aMoment(sim))) {
                        if (r != null) {
                            whileReading(sim);
                        }
                    }
                }
                default -> {
                    try (Guard r = lock.read()) {
                        whileReading(sim);
                    }
                }
            }
        }
        return true;
    }

    @SimulationTest(seeds = 300)
    void whoWritesIsAloneAndTheLockIsFreeInTheEnd(SimulatedRuntime sim) throws Exception {
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 6; i++) {
            fibers.add(Handle.current().spawn("fiber " + i, () -> readAndWrite(sim)));
        }
        cancelSome(sim, fibers);
        awaitEnd(fibers);
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(0, lock.readers());
        try (WriteGuard w = lock.tryWrite()) {
            assertTrue(w != null, lock::toString);
        }
    }

    /** What each reader waits on: an object made for that one wait. */
    private final Map<Thread, Object> waits = new HashMap<>();

    private void checkThatNobodyWaitsThroughTwoWrites(List<Thread> readers) {
        for (Thread reader : readers) {
            Object wait = Parker.blockerOf(reader);
            assertFalse(wait != null && wait == waits.put(reader, wait), "waits for a third write");
        }
    }

    /** Writers that never stop wanting to write. */
    @SimulationTest(seeds = 200)
    void theEndOfTheFirstWriteThatAReaderWaitsThroughLetsItIn(SimulatedRuntime sim)
            throws Exception {
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        var readers = new CopyOnWriteArrayList<Thread>();
        for (int i = 0; i < 3; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        readers.add(Thread.currentThread());
                                        for (int k = 0; k < 10; k++) {
                                            try (Guard r = lock.read()) {
                                                whileReading(sim);
                                            }
                                        }
                                        readers.remove(Thread.currentThread());
                                        return true;
                                    }));
        }
        for (int i = 0; i < 4; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        for (int k = 0; k < 20; k++) {
                                            try (Guard w = lock.write()) {
                                                checkThatNobodyWaitsThroughTwoWrites(readers);
                                                whileWriting(sim);
                                            }
                                        }
                                        return true;
                                    }));
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        assertEquals(80, written);
    }

    @SimulationTest(seeds = 200)
    void noPermitIsLostOrMade(SimulatedRuntime sim) throws Exception {
        var permits = new Semaphore(3);
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 5; i++) {
            fibers.add(Handle.current().spawn("taker " + i, () -> takeInTurns(sim, permits)));
        }
        for (int i = 0; i < 5; i++) {
            permits.setLimit(sim.random().nextInt(5));
            Thread.sleep(aMoment(sim));
        }
        permits.setLimit(3);
        cancelSome(sim, fibers);
        awaitEnd(fibers);
        assertEquals(3, permits.availablePermits());
        assertNull(permits.tryAcquire(4));
        try (Permit all = permits.acquire(3)) {
            assertEquals(3, all.count());
        }
    }

    private static boolean takeInTurns(SimulatedRuntime sim, Semaphore permits)
            throws InterruptedException {
        for (int i = 0; i < 4; i++) {
            int count = 1 + sim.random().nextInt(3);
            Permit permit =
                    sim.random().nextBoolean()
                            ? permits.acquire(count)
                            : permits.tryAcquire(count, aMoment(sim));
            if (permit != null) {
                try (permit) {
                    Thread.sleep(aMoment(sim));
                }
            }
        }
        return true;
    }

    @SimulationTest(seeds = 200)
    void closingASemaphoreEndsEveryWait(SimulatedRuntime sim) throws Exception {
        var permits = new Semaphore(1);
        var held = permits.acquire();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 5; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        try {
                                            while (true) {
                                                Thread.sleep(1);
                                                takeInTurns(sim, permits);
                                            }
                                        } catch (SemaphoreClosedException e) {
                                            return true;
                                        }
                                    }));
        }
        cancelSome(sim, fibers);
        Thread.sleep(aMoment(sim));
        permits.close();
        awaitEnd(fibers);
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
            assertTrue(fiber.state() != Future.State.RUNNING, fiber::toString);
        }
        held.close();
        assertEquals(1, permits.availablePermits());
    }

    /** A bounded queue of the textbook, with waits that time out. */
    @SimulationTest(seeds = 200)
    void aConditionLosesNoSignal(SimulatedRuntime sim) throws Exception {
        var notEmpty = mutex.newCondition();
        var notFull = mutex.newCondition();
        var queue = new ArrayDeque<Integer>();
        var producers = new ArrayList<JoinHandle<Boolean>>();
        for (int p = 0; p < 3; p++) {
            producers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        for (int i = 1; i <= 4; i++) {
                                            mutex.lock();
                                            try {
                                                while (queue.size() == 2) {
                                                    notFull.await();
                                                }
                                                queue.add(i);
                                                notEmpty.signal();
                                            } finally {
                                                mutex.unlock();
                                            }
                                        }
                                        return true;
                                    }));
        }
        int sum = 0;
        for (int received = 0; received < 12; ) {
            mutex.lock();
            try {
                boolean signalled = true;
                while (queue.isEmpty() && signalled) {
                    signalled = notEmpty.await(1, TimeUnit.HOURS);
                }
                assertTrue(signalled, "nothing came within an hour");
                sum += queue.remove();
                received++;
                notFull.signal();
            } finally {
                mutex.unlock();
            }
        }
        for (JoinHandle<Boolean> producer : producers) {
            assertTrue(producer.join());
        }
        assertEquals(30, sum);
    }
}
