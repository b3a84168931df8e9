package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.FiberReuse;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** What a fiber sees of the fibers that ran before it on the same virtual thread. */
class FiberReuseTest {
    private static final ThreadLocal<String> LOCAL = new ThreadLocal<>();
    private static final InheritableThreadLocal<String> INHERITABLE =
            new InheritableThreadLocal<>();
    private static final ScopedValue<String> SCOPED = ScopedValue.newInstance();

    /** One worker, which nobody takes over though it may lack a processor for a while. */
    private static AvxRuntime runtime(FiberReuse reuse) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("reuse")
                        .workerThreads(1)
                        .stallThreshold(Duration.ZERO)
                        .fiberReuse(reuse)
                        .build());
    }

    /** Runs fibers one behind the other, with nothing between them, and so on one runner. */
    private static void oneAfterTheOther(AvxRuntime rt, int times, Runnable first, Runnable second)
            throws Exception {
        var ended = new CountDownLatch(2 * times);
        rt.blockOn(
                () -> {
                    for (int i = 0; i < times; i++) {
                        for (Runnable body : List.of(first, second)) {
                            rt.spawn(
                                    () -> {
                                        body.run();
                                        ended.countDown();
                                        return null;
                                    });
                        }
                    }
                    return null;
                });
        assertTrue(ended.await(60, TimeUnit.SECONDS));
    }

    private static Set<Thread> identitySet() {
        return Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));
    }

    @Test
    void fibersThatDoNotBlockShareThreads() throws Exception {
        Set<Thread> threads = identitySet();
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            Runnable note = () -> threads.add(Thread.currentThread());
            oneAfterTheOther(rt, 5_000, note, note);
        }
        assertTrue(threads.size() < 5_000, () -> threads.size() + " threads for 10000 fibers");
    }

    @Test
    void withoutReuseEveryFiberHasAThreadOfItsOwn() throws Exception {
        Set<Thread> threads = identitySet();
        try (var rt = runtime(FiberReuse.NEVER)) {
            Runnable note = () -> threads.add(Thread.currentThread());
            oneAfterTheOther(rt, 500, note, note);
        }
        assertEquals(1_000, threads.size());
    }

    @Test
    void aThreadThatHasParkedIsNotSeenAgainUntilParked() throws Exception {
        var parked = identitySet();
        var seenAgain = new AtomicInteger();
        var all = identitySet();
        try (var rt = runtime(FiberReuse.UNTIL_PARKED)) {
            oneAfterTheOther(
                    rt,
                    2_000,
                    () -> {
                        if (parked.contains(Thread.currentThread())) {
                            seenAgain.incrementAndGet();
                        }
                        LockSupport.parkNanos(1);
                        Thread.yield();
                        parked.add(Thread.currentThread());
                    },
                    () -> {
                        all.add(Thread.currentThread());
                        if (parked.contains(Thread.currentThread())) {
                            seenAgain.incrementAndGet();
                        }
                    });
        }
        assertEquals(0, seenAgain.get());
        assertTrue(all.size() <= 2_000);
        assertEquals(2_000, parked.size());
    }

    @ParameterizedTest
    @EnumSource(FiberReuse.class)
    void nothingOfAFiberIsLeftToTheNext(FiberReuse reuse) throws Exception {
        var left = new ConcurrentLinkedQueue<String>();
        try (var rt = runtime(reuse);
                var loader = new URLClassLoader(new URL[0])) {
            ClassLoader usual = Thread.currentThread().getContextClassLoader();
            oneAfterTheOther(
                    rt,
                    1_000,
                    () -> {
                        LOCAL.set("mine");
                        INHERITABLE.set("mine");
                        Thread me = Thread.currentThread();
                        me.setName("mine");
                        me.setContextClassLoader(loader);
                        me.setUncaughtExceptionHandler((t, e) -> {});
                        ScopedValue.where(SCOPED, "mine").run(me::interrupt);
                    },
                    () -> {
                        Thread me = Thread.currentThread();
                        note(left, LOCAL.get() != null, "thread-local");
                        note(left, INHERITABLE.get() != null, "inheritable thread-local");
                        note(left, me.isInterrupted(), "interrupt status");
                        note(left, !me.getName().isEmpty(), "name " + me.getName());
                        note(left, me.getContextClassLoader() != usual, "context class loader");
                        note(
                                left,
                                me.getUncaughtExceptionHandler() != me.getThreadGroup(),
                                "handler of uncaught exceptions");
                        note(left, SCOPED.isBound(), "scoped value");
                    });
        }
        assertEquals(List.of(), List.copyOf(new HashSet<>(left)));
    }

    private static void note(ConcurrentLinkedQueue<String> left, boolean found, String what) {
        if (found) {
            left.add(what);
        }
    }

    @Test
    void aNameIsTheFibersOwn() throws Exception {
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            rt.blockOn(
                    () -> {
                        var named = rt.spawn("named", () -> Thread.currentThread().getName());
                        var plain = rt.spawn(() -> Thread.currentThread().getName());
                        assertEquals("named", named.join());
                        assertEquals("", plain.join());
                        return null;
                    });
        }
    }

    @Test
    void cancellingAFiberNeverInterruptsTheNextOnItsThread() throws Exception {
        var strays = new AtomicInteger();
        try (var rt = AvxRuntime.create(RuntimeConfig.builder().workerThreads(2).build())) {
            for (int round = 0; round < 300; round++) {
                rt.blockOn(
                        () -> {
                            var victims = new ArrayList<JoinHandle<?>>();
                            var witnesses = new ArrayList<JoinHandle<?>>();
                            for (int i = 0; i < 20; i++) {
                                victims.add(
                                        rt.spawn(
                                                () -> {
                                                    Thread.onSpinWait();
                                                    return null;
                                                }));
                                witnesses.add(
                                        rt.spawn(
                                                () -> {
                                                    for (int k = 0; k < 50; k++) {
                                                        Thread.onSpinWait();
                                                        if (Thread.interrupted()) {
                                                            strays.incrementAndGet();
                                                        }
                                                    }
                                                    return null;
                                                }));
                                victims.get(i / 2).cancel(true);
                            }
                            for (JoinHandle<?> victim : victims) {
                                victim.cancel(true);
                            }
                            for (JoinHandle<?> witness : witnesses) {
                                witness.join();
                            }
                            return null;
                        });
            }
        }
        assertEquals(0, strays.get());
    }

    @Test
    void aLeftOverPermitAtMostEndsOneParkEarly() throws Exception {
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            var done = new CountDownLatch(1);
            var released = new AtomicReference<Boolean>(false);
            var waiting = new AtomicReference<Thread>();
            rt.spawn(
                    () -> {
                        LockSupport.unpark(Thread.currentThread());
                        return null;
                    });
            rt.spawn(
                    () -> {
                        waiting.set(Thread.currentThread());
                        while (!released.get()) {
                            LockSupport.park();
                        }
                        done.countDown();
                        return null;
                    });
            while (waiting.get() == null) {
                Thread.sleep(1);
            }
            assertFalse(done.await(20, TimeUnit.MILLISECONDS));
            released.set(true);
            LockSupport.unpark(waiting.get());
            assertTrue(done.await(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void aHandleTellsTheEndAndRunnersEndThemselves() throws Exception {
        Set<Thread> threads = identitySet();
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            Runnable note = () -> threads.add(Thread.currentThread());
            oneAfterTheOther(rt, 1_000, note, Thread::yield);
            // none stays suspended for a next task: they would never be freed
            for (Thread thread : threads) {
                assertTrue(thread.join(Duration.ofSeconds(60)), thread.toString());
            }
        }
    }

    @Test
    void yieldingLetsEveryWaitingFiberRunFirst() throws Exception {
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            int others = 1_000;
            var ran = new AtomicInteger();
            int before =
                    rt.blockOn(
                            () -> {
                                for (int i = 0; i < others; i++) {
                                    rt.spawn(ran::incrementAndGet);
                                }
                                Thread.yield();
                                return ran.get();
                            });
            // the LIFO slot may hold one back
            assertTrue(before >= others - 1, () -> "only " + before + " ran before");
        }
    }

    @Test
    void aFiberInheritsNothingOfItsSpawnerUnlessItsThreadIsItsOwn() throws Exception {
        INHERITABLE.set("outer");
        try {
            for (FiberReuse reuse : FiberReuse.values()) {
                try (var rt = runtime(reuse)) {
                    String seen = rt.spawn(INHERITABLE::get).join();
                    if (reuse == FiberReuse.NEVER) {
                        assertEquals("outer", seen);
                    } else {
                        assertNull(seen);
                    }
                }
            }
        } finally {
            INHERITABLE.remove();
        }
    }

    @Test
    void aFiberThatIsCancelledBeforeItStartsNeverRuns() throws Exception {
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            rt.blockOn(
                    () -> {
                        var ran = new AtomicInteger();
                        var handle = rt.spawn(ran::incrementAndGet);
                        assertTrue(handle.cancel(true));
                        var next = rt.spawn(() -> Thread.currentThread().isInterrupted());
                        assertFalse(next.join());
                        assertEquals(0, ran.get());
                        assertTrue(handle.isCancelled());
                        try {
                            handle.join();
                        } catch (CancellationException expected) {
                            return null;
                        }
                        throw new AssertionError("joined a cancelled fiber");
                    });
            for (int i = 0; rt.metrics().live() > 0 && i < 12_000; i++) {
                Thread.sleep(5);
            }
            assertEquals(0, rt.metrics().live());
        }
    }

    @Test
    void aBlockedFiberKeepsItsThreadWhileOthersRun() throws Exception {
        try (var rt = runtime(FiberReuse.ALWAYS)) {
            var release = new CountDownLatch(1);
            var threads = new AtomicReference<Thread>();
            var blocked =
                    rt.spawn(
                            () -> {
                                Thread before = Thread.currentThread();
                                threads.set(before);
                                LOCAL.set("kept");
                                release.await();
                                assertSame(before, Thread.currentThread());
                                return LOCAL.get();
                            });
            for (int i = 0; i < 200; i++) {
                Thread other = rt.spawn(Thread::currentThread).join();
                if (threads.get() != null) {
                    assertNotSame(threads.get(), other);
                }
            }
            release.countDown();
            assertEquals("kept", blocked.join());
        }
    }
}
