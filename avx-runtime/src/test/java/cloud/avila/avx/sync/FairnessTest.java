package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sixty-four fibers that want a lock all the time: everybody gets it again and again. Prints the
 * waits; {@code -Davx.fairness.turns=...} sets how often each must have had it.
 */
@Timeout(120)
class FairnessTest {
    private static final int CONTENDERS = 64;
    private static final int TURNS = Integer.getInteger("avx.fairness.turns", 20);
    private static final long ALLOWED_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** One way to have the lock for a moment. */
    private interface Turn {
        void take() throws Exception;
    }

    /** What one contender saw. */
    private static final class Seen {
        long turns;
        long sum;
        long longest;

        void add(long nanos) {
            turns++;
            sum += nanos;
            longest = Math.max(longest, nanos);
        }
    }

    private static void moment() {
        for (int i = 0; i < 50; i++) {
            Thread.onSpinWait();
        }
    }

    /**
     * Has all contend until each has had so many turns; two of every so many take the other way.
     */
    private static void contend(String name, int othersOf64, Turn turn, Turn other)
            throws Exception {
        var unfinished = new AtomicInteger(CONTENDERS);
        try (var rt = AvxRuntime.create()) {
            var fibers = new ArrayList<JoinHandle<Seen>>();
            for (int i = 0; i < CONTENDERS; i++) {
                Turn mine = i < othersOf64 ? other : turn;
                fibers.add(
                        rt.spawn(
                                () -> {
                                    var seen = new Seen();
                                    while (unfinished.get() > 0) {
                                        long before = System.nanoTime();
                                        mine.take();
                                        seen.add(System.nanoTime() - before);
                                        if (seen.turns == TURNS) {
                                            unfinished.decrementAndGet();
                                        }
                                    }
                                    return seen;
                                }));
            }
            var all = new ArrayList<Seen>();
            for (var fiber : fibers) {
                all.add(fiber.join());
            }
            report(name + (othersOf64 > 0 ? ", others" : ""), all.subList(othersOf64, CONTENDERS));
            if (othersOf64 > 0) {
                report(name + ", these", all.subList(0, othersOf64));
            }
        }
    }

    private static void report(String name, Iterable<Seen> all) {
        long turns = 0;
        long sum = 0;
        long longest = 0;
        long fewest = Long.MAX_VALUE;
        for (Seen seen : all) {
            turns += seen.turns;
            sum += seen.sum;
            longest = Math.max(longest, seen.longest);
            fewest = Math.min(fewest, seen.turns);
        }
        System.out.printf(
                Locale.ROOT,
                "[fairness] %s: %d turns, fewest %d, mean wait %.1f us, longest %.1f ms%n",
                name,
                turns,
                fewest,
                sum / 1e3 / turns,
                longest / 1e6);
        assertTrue(fewest >= TURNS, name + " starves somebody: " + fewest + " turns");
        assertTrue(longest < ALLOWED_NANOS, name + " kept somebody waiting: " + longest + " ns");
    }

    @Test
    void ofAMutex() throws Exception {
        var mutex = new Mutex();
        Turn turn =
                () -> {
                    try (var g = mutex.acquire()) {
                        moment();
                    }
                };
        contend("mutex", 0, turn, turn);
        assertFalse(mutex.isLocked());
    }

    @Test
    void ofFewWritersAmongReaders() throws Exception {
        var lock = new RwLock();
        contend("rwlock, 62 readers and 2 writers", 2, () -> read(lock), () -> write(lock));
        assertEquals(0, lock.readers());
    }

    @Test
    void ofFewReadersAmongWriters() throws Exception {
        var lock = new RwLock();
        contend("rwlock, 62 writers and 2 readers", 2, () -> write(lock), () -> read(lock));
        assertEquals(0, lock.readers());
    }

    private static void read(RwLock lock) throws InterruptedException {
        try (var r = lock.read()) {
            moment();
        }
    }

    private static void write(RwLock lock) throws InterruptedException {
        try (var w = lock.write()) {
            moment();
        }
    }

    @Test
    void ofASemaphore() throws Exception {
        var semaphore = new Semaphore(2);
        Turn turn =
                () -> {
                    try (var p = semaphore.acquire()) {
                        moment();
                    }
                };
        contend("semaphore of 2", 0, turn, turn);
        assertEquals(2, semaphore.availablePermits());
    }
}
