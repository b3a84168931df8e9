package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Budget;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.Waker;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** What a runtime promises of poll tasks. */
class PollTaskTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private static AvxRuntime runtime(int workers, FiberAccess access) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("test")
                        .workerThreads(workers)
                        .fiberAccess(access)
                        .shutdownTimeout(Duration.ofSeconds(20))
                        .build());
    }

    private static AvxRuntime runtime() {
        return runtime(2, FiberAccess.AUTO);
    }

    /** Pending until {@link #open}, and tells what happens to it. */
    private static final class Gate implements Future<String>, AutoCloseable {
        final CountDownLatch polled = new CountDownLatch(1);
        final CountDownLatch closed = new CountDownLatch(1);
        final AtomicInteger polls = new AtomicInteger();
        final AtomicInteger closes = new AtomicInteger();
        volatile boolean open;
        volatile @Nullable Waker waker;

        void open() {
            open = true;
            Objects.requireNonNull(waker).wake();
        }

        @Override
        public Poll<String> poll(Context cx) {
            polls.incrementAndGet();
            waker = cx.waker();
            polled.countDown();
            return open ? Poll.ready("open") : Poll.pending();
        }

        @Override
        public void close() {
            closes.incrementAndGet();
            closed.countDown();
        }
    }

    private static void awaitIdle(Gate gate, JoinHandle<?> handle) throws Exception {
        gate.polled.await();
        // the poll has begun; once a second one has ended, so has the first
        for (int before = gate.polls.get(); gate.polls.get() == before; ) {
            Objects.requireNonNull(gate.waker).wake();
            Thread.sleep(1);
        }
        assertFalse(handle.isDone());
    }

    @Test
    void futuresArePolledOnWorkersOfTheirRuntime() throws Exception {
        for (FiberAccess access : FiberAccess.values()) {
            try (var rt = runtime(2, access)) {
                Handle seen =
                        rt.<Handle>blockOnFuture(
                                cx -> {
                                    assertFalse(Thread.currentThread().isVirtual());
                                    assertThrows(
                                            IllegalStateException.class,
                                            () -> rt.blockOnFuture(Futures.ready(1)));
                                    return Poll.ready(Handle.current());
                                });
                assertEquals(rt.handle(), seen);
            }
        }
    }

    @Test
    void tasksHaveNamesAndNumbers() throws Exception {
        try (var rt = runtime()) {
            JoinHandle<String> poll = rt.spawnFuture(cx -> Poll.ready("poll"));
            JoinHandle<String> named = rt.handle().spawnFuture("named", cx -> Poll.ready("poll"));
            assertEquals("poll", poll.join(LONG));
            assertEquals("poll", named.join(LONG));
            assertEquals("named", named.name());
            assertEquals("poll-" + poll.id(), poll.name());
            assertTrue(poll.id() > 0);
            assertEquals("poll", rt.<String>blockOnFuture(cx -> Poll.ready("poll")));
        }
    }

    @Test
    void aTaskEndsWhenWhatItWaitsForWakesIt() throws Exception {
        try (var rt = runtime()) {
            var gate = new Gate();
            JoinHandle<String> handle = rt.spawnFuture(gate);
            awaitIdle(gate, handle);
            assertThrows(TimeoutException.class, () -> handle.join(Duration.ofMillis(5)));
            assertThrows(IllegalStateException.class, handle::outcome);
            CompletableFuture<String> view = handle.toCompletableFuture();
            gate.open();
            assertEquals("open", handle.join(LONG));
            assertEquals("open", handle.get(60, TimeUnit.SECONDS));
            assertEquals("open", view.get(60, TimeUnit.SECONDS));
            assertEquals(new Outcome.Completed<>("open"), handle.outcome());
            assertEquals("open", rt.<String>blockOn(() -> handle.join()));
            int polls = gate.polls.get();
            gate.open();
            gate.open();
            assertFalse(handle.cancel());
            assertEquals("open", handle.join());
            assertEquals(polls, gate.polls.get(), "woken after its end");
            assertEquals(0, gate.closes.get());
        }
    }

    @Test
    void failuresReachEveryKindOfJoin() throws Exception {
        try (var rt = runtime()) {
            for (Throwable boom : List.of(new IOException("boom"), new AssertionError("boom"))) {
                JoinHandle<Object> handle =
                        rt.spawnFuture(
                                cx -> {
                                    if (boom instanceof Exception e) {
                                        throw e;
                                    }
                                    throw (Error) boom;
                                });
                var joined = assertThrows(CompletionException.class, () -> handle.join(LONG));
                assertSame(boom, joined.getCause());
                assertSame(boom, assertThrows(ExecutionException.class, handle::get).getCause());
                assertSame(boom, handle.exceptionNow());
                assertEquals(new Outcome.Failed<>(boom), handle.outcome());
            }
        }
    }

    @Test
    @SuppressWarnings("NullAway") // the mistake under test
    void pollingNullIsAFailureThatSaysWhatToDo() throws Exception {
        try (var rt = runtime()) {
            JoinHandle<Object> handle = rt.spawnFuture("careless", cx -> null);
            var failure = assertThrows(CompletionException.class, () -> handle.join(LONG));
            var cause = assertInstanceOf(NullPointerException.class, failure.getCause());
            assertTrue(String.valueOf(cause.getMessage()).contains("careless"));
        }
    }

    @Test
    void aTaskMayWakeItselfAndBeWokenTwice() throws Exception {
        try (var rt = runtime()) {
            var polls = new AtomicInteger();
            JoinHandle<Integer> handle =
                    rt.spawnFuture(
                            cx -> {
                                cx.waker().wake();
                                cx.waker().wakeByRef();
                                return polls.incrementAndGet() < 1000
                                        ? Poll.pending()
                                        : Poll.ready(polls.get());
                            });
            assertEquals(1000, handle.join(LONG));
        }
    }

    @Test
    void theWakerIsTheSameInEveryPoll() throws Exception {
        try (var rt = runtime()) {
            var seen = new ArrayList<Waker>();
            rt.<Boolean>blockOnFuture(
                    cx -> {
                        seen.add(cx.waker());
                        cx.pollAgain();
                        return seen.size() < 3 ? Poll.pending() : Poll.ready(true);
                    });
            assertTrue(seen.get(0).willWake(seen.get(1)));
            assertSame(seen.get(0), seen.get(2));
        }
    }

    @Test
    void aWakerThatThrowsKeepsNobodyFromWaking() throws Exception {
        try (var rt = runtime()) {
            var gate = new Gate();
            JoinHandle<String> handle = rt.spawnFuture(gate);
            JoinHandle<String> before = rt.spawnFuture(handle.asFuture());
            Waker careless =
                    () -> {
                        throw new IllegalStateException("expected");
                    };
            assertTrue(handle.asFuture().poll(Context.of(careless)).isPending());
            JoinHandle<String> after = rt.spawnFuture(handle.asFuture());
            gate.polled.await();
            gate.open();
            assertEquals("open", handle.join(LONG));
            assertEquals("open", before.join(LONG));
            assertEquals("open", after.join(LONG));
            rt.close();
            assertEquals(3, rt.metrics().completed());
        }
    }

    @Test
    void aRefusedFutureStaysTheCallers() {
        var rt = runtime();
        rt.close();
        var gate = new Gate();
        assertThrows(RejectedExecutionException.class, () -> rt.spawnFuture(gate));
        assertEquals(0, gate.closes.get());
        assertEquals(0, rt.metrics().spawned());
        assertEquals(1, rt.metrics().rejected());
    }

    @Test
    void anInterruptLeftBehindByAPollHitsNobody() throws Exception {
        try (var rt = runtime(1, FiberAccess.AUTO)) {
            rt.<Boolean>blockOnFuture(
                    cx -> {
                        Thread.currentThread().interrupt();
                        return Poll.ready(true);
                    });
            assertFalse(
                    rt.<Boolean>blockOnFuture(
                            cx -> Poll.ready(Thread.currentThread().isInterrupted())));
        }
    }

    @Test
    void cancellingAWaitingTaskDropsItsFutureAtOnce() throws Exception {
        try (var rt = runtime()) {
            var gate = new Gate();
            JoinHandle<String> handle = rt.spawnFuture(gate);
            gate.polled.await();
            CompletableFuture<String> view = handle.toCompletableFuture();
            assertTrue(handle.cancel());
            assertFalse(handle.cancel());
            assertTrue(handle.isCancelled());
            assertTrue(handle.isDone());
            assertThrows(CancellationException.class, handle::join);
            assertThrows(CancellationException.class, view::join);
            assertEquals(new Outcome.Cancelled<>(), handle.outcome());
            assertTrue(gate.closed.await(60, TimeUnit.SECONDS));
            gate.open();
            rt.close();
            assertEquals(1, gate.closes.get());
            assertEquals(1, rt.metrics().cancelled());
        }
    }

    @Test
    void cancellingARunningTaskTakesEffectAfterThePoll() throws Exception {
        try (var rt = runtime()) {
            for (boolean value : new boolean[] {false, true}) {
                var polling = new CountDownLatch(1);
                var goOn = new CountDownLatch(1);
                var closed = new CountDownLatch(1);
                class Slow implements Future<String>, AutoCloseable {
                    @Override
                    public Poll<String> poll(Context cx) throws InterruptedException {
                        polling.countDown();
                        goOn.await();
                        return value ? Poll.ready("too late") : Poll.pending();
                    }

                    @Override
                    public void close() {
                        closed.countDown();
                    }
                }
                JoinHandle<String> handle = rt.spawnFuture(new Slow());
                polling.await();
                assertTrue(handle.cancel());
                assertThrows(CancellationException.class, handle::join);
                assertEquals(1, closed.getCount());
                goOn.countDown();
                if (!value) {
                    assertTrue(closed.await(60, TimeUnit.SECONDS));
                }
                assertThrows(CancellationException.class, handle::join);
            }
            rt.close();
            assertEquals(2, rt.metrics().cancelled());
        }
    }

    @Test
    void cancellingAQueuedTaskKeepsItFromBeingPolled() throws Exception {
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name("test")
                                .workerThreads(1)
                                .stallThreshold(Duration.ZERO) // nobody takes its place
                                .shutdownTimeout(Duration.ofSeconds(20))
                                .build())) {
            var goOn = new CountDownLatch(1);
            var busy = new CountDownLatch(1);
            rt.handle()
                    .execute(
                            () -> {
                                busy.countDown();
                                try {
                                    goOn.await();
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            });
            busy.await();
            var gate = new Gate();
            JoinHandle<String> handle = rt.spawnFuture(gate);
            assertTrue(handle.cancel());
            assertThrows(CancellationException.class, handle::join);
            goOn.countDown();
            assertTrue(gate.closed.await(60, TimeUnit.SECONDS));
            assertEquals(0, gate.polls.get());
        }
    }

    @Test
    void cancellingTheViewsCancelsTheTask() throws Exception {
        try (var rt = runtime()) {
            JoinHandle<Object> handle = rt.spawnFuture(Futures.pending());
            handle.toCompletableFuture().cancel(true);
            assertThrows(CancellationException.class, handle::join);
        }
    }

    @Test
    void interruptedBlockOnCancelsTheTask() throws Exception {
        try (var rt = runtime()) {
            var gate = new Gate();
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> rt.blockOnFuture(gate));
            assertTrue(gate.closed.await(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void closingTheRuntimeCancelsWhatWaitsAndCountsEveryTask() throws Exception {
        var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(2)
                                .shutdownTimeout(Duration.ofMillis(50))
                                .build());
        List<Gate> gates = new ArrayList<>();
        List<JoinHandle<?>> waiting = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            var gate = new Gate();
            gates.add(gate);
            waiting.add(rt.spawnFuture(gate));
            rt.spawnFuture(Futures.yieldNow());
            rt.spawnFuture(
                    cx -> {
                        throw new IOException("expected");
                    });
            // yields for ever
            waiting.add(
                    rt.spawnFuture(
                            cx -> {
                                cx.pollAgain();
                                return Poll.pending();
                            }));
            // is woken for ever
            waiting.add(rt.spawnFuture(endlessSleeps()));
        }
        while (rt.metrics().completed() < 100 || rt.metrics().failed() < 100) {
            Thread.sleep(1); // or the close might cancel them
        }
        rt.close();
        for (JoinHandle<?> handle : waiting) {
            assertTrue(handle.isCancelled());
        }
        for (Gate gate : gates) {
            assertTrue(gate.closed.await(60, TimeUnit.SECONDS));
            assertEquals(1, gate.closes.get());
        }
        var m = rt.metrics();
        assertEquals(500, m.spawned());
        assertEquals(100, m.completed());
        assertEquals(100, m.failed());
        assertEquals(300, m.cancelled());
        assertEquals(0, m.live());
        assertThrows(RejectedExecutionException.class, () -> rt.spawnFuture(Futures.ready(1)));
    }

    private static Future<@Nullable Void> endlessSleeps() {
        return Futures.sleep(Duration.ofMillis(1)).andThen(v -> endlessSleeps());
    }

    @Test
    void closingWaitsForTasksThatEnd() throws Exception {
        JoinHandle<Integer> handle;
        try (var rt = runtime()) {
            handle = rt.spawnFuture(Futures.sleep(Duration.ofMillis(30)).map(v -> 1));
        }
        assertEquals(1, handle.resultNow());
    }

    /** Its operations are always ready. */
    private static final class Greedy implements Future<Long> {
        volatile boolean stop;
        private long refusals;

        @Override
        public Poll<Long> poll(Context cx) {
            int before = cx.budget().remaining();
            assertEquals(Budget.OPERATIONS_PER_POLL, before);
            for (int operations = 0; !stop; operations++) {
                if (!cx.budget().tryConsume()) {
                    assertFalse(cx.budget().tryConsume());
                    assertEquals(Budget.OPERATIONS_PER_POLL, operations);
                    refusals++;
                    return Poll.pending();
                }
            }
            return Poll.ready(refusals);
        }
    }

    @Test
    void aGreedyTaskDoesNotStarveTheOthers() throws Exception {
        try (var rt = runtime(1, FiberAccess.AUTO)) {
            var greedy = new Greedy();
            JoinHandle<Long> handle = rt.spawnFuture(greedy);
            var others = new ArrayList<JoinHandle<Integer>>();
            for (int i = 0; i < 50; i++) {
                int n = i;
                others.add(rt.spawnFuture(Futures.sleep(Duration.ofMillis(1)).map(v -> n)));
                others.add(rt.spawn(() -> n));
            }
            for (var other : others) {
                other.join(LONG);
            }
            greedy.stop = true;
            long refusals = handle.join(LONG);
            assertTrue(refusals > 0);
            assertEquals(refusals, rt.metrics().budgetForcedYields());
        }
    }

    @Test
    void manyWaitingOperationsUseNoBudget() throws Exception {
        try (var rt = runtime()) {
            List<CompletableFuture<Integer>> stages = new ArrayList<>();
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 3 * Budget.OPERATIONS_PER_POLL; i++) {
                var stage = new CompletableFuture<Integer>();
                stages.add(stage);
                futures.add(Futures.fromCompletionStage(stage));
            }
            JoinHandle<List<Integer>> all = rt.spawnFuture(Futures.join(futures));
            Thread.sleep(5);
            assertEquals(0, rt.metrics().budgetForcedYields());
            for (int i = 0; i < stages.size(); i++) {
                stages.get(i).complete(i);
            }
            assertEquals(stages.size(), all.join(LONG).size());
        }
    }
}
