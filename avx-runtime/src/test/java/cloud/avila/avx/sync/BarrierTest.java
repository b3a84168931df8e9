package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.testing.Background;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** The cases of JSR 166's tests of {@code CyclicBarrier}, and what is new. */
@Timeout(60)
class BarrierTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SHORT = Duration.ofMillis(5);

    private static void assertBroken(Background<?> party) throws InterruptedException {
        assertInstanceOf(BrokenBarrierException.class, party.failure());
    }

    @Test
    void needsAParty() {
        assertThrows(IllegalArgumentException.class, () -> new Barrier(0));
        assertThrows(IllegalArgumentException.class, () -> new Barrier(-1, () -> {}));
        assertEquals(2, new Barrier(2).parties());
    }

    @Test
    void aSinglePartyGoesThroughAtOnce() throws Exception {
        var runs = new AtomicInteger();
        var barrier = new Barrier(1, runs::incrementAndGet);
        assertEquals(0, barrier.await());
        assertEquals(0, barrier.await(Duration.ZERO));
        assertEquals(0, barrier.await(LONG));
        assertEquals(3, runs.get());
        assertEquals(0, barrier.arrived());
    }

    @Test
    void partiesGetTheirIndexInTheOrderOfArrivalRoundAfterRound() throws Exception {
        var runs = new AtomicInteger();
        var barrier = new Barrier(3, runs::incrementAndGet);
        for (int round = 1; round <= 5; round++) {
            var first = Background.parked(barrier::await);
            assertEquals(1, barrier.arrived());
            var second = Background.parked(() -> barrier.await(LONG));
            assertEquals(2, barrier.arrived());
            assertEquals("Barrier[2 of 3]", barrier.toString());
            assertEquals(round - 1, runs.get());
            assertEquals(0, barrier.await());
            assertEquals(2, first.join());
            assertEquals(1, second.join());
            assertEquals(round, runs.get());
            assertEquals(0, barrier.arrived());
        }
    }

    @Test
    void manyPartiesMeetManyTimes() throws Exception {
        int parties = 6;
        int rounds = 500;
        var trips = new AtomicInteger();
        var barrier = new Barrier(parties, trips::incrementAndGet);
        var running = new ArrayList<Background<List<Integer>>>();
        for (int p = 0; p < parties; p++) {
            running.add(
                    Background.start(
                            () -> {
                                var indexes = new ArrayList<Integer>();
                                for (int i = 0; i < rounds; i++) {
                                    assertEquals(i, trips.get()); // the next needs this party
                                    indexes.add(barrier.await());
                                }
                                return indexes;
                            }));
        }
        var all = new ArrayList<List<Integer>>();
        for (var r : running) {
            all.add(r.join());
        }
        for (int i = 0; i < rounds; i++) {
            var indexes = new TreeSet<Integer>();
            for (var one : all) {
                indexes.add(one.get(i));
            }
            assertEquals(parties, indexes.size(), "round " + i + ": " + all);
        }
    }

    @Test
    void anInterruptBreaksItForAll() throws Exception {
        var barrier = new Barrier(4);
        var interrupted = Background.parkedStep(barrier::await);
        var other = Background.parkedStep(barrier::await);
        var timed = Background.parkedStep(() -> barrier.await(LONG));
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, interrupted.failure());
        assertBroken(other);
        assertBroken(timed);
        assertTrue(barrier.isBroken());
        assertEquals(0, barrier.arrived());
        assertThrows(BrokenBarrierException.class, barrier::await);
        assertThrows(BrokenBarrierException.class, () -> barrier.await(LONG));
        assertEquals("Barrier[broken]", barrier.toString());
    }

    @Test
    void anInterruptThatCameBeforeBreaksIt() throws Exception {
        var barrier = new Barrier(2);
        var other = Background.parkedStep(barrier::await);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedException.class, barrier::await);
        assertFalse(Thread.currentThread().isInterrupted());
        assertBroken(other);
        Thread.currentThread().interrupt();
        assertThrows(BrokenBarrierException.class, barrier::await);
        assertTrue(Thread.interrupted());
    }

    @Test
    void aTimeoutBreaksItForAll() throws Exception {
        for (Duration timeout : List.of(SHORT, Duration.ZERO, Duration.ofDays(-1))) {
            var barrier = new Barrier(3);
            var other = Background.parkedStep(barrier::await);
            var e = assertThrows(TimeoutException.class, () -> barrier.await(timeout));
            assertTrue(e.toString().contains("3 parties"), e.toString());
            assertBroken(other);
            assertTrue(barrier.isBroken());
        }
    }

    @Test
    void anActionThatFailsBreaksItForAll() throws Exception {
        var barrier =
                new Barrier(
                        2,
                        () -> {
                            throw new ArithmeticException("action");
                        });
        var other = Background.parkedStep(barrier::await);
        assertEquals(
                "action", assertThrows(ArithmeticException.class, barrier::await).getMessage());
        assertBroken(other);
        assertTrue(barrier.isBroken());
        barrier.reset();
        assertFalse(barrier.isBroken());
    }

    @Test
    void resetBreaksThoseWhoWaitAndMakesItAsNew() throws Exception {
        var barrier = new Barrier(3);
        barrier.reset();
        assertFalse(barrier.isBroken());
        for (int round = 0; round < 3; round++) {
            var first = Background.parkedStep(barrier::await);
            var second = Background.parkedStep(() -> barrier.await(LONG));
            barrier.reset();
            assertBroken(first);
            assertBroken(second);
            assertFalse(barrier.isBroken());
            assertEquals(0, barrier.arrived());
        }
        meet(barrier);
    }

    private static void meet(Barrier barrier) throws Exception {
        var running = new ArrayList<Background<Integer>>();
        for (int i = 1; i < barrier.parties(); i++) {
            running.add(Background.parked(barrier::await));
        }
        assertEquals(0, barrier.await());
        for (var r : running) {
            assertTrue(r.join() > 0);
        }
    }

    @Test
    void resetMendsABrokenBarrier() throws Exception {
        var barrier = new Barrier(3);
        assertThrows(TimeoutException.class, () -> barrier.await(SHORT));
        assertTrue(barrier.isBroken());
        barrier.reset();
        assertFalse(barrier.isBroken());
        meet(barrier);
        var interrupted = Background.parkedStep(barrier::await);
        interrupted.interrupt();
        interrupted.failure();
        barrier.reset();
        meet(barrier);
    }

    /** A leader that is kept in the action. */
    private static final class Slow {
        final Latch begun = new Latch(1);
        final Latch go = new Latch(1);
        final Barrier barrier = new Barrier(2, this::run);

        private void run() {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void onceAllHaveArrivedNeitherInterruptNorTimeoutBreaksIt() throws Exception {
        var slow = new Slow();
        var interrupted =
                Background.parked(
                        () -> {
                            int index = slow.barrier.await();
                            return index + (Thread.interrupted() ? 10 : 0);
                        });
        var leader = Background.start(slow.barrier::await);
        slow.begun.await();
        interrupted.interrupt();
        Background.awaitParked(interrupted.thread());
        assertFalse(slow.barrier.isBroken());
        slow.go.countDown();
        assertEquals(11, interrupted.join());
        assertEquals(0, leader.join());

        int millis = 50;
        while (!timeRunsOutDuringTheAction(millis)) {
            millis *= 2;
        }
    }

    /** False if time was up before the last party had come. */
    private static boolean timeRunsOutDuringTheAction(int millis) throws Exception {
        var slow = new Slow();
        var timed = Background.start(() -> slow.barrier.await(Duration.ofMillis(millis)));
        while (slow.barrier.arrived() == 0 && !slow.barrier.isBroken()) {
            Thread.onSpinWait();
        }
        var leader = Background.start(slow.barrier::await);
        while (slow.begun.count() > 0 && leader.thread().isAlive()) {
            Thread.onSpinWait();
        }
        if (slow.begun.count() > 0) {
            assertInstanceOf(TimeoutException.class, timed.failure());
            assertBroken(leader);
            return false;
        }
        Thread.sleep(millis + 10);
        slow.go.countDown();
        assertEquals(1, timed.join());
        assertEquals(0, leader.join());
        return true;
    }

    @Test
    void whoComesWhileTheActionRunsBelongsToTheNextRound() throws Exception {
        var slow = new Slow();
        var first = Background.parked(slow.barrier::await);
        var leader = Background.start(slow.barrier::await);
        slow.begun.await();
        var next = Background.parked(slow.barrier::await);
        slow.go.countDown();
        assertEquals(1, first.join());
        assertEquals(0, leader.join());
        while (slow.barrier.arrived() == 0) { // woken, it has to arrive once more
            Thread.sleep(1);
        }
        assertEquals(0, slow.barrier.await());
        assertEquals(1, next.join());
    }

    @Test
    void resetDuringTheActionBreaksTheLeader() throws Exception {
        var slow = new Slow();
        var first = Background.parkedStep(slow.barrier::await);
        var leader = Background.start(slow.barrier::await);
        slow.begun.await();
        slow.barrier.reset();
        assertBroken(first);
        assertFalse(slow.barrier.isBroken());
        slow.go.countDown();
        assertBroken(leader);
        meet(slow.barrier);
    }
}
