package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;
import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** The contract of an executor service, for both kinds of view. */
class ExecutorViewTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** The views that keep the contract. */
    enum View {
        PLAIN,
        SCHEDULED;

        ExecutorService of(AvxRuntime rt) {
            return this == PLAIN
                    ? rt.handle().asExecutorService()
                    : rt.handle().asScheduledExecutorService();
        }
    }

    private static String sleepLong() throws InterruptedException {
        Thread.sleep(LONG);
        return "slept";
    }

    private static String fail(Exception failure) throws Exception {
        throw failure;
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void tasksAreFibersAndReturnTheirResults(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        assertEquals("value", executor.submit(() -> "value").get());
                        assertNull(executor.submit(() -> {}).get());
                        assertEquals("given", executor.submit(() -> {}, "given").get());
                        Future<Boolean> virtual =
                                executor.submit(() -> Thread.currentThread().isVirtual());
                        assertTrue(virtual.get());
                        assertEquals(rt.handle(), executor.submit(Handle::current).get());
                        assertInstanceOf(JoinHandle.class, virtual);
                        var boom = new IOException("boom");
                        Future<String> failed = executor.submit(() -> fail(boom));
                        assertSame(
                                boom,
                                assertThrows(ExecutionException.class, failed::get).getCause());
                        var done = new CountDownLatch(1);
                        executor.execute(done::countDown);
                        assertTrue(done.await(60, TimeUnit.SECONDS));
                        assertEquals(7, CompletableFuture.supplyAsync(() -> 7, executor).join());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    @SuppressWarnings("NullAway") // on purpose
    void nullsAreRefused(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        assertThrows(NullPointerException.class, () -> executor.execute(null));
                        assertThrows(
                                NullPointerException.class, () -> executor.submit((Runnable) null));
                        assertThrows(
                                NullPointerException.class,
                                () -> executor.submit((Callable<String>) null));
                        assertThrows(
                                NullPointerException.class, () -> executor.submit(null, "value"));
                        assertThrows(NullPointerException.class, () -> executor.invokeAll(null));
                        assertThrows(NullPointerException.class, () -> executor.invokeAny(null));
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void cancellingInterruptsAndIsFinal(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        var interrupted = new CountDownLatch(1);
                        var started = new CountDownLatch(1);
                        Future<String> task =
                                executor.submit(
                                        () -> {
                                            started.countDown();
                                            try {
                                                return sleepLong();
                                            } finally {
                                                interrupted.countDown();
                                            }
                                        });
                        started.await();
                        assertThrows(
                                TimeoutException.class, () -> task.get(1, TimeUnit.MILLISECONDS));
                        assertTrue(task.cancel(true));
                        assertFalse(task.cancel(true));
                        assertTrue(task.isCancelled() && task.isDone());
                        assertThrows(CancellationException.class, task::get);
                        assertTrue(interrupted.await(60, TimeUnit.SECONDS));
                        // the interrupt does not reach a later task
                        for (int i = 0; i < 200; i++) {
                            assertFalse(
                                    executor.submit(() -> Thread.currentThread().isInterrupted())
                                            .get());
                        }
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void anInterruptedWaitForAResultLeavesTheTaskAlone(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        var gate = new CountDownLatch(1);
                        Future<String> task =
                                executor.submit(
                                        () -> {
                                            gate.await();
                                            return "value";
                                        });
                        var waiter = Background.parked(task::get);
                        waiter.interrupt();
                        assertInstanceOf(InterruptedException.class, waiter.failure());
                        gate.countDown();
                        assertEquals("value", task.get());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void shutdownLetsTasksFinishAndRefusesNewOnes(View view) throws Exception {
        Books.balanced(
                rt -> {
                    ExecutorService executor = view.of(rt);
                    var gate = new CountDownLatch(1);
                    var started = new CountDownLatch(1);
                    Future<String> task =
                            executor.submit(
                                    () -> {
                                        started.countDown();
                                        gate.await();
                                        return "value";
                                    });
                    started.await();
                    assertFalse(executor.isShutdown());
                    executor.shutdown();
                    executor.shutdown();
                    assertTrue(executor.isShutdown());
                    assertFalse(executor.isTerminated());
                    assertThrows(
                            RejectedExecutionException.class, () -> executor.execute(() -> {}));
                    assertThrows(RejectedExecutionException.class, () -> executor.submit(() -> ""));
                    assertFalse(executor.awaitTermination(5, TimeUnit.MILLISECONDS));
                    assertFalse(executor.awaitTermination(0, TimeUnit.MILLISECONDS));
                    assertFalse(executor.awaitTermination(-1, TimeUnit.MILLISECONDS));
                    var waiter =
                            Background.parked(
                                    () -> executor.awaitTermination(60, TimeUnit.SECONDS));
                    gate.countDown();
                    assertTrue(waiter.join());
                    assertTrue(executor.isTerminated());
                    assertEquals("value", task.get());
                    assertEquals("value", rt.spawn(() -> "value").join()); // the runtime lives on
                    assertEquals(List.of(), executor.shutdownNow());
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void viewsAreIndependent(View view) throws Exception {
        Books.balanced(
                rt -> {
                    ExecutorService a = view.of(rt);
                    ExecutorService b = view.of(rt);
                    assertNotSame(a, b);
                    a.close();
                    assertTrue(a.isTerminated());
                    assertFalse(b.isShutdown());
                    assertEquals("value", b.submit(() -> "value").get());
                    b.close();
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void anInterruptedWaitForTheEndIsThrown(View view) throws Exception {
        Books.balanced(
                rt -> {
                    ExecutorService executor = view.of(rt);
                    Future<String> task = executor.submit(ExecutorViewTest::sleepLong);
                    executor.shutdown();
                    var waiter =
                            Background.parked(
                                    () -> executor.awaitTermination(60, TimeUnit.SECONDS));
                    waiter.interrupt();
                    assertInstanceOf(InterruptedException.class, waiter.failure());
                    assertFalse(task.isDone());
                    // close cancels when it is interrupted, and keeps the interrupt
                    Thread.currentThread().interrupt();
                    executor.close();
                    assertTrue(Thread.interrupted());
                    assertTrue(task.isCancelled());
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void shutdownNowInterruptsWhatRunsAndReturnsWhatDoesNot(View view) throws Exception {
        Books.balanced(
                // and none takes its place while it waits for a processor
                config -> config.workerThreads(1).stallThreshold(Duration.ZERO),
                rt -> {
                    ExecutorService executor = view.of(rt);
                    rt.blockOn(
                            () -> {
                                var started = new CountDownLatch(1);
                                Future<String> running =
                                        executor.submit(
                                                () -> {
                                                    started.countDown();
                                                    return sleepLong();
                                                });
                                started.await();
                                // these do not start: this fiber has the only worker
                                var ran = new AtomicInteger();
                                Runnable command = ran::incrementAndGet;
                                executor.execute(command);
                                Future<Integer> callable = executor.submit(ran::incrementAndGet);
                                Future<?> runnable = executor.submit(command);
                                List<Runnable> neverRun = executor.shutdownNow();
                                assertTrue(executor.isShutdown());
                                assertEquals(3, neverRun.size());
                                assertSame(command, neverRun.get(0));
                                assertTrue(callable.isCancelled() && runnable.isCancelled());
                                assertTrue(
                                        executor.awaitTermination(60, TimeUnit.SECONDS),
                                        executor::toString);
                                assertTrue(running.isCancelled());
                                assertEquals(0, ran.get());
                                neverRun.forEach(Runnable::run);
                                assertEquals(3, ran.get());
                                return null;
                            });
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void aTaskCannotCloseItsOwnExecutor(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        Future<?> task = executor.submit(executor::close);
                        assertInstanceOf(
                                IllegalStateException.class,
                                assertThrows(ExecutionException.class, task::get).getCause());
                        assertFalse(executor.isShutdown());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void invokeAllReturnsWhenAllHaveEnded(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        assertEquals(List.of(), executor.invokeAll(List.<Callable<String>>of()));
                        var boom = new IOException("boom");
                        List<Future<String>> all =
                                executor.invokeAll(
                                        List.of(
                                                () -> "a",
                                                () -> fail(boom),
                                                () -> {
                                                    Thread.sleep(5);
                                                    return "c";
                                                }));
                        all.forEach(task -> assertTrue(task.isDone()));
                        assertEquals("a", all.get(0).resultNow());
                        assertSame(boom, all.get(1).exceptionNow());
                        assertEquals("c", all.get(2).resultNow());
                        List<Future<String>> timed =
                                executor.invokeAll(
                                        List.of(() -> "a", ExecutorViewTest::sleepLong),
                                        50,
                                        TimeUnit.MILLISECONDS);
                        assertTrue(timed.get(1).isCancelled());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void invokeAnyReturnsTheFirstAndCancelsTheOthers(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        assertEquals(
                                "winner",
                                executor.invokeAny(
                                        List.of(
                                                ExecutorViewTest::sleepLong,
                                                () -> fail(new IOException("boom")),
                                                () -> "winner")));
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> executor.invokeAny(List.<Callable<String>>of()));
                        var boom = new IOException("boom");
                        assertSame(
                                boom,
                                assertThrows(
                                                ExecutionException.class,
                                                () ->
                                                        executor.invokeAny(
                                                                List.<Callable<String>>of(
                                                                        () -> fail(boom))))
                                        .getCause());
                        assertThrows(
                                TimeoutException.class,
                                () ->
                                        executor.invokeAny(
                                                List.<Callable<String>>of(
                                                        ExecutorViewTest::sleepLong),
                                                10,
                                                TimeUnit.MILLISECONDS));
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void aCompletionServiceWorksOnIt(View view) throws Exception {
        Books.balanced(
                rt -> {
                    try (var executor = view.of(rt)) {
                        var service = new ExecutorCompletionService<Integer>(executor);
                        for (int i = 0; i < 100; i++) {
                            int n = i;
                            service.submit(() -> n);
                        }
                        int sum = 0;
                        for (int i = 0; i < 100; i++) {
                            sum += service.take().get();
                        }
                        assertEquals(4950, sum);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void whatAnExecutedCommandThrowsIsReported(View view) throws Exception {
        var reported = new LinkedBlockingQueue<UncaughtFailure>();
        Books.balanced(
                config -> config.uncaughtFailureHandler(reported::add),
                rt -> {
                    try (var executor = view.of(rt)) {
                        executor.execute(
                                () -> {
                                    throw new IllegalArgumentException("boom");
                                });
                        var failure = Objects.requireNonNull(reported.poll(60, TimeUnit.SECONDS));
                        assertEquals("boom", failure.cause().getMessage());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(View.class)
    void tasksEndWithTheRuntime(View view) throws Exception {
        var rt = AvxRuntime.create(RuntimeConfig.builder().shutdownTimeout(Duration.ZERO).build());
        ExecutorService executor = view.of(rt);
        Future<String> task = executor.submit(ExecutorViewTest::sleepLong);
        rt.close();
        assertThrows(CancellationException.class, task::get);
        assertThrows(RejectedExecutionException.class, () -> executor.execute(() -> {}));
        executor.shutdown();
        assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
    }

    @Test
    void submittedTasksInheritTaskLocals() throws Exception {
        TaskLocal<String> user = TaskLocal.named("user");
        Books.balanced(
                rt -> {
                    try (var executor = rt.handle().asExecutorService();
                            var timed = rt.handle().asScheduledExecutorService()) {
                        var tasks = new ArrayList<Future<String>>();
                        TaskLocal.where(user, "ada")
                                .run(
                                        () -> {
                                            tasks.add(executor.submit(user::get));
                                            tasks.add(timed.submit(user::get));
                                            tasks.add(
                                                    timed.schedule(
                                                            user::get, 1, TimeUnit.MILLISECONDS));
                                            tasks.add(
                                                    timed.schedule(
                                                            user::get, 0, TimeUnit.MILLISECONDS));
                                        });
                        for (Future<String> task : tasks) {
                            assertEquals("ada", task.get(60, TimeUnit.SECONDS));
                        }
                    }
                });
    }

    /** Submitters, cancellers and a shutdown: every future ends, and the books balance. */
    @ParameterizedTest
    @EnumSource(View.class)
    void noTaskIsLostWhenTheExecutorIsShutDown(View view) throws Exception {
        Books.balanced(
                rt -> {
                    for (int round = 0; round < 20; round++) {
                        ExecutorService executor = view.of(rt);
                        var ran = new AtomicInteger();
                        var results = new ArrayList<List<Future<?>>>();
                        var submitters = new ArrayList<Thread>();
                        for (int s = 0; s < 3; s++) {
                            List<Future<?>> mine = new ArrayList<>();
                            results.add(mine);
                            submitters.add(
                                    Thread.ofVirtual()
                                            .start(() -> submitUntilRefused(executor, mine, ran)));
                        }
                        Crew.pause(500_000);
                        int returned = 0;
                        if (round % 2 == 0) {
                            executor.shutdown();
                        } else {
                            returned = executor.shutdownNow().size();
                        }
                        for (Thread submitter : submitters) {
                            submitter.join();
                        }
                        assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS));
                        int cancelled = 0;
                        int accepted = 0;
                        for (List<Future<?>> futures : results) {
                            for (Future<?> future : futures) {
                                assertTrue(future.isDone());
                                accepted++;
                                cancelled += future.isCancelled() ? 1 : 0;
                            }
                        }
                        assertTrue(returned <= cancelled, returned + " of " + cancelled);
                        assertTrue(
                                ran.get() + cancelled >= accepted,
                                ran + " + " + cancelled + " of " + accepted);
                    }
                });
    }

    private static void submitUntilRefused(
            ExecutorService executor, List<Future<?>> accepted, AtomicInteger ran) {
        try {
            for (int i = 0; i < 1_000_000; i++) {
                accepted.add(executor.submit(ran::incrementAndGet));
                if (i % 16 == 0) {
                    Thread.yield();
                }
            }
        } catch (RejectedExecutionException e) {
            assertTrue(executor.isShutdown());
        }
    }
}
