package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

@Timeout(120)
class SyncStressTest {
    /** What only the holder may touch. */
    private static final class Room {
        int inside;
        long visits;

        void visit(Random random) {
            assertEquals(0, inside++, "two threads hold the mutex");
            visits++;
            if (random.nextInt(100) == 0) {
                Thread.yield();
            }
            inside--;
        }
    }

    private static boolean lockSomehow(Mutex mutex, Random random) {
        try {
            return switch (random.nextInt(6)) {
                case 0 -> mutex.tryLock();
                case 1 -> mutex.tryLock(random.nextInt(50_000), TimeUnit.NANOSECONDS);
                case 2 -> mutex.tryLock(100, TimeUnit.SECONDS);
                case 3 -> {
                    mutex.lockInterruptibly();
                    yield true;
                }
                default -> {
                    mutex.lock();
                    yield true;
                }
            };
        } catch (InterruptedException e) {
            return false;
        }
    }

    @RepeatedTest(4)
    void aMutexExcludesWhateverIsInterruptedOrTimesOut() throws Exception {
        var crew = new Crew("mutex");
        var mutex = new Mutex(crew.random().nextBoolean() ? 0 : Mutex.HAND_OFF_NANOS);
        var room = new Room();
        var entered = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                long n = 0;
                                while (!crew.isOver()) {
                                    if (lockSomehow(mutex, random)) {
                                        try {
                                            room.visit(random);
                                        } finally {
                                            mutex.unlock();
                                        }
                                        n++;
                                    }
                                }
                                entered.addAndGet(n);
                            }));
        }
        crew.run(threads);
        assertFalse(mutex.isLocked());
        assertTrue(room.visits > 0);
        assertEquals(entered.get(), room.visits);
    }

    /** What is written under the lock, together. */
    private static final class Pair {
        long one;
        long other;
        long writes;
        int writers;

        void write() {
            assertEquals(0, writers++, "two threads write");
            one++;
            other++;
            writes++;
            writers--;
        }

        void read() {
            assertEquals(one, other, "read while somebody wrote");
            assertEquals(0, writers, "read while somebody wrote");
        }
    }

    /** Writes in some way, perhaps; how often. */
    private static int writeSomehow(RwLock lock, Pair pair, Random random)
            throws InterruptedException {
        switch (random.nextInt(6)) {
            case 0 -> {
                try (WriteGuard w = lock.tryWrite()) {
                    return writeIf(w != null, pair);
                }
            }
            case 1 -> {
                try (WriteGuard w = lock.tryWrite(Duration.ofNanos(random.nextInt(50_000)))) {
                    return writeIf(w != null, pair);
                }
            }
            case 2 -> {
                lock.writeLock().lock();
                try {
                    return writeIf(true, pair);
                } finally {
                    lock.writeLock().unlock();
                }
            }
            case 3 -> {
                WriteGuard w = lock.write();
                pair.write();
                long now = pair.one;
                try (Guard r = w.downgrade()) {
                    assertEquals(now, pair.one, "written during a downgrade");
                    pair.read();
                }
                return 1;
            }
            case 4 -> {
                try (UpgradeableGuard u = lock.upgradeableRead()) {
                    pair.read();
                    long seen = pair.one;
                    Duration timeout = Duration.ofNanos(random.nextInt(50_000));
                    try (Guard w = random.nextBoolean() ? u.upgrade() : u.tryUpgrade(timeout)) {
                        assertEquals(seen, pair.one, "written beside an upgradeable reader");
                        return writeIf(w != null, pair);
                    }
                }
            }
            default -> {
                try (WriteGuard w = lock.write()) {
                    return writeIf(true, pair);
                }
            }
        }
    }

    private static int writeIf(boolean held, Pair pair) {
        if (held) {
            pair.write();
        }
        return held ? 1 : 0;
    }

    private static void readSomehow(RwLock lock, Pair pair, Random random)
            throws InterruptedException {
        switch (random.nextInt(5)) {
            case 0 -> {
                long stamp = lock.tryOptimisticRead();
                long one = pair.one;
                long other = pair.other;
                assertTrue(!lock.validate(stamp) || one == other, "a valid stamp lies");
            }
            case 1 -> {
                try (Guard r = lock.tryRead(Duration.ofNanos(random.nextInt(50_000)))) {
                    if (r != null) {
                        pair.read();
                    }
                }
            }
            case 2 -> {
                lock.readLock().lock();
                pair.read();
                lock.readLock().unlock();
            }
            default -> {
                try (Guard r = lock.read()) {
                    pair.read();
                    if (random.nextInt(100) == 0) {
                        Thread.yield();
                        pair.read();
                    }
                }
            }
        }
    }

    @RepeatedTest(4)
    void whoWritesIsAloneWhateverIsInterruptedOrTimesOut() throws Exception {
        var crew = new Crew("rwlock");
        long handOff = crew.random().nextBoolean() ? 0 : Mutex.HAND_OFF_NANOS;
        var lock = new RwLock(handOff);
        int writesOf10 = 1 + crew.random().nextInt(9);
        var pair = new Pair();
        var written = new AtomicLong();
        var reads = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                long n = 0;
                                while (!crew.isOver()) {
                                    try {
                                        if (random.nextInt(10) < writesOf10) {
                                            n += writeSomehow(lock, pair, random);
                                        } else {
                                            readSomehow(lock, pair, random);
                                            reads.incrementAndGet();
                                        }
                                    } catch (InterruptedException e) {
                                        // neither read nor written
                                    }
                                }
                                written.addAndGet(n);
                            }));
        }
        crew.run(threads);
        assertEquals(0, lock.readers());
        try (WriteGuard w = lock.tryWrite()) {
            assertNotNull(w, "somebody still holds it");
        }
        assertTrue(pair.writes > 0 && reads.get() > 0);
        assertEquals(written.get(), pair.writes);
    }

    /** One write and one read at once, again and again: who is forgotten waits for ever. */
    @Test
    void aReaderThatMeetsTheEndOfTheLastWriteIsNotForgotten() throws Exception {
        var crew = new Crew("last write");
        var lock = new RwLock();
        var arrived = new AtomicInteger();
        var last = new AtomicInteger();
        var reads = new AtomicInteger();
        crew.add(
                random -> {
                    for (int round = 1; last.get() == 0; round++) {
                        if (crew.isOver()) {
                            last.set(round);
                        }
                        meet(arrived, round);
                        lock.writeLock().lock();
                        spin(random.nextInt(8));
                        lock.writeLock().unlock();
                    }
                });
        crew.add(
                random -> {
                    for (int round = 1; ; round++) {
                        meet(arrived, round);
                        spin(random.nextInt(4));
                        lock.readLock().lock();
                        lock.readLock().unlock();
                        reads.incrementAndGet();
                        if (last.get() == round) {
                            return;
                        }
                    }
                });
        crew.run(List.of());
        assertEquals(last.get(), reads.get());
    }

    private static void meet(AtomicInteger arrived, int round) {
        arrived.incrementAndGet();
        for (int i = 0; arrived.get() < 2 * round; i++) {
            if (i < 200) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    private static void spin(int rounds) {
        for (int i = 0; i < rounds; i++) {
            Thread.onSpinWait();
        }
    }

    @RepeatedTest(2)
    void aConditionLosesNoSignal() throws Exception {
        var crew = new Crew("condition");
        var mutex = new Mutex();
        var notEmpty = new Condvar(mutex);
        var notFull = new Condvar(mutex);
        var queue = new ArrayDeque<Integer>();
        var put = new AtomicLong();
        var taken = new AtomicLong();
        var producing = new AtomicInteger(3);
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 3; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    mutex.lock();
                                    try {
                                        notFull.await(() -> queue.size() < 2);
                                        queue.add(1);
                                        put.incrementAndGet();
                                        notEmpty.signal();
                                    } catch (InterruptedException e) {
                                        // nothing was put
                                    } finally {
                                        mutex.unlock();
                                    }
                                }
                                mutex.lock();
                                producing.decrementAndGet();
                                notEmpty.signalAll();
                                mutex.unlock();
                            }));
            threads.add(
                    crew.add(
                            random -> {
                                for (boolean more = true; more; ) {
                                    mutex.lock();
                                    try {
                                        while (queue.isEmpty() && producing.get() > 0) {
                                            if (random.nextInt(4) == 0) {
                                                notEmpty.awaitNanos(random.nextInt(50_000));
                                            } else {
                                                notEmpty.await();
                                            }
                                        }
                                        more = !queue.isEmpty();
                                        if (more) {
                                            taken.addAndGet(queue.remove());
                                            notFull.signal();
                                        }
                                    } catch (InterruptedException e) {
                                        // nothing was taken
                                    } finally {
                                        mutex.unlock();
                                    }
                                }
                            }));
        }
        crew.run(threads);
        assertTrue(put.get() > 0);
        assertEquals(put.get(), taken.get());
        assertTrue(queue.isEmpty());
    }

    @RepeatedTest(4)
    void aSemaphoreNeitherLosesNorMakesPermits() throws Exception {
        var crew = new Crew("semaphore");
        int permits = 1 + crew.random().nextInt(4);
        var semaphore = new Semaphore(permits);
        var held = new AtomicInteger();
        var acquired = new AtomicLong();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            threads.add(
                    crew.add(
                            random -> {
                                while (!crew.isOver()) {
                                    int n = random.nextInt(permits + 1);
                                    try (Permit p = acquireSomehow(semaphore, n, random)) {
                                        if (p != null) {
                                            assertTrue(held.addAndGet(n) <= permits, "too many");
                                            acquired.incrementAndGet();
                                            if (random.nextInt(100) == 0) {
                                                Thread.yield();
                                            }
                                            held.addAndGet(-n);
                                        }
                                    } catch (InterruptedException e) {
                                        // nothing was acquired
                                    }
                                }
                            }));
        }
        crew.add(
                random -> {
                    while (!crew.isOver()) {
                        semaphore.setLimit(random.nextInt(permits + 1));
                        Crew.pause(random.nextInt(200_000));
                    }
                    semaphore.setLimit(permits);
                });
        crew.run(threads);
        assertTrue(acquired.get() > 0);
        assertEquals(permits, semaphore.limit());
        assertEquals(permits, semaphore.availablePermits());
        assertNotNull(semaphore.tryAcquire(permits), "somebody still queues");
    }

    private static @org.jspecify.annotations.Nullable Permit acquireSomehow(
            Semaphore semaphore, int n, Random random) throws InterruptedException {
        return switch (random.nextInt(4)) {
            case 0 -> semaphore.tryAcquire(n);
            case 1 -> semaphore.tryAcquire(n, Duration.ofNanos(random.nextInt(50_000)));
            case 2 -> semaphore.tryAcquire(n, Duration.ofSeconds(100));
            default -> semaphore.acquire(n);
        };
    }
}
