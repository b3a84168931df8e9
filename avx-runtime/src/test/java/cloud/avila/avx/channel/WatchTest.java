package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
class WatchTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Watch<Integer> watch = Watch.of(0);

    @Test
    void thereIsAlwaysAValueAndThePresentOneCountsAsSeen() throws Exception {
        var receiver = watch.subscribe();
        assertEquals(0, watch.get());
        assertEquals(0, receiver.borrow());
        assertFalse(receiver.hasChanged());
        assertInstanceOf(RecvResult.Empty.class, receiver.tryRecv());
        watch.send(1);
        assertTrue(receiver.hasChanged());
        assertEquals(1, receiver.borrow());
        assertTrue(receiver.hasChanged());
        receiver.changed();
        assertFalse(receiver.hasChanged());
        assertEquals(1, receiver.borrow());
    }

    @Test
    void onlyTheNewestValueIsReceived() throws Exception {
        var receiver = watch.subscribe();
        watch.send(1);
        watch.send(2);
        watch.send(3);
        assertEquals(3, receiver.recv());
        assertInstanceOf(RecvResult.Empty.class, receiver.tryRecv());
        watch.send(4);
        assertEquals(4, receiver.borrowAndUpdate());
        assertFalse(receiver.hasChanged());
        var into = new ArrayList<Integer>();
        watch.send(5);
        assertEquals(1, receiver.recvMany(into, 10));
        assertEquals(List.of(5), into);
    }

    @Test
    void anEqualValueIsAChangeToo() {
        var receiver = watch.subscribe();
        watch.send(0);
        assertTrue(receiver.hasChanged());
    }

    @Test
    void aValueIsModifiedFromTheOneBefore() {
        var receiver = watch.subscribe();
        assertEquals(5, watch.modify(n -> n + 5));
        assertTrue(receiver.hasChanged());
        assertEquals(5, receiver.borrowAndUpdate());
        assertFalse(watch.sendIfModified(n -> n));
        assertFalse(receiver.hasChanged());
        assertTrue(watch.sendIfModified(n -> n * 2));
        assertEquals(10, receiver.borrowAndUpdate());
        assertThrows(NullPointerException.class, () -> watch.modify(n -> nothing()));
        assertEquals(10, watch.get());
    }

    @Test
    void modificationsByManyThreadsAreAllThere() throws Exception {
        var adding = new ArrayList<Background<Boolean>>();
        for (int t = 0; t < 4; t++) {
            adding.add(
                    Background.start(
                            () -> {
                                for (int i = 0; i < 10_000; i++) {
                                    watch.modify(n -> n + 1);
                                }
                                return true;
                            }));
        }
        for (var a : adding) {
            a.join();
        }
        assertEquals(40_000, watch.get());
    }

    @Test
    void sendingWakesAllWhoWait() throws Exception {
        var waiting = new ArrayList<Background<Integer>>();
        for (int i = 0; i < 10; i++) {
            var receiver = watch.subscribe();
            waiting.add(Background.parked(receiver::recv));
        }
        watch.send(42);
        for (var w : waiting) {
            assertEquals(42, w.join());
        }
    }

    @Test
    void waitsForAConditionAndLooksAtThePresentValueFirst() throws Exception {
        var receiver = watch.subscribe();
        assertEquals(0, receiver.waitFor(n -> n == 0));
        var waiting = Background.parked(() -> receiver.waitFor(n -> n > 10));
        watch.send(5);
        Background.awaitParked(waiting.thread());
        watch.send(11);
        assertEquals(11, waiting.join());
        assertFalse(receiver.hasChanged());
        assertThrows(TimeoutException.class, () -> receiver.waitFor(n -> n > 99, SHORT));
        assertEquals(11, receiver.waitFor(n -> n > 10, Duration.ZERO));
    }

    @Test
    void waitingForAConditionEndsWithTheChannel() throws Exception {
        var receiver = watch.subscribe();
        var waiting = Background.parked(() -> receiver.waitFor(n -> n > 10));
        watch.send(5);
        watch.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertEquals(5, receiver.waitFor(n -> n == 5));
        assertThrows(ChannelClosedException.class, () -> receiver.waitFor(n -> n > 10));
        assertThrows(ChannelClosedException.class, () -> receiver.waitFor(n -> n > 10, SHORT));
    }

    @Test
    void waitingForAChangeEndsWithTimeAndInterrupts() throws Exception {
        var receiver = watch.subscribe();
        assertFalse(receiver.changed(SHORT));
        assertFalse(receiver.changed(Duration.ZERO));
        assertThrows(TimeoutException.class, () -> receiver.recv(SHORT));
        var waiting = Background.parkedStep(receiver::changed);
        waiting.interrupt();
        assertInstanceOf(InterruptedException.class, waiting.failure());
        var condition = Background.parked(() -> receiver.waitFor(n -> n > 0));
        condition.interrupt();
        assertInstanceOf(InterruptedException.class, condition.failure());
        watch.send(1);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, receiver::changed);
        assertTrue(receiver.changed(SHORT), "an interrupt loses no change");
    }

    @Test
    void aReceiverThatHasNotSeenTheLastValueGetsItBeforeTheEnd() throws Exception {
        var receiver = watch.subscribe();
        watch.send(1);
        watch.close();
        watch.close();
        assertTrue(watch.isClosed());
        assertTrue(receiver.isClosed());
        assertTrue(receiver.hasChanged());
        assertEquals(1, receiver.recv());
        assertFalse(receiver.hasChanged());
        assertThrows(ChannelClosedException.class, receiver::recv);
        assertThrows(ChannelClosedException.class, receiver::changed);
        assertThrows(ChannelClosedException.class, () -> receiver.changed(SHORT));
        assertInstanceOf(RecvResult.Closed.class, receiver.tryRecv());
        assertEquals(0, receiver.recvMany(new ArrayList<>(), 1));
        assertEquals(1, receiver.borrow());
        var late = watch.subscribe();
        assertEquals(1, late.borrow());
        assertInstanceOf(RecvResult.Closed.class, late.tryRecv());
        var e = assertThrows(ChannelClosedException.class, () -> watch.send(2));
        assertEquals(2, e.undelivered().orElseThrow());
        assertThrows(ChannelClosedException.class, () -> watch.modify(n -> n + 1));
        assertThrows(ChannelClosedException.class, () -> watch.sendIfModified(n -> n + 1));
        assertEquals(1, watch.get());
    }

    @Test
    void closingWakesAllWhoWait() throws Exception {
        var first = watch.subscribe();
        var second = watch.subscribe();
        var a = Background.parkedStep(first::changed);
        var b = Background.parked(() -> second.changed(Duration.ofHours(1)));
        watch.close();
        assertInstanceOf(ChannelClosedException.class, a.failure());
        assertInstanceOf(ChannelClosedException.class, b.failure());
    }

    @Test
    void closingAReceiverEndsThatOneOnly() throws Exception {
        var first = watch.subscribe();
        var second = watch.subscribe();
        assertEquals(2, watch.receivers());
        var waiting = Background.parkedStep(first::changed);
        first.close();
        first.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertEquals(1, watch.receivers());
        watch.send(1);
        assertFalse(first.hasChanged());
        assertInstanceOf(RecvResult.Closed.class, first.tryRecv());
        assertThrows(ChannelClosedException.class, () -> first.waitFor(n -> true));
        assertEquals(1, second.recv());
    }

    @Test
    void aSenderLearnsThatNobodyIsInterestedAnyMore() throws Exception {
        watch.awaitNoReceivers();
        var first = watch.subscribe();
        var second = first.duplicate();
        assertFalse(watch.awaitNoReceivers(SHORT));
        var waiting = Background.parkedStep(watch::awaitNoReceivers);
        var interrupted = Background.parkedStep(watch::awaitNoReceivers);
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        first.close();
        assertFalse(watch.awaitNoReceivers(Duration.ZERO));
        second.close();
        assertTrue(waiting.join());
        assertTrue(watch.awaitNoReceivers(SHORT));
    }

    @Test
    void aDuplicateHasSeenWhatItsOriginalHas() {
        var original = watch.subscribe();
        watch.send(1);
        var early = original.duplicate();
        original.borrowAndUpdate();
        var late = original.duplicate();
        assertTrue(early.hasChanged());
        assertFalse(late.hasChanged());
        late.markChanged();
        assertTrue(late.hasChanged());
        assertEquals(1, late.tryRecv().message().orElseThrow());
        assertFalse(late.hasChanged());
    }

    @Test
    void iterationAndStreamEndWithTheChannelAndWithAnInterrupt() throws Exception {
        var receiver = watch.subscribe();
        var iterating =
                Background.parked(
                        () -> {
                            assertThrows(
                                    CancellationException.class, () -> receiver.forEach(n -> {}));
                            return Thread.interrupted();
                        });
        iterating.interrupt();
        assertTrue(iterating.join());
        watch.send(7);
        watch.close();
        try (var stream = receiver.stream()) {
            assertEquals(List.of(7), stream.toList());
        }
        assertEquals(0, watch.receivers());
    }

    @Test
    void aPollTaskIsWokenByAChangeAndLeavesNothingWhenDropped() throws Exception {
        var receiver = watch.subscribe();
        var wakes = new AtomicInteger();
        var cx = Context.of(wakes::incrementAndGet);
        assertTrue(receiver.pollRecv(cx).isPending());
        assertTrue(receiver.pollRecv(cx).isPending());
        watch.send(1);
        assertEquals(1, wakes.get());
        assertEquals(Poll.ready(new RecvResult.Received<>(1)), receiver.pollRecv(cx));
        watch.send(2);
        assertEquals(1, wakes.get(), "a poll that was ready waits for nothing");
        assertEquals(2, receiver.recv());

        var future = receiver.recvFuture();
        assertTrue(future.poll(cx).isPending());
        Futures.drop(future);
        watch.send(3);
        assertEquals(1, wakes.get(), "a dropped future is not woken");
        watch.close();
        assertEquals(Poll.ready(new RecvResult.Received<>(3)), receiver.pollRecv(cx));
        assertEquals(Poll.ready(new RecvResult.Closed<>()), receiver.recvFuture().poll(cx));
    }

    @Test
    void aBlockingReceiptTakesTheTurnOfAPollThatWaited() throws Exception {
        var receiver = watch.subscribe();
        var wakes = new AtomicInteger();
        assertTrue(receiver.pollRecv(Context.of(wakes::incrementAndGet)).isPending());
        var waiting = Background.parked(receiver::recv);
        watch.send(1);
        assertEquals(1, waiting.join());
        assertEquals(0, wakes.get());
    }

    @Test
    void valuesThatWereReplacedAndReceiversThatAreClosedAreNotRetained() throws Exception {
        var objects = Watch.of(new Object());
        var value = new WeakReference<>(objects.get());
        var receiver = new WeakReference<>(subscribeWaitAndClose(objects));
        objects.send(new Object());
        for (int i = 0; i < 200 && (value.get() != null || receiver.get() != null); i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertNull(value.get());
        assertNull(receiver.get());
    }

    private static WatchReceiver<Object> subscribeWaitAndClose(Watch<Object> objects)
            throws InterruptedException {
        try (var receiver = objects.subscribe()) {
            assertFalse(receiver.changed(SHORT));
            assertSame(objects.get(), receiver.borrow());
            return receiver;
        }
    }

    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    private static Integer nothing() {
        return null;
    }
}
