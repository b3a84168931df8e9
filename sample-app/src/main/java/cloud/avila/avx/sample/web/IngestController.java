package cloud.avila.avx.sample.web;

import cloud.avila.avx.sample.ingest.DropReason;
import cloud.avila.avx.sample.ingest.IngestStats;
import cloud.avila.avx.sample.ingest.Protocol;
import cloud.avila.avx.sample.line.RejectReason;
import cloud.avila.avx.sample.pipeline.Gateway;
import cloud.avila.avx.sample.pipeline.PipelineStatus;

import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** Answers what became of the lines. */
@RestController
class IngestController {
    private final Gateway gateway;

    IngestController(Gateway gateway) {
        this.gateway = gateway;
    }

    record IngestReport(
            long accepted,
            Map<String, Long> acceptedByProtocol,
            long rejectedTotal,
            Map<String, Long> rejected,
            long dropped,
            Map<String, Long> droppedByReason,
            int queueDepth,
            int queueCapacity,
            boolean diskFull,
            Journal journal,
            Store store,
            Connections connections,
            Stream stream,
            Map<String, String> listeners) {}

    record Journal(
            String state,
            @Nullable String failure,
            long bytes,
            int segments,
            long damagedRecords) {}

    record Store(
            String state,
            @Nullable String failure,
            int series,
            long backlogBytes,
            long windowsStored,
            long lastStored) {}

    record Connections(
            int open, int limit, long accepted, long refused, long timedOut, long failed) {}

    record Stream(int clients, long missed) {}

    @GetMapping("/api/ingest")
    IngestReport report() {
        IngestStats stats = gateway.stats();
        Map<String, Long> accepted =
                counts(Protocol.values(), Protocol::label, stats::accepted, false);
        Map<String, Long> rejected =
                counts(RejectReason.values(), RejectReason::label, stats::rejected, true);
        Map<String, Long> dropped =
                counts(DropReason.values(), DropReason::label, stats::dropped, true);
        PipelineStatus status = gateway.pipelineStatus();
        return new IngestReport(
                sum(accepted),
                accepted,
                sum(rejected),
                rejected,
                sum(dropped),
                dropped,
                gateway.queue().depth(),
                gateway.queue().capacity(),
                status.isDiskFull(),
                new Journal(
                        status.journalFailure() == null ? "writable" : "failed",
                        status.journalFailure(),
                        gateway.journalBytes(),
                        gateway.journalSegments(),
                        status.damagedRecords()),
                new Store(
                        status.phase().label(),
                        status.storeFailure(),
                        gateway.seriesCount(),
                        status.backlogBytes(),
                        status.windowsStored(),
                        status.lastStoredMillis()),
                new Connections(
                        gateway.connections().open(),
                        gateway.connectionLimit(),
                        gateway.connections().accepted(),
                        gateway.connections().refused(),
                        gateway.connections().timedOut(),
                        gateway.connections().failed()),
                new Stream(gateway.feed().clients(), gateway.feed().missed()),
                gateway.listeners());
    }

    private static <E> Map<String, Long> counts(
            E[] keys, Function<E, String> label, ToLongFunction<E> count, boolean onlyPositive) {
        var counts = new TreeMap<String, Long>();
        for (E key : keys) {
            long value = count.applyAsLong(key);
            if (value > 0 || !onlyPositive) {
                counts.put(label.apply(key), value);
            }
        }
        return counts;
    }

    private static long sum(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }
}
