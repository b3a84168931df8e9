package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;
import cloud.avila.avx.testing.Crew;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

class ScopeTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static String sleepLong() throws InterruptedException {
        Thread.sleep(LONG);
        return "slept";
    }

    private static String fail(Exception failure) throws Exception {
        throw failure;
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void aFiberSplitsItsWork(FiberAccess access) throws Exception {
        Books.balanced(
                config -> config.fiberAccess(access),
                rt -> {
                    int total =
                            rt.<Integer>blockOn(
                                    () -> {
                                        try (var scope = Scope.open(Scope.failFast())) {
                                            var a = scope.spawn(() -> 1);
                                            var b = scope.spawn("b", () -> 2);
                                            var c = scope.spawnBlocking(() -> 3);
                                            scope.join();
                                            assertEquals("b", b.name());
                                            return a.resultNow() + b.resultNow() + c.resultNow();
                                        }
                                    });
                    assertEquals(6, total);
                });
    }

    @Test
    void anyThreadMayOwnAScope() throws Exception {
        Books.balanced(
                rt -> {
                    assertThrows(IllegalStateException.class, () -> Scope.open(Scope.failFast()));
                    for (int i = 0; i < 2; i++) { // a platform thread and a foreign virtual one
                        var result =
                                Background.start(
                                        () -> {
                                            try (var scope =
                                                    Scope.open(
                                                            rt.handle(),
                                                            Scope.<String>firstSuccess())) {
                                                scope.spawn(() -> "value");
                                                return scope.join(LONG);
                                            }
                                        });
                        assertEquals("value", result.join());
                    }
                    try (var guard = rt.enter();
                            var scope = Scope.open(Scope.<Integer>collectAll())) {
                        scope.spawn(() -> 1);
                        assertEquals(List.of(new Outcome.Completed<>(1)), scope.join());
                    }
                    rt.spawnBlocking(
                                    () -> {
                                        try (var scope = Scope.open(Scope.failFast())) {
                                            scope.spawn(() -> 1);
                                            return scope.join();
                                        }
                                    })
                            .join();
                });
    }

    @Test
    void failFastThrowsTheFirstFailureAndCancelsTheOthers() throws Exception {
        Books.balanced(
                rt -> {
                    var boom = new IllegalArgumentException("boom");
                    var interrupted = new CountDownLatch(1);
                    JoinHandle<String> slow;
                    try (var scope = Scope.open(rt.handle(), Scope.<String>failFast())) {
                        var started = new CountDownLatch(1);
                        slow =
                                scope.spawn(
                                        () -> {
                                            try {
                                                started.countDown();
                                                return sleepLong();
                                            } catch (InterruptedException e) {
                                                interrupted.countDown();
                                                throw e;
                                            }
                                        });
                        scope.spawn(
                                "bomb",
                                () -> {
                                    started.await(); // a scope cancels what has not begun, too
                                    return fail(boom);
                                });
                        var e = assertThrows(CompletionException.class, () -> scope.join(LONG));
                        assertSame(boom, e.getCause());
                        assertEquals("bomb failed", e.getMessage());
                        JoinHandle<String> late = scope.spawn(() -> "late");
                        assertTrue(late.isCancelled());
                        assertSame(e, assertThrows(CompletionException.class, scope::join));
                    }
                    assertEquals(0, interrupted.getCount());
                    assertTrue(slow.isCancelled());
                });
    }

    @Test
    void failFastTakesACancelledTaskForAFailure() throws Exception {
        Books.balanced(
                rt -> {
                    try (var scope = Scope.open(rt.handle(), Scope.failFast())) {
                        JoinHandle<String> task = scope.spawn("victim", ScopeTest::sleepLong);
                        task.cancel();
                        var e = assertThrows(CancellationException.class, () -> scope.join(LONG));
                        assertEquals("victim was cancelled", e.getMessage());
                    }
                });
    }

    @Test
    void collectAllKeepsTheOrderOfSpawns() throws Exception {
        Books.balanced(
                rt -> {
                    var boom = new IllegalArgumentException("boom");
                    try (var scope = Scope.open(rt.handle(), Scope.<String>collectAll())) {
                        var gate = new CountDownLatch(1);
                        scope.spawn(
                                () -> {
                                    gate.await();
                                    return "first";
                                });
                        scope.spawn(() -> fail(boom));
                        JoinHandle<String> cancelled = scope.spawn(ScopeTest::sleepLong);
                        scope.spawn(
                                () -> {
                                    gate.countDown();
                                    return "last";
                                });
                        cancelled.cancel();
                        assertEquals(
                                List.of(
                                        new Outcome.Completed<>("first"),
                                        new Outcome.Failed<String>(boom),
                                        new Outcome.Cancelled<String>(),
                                        new Outcome.Completed<>("last")),
                                scope.join(LONG));
                    }
                });
    }

    @Test
    void firstSuccessReturnsTheWinnerAndCancelsTheLosers() throws Exception {
        Books.balanced(
                rt -> {
                    JoinHandle<String> loser;
                    try (var scope = Scope.open(rt.handle(), Scope.<String>firstSuccess())) {
                        loser = scope.spawn(ScopeTest::sleepLong);
                        scope.spawn(() -> fail(new IllegalStateException("not me")));
                        scope.spawn(() -> "winner");
                        assertEquals("winner", scope.join(LONG));
                        assertEquals("winner", scope.join());
                    }
                    assertTrue(loser.isCancelled());
                });
    }

    @Test
    void firstSuccessThrowsWhenNobodyWins() throws Exception {
        Books.balanced(
                rt -> {
                    try (var scope = Scope.open(rt.handle(), Scope.<String>firstSuccess())) {
                        var first = new IllegalArgumentException("first");
                        scope.spawn(() -> fail(first));
                        while (scope.toString().contains("1 running")) {
                            Thread.onSpinWait();
                        }
                        for (int i = 0; i < 20; i++) {
                            scope.spawn(() -> fail(new IllegalArgumentException("another")));
                        }
                        var e = assertThrows(CompletionException.class, () -> scope.join(LONG));
                        assertSame(first, e.getCause());
                        assertEquals(16, e.getSuppressed().length);
                    }
                    try (var scope = Scope.open(rt.handle(), Scope.<String>firstSuccess())) {
                        assertThrows(IllegalStateException.class, scope::join);
                    }
                });
    }

    @Test
    void aDeadlineCancelsEveryTask() throws Exception {
        Books.balanced(
                rt -> {
                    var tasks = new ArrayList<JoinHandle<String>>();
                    try (var scope = Scope.open(rt.handle(), Scope.<String>failFast())) {
                        for (int i = 0; i < 5; i++) {
                            tasks.add(scope.spawn(ScopeTest::sleepLong));
                        }
                        assertThrows(
                                TimeoutException.class, () -> scope.join(Duration.ofMillis(10)));
                        assertTrue(scope.spawn(() -> "late").isCancelled());
                        var e = assertThrows(CancellationException.class, scope::join);
                        assertTrue(e.toString().contains("time was up"), e::toString);
                    }
                    tasks.forEach(task -> assertTrue(task.isCancelled()));
                    try (var scope = Scope.open(rt.handle(), Scope.failFast())) {
                        assertNull(scope.join(Duration.ZERO)); // nothing to wait for
                    }
                });
    }

    @Test
    void anInterruptedOwnerCancelsEveryTask() throws Exception {
        Books.balanced(
                rt -> {
                    var leaves = new AtomicInteger();
                    var started = new CountDownLatch(4);
                    JoinHandle<Object> owner =
                            rt.spawn(
                                    () -> {
                                        try (var scope = Scope.open(Scope.failFast())) {
                                            for (int i = 0; i < 2; i++) {
                                                scope.spawn(() -> inner(started, leaves));
                                            }
                                            return scope.join();
                                        }
                                    });
                    started.await();
                    assertEquals(4, leaves.get());
                    owner.cancel();
                    rt.close(); // waits for the tasks to end
                    assertEquals(0, leaves.get());
                });
    }

    private static Object inner(CountDownLatch started, AtomicInteger leaves) throws Exception {
        try (var scope = Scope.open(Scope.failFast())) {
            for (int i = 0; i < 2; i++) {
                scope.spawn(
                        () -> {
                            leaves.incrementAndGet();
                            started.countDown();
                            try {
                                return sleepLong();
                            } finally {
                                leaves.decrementAndGet();
                            }
                        });
            }
            scope.join();
            return "inner";
        }
    }

    @Test
    void anInterruptOfTheOwnerIsThrownAndKeptByClose() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    var started = new CountDownLatch(1);
                    var thrown = new CountDownLatch(1);
                    var owner =
                            Background.start(
                                    () -> {
                                        try (var scope =
                                                Scope.open(rt.handle(), Scope.failFast())) {
                                            scope.spawn(
                                                    () -> {
                                                        started.countDown();
                                                        return stubborn(gate);
                                                    });
                                            assertThrows(InterruptedException.class, scope::join);
                                            thrown.countDown();
                                        }
                                        return Thread.interrupted();
                                    });
                    started.await();
                    Background.awaitParked(owner.thread());
                    owner.interrupt();
                    thrown.await(); // or the second interrupt might fall together with the first
                    Background.awaitParked(owner.thread()); // in close
                    owner.interrupt();
                    gate.countDown();
                    assertTrue(owner.join());
                });
    }

    private static String stubborn(CountDownLatch gate) {
        for (; ; ) {
            try {
                gate.await();
                return "ended";
            } catch (InterruptedException e) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void closingWaitsForTasksThatIgnoreTheirCancellation() throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    var started = new CountDownLatch(1);
                    var ended = new AtomicReference<String>();
                    var owner =
                            Background.start(
                                    () -> {
                                        try (var scope =
                                                Scope.open(rt.handle(), Scope.failFast())) {
                                            scope.spawn(
                                                    () -> {
                                                        started.countDown();
                                                        ended.set(stubborn(gate));
                                                        return null;
                                                    });
                                            started.await();
                                            scope.cancel();
                                            scope.cancel();
                                            assertThrows(CancellationException.class, scope::join);
                                        }
                                        return ended.get();
                                    });
                    started.await();
                    Background.awaitParked(owner.thread());
                    gate.countDown();
                    assertEquals("ended", owner.join());
                });
    }

    @Test
    void aTokenCancelsAScope() throws Exception {
        Books.balanced(
                rt -> {
                    var token = CancellationToken.create();
                    JoinHandle<String> task;
                    try (var scope = Scope.open(rt.handle(), Scope.<String>failFast());
                            var tie = token.onCancel(scope::cancel)) {
                        task = scope.spawn(ScopeTest::sleepLong);
                        Thread.ofVirtual().start(token::cancel);
                        assertThrows(CancellationException.class, scope::join);
                    }
                    assertTrue(task.isCancelled());
                });
    }

    @Test
    void whatTasksSpawnIsJoinedWithThem() throws Exception {
        Books.balanced(
                rt -> {
                    var ran = new AtomicInteger();
                    try (var scope = Scope.open(rt.handle(), Scope.<Integer>failFast())) {
                        scope.spawn(() -> tree(scope, ran, 10));
                        scope.join();
                        assertEquals(1023, ran.get());
                    }
                });
    }

    private static Integer tree(Scope<Integer, ?> scope, AtomicInteger ran, int depth) {
        if (depth > 1) {
            scope.spawn(() -> tree(scope, ran, depth - 1));
            scope.spawn(() -> tree(scope, ran, depth - 1));
        }
        return ran.incrementAndGet();
    }

    @Test
    void misuseIsNamed() throws Exception {
        Books.balanced(
                rt -> {
                    var scope = Scope.open(rt.handle(), Scope.<String>failFast());
                    var stranger = Background.start(scope::join);
                    assertTrue(
                            message(stranger.failure()).contains("belongs to"),
                            () -> "join by a stranger");
                    assertInstanceOf(
                            IllegalStateException.class,
                            Background.start(
                                            () -> {
                                                scope.close();
                                                return "";
                                            })
                                    .failure());
                    JoinHandle<String> child =
                            scope.spawn(
                                    () -> {
                                        scope.close();
                                        return "";
                                    });
                    var e = assertThrows(CompletionException.class, scope::join);
                    assertInstanceOf(IllegalStateException.class, e.getCause());
                    assertInstanceOf(IllegalStateException.class, child.exceptionNow());
                    scope.close();
                    scope.close();
                    assertTrue(
                            assertThrows(
                                            IllegalStateException.class,
                                            () -> scope.spawn(() -> "late"))
                                    .toString()
                                    .contains("closed"));
                    assertThrows(IllegalStateException.class, scope::join);
                    assertEquals("Scope[failFast, closed, 0 running]", scope.toString());
                });
    }

    private static String message(@Nullable Throwable e) {
        return assertInstanceOf(IllegalStateException.class, e).toString();
    }

    @Test
    void aForgottenJoinIsAnErrorOnceTheTasksHaveEnded() throws Exception {
        Books.balanced(
                rt -> {
                    var scope = Scope.open(rt.handle(), Scope.<String>failFast());
                    JoinHandle<String> task = scope.spawn(ScopeTest::sleepLong);
                    var e = assertThrows(IllegalStateException.class, scope::close);
                    assertTrue(message(e).contains("without joining"), e.getMessage());
                    assertTrue(task.isCancelled());
                    // an empty one, or one whose tasks were joined, needs no further join
                    Scope.open(rt.handle(), Scope.failFast()).close();
                });
    }

    @Test
    void aScopeLeftOpenInsideAnotherIsClosedWithIt() throws Exception {
        Books.balanced(
                rt -> {
                    var outer = Scope.open(rt.handle(), Scope.<String>failFast());
                    var inner = Scope.open(rt.handle(), Scope.<String>failFast());
                    JoinHandle<String> task = inner.spawn(ScopeTest::sleepLong);
                    var e = assertThrows(IllegalStateException.class, outer::close);
                    assertTrue(message(e).contains("opened inside this one"), e.getMessage());
                    assertTrue(task.isCancelled());
                    inner.close();
                    Scope.open(rt.handle(), Scope.failFast()).close(); // the thread is clean
                });
    }

    @Test
    void aScopeLeftOpenAtTheEndOfATaskMakesItFail() throws Exception {
        Books.balanced(
                rt -> {
                    var child = new AtomicReference<JoinHandle<String>>();
                    JoinHandle<String> task =
                            rt.spawn(
                                    () -> {
                                        var scope = Scope.open(Scope.<String>failFast());
                                        child.set(scope.spawn(ScopeTest::sleepLong));
                                        return "forgot to close";
                                    });
                    var e = assertThrows(CompletionException.class, () -> task.join(LONG));
                    assertTrue(message(e.getCause()).contains("left 1 scopes open"));
                    assertTrue(child.get().isCancelled());
                    var boom = new IllegalArgumentException("boom");
                    JoinHandle<String> failing =
                            rt.spawn(
                                    () -> {
                                        Scope.open(Scope.failFast());
                                        return fail(boom);
                                    });
                    assertSame(
                            boom,
                            assertThrows(CompletionException.class, () -> failing.join(LONG))
                                    .getCause());
                    assertEquals(1, boom.getSuppressed().length);
                });
    }

    @Test
    void aRuntimeThatRefusesLeavesTheScopeUsable() throws Exception {
        var rt = AvxRuntime.create();
        rt.close();
        try (var scope = Scope.open(rt.handle(), Scope.<String>collectAll())) {
            assertThrows(RejectedExecutionException.class, () -> scope.spawn(() -> ""));
            scope.join();
        }
    }

    @Test
    void tasksCancelledByTheRuntimesEndAreNoSuccess() throws Exception {
        var rt = AvxRuntime.create(RuntimeConfig.builder().shutdownTimeout(Duration.ZERO).build());
        try (var scope = Scope.open(rt.handle(), Scope.<String>failFast())) {
            scope.spawn(ScopeTest::sleepLong);
            rt.close();
            assertThrows(CancellationException.class, scope::join);
        }
    }

    /**
     * Trees of scopes of random shape, policy, failures, deadlines and cancellations: when a scope
     * is closed nothing below it runs.
     */
    @Test
    void tasksAlwaysEndBeforeTheirScope() throws Exception {
        long seed = Long.getLong("avx.seed", System.nanoTime());
        System.out.println("[stress] scopes -Davx.seed=" + seed);
        var random = new Random(seed);
        Books.balanced(
                rt -> {
                    for (int i = 0; i < 150; i++) {
                        long treeSeed = random.nextLong();
                        var running = new AtomicInteger();
                        JoinHandle<Integer> root =
                                rt.spawn(() -> branch(new Random(treeSeed), running, 4));
                        if (random.nextInt(4) == 0) {
                            Crew.pause(random.nextInt(500_000));
                            root.cancel();
                        } else {
                            try {
                                root.join(LONG);
                            } catch (CompletionException | CancellationException e) {
                                assertFalse(e.getCause() instanceof AssertionError, e.toString());
                            }
                            assertEquals(0, running.get());
                        }
                    }
                });
    }

    private static Integer branch(Random random, AtomicInteger running, int depth)
            throws Exception {
        running.incrementAndGet();
        try {
            if (depth == 0) {
                if (random.nextInt(8) == 0) {
                    throw new IllegalArgumentException("a leaf fails");
                }
                if (random.nextInt(3) == 0) {
                    Thread.sleep(0, random.nextInt(1_000_000));
                }
                return 1;
            }
            var below = new AtomicInteger();
            try (var scope =
                    random.nextBoolean()
                            ? Scope.open(Scope.<Integer>failFast())
                            : random.nextBoolean()
                                    ? Scope.open(Scope.<Integer>firstSuccess())
                                    : Scope.open(Scope.<Integer>collectAll())) {
                for (int i = random.nextInt(1, 4); i > 0; i--) {
                    long seed = random.nextLong();
                    scope.spawn(() -> branch(new Random(seed), below, depth - 1));
                }
                if (random.nextInt(5) == 0) {
                    scope.join(Duration.ofNanos(random.nextInt(500_000)));
                } else {
                    scope.join();
                }
            } finally {
                if (below.get() != 0) {
                    throw new AssertionError(below + " tasks outlived their scope");
                }
            }
            return 1;
        } finally {
            running.decrementAndGet();
        }
    }
}
