package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

import java.util.List;

/** Says whether a runtime still runs tasks. */
final class AvxHealthIndicator extends AbstractHealthIndicator {
    private final AvxRuntime runtime;

    AvxHealthIndicator(AvxRuntime runtime) {
        super("The AVX runtime did not give its metrics");
        this.runtime = runtime;
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        RuntimeMetrics m = runtime.metrics();
        List<WorkerMetrics> workers = m.workers();
        long ended = workers.stream().filter(w -> w.state() == WorkerState.TERMINATED).count();
        builder.withDetail("runtime", m.runtime())
                .withDetail("driver", m.driver())
                .withDetail("fibers", m.fibers())
                .withDetail("workers", workers.size())
                .withDetail("stalls", m.stalls());
        if (ended == 0) {
            builder.up();
        } else if (ended == workers.size()) {
            builder.outOfService().withDetail("reason", "the runtime is closed");
        } else {
            builder.down()
                    .withDetail("reason", ended + " of " + workers.size() + " workers have ended");
        }
    }
}
