package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.channel.Broadcast;
import cloud.avila.avx.channel.Mpsc;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Lock;

/**
 * Waits that time out behind one that stays must leave no memory. {@code -Davx.cancelled=...} sets
 * how many; each would keep at least 32 bytes.
 */
@Timeout(300)
class CancelledWaitersTest {
    private static final int COUNT = Integer.getInteger("avx.cancelled", 200_000);
    private static final int THREADS = 64;
    private static final Duration ONE = Duration.ofNanos(1);
    private static final long ALLOWED_BYTES = 3L << 20;

    /** What one of many threads does again and again. */
    private interface Canceller {
        Background.Step newStep();
    }

    private static void cancelMany(Canceller canceller) throws Exception {
        canceller.newStep().run();
        long before = used();
        var threads = new ArrayList<Background<?>>();
        for (int t = 0; t < THREADS; t++) {
            threads.add(
                    Background.start(
                            () -> {
                                Background.Step once = canceller.newStep();
                                for (int i = 0; i < COUNT / THREADS; i++) {
                                    once.run();
                                }
                                return true;
                            }));
        }
        for (var thread : threads) {
            thread.thread().join(); // many take longer than a join of Background allows
            thread.join();
        }
        threads.clear();
        long grown = used() - before;
        assertTrue(grown < ALLOWED_BYTES, COUNT + " cancelled waiters leave " + grown + " bytes");
    }

    private static long used() throws InterruptedException {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(20);
            var runtime = Runtime.getRuntime();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }

    @Test
    void ofAMutex() throws Exception {
        var mutex = new Mutex();
        var holder = Background.parkedStep(() -> holdUntilInterrupted(mutex));
        var stays = Background.parkedStep(mutex::lockInterruptibly);
        cancelMany(() -> () -> assertFalse(mutex.tryLock(1, TimeUnit.NANOSECONDS)));
        holder.interrupt();
        stays.join();
    }

    private static void holdUntilInterrupted(Lock lock) {
        lock.lock();
        try {
            Thread.sleep(Duration.ofHours(1));
        } catch (InterruptedException e) {
            lock.unlock();
        }
    }

    @Test
    void ofAReadLock() throws Exception {
        var lock = new RwLock();
        var holder = Background.parkedStep(() -> holdUntilInterrupted(lock.writeLock()));
        var stays = Background.parkedStep(() -> lock.readLock().lockInterruptibly());
        cancelMany(() -> () -> assertNull(lock.tryRead(ONE)));
        holder.interrupt();
        stays.join();
        assertEquals(1, lock.readers());
    }

    @Test
    void ofAWriteLockBehindAWriter() throws Exception {
        var lock = new RwLock();
        var holder = Background.parkedStep(() -> holdUntilInterrupted(lock.writeLock()));
        var stays = Background.parkedStep(() -> lock.writeLock().lockInterruptibly());
        cancelMany(() -> () -> assertNull(lock.tryWrite(ONE)));
        holder.interrupt();
        stays.join();
    }

    @Test
    void ofAWriteLockBehindAReader() throws Exception {
        var lock = new RwLock();
        try (var r = lock.read()) {
            cancelMany(() -> () -> assertNull(lock.tryWrite(ONE)));
            assertEquals(1, lock.readers());
        }
    }

    @Test
    void ofACondition() throws Exception {
        var mutex = new Mutex();
        var condition = new Condvar(mutex);
        var stays =
                Background.parkedStep(
                        () -> {
                            mutex.lock();
                            condition.await();
                            mutex.unlock();
                        });
        cancelMany(
                () ->
                        () -> {
                            mutex.lock();
                            assertFalse(condition.await(1, TimeUnit.NANOSECONDS));
                            mutex.unlock();
                        });
        mutex.lock();
        condition.signal();
        mutex.unlock();
        stays.join();
    }

    @Test
    void ofASemaphore() throws Exception {
        var semaphore = new Semaphore(0);
        var stays = Background.parked(() -> semaphore.acquire());
        cancelMany(() -> () -> assertNull(semaphore.tryAcquire(ONE)));
        semaphore.release();
        stays.join();
    }

    @Test
    void ofAFullChannel() throws Exception {
        var channel = Mpsc.<Integer>bounded(1);
        var tx = channel.sender();
        tx.send(1);
        var stays = Background.parkedStep(() -> tx.send(2));
        cancelMany(() -> () -> expectTimeout(() -> tx.send(3, ONE)));
        channel.receiver().recv();
        stays.join();
    }

    @Test
    void ofABroadcast() throws Exception {
        var channel = Broadcast.<Integer>create();
        var first = channel.subscribe();
        var stays = Background.parked(() -> first.recv());
        cancelMany(
                () -> {
                    var other = channel.subscribe();
                    return () -> expectTimeout(() -> other.recv(ONE));
                });
        channel.send(1);
        stays.join();
    }

    @Test
    void ofANotify() throws Exception {
        var notify = new Notify();
        var stays = Background.parkedStep(notify::await);
        cancelMany(() -> () -> assertFalse(notify.await(ONE)));
        notify.notifyOne();
        stays.join();
    }

    @Test
    void ofALatch() throws Exception {
        var latch = new Latch(1);
        var stays = Background.parkedStep(latch::await);
        cancelMany(() -> () -> assertFalse(latch.await(ONE)));
        latch.countDown();
        stays.join();
    }

    @Test
    void ofACellThatIsBeingMade() throws Exception {
        var cell = new OnceCell<Integer>();
        var go = new Latch(1);
        var stays =
                Background.parkedStep(
                        () ->
                                cell.getOrInit(
                                        () -> {
                                            go.await();
                                            return 1;
                                        }));
        cancelMany(() -> () -> expectTimeout(() -> cell.getOrInit(() -> 2, ONE)));
        go.countDown();
        stays.join();
    }

    @Test
    void ofARateLimiter() throws Exception {
        var limiter = RateLimiter.of(1, Duration.ofDays(1), 1);
        limiter.acquire();
        var stays = Background.parkedStep(limiter::acquire);
        cancelMany(() -> () -> assertFalse(limiter.tryAcquire(ONE)));
        limiter.setRate(1, Duration.ofMillis(1), 1);
        stays.join();
    }

    @Test
    void ofAFlag() throws Exception {
        var flag = new AtomicFlag();
        var stays = Background.parkedStep(flag::awaitSet);
        cancelMany(() -> () -> assertFalse(flag.awaitSet(ONE)));
        flag.set();
        stays.join();
    }

    private static void expectTimeout(Background.Step step) {
        assertThrows(TimeoutException.class, step::run);
    }
}
