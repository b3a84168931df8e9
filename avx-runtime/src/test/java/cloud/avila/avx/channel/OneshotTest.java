package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class OneshotTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Oneshot<String> oneshot = Oneshot.create();

    @Test
    void carriesAValueThatIsThere() throws Exception {
        oneshot.send("a");
        assertEquals("a", oneshot.recv());
    }

    @Test
    void carriesAValueToOneThatWaits() throws Exception {
        var receiving = Background.parked(() -> oneshot.recv());
        oneshot.send("a");
        assertEquals("a", receiving.join());
        var again = Oneshot.<String>create();
        var timed = Background.parked(() -> again.recv(Duration.ofHours(1)));
        assertEquals(SendResult.SENT, again.trySend("b"));
        assertEquals("b", timed.join());
    }

    @Test
    void carriesAnyValueButNull() throws Exception {
        var threads = Oneshot.<Object>create();
        threads.send(Thread.currentThread());
        assertSame(Thread.currentThread(), threads.recv());
        assertThrows(NullPointerException.class, () -> oneshot.send(nullValue()));
    }

    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    private static String nullValue() {
        return null;
    }

    @Test
    void isSentOnceAndReceivedOnce() throws Exception {
        oneshot.send("a");
        assertThrows(IllegalStateException.class, () -> oneshot.send("b"));
        assertThrows(IllegalStateException.class, () -> oneshot.trySend("b"));
        assertEquals("a", oneshot.recv());
        assertThrows(IllegalStateException.class, oneshot::recv);
        assertThrows(IllegalStateException.class, oneshot::tryRecv);
        assertThrows(IllegalStateException.class, () -> oneshot.send("b"));
    }

    @Test
    void tellsWhatIsThere() {
        assertInstanceOf(RecvResult.Empty.class, oneshot.tryRecv());
        assertEquals("Oneshot[empty]", oneshot.toString());
        oneshot.send("a");
        assertEquals("Oneshot[sent]", oneshot.toString());
        assertEquals("a", oneshot.tryRecv().message().orElseThrow());
        assertEquals("Oneshot[received]", oneshot.toString());
    }

    @Test
    void closingIsSeenByBothSides() {
        oneshot.close();
        assertTrue(oneshot.isClosed());
        assertEquals(SendResult.CLOSED, oneshot.trySend("a"));
        var e = assertThrows(ChannelClosedException.class, () -> oneshot.send("a"));
        assertEquals("a", e.undelivered().orElseThrow());
        assertThrows(ChannelClosedException.class, oneshot::recv);
        assertInstanceOf(RecvResult.Closed.class, oneshot.tryRecv());
        assertEquals("Oneshot[closed]", oneshot.toString());
    }

    @Test
    void closingWakesTheReceiver() throws Exception {
        var receiving = Background.parked(() -> oneshot.recv());
        oneshot.close();
        assertInstanceOf(ChannelClosedException.class, receiving.failure());
    }

    @Test
    void closingAfterSendingLosesNothing() throws Exception {
        oneshot.send("a");
        oneshot.close();
        assertFalse(oneshot.isClosed());
        assertEquals("a", oneshot.recv());
        oneshot.close();
        assertFalse(oneshot.isClosed());
    }

    @Test
    void timeoutsAndInterruptsLoseNothing() throws Exception {
        assertThrows(TimeoutException.class, () -> oneshot.recv(SHORT));
        assertThrows(TimeoutException.class, () -> oneshot.recv(Duration.ZERO));
        var receiving = Background.parked(() -> oneshot.recv());
        receiving.interrupt();
        assertInstanceOf(InterruptedException.class, receiving.failure());
        oneshot.send("a");
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, oneshot::recv);
        assertEquals("a", oneshot.recv());
    }

    @Test
    void hasOneReceiver() throws Exception {
        var receiving = Background.parked(() -> oneshot.recv());
        assertThrows(IllegalStateException.class, oneshot::recv);
        oneshot.send("a");
        assertEquals("a", receiving.join());
    }

    @Test
    void aSenderLearnsThatNobodyWantsTheValue() throws Exception {
        assertFalse(oneshot.awaitClosed(SHORT));
        var working = Background.parked(() -> oneshot.awaitClosed());
        assertThrows(IllegalStateException.class, oneshot::awaitClosed);
        oneshot.close();
        assertTrue(working.join());
        assertTrue(oneshot.awaitClosed());
    }

    @Test
    void waitingForTheEndEndsWhenTheValueWasSentOrWithAnInterrupt() throws Exception {
        var working = Background.parked(() -> oneshot.awaitClosed(Duration.ofHours(1)));
        var receiving = Background.parked(() -> oneshot.recv());
        oneshot.send("a");
        assertFalse(working.join());
        assertEquals("a", receiving.join());
        assertFalse(oneshot.awaitClosed());
        var other = Oneshot.<String>create();
        var interrupted = Background.parked(() -> other.awaitClosed());
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        assertFalse(other.awaitClosed(Duration.ZERO));
    }

    @Test
    void aPollTaskIsWokenByTheValueAndByTheEnd() throws Exception {
        var wakes = new AtomicInteger();
        var cx = Context.of(wakes::incrementAndGet);
        assertTrue(oneshot.pollRecv(cx).isPending());
        assertTrue(oneshot.pollRecv(cx).isPending());
        oneshot.send("a");
        assertEquals(1, wakes.get());
        assertEquals(Poll.ready(new RecvResult.Received<>("a")), oneshot.pollRecv(cx));

        var closed = Oneshot.<String>create();
        var future = closed.recvFuture();
        assertTrue(future.poll(cx).isPending());
        closed.close();
        assertEquals(2, wakes.get());
        assertEquals(Poll.ready(new RecvResult.Closed<>()), future.poll(cx));
    }

    @Test
    void aDroppedFutureLeavesTheValueAndTheReceiversPlace() throws Exception {
        var wakes = new AtomicInteger();
        var cx = Context.of(wakes::incrementAndGet);
        var future = oneshot.recvFuture();
        assertTrue(future.poll(cx).isPending());
        Futures.drop(future);
        var again = oneshot.recvFuture();
        assertTrue(again.poll(cx).isPending());
        var receiving = Background.parked(() -> oneshot.recv());
        oneshot.send("a");
        assertEquals("a", receiving.join());
        assertEquals(0, wakes.get());
    }
}
