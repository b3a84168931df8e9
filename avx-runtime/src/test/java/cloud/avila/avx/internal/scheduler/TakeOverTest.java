package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** A stuck task holds its thread, but not what waits for its worker. */
class TakeOverTest {
    private final Logger logger = Logger.getLogger(Watchdog.class.getName());

    @BeforeEach
    void silence() {
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void speak() {
        logger.setUseParentHandlers(true);
    }

    private static AvxRuntime runtime(int workers) {
        return runtime(workers, Duration.ofMillis(30));
    }

    private static AvxRuntime runtime(int workers, Duration stallThreshold) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("taken")
                        .workerThreads(workers)
                        .stallThreshold(stallThreshold)
                        .build());
    }

    private static void spinUntil(AtomicBoolean stop) {
        while (!stop.get()) {
            Thread.onSpinWait();
        }
    }

    /** Makes every worker stuck in the code and shows that everything else goes on. */
    private static void everythingGoesOnDespite(Callable<?> stuck, Runnable release)
            throws Exception {
        try (var rt = runtime(2)) {
            var inside = new CountDownLatch(2);
            var stuckFibers = new ArrayList<JoinHandle<?>>();
            for (int i = 0; i < 2; i++) {
                stuckFibers.add(
                        rt.spawn(
                                () -> {
                                    inside.countDown();
                                    return stuck.call();
                                }));
            }
            assertTrue(inside.await(60, TimeUnit.SECONDS));
            try {
                assertEquals("fiber", rt.spawn(() -> "fiber").join());
                rt.spawn(
                                () -> {
                                    for (int i = 0; i < 20; i++) {
                                        Thread.sleep(1);
                                    }
                                    return null;
                                })
                        .join();
                rt.spawn(() -> echo(rt)).join();
                // one worker is enough for what waits here
                awaitTakeOvers(rt, 1);
                assertTrue(rt.metrics().takeOvers() >= 1, () -> rt.metrics().toString());
                assertTrue(rt.metrics().threadsAway() >= 1);
            } finally {
                release.run();
            }
            for (JoinHandle<?> fiber : stuckFibers) {
                fiber.join();
            }
            awaitNoThreadAway(rt);
        }
    }

    private static Void echo(AvxRuntime rt) throws Exception {
        try (var listener = TcpListener.bind("127.0.0.1", 0)) {
            var server =
                    rt.spawn(
                            () -> {
                                try (TcpStream peer = listener.accept()) {
                                    var buffer = ByteBuffer.allocate(1);
                                    while (peer.read(buffer.clear()) > 0) {
                                        peer.writeAll(buffer.flip());
                                    }
                                }
                                return null;
                            });
            try (var client = TcpStream.connect("127.0.0.1", listener.localAddress().getPort())) {
                for (byte i = 0; i < 20; i++) {
                    client.writeAll(ByteBuffer.wrap(new byte[] {i}));
                    var reply = ByteBuffer.allocate(1);
                    assertEquals(1, client.read(reply));
                    assertEquals(i, reply.get(0));
                }
            }
            server.join();
        }
        return null;
    }

    /** The watchdog counts after the new thread has begun to work. */
    private static void awaitTakeOvers(AvxRuntime rt, int count) throws InterruptedException {
        for (int i = 0; rt.metrics().takeOvers() < count && i < 12_000; i++) {
            Thread.sleep(5);
        }
    }

    private static void awaitNoThreadAway(AvxRuntime rt) throws InterruptedException {
        for (int i = 0; rt.metrics().threadsAway() > 0 && i < 12_000; i++) {
            Thread.sleep(5);
        }
        assertEquals(0, rt.metrics().threadsAway());
    }

    @Test
    void whenNoWorkerGetsOnOneIsTakenOverLongBeforeTheThreshold() throws Exception {
        var stop = new AtomicBoolean();
        try (var rt = runtime(2, Duration.ofHours(1))) {
            var loops = new ArrayList<JoinHandle<?>>();
            for (int i = 0; i < 12; i++) {
                loops.add(
                        rt.spawn(
                                () -> {
                                    spinUntil(stop);
                                    return null;
                                }));
            }
            try {
                awaitTakeOvers(rt, 2);
                Thread.sleep(200);
                // mere computing may look like this: as many threads as workers are added, no more
                assertEquals(2, rt.metrics().threadsAway());
                assertEquals(2, rt.metrics().takeOvers());
                assertEquals(0, rt.metrics().stalls());
            } finally {
                stop.set(true);
            }
            for (JoinHandle<?> loop : loops) {
                loop.join();
            }
            awaitNoThreadAway(rt);
        }
    }

    @Test
    void whoLostItsWorkerEarlyIsReportedAtTheThresholdAllTheSame() throws Exception {
        var stop = new AtomicBoolean();
        var reports = new ConcurrentLinkedQueue<String>();
        var handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord record) {
                        reports.add(record.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        logger.addHandler(handler);
        try (var rt = runtime(1, Duration.ofMillis(400))) {
            var inside = new CountDownLatch(1);
            var loop =
                    rt.spawn(
                            "loops",
                            () -> {
                                inside.countDown();
                                spinUntil(stop);
                                return null;
                            });
            try {
                assertTrue(inside.await(60, TimeUnit.SECONDS));
                rt.spawn(() -> "runs although the only worker is busy").join();
                for (int i = 0; rt.metrics().stalls() == 0 && i < 12_000; i++) {
                    Thread.sleep(5);
                }
                Thread.sleep(100);
            } finally {
                stop.set(true);
            }
            loop.join();
            awaitNoThreadAway(rt);
            assertEquals(1, rt.metrics().stalls());
            assertEquals(1, rt.metrics().takeOvers());
        } finally {
            logger.removeHandler(handler);
        }
        assertEquals(1, reports.size(), reports::toString);
        String report = reports.element();
        assertTrue(report.contains("fiber \"loops\""), report);
        assertTrue(report.contains("TakeOverTest.spinUntil"), report);
    }

    @Test
    void endlessLoopsOnEveryWorker() throws Exception {
        var stop = new AtomicBoolean();
        everythingGoesOnDespite(
                () -> {
                    spinUntil(stop);
                    return null;
                },
                () -> stop.set(true));
    }

    @Test
    void longNativeCalls() throws Exception {
        MethodHandle usleep =
                Linker.nativeLinker()
                        .downcallHandle(
                                Linker.nativeLinker().defaultLookup().find("usleep").orElseThrow(),
                                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        var stop = new AtomicBoolean();
        everythingGoesOnDespite(
                () -> {
                    try {
                        int result = 0;
                        while (!stop.get()) {
                            result |= (int) usleep.invokeExact(400_000);
                        }
                        return result;
                    } catch (Throwable e) {
                        throw new AssertionError(e);
                    }
                },
                () -> stop.set(true));
    }

    private static final CountDownLatch INITIALIZED = new CountDownLatch(1);

    private static final class SlowToInitialize {
        static final long DONE;

        static {
            try {
                INITIALIZED.await();
            } catch (InterruptedException e) {
                throw new ExceptionInInitializerError(e);
            }
            DONE = System.nanoTime();
        }
    }

    @Test
    void aClassInitializerThatWaits() throws Exception {
        everythingGoesOnDespite(() -> SlowToInitialize.DONE, INITIALIZED::countDown);
    }

    @Test
    void aJobThatBlocksOnAMonitor() throws Exception {
        var monitor = new Object();
        var held = new CountDownLatch(1);
        var release = new CountDownLatch(1);
        var holder =
                new Thread(
                        () -> {
                            synchronized (monitor) {
                                held.countDown();
                                try {
                                    release.await();
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            }
                        });
        holder.start();
        held.await();
        try (var rt = runtime(1)) {
            var entered = new CountDownLatch(1);
            rt.handle()
                    .execute(
                            () -> {
                                synchronized (monitor) {
                                    entered.countDown();
                                }
                            });
            assertEquals(1, rt.spawn(() -> 1).join());
            assertFalse(entered.await(0, TimeUnit.SECONDS));
            release.countDown();
            assertTrue(entered.await(60, TimeUnit.SECONDS));
            awaitNoThreadAway(rt);
        }
        holder.join();
    }

    @Test
    void whatAStuckTaskLeftInItsLifoSlotRuns() throws Exception {
        try (var rt = runtime(1)) {
            var stop = new AtomicBoolean();
            var child = new CountDownLatch(1);
            var stuck =
                    rt.spawn(
                            () -> {
                                rt.handle().execute(child::countDown);
                                spinUntil(stop);
                                return null;
                            });
            assertTrue(child.await(60, TimeUnit.SECONDS));
            stop.set(true);
            stuck.join();
        }
    }

    @Test
    void withoutWaitingWorkNobodyTakesOver() throws Exception {
        try (var rt = runtime(2)) {
            var stop = new AtomicBoolean();
            var stuck =
                    rt.spawn(
                            () -> {
                                spinUntil(stop);
                                return null;
                            });
            Thread.sleep(200);
            assertEquals(0, rt.metrics().takeOvers());
            stop.set(true);
            stuck.join();
        }
    }

    /** A watchdog that has slept takes the time it slept for none of the work it finds. */
    @Test
    void shortWorkAfterASleepLosesNoWorker() throws Exception {
        try (var rt = runtime(1, Duration.ofHours(1))) {
            for (int quick = 0; quick < 20; ) {
                Thread.sleep(60); // worker and watchdog sleep
                var threads = ConcurrentHashMap.<Thread>newKeySet();
                var done = new CountDownLatch(3);
                long start = System.nanoTime();
                for (int i = 0; i < 3; i++) {
                    rt.handle()
                            .execute(
                                    () -> {
                                        threads.add(Thread.currentThread());
                                        long end = System.nanoTime() + 4_000_000;
                                        while (System.nanoTime() - end < 0) {
                                            Thread.onSpinWait();
                                        }
                                        done.countDown();
                                    });
                }
                assertTrue(done.await(60, TimeUnit.SECONDS));
                // on a busy machine the worker may lack a processor for long enough
                if (System.nanoTime() - start < 20_000_000) {
                    quick++;
                    assertEquals(1, threads.size(), threads::toString);
                }
            }
        }
    }

    @Test
    void takeOverCanBeSwitchedOff() throws Exception {
        var config =
                RuntimeConfig.builder()
                        .workerThreads(1)
                        .stallThreshold(Duration.ofMillis(20))
                        .takeOver(false)
                        .build();
        try (var rt = AvxRuntime.create(config)) {
            var stop = new AtomicBoolean();
            var inside = new CountDownLatch(1);
            rt.spawn(
                    () -> {
                        inside.countDown();
                        spinUntil(stop);
                        return null;
                    });
            assertTrue(inside.await(60, TimeUnit.SECONDS));
            var waiting = rt.spawn(() -> 1);
            Thread.sleep(150);
            assertFalse(waiting.isDone());
            assertEquals(0, rt.metrics().takeOvers());
            stop.set(true);
            assertEquals(1, waiting.join());
        }
    }

    /** The slot changes hands while the stuck fibers use it all the time. */
    @Test
    void nothingIsLostWhenTheStuckTaskKeepsSpawning() throws Exception {
        long seed = System.nanoTime();
        var random = new Random(seed);
        try (var rt = runtime(2)) {
            var ran = new LongAdder();
            long expected = 0;
            for (int round = 0; round < 8; round++) {
                int spawners = 1 + random.nextInt(4);
                var done = new CountDownLatch(spawners);
                var spawned = new LongAdder();
                for (int s = 0; s < spawners; s++) {
                    long end = System.nanoTime() + (40 + random.nextInt(60)) * 1_000_000L;
                    rt.spawn(
                            () -> {
                                while (System.nanoTime() - end < 0) {
                                    for (int i = 0; i < 10; i++) {
                                        rt.handle().execute(ran::increment);
                                        rt.spawn(
                                                () -> {
                                                    ran.increment();
                                                    return null;
                                                });
                                        spawned.add(2);
                                    }
                                    for (int i = 0; i < 2_000; i++) {
                                        Thread.onSpinWait();
                                    }
                                }
                                done.countDown();
                                return null;
                            });
                }
                assertTrue(done.await(60, TimeUnit.SECONDS), () -> "seed " + seed);
                expected += spawned.sum();
            }
            // the end of a task is counted after its last line, and after the latch
            for (int i = 0; rt.metrics().live() > 0 && i < 12_000; i++) {
                Thread.sleep(5);
            }
            long all = expected;
            assertEquals(all, ran.sum(), () -> "seed " + seed + ": " + rt.metrics());
            awaitNoThreadAway(rt);
            var metrics = rt.metrics();
            assertEquals(
                    metrics.spawned(),
                    metrics.completed() + metrics.failed() + metrics.cancelled(),
                    () -> "seed " + seed);
        }
    }

    @Test
    void blockingInPlaceFreesTheWorkerAtOnce() throws Exception {
        var config = RuntimeConfig.builder().workerThreads(1).stallThreshold(Duration.ZERO).build();
        try (var rt = AvxRuntime.create(config)) {
            var stop = new AtomicBoolean();
            var local = new ThreadLocal<String>();
            var blocked =
                    rt.spawn(
                            () -> {
                                local.set("still here");
                                Thread before = Thread.currentThread();
                                String result =
                                        Handle.blockInPlace(
                                                () -> {
                                                    spinUntil(stop);
                                                    return local.get();
                                                });
                                assertEquals(before, Thread.currentThread());
                                return result;
                            });
            for (int i = 0; i < 100; i++) {
                int n = i;
                assertEquals(n, rt.spawn(() -> n).join());
            }
            stop.set(true);
            assertEquals("still here", blocked.join());
            awaitNoThreadAway(rt);
            assertEquals(0, rt.metrics().takeOvers());
        }
    }

    @Test
    void manyBlockInPlaceAtATimeAndReuseThreads() throws Exception {
        try (var rt = runtime(2)) {
            var running = new AtomicInteger();
            var fibers = new ArrayList<JoinHandle<Integer>>();
            for (int i = 0; i < 400; i++) {
                fibers.add(
                        rt.spawn(
                                () ->
                                        Handle.blockInPlace(
                                                () -> {
                                                    running.incrementAndGet();
                                                    Thread.sleep(1);
                                                    return running.decrementAndGet();
                                                })));
            }
            for (JoinHandle<Integer> fiber : fibers) {
                assertTrue(fiber.join() >= 0);
            }
            awaitNoThreadAway(rt);
        }
    }

    /** The watchdog may take a slot from a spare thread that has been given it and sleeps still. */
    @Test
    void aSpareThreadThatLosesItsSlotBeforeItWakesUpComesBack() throws Exception {
        try (var rt = runtime(1, Duration.ZERO)) {
            var scheduler =
                    (WorkStealingScheduler)
                            OpenSchedulers.all().stream()
                                    .filter(s -> s.name().equals("taken"))
                                    .findFirst()
                                    .orElseThrow();
            for (boolean lost = false; !lost; ) {
                rt.spawn(() -> Handle.blockInPlace(() -> 1)).join(); // leaves a spare thread
                awaitNoThreadAway(rt);
                lost = rt.spawn(() -> takeTwice(scheduler)).join();
                awaitNoThreadAway(rt);
            }
            assertEquals(7, rt.spawn(() -> Handle.blockInPlace(() -> 7)).join());
            awaitNoThreadAway(rt);
        }
    }

    /** Hands the worker's slot on, and on again; false if the first to get it was awake by then. */
    private static boolean takeTwice(WorkStealingScheduler scheduler) {
        Worker slot = scheduler.workers[0];
        scheduler.leaveWorker();
        WorkerThread spare = slot.thread;
        if (!scheduler.spares.reserve()) {
            throw new AssertionError("too many threads are away");
        }
        if (!spare.revoke()) {
            scheduler.spares.unreserve();
            return false;
        }
        scheduler.handOn(spare);
        return true;
    }

    @Test
    void blockInPlaceOutsideARuntimeJustRunsTheCode() throws Exception {
        assertEquals(7, Handle.blockInPlace(() -> 7));
    }

    @Test
    void closingDoesNotWaitForeverForAThreadThatIsAway() throws Exception {
        var stop = new AtomicBoolean();
        var config =
                RuntimeConfig.builder()
                        .workerThreads(1)
                        .stallThreshold(Duration.ofMillis(20))
                        .shutdownTimeout(Duration.ofMillis(50))
                        .build();
        var rt = AvxRuntime.create(config);
        rt.spawn(
                () -> {
                    spinUntil(stop);
                    return null;
                });
        assertEquals(1, rt.spawn(() -> 1).join());
        long start = System.nanoTime();
        rt.close();
        assertTrue(rt.isClosed());
        assertTrue(System.nanoTime() - start < 60_000_000_000L);
        stop.set(true);
    }
}
