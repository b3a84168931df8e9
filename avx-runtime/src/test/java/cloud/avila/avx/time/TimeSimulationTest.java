package cloud.avila.avx.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Hours of time that take none, and timeouts that fire at the worst moment. */
class TimeSimulationTest {
    private static Duration aWhile(SimulatedRuntime sim, int mostSeconds) {
        return Duration.ofMillis(sim.random().nextInt(mostSeconds * 1_000));
    }

    @SimulationTest(seeds = 100)
    void anIntervalThatSkipsStaysInItsRhythmForADay(SimulatedRuntime sim) throws Exception {
        Duration period = Duration.ofMinutes(1);
        var interval = Interval.every(period).onMissed(MissedTicks.SKIP);
        Duration begin = sim.time();
        long ticks = 0;
        while (sim.time().minus(begin).compareTo(Duration.ofDays(1)) < 0) {
            Tick tick = interval.tick();
            ticks += 1 + tick.missed();
            Duration due = sim.time().minus(begin).minus(tick.late());
            assertEquals(0, due.toNanos() % period.toNanos(), "off its rhythm by " + due);
            Thread.sleep(aWhile(sim, 200));
        }
        long passed = sim.time().minus(begin).dividedBy(period);
        assertTrue(Math.abs(passed - ticks) <= 4, passed + " periods, " + ticks + " ticks");
    }

    @SimulationTest(seeds = 100)
    void anIntervalThatDelaysKeepsItsDistance(SimulatedRuntime sim) throws Exception {
        Duration period = Duration.ofSeconds(10);
        var interval = Interval.every(period).onMissed(MissedTicks.DELAY);
        Duration last = sim.time().minus(period);
        for (int i = 0; i < 500; i++) {
            interval.tick();
            Duration now = sim.time();
            // up to 5 ms late count as in time, and the next one is due as if it had been
            assertTrue(now.minus(last).compareTo(period.minusMillis(5)) >= 0, "after " + now);
            last = now;
            Thread.sleep(aWhile(sim, 15));
        }
    }

    @SimulationTest(seeds = 100)
    void anIntervalThatBurstsLosesNoTick(SimulatedRuntime sim) throws Exception {
        Duration period = Duration.ofSeconds(10);
        var interval = Interval.every(period);
        Duration begin = sim.time();
        Thread.sleep(Duration.ofHours(2).plusSeconds(5));
        for (int i = 0; i <= 720; i++) {
            assertEquals(i, interval.tick().number());
        }
        assertEquals(Duration.ofHours(2).plusSeconds(5), sim.time().minus(begin));
        interval.tick();
        assertEquals(Duration.ofHours(2).plusSeconds(10), sim.time().minus(begin));
    }

    @SimulationTest(seeds = 300)
    void theShorterOfTwoNestedTimeoutsCounts(SimulatedRuntime sim) throws Exception {
        Duration outer = Duration.ofMillis(1 + sim.random().nextInt(4));
        Duration inner = Duration.ofMillis(1 + sim.random().nextInt(4));
        Duration work = Duration.ofMillis(1 + sim.random().nextInt(4));
        Duration begin = sim.time();
        boolean innerEnded = false;
        boolean outerEnded = false;
        try {
            innerEnded =
                    Timeout.call(
                            outer,
                            () -> {
                                try {
                                    Timeout.run(inner, () -> Thread.sleep(work));
                                    return false;
                                } catch (TimeoutException e) {
                                    return true;
                                }
                            });
        } catch (TimeoutException e) {
            outerEnded = true;
        }
        Duration took = sim.time().minus(begin);
        assertFalse(Thread.currentThread().isInterrupted(), "an interrupt leaked");
        Duration first = min(work, min(inner, outer));
        assertEquals(first, took);
        if (outerEnded) {
            assertTrue(outer.compareTo(work) <= 0, "the outer one ended what was in time");
        }
        if (innerEnded) {
            assertTrue(inner.compareTo(work) <= 0, "the inner one ended what was in time");
        }
        Thread.sleep(100);
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    @SimulationTest(seeds = 300)
    void atItsDeadlineATimeoutEitherEndsTheCodeOrLeavesItsValue(SimulatedRuntime sim)
            throws Exception {
        var latch = new CountDownLatch(1);
        JoinHandle<Boolean> opener =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(5);
                                    latch.countDown();
                                    return true;
                                });
        try {
            assertTrue(
                    Timeout.call(
                            Duration.ofMillis(5),
                            () -> {
                                latch.await();
                                return true;
                            }));
        } catch (TimeoutException e) {
            assertInstanceOf(InterruptedException.class, e.getCause());
        }
        assertFalse(Thread.interrupted(), "an interrupt leaked");
        assertTrue(opener.join());
        assertTrue(latch.await(1, TimeUnit.SECONDS));
    }

    @SimulationTest(seeds = 300)
    void anInterruptBySomebodyElseIsNotSwallowedByATimeoutThatComesLater(SimulatedRuntime sim)
            throws Exception {
        Thread target = Thread.currentThread();
        Handle.current()
                .spawn(
                        () -> {
                            Thread.sleep(2);
                            target.interrupt();
                            return true;
                        });
        assertThrows(
                InterruptedException.class,
                () -> Timeout.run(Duration.ofMillis(3), () -> Thread.sleep(10)));
        assertFalse(Thread.currentThread().isInterrupted());
        Thread.sleep(10);
    }
}
