package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.List;

/** The model checker looks for schedules in which a channel loses a message or a wake-up. */
class WaitingModelTest {
    private static final int SCHEDULES = Integer.getInteger("avx.lincheck.schedules", 500);

    // Lincheck switches threads at objects it has seen escape, and does not look into lambdas.
    private static volatile @Nullable Object escaped;

    private interface Step {
        void run() throws InterruptedException;
    }

    private static Thread start(Step step) {
        var t =
                new Thread(
                        () -> {
                            try {
                                step.run();
                            } catch (InterruptedException e) {
                                throw new AssertionError(e);
                            }
                        });
        t.start();
        return t;
    }

    @Test
    void aFullChannelAndTwoSendersThatWait() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(1, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    var a =
                            start(
                                    () -> {
                                        tx.send(1);
                                        tx.send(2);
                                    });
                    var b = start(() -> tx.send(10));
                    try {
                        int last = 0;
                        int sum = 0;
                        for (int i = 0; i < 3; i++) {
                            int m = rx.recv();
                            if (m < 10) {
                                assertTrue(m > last, "out of order");
                                last = m;
                            }
                            sum += m;
                        }
                        assertEquals(13, sum);
                        a.join();
                        b.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void aReceiverThatWaitsForTheOnlyMessage() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(MpscQueue.UNBOUNDED, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    var receiver = start(() -> assertEquals(1, rx.recv()));
                    try {
                        tx.send(1);
                        receiver.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void anEmptyChannelAndAReceiverThatWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(MpscQueue.UNBOUNDED, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    int[] sum = new int[1];
                    var receiver =
                            start(
                                    () -> {
                                        for (int m : rx) {
                                            sum[0] += m;
                                        }
                                    });
                    var a = start(() -> tx.send(1));
                    try {
                        tx.send(10);
                        tx.send(100);
                        a.join();
                        tx.close();
                        receiver.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    assertEquals(111, sum[0]);
                });
    }

    @Test
    void aReceiverThatClosesWhileASenderWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(1, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    boolean[] refused = new boolean[1];
                    var a =
                            start(
                                    () -> {
                                        try {
                                            tx.send(1);
                                            tx.send(2);
                                        } catch (ChannelClosedException e) {
                                            refused[0] = true;
                                        }
                                    });
                    try {
                        rx.close();
                        a.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    int left = channel.length();
                    assertEquals(left < 2, refused[0]);
                });
    }

    @Test
    void aSenderThatIsInterruptedWhileItWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(1, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    boolean[] sent = new boolean[1];
                    try {
                        tx.send(1);
                        var a =
                                start(
                                        () -> {
                                            try {
                                                tx.send(2);
                                                sent[0] = true;
                                            } catch (InterruptedException e) {
                                                sent[0] = false;
                                            }
                                        });
                        var b = start(a::interrupt);
                        assertEquals(1, rx.recv());
                        a.join();
                        b.join();
                        assertEquals(sent[0], rx.tryRecv().message().isPresent());
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void aReservedPlaceThatIsGivenBackWhileASenderWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(1, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    try {
                        var permit = tx.reserve();
                        escaped = List.of(channel, tx, rx, permit);
                        var a = start(() -> tx.send(1));
                        var b = start(permit::close);
                        assertEquals(1, rx.recv());
                        a.join();
                        b.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void aPermitThatIsUsedAfterTheEndOfAllSenders() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(2, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    int[] sum = new int[1];
                    try {
                        var permit = tx.reserveMany(2);
                        escaped = List.of(channel, tx, rx, permit);
                        var receiver =
                                start(
                                        () -> {
                                            for (int m : rx) {
                                                sum[0] += m;
                                            }
                                        });
                        var closer = start(tx::close);
                        permit.send(1);
                        permit.close();
                        receiver.join();
                        closer.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    assertEquals(1, sum[0]);
                });
    }

    @Test
    void aReservationThatIsInterruptedWhileItWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Mpsc.<Integer>withSegments(2, 2);
                    var tx = channel.sender();
                    var rx = channel.receiver();
                    escaped = List.of(channel, tx, rx);
                    try {
                        tx.send(1);
                        var a =
                                start(
                                        () -> {
                                            try {
                                                tx.reserveMany(2).close();
                                            } catch (InterruptedException e) {
                                                escaped = e;
                                            }
                                        });
                        var b = start(a::interrupt);
                        assertEquals(1, rx.recv());
                        a.join();
                        b.join();
                        assertTrue(tx.trySend(2).isSent());
                        assertTrue(tx.trySend(3).isSent());
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void aBroadcastAndTwoReceiversThatWait() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var channel = Broadcast.<Integer>create(2);
                    var first = channel.subscribe();
                    var second = channel.subscribe();
                    escaped = List.of(channel, first, second);
                    var a = start(() -> assertEquals(1, first.recv()));
                    var b = start(() -> assertEquals(1, second.recv()));
                    channel.send(1);
                    try {
                        a.join();
                        b.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }

    @Test
    void aOneshotAndAReceiverThatWaits() {
        Lincheck.runConcurrentTest(
                SCHEDULES,
                () -> {
                    var oneshot = Oneshot.<Integer>create();
                    escaped = oneshot;
                    var a = start(() -> assertEquals(1, oneshot.recv()));
                    oneshot.send(1);
                    oneshot.close();
                    try {
                        a.join();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                });
    }
}
