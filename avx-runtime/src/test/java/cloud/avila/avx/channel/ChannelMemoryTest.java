package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;

/**
 * What channels keep in memory. {@code -Davx.leak.waiters=10000000} is the long form of what those
 * who give up leave behind.
 */
@Timeout(7200)
class ChannelMemoryTest {
    private static final int WAITERS = Integer.getInteger("avx.leak.waiters", 2_000);
    private static final int SAMPLES = 1_000;
    private static final Duration MOMENT = Duration.ofNanos(1);

    private enum Kind {
        MPSC,
        MPMC
    }

    private record Ends(Sender<Object> tx, Receiver<Object> rx) {
        static Ends of(Kind kind, int capacity) {
            if (kind == Kind.MPSC) {
                Mpsc<Object> channel = Mpsc.bounded(capacity);
                return new Ends(channel.sender(), channel.receiver());
            }
            Mpmc<Object> channel = Mpmc.bounded(capacity);
            return new Ends(channel.sender(), channel.receiver());
        }
    }

    private static void awaitFreed(List<WeakReference<Object>> references) throws Exception {
        for (int n = 0; n < 200; n++) {
            System.gc();
            if (references.stream().allMatch(r -> r.refersTo(null))) {
                return;
            }
            Thread.sleep(10);
        }
        long kept = references.stream().filter(r -> !r.refersTo(null)).count();
        assertEquals(0, kept, "objects that are still in memory");
    }

    @ParameterizedTest
    @EnumSource
    void messagesThatWereTakenAreFreed(Kind kind) throws Exception {
        Ends ends = Ends.of(kind, 1000);
        var references = new ArrayList<WeakReference<Object>>();
        for (int i = 0; i < 100; i++) {
            var message = new Object();
            references.add(new WeakReference<>(message));
            ends.tx.send(message);
        }
        for (int i = 0; i < 100; i++) {
            ends.rx.recv();
        }
        awaitFreed(references);
        Reference.reachabilityFence(ends);
    }

    @ParameterizedTest
    @EnumSource
    void whoGivesUpLeavesNothing(Kind kind) throws Exception {
        Ends ends = Ends.of(kind, 1);
        var references = new ArrayList<WeakReference<Object>>();
        ends.tx.send("full");
        for (int i = 0; i < WAITERS; i++) {
            var message = new Object();
            if (i < SAMPLES) {
                references.add(new WeakReference<>(message));
            }
            assertThrows(TimeoutException.class, () -> ends.tx.send(message, MOMENT));
            assertThrows(TimeoutException.class, () -> ends.tx.reserve(MOMENT));
        }
        awaitFreed(references);
        assertEquals("full", ends.rx.recv());
        for (int i = 0; i < WAITERS; i++) {
            assertThrows(TimeoutException.class, () -> ends.rx.recv(MOMENT));
        }
        assertTrue(ends.tx.trySend("room").isSent());
    }

    @ParameterizedTest
    @EnumSource
    void aMessageCostsNoAllocationBeyondItsSlot(Kind kind) throws Exception {
        int messages = 200_000;
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Ends ends = Ends.of(kind, 1000);
        var message = new Object();
        long bytes = 0;
        for (int round = 0; round < 3; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < messages; i++) {
                ends.tx.send(message);
                ends.rx.recv();
            }
            bytes = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertTrue(bytes < 16L * messages, (double) bytes / messages + " bytes a message");
    }
}
