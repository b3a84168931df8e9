package cloud.avila.avx.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.atomic.AtomicFlag;
import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/** Signals whose waiters are cancelled and time out at any moment. */
class SignalsSimulationTest {
    private static final int WAITERS = 6;

    private final List<JoinHandle<Boolean>> fibers = new ArrayList<>();
    private final List<Integer> order = new ArrayList<>();
    private int through;
    private int leaders;
    private int making;

    /** Some time of up to three milliseconds, often none. */
    private static Duration aMoment(SimulatedRuntime sim) {
        return Duration.ofMillis(Math.max(0, sim.random().nextInt(6) - 2));
    }

    private void spawn(Callable<Boolean> body) {
        fibers.add(Handle.current().spawn("fiber " + fibers.size(), body));
    }

    private void cancelSome(SimulatedRuntime sim) throws InterruptedException {
        for (JoinHandle<?> fiber : fibers) {
            if (sim.random().nextInt(3) == 0) {
                Thread.sleep(aMoment(sim));
                fiber.cancel();
            }
        }
    }

    private void awaitEnd() throws InterruptedException {
        for (JoinHandle<?> fiber : fibers) {
            while (fiber.state() == Future.State.RUNNING) {
                Thread.sleep(1);
            }
        }
        Thread.sleep(1_000); // a cancelled fiber is still about to leave
    }

    private long running() {
        return fibers.stream().filter(f -> f.state() == Future.State.RUNNING).count();
    }

    /** Each notification that finds a waiter wakes one, whoever gives up meanwhile. */
    private void notifySome(SimulatedRuntime sim, Notify notify, boolean tickets) throws Exception {
        var waiting = new Latch(WAITERS);
        for (int i = 0; i < WAITERS; i++) {
            boolean timed = sim.random().nextInt(3) == 0;
            spawn(
                    () -> {
                        boolean woken = true;
                        waiting.countDown();
                        if (tickets) {
                            try (var ticket = notify.notified()) {
                                if (!ticket.enable()) {
                                    Thread.sleep(aMoment(sim));
                                    if (timed) {
                                        woken = ticket.await(aMoment(sim));
                                    } else {
                                        ticket.await();
                                    }
                                }
                            }
                        } else if (timed) {
                            woken = notify.await(Duration.ofMillis(1 + sim.random().nextInt(4)));
                        } else {
                            notify.await();
                        }
                        through += woken ? 1 : 0;
                        return woken;
                    });
        }
        waiting.await();
        int sent = sim.random().nextInt(WAITERS);
        spawn(
                () -> {
                    for (int i = 0; i < sent; i++) {
                        Thread.sleep(aMoment(sim));
                        if (sim.random().nextBoolean()) {
                            notify.notifyOne();
                        } else {
                            notify.notifyLast();
                        }
                    }
                    return true;
                });
        cancelSome(sim);
        Thread.sleep(1_000);
        if (running() > 0) {
            // one is still waiting, so no notification became a permit that nobody took
            assertTrue(through <= sent, () -> through + " of " + sent);
            if (fibers.getLast().state() == Future.State.SUCCESS) {
                assertEquals(sent, through);
            }
            assertFalse(notify.await(Duration.ZERO));
            notify.notifyWaiters();
        }
        awaitEnd();
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertFalse(notify.toString().contains("-"), notify::toString);
        assertTrue(notify.toString().matches("Notify\\[(0 waiting|permit)]"), notify::toString);
    }

    @SimulationTest(seeds = 300)
    void noNotificationIsLostOrMade(SimulatedRuntime sim) throws Exception {
        notifySome(sim, new Notify(), false);
    }

    @SimulationTest(seeds = 300)
    void noNotificationOfATicketIsLostOrMade(SimulatedRuntime sim) throws Exception {
        notifySome(sim, new Notify(), true);
    }

    @SimulationTest(seeds = 200)
    void notifyWaitersReachesAllWhoHaveBegun(SimulatedRuntime sim) throws Exception {
        var notify = new Notify();
        for (int i = 0; i < WAITERS; i++) {
            spawn(
                    () -> {
                        try (var ticket = notify.notified()) {
                            order.add(1);
                            Thread.sleep(aMoment(sim));
                            ticket.await();
                            return true;
                        }
                    });
        }
        while (order.size() < WAITERS) {
            Thread.sleep(1);
        }
        if (sim.random().nextBoolean()) {
            notify.notifyOne();
        }
        Thread.sleep(aMoment(sim));
        notify.notifyWaiters();
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
    }

    @SimulationTest(seeds = 100)
    void waitersAreNotifiedInTheOrderOfArrival(SimulatedRuntime sim) throws Exception {
        var notify = new Notify();
        for (int i = 0; i < WAITERS; i++) {
            int n = i;
            spawn(
                    () -> {
                        Thread.sleep(10L * n);
                        notify.await();
                        return order.add(n);
                    });
        }
        Thread.sleep(100);
        for (int i = 0; i < 3; i++) {
            notify.notifyOne();
            Thread.sleep(1);
            notify.notifyLast();
            Thread.sleep(1);
        }
        assertEquals(List.of(0, 5, 1, 4, 2, 3), order);
    }

    @SimulationTest(seeds = 300)
    void allOrNoneGetThroughABarrier(SimulatedRuntime sim) throws Exception {
        int parties = 2 + sim.random().nextInt(2);
        var barrier = new Barrier(parties, sim.random().nextBoolean() ? null : () -> pause(sim));
        for (int i = 0; i < 5; i++) {
            spawn(
                    () -> {
                        for (int round = 0; round < 6; round++) {
                            try {
                                int index =
                                        barrier.await(Duration.ofMillis(sim.random().nextInt(9)));
                                through++;
                                leaders += index == 0 ? 1 : 0;
                                Thread.sleep(aMoment(sim));
                            } catch (TimeoutException | BrokenBarrierException e) {
                                barrier.reset();
                            }
                        }
                        return true;
                    });
        }
        cancelSome(sim);
        awaitEnd();
        assertEquals(leaders * parties, through);
        barrier.reset();
        assertEquals(0, barrier.arrived());
        assertFalse(barrier.isBroken());
    }

    /** Takes some time without being interrupted, as an action that is not should. */
    private static void pause(SimulatedRuntime sim) {
        long end = System.nanoTime() + aMoment(sim).toNanos();
        boolean interrupted = false;
        while (System.nanoTime() - end < 0) {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @SimulationTest(seeds = 200)
    void partiesThatNobodyDisturbsMeet(SimulatedRuntime sim) throws Exception {
        var barrier = new Barrier(4, () -> leaders++);
        for (int i = 0; i < 4; i++) {
            spawn(
                    () -> {
                        for (int round = 1; round <= 5; round++) {
                            Thread.sleep(aMoment(sim));
                            barrier.await();
                            assertEquals(round, leaders);
                        }
                        return true;
                    });
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
    }

    @SimulationTest(seeds = 200)
    void aLatchLetsAllGoButThoseWhoGaveUp(SimulatedRuntime sim) throws Exception {
        var latch = new Latch(3);
        for (int i = 0; i < WAITERS; i++) {
            boolean timed = sim.random().nextBoolean();
            spawn(
                    () -> {
                        boolean open = true;
                        if (timed) {
                            open = latch.await(aMoment(sim));
                        } else {
                            latch.await();
                        }
                        assertTrue(!open || latch.count() == 0);
                        return open;
                    });
        }
        for (int i = 0; i < 3; i++) {
            spawn(
                    () -> {
                        Thread.sleep(aMoment(sim));
                        latch.countDown();
                        return true;
                    });
        }
        cancelSome(sim);
        latch.countDown(3); // the counters may have been cancelled
        awaitEnd();
        assertEquals(0, running());
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
    }

    @SimulationTest(seeds = 200)
    void aFlagReachesAllWhoWaitButThoseWhoGaveUp(SimulatedRuntime sim) throws Exception {
        var flag = new AtomicFlag();
        for (int i = 0; i < WAITERS; i++) {
            boolean timed = sim.random().nextBoolean();
            spawn(
                    () -> {
                        boolean set = true;
                        if (timed) {
                            set = flag.awaitSet(aMoment(sim));
                        } else {
                            flag.awaitSet();
                        }
                        if (set && flag.testAndClear()) {
                            Thread.sleep(aMoment(sim));
                            flag.set(); // hands it on to the others
                        }
                        return set;
                    });
        }
        Thread.sleep(aMoment(sim));
        flag.set();
        for (JoinHandle<Boolean> fiber : fibers) {
            fiber.join(); // whoever waits without limit gets it, sooner or later
        }
        assertTrue(flag.isSet());
        spawn(
                () -> {
                    flag.awaitClear();
                    return true;
                });
        boolean cancelled = sim.random().nextBoolean();
        if (cancelled) {
            fibers.getLast().cancel();
        }
        assertTrue(flag.testAndClear());
        awaitEnd();
        assertFalse(fibers.getLast().state() == Future.State.FAILED);
    }

    @SimulationTest(seeds = 300)
    void aCellIsMadeByOneAtATimeUntilItIs(SimulatedRuntime sim) throws Exception {
        var cell = new OnceCell<Integer>();
        for (int i = 0; i < WAITERS; i++) {
            int n = i;
            boolean timed = sim.random().nextInt(3) == 0;
            spawn(
                    () -> {
                        Thread.sleep(aMoment(sim));
                        try {
                            int value =
                                    timed
                                            ? cell.getOrInit(() -> make(sim, n), aMoment(sim))
                                            : cell.getOrInit(() -> make(sim, n));
                            assertEquals(order, List.of(value));
                            return true;
                        } catch (ArithmeticException | TimeoutException e) {
                            return false;
                        }
                    });
        }
        spawn(
                () -> {
                    try {
                        return cell.await(aMoment(sim)).equals(order.getFirst());
                    } catch (TimeoutException e) {
                        return false;
                    }
                });
        cancelSome(sim);
        awaitEnd();
        assertEquals(0, making);
        assertTrue(order.size() <= 1, order::toString);
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        int last = cell.getOrInit(() -> 100);
        assertEquals(order.isEmpty() ? 100 : order.getFirst(), last);
    }

    private int make(SimulatedRuntime sim, int value) throws InterruptedException {
        assertEquals(0, making++);
        try {
            Thread.sleep(aMoment(sim));
            if (sim.random().nextBoolean()) {
                throw new ArithmeticException("not this time");
            }
            order.add(value);
            return value;
        } finally {
            making--;
        }
    }

    /**
     * Of a hundred permits wanted, each is given once, none early, and none later than it drips.
     */
    @SimulationTest(seeds = 200)
    void aRateLimiterGivesWhatDripsWhoeverGivesUp(SimulatedRuntime sim) throws Exception {
        int burst = 3;
        var limiter = RateLimiter.of(1, Duration.ofMillis(10), burst);
        long begin = System.nanoTime();
        for (int i = 0; i < WAITERS; i++) {
            spawn(
                    () -> {
                        for (int round = 0; round < 4; round++) {
                            int n = 1 + sim.random().nextInt(burst);
                            boolean taken =
                                    sim.random().nextInt(3) > 0
                                            || limiter.tryAcquire(n, aMoment(sim).multipliedBy(9));
                            if (taken && sim.random().nextBoolean()) {
                                limiter.acquire(n);
                                through += n;
                            }
                        }
                        return true;
                    });
        }
        cancelSome(sim);
        awaitEnd();
        double drips = (System.nanoTime() - begin) / 1e7;
        assertTrue(through <= burst + drips, () -> through + " in " + drips);
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(burst, limiter.availablePermits());
        long from = System.nanoTime();
        for (int i = 0; i < 20; i++) {
            limiter.acquire();
        }
        double millis = (System.nanoTime() - from) / 1e6;
        assertTrue(millis >= 10 * (20 - burst) && millis < 10 * (20 - burst) + 5, millis + " ms");
    }

    @SimulationTest(seeds = 100)
    void aRateLimiterServesInTheOrderOfArrivalWhateverEachAsksFor(SimulatedRuntime sim)
            throws Exception {
        var limiter = RateLimiter.of(1, Duration.ofMillis(10), 5);
        limiter.acquire(5);
        int[] wanted = {5, 1, 3, 2, 4};
        for (int i = 0; i < wanted.length; i++) {
            int n = i;
            spawn(
                    () -> {
                        Thread.sleep(n);
                        limiter.acquire(wanted[n]);
                        assertFalse(limiter.tryAcquire(), "overtook those who wait");
                        return order.add(wanted[n]);
                    });
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        assertEquals(List.of(5, 1, 3, 2, 4), order);
    }

    @SimulationTest(seeds = 200)
    void aRateLimiterThatIsClosedOrChangedLeavesNobodyWaiting(SimulatedRuntime sim)
            throws Exception {
        var limiter = RateLimiter.of(1, Duration.ofHours(1), 2);
        for (int i = 0; i < WAITERS; i++) {
            spawn(
                    () -> {
                        Thread.sleep(aMoment(sim));
                        try {
                            limiter.acquire(1 + sim.random().nextInt(2));
                            return true;
                        } catch (RateLimiterClosedException e) {
                            return false;
                        }
                    });
        }
        cancelSome(sim);
        boolean closes = sim.random().nextBoolean();
        long begin = System.nanoTime();
        if (closes) {
            limiter.close();
        } else {
            limiter.setRate(1, Duration.ofMillis(1), 2);
        }
        for (JoinHandle<Boolean> fiber : fibers) {
            while (fiber.state() == Future.State.RUNNING) {
                Thread.sleep(1);
            }
        }
        long millis = (System.nanoTime() - begin) / 1_000_000;
        assertTrue(millis < 60, millis + " ms");
        for (JoinHandle<Boolean> fiber : fibers) {
            assertFalse(fiber.state() == Future.State.FAILED, fiber::toString);
        }
        assertEquals(closes, limiter.isClosed());
    }
}
