package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.simulation.SimulatedRuntime;
import cloud.avila.avx.simulation.junit.SimulationTest;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Selected;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** Tasks that are cancelled, joined and given up at the moment they end. */
class TasksSimulationTest {
    @SimulationTest(seeds = 300)
    void aTaskCancelledAsItEndsHasOneOutcomeForEverybody(SimulatedRuntime sim) throws Exception {
        JoinHandle<String> task =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(5);
                                    return "done";
                                });
        var joiners = new ArrayList<JoinHandle<String>>();
        for (int i = 0; i < 3; i++) {
            joiners.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        try {
                                            return task.join();
                                        } catch (CancellationException e) {
                                            return "cancelled";
                                        }
                                    }));
        }
        CompletableFuture<String> future = task.toCompletableFuture();
        Thread.sleep(5);
        boolean cancelled = task.cancel();
        String expected = cancelled ? "cancelled" : "done";
        for (JoinHandle<String> joiner : joiners) {
            assertEquals(expected, joiner.join());
        }
        assertEquals(cancelled, task.isCancelled());
        assertEquals(cancelled, future.isCancelled());
        assertFalse(task.cancel());
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @SimulationTest(seeds = 300)
    void aCancelledTaskIsInterruptedOrNeverRuns(SimulatedRuntime sim) throws Exception {
        var begun = new AtomicInteger();
        var ended = new AtomicInteger();
        var tasks = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 8; i++) {
            tasks.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        begun.incrementAndGet();
                                        try {
                                            Thread.sleep(Duration.ofDays(1));
                                            return true;
                                        } finally {
                                            ended.incrementAndGet();
                                        }
                                    }));
        }
        Thread.sleep(sim.random().nextInt(2));
        for (JoinHandle<Boolean> task : tasks) {
            assertTrue(task.cancel());
            assertTrue(task.isCancelled());
        }
        Thread.sleep(10);
        assertTrue(begun.get() == ended.get(), begun + " ran, " + ended + " ended");
        assertFalse(Thread.currentThread().isInterrupted());
    }

    @SimulationTest(seeds = 300)
    void aJoinThatTimesOutOrIsInterruptedLeavesTheTaskAlone(SimulatedRuntime sim) throws Exception {
        JoinHandle<Integer> task =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(5);
                                    return 7;
                                });
        JoinHandle<Boolean> interrupted =
                Handle.current()
                        .spawn(
                                () -> {
                                    try {
                                        return task.join() == 7;
                                    } catch (InterruptedException e) {
                                        return true;
                                    }
                                });
        JoinHandle<Boolean> timed =
                Handle.current()
                        .spawn(
                                () -> {
                                    try {
                                        return task.join(Duration.ofMillis(5)) == 7;
                                    } catch (TimeoutException e) {
                                        return true;
                                    }
                                });
        Thread.sleep(5);
        interrupted.cancel();
        assertTrue(timed.join());
        assertEquals(7, task.join());
    }

    @SimulationTest(seeds = 300)
    void aJoinSetGivesEachTaskOnceInTheOrderTheyEnd(SimulatedRuntime sim) throws Exception {
        try (var set = JoinSet.<Integer>create()) {
            for (int i = 0; i < 6; i++) {
                int number = i;
                set.spawn(
                        () -> {
                            Thread.sleep(sim.random().nextInt(4));
                            return number;
                        });
            }
            int seen = 0;
            for (JoinHandle<Integer> next; (next = set.joinNext()) != null; ) {
                assertTrue(next.isDone());
                seen |= 1 << next.join();
            }
            assertEquals(0b111111, seen);
            assertNull(set.tryJoinNext());
        }
    }

    @SimulationTest(seeds = 300)
    void aScopeEndsAfterAllItsTasksWhoeverFails(SimulatedRuntime sim) throws Exception {
        var alive = new AtomicInteger();
        int failing = sim.random().nextInt(6);
        boolean failed = false;
        try (var scope = Scope.open(Scope.failFast())) {
            for (int i = 0; i < 4; i++) {
                int number = i;
                scope.spawn(
                        () -> {
                            alive.incrementAndGet();
                            try {
                                Thread.sleep(sim.random().nextInt(3));
                                if (number == failing) {
                                    throw new IllegalStateException("as told");
                                }
                                return number;
                            } finally {
                                alive.decrementAndGet();
                            }
                        });
            }
            scope.join();
        } catch (Exception e) {
            failed = true;
        }
        assertEquals(failing < 4, failed);
        assertEquals(0, alive.get());
    }

    @SimulationTest(seeds = 300)
    void cancellingATokenReachesEveryChildOnce(SimulatedRuntime sim) throws Exception {
        var root = CancellationToken.create();
        var calls = new AtomicInteger();
        var fibers = new ArrayList<JoinHandle<Boolean>>();
        for (int i = 0; i < 4; i++) {
            fibers.add(
                    Handle.current()
                            .spawn(
                                    () -> {
                                        var child = root.child();
                                        var registration = child.onCancel(calls::incrementAndGet);
                                        assertNotNull(registration);
                                        child.await();
                                        return child.isCancelled();
                                    }));
        }
        Thread.sleep(sim.random().nextInt(2));
        assertTrue(root.cancel());
        assertFalse(root.cancel());
        for (JoinHandle<Boolean> fiber : fibers) {
            assertTrue(fiber.join());
        }
        assertEquals(4, calls.get());
    }

    @SimulationTest(seeds = 200)
    void anExceptionReachesEveryJoiner(SimulatedRuntime sim) throws Exception {
        JoinHandle<Integer> task =
                Handle.current()
                        .spawn(
                                () -> {
                                    Thread.sleep(sim.random().nextInt(2));
                                    throw new IllegalStateException("as told");
                                });
        for (int i = 0; i < 3; i++) {
            var e = assertThrows(Exception.class, task::join);
            var cause = assertInstanceOf(IllegalStateException.class, e.getCause());
            assertEquals("as told", cause.getMessage());
        }
    }

    @SimulationTest(seeds = 200)
    void pollTasksAndFibersShareTheVirtualTime(SimulatedRuntime sim) throws Exception {
        var hours = List.of(1 + sim.random().nextInt(3), 1 + sim.random().nextInt(3));
        int shorter = Math.min(hours.get(0), hours.get(1));
        var sleeps = hours.stream().map(h -> Futures.sleep(Duration.ofHours(h))).toList();
        JoinHandle<Integer> first =
                Handle.current().spawnFuture(Futures.select(sleeps).map(Selected::index));
        assertEquals(shorter, hours.get(first.join()));
        assertEquals(Duration.ofHours(shorter), sim.time());
        JoinHandle<String> cancelled =
                Handle.current().spawnFuture(Futures.sleep(Duration.ofDays(1)).map(v -> "late"));
        Thread.sleep(sim.random().nextInt(3));
        assertTrue(cancelled.cancel());
        assertThrows(CancellationException.class, cancelled::join);
    }

    @SimulationTest(seeds = 200)
    void aScheduledTaskRunsAtItsTimesUntilItIsCancelled(SimulatedRuntime sim) throws Exception {
        var runs = new AtomicInteger();
        try (var executor = Handle.current().asScheduledExecutorService()) {
            var task = executor.scheduleAtFixedRate(runs::incrementAndGet, 1, 1, TimeUnit.MINUTES);
            sim.advance(Duration.ofHours(1).plusSeconds(30));
            assertEquals(60, runs.get());
            assertTrue(task.cancel(false));
            sim.advance(Duration.ofHours(1));
            assertEquals(60, runs.get());
            assertEquals(7, executor.schedule(() -> 7, 1, TimeUnit.DAYS).get());
        }
    }

    @SimulationTest(seeds = 100)
    void jobsRunOnceInsideTheSimulation(SimulatedRuntime sim) throws Exception {
        var runs = new AtomicInteger();
        for (int i = 0; i < 5; i++) {
            Handle.current().execute(runs::incrementAndGet);
        }
        Thread.sleep(1);
        assertEquals(5, runs.get());
    }
}
