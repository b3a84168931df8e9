package cloud.avila.avx.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.simulation.junit.SimulationTest;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** What {@link SimulationTest} makes of a test. */
@Tag("simulation")
class SimulationExtensionTest {
    private static final List<Long> SEEDS = new ArrayList<>();

    private static TestExecutionSummary run(Class<?> tests) {
        SEEDS.clear();
        var listener = new SummaryGeneratingListener();
        var request =
                LauncherDiscoveryRequestBuilder.request()
                        .selectors(DiscoverySelectors.selectClass(tests))
                        .build();
        LauncherFactory.create().execute(request, listener);
        return listener.getSummary();
    }

    private static String message(TestExecutionSummary summary) {
        assertEquals(1, summary.getTestsFailedCount());
        return String.valueOf(summary.getFailures().getFirst().getException().getMessage());
    }

    static class Passing {
        private boolean fresh = true;

        @BeforeEach
        @AfterEach
        void outside() {
            assertTrue(Handle.tryCurrent().isEmpty());
        }

        @SimulationTest(seeds = 10)
        void runsInside(SimulatedRuntime sim) throws Exception {
            assertTrue(fresh);
            fresh = false;
            assertEquals(sim.handle(), Handle.current());
            SEEDS.add(sim.seed());
            sim.advance(Duration.ofDays(1));
            JoinHandle<Integer> one = Handle.current().spawn(() -> 1);
            assertEquals(1, one.join());
        }
    }

    @Test
    void aTestRunsOnceForEachSeedWithAnInstanceOfItsOwn() {
        TestExecutionSummary summary = run(Passing.class);
        assertEquals(10, summary.getTestsSucceededCount());
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L), SEEDS);
    }

    static class LosesAnUpdate {
        @SimulationTest(seeds = 1_000)
        void countsToTwo(SimulatedRuntime sim) throws InterruptedException {
            SEEDS.add(sim.seed());
            var count = new AtomicInteger();
            JoinHandle<Boolean> other = Handle.current().spawn(() -> increment(count));
            increment(count);
            other.join();
            assertEquals(2, count.get());
        }

        private static boolean increment(AtomicInteger count) {
            count.set(count.get() + 1);
            return true;
        }
    }

    @Test
    void theFirstSeedThatFailsIsNamedAndTheLastThatIsRun() {
        String message = message(run(LosesAnUpdate.class));
        long failed = SEEDS.getLast();
        assertTrue(SEEDS.size() < 1_000, "no seed found it");
        assertTrue(message.startsWith("seed " + failed + " failed at PT0S"), message);
        assertTrue(message.contains("@SimulationTest(seed = " + failed + "L)"), message);
        assertTrue(message.contains("expected: <2> but was: <1>"), message);
    }

    @Test
    void aSeedGivenByTheSystemPropertyIsRunAlone() {
        String first = message(run(LosesAnUpdate.class));
        long failed = SEEDS.getLast();
        System.setProperty(SimulationTest.SEED, Long.toString(failed));
        try {
            assertEquals(first, message(run(LosesAnUpdate.class)));
            assertEquals(List.of(failed), SEEDS);
        } finally {
            System.clearProperty(SimulationTest.SEED);
        }
    }

    @Test
    void numberAndFirstOfTheSeedsCanBeSetFromOutside() {
        System.setProperty(SimulationTest.FIRST, "-2");
        System.setProperty(SimulationTest.SEEDS, "3");
        try {
            assertEquals(3, run(Passing.class).getTestsSucceededCount());
            assertEquals(List.of(-2L, -1L, 0L), SEEDS);
        } finally {
            System.clearProperty(SimulationTest.FIRST);
            System.clearProperty(SimulationTest.SEEDS);
        }
    }

    static class Chosen {
        @SimulationTest(
                seed = {7, 9},
                stepTime = "PT1S",
                preemption = 0)
        void takesTime(SimulatedRuntime sim) {
            SEEDS.add(sim.seed());
            for (int i = 0; i < 20; i++) {
                Thread.yield();
            }
            assertTrue(sim.time().isPositive());
        }
    }

    @Test
    void seedsAndSettingsCanBeChosen() {
        assertEquals(2, run(Chosen.class).getTestsSucceededCount());
        assertEquals(List.of(7L, 9L), SEEDS);
    }

    static class Skipping {
        @SimulationTest(seeds = 3)
        void isNotForThisMachine(SimulatedRuntime sim) {
            SEEDS.add(sim.seed());
            Assumptions.abort("as told");
        }
    }

    @Test
    void anAbortedTestIsNoFailure() {
        TestExecutionSummary summary = run(Skipping.class);
        assertEquals(3, summary.getTestsAbortedCount());
        assertEquals(3, SEEDS.size());
    }

    static class Failing {
        @SimulationTest(seeds = 5)
        void throwsSomething(SimulatedRuntime sim) throws IOException {
            throw new IOException("as told by seed " + sim.seed());
        }
    }

    @Test
    void theCauseIsKept() {
        var failures = run(Failing.class).getFailures();
        assertEquals(1, failures.size());
        var cause =
                assertInstanceOf(IOException.class, failures.getFirst().getException().getCause());
        assertNotNull(cause);
        assertEquals("as told by seed 0", cause.getMessage());
    }
}
