package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.task.Budget;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class BroadcastTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Broadcast<Integer> channel = Broadcast.create(4);

    @Test
    void everyReceiverGetsEverythingFromItsSubscriptionOn() throws Exception {
        assertEquals(0, channel.send(-1));
        var first = channel.subscribe();
        assertEquals(1, channel.send(0));
        var second = channel.subscribe();
        assertEquals(2, channel.send(1));
        assertEquals(2, channel.send(2));
        assertEquals(0, first.recv());
        assertEquals(1, first.recv());
        assertEquals(2, first.recv());
        assertEquals(1, second.recv());
        assertEquals(2, second.recv(SHORT));
        assertInstanceOf(RecvResult.Empty.class, first.tryRecv());
        assertEquals(3, channel.sent());
    }

    @Test
    void capacityIsAPowerOfTwoAndChecked() {
        assertEquals(4, channel.capacity());
        assertEquals(8, Broadcast.create(5).capacity());
        assertEquals(1, Broadcast.create(1).capacity());
        assertEquals(1024, Broadcast.create().capacity());
        assertThrows(IllegalArgumentException.class, () -> Broadcast.create(0));
        assertThrows(IllegalArgumentException.class, () -> Broadcast.create(Integer.MAX_VALUE));
    }

    @Test
    void aSlowReceiverIsToldOnceHowManyItMissed() throws Exception {
        var slow = channel.subscribe();
        for (int i = 0; i < 11; i++) {
            channel.send(i);
        }
        assertEquals(7, assertThrows(LaggedException.class, slow::recv).missed());
        for (int i = 7; i < 11; i++) {
            assertEquals(i, slow.recv());
        }
        assertThrows(TimeoutException.class, () -> slow.recv(SHORT));
        for (int i = 0; i < 5; i++) {
            channel.send(i);
        }
        assertEquals(1, assertThrows(LaggedException.class, slow::tryRecv).missed());
        assertEquals(1, slow.recv());
    }

    @Test
    void aReceiverThatIsExactlyFullMissesNothing() throws Exception {
        var receiver = channel.subscribe();
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 4; i++) {
                channel.send(i);
            }
            for (int i = 0; i < 4; i++) {
                assertEquals(i, receiver.recv());
            }
        }
    }

    @Test
    void sendingWakesAllWhoWait() throws Exception {
        var waiting = new ArrayList<Background<Integer>>();
        for (int i = 0; i < 10; i++) {
            var receiver = channel.subscribe();
            waiting.add(Background.parked(() -> receiver.recv()));
        }
        channel.send(42);
        for (var b : waiting) {
            assertEquals(42, b.join());
        }
    }

    @Test
    void closingIsSeenAfterTheRest() throws Exception {
        var receiver = channel.subscribe();
        channel.send(1);
        channel.send(2);
        channel.close();
        channel.close();
        assertTrue(channel.isClosed());
        assertTrue(receiver.isClosed());
        var e = assertThrows(ChannelClosedException.class, () -> channel.send(3));
        assertEquals(3, e.undelivered().orElseThrow());
        assertThrows(ChannelClosedException.class, channel::subscribe);
        assertEquals(1, channel.subscribers());
        var seen = new ArrayList<Integer>();
        receiver.forEach(seen::add);
        assertEquals(List.of(1, 2), seen);
        assertThrows(ChannelClosedException.class, receiver::recv);
        assertInstanceOf(RecvResult.Closed.class, receiver.tryRecv());
        assertEquals(0, receiver.recvMany(seen, 1));
    }

    @Test
    void closingWakesAllWhoWait() throws Exception {
        var first = channel.subscribe();
        var second = channel.subscribe();
        var waiting = Background.parked(() -> first.recv());
        var timed = Background.parked(() -> second.recv(Duration.ofHours(1)));
        channel.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertInstanceOf(ChannelClosedException.class, timed.failure());
    }

    @Test
    void closingAReceiverEndsThatSubscriptionOnly() throws Exception {
        var first = channel.subscribe();
        var second = channel.subscribe();
        var waiting = Background.parked(() -> first.recv());
        first.close();
        first.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertEquals(1, channel.subscribers());
        assertEquals(1, channel.send(1));
        assertTrue(first.isClosed());
        assertInstanceOf(RecvResult.Closed.class, first.tryRecv());
        assertEquals(1, second.recv());
        assertFalse(channel.isClosed());
    }

    @Test
    void timeoutsAndInterruptsLoseNothing() throws Exception {
        var receiver = channel.subscribe();
        assertThrows(TimeoutException.class, () -> receiver.recv(SHORT));
        assertThrows(TimeoutException.class, () -> receiver.recv(Duration.ZERO));
        var waiting = Background.parked(() -> receiver.recv());
        waiting.interrupt();
        assertInstanceOf(InterruptedException.class, waiting.failure());
        channel.send(1);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, receiver::recv);
        assertEquals(1, receiver.recv());
    }

    @Test
    void recvManyTakesWhatIsThereAndStopsBeforeALag() throws Exception {
        var receiver = channel.subscribe();
        var into = new ArrayList<Integer>();
        channel.send(1);
        channel.send(2);
        channel.send(3);
        assertEquals(2, receiver.recvMany(into, 2));
        assertEquals(1, receiver.recvMany(into, 2));
        assertEquals(List.of(1, 2, 3), into);
        for (int i = 0; i < 5; i++) {
            channel.send(i);
        }
        assertThrows(LaggedException.class, () -> receiver.recvMany(into, 9));
        assertEquals(3, into.size());
        assertEquals(4, receiver.recvMany(into, 9));
        assertThrows(IllegalArgumentException.class, () -> receiver.recvMany(into, 0));
    }

    @Test
    void anInterruptEndsTheIteration() throws Exception {
        var receiver = channel.subscribe();
        var iterating =
                Background.parked(
                        () -> {
                            assertThrows(
                                    CancellationException.class, () -> receiver.forEach(m -> {}));
                            return Thread.interrupted();
                        });
        iterating.interrupt();
        assertTrue(iterating.join());
    }

    @Test
    void twoThreadsThatReceiveAreToldSo() throws Exception {
        var receiver = channel.subscribe();
        var waiting = Background.parked(() -> receiver.recv());
        assertThrows(IllegalStateException.class, receiver::recv);
        channel.send(1);
        assertEquals(1, waiting.join());
    }

    @Test
    void whatWasOverwrittenAndWhoUnsubscribedIsNotRetained() throws Exception {
        var strings = Broadcast.<Object>create(2);
        var receiver = strings.subscribe();
        var message = new WeakReference<>(sendNew(strings));
        var gone = new WeakReference<>(subscribeWaitAndClose(strings));
        strings.send(1);
        strings.send(2);
        for (int i = 0; i < 200 && (message.get() != null || gone.get() != null); i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertNull(message.get());
        assertNull(gone.get());
        assertEquals(1, assertThrows(LaggedException.class, receiver::recv).missed());
    }

    private static Object sendNew(Broadcast<Object> strings) {
        var message = new Object();
        strings.send(message);
        return message;
    }

    private static Receiver<Object> subscribeWaitAndClose(Broadcast<Object> strings)
            throws InterruptedException {
        try (var receiver = strings.subscribe()) {
            assertThrows(TimeoutException.class, () -> receiver.recv(SHORT));
            return receiver;
        }
    }

    @Test
    void aMessageIsFreedWhenTheLastReceiverHasPassedIt() throws Exception {
        var objects = Broadcast.<Object>create(8);
        var fast = objects.subscribe();
        var slow = objects.subscribe();
        var message = new WeakReference<>(sendNew(objects));
        fast.recv();
        System.gc();
        assertFalse(message.refersTo(null), "one receiver has not passed it");
        slow.recv();
        assertFreed(message);
        var closed = new WeakReference<>(sendNew(objects));
        var alsoClosed = new WeakReference<>(sendNew(objects));
        fast.recv();
        fast.recv();
        slow.close();
        assertFreed(closed);
        assertFreed(alsoClosed);
        assertEquals(1, objects.subscribers());
    }

    private static void assertFreed(WeakReference<Object> message) throws InterruptedException {
        for (int i = 0; i < 200 && !message.refersTo(null); i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertTrue(message.refersTo(null));
    }

    @Test
    void subscribingAgainStartsWithWhatIsSentFromThenOn() throws Exception {
        var behind = channel.subscribe();
        for (int i = 0; i < 9; i++) {
            channel.send(i);
        }
        assertEquals(9, behind.unread());
        var fresh = behind.resubscribe();
        assertEquals(0, fresh.unread());
        channel.send(9);
        assertEquals(9, fresh.recv());
        assertEquals(6, assertThrows(LaggedException.class, behind::recv).missed());
        assertEquals(4, behind.unread());
        behind.close();
        assertEquals(0, behind.unread());
        assertEquals(1, channel.subscribers());
        channel.close();
        assertThrows(ChannelClosedException.class, fresh::resubscribe);
    }

    @Test
    void aPollTaskIsWokenByAMessageAndLeavesNothingWhenDropped() throws Exception {
        var receiver = channel.subscribe();
        var wakes = new AtomicInteger();
        var cx = Context.of(wakes::incrementAndGet);
        assertTrue(receiver.pollRecv(cx).isPending());
        channel.send(1);
        assertEquals(1, wakes.get());
        assertEquals(Poll.ready(new RecvResult.Received<>(1)), receiver.pollRecv(cx));
        var future = receiver.recvFuture();
        assertTrue(future.poll(cx).isPending());
        Futures.drop(future);
        assertTrue(channel.isUnwatched());
        for (int i = 0; i < 5; i++) {
            channel.send(i);
        }
        assertEquals(1, wakes.get());
        assertThrows(LaggedException.class, () -> receiver.pollRecv(cx));
        assertEquals(Poll.ready(new RecvResult.Received<>(1)), receiver.pollRecv(cx));
        assertEquals(Poll.ready(new RecvResult.Received<>(2)), receiver.recvFuture().poll(cx));
        receiver.close();
        assertEquals(Poll.ready(new RecvResult.Closed<>()), receiver.pollRecv(cx));
    }

    @Test
    void aPollTaskGivesWayWhenItsBudgetIsUsedUp() {
        var receiver = channel.subscribe();
        var wakes = new AtomicInteger();
        var cx = Context.of(wakes::incrementAndGet);
        for (int i = 0; i < Budget.OPERATIONS_PER_POLL; i++) {
            channel.send(i);
            assertTrue(receiver.pollRecv(cx).isReady());
        }
        channel.send(0);
        assertTrue(receiver.pollRecv(cx).isPending());
        assertEquals(1, wakes.get());
        assertEquals(1, receiver.unread());
    }

    @Test
    void waitersThatGaveUpLeaveNothing() throws Exception {
        var receiver = channel.subscribe();
        for (int i = 0; i < 1000; i++) {
            assertThrows(TimeoutException.class, () -> receiver.recv(Duration.ZERO));
        }
        assertTrue(channel.isUnwatched());
    }
}
