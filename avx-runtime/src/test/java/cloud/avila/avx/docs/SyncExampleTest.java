package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.sync.Guard;
import cloud.avila.avx.sync.Mutex;
import cloud.avila.avx.sync.Permit;
import cloud.avila.avx.sync.Semaphore;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;

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
}
