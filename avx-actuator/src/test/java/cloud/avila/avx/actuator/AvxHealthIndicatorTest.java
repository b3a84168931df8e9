package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.WorkerState;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

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
}
