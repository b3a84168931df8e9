package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** The contract of a future, for the handles of fibers and of blocking tasks. */
class JoinHandleFutureTest {
    /** How a task is started. */
    enum Kind {
        FIBER,
        BLOCKING;

        <T extends @Nullable Object> JoinHandle<T> start(
                AvxRuntime rt, Callable<? extends T> body) {
            return this == FIBER ? rt.spawn(body) : rt.spawnBlocking(body);
        }
    }

    private static Callable<String> after(CountDownLatch gate) {
        return () -> {
            gate.await();
            return "value";
        };
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aTaskThatRunsIsNeitherDoneNorCancelled(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    JoinHandle<String> task = kind.start(rt, after(gate));
                    assertFalse(task.isDone() || task.isCancelled());
                    assertEquals(Future.State.RUNNING, task.state());
                    assertThrows(IllegalStateException.class, task::resultNow);
                    assertThrows(IllegalStateException.class, task::exceptionNow);
                    assertThrows(IllegalStateException.class, task::outcome);
                    assertThrows(TimeoutException.class, () -> task.get(0, TimeUnit.SECONDS));
                    assertThrows(TimeoutException.class, () -> task.get(-1, TimeUnit.NANOSECONDS));
                    assertThrows(TimeoutException.class, () -> task.get(2, TimeUnit.MILLISECONDS));
                    assertThrows(TimeoutException.class, () -> task.join(Duration.ZERO));
                    assertThrows(TimeoutException.class, () -> task.join(Duration.ofSeconds(-1)));
                    gate.countDown();
                    assertEquals("value", task.get());
                    assertEquals("value", task.get(Long.MAX_VALUE, TimeUnit.DAYS));
                    assertEquals("value", task.join(Duration.ofSeconds(Long.MAX_VALUE)));
                    assertEquals("value", task.resultNow());
                    assertEquals(Future.State.SUCCESS, task.state());
                    assertTrue(task.isDone());
                    assertFalse(task.cancel(true) || task.cancel(false) || task.isCancelled());
                });
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whatATaskThrowsIsTheCause(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    for (Throwable thrown :
                            new Throwable[] {
                                new IllegalStateException("unchecked"),
                                new java.io.IOException("checked"),
                                new AssertionError("error"),
                                new InterruptedException("not by the handle"),
                                new CancellationException("not by the handle")
                            }) {
                        JoinHandle<String> task = kind.start(rt, () -> doThrow(thrown));
                        assertSame(
                                thrown,
                                assertThrows(ExecutionException.class, task::get).getCause());
                        assertSame(
                                thrown,
                                assertThrows(CompletionException.class, task::join).getCause());
                        assertSame(thrown, task.exceptionNow());
                        assertEquals(Future.State.FAILED, task.state());
                        assertFalse(task.isCancelled() || task.cancel(true));
                    }
                });
    }

    private static String doThrow(Throwable thrown) throws Exception {
        switch (thrown) {
            case Exception e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(thrown);
        }
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void cancellingIsFinalWhateverTheTaskDoesThen(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    for (boolean interrupt : new boolean[] {true, false}) {
                        var started = new CountDownLatch(1);
                        var gate = new CountDownLatch(1);
                        var interrupts = new AtomicInteger();
                        var ended = new CountDownLatch(1);
                        JoinHandle<String> task =
                                kind.start(
                                        rt,
                                        () -> {
                                            started.countDown();
                                            try {
                                                gate.await();
                                            } catch (InterruptedException e) {
                                                interrupts.incrementAndGet();
                                            }
                                            // the gate may open before it sees the interrupt
                                            if (Thread.interrupted()) {
                                                interrupts.incrementAndGet();
                                            }
                                            ended.countDown();
                                            return "too late";
                                        });
                        started.await();
                        assertTrue(task.cancel(interrupt));
                        assertFalse(task.cancel(true) || task.cancel(false));
                        assertTrue(task.isDone() && task.isCancelled());
                        assertEquals(Future.State.CANCELLED, task.state());
                        assertThrows(CancellationException.class, task::get);
                        assertThrows(
                                CancellationException.class, () -> task.get(0, TimeUnit.SECONDS));
                        assertThrows(CancellationException.class, task::join);
                        assertThrows(IllegalStateException.class, task::resultNow);
                        assertThrows(IllegalStateException.class, task::exceptionNow);
                        gate.countDown();
                        ended.await();
                        assertEquals(interrupt ? 1 : 0, interrupts.get());
                        assertEquals(new Outcome.Cancelled<>(), task.outcome());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void anyNumberOfThreadsMayWait(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    var gate = new CountDownLatch(1);
                    JoinHandle<String> task = kind.start(rt, after(gate));
                    var waiters = new ArrayList<Background<String>>();
                    for (int i = 0; i < 4; i++) {
                        waiters.add(Background.parked(task::join));
                        waiters.add(Background.parked(() -> task.get(60, TimeUnit.SECONDS)));
                    }
                    var interrupted = Background.parked(task::get);
                    interrupted.interrupt();
                    assertInstanceOf(InterruptedException.class, interrupted.failure());
                    gate.countDown();
                    for (var waiter : waiters) {
                        assertEquals("value", waiter.join());
                    }
                });
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aCompletableFutureFollowsItsTask(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    assertNull(kind.start(rt, () -> null).toCompletableFuture().join());
                    var gate = new CountDownLatch(1);
                    JoinHandle<String> task = kind.start(rt, after(gate));
                    var future = task.toCompletableFuture().thenApply(v -> v + "!");
                    gate.countDown();
                    assertEquals("value!", future.get(60, TimeUnit.SECONDS));
                    JoinHandle<String> cancelled = kind.start(rt, after(new CountDownLatch(1)));
                    var source = cancelled.toCompletableFuture();
                    assertTrue(source.cancel(true));
                    assertTrue(cancelled.isCancelled());
                    JoinHandle<String> other = kind.start(rt, after(new CountDownLatch(1)));
                    var followed = other.toCompletableFuture();
                    other.cancel();
                    assertTrue(followed.isCancelled());
                });
    }

    @Test
    void namesAndNumbersTellTasksApart() throws Exception {
        Books.balanced(
                rt -> {
                    JoinHandle<String> a = rt.spawn(() -> "a");
                    JoinHandle<String> b = rt.spawn("named", () -> "b");
                    JoinHandle<String> c = rt.spawnBlocking(() -> "c");
                    assertNotEquals(a.id(), b.id());
                    assertTrue(a.id() > 0 && b.id() > 0 && c.id() > 0);
                    assertEquals("fiber-" + a.id(), a.name());
                    assertEquals("named", b.name());
                    assertEquals("blocking-" + c.id(), c.name());
                    b.join();
                    assertEquals("JoinHandle[named, SUCCESS]", b.toString());
                });
    }

    /** Cancels that race with the end: the outcome, the waiters and the callbacks agree. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void cancelAndEndAgreeOnOneOutcome(Kind kind) throws Exception {
        Books.balanced(
                rt -> {
                    for (int i = 0; i < 1000; i++) {
                        int n = i;
                        JoinHandle<Integer> task = kind.start(rt, () -> n);
                        var future = task.toCompletableFuture();
                        boolean won = task.cancel(i % 2 == 0);
                        assertTrue(won == task.isCancelled());
                        if (won) {
                            assertThrows(CancellationException.class, task::join);
                            assertTrue(future.isCancelled());
                        } else {
                            assertEquals(n, task.join());
                            assertEquals(n, future.get(60, TimeUnit.SECONDS));
                        }
                    }
                    for (int i = 0; i < 100; i++) {
                        assertFalse(
                                kind.start(rt, () -> Thread.currentThread().isInterrupted())
                                        .join());
                    }
                });
    }
}
