package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;

class ChaseLevDequeTest {
    @Test
    void behavesAsAQueueWhateverTheMixOfOperations() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            var deque = new ChaseLevDeque<Integer>(2);
            var thief = new ChaseLevDeque<Integer>(2);
            var model = new ArrayDeque<Integer>();
            for (int i = 0; i < 2_000; i++) {
                String where = "seed " + seed + ", round " + round + ", step " + i;
                switch (random.nextInt(8)) {
                    case 0 -> assertEquals(model.poll(), deque.take(), where);
                    case 1 -> assertEquals(model.poll(), deque.steal(), where);
                    case 2 -> {
                        int n = Math.min(ChaseLevDeque.MAX_RAID, (model.size() + 1) / 2);
                        assertEquals(model.poll(), deque.stealHalf(thief), where);
                        for (int k = 1; k < n; k++) {
                            assertEquals(model.poll(), thief.take(), where);
                        }
                        assertTrue(thief.isEmpty(), where);
                    }
                    case 3 -> deque.clearTaken();
                    default -> {
                        deque.push(i);
                        model.add(i);
                    }
                }
                assertEquals(model.size(), deque.size(), where);
                assertEquals(model.isEmpty(), deque.isEmpty(), where);
            }
        }
    }

    @Test
    void aRaidTakesAtMostItsBound() {
        var deque = new ChaseLevDeque<Integer>(4);
        for (int i = 0; i < 1_000; i++) {
            deque.push(i);
        }
        var thief = new ChaseLevDeque<Integer>(2);
        assertEquals(0, deque.stealHalf(thief));
        assertEquals(ChaseLevDeque.MAX_RAID - 1, thief.size());
        assertEquals(1_000 - ChaseLevDeque.MAX_RAID, deque.size());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, -4, 6})
    void refusesCapacitiesThatAreNoPowersOfTwo(int capacity) {
        assertThrows(IllegalArgumentException.class, () -> new ChaseLevDeque<>(capacity));
    }

    @Test
    void keepsNoReferenceToTakenElementsOnceCleared() throws Exception {
        var deque = new ChaseLevDeque<Object>(4);
        List<WeakReference<Object>> taken = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Object element = new Object();
            taken.add(new WeakReference<>(element));
            deque.push(element);
        }
        deque.steal();
        deque.take();
        deque.steal();
        deque.clearTaken();
        for (var reference : taken) {
            for (int i = 0; reference.get() != null && i < 500; i++) {
                System.gc();
                Thread.sleep(10);
            }
            assertNull(reference.get());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 256})
    void everyElementIsTakenExactlyOnceUnderConcurrentTheft(int capacity) throws Exception {
        long seed = System.nanoTime();
        int elements = 300_000;
        var seen = new AtomicIntegerArray(elements);
        var deque = new ChaseLevDeque<Integer>(capacity);
        var done = new AtomicBoolean();
        List<Thread> thieves = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            boolean half = t > 0;
            Thread thief =
                    new Thread(
                            () -> {
                                var own = new ChaseLevDeque<Integer>(2);
                                int last = -1;
                                for (boolean empty = false; !empty || !done.get(); ) {
                                    Integer e = half ? deque.stealHalf(own) : deque.steal();
                                    empty = e == null;
                                    for (; e != null; e = own.take()) {
                                        if (e <= last) {
                                            throw new AssertionError(e + " after " + last);
                                        }
                                        last = e;
                                        seen.incrementAndGet(e);
                                    }
                                }
                            });
            thief.start();
            thieves.add(thief);
        }
        Random random = new Random(seed);
        for (int i = 0; i < elements; ) {
            for (int burst = random.nextInt(40); burst > 0 && i < elements; burst--) {
                deque.push(i++);
            }
            for (int takes = random.nextInt(20); takes > 0; takes--) {
                Integer e = deque.take();
                if (e != null) {
                    seen.incrementAndGet(e);
                }
            }
            if (random.nextInt(10) == 0) {
                deque.clearTaken();
            }
        }
        done.set(true);
        for (Thread thief : thieves) {
            thief.join();
        }
        for (Integer e; (e = deque.take()) != null; ) {
            seen.incrementAndGet(e);
        }
        for (int i = 0; i < elements; i++) {
            assertEquals(1, seen.get(i), "element " + i + ", seed " + seed);
        }
    }
}
