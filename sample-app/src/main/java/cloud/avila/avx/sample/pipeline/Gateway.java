package cloud.avila.avx.sample.pipeline;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.sample.config.GatewayProperties;
import cloud.avila.avx.sample.graphite.ConnectionStats;
import cloud.avila.avx.sample.graphite.GraphiteListener;
import cloud.avila.avx.sample.ingest.IngestQueue;
import cloud.avila.avx.sample.ingest.IngestStats;
import cloud.avila.avx.sample.ingest.SeriesLimit;
import cloud.avila.avx.sample.journal.Journal;
import cloud.avila.avx.sample.journal.JournalSettings;
import cloud.avila.avx.sample.journal.SegmentFile;
import cloud.avila.avx.sample.live.LiveFeed;
import cloud.avila.avx.sample.statsd.StatsdListener;
import cloud.avila.avx.sample.store.Checkpoint;
import cloud.avila.avx.sample.store.PointStore;
import cloud.avila.avx.sample.store.SeriesDirectory;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeoutException;

/**
 * Starts and stops the parts in order. Start: database, journal, pipeline, listeners. Stop, before
 * the web server and the runtime: live streams, listeners, then the pipeline, which stores what is
 * queued and journalled.
 */
@Component
public class Gateway implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);

    /** Above the web server's, whose graceful end waits for live streams to end. */
    private static final int PHASE = Integer.MAX_VALUE - 512;

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(25);

    private final GatewayProperties properties;
    private final AvxRuntime runtime;
    private final IngestQueue queue;
    private final IngestStats stats;
    private final SeriesLimit limit;
    private final PointStore store;
    private final SeriesDirectory directory;
    private final LiveFeed feed;
    private final StatsdListener statsd;
    private final GraphiteListener graphite;
    private final SegmentFile.Factory files;
    private final Clock clock;

    private volatile @Nullable Pipeline pipeline;
    private volatile @Nullable Journal journal;
    private @Nullable JoinHandle<Boolean> running;

    Gateway(
            GatewayProperties properties,
            AvxRuntime runtime,
            IngestQueue queue,
            IngestStats stats,
            SeriesLimit limit,
            PointStore store,
            SeriesDirectory directory,
            LiveFeed feed,
            StatsdListener statsd,
            GraphiteListener graphite,
            SegmentFile.Factory files,
            Clock clock) {
        this.properties = properties;
        this.runtime = runtime;
        this.queue = queue;
        this.stats = stats;
        this.limit = limit;
        this.store = store;
        this.directory = directory;
        this.feed = feed;
        this.statsd = statsd;
        this.graphite = graphite;
        this.files = files;
        this.clock = clock;
    }

    @Override
    public void start() {
        Checkpoint checkpoint = store.recover();
        directory.all().forEach(series -> limit.addKnown(series.name()));
        Journal opened = openJournal(checkpoint);
        var created =
                new Pipeline(
                        new PipelineSettings(
                                properties.flush().interval(),
                                properties.flush().maxValues(),
                                properties.store().retention()),
                        queue,
                        stats,
                        limit,
                        opened,
                        store,
                        directory,
                        feed,
                        runtime.handle(),
                        clock,
                        checkpoint);
        journal = opened;
        pipeline = created;
        running = runtime.spawnBlocking(created::run);
        statsd.start();
        graphite.start();
        LOG.info(
                "Listening for StatsD on udp {} and Graphite on tcp {}; data in {}",
                statsd.address(),
                graphite.address(),
                properties.dataDir().toAbsolutePath().normalize());
    }

    private Journal openJournal(Checkpoint checkpoint) {
        GatewayProperties.Journal settings = properties.journal();
        try {
            return Journal.open(
                    new JournalSettings(
                            properties.dataDir().resolve("journal"),
                            settings.segmentSize().toBytes(),
                            settings.maxSize().toBytes(),
                            settings.fsync(),
                            settings.fsyncInterval()),
                    files,
                    checkpoint.position());
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the journal in " + properties.dataDir() + " cannot be read", e);
        }
    }

    @Override
    public void stop() {
        JoinHandle<Boolean> ending = running;
        if (ending == null) {
            return;
        }
        running = null;
        feed.close();
        statsd.close();
        graphite.close();
        queue.close();
        try {
            if (ending.join(STOP_TIMEOUT)) {
                LOG.info("Stored everything accepted");
            }
        } catch (TimeoutException e) {
            LOG.warn(
                    "Storing took longer than {}; the journal keeps the rest for the next start",
                    STOP_TIMEOUT);
            ending.cancel();
        } catch (CompletionException e) {
            LOG.warn("The pipeline failed; the journal keeps what was accepted", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return running != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /**
     * What became of the lines.
     *
     * @return the counters
     */
    public IngestStats stats() {
        return stats;
    }

    /**
     * The queue before the pipeline.
     *
     * @return the queue
     */
    public IngestQueue queue() {
        return queue;
    }

    /**
     * The live streams.
     *
     * @return the feed
     */
    public LiveFeed feed() {
        return feed;
    }

    /**
     * The Graphite connections.
     *
     * @return their counters
     */
    public ConnectionStats connections() {
        return graphite.stats();
    }

    /**
     * How many Graphite connections are taken.
     *
     * @return the limit
     */
    public int connectionLimit() {
        return properties.graphite().maxConnections();
    }

    /**
     * What the pipeline is doing.
     *
     * @return its status
     */
    public PipelineStatus pipelineStatus() {
        Pipeline present = pipeline;
        return present == null ? PipelineStatus.NOT_STARTED : present.status();
    }

    /**
     * Whether lines or windows cannot be written.
     *
     * @return true while the journal or the database cannot be written, whatever the reason
     */
    public boolean isFailing() {
        PipelineStatus status = pipelineStatus();
        return status.journalFailure() != null || status.storeFailure() != null;
    }

    /**
     * Bytes in the journal.
     *
     * @return the size of its files
     */
    public long journalBytes() {
        Journal present = journal;
        return present == null ? 0 : present.size();
    }

    /**
     * Files of the journal.
     *
     * @return their number
     */
    public int journalSegments() {
        Journal present = journal;
        return present == null ? 0 : present.segmentCount();
    }

    /**
     * Series stored.
     *
     * @return their number
     */
    public int seriesCount() {
        return directory.size();
    }

    /**
     * Where the gateway listens.
     *
     * @return protocol to local address
     */
    public Map<String, String> listeners() {
        var listeners = new TreeMap<String, String>();
        listeners.put("statsd", text(statsd.address()));
        listeners.put("graphite", text(graphite.address()));
        return listeners;
    }

    private static String text(InetSocketAddress address) {
        return address.getAddress().getHostAddress() + ":" + address.getPort();
    }
}
