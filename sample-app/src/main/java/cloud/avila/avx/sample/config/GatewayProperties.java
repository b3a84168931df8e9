package cloud.avila.avx.sample.config;

import cloud.avila.avx.sample.journal.FsyncPolicy;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.nio.file.Path;
import java.time.Duration;

/**
 * The gateway's settings.
 *
 * @param dataDir where the journal and the database lie; created if missing
 * @param statsd the UDP listener
 * @param graphite the TCP listener
 * @param ingest the way from listeners to the journal
 * @param flush windows
 * @param journal the write-ahead journal
 * @param store the database
 * @param query the HTTP queries
 * @param stream the live stream
 * @param selfMonitoring the feed of the application's own metrics into itself
 */
@ConfigurationProperties("gateway")
public record GatewayProperties(
        @DefaultValue("gateway-data") Path dataDir,
        @DefaultValue Statsd statsd,
        @DefaultValue Graphite graphite,
        @DefaultValue Ingest ingest,
        @DefaultValue Flush flush,
        @DefaultValue Journal journal,
        @DefaultValue Store store,
        @DefaultValue Query query,
        @DefaultValue Stream stream,
        @DefaultValue SelfMonitoring selfMonitoring) {

    /**
     * The StatsD listener.
     *
     * @param address local address to bind
     * @param port UDP port; 0 takes a free one
     * @param receiveBuffer the socket's receive buffer, which holds bursts
     */
    public record Statsd(
            @DefaultValue("0.0.0.0") String address,
            @DefaultValue("8125") int port,
            @DefaultValue("4MB") DataSize receiveBuffer) {}

    /**
     * The Graphite listener.
     *
     * @param address local address to bind
     * @param port TCP port; 0 takes a free one
     * @param maxConnections connections beyond are closed at once and counted
     * @param idleTimeout a connection that sends nothing for so long is closed and counted
     * @param lineTimeout a connection that takes so long for one line is closed and counted
     */
    public record Graphite(
            @DefaultValue("0.0.0.0") String address,
            @DefaultValue("2003") int port,
            @DefaultValue("10000") int maxConnections,
            @DefaultValue("2m") Duration idleTimeout,
            @DefaultValue("30s") Duration lineTimeout) {
        /** Checks the values. */
        public Graphite {
            require(maxConnections > 0, "graphite.max-connections", maxConnections, "at least 1");
            requirePositive(idleTimeout, "graphite.idle-timeout");
            requirePositive(lineTimeout, "graphite.line-timeout");
        }
    }

    /**
     * The way from listeners to the journal.
     *
     * @param queueCapacity the most lines waiting
     * @param maxSeries the most metric names; lines with further names are refused and counted
     */
    public record Ingest(
            @DefaultValue("16384") int queueCapacity, @DefaultValue("50000") int maxSeries) {
        /** Checks the values. */
        public Ingest {
            require(queueCapacity > 0, "ingest.queue-capacity", queueCapacity, "at least 1");
            require(maxSeries > 0, "ingest.max-series", maxSeries, "at least 1");
        }
    }

    /**
     * Windows.
     *
     * @param interval the length of a window, and how often the database is written
     * @param maxValues the most values of a window; a fuller one is written early
     */
    public record Flush(
            @DefaultValue("1s") Duration interval, @DefaultValue("100000") int maxValues) {
        /** Checks the values. */
        public Flush {
            require(
                    interval.toMillis() >= 10,
                    "flush.interval",
                    interval,
                    "at least 10 milliseconds");
            require(maxValues >= 10_000, "flush.max-values", maxValues, "at least 10000");
        }
    }

    /**
     * The write-ahead journal.
     *
     * @param fsync when to force it to the device
     * @param fsyncInterval how often, with the policy {@code interval}
     * @param segmentSize the size of one file
     * @param maxSize the size of all files; lines beyond are shed and counted
     */
    public record Journal(
            @DefaultValue("interval") FsyncPolicy fsync,
            @DefaultValue("50ms") Duration fsyncInterval,
            @DefaultValue("16MB") DataSize segmentSize,
            @DefaultValue("256MB") DataSize maxSize) {
        /** Checks the values. */
        public Journal {
            requirePositive(fsyncInterval, "journal.fsync-interval");
            require(segmentSize.toBytes() > 0, "journal.segment-size", segmentSize, "positive");
            require(
                    maxSize.toBytes() >= 2 * segmentSize.toBytes(),
                    "journal.max-size",
                    maxSize,
                    "at least twice gateway.journal.segment-size, " + segmentSize);
        }
    }

    /**
     * The database.
     *
     * @param retention how long points of aggregated series are kept
     */
    public record Store(@DefaultValue("7d") Duration retention) {
        /** Checks the values. */
        public Store {
            requirePositive(retention, "store.retention");
        }
    }

    /**
     * The HTTP queries.
     *
     * @param maxPoints the most points of one answer; of more, the newest are given
     */
    public record Query(@DefaultValue("10000") int maxPoints) {
        /** Checks the values. */
        public Query {
            require(maxPoints > 0, "query.max-points", maxPoints, "at least 1");
        }
    }

    /**
     * The live stream.
     *
     * @param maxClients clients beyond are answered 503
     * @param buffer windows kept for a slow client before it misses some
     */
    public record Stream(@DefaultValue("200") int maxClients, @DefaultValue("64") int buffer) {
        /** Checks the values. */
        public Stream {
            require(maxClients > 0, "stream.max-clients", maxClients, "at least 1");
            require(buffer > 0, "stream.buffer", buffer, "at least 1");
        }
    }

    /**
     * The feed of the application's own metrics into itself.
     *
     * @param enabled whether there is one
     * @param interval how often it sends
     */
    public record SelfMonitoring(
            @DefaultValue("true") boolean enabled, @DefaultValue("1s") Duration interval) {
        /** Checks the values. */
        public SelfMonitoring {
            requirePositive(interval, "self-monitoring.interval");
        }
    }

    private static void requirePositive(Duration value, String name) {
        require(value.isPositive(), name, value, "positive");
    }

    private static void require(boolean condition, String name, Object value, String rule) {
        if (!condition) {
            throw new IllegalArgumentException(
                    "gateway." + name + " must be " + rule + ", but is " + value);
        }
    }
}
