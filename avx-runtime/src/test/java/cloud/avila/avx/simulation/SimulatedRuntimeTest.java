package cloud.avila.avx.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.time.Sleep;
import cloud.avila.avx.time.Timeout;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

@Tag("simulation")
class SimulatedRuntimeTest {
    private static final Instant BEGINNING = Instant.parse("2000-01-01T00:00:00Z");

    // ---- time ----

    @Test
    void sleepingForAYearTakesNoRealTime() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            sim.run(
                    () -> {
                        Thread.sleep(Duration.ofDays(365));
                        return true;
                    });
            assertEquals(Duration.ofDays(365), sim.time());
        }
    }

    @Test
    void everyClockShowsVirtualTime() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            sim.run(
                    () -> {
                        LongSupplier reference = System::nanoTime;
                        long nanos = System.nanoTime();
                        long referred = reference.getAsLong();
                        assertEquals(BEGINNING, Instant.now());
                        sim.advance(Duration.ofDays(1).plusNanos(1_000_001));
                        long expected = TimeUnit.DAYS.toNanos(1) + 1_000_001;
                        assertEquals(expected, System.nanoTime() - nanos);
                        assertEquals(expected, reference.getAsLong() - referred);
                        assertEquals(BEGINNING.plusNanos(expected), Instant.now());
                        assertEquals(BEGINNING.plusNanos(expected).toEpochMilli(), millis());
                        assertEquals(millis(), new Date().getTime());
                        assertEquals(LocalDate.of(2000, 1, 2), LocalDate.now(ZoneOffset.UTC));
                        return null;
                    });
        }
    }

    private static long millis() {
        return System.currentTimeMillis();
    }

    @Test
    void threadsOutsideSeeTheRealTime() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            long nanos = System.nanoTime();
            sim.advance(Duration.ofDays(1000));
            assertTrue(System.nanoTime() - nanos < TimeUnit.DAYS.toNanos(1));
            assertTrue(Instant.now().isAfter(Instant.parse("2025-01-01T00:00:00Z")));
        }
    }

    @Test
    void everyTimedWaitEndsExactlyInTime() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            sim.run(
                    () -> {
                        var lock = new ReentrantLock();
                        var condition = lock.newCondition();
                        var monitor = new Object();
                        took(sim, () -> LockSupport.parkNanos(60_000_000_000L));
                        took(sim, () -> Thread.sleep(60_000));
                        took(sim, () -> Sleep.of(Duration.ofMinutes(1)));
                        took(sim, () -> new Semaphore(0).tryAcquire(1, TimeUnit.MINUTES));
                        took(sim, () -> new CountDownLatch(1).await(1, TimeUnit.MINUTES));
                        took(sim, () -> new ArrayBlockingQueue<>(1).poll(1, TimeUnit.MINUTES));
                        took(
                                sim,
                                () -> {
                                    lock.lock();
                                    assertFalse(condition.await(1, TimeUnit.MINUTES));
                                    lock.unlock();
                                });
                        took(
                                sim,
                                () -> {
                                    synchronized (monitor) {
                                        monitor.wait(60_000);
                                    }
                                });
                        took(
                                sim,
                                () ->
                                        assertThrows(
                                                TimeoutException.class,
                                                () ->
                                                        Timeout.call(
                                                                Duration.ofMinutes(1),
                                                                SimulatedRuntimeTest
                                                                        ::waitForEver)));
                        return null;
                    });
        }
    }

    private static boolean waitForEver() throws InterruptedException {
        new CountDownLatch(1).await();
        return true;
    }

    @FunctionalInterface
    private interface Wait {
        void run() throws Exception;
    }

    private static void took(SimulatedRuntime sim, Wait wait) throws Exception {
        Duration before = sim.time();
        wait.run();
        assertEquals(Duration.ofMinutes(1), sim.time().minus(before));
    }

    @Test
    void timeGoesOnWhileAFiberOnlySpins() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            sim.run(
                    () -> {
                        long end = System.nanoTime() + 5_000_000;
                        while (System.nanoTime() < end) {
                            Thread.onSpinWait();
                        }
                        return null;
                    });
            assertTrue(sim.time().compareTo(Duration.ofMillis(5)) >= 0, sim::toString);
        }
    }

    @Test
    void stepsTakeTimeWhenToldTo() throws Exception {
        try (var sim = SimulatedRuntime.builder().seed(3).stepTime(Duration.ofMillis(1)).build()) {
            sim.run(
                    () -> {
                        for (int i = 0; i < 100; i++) {
                            Thread.yield();
                        }
                        return null;
                    });
            assertTrue(sim.time().compareTo(Duration.ofMillis(10)) > 0, sim::toString);
            assertTrue(sim.time().compareTo(Duration.ofMillis(110)) < 0, sim::toString);
        }
    }

    // ---- order ----

    /** Everything that may go wrong with repeating: monitors, locks, interrupts, timers, random. */
    private static String mixed(SimulatedRuntime sim) throws Exception {
        var log = new ArrayList<String>();
        var monitor = new Object();
        var lock = new Mutex();
        var atomic = new AtomicInteger();
        var channel = Mpsc.<Integer>bounded(2);
        var receiver = channel.receiver();
        return sim.run(
                () -> {
                    var fibers = new ArrayList<JoinHandle<Integer>>();
                    for (int i = 0; i < 6; i++) {
                        int number = i;
                        fibers.add(
                                sim.handle()
                                        .spawn(
                                                "fiber " + i,
                                                () -> {
                                                    synchronized (monitor) {
                                                        log.add("in " + number);
                                                        Thread.sleep(number % 3);
                                                    }
                                                    lock.lock();
                                                    try {
                                                        log.add("locked " + number);
                                                        atomic.set(atomic.get() + 1);
                                                    } finally {
                                                        lock.unlock();
                                                    }
                                                    channel.sender().send(number);
                                                    return ThreadLocalRandom.current().nextInt();
                                                }));
                    }
                    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
                        for (int i = 0; i < 3; i++) {
                            int number = i;
                            executor.submit(
                                    () -> {
                                        synchronized (monitor) {
                                            log.add("thread " + number + Math.random());
                                            monitor.wait(1);
                                        }
                                        return null;
                                    });
                        }
                        for (int i = 0; i < 6; i++) {
                            log.add("got " + receiver.recv());
                        }
                    }
                    for (JoinHandle<Integer> fiber : fibers) {
                        log.add("result " + fiber.join());
                    }
                    return String.join("\n", log) + "\n" + sim.time();
                });
    }

    private static String run(long seed) throws Exception {
        try (var sim = SimulatedRuntime.seeded(seed)) {
            return mixed(sim) + "\n" + sim.trace();
        }
    }

    @Test
    void theSameSeedGivesTheSameRunByteForByte() throws Exception {
        for (long seed = 0; seed < 200; seed++) {
            assertEquals(run(seed), run(seed), "seed " + seed);
        }
    }

    @Test
    void otherSeedsGiveOtherRuns() throws Exception {
        Set<String> runs = new HashSet<>();
        for (long seed = 0; seed < 100; seed++) {
            String run = run(seed);
            runs.add(run.substring(0, run.indexOf("seed ")));
        }
        assertTrue(runs.size() > 90, () -> "only " + runs.size() + " different ones");
    }

    @Test
    void theMachineBeingBusyChangesNothing() throws Exception {
        String alone = run(77);
        var end = new AtomicBoolean();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 4; i++) {
            threads.add(Thread.ofPlatform().start(() -> spin(end)));
        }
        try {
            for (int i = 0; i < 10; i++) {
                assertEquals(alone, run(77));
            }
        } finally {
            end.set(true);
            for (Thread thread : threads) {
                thread.join();
            }
        }
    }

    private static void spin(AtomicBoolean end) {
        while (!end.get()) {
            Thread.onSpinWait();
        }
    }

    // ---- finding mistakes ----

    /** Reads, then writes: another thread may come in between. */
    private static int countTo(SimulatedRuntime sim, int fibers) throws Exception {
        var count = new AtomicInteger();
        return sim.run(
                () -> {
                    var all = new ArrayList<JoinHandle<Boolean>>();
                    for (int i = 0; i < fibers; i++) {
                        all.add(
                                sim.handle()
                                        .spawn(
                                                () -> {
                                                    count.set(count.get() + 1);
                                                    return true;
                                                }));
                    }
                    for (JoinHandle<Boolean> each : all) {
                        each.join();
                    }
                    return count.get();
                });
    }

    @Test
    void aLostUpdateIsFoundAndComesBackWithItsSeed() throws Exception {
        long found = -1;
        for (long seed = 0; seed < 100 && found < 0; seed++) {
            try (var sim = SimulatedRuntime.seeded(seed)) {
                found = countTo(sim, 3) < 3 ? seed : -1;
            }
        }
        assertTrue(found >= 0, "no seed found it");
        for (int i = 0; i < 3; i++) {
            try (var sim = SimulatedRuntime.seeded(found)) {
                assertTrue(countTo(sim, 3) < 3, "not found again with seed " + found);
            }
        }
    }

    /** An event whose waiter looks first and announces itself afterwards: a wake-up can be lost. */
    private static final class FaultyEvent {
        private volatile boolean set;
        private volatile Thread waiter = Thread.currentThread();

        void await() {
            if (!set) {
                waiter = Thread.currentThread();
                LockSupport.park(this);
            }
        }

        void set() {
            set = true;
            LockSupport.unpark(waiter);
        }
    }

    @Test
    void aLostWakeUpIsFoundAsADeadlockThatNamesItsFiber() throws Exception {
        DeadlockException found = null;
        for (long seed = 0; seed < 2_000 && found == null; seed++) {
            try (var sim = SimulatedRuntime.seeded(seed)) {
                sim.run(
                        () -> {
                            var event = new FaultyEvent();
                            var waiting = sim.handle().spawn("waiter", () -> await(event));
                            event.set();
                            return waiting.join();
                        });
            } catch (DeadlockException e) {
                found = e;
            }
        }
        assertTrue(found != null, "no seed found it");
        String message = String.valueOf(found.getMessage());
        assertTrue(message.contains("deadlock"), message);
        assertTrue(message.contains("waiter on "), message);
        assertTrue(message.contains("WAITING, waits on " + FaultyEvent.class.getName()), message);
        assertTrue(message.contains("FaultyEvent.await("), message);
    }

    private static boolean await(FaultyEvent event) {
        event.await();
        return true;
    }

    @Test
    void withoutPreemptionFibersGiveWayOnlyWhereTheyBlock() throws Exception {
        for (long seed = 0; seed < 100; seed++) {
            try (var sim = SimulatedRuntime.builder().seed(seed).preemption(0).build()) {
                assertEquals(3, countTo(sim, 3));
            }
        }
    }

    // ---- what does not end ----

    @Test
    void locksInOppositeOrdersAreReportedAsADeadlock() {
        try (var sim = SimulatedRuntime.seeded(5)) {
            var first = new Object();
            var second = new Mutex();
            var e =
                    assertThrows(
                            DeadlockException.class,
                            () ->
                                    sim.run(
                                            () -> {
                                                sim.handle()
                                                        .spawn("other", () -> both(first, second));
                                                second.lock();
                                                Thread.sleep(10);
                                                synchronized (first) {
                                                    return null;
                                                }
                                            }));
            String message = String.valueOf(e.getMessage());
            assertTrue(message.contains("main on local, BLOCKED"), message);
            assertTrue(message.contains("other on local, WAITING, waits on Mutex["), message);
            assertTrue(message.contains("at 0.010000000 s"), message);
        }
    }

    private static boolean both(Object first, Mutex second) throws InterruptedException {
        synchronized (first) {
            Thread.sleep(10);
            second.lock();
            return true;
        }
    }

    @Test
    void aRunThatGoesOnForEverEndsAtItsBounds() {
        try (var sim = SimulatedRuntime.builder().maxSteps(1_000).build()) {
            var e = assertThrows(RunawayException.class, () -> sim.run(() -> repeat(0)));
            assertTrue(String.valueOf(e.getMessage()).contains("1000 steps"), e::toString);
        }
        try (var sim = SimulatedRuntime.builder().maxTime(Duration.ofHours(1)).build()) {
            var e = assertThrows(RunawayException.class, () -> sim.run(() -> repeat(1)));
            assertTrue(String.valueOf(e.getMessage()).contains("main on local"), e::toString);
        }
    }

    private static boolean repeat(int pauseSeconds) throws InterruptedException {
        for (; ; ) {
            Thread.sleep(Duration.ofSeconds(pauseSeconds));
            Thread.yield();
        }
    }

    @Test
    void aStepThatDoesNotEndIsReportedWithItsPlace() {
        var end = new AtomicBoolean[] {new AtomicBoolean()};
        var sim =
                SimulatedRuntime.builder()
                        .preemption(0)
                        .stallTimeout(Duration.ofSeconds(2))
                        .build();
        try {
            var e = assertThrows(SimulationException.class, () -> sim.run(() -> compute(end)));
            assertTrue(String.valueOf(e.getMessage()).contains("compute("), e::toString);
        } finally {
            end[0].set(true);
            sim.close();
        }
    }

    private static boolean compute(AtomicBoolean[] end) {
        while (!end[0].get()) {}
        return true;
    }

    @Test
    void aFiberWokenByAnotherThreadIsReported() throws Exception {
        try (var sim = SimulatedRuntime.seeded(9)) {
            var future = new CompletableFuture<String>();
            var e =
                    assertThrows(
                            SimulationException.class,
                            () ->
                                    sim.run(
                                            () -> {
                                                sim.handle().spawn("waiter", () -> future.get());
                                                Thread.sleep(1);
                                                Thread outside =
                                                        Thread.ofPlatform()
                                                                .unstarted(
                                                                        () -> future.complete("x"));
                                                outside.start();
                                                while (outside.isAlive()) {
                                                    Thread.onSpinWait();
                                                }
                                                Thread.sleep(1);
                                                return null;
                                            }));
            assertTrue(String.valueOf(e.getMessage()).contains("was woken by"), e::toString);
        }
    }

    // ---- inside and outside ----

    @Test
    void whatTheTaskThrowsComesOut() {
        try (var sim = SimulatedRuntime.seeded(1)) {
            assertThrows(IOException.class, () -> sim.run(SimulatedRuntimeTest::fail));
            assertThrows(AssertionError.class, () -> sim.run(() -> Integer.valueOf(wrong())));
        }
    }

    private static boolean fail() throws IOException {
        throw new IOException("as told");
    }

    private static int wrong() {
        throw new AssertionError("as told");
    }

    @Test
    void fibersThatAreLeftGoOnWithTheNextRun() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            var ticks = new AtomicInteger();
            JoinHandle<Boolean> left =
                    sim.run(
                            () ->
                                    Handle.current()
                                            .spawn(
                                                    () -> {
                                                        for (int i = 0; i < 10; i++) {
                                                            Thread.sleep(1_000);
                                                            ticks.incrementAndGet();
                                                        }
                                                        return true;
                                                    }));
            assertFalse(left.isDone());
            sim.advance(Duration.ofMillis(3_500));
            assertEquals(3, ticks.get());
            boolean result = sim.run(left::join);
            assertTrue(result);
            assertEquals(10, ticks.get());
        }
    }

    @Test
    void fibersCanBeStartedFromOutsideBetweenRuns() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            JoinHandle<Integer> one = sim.handle().spawn(() -> 1);
            sim.handle().execute(() -> {});
            assertFalse(one.isDone());
            int result = sim.run(one::join);
            assertEquals(1, result);
        }
    }

    @Test
    void closingCancelsWhatIsLeft() throws Exception {
        var sim = SimulatedRuntime.seeded(1);
        var interrupted = new AtomicBoolean();
        JoinHandle<Boolean> left = sim.handle().spawn(() -> sleepLong(interrupted));
        sim.advance(Duration.ofSeconds(1));
        sim.close();
        sim.close();
        assertTrue(left.isCancelled());
        assertTrue(interrupted.get());
        assertThrows(RejectedExecutionException.class, () -> sim.handle().execute(() -> {}));
        assertThrows(RejectedExecutionException.class, () -> sim.run(() -> 1));
    }

    private static boolean sleepLong(AtomicBoolean interrupted) {
        try {
            Thread.sleep(Duration.ofDays(1));
        } catch (InterruptedException e) {
            interrupted.set(true);
        }
        return true;
    }

    @Test
    void aFiberCannotRunItsOwnSimulation() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            sim.run(
                    () -> {
                        assertThrows(IllegalStateException.class, () -> sim.run(() -> 1));
                        assertThrows(IllegalStateException.class, sim::close);
                        return null;
                    });
        }
    }

    @Test
    void blockingTasksRunInVirtualTimeAsWell() throws Exception {
        try (var sim = SimulatedRuntime.seeded(1)) {
            int result =
                    sim.run(
                            () ->
                                    Handle.current()
                                            .<Integer>spawnBlocking(
                                                    () -> {
                                                        Thread.sleep(Duration.ofHours(3));
                                                        return 3;
                                                    })
                                            .join());
            assertEquals(3, result);
            assertEquals(Duration.ofHours(3), sim.time());
        }
    }

    @Test
    void anInterruptedCallerStopsTheSimulation() throws Exception {
        try (var sim = SimulatedRuntime.builder().maxSteps(Long.MAX_VALUE).build()) {
            var thrown = new CompletableFuture<Throwable>();
            Thread caller =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        try {
                                            sim.run(() -> repeat(0));
                                        } catch (Throwable t) {
                                            thrown.complete(t);
                                        }
                                    });
            while (sim.steps() == 0) {
                Thread.sleep(1);
            }
            caller.interrupt();
            assertInstanceOf(InterruptedException.class, thrown.get());
            caller.join();
        }
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        var builder = SimulatedRuntime.builder();
        assertThrows(IllegalArgumentException.class, () -> builder.preemption(1.1));
        assertThrows(IllegalArgumentException.class, () -> builder.preemption(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> builder.maxSteps(0));
        assertThrows(IllegalArgumentException.class, () -> builder.maxTime(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> builder.traceLength(0));
        assertThrows(IllegalArgumentException.class, () -> builder.stepTime(Duration.ofNanos(-1)));
    }
}
