package cloud.avila.avx.internal.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

class BoundedLogTest {
    private static final class Owner {}

    private static final long SECOND = 1_000_000_000;

    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - SECOND);
    private final BoundedLog log =
            new BoundedLog(Owner.class, 3, Duration.ofSeconds(10), clock::get);
    private final List<LogRecord> records = new CopyOnWriteArrayList<>();
    private final Logger logger = Logger.getLogger(Owner.class.getName());
    private final Handler handler =
            new Handler() {
                @Override
                public void publish(LogRecord message) {
                    records.add(message);
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
    }

    @AfterEach
    void stopListening() {
        logger.removeHandler(handler);
        logger.setUseParentHandlers(true);
        logger.setLevel(null);
    }

    private void log(int messages) {
        for (int i = 0; i < messages; i++) {
            log.log(Level.WARNING, "trouble");
        }
    }

    private List<String> messages() {
        return records.stream().map(LogRecord::getMessage).toList();
    }

    @Test
    void passesABurstThenOneAnInterval() {
        log(100);
        assertEquals(List.of("trouble", "trouble", "trouble"), messages());
        clock.addAndGet(10 * SECOND - 1);
        log(100);
        assertEquals(3, records.size());
        clock.addAndGet(1);
        log(100);
        assertEquals(4, records.size());
        assertEquals(
                "trouble (197 more messages of this kind were left out before)",
                messages().getLast());
    }

    @Test
    void collectsNoMoreThanABurstInQuietTimes() {
        log(1);
        clock.addAndGet(100_000 * SECOND);
        log(100);
        assertEquals(4, records.size());
    }

    @Test
    void passesTheThrowable() {
        var thrown = new IllegalStateException();
        log.log(Level.ERROR, "trouble", thrown);
        assertSame(thrown, records.getFirst().getThrown());
    }

    @Test
    void whatIsNotLoggedAnywayCountsForNothing() {
        logger.setLevel(java.util.logging.Level.SEVERE);
        log(100);
        logger.setLevel(null);
        log(1);
        assertEquals(List.of("trouble"), messages());
    }

    @Test
    void manyThreadsTogetherPassNoMoreThanTheBurst() throws InterruptedException {
        var threads = new Thread[8];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = Thread.ofPlatform().start(() -> log(1_000));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(3, records.size());
        clock.addAndGet(10 * SECOND);
        log(1);
        assertTrue(messages().getLast().contains("(7997 more messages"), messages()::toString);
    }
}
