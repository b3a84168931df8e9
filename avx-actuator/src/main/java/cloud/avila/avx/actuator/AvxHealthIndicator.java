package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * Says whether a runtime still runs tasks. A stuck worker does not make it unhealthy, because the
 * others go on; how often that happened is a detail.
 */
final class AvxHealthIndicator extends AbstractHealthIndicator {
    private final AvxRuntime runtime;

    AvxHealthIndicator(AvxRuntime runtime) {
        super("The AVX runtime did not give its metrics");
        this.runtime = runtime;
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        check(builder, RuntimeState.of(runtime), runtime.metrics());
    }

    static void check(Health.Builder builder, RuntimeState state, RuntimeMetrics m) {
        int workers = m.workers().size();
        long ended = m.workers().stream().filter(w -> w.state() == WorkerState.TERMINATED).count();
        builder.withDetail("runtime", m.runtime())
                .withDetail("driver", m.driver())
                .withDetail("fibers", m.fibers())
                .withDetail("workers", workers)
                .withDetail("stalls", m.stalls());
        switch (state) {
            case CLOSED -> builder.down().withDetail("reason", "the runtime has been closed");
            case CLOSING ->
                    builder.outOfService()
                            .withDetail(
                                    "reason",
                                    "the runtime is closing and refuses new tasks; "
                                            + m.live()
                                            + " are left");
            case RUNNING -> {
                if (ended == 0) {
                    builder.up();
                } else {
                    builder.down()
                            .withDetail("reason", ended + " of " + workers + " workers have ended");
                }
            }
        }
    }
}
