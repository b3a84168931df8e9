package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Crew;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
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

    @RepeatedTest(2)
    void aConditionLosesNoSignal() throws Exception {
        var crew = new Crew("condition");
        var mutex = new Mutex();
        var notEmpty = mutex.newCondition();
        var notFull = mutex.newCondition();
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
                                        while (queue.size() == 2) {
                                            notFull.await();
                                        }
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
        crew.run(threads);
        assertTrue(acquired.get() > 0);
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
