package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

@Timeout(60)
class SemaphoreTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Semaphore semaphore = new Semaphore(2);

    @Test
    void permitsGoAndComeBack() throws Exception {
        try (var one = semaphore.acquire()) {
            assertEquals(1, one.count());
            assertEquals(1, semaphore.availablePermits());
        }
        Permit two = semaphore.acquire(2);
        assertEquals(2, two.count());
        assertEquals(0, semaphore.availablePermits());
        two.close();
        two.close();
        assertEquals(2, semaphore.availablePermits());
    }

    @Test
    void zeroPermitsAreAcquiredAtOnceAndNegativeOnesNever() throws Exception {
        try (var none = new Semaphore(0).acquire(0)) {
            assertEquals(0, none.count());
        }
        semaphore.release(0);
        assertEquals(2, semaphore.availablePermits());
        assertThrows(IllegalArgumentException.class, () -> new Semaphore(-1));
        assertThrows(IllegalArgumentException.class, () -> semaphore.acquire(-1));
        assertThrows(IllegalArgumentException.class, () -> semaphore.tryAcquire(-1));
        assertThrows(IllegalArgumentException.class, () -> semaphore.tryAcquire(-1, SHORT));
        assertThrows(IllegalArgumentException.class, () -> semaphore.release(-1));
    }

    @Test
    void anybodyMayRelease() throws Exception {
        semaphore.release(3);
        assertEquals(5, semaphore.availablePermits());
        assertNotNull(semaphore.tryAcquire(5));
        semaphore.release();
        assertEquals(1, semaphore.availablePermits());
    }

    @Test
    void tooManyPermitsAreRefused() {
        var e =
                assertThrows(
                        IllegalStateException.class, () -> semaphore.release(Integer.MAX_VALUE));
        assertTrue(e.toString().contains("2 free"), e.toString());
        assertEquals(2, semaphore.availablePermits());
        assertEquals(Integer.MAX_VALUE, new Semaphore(Integer.MAX_VALUE).availablePermits());
    }

    @Test
    void tryAcquireTakesAllOrNothing() {
        assertNull(semaphore.tryAcquire(3));
        assertNotNull(semaphore.tryAcquire());
        assertNull(semaphore.tryAcquire(2));
        assertNotNull(semaphore.tryAcquire());
        assertNull(semaphore.tryAcquire());
    }

    @Test
    void waitersAreServedInOrderWhateverTheyAskFor() throws Exception {
        semaphore.acquire(2);
        var many = Background.parked(() -> semaphore.acquire(3));
        var one = Background.parked(() -> semaphore.acquire());
        semaphore.release(2);
        assertNull(semaphore.tryAcquire(), "overtook a waiter");
        Background.awaitParked(one.thread());
        semaphore.release(1);
        assertEquals(3, many.join().count());
        Background.awaitParked(one.thread());
        semaphore.release(1);
        assertEquals(1, one.join().count());
        assertEquals(0, semaphore.availablePermits());
    }

    @Test
    void oneReleaseServesMany() throws Exception {
        semaphore.acquire(2);
        var waiting = new ArrayList<Background<Permit>>();
        for (int i = 0; i < 10; i++) {
            waiting.add(Background.parked(() -> semaphore.acquire()));
        }
        semaphore.release(11);
        for (var b : waiting) {
            b.join();
        }
        assertEquals(1, semaphore.availablePermits());
    }

    @Test
    void aWaiterThatGivesUpLetsThoseBehindItGoOn() throws Exception {
        semaphore.acquire();
        var tooMany = Background.parked(() -> semaphore.acquire(2));
        var one = Background.parked(() -> semaphore.acquire());
        tooMany.interrupt();
        assertInstanceOf(InterruptedException.class, tooMany.failure());
        one.join();
        assertEquals(0, semaphore.availablePermits());
    }

    @Test
    void timeoutsTakeNothing() throws Exception {
        assertNull(semaphore.tryAcquire(3, SHORT));
        assertNull(semaphore.tryAcquire(3, Duration.ZERO));
        assertNotNull(semaphore.tryAcquire(2, SHORT));
        assertNull(semaphore.tryAcquire(SHORT));
        semaphore.release(2);
        assertEquals(2, semaphore.availablePermits());
        semaphore.acquire(2);
        var waiting = Background.parked(() -> semaphore.tryAcquire(Duration.ofHours(1)));
        semaphore.release();
        assertNotNull(waiting.join());
    }

    @Test
    void anInterruptThatCameBeforeIsSeen() {
        for (Background.Step step :
                List.<Background.Step>of(semaphore::acquire, () -> semaphore.tryAcquire(SHORT))) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, step::run);
            assertFalse(Thread.currentThread().isInterrupted());
        }
        assertEquals(2, semaphore.availablePermits());
    }

    @Test
    void aHigherLimitServesThoseWhoWaitInTheirOrder() throws Exception {
        assertEquals(2, semaphore.limit());
        semaphore.acquire(2);
        var many = Background.parked(() -> semaphore.acquire(3));
        var one = Background.parked(() -> semaphore.acquire());
        semaphore.setLimit(4);
        Background.awaitParked(many.thread());
        assertEquals(2, semaphore.availablePermits());
        semaphore.setLimit(5);
        many.join();
        Background.awaitParked(one.thread());
        semaphore.setLimit(6);
        one.join();
        assertEquals(6, semaphore.limit());
        assertEquals(0, semaphore.availablePermits());
    }

    @Test
    void aLowerLimitTakesNothingFromThoseWhoHold() throws Exception {
        Permit held = semaphore.acquire(2);
        semaphore.setLimit(0);
        assertEquals(-2, semaphore.availablePermits());
        assertEquals("Semaphore[available=-2, limit=0]", semaphore.toString());
        assertNull(semaphore.tryAcquire());
        assertNotNull(semaphore.tryAcquire(0));
        held.close();
        assertEquals(0, semaphore.availablePermits());
        var waiting = Background.parked(() -> semaphore.acquire());
        semaphore.setLimit(1);
        waiting.join();
        semaphore.setLimit(3);
        assertEquals(2, semaphore.availablePermits());
        semaphore.release();
        assertEquals(3, semaphore.availablePermits());
        semaphore.setLimit(1);
        assertEquals(1, semaphore.availablePermits());
    }

    @Test
    void theLimitHasBounds() {
        assertThrows(IllegalArgumentException.class, () -> semaphore.setLimit(-1));
        semaphore.setLimit(Integer.MAX_VALUE);
        assertEquals(Integer.MAX_VALUE, semaphore.availablePermits());
        assertThrows(IllegalStateException.class, semaphore::release);
        semaphore.setLimit(0);
        semaphore.release();
        var e =
                assertThrows(
                        IllegalStateException.class, () -> semaphore.setLimit(Integer.MAX_VALUE));
        assertTrue(e.toString().contains("1 free"), e.toString());
        assertEquals(0, semaphore.limit());
        semaphore.tryAcquire();
        semaphore.setLimit(Integer.MAX_VALUE);
        semaphore.tryAcquire(Integer.MAX_VALUE);
        semaphore.setLimit(0);
        assertEquals(-Integer.MAX_VALUE, semaphore.availablePermits());
        semaphore.release(Integer.MAX_VALUE);
        assertEquals(0, semaphore.availablePermits());
        assertEquals(0, semaphore.limit());
    }

    @Test
    void aClosedSemaphoreKeepsItsPermitsAndLimit() {
        var named = new Semaphore("slots", 3);
        named.close();
        named.setLimit(7);
        named.release(2);
        assertEquals(7, named.limit());
        assertEquals("Semaphore \"slots\"[available=9, limit=7, closed]", named.toString());
    }

    @Test
    void closingWakesAllAndRefusesThoseWhoCome() throws Exception {
        Permit held = semaphore.acquire(2);
        var waiting = Background.parked(() -> semaphore.acquire(7));
        var timed = Background.parked(() -> semaphore.tryAcquire(Duration.ofHours(1)));
        assertFalse(semaphore.isClosed());
        semaphore.close();
        semaphore.close();
        assertTrue(semaphore.isClosed());
        var e = assertInstanceOf(SemaphoreClosedException.class, waiting.failure());
        assertTrue(e.toString().contains("7 permits"), e.toString());
        assertInstanceOf(SemaphoreClosedException.class, timed.failure());
        assertThrows(SemaphoreClosedException.class, semaphore::acquire);
        assertThrows(SemaphoreClosedException.class, () -> semaphore.tryAcquire());
        assertThrows(SemaphoreClosedException.class, () -> semaphore.tryAcquire(SHORT));
        held.close();
        assertEquals(2, semaphore.availablePermits());
    }
}
