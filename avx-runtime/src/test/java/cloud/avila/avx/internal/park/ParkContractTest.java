package cloud.avila.avx.internal.park;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.internal.sys.AddressWait;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Parking and unparking keep {@code LockSupport}'s contract on every kind of thread, and in the
 * system's wait on an address.
 */
class ParkContractTest {
    private static final long SECOND = 1_000_000_000L;
    private static final AddressParker ON_ADDRESS = new AddressParker(AddressWait.open());

    enum Kind {
        PLATFORM,
        PLATFORM_ON_ADDRESS,
        FOREIGN_VIRTUAL,
        FIBER;

        void park(Object blocker) {
            if (this == PLATFORM_ON_ADDRESS) {
                ON_ADDRESS.park(blocker, false, 0);
            } else {
                Parker.park(blocker);
            }
        }

        void parkNanos(Object blocker, long nanos) {
            if (this == PLATFORM_ON_ADDRESS) {
                ON_ADDRESS.park(blocker, true, Deadline.afterNanos(nanos));
            } else {
                Parker.parkNanos(blocker, nanos);
            }
        }

        void unpark(Thread thread) {
            if (this == PLATFORM_ON_ADDRESS) {
                ON_ADDRESS.unpark(thread);
            } else {
                Parker.unpark(thread);
            }
        }

        <T> T run(Callable<T> code) throws Exception {
            if (this == FIBER) {
                try (var rt = AvxRuntime.create()) {
                    return rt.<T>spawn(code::call).get(60, TimeUnit.SECONDS);
                }
            }
            var result = new CompletableFuture<T>();
            Runnable body =
                    () -> {
                        try {
                            result.complete(code.call());
                        } catch (Throwable e) {
                            result.completeExceptionally(e);
                        }
                    };
            Thread thread =
                    this == FOREIGN_VIRTUAL ? Thread.ofVirtual().unstarted(body) : new Thread(body);
            thread.start();
            return result.get(60, TimeUnit.SECONDS);
        }
    }

    private static long timeOf(Runnable code) {
        long start = System.nanoTime();
        code.run();
        return System.nanoTime() - start;
    }

    private final Object blocker = new Object();

    @ParameterizedTest
    @EnumSource(Kind.class)
    void anUnparkThatComesFirstIsNotLost(Kind kind) throws Exception {
        assertTrue(
                kind.run(
                        () -> {
                            kind.unpark(Thread.currentThread());
                            kind.park(blocker); // would wait for ever
                            return true;
                        }));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void permitsDoNotAddUp(Kind kind) throws Exception {
        long longest =
                kind.run(
                        () -> {
                            long most = 0;
                            for (int i = 0; i < 5; i++) { // a park may return for no reason
                                kind.unpark(Thread.currentThread());
                                kind.unpark(Thread.currentThread());
                                kind.park(blocker);
                                most =
                                        Math.max(
                                                most,
                                                timeOf(() -> kind.parkNanos(blocker, 40_000_000)));
                            }
                            return most;
                        });
        // half: a system whose clock has coarse ticks may be one of them early
        assertTrue(longest >= 20_000_000, () -> "only " + longest + " ns");
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void anInterruptEndsAParkAndStaysSet(Kind kind) throws Exception {
        var parked = new AtomicReference<Thread>();
        var interrupter =
                new Thread(
                        () -> {
                            while (parked.get() == null) {
                                Thread.onSpinWait();
                            }
                            parked.get().interrupt();
                        });
        interrupter.start();
        assertTrue(
                kind.run(
                        () -> {
                            parked.set(Thread.currentThread());
                            while (!Thread.currentThread().isInterrupted()) {
                                kind.park(blocker);
                            }
                            kind.park(blocker); // returns at once, as often as asked
                            kind.parkNanos(blocker, 60 * SECOND);
                            return Thread.interrupted();
                        }));
        interrupter.join();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aParkWithoutTimeReturnsAtOnce(Kind kind) throws Exception {
        assertTrue(
                kind.run(
                        () -> {
                            kind.parkNanos(blocker, 0);
                            kind.parkNanos(blocker, -1);
                            kind.parkNanos(blocker, Long.MIN_VALUE);
                            return true;
                        }));
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void anUnparkEndsATimedParkEarly(Kind kind) throws Exception {
        var sleeper = new AtomicReference<Thread>();
        var go = new AtomicBoolean();
        var waker =
                new Thread(
                        () -> {
                            while (sleeper.get() == null) {
                                Thread.onSpinWait();
                            }
                            go.set(true);
                            kind.unpark(sleeper.get());
                        });
        waker.start();
        long took =
                kind.run(
                        () ->
                                timeOf(
                                        () -> {
                                            sleeper.set(Thread.currentThread());
                                            while (!go.get()) {
                                                kind.parkNanos(blocker, Long.MAX_VALUE);
                                            }
                                        }));
        assertTrue(took < 55 * SECOND);
        waker.join();
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void whatAThreadWaitsOnCanBeSeenWhileItWaits(Kind kind) throws Exception {
        var thread = new AtomicReference<Thread>();
        var release = new AtomicBoolean();
        var seen = new CompletableFuture<Object>();
        var watcher =
                new Thread(
                        () -> {
                            Object found = null;
                            long end = System.nanoTime() + 50 * SECOND;
                            while (found == null && System.nanoTime() - end < 0) {
                                Thread t = thread.get();
                                found = t == null ? null : Parker.blockerOf(t);
                            }
                            seen.complete(found);
                            release.set(true);
                            kind.unpark(thread.get());
                        });
        watcher.start();
        boolean left =
                kind.run(
                        () -> {
                            thread.set(Thread.currentThread());
                            while (!release.get()) {
                                kind.park(blocker);
                            }
                            return Parker.blockerOf(Thread.currentThread()) != null;
                        });
        assertEquals(blocker, seen.get(60, TimeUnit.SECONDS));
        assertFalse(left, "a blocker stayed behind");
        watcher.join();
    }
}
