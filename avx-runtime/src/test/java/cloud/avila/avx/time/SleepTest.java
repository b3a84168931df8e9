package cloud.avila.avx.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

@Timeout(60)
class SleepTest {
    @AfterEach
    void clearInterrupt() {
        Thread.interrupted();
    }

    @Test
    void neverReturnsEarlyAlsoWithAStalePermit() throws Exception {
        for (int i = 0; i < 50; i++) {
            LockSupport.unpark(Thread.currentThread());
            long start = System.nanoTime();
            Sleep.of(Duration.ofNanos(500_000 + i));
            assertTrue(System.nanoTime() - start >= 500_000 + i);
        }
    }

    @Test
    void zeroAndNegativeReturnAtOnce() throws Exception {
        Sleep.of(Duration.ZERO);
        Sleep.of(Duration.ofDays(-1));
        Sleep.of(Duration.ofSeconds(Long.MIN_VALUE));
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> Sleep.of(Duration.ZERO));
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @Test
    void anInterruptEndsTheLongestSleep() throws Exception {
        for (var builder : new Thread.Builder[] {Thread.ofPlatform(), Thread.ofVirtual()}) {
            var ended = new AtomicReference<Object>();
            Thread sleeper =
                    builder.start(
                            () -> {
                                try {
                                    Sleep.of(Duration.ofSeconds(Long.MAX_VALUE));
                                    ended.set("slept");
                                } catch (InterruptedException e) {
                                    ended.set(Thread.currentThread().isInterrupted());
                                }
                            });
            while (!(LockSupport.getBlocker(sleeper) instanceof Sleep blocker)) {
                Thread.sleep(1);
            }
            assertEquals("Sleep[PT2562047788015215H30M7S]", blocker.toString());
            sleeper.interrupt();
            sleeper.join();
            assertEquals(false, ended.get());
        }
    }
}
