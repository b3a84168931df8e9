package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.CancellationToken.Registration;
import cloud.avila.avx.testing.Background;
import cloud.avila.avx.testing.Crew;
import cloud.avila.avx.time.Timeout;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

class CancellationTokenTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @Test
    void cancellingReachesChildrenButNotParents() {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        CancellationToken grandchild = child.child();
        CancellationToken sibling = root.child();
        assertTrue(child.cancel("enough"));
        assertTrue(grandchild.isCancelled());
        assertEquals(Optional.of("enough"), grandchild.reason());
        assertFalse(root.isCancelled());
        assertFalse(sibling.isCancelled());
        assertEquals(Optional.empty(), sibling.reason());
        assertTrue(root.cancel());
        assertTrue(sibling.isCancelled());
        assertEquals(Optional.empty(), sibling.reason());
        assertEquals(Optional.of("enough"), child.reason());
    }

    @Test
    void theFirstCancellationCounts() {
        var token = CancellationToken.create();
        assertTrue(token.cancel("first"));
        assertFalse(token.cancel("second"));
        assertFalse(token.cancel());
        assertFalse(token.child().cancel("third"));
        assertEquals(Optional.of("first"), token.child().reason());
    }

    @Test
    void throwIfCancelledSaysWhy() {
        var token = CancellationToken.create();
        token.throwIfCancelled();
        token.cancel("the client left");
        var e = assertThrows(CancellationException.class, token::throwIfCancelled);
        assertEquals("the token was cancelled: the client left", e.getMessage());
        assertEquals("CancellationToken[the client left]", token.toString());
    }

    @Test
    void actionsRunOnceParentsFirstAndAThrowingOneStopsNoOther() {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        List<String> ran = new ArrayList<>();
        child.onCancel(() -> ran.add("child"));
        root.onCancel(() -> ran.add("root"));
        root.onCancel(
                () -> {
                    throw new IllegalStateException("thrown on purpose");
                });
        root.child().child().onCancel(() -> ran.add("grandchild"));
        root.onCancel(() -> ran.add("last of root"));
        root.cancel();
        child.cancel();
        assertEquals(List.of("root", "last of root", "child", "grandchild"), ran);
    }

    @Test
    void anActionOnACancelledTokenRunsAtOnce() {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        root.cancel();
        List<String> ran = new ArrayList<>();
        child.child().onCancel(() -> ran.add("grandchild")).close();
        root.onCancel(() -> ran.add("root"));
        assertEquals(List.of("grandchild", "root"), ran);
    }

    @Test
    void aClosedRegistrationDoesNotRun() {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        List<String> ran = new ArrayList<>();
        Registration a = child.onCancel(() -> ran.add("a"));
        Registration b = child.onCancel(() -> ran.add("b"));
        a.close();
        a.close();
        assertEquals(1, root.entries());
        root.cancel();
        b.close();
        assertEquals(List.of("b"), ran);
    }

    @Test
    void anActionMayRegisterCancelAndCloseOnTheSameToken() {
        var token = CancellationToken.create();
        List<String> ran = new ArrayList<>();
        var second = new ArrayList<Registration>();
        token.onCancel(
                () -> {
                    second.forEach(Registration::close);
                    token.onCancel(() -> ran.add("late"));
                    assertFalse(token.cancel());
                });
        second.add(token.onCancel(() -> ran.add("closed by the first")));
        token.cancel();
        assertEquals(List.of("late"), ran);
    }

    @Test
    void aMillionChildrenLeaveNothingInALongLivedParent() {
        var parent = CancellationToken.create();
        for (int i = 0; i < 1_000_000; i++) {
            CancellationToken child = parent.child();
            Registration r = child.onCancel(() -> {});
            assertFalse(child.isCancelled());
            if ((i & 1) == 0) {
                r.close();
            } else {
                child.cancel();
            }
        }
        assertEquals(0, parent.entries());
    }

    @Test
    void aForgottenChildIsGarbageThoughNobodyClosesIt() throws Exception {
        var parent = CancellationToken.create();
        var child = new WeakReference<>(parent.child().child());
        for (int i = 0; child.get() != null; i++) {
            assertTrue(i < 200, "the child is still reachable");
            System.gc();
            Thread.sleep(5);
        }
        assertFalse(parent.isCancelled());
    }

    @Test
    void aDeepChainIsCancelledWithoutRecursion() {
        var root = CancellationToken.create();
        CancellationToken leaf = root;
        for (int i = 0; i < 50_000; i++) {
            leaf = leaf.child();
        }
        var ran = new AtomicInteger();
        leaf.onCancel(ran::incrementAndGet);
        leaf.onCancel(ran::incrementAndGet).close();
        assertEquals(1, root.entries());
        root.cancel();
        assertEquals(1, ran.get());
        assertTrue(leaf.isCancelled());
    }

    @Test
    void waitingEndsWhenAnAncestorIsCancelled() throws Exception {
        var root = CancellationToken.create();
        CancellationToken child = root.child().child();
        var waiter = Background.parkedStep(child::await);
        var timed = Background.parked(() -> child.await(LONG));
        root.cancel();
        assertTrue(waiter.join());
        assertTrue(timed.join());
        child.await();
        assertTrue(child.await(Duration.ZERO));
    }

    @Test
    void waitingGivesUpWithoutATrace() throws Exception {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        assertFalse(child.await(Duration.ofMillis(2)));
        assertFalse(child.await(Duration.ZERO));
        assertFalse(child.await(Duration.ofSeconds(-1)));
        var waiter = Background.parkedStep(child::await);
        waiter.interrupt();
        assertInstanceOf(InterruptedException.class, waiter.failure());
        var interrupted =
                Background.start(
                        () -> {
                            Thread.currentThread().interrupt();
                            child.await();
                            return null;
                        });
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        assertEquals(0, child.entries());
        assertEquals(0, root.entries());
    }

    @Test
    void codeIsInterruptedWhenTheTokenIsCancelled() throws Exception {
        var root = CancellationToken.create();
        CancellationToken child = root.child();
        var call =
                Background.parked(
                        () -> {
                            try {
                                return child.callUntilCancelled(
                                        () -> {
                                            Thread.sleep(LONG);
                                            return "slept";
                                        });
                            } finally {
                                assertFalse(Thread.currentThread().isInterrupted());
                            }
                        });
        root.cancel("no time");
        Throwable failure = call.failure();
        assertInstanceOf(CancellationException.class, failure);
        assertEquals("the token was cancelled: no time", failure.getMessage());
        assertInstanceOf(InterruptedException.class, failure.getCause());
        assertEquals(0, root.entries());
        var ran = new AtomicInteger();
        assertThrows(
                CancellationException.class, () -> child.callUntilCancelled(ran::incrementAndGet));
        assertEquals(0, ran.get());
    }

    @Test
    void codeThatIsNotCancelledLeavesNothing() throws Exception {
        var token = CancellationToken.create();
        assertEquals("done", token.callUntilCancelled(() -> "done"));
        var thrown = new java.io.IOException("own failure");
        assertSame(
                thrown,
                assertThrows(
                        java.io.IOException.class,
                        () ->
                                token.callUntilCancelled(
                                        () -> {
                                            throw thrown;
                                        })));
        assertThrows(
                StackOverflowError.class,
                () ->
                        token.callUntilCancelled(
                                () -> {
                                    throw new StackOverflowError("thrown on purpose");
                                }));
        assertEquals(0, token.entries());
        token.cancel();
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void aValueWinsAgainstTheCancellationAndTheInterruptIsGone() throws Exception {
        var token = CancellationToken.create();
        assertEquals(
                "value",
                token.callUntilCancelled(
                        () -> {
                            token.cancel();
                            assertTrue(Thread.currentThread().isInterrupted());
                            return "value";
                        }));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void anInterruptBySomebodyElseIsHandedOn() throws Exception {
        var token = CancellationToken.create();
        Thread.currentThread().interrupt();
        assertEquals("value", token.callUntilCancelled(() -> "value"));
        assertTrue(Thread.interrupted());
        var call =
                Background.parked(
                        () ->
                                token.callUntilCancelled(
                                        () -> {
                                            Thread.sleep(LONG);
                                            return null;
                                        }));
        call.interrupt();
        assertInstanceOf(InterruptedException.class, call.failure());
        // it comes first, then the token's
        assertThrows(
                InterruptedException.class,
                () ->
                        token.callUntilCancelled(
                                () -> {
                                    Thread.currentThread().interrupt();
                                    token.cancel();
                                    Thread.sleep(LONG);
                                    return null;
                                }));
    }

    @Test
    void aCancellationThatHitsAnExpiredTimeoutInsideIsNotLost() throws Exception {
        try (var rt = AvxRuntime.create();
                var guard = rt.enter()) {
            var token = CancellationToken.create();
            var e =
                    assertThrows(
                            CancellationException.class,
                            () ->
                                    token.callUntilCancelled(
                                            () -> {
                                                // both interrupts are there before either is
                                                // noticed
                                                Timeout.run(
                                                        Duration.ofMillis(1),
                                                        () -> {
                                                            while (!Thread.currentThread()
                                                                    .isInterrupted()) {
                                                                Thread.onSpinWait();
                                                            }
                                                            token.cancel();
                                                        });
                                                Thread.sleep(LONG);
                                                return null;
                                            }));
            assertInstanceOf(InterruptedException.class, e.getCause());
            assertFalse(Thread.interrupted());
        }
    }

    /** Cancels race with the ends of calls; each call ends, and leaves its thread clean. */
    @Test
    void noInterruptComesAfterTheCall() throws Exception {
        var crew = new Crew("token-calls");
        var calls = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            crew.add(
                    random -> {
                        while (!crew.isOver()) {
                            var root = CancellationToken.create();
                            var token = random.nextBoolean() ? root : root.child();
                            Thread canceller = Thread.ofVirtual().start(root::cancel);
                            try {
                                token.callUntilCancelled(
                                        () -> {
                                            if (random.nextBoolean()) {
                                                Crew.pause(random.nextInt(50_000));
                                            }
                                            return null;
                                        });
                            } catch (CancellationException e) {
                                assertTrue(token.isCancelled());
                            }
                            assertFalse(Thread.currentThread().isInterrupted());
                            canceller.join();
                            assertFalse(Thread.currentThread().isInterrupted());
                            assertEquals(0, root.entries());
                            calls.incrementAndGet();
                        }
                    });
        }
        crew.run(List.of());
        assertTrue(calls.get() > 0);
    }

    /** Registers, closes, waits and cancels all over one tree; every action runs or was closed. */
    @Test
    void whileTheTreeIsCancelledNoActionIsLostOrRunTwice() throws Exception {
        for (int round = 0; round < 300; round++) {
            var root = CancellationToken.create();
            CancellationToken middle = root.child();
            var start = new CountDownLatch(1);
            var done = new CountDownLatch(4);
            int each = 50;
            var ran = new AtomicInteger[4 * each];
            var closed = new boolean[4 * each];
            for (int t = 0; t < 4; t++) {
                int from = t * each;
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    try {
                                        start.await();
                                        for (int i = from; i < from + each; i++) {
                                            var counter = new AtomicInteger();
                                            ran[i] = counter;
                                            CancellationToken token = (i & 1) == 0 ? middle : root;
                                            Registration r =
                                                    token.child()
                                                            .onCancel(counter::incrementAndGet);
                                            if (i % 3 == 0) {
                                                closed[i] = true;
                                                r.close();
                                            }
                                        }
                                    } catch (InterruptedException e) {
                                        throw new AssertionError(e);
                                    } finally {
                                        done.countDown();
                                    }
                                });
            }
            start.countDown();
            Thread.yield();
            (round % 2 == 0 ? middle : root).cancel();
            assertTrue(done.await(60, TimeUnit.SECONDS));
            root.cancel();
            for (int i = 0; i < ran.length; i++) {
                int times = ran[i].get();
                assertTrue(closed[i] ? times <= 1 : times == 1, "action " + i + " ran " + times);
            }
            assertEquals(0, root.entries());
            assertEquals(0, middle.entries());
        }
    }

    @Test
    void nullsAreRefused() {
        var token = CancellationToken.create();
        assertThrows(NullPointerException.class, () -> token.onCancel(nothing()));
        assertThrows(NullPointerException.class, () -> token.cancel(nothing()));
        assertThrows(NullPointerException.class, () -> token.callUntilCancelled(nothing()));
        assertNull(token.reason().orElse(null));
        assertFalse(token.isCancelled());
    }

    @SuppressWarnings("NullAway") // on purpose
    private static <T> T nothing() {
        @Nullable T none = null;
        return none;
    }
}
