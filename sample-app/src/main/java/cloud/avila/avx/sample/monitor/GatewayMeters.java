package cloud.avila.avx.sample.monitor;

import cloud.avila.avx.sample.graphite.ConnectionStats;
import cloud.avila.avx.sample.ingest.DropReason;
import cloud.avila.avx.sample.ingest.IngestStats;
import cloud.avila.avx.sample.ingest.Protocol;
import cloud.avila.avx.sample.line.RejectReason;
import cloud.avila.avx.sample.pipeline.Gateway;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.springframework.stereotype.Component;

/** The gateway's counted effects as meters. */
@Component
class GatewayMeters implements MeterBinder {
    private final Gateway gateway;

    GatewayMeters(Gateway gateway) {
        this.gateway = gateway;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        lines(registry);
        connections(registry);
        Gauge.builder("gateway.queue.depth", gateway, g -> g.queue().depth())
                .description("Lines waiting to be journalled")
                .baseUnit("lines")
                .register(registry);
        Gauge.builder("gateway.journal.size", gateway, Gateway::journalBytes)
                .description("Size of the journal's files")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("gateway.journal.backlog", gateway, g -> g.pipelineStatus().backlogBytes())
                .description("Journal bytes that no window has read yet")
                .baseUnit("bytes")
                .register(registry);
        Gauge.builder("gateway.failing", gateway, g -> g.isFailing() ? 1 : 0)
                .description("1 while the journal or the database cannot be written")
                .register(registry);
        FunctionCounter.builder(
                        "gateway.windows.stored", gateway, g -> g.pipelineStatus().windowsStored())
                .description("Windows stored")
                .baseUnit("windows")
                .register(registry);
        Gauge.builder("gateway.series", gateway, Gateway::seriesCount)
                .description("Series stored")
                .baseUnit("series")
                .register(registry);
        Gauge.builder("gateway.stream.clients", gateway, g -> g.feed().clients())
                .description("Clients of the live stream")
                .baseUnit("clients")
                .register(registry);
        FunctionCounter.builder("gateway.stream.missed", gateway, g -> g.feed().missed())
                .description("Windows that slow clients of the live stream missed")
                .baseUnit("windows")
                .register(registry);
    }

    private void lines(MeterRegistry registry) {
        IngestStats stats = gateway.stats();
        for (Protocol protocol : Protocol.values()) {
            FunctionCounter.builder("gateway.lines.accepted", stats, s -> s.accepted(protocol))
                    .description("Lines in the journal")
                    .baseUnit("lines")
                    .tag("protocol", protocol.label())
                    .register(registry);
        }
        for (RejectReason reason : RejectReason.values()) {
            FunctionCounter.builder("gateway.lines.rejected", stats, s -> s.rejected(reason))
                    .description("Lines refused")
                    .baseUnit("lines")
                    .tag("reason", reason.label())
                    .register(registry);
        }
        for (DropReason reason : DropReason.values()) {
            FunctionCounter.builder("gateway.lines.dropped", stats, s -> s.dropped(reason))
                    .description("Lines shed")
                    .baseUnit("lines")
                    .tag("reason", reason.label())
                    .register(registry);
        }
    }

    private void connections(MeterRegistry registry) {
        ConnectionStats stats = gateway.connections();
        Gauge.builder("gateway.connections", stats, ConnectionStats::open)
                .description("Graphite connections open")
                .baseUnit("connections")
                .register(registry);
        FunctionCounter.builder("gateway.connections.refused", stats, ConnectionStats::refused)
                .description("Graphite connections closed because there were too many")
                .baseUnit("connections")
                .register(registry);
        FunctionCounter.builder("gateway.connections.timeout", stats, ConnectionStats::timedOut)
                .description("Graphite connections closed because they were silent or slow")
                .baseUnit("connections")
                .register(registry);
    }
}
