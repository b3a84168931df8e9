package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.Stall;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

@Timeout(60)
class StallLogTest {
    private static AvxRuntime runtime(int workers) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("stalling")
                        .workerThreads(workers)
                        .stallThreshold(Duration.ZERO)
                        .build());
    }

    /**
     * A fiber that holds its worker. The threshold is set when it does: a worker that lacked a
     * processor on the way there would be reported on the way.
     */
    private static JoinHandle<Boolean> hog(AvxRuntime rt, AtomicBoolean stop)
            throws InterruptedException {
        var inside = new CountDownLatch(1);
        var hog = rt.spawn("the-hog", () -> holdWorkerUntil(stop, inside));
        inside.await();
        rt.setStallThreshold(Duration.ofMillis(30));
        return hog;
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        while (!condition.getAsBoolean()) {
            Thread.sleep(5);
        }
    }

    private static boolean holdWorkerUntil(AtomicBoolean stop, CountDownLatch inside) {
        inside.countDown();
        while (!stop.get()) {
            Thread.onSpinWait();
        }
        return true;
    }

    @Test
    void aStallIsThereWhileItGoesOnAndAfterIt() throws Exception {
        try (var rt = runtime(2)) {
            assertEquals(List.of(), rt.recentStalls());
            Instant before = Instant.now();
            var stop = new AtomicBoolean();
            var hog = hog(rt, stop);
            await(() -> !rt.recentStalls().isEmpty());
            Stall first = rt.recentStalls().getFirst();
            assertFalse(first.over());
            assertEquals("fiber \"the-hog\"", first.work());
            assertEquals(hog.id(), first.task());
            assertTrue(first.worker().startsWith("stalling-worker-"), first.worker());
            assertTrue(first.duration().compareTo(Duration.ofMillis(30)) >= 0, first.toString());
            assertFalse(first.began().isBefore(before.minusMillis(100)), first.toString());
            assertTrue(first.stack().toString().contains("holdWorkerUntil"), first.toString());
            assertTrue(first.toString().contains(" is busy with fiber \"the-hog\" #"));

            await(() -> now(rt).duration().compareTo(first.duration()) > 0);
            stop.set(true);
            hog.join();
            // the watchdog looks again before it sleeps, because the stall is open
            await(() -> now(rt).over());
            assertEquals(first.began(), now(rt).began());
            assertEquals(1, rt.recentStalls().size());
        }
    }

    /** The oldest: what comes after it may lack a processor for as long. */
    private static Stall now(AvxRuntime rt) {
        return rt.recentStalls().getLast();
    }

    @Test
    void aStallGoesOnWhenItsWorkerHasGotAnotherThread() throws Exception {
        try (var rt = runtime(1)) {
            var stop = new AtomicBoolean();
            var hog = hog(rt, stop);
            // runs only on another thread
            assertEquals(1, rt.spawn(() -> 1).join());
            await(() -> rt.metrics().takeOvers() > 0);
            await(() -> !rt.recentStalls().isEmpty());
            Duration seen = now(rt).duration();
            for (int i = 0; i < 10; i++) {
                assertEquals(1, rt.spawn(() -> 1).join());
            }
            await(() -> now(rt).duration().compareTo(seen) > 0);
            assertFalse(now(rt).over());
            stop.set(true);
            hog.join();
            await(() -> now(rt).over());
        }
    }

    @Test
    void theLastStallsAreKeptWithBoundedStacks() {
        var log = new StallLog();
        StackTraceElement[] deep = new StackTraceElement[5 * StallLog.DEPTH];
        for (int i = 0; i < deep.length; i++) {
            deep[i] = new StackTraceElement("C", "m" + i, "C.java", i);
        }
        int last = 3 * StallLog.CAPACITY;
        for (int i = 1; i <= last; i++) {
            log.add("worker", "fiber", i, 1_000_000, deep, () -> true);
        }
        List<Stall> kept = log.snapshot();
        assertEquals(StallLog.CAPACITY, kept.size());
        assertEquals(last, kept.getFirst().task());
        assertEquals(last - StallLog.CAPACITY + 1, kept.getLast().task());
        assertEquals(StallLog.DEPTH, kept.getFirst().stack().size());
        assertEquals("m0", kept.getFirst().stack().getFirst().getMethodName());
        assertFalse(log.observe(1));
        assertTrue(log.snapshot().getFirst().over());
    }

    @Test
    void aTaskIsCancelledByItsNumber() throws Exception {
        try (var rt = runtime(1)) {
            var never = new CountDownLatch(1);
            var started = new CountDownLatch(1);
            var task =
                    rt.spawn(
                            "to-cancel",
                            () -> {
                                started.countDown();
                                never.await();
                                return 1;
                            });
            started.await();
            assertEquals(Optional.of("to-cancel"), rt.cancel(task.id()));
            assertThrows(CancellationException.class, task::join);
            assertEquals(Optional.empty(), rt.cancel(task.id()));
            assertEquals(Optional.empty(), rt.cancel(-1));
        }
    }
}
