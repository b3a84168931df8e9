package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.List;

/** The model checker looks for schedules in which an {@link Mpmc} loses a message or a wake-up. */
class MpmcWaitingModelTest {
    private static final int SCHEDULES = Integer.getInteger("avx.lincheck.schedules", 60);

    // Lincheck switches threads at objects it has seen escape, and does not look into lambdas.
    private static volatile @Nullable Object escaped;

    private interface Step {
        void run() throws InterruptedException;
    }

    private static Thread start(Step step) {
        var t = new Thread(() -> unchecked(step));
        t.start();
        return t;
    }

    private static void unchecked(Step step) {
        try {
            step.run();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void check(Step step) {
        Lincheck.runConcurrentTest(SCHEDULES, () -> unchecked(step));
    }

    private static Mpmc<Integer> channel(int capacity) {
        return Mpmc.of(MpmcQueue.bounded(capacity, 2, 0));
    }

    @Test
    void twoReceiversThatWaitAndTwoMessages() {
        check(() -> sendTwoToTwo(channel(2)));
    }

    @Test
    void twoReceiversThatWaitAndTwoMessagesFromHandToHand() {
        check(() -> sendTwoToTwo(channel(0)));
    }

    private static void sendTwoToTwo(Mpmc<Integer> channel) throws InterruptedException {
        var tx = channel.sender();
        var rx = channel.receiver();
        escaped = List.of(channel, tx, rx);
        int[] got = new int[2];
        var a = start(() -> got[0] = rx.recv());
        var b = start(() -> got[1] = rx.recv());
        tx.send(1);
        tx.send(10);
        a.join();
        b.join();
        assertEquals(11, got[0] + got[1]);
    }

    @Test
    void aReceiverThatIsInterruptedWhileAMessageComes() {
        check(() -> interruptReceiver(channel(1)));
    }

    private static void interruptReceiver(Mpmc<Integer> channel) throws InterruptedException {
        var tx = channel.sender();
        var rx = channel.receiver();
        escaped = List.of(channel, tx, rx);
        int[] got = new int[2];
        var a =
                start(
                        () -> {
                            try {
                                got[0] = rx.recv();
                            } catch (InterruptedException e) {
                                got[0] = 0;
                            }
                        });
        var b = start(a::interrupt);
        var c = start(() -> got[1] = rx.recv());
        tx.send(1);
        tx.send(1);
        a.join();
        b.join();
        c.join();
        assertEquals(1, got[1]);
        assertEquals(1 - got[0], rx.tryRecv().message().orElse(0));
    }

    @Test
    void aHandThatIsWithdrawnWhileAMessageComes() {
        check(
                () -> {
                    Mpmc<Integer> channel = channel(0);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    int[] got = new int[1];
                    var a =
                            start(
                                    () -> {
                                        try {
                                            got[0] = rx.recv();
                                        } catch (InterruptedException e) {
                                            got[0] = 0;
                                        }
                                    });
                    var b = start(a::interrupt);
                    boolean sent = tx.trySend(1).isSent();
                    a.join();
                    b.join();
                    assertEquals(sent ? 1 : 0, got[0]);
                    assertEquals(SendResult.FULL, tx.trySend(2));
                });
    }

    @Test
    void aMessageThatIsWithdrawnWhileAHandIsHeldOut() {
        check(
                () -> {
                    Mpmc<Integer> channel = channel(0);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    boolean[] sent = new boolean[1];
                    var a =
                            start(
                                    () -> {
                                        try {
                                            tx.send(1);
                                            sent[0] = true;
                                        } catch (InterruptedException e) {
                                            sent[0] = false;
                                        }
                                    });
                    var b = start(a::interrupt);
                    boolean got = rx.tryRecv().message().isPresent();
                    a.join();
                    b.join();
                    assertEquals(sent[0], got);
                    assertEquals(SendResult.FULL, tx.trySend(2));
                    assertEquals(0, channel.length());
                });
    }

    @Test
    void aFullChannelWhoseMessageIsRemovedWhileASenderWaits() {
        check(
                () -> {
                    Mpmc<Integer> channel = channel(1);
                    var tx = channel.sender();
                    var queue = channel.asBlockingQueue();
                    escaped = List.of(channel, tx, queue);
                    tx.send(1);
                    var a = start(() -> tx.send(2));
                    boolean removed = queue.remove(1);
                    a.join();
                    assertEquals(true, removed);
                    assertEquals(2, queue.poll());
                    assertNull(queue.poll());
                });
    }

    @Test
    void receiversThatWaitSeeTheEnd() {
        check(
                () -> {
                    Mpmc<Integer> channel = channel(1);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    int[] got = new int[2];
                    var a = start(() -> got[0] = sum(rx));
                    var b = start(() -> got[1] = sum(rx));
                    tx.send(1);
                    tx.close();
                    a.join();
                    b.join();
                    assertEquals(1, got[0] + got[1]);
                });
    }

    private static int sum(Receiver<Integer> rx) {
        int sum = 0;
        for (int m : rx) {
            sum += m;
        }
        return sum;
    }
}
