package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.reactor.Descriptors;
import cloud.avila.avx.internal.reactor.LeakDetector;
import cloud.avila.avx.internal.reactor.LeakDetector.Level;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

@Timeout(120)
class SocketLeakTest {
    private final List<LogRecord> records = Collections.synchronizedList(new ArrayList<>());
    private final Logger log = Logger.getLogger(LeakDetector.class.getName());
    private final Handler recorder =
            new Handler() {
                @Override
                public void publish(LogRecord record) {
                    records.add(record);
                }

                @Override
                public void flush() {}

                @Override
                public void close() {}
            };

    /** What an earlier test has leaked must not come to light, or go away, in this one. */
    @BeforeAll
    static void settle() throws InterruptedException {
        RuntimeSockets.settle();
    }

    @AfterEach
    void paranoidAgain() {
        LeakDetector.level(Level.PARANOID);
        log.removeHandler(recorder);
        log.setUseParentHandlers(true);
    }

    private @Nullable Throwable leak(Level level) throws Exception {
        log.setUseParentHandlers(false);
        log.addHandler(recorder);
        LeakDetector.level(level);
        long descriptors = Descriptors.count();
        long leaks = LeakDetector.leaks();
        try (var rt = AvxRuntime.create(RuntimeConfig.builder().workerThreads(1).build())) {
            rt.spawn(SocketLeakTest::forgetASocket).join();
            for (int i = 0; i < 1_500 && LeakDetector.leaks() == leaks; i++) {
                System.gc();
                Thread.sleep(20);
            }
            assertEquals(leaks + 1, LeakDetector.leaks());
            // what is left is the driver's own
            Descriptors.assertCount(descriptors + 2);
        }
        Descriptors.assertCount(descriptors);
        assertEquals(1, records.size());
        String message = records.getFirst().getMessage();
        assertTrue(
                message.startsWith(
                        "a socket was never closed and nothing refers to it any more: listener on"
                                + " /127.0.0.1:"),
                message);
        return records.getFirst().getThrown();
    }

    private static int forgetASocket() throws Exception {
        return TcpListener.bind(RuntimeSockets.loopback(0)).localAddress().getPort();
    }

    @Test
    void paranoidTellsWhereALeakedSocketWasOpened() throws Exception {
        Throwable place = leak(Level.PARANOID);
        assertNotNull(place);
        boolean named = false;
        for (StackTraceElement frame : place.getStackTrace()) {
            named |= frame.getMethodName().equals("forgetASocket");
        }
        assertTrue(named, "the stack shows the place");
    }

    @Test
    void simpleTellsThatALeakedSocketWasClosed() throws Exception {
        assertEquals(null, leak(Level.SIMPLE));
    }
}
