package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jetbrains.lincheck.Lincheck;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.List;

/** The model checker looks for schedules in which a select loses a message or a wake-up. */
class SelectModelTest {
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

    private static void explore(Step step) {
        Lincheck.runConcurrentTest(SCHEDULES, () -> unchecked(step));
    }

    @Test
    void aSelectThatWaitsGetsWhatIsSentToEitherOfTwo() {
        explore(
                () -> {
                    var numbers = Broadcast.<Integer>create(2);
                    var state = Watch.of(0);
                    var select =
                            Select.<Integer>biased()
                                    .recv(numbers.subscribe(), n -> n)
                                    .recv(state.subscribe(), n -> n);
                    escaped = List.of(numbers, state, select);
                    int[] sum = new int[1];
                    var selecting =
                            start(
                                    () -> {
                                        sum[0] += select.run();
                                        sum[0] += select.run();
                                    });
                    var sending = start(() -> numbers.send(1));
                    state.send(10);
                    sending.join();
                    selecting.join();
                    assertEquals(11, sum[0]);
                    assertTrue(numbers.isUnwatched() && state.isUnwatched());
                });
    }

    @Test
    void aSelectThatWaitsForAMessageOrForRoom() {
        explore(
                () -> {
                    var full = Mpsc.<Integer>withSegments(1, 2);
                    var reply = Oneshot.<Integer>create();
                    var tx = full.sender();
                    var rx = full.receiver();
                    tx.send(1);
                    var select = Select.<Integer>biased().recv(reply, n -> n).send(tx, 2, () -> 0);
                    escaped = List.of(full, reply, select, tx, rx);
                    int[] got = new int[1];
                    var selecting = start(() -> got[0] = select.run());
                    var replying = start(() -> reply.send(5));
                    assertEquals(1, rx.recv());
                    selecting.join();
                    replying.join();
                    boolean sent = rx.tryRecv().message().isPresent();
                    boolean received = reply.toString().equals("Oneshot[received]");
                    assertTrue(sent != received, "one of the two, not " + sent + received);
                    assertEquals(sent ? 0 : 5, got[0]);
                    tx.send(3);
                    assertEquals(3, rx.recv(), "the place of a loser is free");
                });
    }

    @Test
    void aSelectThatWasToldAndTookAnotherBranchPassesThatOn() {
        explore(
                () -> {
                    var shared = Mpmc.<Integer>bounded(2);
                    var own = Oneshot.<Integer>create();
                    var tx = shared.sender();
                    var mine = shared.receiver();
                    var theirs = shared.receiver();
                    var select = Select.<Integer>biased().recv(own, n -> n).recv(mine, n -> n);
                    escaped = List.of(shared, own, select, tx, mine, theirs);
                    int[] got = new int[2];
                    var selecting = start(() -> got[0] = select.run());
                    var receiving = start(() -> got[1] = theirs.recv());
                    tx.send(1);
                    own.send(10);
                    selecting.join();
                    if (got[0] == 1) {
                        tx.send(2);
                    }
                    receiving.join();
                    assertEquals(got[0] == 1 ? 2 : 1, got[1]);
                });
    }

    @Test
    void aSelectThatIsInterruptedHasTakenNothing() {
        explore(
                () -> {
                    var state = Watch.of(0);
                    var receiver = state.subscribe();
                    var select = Select.<Integer>biased().recv(receiver, n -> n);
                    escaped = List.of(state, receiver, select);
                    int[] got = new int[1];
                    var selecting =
                            start(
                                    () -> {
                                        try {
                                            got[0] = select.run();
                                        } catch (InterruptedException e) {
                                            got[0] = -1;
                                        }
                                    });
                    var interrupting = start(selecting::interrupt);
                    state.send(1);
                    selecting.join();
                    interrupting.join();
                    assertEquals(got[0] == -1, receiver.hasChanged());
                    assertTrue(state.isUnwatched());
                });
    }

    @Test
    void aSelectWhoseChannelIsClosedEnds() {
        explore(
                () -> {
                    var numbers = Broadcast.<Integer>create(2);
                    var receiver = numbers.subscribe();
                    var select = Select.<Integer>biased().recv(receiver, n -> n).onClosed(() -> -1);
                    escaped = List.of(numbers, receiver, select);
                    int[] got = new int[1];
                    var selecting = start(() -> got[0] = select.run());
                    var closing = start(receiver::close);
                    numbers.send(1);
                    selecting.join();
                    closing.join();
                    assertTrue(got[0] == 1 || got[0] == -1);
                    assertFalse(receiver.tryRecv().message().isPresent());
                });
    }

    @Test
    void aWatchAndTwoReceiversThatWait() {
        explore(
                () -> {
                    var state = Watch.of(0);
                    var first = state.subscribe();
                    var second = state.subscribe();
                    escaped = List.of(state, first, second);
                    var a = start(() -> assertEquals(2, first.waitFor(n -> n == 2)));
                    var b =
                            start(
                                    () -> {
                                        second.changed();
                                        second.close();
                                    });
                    state.send(1);
                    state.modify(n -> n + 1);
                    a.join();
                    b.join();
                    first.close();
                    state.awaitNoReceivers();
                });
    }

    @Test
    void aSenderThatWaitsForAllReceiversToGo() {
        explore(
                () -> {
                    var state = Watch.of(0);
                    var first = state.subscribe();
                    var second = state.subscribe();
                    escaped = List.of(state, first, second);
                    var waiting = start(state::awaitNoReceivers);
                    var closing = start(first::close);
                    second.close();
                    waiting.join();
                    closing.join();
                    assertEquals(0, state.receivers());
                });
    }
}
