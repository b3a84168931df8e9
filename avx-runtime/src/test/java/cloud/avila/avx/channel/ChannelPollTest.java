package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.atomic.AtomicInteger;

/** Channels in poll tasks. */
@Timeout(60)
class ChannelPollTest {
    private final AtomicInteger woken = new AtomicInteger();
    private final Context cx = Context.of(woken::incrementAndGet);

    private final Mpsc<Integer> one = Mpsc.bounded(1);
    private final Mpmc<Integer> many = Mpmc.bounded(1);

    private static <T> T ready(Poll<T> poll) {
        if (poll instanceof Poll.Ready<T>(T value)) {
            return value;
        }
        throw new AssertionError("not ready");
    }

    private void receives(Sender<Integer> tx, Receiver<Integer> rx) throws Exception {
        assertTrue(rx.pollRecv(cx).isPending());
        assertEquals(0, woken.getAndSet(0));
        tx.send(1);
        assertEquals(1, woken.getAndSet(0));
        assertEquals(new RecvResult.Received<>(1), ready(rx.pollRecv(cx)));
        Future<RecvResult<Integer>> dropped = rx.recvFuture();
        assertTrue(dropped.poll(cx).isPending());
        ((AutoCloseable) dropped).close();
        tx.send(2);
        assertEquals(0, woken.getAndSet(0));
        assertEquals(new RecvResult.Received<>(2), ready(rx.recvFuture().poll(cx)));
        Future<RecvResult<Integer>> atEnd = rx.recvFuture();
        assertTrue(atEnd.poll(cx).isPending());
        tx.close();
        assertEquals(1, woken.getAndSet(0));
        assertInstanceOf(RecvResult.Closed.class, ready(atEnd.poll(cx)));
    }

    @Test
    void aTaskIsPolledAgainWhenThereIsAMessageOrTheEnd() throws Exception {
        receives(one.sender(), one.receiver());
        receives(many.sender(), many.receiver());
    }

    @Test
    void aTaskThatIsDroppedPassesItsMessageOn() throws Exception {
        SharedReceiver<Integer> rx = many.receiver();
        Future<RecvResult<Integer>> first = rx.recvFuture();
        Future<RecvResult<Integer>> second = rx.recvFuture();
        assertTrue(first.poll(cx).isPending());
        assertTrue(second.poll(cx).isPending());
        many.sender().send(1);
        assertEquals(1, woken.getAndSet(0));
        ((AutoCloseable) first).close();
        assertEquals(1, woken.getAndSet(0));
        assertEquals(new RecvResult.Received<>(1), ready(second.poll(cx)));
    }

    private void sends(Sender<Integer> tx, Receiver<Integer> rx) throws Exception {
        assertEquals(SendResult.SENT, ready(tx.sendFuture(1).poll(cx)));
        Future<SendResult> dropped = tx.sendFuture(-1);
        Future<SendResult> waiting = tx.sendFuture(2);
        Future<SendPermit<Integer>> reserving = tx.reserveFuture(1);
        assertTrue(dropped.poll(cx).isPending());
        assertTrue(waiting.poll(cx).isPending());
        assertTrue(reserving.poll(cx).isPending());
        ((AutoCloseable) dropped).close();
        assertEquals(1, rx.recv());
        assertEquals(1, woken.getAndSet(0));
        assertEquals(SendResult.SENT, ready(waiting.poll(cx)));
        assertEquals(2, rx.recv());
        assertEquals(1, woken.getAndSet(0));
        ready(reserving.poll(cx)).send(3);
        Future<SendPermit<Integer>> granted = tx.reserveFuture(1);
        assertTrue(granted.poll(cx).isPending());
        assertEquals(3, rx.recv());
        ((AutoCloseable) granted).close();
        assertEquals(SendResult.SENT, tx.trySend(4), "its place went back");
        Future<SendResult> refused = tx.sendFuture(5);
        assertTrue(refused.poll(cx).isPending());
        rx.close();
        assertEquals(SendResult.CLOSED, ready(refused.poll(cx)));
        assertThrows(ChannelClosedException.class, () -> tx.reserveFuture(1).poll(cx));
    }

    @Test
    void aTaskWaitsForRoomInTurn() throws Exception {
        sends(one.sender(), one.receiver());
        woken.set(0);
        sends(many.sender(), many.receiver());
    }

    @Test
    void tasksMeetAtARendezvous() throws Exception {
        Mpmc<Integer> meeting = Mpmc.rendezvous();
        try (var rt = AvxRuntime.create();
                var tx = meeting.sender();
                var rx = meeting.receiver()) {
            for (int i = 0; i < 200; i++) {
                var receiving = rt.handle().spawnFuture(rx.recvFuture());
                var sending = rt.handle().spawnFuture(tx.sendFuture(i));
                assertEquals(new RecvResult.Received<>(i), receiving.join());
                assertEquals(SendResult.SENT, sending.join());
            }
        }
    }
}
