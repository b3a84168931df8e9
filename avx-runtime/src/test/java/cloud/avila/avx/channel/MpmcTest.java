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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

@Timeout(60)
class MpmcTest {
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofMinutes(1);

    private final Mpmc<Integer> bounded = Mpmc.bounded(2);
    private final Sender<Integer> tx = bounded.sender();
    private final SharedReceiver<Integer> rx = bounded.receiver();

    private final Mpmc<Integer> meeting = Mpmc.rendezvous();
    private final Sender<Integer> giver = meeting.sender();
    private final SharedReceiver<Integer> taker = meeting.receiver();

    @Test
    void aBoundedChannelTakesExactlyItsCapacity() throws Exception {
        for (int capacity : new int[] {1, 2, 3, 7, 16, 17, 1000}) {
            var channel = Mpmc.<Integer>bounded(capacity);
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
                    assertEquals(i, receiver.duplicate().recv());
                }
                assertInstanceOf(RecvResult.Empty.class, receiver.tryRecv());
            }
        }
    }

    @Test
    void capacitiesAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> Mpmc.bounded(0));
        assertThrows(IllegalArgumentException.class, () -> Mpmc.bounded((1 << 30) + 1));
        assertThrows(IllegalArgumentException.class, () -> Mpmc.droppingNewest(0));
        assertThrows(IllegalArgumentException.class, () -> Mpmc.droppingOldest(0));
        assertEquals(2, bounded.capacity());
        assertEquals(0, meeting.capacity());
        assertEquals(1, Mpmc.conflating().capacity());
        assertEquals(5, Mpmc.droppingOldest(5).capacity());
        assertEquals("Mpmc[length=0, capacity=0]", meeting.toString());
    }

    @Test
    void everyMessageGoesToOneOfThoseWhoWait() throws Exception {
        var first = Background.parked(rx::recv);
        var second = Background.parked(() -> rx.recv(LONG));
        tx.send(1);
        tx.send(2);
        assertEquals(1, first.join());
        assertEquals(2, second.join());
    }

    @Test
    void aFullChannelHoldsUpItsSendersInOrder() throws Exception {
        tx.send(1);
        tx.send(2);
        var third = Background.parkedStep(() -> tx.send(3));
        var fourth = Background.parkedStep(() -> tx.send(4, LONG));
        assertEquals(SendResult.FULL, tx.trySend(-1));
        for (int i = 1; i <= 4; i++) {
            assertEquals(i, rx.recv());
        }
        third.join();
        fourth.join();
    }

    @Test
    void timeoutsAndInterruptsEndWaitsAndLoseNothing() throws Exception {
        for (var receiver : List.of(rx, taker)) {
            assertThrows(TimeoutException.class, () -> receiver.recv(SHORT));
            assertThrows(TimeoutException.class, () -> receiver.recv(Duration.ZERO));
            var receiving = Background.parked(receiver::recv);
            receiving.interrupt();
            assertInstanceOf(InterruptedException.class, receiving.failure());
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, receiver::recv);
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> receiver.recv(SHORT));
            Thread.currentThread().interrupt();
            assertThrows(InterruptedException.class, () -> receiver.recvMany(new ArrayList<>(), 1));
            assertInstanceOf(RecvResult.Empty.class, receiver.tryRecv());
        }
        tx.send(1);
        tx.send(2);
        for (var sender : List.of(tx, giver)) {
            assertThrows(TimeoutException.class, () -> sender.send(3, SHORT));
            assertThrows(TimeoutException.class, () -> sender.send(3, Duration.ZERO));
            var sending = Background.parkedStep(() -> sender.send(3));
            sending.interrupt();
            assertInstanceOf(InterruptedException.class, sending.failure());
            assertEquals(SendResult.FULL, sender.trySend(3));
        }
        assertEquals(1, rx.recv());
        assertEquals(2, rx.recv());
        assertInstanceOf(RecvResult.Empty.class, rx.tryRecv());
        assertInstanceOf(RecvResult.Empty.class, taker.tryRecv());
    }

    @Test
    void receiversSeeTheEndWhenAllSendersAreClosedAndAllIsReceived() throws Exception {
        var waiting = Background.parked(() -> meeting.receiver().recv());
        var polling = Background.parked(() -> taker.recvMany(new ArrayList<>(), 3));
        giver.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertEquals(0, polling.join());

        tx.send(1);
        tx.close();
        assertTrue(bounded.isClosed());
        assertEquals(1, bounded.receiver().recv());
        assertInstanceOf(RecvResult.Closed.class, rx.tryRecv());
        assertThrows(ChannelClosedException.class, rx::recv);
        assertThrows(ChannelClosedException.class, () -> rx.recv(SHORT));
        assertEquals(0, rx.recvMany(new ArrayList<>(), 1));
        assertFalse(rx.iterator().hasNext());
        assertThrows(NoSuchElementException.class, () -> rx.iterator().next());
    }

    @Test
    void theLastReceiverThatClosesGivesSendersTheirMessageBack() throws Exception {
        SharedReceiver<Integer> second = rx.duplicate();
        tx.send(1);
        tx.send(2);
        Integer third = 1_000_003;
        var sending = Background.parkedStep(() -> tx.send(third));
        var giving = Background.parkedStep(() -> giver.send(third));
        rx.close();
        rx.close();
        assertTrue(rx.isClosed());
        assertFalse(bounded.isClosed());
        assertThrows(ChannelClosedException.class, rx::recv);
        assertThrows(ChannelClosedException.class, rx::duplicate);
        assertInstanceOf(RecvResult.Closed.class, rx.tryRecv());
        second.close();
        taker.close();
        for (var s : List.of(sending, giving)) {
            var e = assertInstanceOf(ChannelClosedException.class, s.failure());
            assertSame(third, e.undelivered().orElseThrow());
        }
        assertThrows(ChannelClosedException.class, bounded::receiver);
        assertEquals(SendResult.CLOSED, tx.trySend(4));
        assertEquals(SendResult.CLOSED, giver.trySend(4));
        assertEquals(1, second.recv());
        assertEquals(2, rx.recv());
        assertThrows(ChannelClosedException.class, rx::recv);
        assertThrows(ChannelClosedException.class, taker::recv);
    }

    @Test
    void recvManyAndTheIteratorTakeWhatIsThere() throws Exception {
        var channel = Mpmc.<Integer>bounded(10);
        var sender = channel.sender();
        var receiver = channel.receiver();
        for (int i = 0; i < 10; i++) {
            sender.send(i);
        }
        sender.close();
        var into = new ArrayList<Number>();
        assertEquals(4, receiver.recvMany(into, 4));
        var all = receiver.iterator();
        assertTrue(all.hasNext());
        assertTrue(all.hasNext());
        into.add(all.next());
        assertEquals(5, receiver.recvMany(into, 100));
        assertEquals(List.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), into);
        assertThrows(IllegalArgumentException.class, () -> receiver.recvMany(into, 0));
    }

    @Test
    void anInterruptEndsTheIteration() throws Exception {
        var iterating =
                Background.parked(
                        () -> {
                            try {
                                return rx.iterator().hasNext();
                            } catch (CancellationException e) {
                                return Thread.interrupted();
                            }
                        });
        iterating.interrupt();
        assertTrue(iterating.join());
    }

    @Test
    void placesCanBeReserved() throws Exception {
        try (var permit = tx.reserveMany(2)) {
            assertEquals(SendResult.FULL, tx.trySend(-1));
            permit.send(1);
        }
        assertEquals(SendResult.SENT, tx.trySend(2));
        assertEquals(1, rx.recv());
        assertEquals(2, rx.recv());
        assertThrows(UnsupportedOperationException.class, giver::reserve);
        assertThrows(UnsupportedOperationException.class, giver::tryReserve);
    }

    @Test
    void aRendezvousTakesAMessageOnlyFromHandToHand() throws Exception {
        assertEquals(SendResult.FULL, giver.trySend(1));
        assertInstanceOf(RecvResult.Empty.class, taker.tryRecv());
        var giving = Background.parkedStep(() -> giver.send(1));
        assertEquals(0, meeting.length());
        assertEquals(1, taker.recv());
        giving.join();
        var second = Background.parkedStep(() -> giver.send(2, LONG));
        assertEquals(new RecvResult.Received<>(2), taker.tryRecv());
        second.join();
        var taking = Background.parked(() -> taker.recv(LONG));
        var alsoTaking = Background.parked(taker::recv);
        assertEquals(SendResult.SENT, giver.trySend(3));
        assertEquals(SendResult.SENT, giver.trySend(4));
        assertEquals(SendResult.FULL, giver.trySend(5));
        assertEquals(Set.of(3, 4), Set.of(taking.join(), alsoTaking.join()));
        var third = Background.parkedStep(() -> giver.send(6));
        var fourth = Background.parkedStep(() -> giver.send(7));
        var got = new ArrayList<Integer>();
        assertEquals(2, taker.recvMany(got, 10));
        assertEquals(List.of(6, 7), got);
        third.join();
        fourth.join();
    }

    @Test
    void theOldestMakeRoomAndAreCounted() throws Exception {
        var channel = Mpmc.<Integer>droppingOldest(3);
        var sender = channel.sender();
        var receiver = channel.receiver();
        for (int i = 0; i < 100; i++) {
            sender.send(i);
        }
        assertEquals(3, channel.length());
        assertEquals(97, channel.dropped());
        var got = new ArrayList<Integer>();
        assertEquals(3, receiver.recvMany(got, 10));
        assertEquals(List.of(97, 98, 99), got);
        try (var permit = sender.reserve()) {
            for (int i = 0; i < 4; i++) {
                sender.trySend(i);
            }
            permit.send(4);
        }
        receiver.recvMany(got, 10);
        assertEquals(List.of(97, 98, 99, 2, 3, 4), got);

        var latest = Mpmc.<Integer>conflating();
        var last = latest.sender();
        last.send(1);
        last.send(2);
        assertEquals(2, latest.receiver().recv());
        var waiting = Background.parked(() -> latest.receiver().recv());
        last.send(3);
        assertEquals(3, waiting.join());
        assertEquals(1, latest.dropped());
    }

    @Test
    void theNewestIsDroppedAndCounted() throws Exception {
        var channel = Mpmc.<Integer>droppingNewest(2);
        var sender = channel.sender();
        for (int i = 0; i < 5; i++) {
            sender.send(i);
        }
        sender.send(5, LONG);
        assertEquals(SendResult.FULL, sender.trySend(6));
        assertEquals(4, channel.dropped());
        var got = new HashSet<Integer>();
        channel.receiver().recvMany(got, 10);
        assertEquals(Set.of(0, 1), got);
    }

    @Test
    void whatSelectsAreToldOfIsPassedOnWhenTheyLeave() throws Exception {
        var told = new SelectWaiter(() -> {});
        ((Selectable) rx).register(told);
        var receiving = Background.parked(rx::recv);
        tx.send(1);
        assertTrue(told.isTold());
        assertFalse(bounded.length() == 0, "kept for the one that was told");
        ((Selectable) rx).deregister(told);
        assertEquals(1, receiving.join());

        tx.send(1);
        tx.send(2);
        var toldOfRoom = new SelectWaiter(() -> {});
        ((Selectable) tx).register(toldOfRoom);
        var sending = Background.parkedStep(() -> tx.send(3));
        assertEquals(1, rx.recv());
        assertTrue(toldOfRoom.isTold());
        ((Selectable) tx).deregister(toldOfRoom);
        sending.join();

        var next = new SelectWaiter(() -> {});
        ((Selectable) tx).register(next);
        var behind = Background.parkedStep(() -> tx.send(5));
        assertEquals(2, rx.recv());
        assertTrue(next.isTold());
        assertEquals(SendResult.SENT, tx.trySend(4), "into the place that was set apart");
        ((Selectable) tx).deregister(next);
        assertEquals(SendResult.FULL, tx.trySend(-1));
        for (int i = 3; i <= 5; i++) {
            assertEquals(i, rx.recv());
        }
        behind.join();
        assertEquals(SendResult.SENT, tx.trySend(6));
        assertEquals(SendResult.SENT, tx.trySend(7));
    }

    @Test
    void selectsAreToldOfThoseWhoWaitAtARendezvous() throws Exception {
        var receiver = new SelectWaiter(() -> {});
        ((Selectable) taker).register(receiver);
        assertFalse(receiver.isTold());
        var giving = Background.parkedStep(() -> giver.send(1));
        assertTrue(receiver.isTold());
        assertEquals(new RecvResult.Received<>(1), taker.tryRecv());
        ((Selectable) taker).deregister(receiver);
        giving.join();

        var sender = new SelectWaiter(() -> {});
        ((Selectable) giver).register(sender);
        assertFalse(sender.isTold());
        var taking = Background.parked(taker::recv);
        assertTrue(sender.isTold());
        assertEquals(SendResult.SENT, giver.trySend(2));
        ((Selectable) giver).deregister(sender);
        assertEquals(2, taking.join());
    }
}
