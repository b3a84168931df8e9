package cloud.avila.avx.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

class FuturesTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final AtomicInteger wakeUps = new AtomicInteger();
    private final Waker waker = wakeUps::incrementAndGet;

    private <T extends @Nullable Object> Poll<T> poll(Future<T> future) throws Exception {
        return future.poll(Context.of(waker));
    }

    /** Ready when told so. */
    private static final class Manual<T> implements Future<T>, AutoCloseable {
        final WakerCell cell = new WakerCell();
        volatile @Nullable T value;
        volatile @Nullable Exception failure;
        int closed;
        int polls;

        void complete(T newValue) {
            value = newValue;
            cell.wake();
        }

        void fail(Exception e) {
            failure = e;
            cell.wake();
        }

        @Override
        public Poll<T> poll(Context cx) throws Exception {
            polls++;
            cell.register(cx.waker());
            Exception e = failure;
            if (e != null) {
                throw e;
            }
            T v = value;
            return v == null ? Poll.pending() : Poll.ready(v);
        }

        @Override
        public void close() {
            closed++;
        }
    }

    @Test
    void aPollIsReadyOrPending() {
        assertSame(Poll.pending(), Poll.pending());
        assertTrue(Poll.pending().isPending());
        assertFalse(Poll.pending().isReady());
        assertTrue(Poll.ready(1).isReady());
        assertEquals(new Poll.Ready<>("1"), Poll.ready(1).map(String::valueOf));
        assertSame(Poll.pending(), Poll.<Integer>pending().map(String::valueOf));
        assertEquals(new Poll.Ready<@Nullable Object>(null), Poll.<@Nullable Object>ready(null));
    }

    @Test
    void readyIsReadyAndPendingIsNot() throws Exception {
        assertEquals(Poll.ready(1), poll(Futures.ready(1)));
        assertTrue(poll(Futures.pending()).isPending());
        assertEquals(0, wakeUps.get());
    }

    @Test
    void yieldGivesWayOnce() throws Exception {
        var yield = Futures.yieldNow();
        assertTrue(poll(yield).isPending());
        assertEquals(1, wakeUps.get());
        assertTrue(poll(yield).isReady());
    }

    @Test
    void mapChangesTheValue() throws Exception {
        var source = new Manual<Integer>();
        var mapped = source.map(n -> n + 1);
        assertTrue(poll(mapped).isPending());
        source.complete(1);
        assertEquals(1, wakeUps.get());
        assertEquals(Poll.ready(2), poll(mapped));
        assertThrows(IllegalStateException.class, () -> poll(mapped));
        assertEquals(0, source.closed);
    }

    @Test
    void andThenPollsOneAfterTheOther() throws Exception {
        var first = new Manual<Integer>();
        var second = new Manual<String>();
        var chain = first.andThen(n -> n == 1 ? second : Futures.pending());
        assertTrue(poll(chain).isPending());
        assertEquals(0, second.polls);
        first.complete(1);
        assertTrue(poll(chain).isPending());
        second.complete("x");
        assertEquals(Poll.ready("x"), poll(chain));
        assertEquals(2, wakeUps.get());
        assertThrows(IllegalStateException.class, () -> poll(chain));
    }

    @Test
    void droppingAChainClosesThePartThatRuns() throws Exception {
        var first = new Manual<Integer>();
        var second = new Manual<String>();
        var chain = first.andThen(n -> second).map(String::length);
        Futures.drop(chain);
        assertEquals(1, first.closed);
        var first2 = new Manual<Integer>();
        var chain2 = first2.andThen(n -> second).map(String::length);
        first2.complete(1);
        assertTrue(poll(chain2).isPending());
        Futures.drop(chain2);
        assertEquals(0, first2.closed);
        assertEquals(1, second.closed);
    }

    @Test
    void whatClosingThrowsDoesNotSpread() {
        AutoCloseable failing =
                () -> {
                    throw new IOException("expected");
                };
        class Failing implements Future<Integer>, AutoCloseable {
            @Override
            public Poll<Integer> poll(Context cx) {
                return Poll.pending();
            }

            @Override
            public void close() throws Exception {
                failing.close();
            }
        }
        Futures.drop(new Failing());
        Futures.drop(null);
    }

    @Test
    void joinWaitsForBoth() throws Exception {
        var a = new Manual<Integer>();
        var b = new Manual<Integer>();
        Future<Integer> sum = Futures.join(a, b, Integer::sum);
        assertTrue(poll(sum).isPending());
        b.complete(2);
        assertTrue(poll(sum).isPending());
        a.complete(1);
        assertEquals(Poll.ready(3), poll(sum));
        assertEquals(2, b.polls, "a future that was ready is not polled again");
        assertThrows(IllegalStateException.class, () -> poll(sum));
        assertEquals(0, a.closed + b.closed);
    }

    @Test
    void joinOfAListKeepsTheOrderAndNulls() throws Exception {
        List<Future<@Nullable Integer>> list = new ArrayList<>();
        list.add(Futures.yieldNow().<@Nullable Integer>map(v -> 1));
        list.add(Futures.ready(null));
        list.add(Futures.ready(3));
        Future<List<@Nullable Integer>> all = Futures.join(list);
        assertTrue(poll(all).isPending());
        assertEquals(Poll.ready(Arrays.asList(1, null, 3)), poll(all));
        assertEquals(Poll.ready(List.of()), poll(Futures.join(List.<Future<Integer>>of())));
    }

    @Test
    void aFailureInAJoinDropsTheOthers() throws Exception {
        var a = new Manual<Integer>();
        var b = new Manual<Integer>();
        var c = new Manual<Integer>();
        var all = Futures.join(List.of(a, b, c));
        assertTrue(poll(all).isPending());
        c.complete(3);
        assertTrue(poll(all).isPending());
        var failure = new IOException("expected");
        b.fail(failure);
        assertSame(failure, assertThrows(IOException.class, () -> poll(all)));
        assertEquals(List.of(1, 0, 0), List.of(a.closed, b.closed, c.closed));
        assertThrows(IllegalStateException.class, () -> poll(all));
    }

    @Test
    void selectTakesTheFirstAndDropsTheOthers() throws Exception {
        var a = new Manual<Integer>();
        var b = new Manual<Integer>();
        var c = new Manual<Integer>();
        var first = Futures.select(List.of(a, b, c));
        assertTrue(poll(first).isPending());
        b.complete(7);
        assertEquals(Poll.ready(new Selected<>(1, 7)), poll(first));
        assertEquals(List.of(1, 0, 1), List.of(a.closed, b.closed, c.closed));
        assertThrows(IllegalStateException.class, () -> poll(first));
        assertThrows(
                IllegalArgumentException.class, () -> Futures.select(List.<Future<Integer>>of()));
    }

    @Test
    void aFailureInASelectDropsTheOthers() throws Exception {
        var a = new Manual<Integer>();
        var b = new Manual<Integer>();
        var first = Futures.selectBiased(List.of(a, b));
        a.fail(new IOException("expected"));
        assertThrows(IOException.class, () -> poll(first));
        assertEquals(List.of(0, 1), List.of(a.closed, b.closed));
    }

    @Test
    void fairSelectTakesTurnsAndABiasedOneDoesNot() throws Exception {
        try (var rt = AvxRuntime.create()) {
            int[] taken = new int[3];
            for (int i = 0; i < 300; i++) {
                var fair =
                        Futures.select(
                                List.of(Futures.ready(0), Futures.ready(1), Futures.ready(2)));
                taken[rt.spawnFuture(fair).join(LONG).index()]++;
                var biased = Futures.selectBiased(List.of(Futures.ready(0), Futures.ready(1)));
                assertEquals(0, rt.spawnFuture(biased).join(LONG).index());
            }
            for (int n : taken) {
                assertTrue(n > 30, Arrays.toString(taken));
            }
        }
    }

    @Test
    void stagesAndFuturesTurnIntoEachOther() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var stage = new CompletableFuture<Integer>();
            JoinHandle<String> handle =
                    rt.spawnFuture(Futures.fromCompletionStage(stage).map(n -> "got " + n));
            var back = handle.toCompletableFuture();
            assertFalse(back.isDone());
            stage.complete(1);
            assertEquals("got 1", back.get());
            assertEquals(Poll.ready(1), poll(Futures.fromCompletionStage(stage)));
        }
    }

    @Test
    void aStageFailsWithItsOwnFailure() {
        var boom = new IOException("expected");
        var stage = new CompletableFuture<Integer>();
        var dependent = Futures.fromCompletionStage(stage.thenApply(n -> n + 1));
        stage.completeExceptionally(boom);
        assertSame(boom, assertThrows(IOException.class, () -> poll(dependent)));
        var cancelled = new CompletableFuture<Integer>();
        cancelled.cancel(true);
        assertThrows(
                CancellationException.class, () -> poll(Futures.fromCompletionStage(cancelled)));
    }

    @Test
    void droppingTheViewOfAStageLeavesTheStageAlone() throws Exception {
        var stage = new CompletableFuture<Integer>();
        var view = Futures.fromCompletionStage(stage);
        assertTrue(poll(view).isPending());
        Futures.drop(view);
        stage.complete(1);
        assertEquals(0, wakeUps.get());
    }

    @Test
    void sleepIsNeverEarlyAndNeedsARuntime() throws Exception {
        try (var rt = AvxRuntime.create()) {
            for (int i = 0; i < 20; i++) {
                Duration duration = Duration.ofNanos(i * 300_000L);
                var sleep = Futures.sleep(duration);
                long start = System.nanoTime();
                assertNull(rt.<@Nullable Void>blockOnFuture(sleep));
                assertTrue(System.nanoTime() - start >= duration.toNanos());
            }
            rt.blockOnFuture(Futures.sleep(Duration.ofSeconds(-1)));
            assertThrows(
                    IllegalStateException.class, () -> poll(Futures.sleep(Duration.ofMillis(1))));
            try (var g = rt.enter()) {
                var latch = new CountDownLatch(1);
                assertTrue(
                        Futures.sleep(Duration.ofHours(1))
                                .poll(Context.of(latch::countDown))
                                .isPending());
                // A machine that stands still for a moment may find the end of a short one passed.
                var sleep = Futures.sleep(Duration.ofMillis(1));
                if (sleep.poll(Context.of(latch::countDown)).isPending()) {
                    latch.await();
                    assertTrue(poll(sleep).isReady());
                }
            }
        }
    }

    @Test
    void theLoserOfASelectCancelsItsTimer() throws Exception {
        try (var rt = AvxRuntime.create()) {
            // biased, so that the loser has its timer even if the other's time is up at once
            var first =
                    Futures.selectBiased(
                            List.of(Futures.sleep(LONG), Futures.sleep(Duration.ofMillis(5))));
            assertEquals(1, rt.blockOnFuture(first).index());
            while (rt.metrics().timersCancelled() == 0) { // counted by who works at the wheel
                Thread.sleep(1);
            }
            assertEquals(1, rt.metrics().timersCancelled());
        }
    }

    @Test
    void aHandleIsAwaitedByPolling() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var release = new CountDownLatch(1);
            JoinHandle<Integer> fiber =
                    rt.spawn(
                            () -> {
                                release.await();
                                return 1;
                            });
            JoinHandle<Integer> a = rt.spawnFuture(fiber.asFuture().map(n -> n + 1));
            JoinHandle<Integer> b = rt.spawnFuture(fiber.asFuture().map(n -> n + 2));
            var dropped = fiber.asFuture();
            assertTrue(poll(dropped).isPending());
            Futures.drop(dropped);
            release.countDown();
            assertEquals(2, a.join(LONG));
            assertEquals(3, b.join(LONG));
            assertEquals(0, wakeUps.get());
            assertEquals(Poll.ready(1), poll(fiber.asFuture()));
        }
    }

    @Test
    void aHandleAwaitedByPollingFailsAsJoinDoes() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var boom = new IOException("expected");
            JoinHandle<Integer> failing =
                    rt.spawnFuture(
                            cx -> {
                                throw boom;
                            });
            JoinHandle<Integer> outer = rt.spawnFuture(failing.asFuture());
            var failure = assertThrows(CompletionException.class, () -> outer.join(LONG));
            assertInstanceOf(CompletionException.class, failure.getCause());
            assertSame(
                    boom,
                    assertThrows(CompletionException.class, () -> poll(failing.asFuture()))
                            .getCause());
            JoinHandle<Integer> cancelled = rt.spawnFuture(Futures.pending());
            cancelled.cancel();
            assertThrows(CancellationException.class, () -> poll(cancelled.asFuture()));
        }
    }

    @Test
    void aManualContextHasABudget() {
        Budget budget = Context.of(waker).budget();
        assertEquals(Budget.OPERATIONS_PER_POLL, budget.remaining());
        for (int i = 0; i < Budget.OPERATIONS_PER_POLL; i++) {
            assertTrue(budget.tryConsume());
        }
        assertEquals(0, budget.remaining());
        assertEquals(0, wakeUps.get());
        assertFalse(budget.tryConsume());
        assertFalse(budget.tryConsume());
        assertEquals(0, budget.remaining());
        assertEquals(1, wakeUps.get());
    }
}
