package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** {@link SetOnce} and {@link OnceCell}. */
@Timeout(60)
class OnceTest {
    private static final Duration SHORT = Duration.ofMillis(5);
    private static final Duration LONG = Duration.ofHours(1);

    private final SetOnce<String> once = new SetOnce<>();
    private final OnceCell<String> cell = new OnceCell<>();

    /** Makes a value when told to. */
    private final class Maker {
        final Latch begun = new Latch(1);
        final Latch go = new Latch(1);
        final Background<String> making;

        Maker(Background.Call<String> how) throws InterruptedException {
            making =
                    Background.start(
                            () ->
                                    cell.<Exception>getOrInit(
                                            () -> {
                                                begun.countDown();
                                                go.await();
                                                return how.run();
                                            }));
            begun.await();
        }
    }

    @Test
    void theFirstValueStays() throws Exception {
        assertNull(once.get());
        assertFalse(once.isSet());
        assertEquals("SetOnce[not set]", once.toString());
        assertThrows(TimeoutException.class, () -> once.await(Duration.ZERO));
        assertThrows(TimeoutException.class, () -> once.await(SHORT));
        assertTrue(once.trySet("a"));
        assertFalse(once.trySet("b"));
        var e = assertThrows(IllegalStateException.class, () -> once.set("b"));
        assertTrue(e.toString().contains("to a"), e.toString());
        assertEquals("a", once.get());
        assertEquals("a", once.await());
        assertEquals("a", once.await(Duration.ZERO));
        assertTrue(once.isSet());
        assertEquals("SetOnce[a]", once.toString());
        assertThrows(NullPointerException.class, () -> new SetOnce<String>().set(nothing()));
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return (T) null;
    }

    @Test
    void allWhoWaitForAValueGetIt() throws Exception {
        var waiting = new ArrayList<Background<String>>();
        for (int i = 0; i < 3; i++) {
            waiting.add(Background.parked(once::await));
            waiting.add(Background.parked(() -> once.await(LONG)));
        }
        once.set("a");
        for (var w : waiting) {
            assertEquals("a", w.join());
        }
    }

    @Test
    void aCellIsMadeOnce() throws Exception {
        var runs = new AtomicInteger();
        assertNull(cell.get());
        assertEquals("OnceCell[not set]", cell.toString());
        for (int i = 0; i < 3; i++) {
            assertEquals("made 1", cell.getOrInit(() -> "made " + runs.incrementAndGet()));
            assertEquals("made 1", cell.getOrInit(() -> "made " + runs.incrementAndGet(), LONG));
        }
        assertEquals("made 1", cell.get());
        assertEquals("made 1", cell.await());
        assertTrue(cell.isSet());
        assertFalse(cell.trySet("b"));
        assertEquals("OnceCell[made 1]", cell.toString());
    }

    @Test
    void aValueThatIsSetIsNotMade() throws Exception {
        assertTrue(cell.trySet("a"));
        assertEquals("a", cell.getOrInit(OnceTest::fail));
        assertEquals("a", cell.await(Duration.ZERO));
    }

    private static String fail() {
        throw new AssertionError("not to be called");
    }

    @Test
    void othersWaitWhileItIsMadeAndGetTheSame() throws Exception {
        var maker = new Maker(() -> "a");
        var other = Background.parked(() -> cell.getOrInit(OnceTest::fail));
        var timed = Background.parked(() -> cell.getOrInit(OnceTest::fail, LONG));
        var audience = Background.parked(cell::await);
        assertNull(cell.get());
        assertFalse(cell.trySet("b"));
        assertThrows(TimeoutException.class, () -> cell.getOrInit(OnceTest::fail, SHORT));
        assertThrows(TimeoutException.class, () -> cell.getOrInit(OnceTest::fail, Duration.ZERO));
        assertThrows(TimeoutException.class, () -> cell.await(SHORT));
        assertTrue(cell.toString().contains(maker.making.thread().getName()), cell.toString());
        maker.go.countDown();
        assertEquals("a", maker.making.join());
        assertEquals("a", other.join());
        assertEquals("a", timed.join());
        assertEquals("a", audience.join());
    }

    @Test
    void aFailureReachesItsCallerOnlyAndTheNextTries() throws Exception {
        var maker =
                new Maker(
                        () -> {
                            throw new IOException("first");
                        });
        var second =
                Background.parked(
                        () ->
                                cell.getOrInit(
                                        () -> {
                                            throw new IOException("second");
                                        }));
        var third = Background.parked(() -> cell.getOrInit(() -> "third"));
        var fourth = Background.parked(() -> cell.getOrInit(OnceTest::fail));
        var audience = Background.parked(cell::await);
        maker.go.countDown();
        assertEquals("first", maker.making.failure().getMessage());
        assertEquals("second", second.failure().getMessage());
        assertEquals("third", third.join());
        assertEquals("third", fourth.join());
        assertEquals("third", audience.join());
    }

    @Test
    void aFailureLeavesTheCellForWhoeverComes() throws Exception {
        assertThrows(
                IOException.class,
                () ->
                        cell.getOrInit(
                                () -> {
                                    throw new IOException("no");
                                }));
        assertThrows(NullPointerException.class, () -> cell.getOrInit(OnceTest::nothing));
        assertFalse(cell.isSet());
        assertEquals("a", cell.getOrInit(() -> "a"));
    }

    @Test
    void anInterruptedMakerLeavesItToTheNext() throws Exception {
        var maker = new Maker(() -> "a");
        Background.awaitParked(maker.making.thread());
        var next = Background.parked(() -> cell.getOrInit(() -> "b"));
        maker.making.interrupt();
        assertInstanceOf(InterruptedException.class, maker.making.failure());
        assertEquals("b", next.join());
    }

    @Test
    void askingForTheValueWhileMakingItIsAnError() throws Exception {
        var e =
                assertThrows(
                        IllegalStateException.class,
                        () -> cell.getOrInit(() -> cell.getOrInit(OnceTest::fail)));
        assertTrue(e.toString().contains("wait for itself"), e.toString());
        assertEquals("a", cell.getOrInit(() -> "a"));
    }

    @Test
    void whoMakesTheValueIsSeenByWhoLooksForDeadlocks() throws Exception {
        var maker = new Maker(() -> "a");
        var other = Background.parked(() -> cell.getOrInit(OnceTest::fail));
        var blocker = assertInstanceOf(Blocker.class, LockSupport.getBlocker(other.thread()));
        assertSame(maker.making.thread(), blocker.holder());
        assertEquals(cell.toString(), blocker.toString());
        maker.go.countDown();
        other.join();
        assertNull(blocker.holder());
    }

    @Test
    void ofManyWhoComeAtOnceOneMakesIt() throws Exception {
        for (int round = 0; round < 100; round++) {
            var contended = new OnceCell<String>();
            var runs = new AtomicInteger();
            var running = new ArrayList<Background<String>>();
            for (int i = 0; i < 4; i++) {
                running.add(
                        Background.start(
                                () -> contended.getOrInit(() -> "made " + runs.incrementAndGet())));
            }
            for (var r : running) {
                assertEquals("made 1", r.join());
            }
        }
    }
}
