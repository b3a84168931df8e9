package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;

class InjectionQueueTest {
    private record Tagged(int producer, int number) implements Runnable {
        @Override
        public void run() {}
    }

    @Test
    void takesInOrderAndInFairShares() {
        var queue = new InjectionQueue(4);
        var own = new ChaseLevDeque<Runnable>(2);
        List<Runnable> pushed = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Runnable task = new Tagged(0, i);
            pushed.add(task);
            queue.push(task);
        }
        assertEquals(100, queue.size());
        List<Runnable> taken = new ArrayList<>();
        for (Runnable task; (task = queue.take(own, 50)) != null; ) {
            int batch = 1;
            taken.add(task);
            for (Runnable next; (next = own.take()) != null; batch++) {
                taken.add(next);
            }
            assertTrue(batch <= 3, "a fiftieth share of 100 plus one, not " + batch);
        }
        assertEquals(pushed, taken);
        assertTrue(queue.isEmpty());
        assertEquals(0, queue.size());
    }

    @Test
    void anEmptyQueueGivesNothing() {
        var queue = new InjectionQueue();
        assertNull(queue.take(new ChaseLevDeque<>(2), 1));
        assertTrue(queue.isEmpty());
        Runnable task = new Tagged(0, 0);
        queue.push(task);
        assertSame(task, queue.take(new ChaseLevDeque<>(2), 1));
        assertNull(queue.take(new ChaseLevDeque<>(2), 1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 512})
    void nothingIsLostDoubledOrReorderedByManyProducersAndTakers(int segment) throws Exception {
        int producers = 3;
        int each = 60_000;
        var queue = new InjectionQueue(segment);
        var seen = new AtomicIntegerArray(producers * each);
        var done = new AtomicBoolean();
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            threads.add(
                    new Thread(
                            () -> {
                                var own = new ChaseLevDeque<Runnable>(2);
                                int[] last = {-1, -1, -1};
                                for (boolean finished = false; !finished || !queue.isEmpty(); ) {
                                    finished = done.get();
                                    for (Runnable r = queue.take(own, 3);
                                            r != null;
                                            r = own.take()) {
                                        var task = (Tagged) r;
                                        if (task.number <= last[task.producer]) {
                                            throw new AssertionError(task + " out of order");
                                        }
                                        last[task.producer] = task.number;
                                        seen.incrementAndGet(task.producer * each + task.number);
                                    }
                                }
                            }));
        }
        List<Thread> pushers = new ArrayList<>();
        for (int p = 0; p < producers; p++) {
            int producer = p;
            pushers.add(
                    new Thread(
                            () -> {
                                for (int i = 0; i < each; i++) {
                                    queue.push(new Tagged(producer, i));
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.setUncaughtExceptionHandler(
                    (t, e) -> {
                        synchronized (failures) {
                            failures.add(e);
                        }
                    });
            thread.start();
        }
        for (Thread pusher : pushers) {
            pusher.start();
        }
        for (Thread pusher : pushers) {
            pusher.join();
        }
        done.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), failures);
        for (int i = 0; i < seen.length(); i++) {
            assertEquals(1, seen.get(i), "task " + i);
        }
        assertTrue(queue.isEmpty());
    }
}
