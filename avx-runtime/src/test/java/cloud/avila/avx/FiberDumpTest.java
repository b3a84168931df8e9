package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.TaskKind;
import cloud.avila.avx.metrics.TaskSnapshot;
import cloud.avila.avx.metrics.TaskState;
import cloud.avila.avx.metrics.Wait;
import cloud.avila.avx.metrics.WorkerState;
import cloud.avila.avx.net.TcpListener;
import cloud.avila.avx.net.TcpStream;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.Semaphore;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.TinyJson;
import cloud.avila.avx.time.Sleep;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

class FiberDumpTest {
    private static AvxRuntime runtime(FiberAccess access) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("dumped")
                        .workerThreads(2)
                        .fiberAccess(access)
                        .stallThreshold(Duration.ZERO)
                        .shutdownTimeout(Duration.ZERO)
                        .build());
    }

    private static AvxRuntime runtime() {
        return runtime(FiberAccess.AUTO);
    }

    /** The task of a name as soon as it is as expected. */
    private static TaskSnapshot await(AvxRuntime rt, String name, Predicate<TaskSnapshot> expected)
            throws Exception {
        FiberDump dump = rt.dumpFibers();
        for (int i = 0; i < 6_000; i++) {
            for (TaskSnapshot task : dump.tasks()) {
                if (task.name().equals(name) && expected.test(task)) {
                    return task;
                }
            }
            Thread.sleep(5);
            dump = rt.dumpFibers();
        }
        throw new AssertionError("no such task \"" + name + "\" in\n" + dump.toText());
    }

    private static TaskSnapshot await(AvxRuntime rt, String name, TaskState state)
            throws Exception {
        return await(rt, name, task -> task.state() == state);
    }

    private static Wait waitOf(TaskSnapshot task) {
        return Objects.requireNonNull(task.waitsOn(), task::toString);
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void aFiberThatWaitsForAMutexShowsWhoHoldsIt(FiberAccess access) throws Exception {
        try (var rt = runtime(access)) {
            var mutex = new Mutex();
            var release = new CountDownLatch(1);
            var holder =
                    rt.spawn(
                            "holder",
                            () -> {
                                try (var g = mutex.acquire()) {
                                    release.await();
                                }
                                return 0;
                            });
            await(rt, "holder", TaskState.WAITING);
            var waiter =
                    rt.spawn(
                            "waiter",
                            () -> {
                                try (var g = mutex.acquire()) {
                                    return 1;
                                }
                            });
            TaskSnapshot task = await(rt, "waiter", TaskState.WAITING);
            assertEquals(waiter.id(), task.id());
            assertEquals(TaskKind.FIBER, task.kind());
            assertEquals("normal", task.lane());
            assertFalse(task.cancelled());
            assertNull(task.worker());
            assertTrue(task.thread() != 0);
            assertTrue(task.age().isPositive());
            assertTrue(
                    task.stack().stream().anyMatch(f -> f.getClassName().contains("FiberDumpTest")),
                    task.toString());
            Wait wait = waitOf(task);
            assertEquals("holder", wait.holder());
            assertEquals(holder.id(), wait.holderId());
            assertTrue(wait.description().startsWith("Mutex[held by"), wait.description());
            // a lock that is not ours: its class, and nobody named
            Wait latch = waitOf(await(rt, "holder", TaskState.WAITING));
            assertTrue(latch.description().contains("CountDownLatch"), latch.description());
            assertNull(latch.holder());
            release.countDown();
            assertEquals(1, waiter.join());
        }
    }

    @Test
    void aFiberThatJoinsShowsTheTaskItJoins() throws Exception {
        try (var rt = runtime()) {
            var release = new CountDownLatch(1);
            var slow =
                    rt.spawnBlocking(
                            () -> {
                                release.await();
                                return 1;
                            });
            var joiner = rt.spawn("joiner", () -> slow.join());
            TaskSnapshot task = await(rt, "joiner", TaskState.WAITING);
            assertEquals("end of " + slow.name(), waitOf(task).description());
            assertEquals(slow.id(), waitOf(task).holderId());
            TaskSnapshot joined = await(rt, slow.name(), TaskState.WAITING);
            assertEquals(TaskKind.BLOCKING, joined.kind());
            assertTrue(String.valueOf(joined.worker()).contains("-blocking-"), joined.toString());
            release.countDown();
            assertEquals(1, joiner.join());
        }
    }

    @Test
    void whatItWaitsOnIsDescribed() throws Exception {
        try (var rt = runtime()) {
            var semaphore = new Semaphore(2);
            rt.spawn("permits", () -> semaphore.acquire(3));
            var channel = Mpsc.<Integer>bounded(1);
            rt.spawn("receiver", () -> channel.receiver().recv());
            var full = Mpsc.<Integer>bounded(1);
            rt.spawn(
                    "sender",
                    () -> {
                        full.sender().send(1);
                        full.sender().send(2);
                        return 0;
                    });
            rt.spawn(
                    "sleeper",
                    () -> {
                        Sleep.of(Duration.ofMinutes(1));
                        return 0;
                    });
            var mutex = new Mutex();
            var condition = mutex.newCondition();
            rt.spawn(
                    "condition",
                    () -> {
                        mutex.lock();
                        condition.await();
                        return 0;
                    });
            var lock = new ReentrantLock();
            lock.lock();
            rt.spawn(
                    "juc",
                    () -> {
                        lock.lock();
                        return 0;
                    });
            assertEquals(
                    "3 permits of Semaphore[available=2, limit=2]",
                    waitOf(await(rt, "permits", TaskState.WAITING)).description());
            assertEquals(
                    "Mpsc[length=0, capacity=1]",
                    waitOf(await(rt, "receiver", TaskState.WAITING)).description());
            assertEquals(
                    "Mpsc[length=1, capacity=1]",
                    waitOf(await(rt, "sender", TaskState.WAITING)).description());
            assertEquals(
                    "Sleep[PT1M]",
                    waitOf(await(rt, "sleeper", TaskState.TIMED_WAITING)).description());
            assertEquals(
                    "Condvar[of Mutex[free]]",
                    waitOf(await(rt, "condition", TaskState.WAITING)).description());
            Wait juc = waitOf(await(rt, "juc", TaskState.WAITING));
            assertTrue(
                    juc.description().matches("java\\.util\\.concurrent\\.locks\\..*@[0-9a-f]+"),
                    juc.description());
            lock.unlock();
        }
    }

    @Test
    void aFiberThatReadsASocketShowsItsEnds() throws Exception {
        try (var rt = runtime();
                var guard = rt.enter();
                var listener =
                        TcpListener.bind(
                                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                var client = TcpStream.connect(listener.localAddress());
                var server = listener.accept()) {
            rt.spawn("reader", () -> server.read(new byte[1], 0, 1));
            Wait wait = waitOf(await(rt, "reader", TaskState.WAITING));
            String port = String.valueOf(client.localAddress().getPort());
            assertTrue(wait.description().contains(port), wait.description());
        }
    }

    @Test
    void runningTasksShowTheirWorker() throws Exception {
        var stop = new AtomicBoolean();
        try (var rt = runtime()) {
            rt.spawn("busy-fiber", () -> spinUntil(stop));
            rt.spawnFuture("busy-poll", cx -> Poll.ready(spinUntil(stop)));
            var running = await(rt, "busy-fiber", TaskState.RUNNING);
            assertTrue(
                    String.valueOf(running.worker()).startsWith("dumped-worker-"),
                    running.toString());
            assertNull(running.waitsOn());
            var polled = await(rt, "busy-poll", TaskState.RUNNING);
            assertEquals(TaskKind.POLL_TASK, polled.kind());
            assertTrue(
                    String.valueOf(polled.worker()).startsWith("dumped-worker-"),
                    polled.toString());
            // both workers are busy, so this one has to wait
            rt.spawn("late", () -> 1);
            FiberDump dump = rt.dumpFibers();
            assertEquals(
                    2,
                    dump.workers().stream().filter(w -> w.state() == WorkerState.RUNNING).count());
            assertEquals(3, dump.live());
            assertEquals(1L, dump.states().get(TaskState.QUEUED), dump.toText());
            assertTrue(dump.injectionQueueDepth() >= 1, dump.toText());
            TaskSnapshot late = await(rt, "late", TaskState.QUEUED);
            assertEquals(List.of(), late.stack());
            stop.set(true);
        } finally {
            stop.set(true);
        }
    }

    @Test
    void aPollTaskThatWaitsForItsWakerIsWaiting() throws Exception {
        try (var rt = runtime()) {
            rt.spawnFuture("idle-poll", Futures.sleep(Duration.ofMinutes(1)));
            TaskSnapshot task = await(rt, "idle-poll", TaskState.WAITING);
            assertNull(task.worker());
            assertEquals(0, task.thread());
        }
    }

    @Test
    void aCancelledTaskThatRunsOnIsListedAsCancelled() throws Exception {
        try (var rt = runtime()) {
            var mutex = new Mutex();
            mutex.lock();
            var stubborn =
                    rt.spawn(
                            "stubborn",
                            () -> {
                                mutex.lock();
                                mutex.unlock();
                                return 0;
                            });
            await(rt, "stubborn", TaskState.WAITING);
            stubborn.cancel(true);
            TaskSnapshot task =
                    await(rt, "stubborn", t -> t.cancelled() && t.state() == TaskState.WAITING);
            assertEquals(Thread.currentThread().getName(), waitOf(task).holder());
            assertEquals(0, waitOf(task).holderId());
            mutex.unlock();
        }
    }

    @Test
    void tasksAreChosenByNameAndState() throws Exception {
        try (var rt = runtime()) {
            var release = new CountDownLatch(1);
            for (int i = 0; i < 10; i++) {
                rt.spawn("even-or-odd-" + i % 2, () -> await(release));
            }
            rt.spawn("sleeping", () -> sleepLong());
            await(rt, "sleeping", TaskState.TIMED_WAITING);
            while (rt.dumpFibers().states().getOrDefault(TaskState.WAITING, 0L) < 10) {
                Thread.sleep(1);
            }
            var options = FiberDump.Options.defaults();
            assertEquals(5, rt.dumpFibers(options.withNameContaining("odd-1")).tasks().size());
            var sleeping = rt.dumpFibers(options.withStates(TaskState.TIMED_WAITING));
            assertEquals("sleeping", sleeping.tasks().getFirst().name());
            assertEquals(1, sleeping.tasks().size());
            assertEquals(0, sleeping.omitted());
            assertEquals(11, sleeping.live());
            release.countDown();
        }
    }

    @Test
    void aDumpOfManyFibersIsBoundedAndKeepsTheOldest() throws Exception {
        int fibers = 100_000;
        try (var rt = runtime()) {
            var release = new CountDownLatch(1);
            for (int i = 0; i < fibers; i++) {
                rt.spawn(() -> await(release));
            }
            while (rt.dumpFibers().states().getOrDefault(TaskState.WAITING, 0L) < fibers) {
                Thread.sleep(10);
            }
            var options =
                    FiberDump.Options.defaults()
                            .withMaxTasks(50)
                            .withMaxStacks(20)
                            .withStackDepth(3);
            FiberDump dump = rt.dumpFibers(options);
            assertEquals(50, dump.tasks().size());
            assertEquals(fibers - 50, dump.omitted());
            assertEquals(20, dump.tasks().stream().filter(t -> !t.stack().isEmpty()).count());
            assertTrue(dump.tasks().stream().allMatch(t -> t.stack().size() <= 3));
            for (int i = 1; i < 50; i++) {
                assertTrue(dump.tasks().get(i - 1).age().compareTo(dump.tasks().get(i).age()) >= 0);
            }
            assertTrue(dump.toText().length() < 100_000);
            assertNotNull(TinyJson.parse(dump.toJson()));
            release.countDown();
            while (rt.metrics().live() > 0) {
                Thread.sleep(10); // so many that outlive their runtime would be in others' way
            }
        }
    }

    @Test
    void dumpsOfARuntimeInFullSwingShowWhatFits() throws Exception {
        var stop = new AtomicBoolean();
        try (var rt = runtime()) {
            var mutex = new Mutex();
            for (int i = 0; i < 20; i++) {
                String name = "churn-" + i;
                rt.spawn(
                        name,
                        () -> {
                            while (!stop.get()) {
                                JoinHandle<Integer> child =
                                        rt.spawn(
                                                name + "-child",
                                                () -> {
                                                    try (var g = mutex.acquire()) {
                                                        Thread.yield();
                                                        return 1;
                                                    }
                                                });
                                assertEquals(1, child.join());
                            }
                            return 0;
                        });
            }
            long start = System.nanoTime();
            for (int i = 0; i < 300 && System.nanoTime() - start < 20_000_000_000L; i++) {
                FiberDump dump = rt.dumpFibers();
                for (TaskSnapshot task : dump.tasks()) {
                    for (StackTraceElement frame : task.stack()) {
                        // a fiber of ours never shows what is between two tasks of its thread
                        assertFalse(frame.getMethodName().equals("endAndNext"), task.toString());
                    }
                }
                assertNotNull(TinyJson.parse(dump.toJson()));
            }
            stop.set(true);
        } finally {
            stop.set(true);
        }
    }

    private static int await(CountDownLatch latch) throws InterruptedException {
        latch.await();
        return 0;
    }

    private static int sleepLong() throws InterruptedException {
        Thread.sleep(60_000);
        return 0;
    }

    private static int spinUntil(AtomicBoolean stop) {
        while (!stop.get()) {
            Thread.onSpinWait();
        }
        return 0;
    }
}
