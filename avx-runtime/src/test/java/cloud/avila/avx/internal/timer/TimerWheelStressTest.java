package cloud.avila.avx.internal.timer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Parker;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Many threads at one wheel, on the real clock, and what a million timers cost. */
class TimerWheelStressTest {
    private final TimerWheel wheel = new TimerWheel();

    private record Tally(long added, long cancelled) {}

    @Test
    @Timeout(120)
    void everyTimerFiresOrIsCancelledExactlyOnce() throws Exception {
        long seed = System.nanoTime();
        System.out.println("TimerWheelStressTest: seed " + seed);
        var fired = new AtomicLong();
        var early = new AtomicLong();
        var stop = new AtomicBoolean();
        List<Future<Tally>> adders = new ArrayList<>();
        List<Future<?>> advancers = new ArrayList<>();
        try (var pool = Executors.newCachedThreadPool()) {
            for (int i = 0; i < 2; i++) {
                advancers.add(
                        pool.submit(
                                () -> {
                                    while (!stop.get()) {
                                        if (wheel.advance(System.nanoTime()) <= 0) {
                                            Thread.yield();
                                        }
                                    }
                                }));
            }
            for (int i = 0; i < 4; i++) {
                var random = new SplittableRandom(seed + i);
                adders.add(pool.submit(adder(random, fired, early)));
            }
            long added = 0;
            long cancelled = 0;
            for (var f : adders) {
                Tally t = f.get();
                added += t.added();
                cancelled += t.cancelled();
            }
            while (fired.get() + cancelled < added) {
                Thread.sleep(1);
            }
            stop.set(true);
            for (var f : advancers) {
                f.get();
            }
            assertEquals(0, early.get(), "fired before their deadline");
            assertEquals(added, fired.get() + cancelled);
            assertEquals(added, wheel.scheduled());
            assertEquals(cancelled, wheel.cancelled());
            assertEquals(fired.get(), wheel.fired());
            assertEquals(0, wheel.pending());
            assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
        }
    }

    private Callable<Tally> adder(SplittableRandom random, AtomicLong fired, AtomicLong early) {
        return () -> {
            long added = 0;
            long cancelled = 0;
            var recent = new ArrayDeque<Timer>();
            for (int i = 0; i < 200_000; i++) {
                long now = System.nanoTime();
                long deadline = TimerWheel.deadline(now, random.nextLong(-1000, 20_000_000));
                var timer =
                        new Timer(
                                wheel,
                                () -> {
                                    fired.getAndIncrement();
                                    if (System.nanoTime() - deadline < 0) {
                                        early.getAndIncrement();
                                    }
                                },
                                deadline);
                wheel.add(timer, now);
                added++;
                recent.add(timer);
                if (recent.size() > random.nextInt(64)) {
                    if (recent.remove().cancel(false)) {
                        cancelled++;
                    }
                }
            }
            return new Tally(added, cancelled);
        };
    }

    /** A sleeper that trusts nextDeadline and the result of add is never late for good. */
    @Test
    @Timeout(120)
    void aSleeperThatIsWokenWhenAddSaysSoMissesNothing() throws Exception {
        var fired = new AtomicLong();
        var stop = new AtomicBoolean();
        var sleeper =
                Thread.ofPlatform()
                        .daemon()
                        .start(
                                () -> {
                                    while (!stop.get()) {
                                        wheel.advance(System.nanoTime());
                                        long next = wheel.nextDeadline();
                                        if (next == Long.MAX_VALUE) {
                                            Parker.park(wheel);
                                        } else {
                                            Parker.parkNanos(wheel, next - System.nanoTime());
                                        }
                                    }
                                });
        int threads = 3;
        int each = 20_000;
        try (var pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> adders = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                var random = new SplittableRandom(t);
                adders.add(
                        pool.submit(
                                () -> {
                                    for (int i = 0; i < each; i++) {
                                        long now = System.nanoTime();
                                        long delay = random.nextLong(3_000_000);
                                        var timer =
                                                new Timer(
                                                        wheel,
                                                        fired::getAndIncrement,
                                                        TimerWheel.deadline(now, delay));
                                        var decoy =
                                                new Timer(
                                                        wheel,
                                                        () -> {},
                                                        TimerWheel.deadline(now, delay / 2));
                                        if (wheel.add(decoy, now) | wheel.add(timer, now)) {
                                            Parker.unpark(sleeper);
                                        }
                                        decoy.cancel(false);
                                    }
                                }));
            }
            for (var a : adders) {
                a.get();
            }
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (fired.get() < (long) threads * each && System.nanoTime() - deadline < 0) {
            Thread.sleep(1);
        }
        stop.set(true);
        Parker.unpark(sleeper);
        assertEquals((long) threads * each, fired.get());
    }

    @Test
    @Timeout(120)
    void tenMillionCancelledTimersLeaveNothing() {
        long start = System.nanoTime();
        int n = 10_000_000;
        for (int i = 0; i < n; i++) {
            long now = System.nanoTime();
            var timer = new Timer(wheel, () -> {}, TimerWheel.deadline(now, 3_600_000_000_000L));
            wheel.add(timer, now);
            timer.cancel(false);
        }
        long nanos = System.nanoTime() - start;
        System.out.printf("TimerWheel: add and cancel of one timer %.1f ns%n", (double) nanos / n);
        assertEquals(n, wheel.cancelled());
        assertEquals(0, wheel.pending());
        assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
    }

    @Test
    @Timeout(120)
    void cancelsFromAnotherThreadDoNotPileUp() throws Exception {
        int n = 300_000;
        List<Timer> timers = new ArrayList<>();
        long now = System.nanoTime();
        for (int i = 0; i < n; i++) {
            var timer =
                    new Timer(wheel, () -> {}, TimerWheel.deadline(now, 3_600_000_000_000L + i));
            wheel.add(timer, now);
            timers.add(timer);
        }
        var canceller = Thread.ofPlatform().start(() -> timers.forEach(t -> t.cancel(false)));
        for (int i = 0; i < n; i++) {
            var timer = new Timer(wheel, () -> {}, TimerWheel.deadline(now, 1L << i % 50));
            wheel.add(timer, now);
            timer.cancel(false);
        }
        canceller.join();
        assertEquals(2 * n, wheel.cancelled());
        assertEquals(0, wheel.pending());
    }

    /**
     * Prints the figures, in CPU time of the thread so that other processes do not count. The bound
     * asserted only catches a pause that grows with the number of timers.
     */
    @Test
    @Timeout(300)
    void aMillionTimersAreMovedAndFiredWithoutPauses() {
        long[] clock = {0};
        var w = new TimerWheel(() -> clock[0]);
        var cpu = ManagementFactory.getThreadMXBean();
        int n = 1_000_000;
        var fired = new AtomicLong();
        for (int round = 0; round < 3; round++) {
            var random = new SplittableRandom(round);
            Runnable action = fired::getAndIncrement;
            Timer[] timers = new Timer[n];
            for (int i = 0; i < n; i++) {
                long delay = 1_000_000_000L * 3600 + random.nextLong(1_000_000_000L * 5);
                timers[i] = new Timer(w, action, TimerWheel.deadline(clock[0], delay));
            }
            long t0 = cpu.getCurrentThreadCpuTime();
            for (Timer timer : timers) {
                w.add(timer, clock[0]);
            }
            long t1 = cpu.getCurrentThreadCpuTime();
            List<Long> took = new ArrayList<>();
            while (w.nextDeadline() != Long.MAX_VALUE) {
                clock[0] = Math.max(clock[0], w.nextDeadline());
                long begin = cpu.getCurrentThreadCpuTime();
                w.advance(clock[0]);
                took.add(cpu.getCurrentThreadCpuTime() - begin);
            }
            Collections.sort(took);
            long worst = took.getLast();
            System.out.printf(
                    "TimerWheel with 1 M timers: add %d ns; %d calls of advance, median %.1f us,"
                            + " 99.99 %% %.0f us, worst %.0f us; %d ns per timer to move and fire%n",
                    (t1 - t0) / n,
                    took.size(),
                    took.get(took.size() / 2) / 1e3,
                    took.get((int) (took.size() * 0.9999)) / 1e3,
                    worst / 1e3,
                    took.stream().mapToLong(l -> l).sum() / n);
            assertEquals((round + 1L) * n, fired.get());
            assertTrue(worst < 100_000_000L, "one call took " + worst + " ns of CPU time");
        }
    }
}
