package cloud.avila.avx.internal.timer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.util.Objects.requireNonNull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The wheel on a clock of the test's own, compared with a sorted queue. */
class TimerWheelTest {
    private static final long TICK = TimerWheel.TICK_NANOS;
    private static final long MS = 1_000_000;
    private static final long HOUR = 3_600_000 * MS;

    private long now;
    private TimerWheel wheel = new TimerWheel(() -> now);

    private void startAt(long nanoTime) {
        now = nanoTime;
        wheel = new TimerWheel(() -> now);
    }

    private Timer add(Runnable action, long delay) {
        var timer = new Timer(wheel, action, TimerWheel.deadline(now, delay));
        wheel.add(timer, now);
        return timer;
    }

    private int advanceFully() {
        int fired = 0;
        while (wheel.nextDeadline() != Long.MAX_VALUE && wheel.nextDeadline() - now <= 0) {
            fired += wheel.advance(now);
        }
        return fired;
    }

    /** Goes from one next deadline to the next, as a sleeping worker does. */
    private int runUntil(long end) {
        int fired = 0;
        while (wheel.nextDeadline() != Long.MAX_VALUE && wheel.nextDeadline() - end <= 0) {
            long next = wheel.nextDeadline();
            now = next - now > 0 ? next : now;
            fired += wheel.advance(now);
        }
        now = end;
        return fired;
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MAX_VALUE, Long.MAX_VALUE - 5 * HOUR, Long.MIN_VALUE})
    void firesExactlyWhatAPriorityQueueWouldNeverEarlyAndAtMostATickLate(long origin) {
        long seed = System.nanoTime() ^ origin;
        System.out.println("TimerWheelTest model: origin " + origin + ", seed " + seed);
        for (int round = 0; round < 20; round++) {
            startAt(origin);
            model(new SplittableRandom(seed + round));
        }
    }

    private record Expected(int id, long deadline) {}

    private void model(SplittableRandom random) {
        long start = now;
        var reference =
                new PriorityQueue<Expected>(
                        Comparator.comparingLong((Expected e) -> e.deadline() - start)
                                .thenComparingInt(Expected::id));
        Map<Integer, Timer> live = new HashMap<>();
        Map<Integer, Expected> expected = new HashMap<>();
        List<Integer> firedNow = new ArrayList<>();
        int ids = 0;
        long cancelled = 0;
        long fired = 0;
        boolean exact = random.nextBoolean();
        for (int step = 0; step < 3000; step++) {
            int dice = random.nextInt(100);
            if (dice < 55) {
                int id = ids++;
                long delay =
                        switch (random.nextInt(8)) {
                            case 0 -> 0;
                            case 1 -> -random.nextLong(HOUR);
                            case 2 -> random.nextLong(TICK * 4);
                            case 3 -> random.nextLong(TICK * 64 * 3);
                            case 4 -> random.nextLong(100 * MS);
                            case 5 -> random.nextLong(HOUR);
                            case 6 -> random.nextLong(1L << random.nextInt(1, 63));
                            default -> Long.MAX_VALUE - random.nextLong(3);
                        };
                long deadline = TimerWheel.deadline(now, delay);
                var timer = new Timer(wheel, () -> firedNow.add(id), deadline);
                long before = wheel.nextDeadline();
                boolean earlier = wheel.add(timer, now);
                long after = wheel.nextDeadline();
                assertEquals(
                        before == Long.MAX_VALUE || after - before < 0,
                        earlier,
                        () -> "next deadline went from " + before + " to " + after);
                assertTrue(after - deadline < TICK, "next deadline after the new timer's");
                live.put(id, timer);
                expected.put(id, new Expected(id, deadline));
                reference.add(expected.get(id));
            } else if (dice < 75 && ids > 0) {
                int id = random.nextInt(ids);
                Timer timer = live.remove(id);
                if (timer != null) {
                    assertTrue(timer.cancel(false));
                    assertFalse(timer.cancel(false));
                    reference.remove(expected.remove(id));
                    cancelled++;
                }
            } else {
                long step1 =
                        switch (random.nextInt(5)) {
                            case 0 -> random.nextLong(TICK);
                            case 1 -> random.nextLong(TICK * 100);
                            case 2 -> random.nextLong(50 * MS);
                            case 3 -> random.nextLong(2 * HOUR);
                            default -> Math.max(0, wheel.nextDeadline() - now) % (HOUR * 50);
                        };
                if (exact) {
                    runUntil(now + step1);
                } else {
                    now += step1;
                    advanceFully();
                }
                assertTrue(
                        wheel.nextDeadline() == Long.MAX_VALUE || wheel.nextDeadline() - now > 0);
                for (int id : firedNow) {
                    Expected e = requireNonNull(expected.remove(id), "fired twice or after cancel");
                    assertTrue(e.deadline() - now <= 0, "fired early");
                    assertTrue(requireNonNull(live.remove(id)).isDone());
                    assertTrue(reference.remove(e));
                    fired++;
                }
                firedNow.clear();
                Expected first = reference.peek();
                if (first != null) {
                    assertTrue(first.deadline() - now > -TICK, "more than a tick late");
                    assertTrue(
                            wheel.nextDeadline() - first.deadline() < TICK,
                            "next deadline is after that of the first timer");
                }
            }
            assertEquals(ids, wheel.scheduled());
            assertEquals(cancelled, wheel.cancelled());
            assertEquals(fired, wheel.fired());
            assertEquals(reference.size(), wheel.pending());
        }
    }

    @Test
    void oneTimerFiresAtItsTickAndNotBefore() {
        for (long delay : new long[] {1, TICK - 1, TICK, TICK + 1, 63 * TICK, 64 * TICK, HOUR}) {
            startAt(delay * 7);
            List<Long> fired = new ArrayList<>();
            long begin = now;
            add(() -> fired.add(now), delay);
            runUntil(begin + delay - 1);
            assertEquals(List.of(), fired);
            runUntil(begin + delay + TICK);
            assertEquals(1, fired.size());
            assertTrue(fired.getFirst() - begin >= delay);
            assertTrue(fired.getFirst() - begin < delay + TICK);
            assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
        }
    }

    @Test
    void aFarTimerWakesASleeperAHandfulOfTimesOnly() {
        add(() -> {}, 24 * HOUR);
        int wakeups = 0;
        while (wheel.nextDeadline() != Long.MAX_VALUE) {
            now = wheel.nextDeadline();
            wheel.advance(now);
            wakeups++;
        }
        assertEquals(1, wheel.fired());
        assertTrue(wakeups <= 10, wakeups + " wake-ups for one timer");
    }

    @Test
    void anEmptyWheelHasNoDeadlineAlsoAfterALongTime() {
        assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
        now += 1000 * HOUR;
        assertEquals(0, wheel.advance(now));
        assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
        add(() -> {}, MS);
        long next = wheel.nextDeadline();
        assertTrue(next - now >= MS && next - now < MS + TICK, "goes to the lowest level at once");
    }

    @Test
    void aDelayBeyondAllTimesNeverFires() {
        Timer farthest = add(() -> {}, Long.MAX_VALUE);
        var raw = new Timer(wheel, () -> {}, now + Long.MAX_VALUE);
        wheel.add(raw, now);
        for (int year = 0; year < 100; year++) {
            now += 365 * 24 * HOUR;
            assertEquals(0, advanceFully());
        }
        assertTrue(wheel.nextDeadline() - now > 0);
        assertTrue(farthest.cancel(false));
        assertTrue(raw.cancel(false));
        assertEquals(Long.MAX_VALUE, wheel.nextDeadline());
    }

    @Test
    void oneCallRunsABoundedNumberOfActions() {
        for (int i = 0; i < 1000; i++) {
            add(() -> {}, MS);
        }
        now += 2 * MS;
        int calls = 0;
        while (wheel.fired() < 1000) {
            assertTrue(wheel.nextDeadline() - now <= 0);
            int fired = wheel.advance(now);
            assertTrue(fired > 0 && fired <= TimerWheel.MAX_FIRES);
            calls++;
        }
        assertEquals(4, calls);
    }

    @Test
    void afterAMonthOfSuspensionAllThatIsDueFiresOnceInSmallSteps() {
        int timers = 20_000;
        long month = 31 * 24 * HOUR;
        int[] fired = new int[timers];
        var random = new SplittableRandom(4711);
        for (int i = 0; i < timers; i++) {
            int number = i;
            add(() -> fired[number]++, random.nextLong(month));
        }
        add(() -> fired[0]++, month + HOUR);
        now += month;
        while (wheel.nextDeadline() - now <= 0) {
            assertTrue(wheel.advance(now) <= TimerWheel.MAX_FIRES);
        }
        assertEquals(1, wheel.pending());
        for (int times : fired) {
            assertEquals(1, times);
        }
    }

    @Test
    void aClockReadByOneThreadBeforeAnotherHarmsNothing() {
        List<String> log = new ArrayList<>();
        add(() -> log.add("first"), MS);
        add(() -> log.add("second"), HOUR);
        now += 2 * MS;
        long ahead = now;
        wheel.advance(ahead);
        now -= 3 * MS;
        assertEquals(0, wheel.advance(now));
        add(() -> log.add("third"), MS);
        runUntil(ahead - TICK);
        assertEquals(List.of("first"), log);
        runUntil(ahead + TICK);
        assertEquals(List.of("first", "third"), log);
        runUntil(ahead + HOUR);
        assertEquals(List.of("first", "third", "second"), log);
    }

    @Test
    void anActionMayAddAndCancelTimers() {
        List<String> log = new ArrayList<>();
        Timer victim = add(() -> log.add("victim"), 2 * MS);
        add(
                () -> {
                    log.add("first");
                    victim.cancel(false);
                    add(() -> log.add("second"), MS);
                },
                MS);
        runUntil(now + 10 * MS);
        assertEquals(List.of("first", "second"), log);
    }

    @Test
    void anActionThatThrowsIsReportedAndTheOthersRun() throws Exception {
        List<LogRecord> reports = new ArrayList<>();
        var logger = Logger.getLogger(Timer.class.getName());
        logger.setFilter(r -> !reports.add(r));
        try {
            List<String> log = new ArrayList<>();
            var thrown = new IllegalStateException("thrown by a test");
            Timer bad =
                    add(
                            () -> {
                                throw thrown;
                            },
                            MS);
            Timer good = add(() -> log.add("ran"), MS);
            runUntil(now + 2 * MS);
            assertEquals(List.of("ran"), log);
            assertEquals(2, wheel.fired());
            assertEquals(null, good.get());
            var e = assertThrows(ExecutionException.class, () -> bad.get(1, TimeUnit.SECONDS));
            assertSame(thrown, e.getCause());
            assertEquals(1, reports.size());
            assertSame(thrown, reports.getFirst().getThrown());
        } finally {
            logger.setFilter(null);
        }
    }

    @Test
    void aTimerIsAFuture() throws Exception {
        Timer near = add(() -> {}, MS);
        Timer far = add(() -> {}, HOUR);
        assertTrue(near.compareTo(far) < 0);
        assertEquals(60, far.getDelay(TimeUnit.MINUTES));
        assertEquals(Future.State.RUNNING, near.state());
        assertThrows(TimeoutException.class, () -> near.get(1, TimeUnit.MILLISECONDS));
        var waiter = Thread.ofVirtual().unstarted(() -> assertDoesNotThrowGet(near));
        waiter.start();
        while (waiter.getState() != Thread.State.WAITING) {
            Thread.sleep(1);
        }
        runUntil(now + 2 * MS);
        waiter.join();
        assertEquals(Future.State.SUCCESS, near.state());
        assertFalse(near.cancel(true));

        assertTrue(far.cancel(true));
        assertTrue(far.isDone() && far.isCancelled());
        assertThrows(CancellationException.class, far::get);
    }

    private static void assertDoesNotThrowGet(Timer timer) {
        try {
            timer.get();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void misuseIsToldAndHarmsNothing() {
        Timer timer = add(() -> {}, MS);
        assertThrows(IllegalStateException.class, () -> wheel.add(timer));
        assertThrows(IllegalArgumentException.class, () -> new TimerWheel().add(timer));
        var early = new Timer(wheel, () -> {}, now);
        early.cancel(false);
        wheel.add(early, now);
        runUntil(now + 2 * MS);
        assertThrows(IllegalStateException.class, () -> wheel.add(timer));
        assertEquals(2, wheel.scheduled());
        assertEquals(1, wheel.fired());
        assertEquals(1, wheel.cancelled());
    }
}
