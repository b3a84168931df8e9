package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.metrics.LockMetrics;
import cloud.avila.avx.sync.Condvar;
import cloud.avila.avx.sync.Guard;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.NamedLocks;
import cloud.avila.avx.sync.Permit;
import cloud.avila.avx.sync.RwLock;
import cloud.avila.avx.sync.Semaphore;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.concurrent.TimeUnit;

class SyncExampleTest {
    private static void slowTransfer(int millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    @Test
    void transfersAreBoundedAndBooked() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var mutex = new Mutex();
            var slots = new Semaphore(2);
            var stopped = new AtomicFlag();
            var balance = new ArrayList<Integer>();
            for (int i = 1; i <= 3; i++) {
                int amount = i;
                rt.spawn(
                        () -> {
                            try (Permit slot = slots.acquire()) {
                                slowTransfer(amount);
                            }
                            try (Guard held = mutex.acquire()) {
                                balance.add(amount);
                                if (balance.size() == 3) {
                                    stopped.set();
                                }
                            }
                            return null;
                        });
            }
            assertTrue(stopped.awaitSet(Duration.ofSeconds(10)));
        }
    }

    @Test
    void routesAreReadAndWritten() throws Exception {
        var lock = new RwLock("routes");
        var routes = new HashMap<String, String>();
        try (var w = lock.write()) {
            routes.put("a", "10.0.0.1");
        }
        try (var r = lock.read()) {
            assertEquals("10.0.0.1", routes.get("a"));
        }
        try (var u = lock.upgradeableRead()) {
            if (!routes.containsKey("b")) {
                try (var w = u.upgrade()) { // nobody has written since it was looked at
                    routes.put("b", "10.0.0.2");
                }
            }
        }
        assertEquals(2, routes.size());
    }

    @Test
    void aJobIsWaitedFor() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var mutex = new Mutex();
            var changed = new Condvar(mutex);
            var jobs = new ArrayDeque<String>();
            rt.spawn(
                    () -> {
                        try (var g = mutex.acquire()) {
                            jobs.add("first");
                            changed.notifyOne();
                        }
                        return null;
                    });
            try (var g = mutex.acquire()) {
                changed.await(() -> !jobs.isEmpty());
                assertEquals("first", jobs.remove());
            }
        }
    }

    @Test
    void theLockThatIsFoughtOverIsFound() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var ledger = new Mutex("ledger");
            ledger.lock();
            var waiter = rt.spawn(() -> ledger.tryLock(20, TimeUnit.MILLISECONDS));
            assertFalse(waiter.join());
            ledger.unlock();
            var lines = new ArrayList<String>();
            for (LockMetrics lock : NamedLocks.metrics()) { // those waited for longest come first
                lines.add(lock.name() + ": " + lock.waits() + " waits, mean " + lock.meanWait());
            }
            assertTrue(lines.toString().contains("ledger: 1 waits, mean PT"), lines::toString);
        }
    }
}
