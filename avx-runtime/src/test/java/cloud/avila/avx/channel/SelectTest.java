package cloud.avila.avx.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.Outcome;
import cloud.avila.avx.testing.Background;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class SelectTest {
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofHours(1);

    private final Broadcast<Integer> numbers = Broadcast.create(16);
    private final Broadcast<String> words = Broadcast.create(16);
    private final BroadcastReceiver<Integer> number = numbers.subscribe();
    private final BroadcastReceiver<String> word = words.subscribe();

    private Select<String> both() {
        return Select.<String>fair().recv(number, n -> "number " + n).recv(word, w -> "word " + w);
    }

    @Test
    void takesWhatIsThereAndLeavesTheRest() throws Exception {
        words.send("a");
        assertEquals("word a", both().run());
        numbers.send(1);
        words.send("b");
        String first = both().run();
        String second = both().run();
        assertEquals(
                List.of("number 1", "word b"), List.of(first, second).stream().sorted().toList());
        assertEquals(0, number.unread());
        assertEquals(0, word.unread());
    }

    @Test
    void waitsForTheFirstBranchThatBecomesPossible() throws Exception {
        var select = both();
        var waiting = Background.parked(select::run);
        words.send("a");
        assertEquals("word a", waiting.join());
        var again = Background.parked(select::run);
        numbers.send(1);
        assertEquals("number 1", again.join());
    }

    @Test
    void lotsAreFairWhateverTheOrderOfTheOthers() throws Exception {
        var never = Broadcast.<Integer>create(1).subscribe();
        var alsoNever = Broadcast.<Integer>create(1).subscribe();
        var counts = new int[2];
        var select =
                Select.<Integer>fair(42)
                        .after(Duration.ZERO, () -> counts[0]++)
                        .recv(never, n -> n)
                        .recv(alsoNever, n -> n)
                        .after(Duration.ZERO, () -> counts[1]++);
        for (int i = 0; i < 10_000; i++) {
            select.run();
        }
        assertEquals(5000, counts[0], 300.0);
    }

    @Test
    void aBiasedSelectTakesTheFirstThatIsPossible() throws Exception {
        var select =
                Select.<String>biased()
                        .recv(number, n -> "number " + n)
                        .recv(word, w -> "word " + w)
                        .orElse(() -> "none");
        for (int i = 0; i < 4; i++) {
            words.send("w" + i);
            numbers.send(i);
        }
        for (int i = 0; i < 4; i++) {
            assertEquals("number " + i, select.run());
        }
        for (int i = 0; i < 4; i++) {
            assertEquals("word w" + i, select.run());
        }
        assertEquals("none", select.run());
    }

    @Test
    void withAnAlternativeItDoesNotWait() throws Exception {
        var select = both().orElse(() -> "nothing");
        assertEquals("nothing", select.run());
        numbers.send(1);
        assertEquals("number 1", select.run());
        Thread.currentThread().interrupt();
        assertEquals("nothing", select.run());
        assertTrue(Thread.interrupted());
        assertEquals("only", Select.<String>fair().orElse(() -> "only").run());
    }

    @Test
    void timersCountFromTheStartOfEachRun() throws Exception {
        var select = both().after(SHORT, () -> "late");
        long start = System.nanoTime();
        assertEquals("late", select.run());
        assertEquals("late", select.run());
        assertTrue(System.nanoTime() - start >= 2 * SHORT.toNanos());
        assertEquals("late", both().after(LONG, () -> "never").after(SHORT, () -> "late").run());
    }

    @Test
    void endsWhenTimeIsUpOrTheThreadIsInterrupted() throws Exception {
        assertThrows(TimeoutException.class, () -> both().run(SHORT));
        assertThrows(TimeoutException.class, () -> both().run(Duration.ZERO));
        assertEquals("late", both().after(SHORT, () -> "late").run(LONG));
        var waiting = Background.parked(both()::run);
        waiting.interrupt();
        assertInstanceOf(InterruptedException.class, waiting.failure());
        numbers.send(1);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, both()::run);
        assertEquals(1, number.recv(), "an interrupt takes nothing");
    }

    @Test
    void noticesTokens() throws Exception {
        var token = CancellationToken.create();
        var waiting = Background.parked(both().on(token.child(), () -> "cancelled")::run);
        token.cancel();
        assertEquals("cancelled", waiting.join());
        assertEquals("cancelled", both().on(token, () -> "cancelled").run());
    }

    @Test
    void waitsForTasks() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var gate = new CountDownLatch(1);
            var task =
                    rt.spawn(
                            () -> {
                                gate.await();
                                return 7;
                            });
            var waiting = Background.parked(both().join(task, n -> "joined " + n)::run);
            gate.countDown();
            assertEquals("joined 7", waiting.join());
            assertEquals("joined 7", both().join(task, n -> "joined " + n).run());

            var failed = rt.spawn("broken", this::fail);
            var e = assertThrows(CompletionException.class, both().join(failed, n -> "?")::run);
            assertTrue(Objects.requireNonNull(e.getCause()).toString().contains("on purpose"));
            assertInstanceOf(
                    Outcome.Failed.class, Select.<Object>fair().outcome(failed, o -> o).run());

            var sleeping = rt.spawn(() -> sleepLong());
            sleeping.cancel();
            assertThrows(CancellationException.class, both().join(sleeping, n -> "?")::run);
        }
    }

    private Integer fail() {
        throw new IllegalStateException("on purpose");
    }

    private static Integer sleepLong() throws InterruptedException {
        Thread.sleep(LONG);
        return 0;
    }

    @Test
    void receivesFromOneshotsAndWatches() throws Exception {
        var reply = Oneshot.<String>create();
        var state = Watch.of(1);
        var changes = state.subscribe();
        var select =
                Select.<String>fair()
                        .recv(reply, r -> "reply " + r)
                        .recv(changes, s -> "state " + s);
        var waiting = Background.parked(select::run);
        state.send(2);
        assertEquals("state 2", waiting.join());
        var again = Background.parked(select::run);
        reply.send("yes");
        assertEquals("reply yes", again.join());
    }

    @Test
    void aClosedChannelIsLeftOutAndTheOthersGoOn() throws Exception {
        numbers.send(1);
        numbers.close();
        var select = both();
        assertEquals("number 1", select.run());
        var waiting = Background.parked(select::run);
        words.send("a");
        assertEquals("word a", waiting.join());
    }

    @Test
    void whenAllChannelsAreClosedItEndsWhateverTimersThereAre() throws Exception {
        var token = CancellationToken.create();
        var select = both().after(LONG, () -> "late").on(token, () -> "cancelled");
        var waiting = Background.parked(select::run);
        numbers.close();
        Background.awaitParked(waiting.thread());
        words.close();
        assertInstanceOf(ChannelClosedException.class, waiting.failure());
        assertThrows(ChannelClosedException.class, select::run);
        assertThrows(ChannelClosedException.class, select.orElse(() -> "nothing")::run);
        assertEquals("over", select.onClosed(() -> "over").run());
    }

    @Test
    void theEndOfOneChannelCanBeABranch() throws Exception {
        var select =
                Select.<String>fair()
                        .recv(number, n -> "number " + n, () -> "no more numbers")
                        .recv(word, w -> "word " + w);
        numbers.send(1);
        var waiting =
                Background.parked(
                        () -> {
                            select.run();
                            return select.run();
                        });
        numbers.close();
        assertEquals("no more numbers", waiting.join());
    }

    @Test
    void aSelectOfTimersOnlyIsNotClosed() throws Exception {
        var token = CancellationToken.create();
        assertEquals(
                "late",
                Select.<String>fair()
                        .on(token, () -> "cancelled")
                        .after(SHORT, () -> "late")
                        .run());
    }

    @Test
    void aLagIsToldAndTheNextRunGoesOn() throws Exception {
        for (int i = 0; i < 20; i++) {
            numbers.send(i);
        }
        assertEquals(4, assertThrows(LaggedException.class, both()::run).missed());
        assertEquals("number 4", both().run());
    }

    @Test
    void losersLeaveNothingBehind() throws Exception {
        var token = CancellationToken.create();
        var select = both().on(token, () -> "cancelled").after(LONG, () -> "never");
        for (int i = 0; i < 50; i++) {
            var waiting = Background.parked(select::run);
            if (i % 2 == 0) {
                words.send("w");
            } else {
                waiting.interrupt();
            }
            if (i % 2 == 0) {
                assertEquals("word w", waiting.join());
            } else {
                assertInstanceOf(InterruptedException.class, waiting.failure());
            }
        }
        assertTrue(numbers.isUnwatched(), "no waiter is left");
        assertTrue(words.isUnwatched(), "no waiter is left");
        assertTrue(token.cancel());
        numbers.send(1);
        assertEquals(1, number.recv(Duration.ZERO));
    }

    @Test
    void branchesRunWhenNothingIsHeldAnyMore() throws Exception {
        var runs = new AtomicInteger();
        var select = new ArrayList<Select<String>>();
        select.add(
                Select.<String>fair()
                        .recv(
                                number,
                                n -> {
                                    runs.incrementAndGet();
                                    try {
                                        return n == 0 ? "done" : select.getFirst().run();
                                    } catch (InterruptedException e) {
                                        throw new AssertionError(e);
                                    }
                                }));
        numbers.send(1);
        numbers.send(1);
        numbers.send(0);
        assertEquals("done", select.getFirst().run());
        assertEquals(3, runs.get());
        numbers.send(5);
        var failing =
                Select.<String>fair()
                        .recv(
                                number,
                                n -> {
                                    throw new IllegalArgumentException("mine");
                                });
        assertThrows(IllegalArgumentException.class, failing::run);
        assertEquals(0, number.unread());
    }

    @Test
    void aBranchMayReturnNull() throws Exception {
        numbers.send(1);
        assertNull(Select.<@Nullable String>fair().recv(number, n -> null).run());
    }

    @Test
    void misuseIsToldClearly() throws Exception {
        assertThrows(IllegalStateException.class, Select.<String>fair()::run);
        var twice = both();
        assertThrows(IllegalArgumentException.class, () -> twice.recv(number, n -> ""));
        var select = both();
        var waiting = Background.parked(select::run);
        var e = assertThrows(IllegalStateException.class, select::run);
        assertTrue(e.toString().contains("another thread"), e::toString);
        assertThrows(IllegalStateException.class, both()::run);
        assertThrows(IllegalStateException.class, word::recv);
        words.send("a");
        assertEquals("word a", waiting.join());
    }

    @Test
    void closingTheReceiverOfAWaitingSelectWakesIt() throws Exception {
        var waiting = Background.parked(both().onClosed(() -> "over")::run);
        number.close();
        Background.awaitParked(waiting.thread());
        word.close();
        assertEquals("over", waiting.join());
    }
}
