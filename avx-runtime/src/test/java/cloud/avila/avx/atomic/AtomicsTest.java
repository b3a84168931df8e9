package cloud.avila.avx.atomic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

@Timeout(60)
class AtomicsTest {
    @Test
    void aBoxIsReadAndReplaced() {
        var box = AtomicBox.of("a");
        assertEquals("a", box.load());
        assertEquals("a", box.loadAcquire());
        box.store("b");
        assertEquals("b", box.swap("c"));
        assertEquals("cd", box.update(s -> s + "d"));
        String now = box.load();
        assertSame(now, box.compareExchange("x", "y"));
        assertSame(now, box.load());
        assertSame(now, box.compareExchange(now, "y"));
        assertEquals("y", box.load());
        assertEquals("AtomicBox[y]", box.toString());
        box.storeRelease("z");
        assertEquals("z", box.compareExchangeAcquire("z", "a"));
        assertEquals("a", box.compareExchangeAcquire("z", "b"));
        assertEquals("a", box.compareExchangeRelease("a", "b"));
        assertEquals("b", box.compareExchangeRelease("a", "c"));
        assertEquals("b", box.load());
    }

    @Test
    void theWeakerOrdersCleanUpJustAsWell() {
        var cleaned = new ArrayList<String>();
        var box = AtomicBox.owning("a", cleaned::add);
        box.storeRelease("b");
        box.storeRelease("b");
        assertEquals("b", box.compareExchangeAcquire("b", "c"));
        assertEquals("c", box.compareExchangeAcquire("x", "d"));
        assertEquals("c", box.compareExchangeRelease("c", "d"));
        assertEquals("d", box.compareExchangeRelease("x", "e"));
        assertEquals(List.of("a", "b", "c"), cleaned);
        box.close();
        assertThrows(IllegalStateException.class, () -> box.storeRelease("e"));
        assertThrows(IllegalStateException.class, () -> box.compareExchangeAcquire("d", "e"));
        assertThrows(IllegalStateException.class, () -> box.compareExchangeRelease("d", "e"));
        assertEquals(List.of("a", "b", "c", "d"), cleaned);
    }

    @Test
    void anOwningBoxCleansUpEachReplacedValueOnce() {
        var cleaned = new ArrayList<String>();
        var box = AtomicBox.owning("a", cleaned::add);
        box.store("b");
        assertEquals(List.of("a"), cleaned);
        assertEquals("b", box.swap("c"));
        assertEquals(List.of("a"), cleaned);
        box.update(s -> "d");
        box.update(s -> s);
        assertEquals("d", box.compareExchange("d", "e"));
        box.compareExchange("nothing", "f");
        assertEquals(List.of("a", "c", "d"), cleaned);
        box.close();
        box.close();
        assertEquals(List.of("a", "c", "d", "e"), cleaned);
        assertTrue(box.isClosed());
        assertThrows(IllegalStateException.class, box::load);
        assertThrows(IllegalStateException.class, () -> box.store("g"));
        assertThrows(IllegalStateException.class, () -> box.update(s -> s));
        assertThrows(IllegalStateException.class, () -> box.compareExchange("a", "b"));
        assertEquals(4, cleaned.size());
    }

    @Test
    void everyValueOfAContendedBoxIsCleanedUpExactlyOnce() throws Exception {
        var cleaned = new ConcurrentLinkedQueue<Integer>();
        var box = AtomicBox.owning(-1, cleaned::add);
        var running = new ArrayList<Background<?>>();
        for (int t = 0; t < 4; t++) {
            int from = t * 1000;
            running.add(
                    Background.start(
                            () -> {
                                for (int i = from; i < from + 1000; i++) {
                                    int n = i;
                                    if ((i & 1) == 0) {
                                        box.store(n);
                                    } else {
                                        box.update(old -> n);
                                    }
                                }
                                return true;
                            }));
        }
        for (var b : running) {
            b.join();
        }
        box.close();
        var sorted = new ArrayList<>(cleaned);
        sorted.sort(null);
        var expected = new ArrayList<Integer>();
        for (int i = -1; i < 4000; i++) {
            expected.add(i);
        }
        assertEquals(expected, sorted);
    }

    @Test
    void countersCount() throws Exception {
        for (AtomicCounter counter : List.of(AtomicCounter.striped(), AtomicCounter.exact())) {
            counter.add(-5);
            counter.decrement();
            counter.increment();
            assertEquals(-5, counter.get());
            assertEquals("-5", counter.toString());
            var running = new ArrayList<Background<?>>();
            for (int t = 0; t < 8; t++) {
                running.add(
                        Background.start(
                                () -> {
                                    for (int i = 0; i < 10_000; i++) {
                                        counter.increment();
                                    }
                                    return true;
                                }));
            }
            for (var b : running) {
                b.join();
            }
            assertEquals(79_995, counter.get());
        }
    }

    @Test
    void whatIsTakenOutOfACounterIsNeitherLostNorTakenTwice() throws Exception {
        for (AtomicCounter counter : List.of(AtomicCounter.striped(), AtomicCounter.exact())) {
            var running = new ArrayList<Background<?>>();
            for (int t = 0; t < 4; t++) {
                running.add(
                        Background.start(
                                () -> {
                                    for (int i = 0; i < 100_000; i++) {
                                        counter.increment();
                                    }
                                    return true;
                                }));
            }
            long taken = 0;
            for (int i = 0; i < 1000; i++) {
                taken += counter.getAndReset();
            }
            for (var b : running) {
                b.join();
            }
            assertEquals(400_000, taken + counter.getAndReset());
            assertEquals(0, counter.get());
        }
    }

    @Test
    void anExactCounterTellsWhatAChangeLedTo() {
        var counter = AtomicCounter.exact();
        assertEquals(3, counter.addAndGet(3));
        assertEquals(4, counter.incrementAndGet());
        assertEquals(3, counter.decrementAndGet());
        assertEquals(3, counter.compareExchange(2, 9));
        assertEquals(3, counter.compareExchange(3, 9));
        assertEquals(9, counter.get());
    }

    @Test
    void aFlagIsSetAndCleared() throws Exception {
        var flag = new AtomicFlag();
        assertFalse(flag.isSet());
        flag.awaitClear();
        assertTrue(flag.awaitClear(Duration.ZERO));
        assertFalse(flag.testAndSet());
        assertTrue(flag.testAndSet());
        flag.awaitSet();
        assertFalse(flag.awaitClear(Duration.ofMillis(10)));
        assertTrue(flag.testAndClear());
        assertFalse(flag.testAndClear());
        flag.set();
        flag.clear();
        assertFalse(flag.awaitSet(Duration.ZERO));
        assertFalse(flag.awaitSet(Duration.ofMillis(10)));
        flag.set();
        assertTrue(flag.isSet());
        assertEquals("AtomicFlag[set]", flag.toString());
        assertTrue(new AtomicFlag(true).isSet());
    }

    @Test
    void aFlagWakesAllWhoWaitForIt() throws Exception {
        var flag = new AtomicFlag();
        var waiting = new ArrayList<Background<?>>();
        for (int i = 0; i < 6; i++) {
            waiting.add(Background.parkedStep(flag::awaitSet));
        }
        waiting.add(Background.parked(() -> flag.awaitSet(Duration.ofHours(1))));
        flag.testAndSet();
        for (var b : waiting) {
            b.join();
        }
        var clearing = Background.parkedStep(flag::awaitClear);
        assertTrue(flag.testAndClear());
        clearing.join();
    }

    @Test
    void anInterruptEndsTheWaitForAFlag() throws Exception {
        var flag = new AtomicFlag();
        var waiting = Background.parkedStep(flag::awaitSet);
        waiting.interrupt();
        assertInstanceOf(InterruptedException.class, waiting.failure());
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, flag::awaitClear);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> flag.awaitClear(Duration.ofHours(1)));
    }
}
