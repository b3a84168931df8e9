package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.RwLock;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

class DeadlockTest {
    private static AvxRuntime runtime() {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("locked")
                        .workerThreads(2)
                        .stallThreshold(Duration.ZERO)
                        .shutdownTimeout(Duration.ZERO)
                        .build());
    }

    private static Deadlock awaitDeadlock(AvxRuntime rt) throws InterruptedException {
        List<Deadlock> found = rt.findDeadlocks();
        for (int i = 0; found.isEmpty() && i < 6_000; i++) {
            Thread.sleep(5);
            found = rt.findDeadlocks();
        }
        assertEquals(1, found.size(), () -> rt.dumpFibers().toText());
        assertEquals(
                found.getFirst().members().size(),
                rt.dumpFibers().deadlocks().getFirst().members().size());
        return found.getFirst();
    }

    private static Set<String> names(Deadlock deadlock) {
        var names = new HashSet<String>();
        deadlock.members().forEach(m -> names.add(m.name()));
        return names;
    }

    /** Each member waits for what the next one holds. */
    private static void checkCircle(Deadlock deadlock) {
        var members = deadlock.members();
        for (int i = 0; i < members.size(); i++) {
            Deadlock.Member next = members.get((i + 1) % members.size());
            assertEquals(next.name(), members.get(i).waitsOn().holder(), deadlock.toString());
            assertEquals(next.id(), members.get(i).waitsOn().holderId(), deadlock.toString());
            assertTrue(
                    members.get(i).stack().stream()
                            .anyMatch(f -> f.getClassName().contains("DeadlockTest")),
                    deadlock.toString());
        }
    }

    /** Fibers in a circle, each of which has one mutex and wants the next one's. */
    private static void lockInACircle(AvxRuntime rt, int fibers) {
        var mutexes = new ArrayList<Mutex>();
        for (int i = 0; i < fibers; i++) {
            mutexes.add(new Mutex());
        }
        var allHaveOne = new CyclicBarrier(fibers);
        for (int i = 0; i < fibers; i++) {
            Mutex mine = mutexes.get(i);
            Mutex next = mutexes.get((i + 1) % fibers);
            rt.spawn(
                    "philosopher-" + i,
                    () -> {
                        try (var a = mine.acquire()) {
                            allHaveOne.await();
                            try (var b = next.acquire()) {
                                return 0;
                            }
                        }
                    });
        }
    }

    @Test
    void twoFibersThatWantEachOthersMutexAreFound() throws Exception {
        try (var rt = runtime()) {
            lockInACircle(rt, 2);
            Deadlock deadlock = awaitDeadlock(rt);
            assertEquals(Set.of("philosopher-0", "philosopher-1"), names(deadlock));
            checkCircle(deadlock);
            String text = rt.dumpFibers().toText();
            assertTrue(text.contains("Deadlock of 2:"), text);
            assertTrue(text.contains("waits on Mutex[held by"), text);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCircleByWayOfAReadWriteLockIsFound(boolean reads) throws Exception {
        try (var rt = runtime()) {
            var mutex = new Mutex();
            var lock = new RwLock("accounts");
            var both = new CyclicBarrier(2);
            rt.spawn(
                    "writer",
                    () -> {
                        try (var w = lock.write()) {
                            both.await();
                            try (var g = mutex.acquire()) {
                                return 0;
                            }
                        }
                    });
            rt.spawn(
                    "locker",
                    () -> {
                        try (var g = mutex.acquire()) {
                            both.await();
                            try (var r = reads ? lock.read() : lock.write()) {
                                return 0;
                            }
                        }
                    });
            Deadlock deadlock = awaitDeadlock(rt);
            assertEquals(Set.of("writer", "locker"), names(deadlock));
            checkCircle(deadlock);
            String text = deadlock.toString();
            assertTrue(text.contains("RwLock \"accounts\"["), text);
        }
    }

    @Test
    void circlesOfThreeAreFoundOnceEachAndThoseWhoWaitForThemAreNoPart() throws Exception {
        try (var rt = runtime()) {
            lockInACircle(rt, 3);
            Deadlock deadlock = awaitDeadlock(rt);
            checkCircle(deadlock);
            assertEquals(3, deadlock.members().size());
            lockInACircle(rt, 5);
            while (rt.findDeadlocks().size() < 2) {
                Thread.sleep(5);
            }
            assertEquals(
                    Set.of(3, 5),
                    Set.copyOf(rt.findDeadlocks().stream().map(d -> d.members().size()).toList()));
        }
    }

    @Test
    void aFiberThatJoinsOneThatWantsItsMutexIsFound() throws Exception {
        try (var rt = runtime()) {
            var mutex = new Mutex();
            rt.spawn(
                    "parent",
                    () -> {
                        try (var g = mutex.acquire()) {
                            return rt.spawn(
                                            "child",
                                            () -> {
                                                try (var h = mutex.acquire()) {
                                                    return 1;
                                                }
                                            })
                                    .join();
                        }
                    });
            Deadlock deadlock = awaitDeadlock(rt);
            assertEquals(Set.of("parent", "child"), names(deadlock));
            checkCircle(deadlock);
        }
    }

    @Test
    void twoFibersThatJoinEachOtherAreFound() throws Exception {
        try (var rt = runtime()) {
            var first = new AtomicReference<JoinHandle<Integer>>();
            var known = new CountDownLatch(1);
            first.set(
                    rt.spawn(
                            "first",
                            () -> {
                                JoinHandle<Integer> second =
                                        rt.spawn(
                                                "second",
                                                () -> {
                                                    known.await();
                                                    return first.get().join();
                                                });
                                return second.join();
                            }));
            known.countDown();
            Deadlock deadlock = awaitDeadlock(rt);
            assertEquals(Set.of("first", "second"), names(deadlock));
            checkCircle(deadlock);
        }
    }

    @Test
    void aCircleByWayOfAThreadOutsideIsFound() throws Exception {
        try (var rt = runtime()) {
            var mutex = new Mutex();
            mutex.lock();
            var fiber =
                    rt.spawn(
                            "inside",
                            () -> {
                                mutex.lockInterruptibly();
                                return 0;
                            });
            var me = Thread.currentThread();
            var found = new AtomicReference<Deadlock>();
            var watcher =
                    new Thread(
                            () -> {
                                try {
                                    found.set(awaitDeadlock(rt));
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                } finally {
                                    me.interrupt();
                                }
                            });
            watcher.start();
            assertThrows(InterruptedException.class, fiber::join);
            watcher.join();
            mutex.unlock();
            assertEquals(Set.of("inside", me.getName()), names(found.get()));
        }
    }

    @Test
    void aCircleThatEndsByItselfWhenTimeIsUpIsNone() throws Exception {
        try (var rt = runtime()) {
            var a = new Mutex();
            var b = new Mutex();
            var both = new CyclicBarrier(2);
            rt.spawn(
                    "patient",
                    () -> {
                        try (var g = a.acquire()) {
                            both.await();
                            try (var h = b.acquire()) {
                                return 0;
                            }
                        }
                    });
            rt.spawn(
                    "limited",
                    () -> {
                        try (var g = b.acquire()) {
                            both.await();
                            try (var h = a.tryAcquire(Duration.ofMinutes(1))) {
                                return 0;
                            }
                        }
                    });
            while (rt.dumpFibers().tasks().stream()
                            .filter(t -> t.waitsOn() != null && t.waitsOn().holderId() != 0)
                            .count()
                    < 2) {
                Thread.sleep(5);
            }
            assertEquals(List.of(), rt.findDeadlocks());
        }
    }

    @Test
    void aTaskThatJoinsItselfIsToldSo() throws Exception {
        try (var rt = runtime()) {
            var self = new AtomicReference<JoinHandle<Integer>>();
            var known = new CountDownLatch(1);
            self.set(
                    rt.spawn(
                            "narcissus",
                            () -> {
                                known.await();
                                return self.get().join();
                            }));
            known.countDown();
            var e = assertThrows(CompletionException.class, () -> self.get().join());
            Throwable told = assertInstanceOf(IllegalStateException.class, e.getCause());
            assertTrue(told.toString().contains("narcissus joins itself"), told.toString());
        }
    }

    /**
     * Fibers that hold one of two mutexes at a time, or both in the right order, or join one that
     * does: each waits for each other all the time, never in a circle.
     */
    @Test
    void contentionIsNoDeadlock() throws Exception {
        long seed = System.nanoTime();
        var stop = new AtomicBoolean();
        try (var rt = runtime()) {
            var first = new Mutex();
            var second = new Mutex();
            List<JoinHandle<Integer>> fibers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                var random = new Random(seed + i);
                fibers.add(
                        rt.spawn(
                                "contender-" + i,
                                () -> {
                                    while (!stop.get()) {
                                        switch (random.nextInt(4)) {
                                            case 0 -> inside(first, () -> {});
                                            case 1 -> inside(second, () -> {});
                                            case 2 -> inside(first, () -> inside(second, () -> {}));
                                            default -> {
                                                Mutex one = random.nextBoolean() ? first : second;
                                                rt.<Integer>spawn(
                                                                () -> {
                                                                    inside(one, () -> {});
                                                                    return 0;
                                                                })
                                                        .join();
                                            }
                                        }
                                    }
                                    return 0;
                                }));
            }
            long end = System.nanoTime() + 2_000_000_000L;
            int looks = 0;
            while (System.nanoTime() < end) {
                List<Deadlock> found = rt.findDeadlocks();
                assertEquals(List.of(), found, "seed " + seed);
                looks++;
            }
            stop.set(true);
            for (var fiber : fibers) {
                fiber.join();
            }
            assertTrue(looks > 0);
        } finally {
            stop.set(true);
        }
    }

    private static void inside(Mutex mutex, Executable body) {
        mutex.lock();
        try {
            Thread.yield();
            body.execute();
        } catch (Throwable e) {
            throw new AssertionError(e);
        } finally {
            mutex.unlock();
        }
    }

    /** A wait whose holder and description are the test's: hooks into a look at the tasks. */
    private record ScriptedWait(Supplier<Thread> held, Supplier<String> words) implements Blocker {
        @Override
        public Thread holder() {
            return held.get();
        }

        @Override
        public String toString() {
            return words.get();
        }
    }

    private static void parkIn(Blocker blocker, AtomicBoolean until) {
        while (!until.get()) {
            Parker.park(blocker);
        }
    }

    private static void awaitBlocker(Thread thread, Object blocker) {
        while (Parker.blockerOf(thread) != blocker || thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    /**
     * B waits all the time, for a lock that A takes after its wait for B has ended, and gives back
     * before it waits for B once more. So there is no circle at any time, though each look sees A
     * wait for B and B wait for A.
     */
    @Test
    void waitsThatFollowEachOtherAreNoCircle() throws Exception {
        var end = new AtomicBoolean();
        var left = List.of(new AtomicBoolean(), new AtomicBoolean(), new AtomicBoolean());
        var looks = new AtomicInteger();
        var a = new AtomicReference<Thread>();
        var b = new AtomicReference<Thread>();
        var waits =
                List.of(
                        new ScriptedWait(b::get, () -> "first"),
                        new ScriptedWait(b::get, () -> "second"),
                        new ScriptedWait(b::get, () -> "third"));
        Supplier<Thread> holderOfB =
                () -> {
                    int n = looks.getAndIncrement();
                    if (n < 2) { // A's wait ends, it has the lock for a moment, and waits again
                        left.get(n).set(true);
                        Parker.unpark(a.get());
                        awaitBlocker(a.get(), waits.get(n + 1));
                    }
                    return a.get();
                };
        var waitOfB = new ScriptedWait(holderOfB, () -> "what A takes");
        b.set(Thread.ofPlatform().daemon().start(() -> parkIn(waitOfB, end)));
        awaitBlocker(b.get(), waitOfB);
        try (var rt = runtime()) {
            rt.spawn(
                    "A",
                    () -> {
                        a.set(Thread.currentThread());
                        for (int i = 0; i < 3; i++) {
                            parkIn(waits.get(i), left.get(i));
                        }
                        return 0;
                    });
            while (a.get() == null) {
                Thread.onSpinWait();
            }
            awaitBlocker(a.get(), waits.get(0));
            assertEquals(List.of(), rt.findDeadlocks());
            assertEquals(1, looks.get(), "the second look ends at A's new wait");
            left.get(1).set(true);
            left.get(2).set(true);
            Parker.unpark(a.get());
        } finally {
            end.set(true);
            Parker.unpark(b.get());
        }
    }

    @Test
    void closingNamesTheDeadlockThatKeepsItFromItsEnd() throws Exception {
        List<String> messages = new CopyOnWriteArrayList<>();
        var logger = Logger.getLogger("cloud.avila.avx.internal.scheduler.Shutdown");
        var handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord record) {
                        if (record.getMessage().contains("\"locked\" did not come to its end")) {
                            messages.add(record.getMessage()); // and not what is late to end
                        }
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try {
            try (var rt = runtime()) {
                lockInACircle(rt, 2);
                awaitDeadlock(rt);
            }
            assertEquals(1, messages.size(), messages.toString());
            assertTrue(messages.getFirst().contains("Deadlock of 2"), messages.getFirst());
            assertTrue(messages.getFirst().contains("philosopher-1"), messages.getFirst());
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
    }
}
