package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class LatchTest {
    @Test
    void opensAtZeroAndStaysOpen() throws Exception {
        var latch = new Latch(2);
        assertEquals(2, latch.count());
        assertFalse(latch.countDown());
        assertFalse(latch.await(Duration.ZERO));
        assertFalse(latch.await(Duration.ofMillis(2)));
        assertTrue(latch.countDown());
        assertFalse(latch.countDown());
        assertEquals(0, latch.count());
        latch.await();
        assertTrue(latch.await(Duration.ZERO));
        assertEquals("Latch[0]", latch.toString());
    }

    @Test
    void countsDownBySeveralButNotBelowZero() throws Exception {
        var latch = new Latch(5);
        assertFalse(latch.countDown(0));
        assertFalse(latch.countDown(3));
        assertTrue(latch.countDown(Integer.MAX_VALUE));
        assertEquals(0, latch.count());
        assertFalse(new Latch(0).countDown());
        new Latch(0).await();
        assertThrows(IllegalArgumentException.class, () -> new Latch(-1));
        assertThrows(IllegalArgumentException.class, () -> latch.countDown(-1));
    }

    @Test
    void letsAllGoAtOnce() throws Exception {
        var latch = new Latch(3);
        var waiting = new ArrayList<Background<Boolean>>();
        for (int i = 0; i < 6; i++) {
            waiting.add(Background.parkedStep(latch::await));
        }
        waiting.add(Background.parked(() -> latch.await(Duration.ofHours(1))));
        latch.countDown(2);
        for (var w : waiting) {
            Background.awaitParked(w.thread());
        }
        latch.countDown();
        for (var w : waiting) {
            assertTrue(w.join());
        }
    }

    @Test
    void oneOfManyOpensIt() throws Exception {
        for (int round = 0; round < 100; round++) {
            var latch = new Latch(4);
            var opened = new AtomicInteger();
            var counting = new ArrayList<Background<Boolean>>();
            for (int i = 0; i < 4; i++) {
                counting.add(
                        Background.start(
                                () -> {
                                    if (latch.countDown()) {
                                        opened.incrementAndGet();
                                    }
                                    latch.await();
                                    return true;
                                }));
            }
            for (var c : counting) {
                c.join();
            }
            assertEquals(1, opened.get());
        }
    }
}
