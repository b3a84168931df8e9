package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.metrics.LockMetrics;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;

@Timeout(60)
class NamedLocksTest {
    private static LockMetrics metrics(String kind, String name) {
        return NamedLocks.metrics().stream()
                .filter(m -> m.kind().equals(kind) && m.name().equals(name))
                .findAny()
                .orElseThrow();
    }

    private static void checkOneWait(String kind, String name, long waits) {
        LockMetrics m = metrics(kind, name);
        assertEquals(waits, m.waits());
        assertEquals(1, m.sampled());
        assertTrue(m.longest().compareTo(Duration.ofMillis(5)) >= 0, m.toString());
        assertEquals(m.sampledTime(), m.longest());
        assertEquals(m.longest(), m.meanWait());
        assertEquals(m.longest().multipliedBy(waits), m.estimatedTime());
    }

    @Test
    void whoDoesNotWaitIsNotCounted() throws Exception {
        var mutex = new Mutex("calm");
        try (var g = mutex.acquire()) {
            assertNull(mutex.tryAcquire());
        }
        LockMetrics m = metrics("Mutex", "calm");
        assertEquals(0, m.waits());
        assertEquals(Duration.ZERO, m.meanWait());
        assertEquals(Duration.ZERO, m.estimatedTime());
    }

    @Test
    void waitsForAMutexAreCountedAndSampledByName() throws Exception {
        var mutex = new Mutex("accounts");
        var sameName = new Mutex("accounts");
        for (Mutex each : new Mutex[] {mutex, sameName}) {
            Guard held = each.acquire();
            var waiting = Background.parkedStep(() -> each.acquire().close());
            Thread.sleep(10);
            held.close();
            waiting.join();
        }
        checkOneWait("Mutex", "accounts", 2);
    }

    @Test
    void waitsForAReadWriteLockAreThoseOfAllItsSides() throws Exception {
        var lock = new RwLock("routes");
        Guard held = lock.write();
        var reader = Background.parkedStep(() -> lock.read().close());
        var writer = Background.parkedStep(() -> lock.write().close());
        Thread.sleep(10);
        held.close();
        reader.join();
        writer.join();
        assertTrue(metrics("RwLock", "routes").waits() >= 2);
        try (var r = lock.read()) {
            long before = metrics("RwLock", "routes").waits();
            assertNull(Background.start(() -> lock.tryWrite(Duration.ofMillis(5))).join());
            assertEquals(before + 1, metrics("RwLock", "routes").waits());
        }
    }

    @Test
    void waitsThatGiveUpCountToo() throws Exception {
        var semaphore = new Semaphore("slots", 0);
        assertNull(semaphore.tryAcquire(Duration.ofMillis(10)));
        checkOneWait("Semaphore", "slots", 1);
    }

    @Test
    void namesBeyondTheBoundShareOneEntry() {
        var names = new LockStatistics.Names();
        for (int i = 0; i < LockStatistics.MAX_NAMES; i++) {
            names.of("Mutex", "name-" + i);
        }
        var late = names.of("Mutex", "late");
        assertSame(late, names.of("Mutex", "later"));
        assertSame(late, names.of("Mutex", LockStatistics.OTHER));
        assertNotSame(late, names.of("RwLock", "late"));
        assertNotSame(late, names.of("Mutex", "name-7"));
        assertEquals(LockStatistics.MAX_NAMES + 2, names.snapshot().size());
    }
}
