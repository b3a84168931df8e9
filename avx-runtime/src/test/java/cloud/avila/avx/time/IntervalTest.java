package cloud.avila.avx.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

@Timeout(60)
class IntervalTest {
    private static final long UNIT = 1_000_000_000;

    @AfterEach
    void clearInterrupt() {
        Thread.interrupted();
    }

    /** Takes ticks on a clock of units, as soon as due but not before the times given. */
    private static List<String> ticksAt(MissedTicks behaviour, long... earliest) {
        var interval = Interval.every(Duration.ofNanos(10 * UNIT)).onMissed(behaviour);
        long start = interval.due();
        List<String> log = new ArrayList<>();
        for (long e : earliest) {
            long now = Math.max(interval.due(), start + e * UNIT);
            Tick tick = interval.take(now);
            log.add((now - start) / UNIT + " missed " + tick.missed());
            assertEquals(log.size() - 1, tick.number());
            assertTrue(!tick.late().isNegative());
        }
        return log;
    }

    @Test
    void burstCatchesUp() {
        assertEquals(
                List.of("0 missed 0", "10 missed 0", "47 missed 0").toString(),
                ticksAt(MissedTicks.BURST, 0, 0, 47).toString());
        assertEquals(
                "[0 missed 0, 10 missed 0, 47 missed 0, 47 missed 0, 47 missed 0, 50 missed 0]",
                ticksAt(MissedTicks.BURST, 0, 0, 47, 47, 47, 47).toString());
    }

    @Test
    void delayKeepsTheDistance() {
        assertEquals(
                "[0 missed 0, 10 missed 0, 47 missed 2, 57 missed 0, 67 missed 0]",
                ticksAt(MissedTicks.DELAY, 0, 0, 47, 47, 47).toString());
        assertEquals(
                "[0 missed 0, 13 missed 0, 23 missed 0]",
                ticksAt(MissedTicks.DELAY, 0, 13, 0).toString());
    }

    @Test
    void skipKeepsTheRhythm() {
        assertEquals(
                "[0 missed 0, 10 missed 0, 47 missed 2, 50 missed 0, 60 missed 0]",
                ticksAt(MissedTicks.SKIP, 0, 0, 47, 47, 47).toString());
        assertEquals(
                "[0 missed 0, 13 missed 0, 20 missed 0, 30 missed 0]",
                ticksAt(MissedTicks.SKIP, 0, 13, 0, 0).toString());
        assertEquals(
                "[0 missed 0, 30 missed 2, 40 missed 0]",
                ticksAt(MissedTicks.SKIP, 0, 30, 0).toString());
    }

    @Test
    void aLittleLateIsNotMissed() {
        var interval = Interval.every(Duration.ofSeconds(1)).onMissed(MissedTicks.DELAY);
        long start = interval.due();
        interval.take(start + 4_000_000);
        assertEquals(start + 1_000_000_000, interval.due());
    }

    @Test
    void theFirstTickIsDueAtOnceOrWhenAsked() throws Exception {
        assertEquals(0, Interval.every(Duration.ofDays(1)).tick().number());
        long start = System.nanoTime();
        Interval.every(Duration.ofDays(1)).startingAfter(Duration.ofMillis(5)).tick();
        assertTrue(System.nanoTime() - start >= 5_000_000);
    }

    @Test
    void ticksNeverComeEarly() throws Exception {
        long start = System.nanoTime();
        var interval = Interval.every(Duration.ofMillis(2));
        for (int i = 0; i < 20; i++) {
            Tick tick = interval.tick();
            assertEquals(i, tick.number());
            assertTrue(System.nanoTime() - start >= i * 2_000_000L);
        }
    }

    @Test
    void anInterruptEndsTheIterationAndStays() {
        var ticks = new ArrayList<Tick>();
        assertThrows(
                CancellationException.class,
                () -> {
                    for (Tick tick : Interval.every(Duration.ofMillis(1))) {
                        ticks.add(tick);
                        if (tick.number() == 2) {
                            Thread.currentThread().interrupt();
                        }
                    }
                });
        assertEquals(3, ticks.size());
        assertTrue(Thread.interrupted());

        var interval = Interval.every(Duration.ofDays(1));
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, interval::tick);
        assertFalse(Thread.currentThread().isInterrupted());
        Thread.currentThread().interrupt();
        assertThrows(CancellationException.class, () -> interval.iterator().next());
        assertTrue(Thread.interrupted());
        assertTrue(interval.iterator().hasNext(), "the tick was not lost");
    }

    @Test
    void twoLoopsShareTheTicks() {
        var interval = Interval.every(Duration.ofMillis(1));
        List<Long> numbers = new ArrayList<>();
        for (int loop = 0; loop < 2; loop++) {
            for (Tick tick : interval) {
                numbers.add(tick.number());
                if (numbers.size() % 3 == 0) {
                    break;
                }
            }
        }
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L), numbers);
    }

    @Test
    void extremePeriodsAreSafe() throws Exception {
        assertThrows(IllegalArgumentException.class, () -> Interval.every(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> Interval.every(Duration.ofNanos(-1)));
        var longest = Interval.every(Duration.ofSeconds(Long.MAX_VALUE));
        longest.tick();
        assertTrue(longest.due() - System.nanoTime() > 0);
        var shortest = Interval.every(Duration.ofNanos(1)).onMissed(MissedTicks.SKIP);
        for (int i = 0; i < 1000; i++) {
            shortest.tick();
        }
    }
}
