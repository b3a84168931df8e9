package cloud.avila.avx.sample.monitor;

import cloud.avila.avx.sample.pipeline.Gateway;
import cloud.avila.avx.sample.pipeline.PipelineStatus;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.stereotype.Component;

/** Down while lines are shed or cannot be stored. */
@Component
class GatewayHealthIndicator extends AbstractHealthIndicator {
    private final Gateway gateway;

    GatewayHealthIndicator(Gateway gateway) {
        this.gateway = gateway;
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        PipelineStatus status = gateway.pipelineStatus();
        boolean down = gateway.isFailing() || status.phase() == PipelineStatus.Phase.ENDED;
        builder.status(down ? "DOWN" : "UP").withDetail("phase", status.phase().label());
        if (status.journalFailure() != null) {
            builder.withDetail("journal", status.journalFailure());
        }
        if (status.storeFailure() != null) {
            builder.withDetail("store", status.storeFailure());
        }
    }
}
