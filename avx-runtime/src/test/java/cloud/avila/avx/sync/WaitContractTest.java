package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Every wait of the packages {@code sync} and {@code atomic} that has no test of its own for this:
 * on each kind of thread it ends when granted, when interrupted and when time is up, and who gives
 * up takes nothing away from the next.
 */
@Timeout(120)
class WaitContractTest {
    private static final Duration SHORT = Duration.ofMillis(5);
    private static final Duration LONG = Duration.ofHours(1);

    @SuppressWarnings("NullAway.Init")
    private static AvxRuntime runtime;

    @BeforeAll
    static void open() {
        runtime = AvxRuntime.create();
    }

    @AfterAll
    static void close() {
        runtime.close();
    }

    /** Something to wait for. */
    interface Subject {
        void await() throws Exception;

        /** False when time is up. */
        boolean await(Duration timeout) throws Exception;

        /** Lets one who waits go on, or all. */
        void grant() throws Exception;
    }

    enum Wait {
        NOTIFY {
            @Override
            Subject make() {
                var notify = new Notify();
                return subject(notify::await, notify::await, notify::notifyOne);
            }
        },
        NOTIFY_BY_LAST {
            @Override
            Subject make() {
                var notify = new Notify();
                return subject(notify::await, notify::await, notify::notifyLast);
            }
        },
        NOTIFY_BY_ALL {
            @Override
            Subject make() {
                var notify = new Notify();
                return subject(notify::await, notify::await, notify::notifyWaiters);
            }
        },
        TICKET {
            @Override
            Subject make() {
                var notify = new Notify();
                return subject(
                        () -> {
                            try (var ticket = notify.notified()) {
                                ticket.await();
                            }
                        },
                        timeout -> {
                            try (var ticket = notify.notified()) {
                                return ticket.await(timeout);
                            }
                        },
                        notify::notifyOne);
            }
        },
        LATCH {
            @Override
            Subject make() {
                var latch = new Latch(1);
                return subject(latch::await, latch::await, latch::countDown);
            }
        },
        SET_ONCE {
            @Override
            Subject make() {
                var once = new SetOnce<String>();
                return subject(once::await, timed(once::await), () -> once.trySet("a"));
            }
        },
        ONCE_CELL {
            @Override
            Subject make() {
                var cell = new OnceCell<String>();
                return subject(cell::await, timed(cell::await), () -> cell.trySet("a"));
            }
        },
        ONCE_CELL_TURN {
            @Override
            Subject make() {
                var cell = new OnceCell<String>();
                var fail = new Latch(1);
                var first = Background.parked(() -> cell.getOrInit(() -> failAfter(fail)));
                return subject(
                        () -> cell.getOrInit(() -> "a"),
                        timed(timeout -> cell.getOrInit(() -> "a", timeout)),
                        () -> {
                            fail.countDown();
                            assertInstanceOf(IOException.class, first.failure());
                        });
            }
        },
        RATE_LIMITER_HEAD {
            @Override
            Subject make() {
                var limiter = RateLimiter.of(1, LONG.multipliedBy(2), 1);
                limiter.tryAcquire();
                return subject(
                        limiter::acquire,
                        limiter::tryAcquire,
                        () -> limiter.setRate(1, Duration.ofMillis(1), 1));
            }
        },
        RATE_LIMITER_QUEUE {
            @Override
            Subject make() {
                var limiter = RateLimiter.of(1, LONG.multipliedBy(2), 1);
                limiter.tryAcquire();
                var head = Background.parkedStep(limiter::acquire);
                return subject(
                        limiter::acquire,
                        limiter::tryAcquire,
                        () -> {
                            limiter.setRate(1, Duration.ofMillis(1), 1);
                            head.join();
                        });
            }
        },
        FLAG_SET {
            @Override
            Subject make() {
                var flag = new AtomicFlag();
                return subject(flag::awaitSet, flag::awaitSet, flag::set);
            }
        },
        FLAG_CLEAR {
            @Override
            Subject make() {
                var flag = new AtomicFlag(true);
                return subject(flag::awaitClear, flag::awaitClear, flag::clear);
            }
        };

        abstract Subject make();
    }

    private interface TimedWait {
        boolean run(Duration timeout) throws Exception;
    }

    private interface TimedValue {
        Object run(Duration timeout) throws Exception;
    }

    private static String failAfter(Latch latch) throws IOException, InterruptedException {
        latch.await();
        throw new IOException("no value");
    }

    private static TimedWait timed(TimedValue wait) {
        return timeout -> {
            try {
                wait.run(timeout);
                return true;
            } catch (TimeoutException e) {
                return false;
            }
        };
    }

    private static Subject subject(Background.Step wait, TimedWait timed, Background.Step grant) {
        return new Subject() {
            @Override
            public void await() throws Exception {
                wait.run();
            }

            @Override
            public boolean await(Duration timeout) throws Exception {
                return timed.run(timeout);
            }

            @Override
            public void grant() throws Exception {
                grant.run();
            }
        };
    }

    enum Kind {
        PLATFORM,
        FOREIGN_VIRTUAL,
        FIBER
    }

    /** A call on a thread of some kind. */
    private static final class Call<T> {
        private final CompletableFuture<Thread> thread = new CompletableFuture<>();
        private final CompletableFuture<T> result = new CompletableFuture<>();

        Call(Kind kind, Callable<T> code) {
            Runnable body =
                    () -> {
                        thread.complete(Thread.currentThread());
                        try {
                            result.complete(code.call());
                        } catch (Throwable e) {
                            result.completeExceptionally(e);
                        }
                    };
            switch (kind) {
                case PLATFORM -> new Thread(body).start();
                case FOREIGN_VIRTUAL -> Thread.startVirtualThread(body);
                case FIBER ->
                        runtime.handle()
                                .spawnDetached(
                                        "waiter",
                                        () -> {
                                            body.run();
                                            return true;
                                        });
            }
        }

        Call<T> awaitParked() throws Exception {
            Thread t = thread.get(30, TimeUnit.SECONDS);
            while (LockSupport.getBlocker(t) == null && !result.isDone()) {
                Thread.yield();
            }
            Background.awaitParked(t);
            return this;
        }

        void interrupt() throws Exception {
            thread.get(30, TimeUnit.SECONDS).interrupt();
        }

        T get() throws Exception {
            return result.get(60, TimeUnit.SECONDS);
        }

        Throwable failure() {
            return requireNonNull(assertThrows(ExecutionException.class, this::get).getCause());
        }
    }

    private static Call<Boolean> waiting(Kind kind, Subject subject) throws Exception {
        var call =
                new Call<>(
                        kind,
                        () -> {
                            subject.await();
                            return true;
                        });
        return call.awaitParked();
    }

    static Stream<Arguments> waits() {
        return Stream.of(Wait.values())
                .flatMap(w -> Stream.of(Kind.values()).map(k -> Arguments.of(w, k)));
    }

    @ParameterizedTest
    @MethodSource("waits")
    void endsWhenGranted(Wait wait, Kind kind) throws Exception {
        Subject subject = wait.make();
        var waiting = waiting(kind, subject);
        subject.grant();
        assertTrue(waiting.get());
    }

    @ParameterizedTest
    @MethodSource("waits")
    void aTimedWaitEndsWhenGranted(Wait wait, Kind kind) throws Exception {
        Subject subject = wait.make();
        var waiting = new Call<>(kind, () -> subject.await(LONG.multipliedBy(24)));
        waiting.awaitParked();
        subject.grant();
        assertTrue(waiting.get());
    }

    @ParameterizedTest
    @MethodSource("waits")
    void endsWhenInterruptedAndTheNextIsGranted(Wait wait, Kind kind) throws Exception {
        Subject subject = wait.make();
        var interrupted = waiting(kind, subject);
        var next = waiting(kind, subject);
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        subject.grant();
        assertTrue(next.get());
    }

    @ParameterizedTest
    @MethodSource("waits")
    void endsWhenTimeIsUpAndTheNextIsGranted(Wait wait, Kind kind) throws Exception {
        Subject subject = wait.make();
        assertFalse(new Call<>(kind, () -> subject.await(Duration.ZERO)).get());
        assertFalse(new Call<>(kind, () -> subject.await(Duration.ofDays(-1))).get());
        var late = new Call<>(kind, () -> subject.await(SHORT));
        var next = waiting(kind, subject);
        assertFalse(late.get());
        subject.grant();
        assertTrue(next.get());
    }

    @ParameterizedTest
    @MethodSource("waits")
    void anInterruptThatCameBeforeEndsItAndIsCleared(Wait wait, Kind kind) throws Exception {
        Subject subject = wait.make();
        var call =
                new Call<>(
                        kind,
                        () -> {
                            int ended = 0;
                            for (Background.Step step :
                                    new Background.Step[] {
                                        subject::await, () -> subject.await(LONG)
                                    }) {
                                Thread.currentThread().interrupt();
                                assertThrows(InterruptedException.class, step::run);
                                assertFalse(Thread.currentThread().isInterrupted());
                                ended++;
                            }
                            return ended;
                        });
        assertEquals(2, call.get());
        var next = waiting(kind, subject);
        subject.grant();
        assertTrue(next.get());
    }
}
