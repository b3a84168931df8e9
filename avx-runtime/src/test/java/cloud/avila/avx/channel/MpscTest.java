package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

@Timeout(60)
class MpscTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Mpsc<Integer> bounded = Mpsc.bounded(2);
    private final Sender<Integer> tx = bounded.sender();
    private final Receiver<Integer> rx = bounded.receiver();

    @Test
    void messagesComeOutInTheOrderOfSending() throws Exception {
        var channel = Mpsc.<Integer>unbounded();
        try (var sender = channel.sender()) {
            for (int i = 0; i < 5000; i++) {
                sender.send(i);
            }
        }
        assertEquals(5000, channel.length());
        int expected = 0;
        for (int i : channel.receiver()) {
            assertEquals(expected++, i);
        }
        assertEquals(5000, expected);
        assertEquals(0, channel.length());
    }

    @Test
    void aBoundedChannelTakesExactlyItsCapacity() throws Exception {
        for (int capacity : new int[] {1, 2, 3, 7, 16, 17, 1000}) {
            var channel = Mpsc.<Integer>bounded(capacity);
            var sender = channel.sender();
            var receiver = channel.receiver();
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < capacity; i++) {
                    assertEquals(SendResult.SENT, sender.trySend(i));
                }
                assertEquals(SendResult.FULL, sender.trySend(-1));
                assertEquals(capacity, channel.length());
                assertEquals(0, receiver.recv());
                assertEquals(SendResult.SENT, sender.trySend(capacity));
                assertEquals(SendResult.FULL, sender.trySend(-1));
                for (int i = 1; i <= capacity; i++) {
                    assertEquals(i, receiver.recv());
                }
            }
        }
    }

    @Test
    void capacityIsChecked() {
        assertThrows(IllegalArgumentException.class, () -> Mpsc.bounded(0));
        assertThrows(IllegalArgumentException.class, () -> Mpsc.bounded((1 << 30) + 1));
        assertEquals(2, bounded.capacity());
        assertEquals(Integer.MAX_VALUE, Mpsc.unbounded().capacity());
        assertEquals(1 << 30, Mpsc.bounded(1 << 30).capacity());
    }

    @Test
    void nullIsNoMessage() {
        assertThrows(NullPointerException.class, () -> tx.send(nullMessage()));
        assertThrows(NullPointerException.class, () -> tx.send(nullMessage(), SHORT));
        assertThrows(NullPointerException.class, () -> tx.trySend(nullMessage()));
    }

    @SuppressWarnings({"NullAway", "DataFlowIssue"})
    private static Integer nullMessage() {
        return null;
    }

    @Test
    void aFullChannelHoldsUpItsSenderUntilOneMessageIsTaken() throws Exception {
        tx.send(1);
        tx.send(2);
        var sending = Background.parkedStep(() -> tx.send(3));
        assertEquals(2, bounded.length());
        assertEquals(1, rx.recv());
        sending.join();
        assertEquals(2, rx.recv());
        assertEquals(3, rx.recv());
    }

    @Test
    void sendersThatWaitAreServedInOrderAndNotOvertaken() throws Exception {
        tx.send(1);
        tx.send(2);
        var third = Background.parkedStep(() -> tx.send(3));
        var fourth = Background.parkedStep(() -> tx.send(4));
        assertEquals(SendResult.FULL, tx.trySend(5));
        for (int i = 1; i <= 4; i++) {
            assertEquals(i, rx.recv());
        }
        third.join();
        fourth.join();
    }

    @Test
    void anEmptyChannelHoldsUpItsReceiver() throws Exception {
        var receiving = Background.parked(rx::recv);
        tx.send(7);
        assertEquals(7, receiving.join());
    }

    @Test
    void timeoutsEndWaitsAndLoseNothing() throws Exception {
        assertThrows(TimeoutException.class, () -> rx.recv(SHORT));
        assertThrows(TimeoutException.class, () -> rx.recv(Duration.ZERO));
        assertThrows(TimeoutException.class, () -> rx.recv(Duration.ofSeconds(-1)));
        tx.send(1, SHORT);
        tx.send(2, Duration.ZERO);
        assertThrows(TimeoutException.class, () -> tx.send(3, SHORT));
        assertThrows(TimeoutException.class, () -> tx.send(3, Duration.ZERO));
        assertEquals(1, rx.recv(Duration.ZERO));
        assertEquals(2, rx.recv(Duration.ofSeconds(Long.MAX_VALUE)));
        assertInstanceOf(RecvResult.Empty.class, rx.tryRecv());
    }

    @Test
    void interruptsEndWaitsAndLoseNothing() throws Exception {
        var receiving = Background.parked(rx::recv);
        receiving.interrupt();
        assertInstanceOf(InterruptedException.class, receiving.failure());
        tx.send(1);
        tx.send(2);
        var sending = Background.parkedStep(() -> tx.send(3));
        sending.interrupt();
        assertInstanceOf(InterruptedException.class, sending.failure());
        assertEquals(1, rx.recv());
        assertEquals(2, rx.recv());
        assertInstanceOf(RecvResult.Empty.class, rx.tryRecv());
    }

    @Test
    void anInterruptThatCameBeforeIsSeen() throws Exception {
        tx.send(1);
        for (Background.Call<?> call :
                List.<Background.Call<?>>of(
                        rx::recv,
                        () -> rx.recv(SHORT),
                        () -> rx.recvMany(new ArrayList<>(), 1),
                        () -> {
                            tx.send(2);
                            return 0;
                        },
                        () -> {
                            tx.send(2, SHORT);
                            return 0;
                        })) {
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, call::run);
            assertFalse(Thread.currentThread().isInterrupted());
        }
        assertEquals(1, bounded.length());
    }

    @Test
    void theReceiverSeesTheEndWhenAllSendersAreClosedAndAllIsReceived() throws Exception {
        var second = tx.duplicate();
        var third = bounded.sender();
        tx.send(1);
        tx.close();
        tx.close();
        second.close();
        assertFalse(bounded.isClosed());
        third.send(2);
        third.close();
        assertTrue(bounded.isClosed());
        assertTrue(rx.isClosed());
        assertEquals(1, rx.recv());
        assertEquals(new RecvResult.Received<>(2), rx.tryRecv());
        assertInstanceOf(RecvResult.Closed.class, rx.tryRecv());
        assertThrows(ChannelClosedException.class, rx::recv);
        assertThrows(ChannelClosedException.class, () -> rx.recv(SHORT));
        assertEquals(0, rx.recvMany(new ArrayList<>(), 10));
        assertFalse(rx.iterator().hasNext());
        assertThrows(NoSuchElementException.class, () -> rx.iterator().next());
        assertThrows(ChannelClosedException.class, bounded::sender);
    }

    @Test
    void theLastSenderThatClosesWakesTheReceiver() throws Exception {
        var receiving = Background.parked(rx::recv);
        tx.close();
        assertInstanceOf(ChannelClosedException.class, receiving.failure());
    }

    @Test
    void aSenderThatWasClosedSendsNothing() {
        var other = bounded.sender();
        tx.close();
        assertTrue(tx.isClosed());
        assertFalse(other.isClosed());
        assertEquals(SendResult.CLOSED, tx.trySend(1));
        var e = assertThrows(ChannelClosedException.class, () -> tx.send(1));
        assertEquals(1, e.undelivered().orElseThrow());
        assertThrows(ChannelClosedException.class, () -> tx.send(1, SHORT));
        assertThrows(ChannelClosedException.class, tx::duplicate);
    }

    @Test
    void aReceiverThatClosesGivesSendersTheirMessageBack() throws Exception {
        tx.send(1);
        tx.send(2);
        Integer third = 1_000_003;
        var sending = Background.parkedStep(() -> tx.send(third));
        var timed = Background.parkedStep(() -> tx.send(4, Duration.ofMinutes(1)));
        rx.close();
        rx.close();
        var e = assertInstanceOf(ChannelClosedException.class, sending.failure());
        assertSame(third, e.undelivered().orElseThrow());
        assertInstanceOf(ChannelClosedException.class, timed.failure());
        assertEquals(SendResult.CLOSED, tx.trySend(5));
        assertTrue(tx.isClosed());
        assertEquals(1, rx.recv());
        assertEquals(2, rx.recv());
        assertThrows(ChannelClosedException.class, rx::recv);
        tx.close();
    }

    @Test
    void closingFromAnotherThreadWakesTheReceiver() throws Exception {
        var receiving = Background.parked(rx::recv);
        rx.close();
        assertInstanceOf(ChannelClosedException.class, receiving.failure());
    }

    @Test
    void anUnboundedChannelThatIsClosedKeepsNothingThatIsSentLater() throws Exception {
        var channel = Mpsc.<Integer>unbounded();
        var sender = channel.sender();
        var receiver = channel.receiver();
        sender.send(1);
        receiver.close();
        assertThrows(ChannelClosedException.class, () -> sender.send(2));
        assertEquals(SendResult.CLOSED, sender.trySend(2));
        assertEquals(1, channel.length());
        assertEquals(1, receiver.recv());
        assertThrows(ChannelClosedException.class, receiver::recv);
    }

    @Test
    void thereIsOneReceiver() {
        var e = assertThrows(IllegalStateException.class, bounded::receiver);
        assertTrue(e.toString().contains("exactly one"), e.toString());
    }

    @Test
    void twoThreadsThatReceiveAreToldSo() throws Exception {
        var receiving = Background.parked(rx::recv);
        var e = assertThrows(IllegalStateException.class, rx::recv);
        assertTrue(e.toString().contains(receiving.thread().getName()), e.toString());
        tx.send(1);
        assertEquals(1, receiving.join());
    }

    @Test
    void recvManyTakesWhatIsThereUpToTheMaximum() throws Exception {
        var channel = Mpsc.<Integer>bounded(10);
        var sender = channel.sender();
        var receiver = channel.receiver();
        for (int i = 0; i < 10; i++) {
            sender.send(i);
        }
        var into = new ArrayList<Number>();
        assertEquals(4, receiver.recvMany(into, 4));
        assertEquals(6, receiver.recvMany(into, 100));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), into);
        assertThrows(IllegalArgumentException.class, () -> receiver.recvMany(into, 0));
        var receiving = Background.parked(() -> receiver.recvMany(into, 100));
        sender.send(10);
        assertEquals(1, receiving.join());
    }

    @Test
    void recvManyLosesNoMessageWhenTheCollectionRefusesIt() throws Exception {
        tx.send(1);
        tx.send(2);
        var one = new ArrayList<Integer>();
        Collection<Integer> full =
                new AbstractCollection<>() {
                    @Override
                    public boolean add(Integer i) {
                        if (!one.isEmpty()) {
                            throw new IllegalStateException("full");
                        }
                        return one.add(i);
                    }

                    @Override
                    public Iterator<Integer> iterator() {
                        return one.iterator();
                    }

                    @Override
                    public int size() {
                        return one.size();
                    }
                };
        assertThrows(IllegalStateException.class, () -> rx.recvMany(full, 10));
        assertEquals(List.of(1), one);
        assertEquals(2, rx.recv());
    }

    @Test
    void anInterruptEndsTheIterationAndLosesNothing() throws Exception {
        var iterating =
                Background.parked(
                        () -> {
                            var seen = new ArrayList<Integer>();
                            try {
                                rx.forEach(seen::add);
                            } catch (CancellationException e) {
                                seen.add(Thread.interrupted() ? -1 : -2);
                            }
                            return seen;
                        });
        tx.send(1);
        Background.awaitParked(iterating.thread());
        iterating.interrupt();
        assertEquals(List.of(1, -1), iterating.join());
    }

    @Test
    void hasNextTakesNoMessage() throws Exception {
        tx.send(1);
        assertTrue(rx.iterator().hasNext());
        assertTrue(rx.iterator().hasNext());
        assertEquals(1, rx.recv());
    }
}
