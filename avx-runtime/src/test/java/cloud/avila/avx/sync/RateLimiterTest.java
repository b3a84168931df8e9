package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.stream.IntStream;

@Timeout(60)
class RateLimiterTest {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration MILLI = Duration.ofMillis(1);

    /** Five permits, and then one an hour. */
    private final RateLimiter limiter = RateLimiter.of(1, HOUR, 5);

    @Test
    void startsFullAndGivesTheBurst() throws Exception {
        assertEquals(5, limiter.availablePermits());
        limiter.acquire(2);
        limiter.acquire();
        assertTrue(limiter.tryAcquire(0));
        assertFalse(limiter.tryAcquire(3));
        assertTrue(limiter.tryAcquire(2));
        assertFalse(limiter.tryAcquire());
        limiter.acquire(0);
        assertEquals(0, limiter.availablePermits());
        assertEquals("RateLimiter[1 per PT1H, 0 of 5 available]", limiter.toString());
    }

    @Test
    void refusesWhatCanNeverBe() {
        assertThrows(IllegalArgumentException.class, () -> limiter.acquire(-1));
        var e = assertThrows(IllegalArgumentException.class, () -> limiter.acquire(6));
        assertTrue(e.toString().contains("0 to 5"), e.toString());
        assertThrows(IllegalArgumentException.class, () -> limiter.tryAcquire(6));
        assertThrows(IllegalArgumentException.class, () -> limiter.tryAcquire(6, HOUR));
        assertThrows(IllegalArgumentException.class, () -> RateLimiter.of(0, HOUR, 1));
        assertThrows(IllegalArgumentException.class, () -> RateLimiter.of(1, Duration.ZERO, 1));
        assertThrows(IllegalArgumentException.class, () -> RateLimiter.of(1, HOUR, 0));
        assertThrows(
                IllegalArgumentException.class,
                () -> RateLimiter.of(1, Duration.ofDays(36_500), Integer.MAX_VALUE));
        assertThrows(IllegalArgumentException.class, () -> limiter.setRate(1, HOUR, 0));
        assertEquals(5, limiter.availablePermits());
    }

    @Test
    void permitsDripInAtTheRate() throws Exception {
        long begin = System.nanoTime();
        var fast = RateLimiter.of(1000, Duration.ofSeconds(1), 10);
        for (int i = 0; i < 60; i++) {
            fast.acquire();
        }
        long millis = (System.nanoTime() - begin) / 1_000_000;
        assertTrue(millis >= 50, "60 permits after " + millis + " ms");
        assertTrue(millis < 10_000, "60 permits after " + millis + " ms");
    }

    @Test
    void oddRatesAreExact() throws Exception {
        long begin = System.nanoTime();
        var odd = RateLimiter.of(3_000_017, Duration.ofSeconds(7), 100_000);
        odd.acquire(100_000);
        odd.acquire(30_000);
        double permits = 30_000 + odd.availablePermits();
        double seconds = (System.nanoTime() - begin) / 1e9;
        assertTrue(permits <= seconds * 3_000_017 / 7 + 1, permits + " after " + seconds);
    }

    @Test
    void theBucketDoesNotOverflow() throws Exception {
        var fast = RateLimiter.of(1_000_000, Duration.ofSeconds(1), 3);
        Thread.sleep(5);
        assertEquals(3, fast.availablePermits());
        fast.acquire(3);
        Thread.sleep(5);
        assertEquals(3, fast.availablePermits());
    }

    @Test
    void aTimedWaitThatCannotSucceedEndsAtOnce() throws Exception {
        limiter.acquire(5);
        assertFalse(limiter.tryAcquire(HOUR.minusMinutes(1)));
        assertFalse(limiter.tryAcquire(2, HOUR));
        assertFalse(limiter.tryAcquire(Duration.ZERO));
        limiter.setRate(1, MILLI, 5);
        assertTrue(limiter.tryAcquire(2, HOUR));
    }

    @Test
    void whoGivesUpLetsThoseBehindGoOn() throws Exception {
        limiter.acquire(4);
        var head = Background.parkedStep(() -> limiter.acquire(5));
        var second = Background.parkedStep(() -> limiter.acquire(1));
        assertEquals(1, limiter.availablePermits());
        assertFalse(limiter.tryAcquire(), "overtook those who wait");
        assertFalse(limiter.tryAcquire(Duration.ofMillis(1)), "overtook those who wait");
        head.interrupt();
        assertInstanceOf(InterruptedException.class, head.failure());
        second.join();
        assertEquals(0, limiter.availablePermits());
    }

    @Test
    void aChangedRateHoldsForThoseWhoWait() throws Exception {
        limiter.acquire(5);
        var waiting =
                IntStream.range(0, 4)
                        .mapToObj(i -> Background.parkedStep(limiter::acquire))
                        .toList();
        limiter.setRate(1000, Duration.ofSeconds(1), 1);
        for (var w : waiting) {
            w.join();
        }
    }

    @Test
    void aSmallerBurstStillServesThoseWhoWaitForMore() throws Exception {
        limiter.acquire(5);
        var waiting = Background.parkedStep(() -> limiter.acquire(5));
        long begin = System.nanoTime();
        limiter.setRate(1, Duration.ofMillis(20), 2);
        waiting.join(); // from the full bucket of two, which is three below empty then
        int available = limiter.availablePermits();
        boolean stillBelow = System.nanoTime() - begin < 120_000_000;
        assertTrue(available == 0 || !stillBelow, available + " permits");
        assertThrows(IllegalArgumentException.class, () -> limiter.acquire(5));
        limiter.acquire(1); // up to two, and from three below up to one
        assertTrue(System.nanoTime() - begin >= 119_000_000);
    }

    @Test
    void changingTheRateKeepsWhatIsInTheBucket() {
        assertTrue(limiter.tryAcquire(2));
        limiter.setRate(1, Duration.ofDays(1), 50);
        assertEquals(3, limiter.availablePermits());
        limiter.setRate(7, Duration.ofDays(3), 2);
        assertEquals(2, limiter.availablePermits());
    }

    @Test
    void closingWakesAllAndRefusesThoseWhoCome() throws Exception {
        limiter.acquire(5);
        var head = Background.parkedStep(() -> limiter.acquire(3));
        var second = Background.parkedStep(limiter::acquire);
        var timed = Background.parked(() -> limiter.tryAcquire(Duration.ofDays(1)));
        limiter.close();
        limiter.close();
        assertTrue(limiter.isClosed());
        var e = assertInstanceOf(RateLimiterClosedException.class, head.failure());
        assertTrue(e.toString().contains("3 permits"), e.toString());
        assertInstanceOf(RateLimiterClosedException.class, second.failure());
        assertInstanceOf(RateLimiterClosedException.class, timed.failure());
        assertThrows(RateLimiterClosedException.class, limiter::acquire);
        assertThrows(RateLimiterClosedException.class, limiter::tryAcquire);
        assertThrows(RateLimiterClosedException.class, () -> limiter.tryAcquire(HOUR));
        assertTrue(limiter.toString().endsWith("closed]"), limiter.toString());
    }
}
