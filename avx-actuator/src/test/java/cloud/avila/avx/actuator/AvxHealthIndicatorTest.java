package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.actuator.AvxHealthIndicator.Problem;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

@Timeout(60)
class AvxHealthIndicatorTest {

    @Test
    void followsTheLifeOfTheRuntime() throws Exception {
        AvxRuntime runtime =
                AvxRuntime.create(RuntimeConfig.builder().name("orders").workerThreads(1).build());
        AvxHealthIndicator indicator = new AvxHealthIndicator(runtime);
        CountDownLatch release = new CountDownLatch(1);
        var task =
                runtime.spawn(
                        () -> {
                            release.await();
                            return 1;
                        });
        assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);

        Thread closer = Thread.ofPlatform().start(runtime::close);
        while (!runtime.isClosing()) {
            Thread.sleep(1);
        }
        Health closing = indicator.health();
        assertThat(closing.getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
        assertThat(closing.getDetails())
                .containsEntry(
                        "reason", "the runtime is closing and refuses new tasks; 1 are left");

        release.countDown();
        task.join();
        closer.join();
        Health closed = indicator.health();
        assertThat(closed.getStatus()).isEqualTo(Status.DOWN);
        assertThat(closed.getDetails()).containsEntry("reason", "the runtime has been closed");
    }

    @Test
    void isDownWhenAWorkerOfARunningRuntimeHasEnded() {
        Health.Builder builder = new Health.Builder();
        AvxHealthIndicator.check(
                builder,
                RuntimeState.RUNNING,
                Samples.runtime(WorkerState.RUNNING, WorkerState.TERMINATED));
        Health health = builder.build();
        assertThat(health.getStatus()).isEqualTo(Status.DOWN);
        assertThat(health.getDetails()).containsEntry("reason", "1 of 2 workers have ended");
    }

    @Test
    void isUpAfterTheRuntimeWasMadeSmaller() throws Exception {
        try (AvxRuntime runtime =
                AvxRuntime.create(RuntimeConfig.builder().workerThreads(3).build())) {
            AvxHealthIndicator indicator = new AvxHealthIndicator(runtime);
            runtime.resize(1);
            while (runtime.metrics().workers().get(2).state() != WorkerState.TERMINATED) {
                Thread.sleep(1);
            }
            Health health = indicator.health();
            assertThat(health.getStatus()).isEqualTo(Status.UP);
            assertThat(health.getDetails()).containsEntry("workers", 1);
        }
    }

    @Test
    void tellsOfAStuckWorkerAfterAWhile() throws Exception {
        try (AvxRuntime runtime =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(1)
                                .stallThreshold(Duration.ofMillis(30))
                                .build())) {
            var patient = new AvxHealthIndicator(runtime, with("down", Duration.ofHours(1)));
            var quick = new AvxHealthIndicator(runtime, with("down", Duration.ofMillis(50)));
            var showing = new AvxHealthIndicator(runtime, with("up", Duration.ofMillis(50)));
            try (var hog = new RunningApplication.Hog(runtime, "hog")) {
                while (quick.health().getStatus().equals(Status.UP)) {
                    Thread.sleep(5);
                }
                assertThat(quick.health().getStatus()).isEqualTo(Status.DOWN);
                assertThat("" + quick.health().getDetails().get("problems"))
                        .contains("stuck for at least PT0.05S: ", " with fiber \"hog\"");
                assertThat(patient.health().getStatus()).isEqualTo(Status.UP);
                assertThat(patient.health().getDetails()).doesNotContainKey("problems");
                assertThat(showing.health().getStatus()).isEqualTo(Status.UP);
                assertThat(showing.health().getDetails()).containsKey("problems");
            }
            while (!quick.health().getStatus().equals(Status.UP)) {
                Thread.sleep(5);
            }
        }
    }

    private static AvxHealthProperties with(String stallStatus, Duration stallAfter) {
        return new AvxHealthProperties(
                stallStatus,
                stallAfter,
                "up",
                Duration.ofSeconds(30),
                0.9,
                "degraded",
                Duration.ZERO);
    }

    @Test
    void tellsOfADeadlock() throws Exception {
        try (AvxRuntime runtime =
                AvxRuntime.create(
                        RuntimeConfig.builder().shutdownTimeout(Duration.ofMillis(100)).build())) {
            var indicator = new AvxHealthIndicator(runtime, with("up", Duration.ofSeconds(10)));
            assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
            try (var circle = new RunningApplication.Circle(runtime)) {
                while (indicator.health().getStatus().equals(Status.UP)) {
                    Thread.sleep(5);
                }
                Health health = indicator.health();
                assertThat(health.getStatus()).isEqualTo(new Status("DEGRADED"));
                assertThat("" + health.getDetails().get("problems"))
                        .contains("for ever: ", "\"transfer-1\"", "\"transfer-2\"");
            }
        }
    }

    @Test
    void searchesForDeadlocksOnlyNowAndThen() {
        try (AvxRuntime runtime = AvxRuntime.create()) {
            var indicator = new AvxHealthIndicator(runtime);
            assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
            try (var circle = new RunningApplication.Circle(runtime)) {
                while (runtime.findDeadlocks().isEmpty()) {
                    Thread.onSpinWait();
                }
                assertThat(indicator.health().getDetails()).doesNotContainKey("problems");
            }
        }
    }

    @Test
    void isSaturatedWhenNoWorkerWasIdleForLongAndTasksWait() {
        long[] now = {0};
        var properties =
                new AvxHealthProperties(
                        "up",
                        Duration.ofSeconds(10),
                        "up",
                        Duration.ofSeconds(30),
                        1,
                        "unknown",
                        Duration.ofSeconds(10));
        var saturation = new AvxHealthIndicator.Saturation(properties, () -> now[0]);
        RuntimeMetrics busy = Samples.runtime(WorkerState.RUNNING, WorkerState.SEARCHING);
        RuntimeMetrics idle = Samples.runtime(WorkerState.RUNNING, WorkerState.POLLING);
        assertThat(saturation.find(busy, 0)).isEmpty();
        now[0] += Duration.ofSeconds(29).toNanos();
        assertThat(saturation.find(busy, 0)).isEmpty();
        now[0] += Duration.ofSeconds(2).toNanos();
        assertThat(saturation.find(busy, 0))
                .singleElement()
                .asString()
                .startsWith("no worker has been idle for 31 s, and ")
                .endsWith(" tasks wait");
        assertThat(saturation.find(idle, 0)).isEmpty();
        assertThat(saturation.find(busy, 0)).isEmpty();
        now[0] += Duration.ofSeconds(29).toNanos();
        assertThat(saturation.find(busy, 0)).isEmpty();
    }

    @Test
    void isNotSaturatedWhileWorkersSleepOrGoToSleep() throws Exception {
        try (AvxRuntime runtime =
                AvxRuntime.create(RuntimeConfig.builder().workerThreads(2).build())) {
            long[] now = {0};
            var saturation =
                    new AvxHealthIndicator.Saturation(AvxHealthProperties.DEFAULTS, () -> now[0]);
            for (int i = 0; i < 20; i++) {
                runtime.spawn(() -> 1).join();
                assertThat(saturation.find(runtime.metrics(), 100)).isEmpty();
                now[0] += Duration.ofHours(1).toNanos();
                Thread.sleep(5);
            }
        }
    }

    @Test
    void isSaturatedWhenAQueueIsNearlyFull() throws Exception {
        try (AvxRuntime runtime =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .maxBlockingThreads(1)
                                .blockingQueueCapacity(10)
                                .build())) {
            var indicator =
                    new AvxHealthIndicator(
                            runtime,
                            new AvxHealthProperties(
                                    "up",
                                    Duration.ofSeconds(10),
                                    "out-of-service",
                                    Duration.ofSeconds(30),
                                    0.9,
                                    "unknown",
                                    Duration.ofSeconds(10)));
            var release = new CountDownLatch(1);
            List<JoinHandle<?>> tasks = new ArrayList<>();
            for (int i = 0; i < 9; i++) {
                tasks.add(
                        runtime.spawnBlocking(
                                () -> {
                                    release.await();
                                    return 1;
                                }));
            }
            while (runtime.metrics().blockingQueueDepth() != 8) {
                Thread.sleep(1);
            }
            assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
            tasks.add(runtime.spawnBlocking(() -> 1));
            Health health = indicator.health();
            assertThat(health.getStatus()).isEqualTo(Status.OUT_OF_SERVICE);
            assertThat(health.getDetails())
                    .containsEntry("problems", List.of("the queue of blocking tasks has 9 of 10"));
            release.countDown();
            for (JoinHandle<?> task : tasks) {
                task.join();
            }
            assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
        }
    }

    @Test
    void theWorstProblemCounts() {
        var up = new Problem(Status.UP, "a");
        var unknown = new Problem(Status.UNKNOWN, "b");
        var own = new Problem(new Status("DEGRADED"), "c");
        var down = new Problem(Status.DOWN, "d");
        assertThat(AvxHealthIndicator.worst(List.of(up, unknown))).isEqualTo(Status.UNKNOWN);
        assertThat(AvxHealthIndicator.worst(List.of(unknown, own))).isEqualTo(own.status());
        assertThat(AvxHealthIndicator.worst(List.of(own, down, up))).isEqualTo(Status.DOWN);
    }

    @Test
    void saysWhichPropertyIsWrong() {
        assertThatThrownBy(() -> with(" ", Duration.ZERO))
                .hasMessageStartingWith("avx.health.stall-status must name a status");
        assertThatThrownBy(() -> with("up", Duration.ofSeconds(-1)))
                .hasMessage("avx.health.stall-after must not be negative, but is PT-1S");
        assertThatThrownBy(
                        () ->
                                new AvxHealthProperties(
                                        "up",
                                        Duration.ZERO,
                                        "up",
                                        Duration.ZERO,
                                        1.1,
                                        "up",
                                        Duration.ZERO))
                .hasMessage(
                        "avx.health.queue-threshold must be above 0 and no more than 1, but is 1.1");
    }
}
