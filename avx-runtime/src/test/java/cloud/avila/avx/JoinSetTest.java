package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;
import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

class JoinSetTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** Joins the next task of a set that is not empty. */
    private static <T> JoinHandle<T> next(JoinSet<T> set) throws Exception {
        return Objects.requireNonNull(set.joinNext(LONG), "the set is empty");
    }

    /** Waits, interrupted or not, until the latch opens. */
    private static void stubborn(CountDownLatch latch) {
        boolean interrupted = false;
        for (; ; ) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void tasksAreJoinedInTheOrderInWhichTheyEnd() throws Exception {
        Books.balanced(
                rt -> {
                    var gates = new ArrayList<CountDownLatch>();
                    try (var set = JoinSet.<Integer>on(rt.handle())) {
                        var handles = new ArrayList<JoinHandle<Integer>>();
                        for (int i = 0; i < 10; i++) {
                            var gate = new CountDownLatch(1);
                            gates.add(gate);
                            int n = i;
                            handles.add(
                                    set.spawn(
                                            "task-" + i,
                                            () -> {
                                                gate.await();
                                                return n;
                                            }));
                        }
                        assertEquals(10, set.size());
                        assertNull(set.tryJoinNext());
                        for (int i : List.of(7, 3, 9, 0, 1, 2, 8, 4, 6, 5)) {
                            gates.get(i).countDown();
                            JoinHandle<Integer> joined = next(set);
                            assertSame(handles.get(i), joined);
                            assertEquals("task-" + i, joined.name());
                            assertEquals(i, joined.resultNow());
                        }
                        assertTrue(set.isEmpty());
                        assertNull(set.joinNext());
                        assertNull(set.joinNext(Duration.ZERO));
                        assertNull(set.tryJoinNext());
                    }
                });
    }

    @Test
    void everyKindOfEndIsJoined() throws Exception {
        Books.balanced(
                rt -> {
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        set.spawn(() -> "done");
                        assertEquals(new Outcome.Completed<>("done"), next(set).outcome());
                        var boom = new IllegalArgumentException("boom");
                        set.spawn(
                                () -> {
                                    throw boom;
                                });
                        assertEquals(new Outcome.Failed<>(boom), next(set).outcome());
                        JoinHandle<String> slow = set.spawn(JoinSetTest::sleepLong);
                        assertTrue(slow.cancel());
                        assertSame(slow, next(set));
                        assertEquals(new Outcome.Cancelled<>(), slow.outcome());
                        set.spawnBlocking(
                                () -> {
                                    assertFalse(Thread.currentThread().isVirtual());
                                    return "blocking";
                                });
                        assertEquals("blocking", next(set).resultNow());
                        set.spawn(() -> "a");
                        set.spawn(() -> "b");
                        set.spawn(() -> "c");
                        assertEquals(3, set.joinAll().size());
                        assertEquals(List.of(), set.joinAll());
                    }
                });
    }

    private static String sleepLong() throws InterruptedException {
        Thread.sleep(LONG);
        return "slept";
    }

    @Test
    void aCancelledTaskIsJoinedOnlyWhenItsCodeHasEnded() throws Exception {
        Books.balanced(
                rt -> {
                    var started = new CountDownLatch(1);
                    var gate = new CountDownLatch(1);
                    var ended = new AtomicBoolean();
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        JoinHandle<String> task =
                                set.spawn(
                                        () -> {
                                            started.countDown();
                                            stubborn(gate);
                                            ended.set(true);
                                            return "too late";
                                        });
                        started.await();
                        set.abortAll();
                        assertTrue(task.isCancelled());
                        assertThrows(
                                TimeoutException.class, () -> set.joinNext(Duration.ofMillis(20)));
                        gate.countDown();
                        assertSame(task, next(set));
                        assertTrue(ended.get());
                        assertEquals(new Outcome.Cancelled<>(), task.outcome());
                    }
                });
    }

    @Test
    void aTaskCancelledBeforeItStartsNeverRuns() throws Exception {
        Books.balanced(
                // and none takes its place while it waits for a processor
                config -> config.workerThreads(1).stallThreshold(Duration.ZERO),
                rt -> {
                    var ran = new AtomicInteger();
                    rt.blockOn(
                            () -> {
                                try (var set = JoinSet.<Integer>create()) {
                                    for (int i = 0; i < 100; i++) {
                                        set.spawn(ran::incrementAndGet);
                                    }
                                    set.abortAll(); // nothing has started: this fiber has the
                                    // worker
                                    for (int i = 0; i < 100; i++) {
                                        assertTrue(next(set).isCancelled());
                                    }
                                    assertNull(set.joinNext());
                                }
                                return null;
                            });
                    assertEquals(0, ran.get());
                });
    }

    @Test
    void closingWaitsUntilNothingRuns() throws Exception {
        Books.balanced(
                rt -> {
                    var running = new AtomicInteger();
                    var started = new CountDownLatch(20);
                    var set = JoinSet.<String>on(rt.handle());
                    for (int i = 0; i < 20; i++) {
                        set.spawn(
                                () -> {
                                    running.incrementAndGet();
                                    started.countDown();
                                    try {
                                        return sleepLong();
                                    } finally {
                                        Crew.pause(1_000_000);
                                        running.decrementAndGet();
                                    }
                                });
                    }
                    started.await();
                    Thread.currentThread().interrupt();
                    set.close();
                    assertTrue(Thread.interrupted(), "the interrupt is kept");
                    assertEquals(0, running.get());
                    assertTrue(set.isEmpty());
                    assertThrows(IllegalStateException.class, () -> set.spawn(() -> "late"));
                    assertNull(set.joinNext());
                    set.close();
                    set.shutdown();
                });
    }

    @Test
    void shutdownCanBeInterruptedAndHasCancelledThen() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    var started = new CountDownLatch(1);
                    var set = JoinSet.<String>on(rt.handle());
                    JoinHandle<String> task =
                            set.spawn(
                                    () -> {
                                        started.countDown();
                                        stubborn(gate);
                                        return "";
                                    });
                    started.await();
                    var shutdown = Background.parkedStep(set::shutdown);
                    shutdown.interrupt();
                    assertInstanceOf(InterruptedException.class, shutdown.failure());
                    assertTrue(task.isCancelled());
                    gate.countDown();
                    set.shutdown();
                    assertEquals("JoinSet[closed, 0 running, 0 ended]", set.toString());
                });
    }

    @Test
    void aTaskThatWouldWaitForItselfIsRefused() throws Exception {
        Books.balanced(
                rt -> {
                    var set = JoinSet.<String>on(rt.handle());
                    set.spawn(
                            "suicidal",
                            () -> {
                                set.close();
                                return "";
                            });
                    Throwable failure = next(set).exceptionNow();
                    assertInstanceOf(IllegalStateException.class, failure);
                    assertTrue(failure.toString().contains("suicidal"), failure::toString);
                    set.close();
                });
    }

    @Test
    void detachedTasksRunOn() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    List<JoinHandle<String>> detached;
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        set.spawn(() -> "early");
                        while (set.toString().contains("1 running")) {
                            Thread.onSpinWait();
                        }
                        set.spawn(
                                () -> {
                                    gate.await();
                                    return "late";
                                });
                        var joiner = Background.start(set::joinAll);
                        detached = set.detachAll();
                        joiner.join();
                        assertTrue(set.isEmpty());
                        assertNull(set.joinNext());
                    }
                    assertEquals(2, detached.size());
                    gate.countDown();
                    assertEquals("early", detached.get(0).join(LONG));
                    assertEquals("late", detached.get(1).join(LONG));
                });
    }

    @Test
    void joiningCanBeInterruptedAndLosesNothing() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        set.spawn(
                                () -> {
                                    gate.await();
                                    return "value";
                                });
                        var joiner = Background.parked(set::joinNext);
                        joiner.interrupt();
                        assertInstanceOf(InterruptedException.class, joiner.failure());
                        assertThrows(TimeoutException.class, () -> set.joinNext(Duration.ZERO));
                        gate.countDown();
                        assertEquals("value", next(set).resultNow());
                    }
                });
    }

    @Test
    void aJoinerIsToldWhenAnotherTakesTheLast() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        set.spawn(
                                () -> {
                                    gate.await();
                                    return "only one";
                                });
                        var a = Background.parked(set::joinNext);
                        var b = Background.parked(() -> set.joinNext(LONG));
                        gate.countDown();
                        var first = a.join();
                        var second = b.join();
                        assertTrue(first == null ^ second == null);
                    }
                });
    }

    @Test
    void aRefusedTaskIsNotInTheSet() throws Exception {
        var rt = AvxRuntime.create();
        var set = JoinSet.<String>on(rt.handle());
        rt.close();
        assertThrows(RejectedExecutionException.class, () -> set.spawn(() -> ""));
        assertThrows(RejectedExecutionException.class, () -> set.spawnBlocking(() -> ""));
        assertTrue(set.isEmpty());
        assertNull(set.joinNext());
        set.close();
        assertThrows(IllegalStateException.class, JoinSet::create);
        assertThrows(NullPointerException.class, () -> JoinSet.on(nothing()));
    }

    @SuppressWarnings("NullAway") // on purpose
    private static <T> T nothing() {
        return null;
    }

    @Test
    void tasksMaySpawnIntoTheirSet() throws Exception {
        Books.balanced(
                rt -> {
                    try (var set = JoinSet.<Integer>on(rt.handle())) {
                        var left = new AtomicInteger(1000);
                        for (int i = 0; i < 10; i++) {
                            set.spawn(() -> breed(set, left));
                        }
                        int joined = 0;
                        while (set.joinNext() != null) {
                            joined++;
                        }
                        assertEquals(1010, joined);
                    }
                });
    }

    private static Integer breed(JoinSet<Integer> set, AtomicInteger left) {
        if (left.getAndDecrement() > 0) {
            set.spawn(() -> breed(set, left));
        }
        return 0;
    }

    @Test
    void theRuntimesEndEndsTheSet() throws Exception {
        var rt = AvxRuntime.create(RuntimeConfig.builder().shutdownTimeout(Duration.ZERO).build());
        var set = JoinSet.<String>on(rt.handle());
        for (int i = 0; i < 50; i++) {
            set.spawn(JoinSetTest::sleepLong);
        }
        rt.close();
        for (int i = 0; i < 50; i++) {
            assertEquals(new Outcome.Cancelled<>(), next(set).outcome());
        }
        set.close();
    }

    /** Spawners, joiners, cancellers and an agitator; each task is joined exactly once. */
    @Test
    void eachTaskIsJoinedOnce() throws Exception {
        Books.balanced(
                rt -> {
                    var crew = new Crew("join-set");
                    Set<Long> spawned = ConcurrentHashMap.newKeySet();
                    Set<Long> joined = ConcurrentHashMap.newKeySet();
                    var joiners = new ArrayList<Thread>();
                    try (var set = JoinSet.<Integer>on(rt.handle())) {
                        for (int i = 0; i < 3; i++) {
                            crew.add(
                                    random -> {
                                        while (!crew.isOver()) {
                                            int pause = random.nextInt(100_000);
                                            JoinHandle<Integer> task =
                                                    set.spawn(
                                                            () -> {
                                                                if ((pause & 1) == 0) {
                                                                    Thread.sleep(0, pause);
                                                                }
                                                                return pause;
                                                            });
                                            assertTrue(spawned.add(task.id()));
                                            if (random.nextInt(4) == 0) {
                                                task.cancel(random.nextBoolean());
                                            }
                                            while (set.size() > 1000 && !crew.isOver()) {
                                                Crew.pause(100_000);
                                            }
                                        }
                                    });
                            joiners.add(
                                    crew.add(
                                            random -> {
                                                while (!crew.isOver()) {
                                                    joinSome(set, joined, random.nextInt(3));
                                                }
                                            }));
                        }
                        crew.run(joiners);
                        for (JoinHandle<Integer> task; (task = set.joinNext()) != null; ) {
                            assertTrue(joined.add(task.id()));
                        }
                        assertEquals(spawned, joined);
                        assertFalse(joined.isEmpty());
                    }
                });
    }

    private static void joinSome(JoinSet<Integer> set, Set<Long> joined, int how) {
        try {
            JoinHandle<Integer> task =
                    switch (how) {
                        case 0 -> set.joinNext();
                        case 1 -> set.joinNext(Duration.ofNanos(20_000));
                        default -> set.tryJoinNext();
                    };
            if (task != null) {
                assertTrue(task.isDone());
                assertNotNull(task.outcome());
                assertTrue(joined.add(task.id()), "joined twice");
            }
        } catch (InterruptedException | TimeoutException e) {
            Thread.yield();
        }
    }
}
