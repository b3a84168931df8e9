package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.sync.Barrier;
import cloud.avila.avx.sync.Latch;
import cloud.avila.avx.sync.Notify;
import cloud.avila.avx.sync.OnceCell;
import cloud.avila.avx.sync.RateLimiter;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

class SignalsExampleTest {
    @Test
    void aConsumerIsNotified() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var lines = new ConcurrentLinkedQueue<String>();
            var added = new Notify();
            var consumer =
                    rt.spawn(
                            () -> {
                                String line;
                                while ((line = lines.poll()) == null) {
                                    added.await();
                                }
                                return line;
                            });
            lines.add("first");
            added.notifyOne();
            assertEquals("first", consumer.join());
        }
    }

    @Test
    void threeMeetTwice() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var phases = new ArrayList<Integer>();
            var barrier = new Barrier(3, () -> phases.add(phases.size() + 1));
            var finished = new Latch(3);
            for (int i = 0; i < 3; i++) {
                rt.spawn(
                        () -> {
                            barrier.await();
                            int index = barrier.await(Duration.ofSeconds(10));
                            assertTrue(index >= 0 && index < 3);
                            finished.countDown();
                            return null;
                        });
            }
            assertTrue(finished.await(Duration.ofSeconds(10)));
            assertEquals(List.of(1, 2), phases);
        }
    }

    private static String fetch(String name) throws InterruptedException {
        Thread.sleep(1);
        return "content of " + name;
    }

    @Test
    void aConfigurationIsFetchedOnce() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var config = new OnceCell<String>();
            var readers = new ArrayList<JoinHandle<String>>();
            for (int i = 0; i < 3; i++) {
                readers.add(rt.spawn(() -> config.getOrInit(() -> fetch("config"))));
            }
            for (var reader : readers) {
                assertEquals("content of config", reader.join());
            }
            assertEquals("content of config", config.get());
        }
    }

    @Test
    void permitsComeAtARate() throws Exception {
        var sent = new ArrayList<Integer>();
        long start = System.nanoTime();
        try (var limiter = RateLimiter.of(100, Duration.ofSeconds(1), 5)) {
            for (int i = 0; i < 10; i++) {
                limiter.acquire(); // five at once, then one every 10 ms
                sent.add(i);
            }
        }
        assertTrue(System.nanoTime() - start >= 50_000_000);
        assertEquals(10, sent.size());
    }
}
