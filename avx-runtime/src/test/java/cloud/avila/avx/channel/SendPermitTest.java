package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;

@Timeout(60)
class SendPermitTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final Mpsc<Integer> bounded = Mpsc.bounded(3);
    private final Sender<Integer> tx = bounded.sender();
    private final Receiver<Integer> rx = bounded.receiver();

    @Test
    void aReservedPlaceIsKeptForItsMessage() throws Exception {
        var permit = tx.reserve();
        assertEquals(SendResult.SENT, tx.trySend(1));
        assertEquals(SendResult.SENT, tx.trySend(2));
        assertEquals(SendResult.FULL, tx.trySend(-1));
        assertNull(tx.tryReserve());
        assertEquals(2, bounded.length());
        permit.send(3);
        assertEquals(3, bounded.length());
        for (int i = 1; i <= 3; i++) {
            assertEquals(i, rx.recv());
        }
        assertEquals(0, permit.remaining());
        var e = assertThrows(IllegalStateException.class, () -> permit.send(4));
        assertTrue(e.toString().contains("no place left"), e.toString());
        assertEquals(0, bounded.length());
    }

    @Test
    void aPlaceThatIsNotUsedGoesBackOnce() throws Exception {
        try (var permit = tx.reserveMany(3)) {
            permit.send(1);
            assertEquals(SendResult.FULL, tx.trySend(-1));
            assertEquals(2, permit.remaining());
        }
        assertEquals(SendResult.SENT, tx.trySend(2));
        var last = tx.reserve();
        last.close();
        last.close();
        assertThrows(IllegalStateException.class, () -> last.send(-1));
        assertEquals(SendResult.SENT, tx.trySend(3));
        assertEquals(SendResult.FULL, tx.trySend(-1));
    }

    @Test
    void aPlaceThatGoesBackWakesTheNextSender() throws Exception {
        var permit = tx.reserveMany(3);
        var sending = Background.parkedStep(() -> tx.send(1));
        var reserving = Background.parked(() -> tx.reserveMany(2));
        permit.close();
        sending.join();
        assertEquals(2, reserving.join().remaining());
        assertEquals(SendResult.FULL, tx.trySend(-1));
    }

    @Test
    void whoReservesManyWaitsForAllOfThemAndIsNotOvertaken() throws Exception {
        tx.send(1);
        var reserving = Background.parked(() -> tx.reserveMany(3));
        assertEquals(SendResult.FULL, tx.trySend(-1), "there is room, but somebody waits");
        assertNull(tx.tryReserve());
        var sending = Background.parkedStep(() -> tx.send(4));
        assertEquals(1, rx.recv());
        try (var permit = reserving.join()) {
            permit.send(2);
            permit.send(3);
        }
        sending.join();
        for (int i = 2; i <= 4; i++) {
            assertEquals(i, rx.recv());
        }
    }

    @Test
    void timeoutsAndInterruptsReserveNothing() throws Exception {
        tx.send(1);
        assertThrows(TimeoutException.class, () -> tx.reserveMany(3, SHORT));
        assertThrows(TimeoutException.class, () -> tx.reserveMany(3, Duration.ZERO));
        var reserving = Background.parked(() -> tx.reserveMany(3));
        reserving.interrupt();
        assertInstanceOf(InterruptedException.class, reserving.failure());
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, tx::reserve);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, () -> tx.reserve(SHORT));
        try (var permit = tx.reserveMany(2, SHORT)) {
            assertEquals(2, permit.remaining());
        }
        assertEquals(SendResult.SENT, tx.trySend(2));
        assertEquals(SendResult.SENT, tx.trySend(3));
    }

    @Test
    void theEndComesAfterThePermits() throws Exception {
        var used = tx.reserve();
        var unused = tx.reserve();
        tx.close();
        assertTrue(rx.isClosed());
        assertInstanceOf(RecvResult.Empty.class, rx.tryRecv());
        var receiving = Background.parked(() -> rx.recv() + rx.recv());
        used.send(1);
        Background.awaitParked(receiving.thread());
        unused.close();
        assertInstanceOf(ChannelClosedException.class, receiving.failure());
        assertInstanceOf(RecvResult.Closed.class, rx.tryRecv());
    }

    @Test
    void aReceiverThatClosesTurnsAwayWhoReserves() throws Exception {
        var held = tx.reserveMany(2);
        var reserving = Background.parked(() -> tx.reserveMany(2));
        rx.close();
        assertInstanceOf(ChannelClosedException.class, reserving.failure());
        assertThrows(ChannelClosedException.class, tx::reserve);
        assertThrows(ChannelClosedException.class, tx::tryReserve);
        assertThrows(ChannelClosedException.class, () -> tx.reserve(SHORT));
        held.send(7);
        held.close();
        assertEquals(7, rx.recv());
        assertThrows(ChannelClosedException.class, rx::recv);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 4, Integer.MAX_VALUE})
    void whatCanNeverBeReservedIsAnError(int places) {
        var e = assertThrows(IllegalArgumentException.class, () -> tx.reserveMany(places));
        assertTrue(e.toString().contains("expected: 1 to 3"), e.toString());
        assertThrows(IllegalArgumentException.class, () -> tx.tryReserveMany(places));
        assertThrows(IllegalArgumentException.class, () -> tx.reserveMany(places, SHORT));
        assertThrows(IllegalArgumentException.class, () -> tx.reserveFuture(places));
    }

    @Test
    void anUnboundedChannelHasPlacesToReserveToo() throws Exception {
        var channel = Mpsc.<Integer>unbounded();
        var sender = channel.sender();
        var receiver = channel.receiver();
        try (var most = sender.reserveMany(SegmentQueue.MOST_RESERVED)) {
            assertNull(sender.tryReserve());
            var reserving = Background.parked(sender::reserve);
            sender.send(1);
            most.send(2);
            reserving.join().send(3);
            sender.close();
        }
        int expected = 1;
        for (int i : receiver) {
            assertEquals(expected++, i);
        }
        assertEquals(4, expected);
    }

    @Test
    void positionsStartAgainWhenTheyAreUsedUp() throws Exception {
        for (long firstSegment : new long[] {-1, (1L << 39) / 4 - 1}) {
            for (int capacity : new int[] {3, MpscQueue.UNBOUNDED}) {
                var channel = Mpsc.<Integer>withSegments(capacity, 4, firstSegment);
                var sender = channel.sender();
                var receiver = channel.receiver();
                for (int i = 0; i < 20; i += 2) {
                    try (var permit = sender.reserve()) {
                        assertEquals(SendResult.SENT, sender.trySend(i));
                        permit.send(i + 1);
                    }
                    assertEquals(2, channel.length());
                    assertEquals(i, receiver.recv());
                    assertEquals(i + 1, receiver.recv());
                }
                if (capacity == 3) {
                    assertEquals(3, Objects.requireNonNull(sender.tryReserveMany(3)).remaining());
                    assertEquals(SendResult.FULL, sender.trySend(-1));
                }
            }
        }
    }

    @Test
    void aWeakSenderDoesNotKeepTheChannelOpen() throws Exception {
        WeakSender<Integer> weak = tx.downgrade();
        try (var strong = Objects.requireNonNull(weak.upgrade())) {
            tx.close();
            assertFalse(bounded.isClosed());
            strong.send(1);
            Objects.requireNonNull(weak.upgrade()).close();
        }
        assertTrue(bounded.isClosed());
        assertNull(weak.upgrade());
        assertEquals(1, rx.recv());
        assertThrows(ChannelClosedException.class, rx::recv);

        var other = Mpsc.<Integer>unbounded();
        WeakSender<Integer> orphan = other.sender().downgrade();
        other.receiver().close();
        assertNull(orphan.upgrade());
    }
}
