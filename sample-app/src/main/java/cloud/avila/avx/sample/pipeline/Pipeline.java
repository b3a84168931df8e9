package cloud.avila.avx.sample.pipeline;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.sample.aggregate.Aggregator;
import cloud.avila.avx.sample.aggregate.Window;
import cloud.avila.avx.sample.ingest.DropReason;
import cloud.avila.avx.sample.ingest.IngestQueue;
import cloud.avila.avx.sample.ingest.IngestStats;
import cloud.avila.avx.sample.ingest.QueuedSample;
import cloud.avila.avx.sample.ingest.SeriesLimit;
import cloud.avila.avx.sample.journal.Journal;
import cloud.avila.avx.sample.journal.JournalFullException;
import cloud.avila.avx.sample.journal.JournalReader;
import cloud.avila.avx.sample.journal.JournalRecord;
import cloud.avila.avx.sample.line.Sample;
import cloud.avila.avx.sample.live.LiveFeed;
import cloud.avila.avx.sample.store.Checkpoint;
import cloud.avila.avx.sample.store.PointStore;
import cloud.avila.avx.sample.store.SeriesDirectory;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/**
 * The one consumer of the queue: journals samples, makes windows of them, has the windows stored.
 *
 * <p>Invariant: the windows are a function of the journal. A window covers the records from the end
 * of the window before, and is stored in one transaction with its end position. So whatever is not
 * stored, because the process died, the database failed or is slow, is made again from the journal,
 * once. While the pipeline is <em>live</em> a sample goes into the window as it is journalled; as
 * soon as a window cannot take it, the pipeline stops doing so and reads windows from the journal
 * until it has caught up. Memory is bounded in every case: one window being filled, one being
 * stored.
 *
 * <p>It runs on a thread of the blocking pool, because it writes files and would hold a worker.
 */
final class Pipeline {
    private static final Logger LOG = LoggerFactory.getLogger(Pipeline.class);
    private static final int BATCH = 1024;
    private static final int CATCH_UP_STEP = 8 * BATCH;
    private static final Duration POLL = Duration.ofMillis(5);
    private static final long JOURNAL_RETRY_NANOS = Duration.ofMillis(250).toNanos();
    private static final long STORE_RETRY_NANOS = Duration.ofSeconds(1).toNanos();
    private static final long PURGE_PERIOD_NANOS = Duration.ofMinutes(10).toNanos();

    /** Work that goes on in the blocking pool: at most one piece at a time. */
    private sealed interface Background {
        JoinHandle<?> handle();

        record Storing(JoinHandle<?> handle, Window window, boolean synced) implements Background {}

        record Recovering(JoinHandle<Checkpoint> handle) implements Background {}

        record Purging(JoinHandle<List<String>> handle) implements Background {}
    }

    private final PipelineSettings settings;
    private final IngestQueue queue;
    private final IngestStats stats;
    private final SeriesLimit limit;
    private final Journal journal;
    private final PointStore store;
    private final SeriesDirectory directory;
    private final LiveFeed feed;
    private final Handle runtime;
    private final Clock clock;

    private final List<QueuedSample> batch = new ArrayList<>(BATCH);
    private final List<Sample> samples = new ArrayList<>(BATCH);

    private Aggregator aggregator;
    private @Nullable Background background;

    /** Where windows are read from while catching up; null while live. */
    private @Nullable JournalReader reader;

    /** Read, but not in the window, which cannot take it yet. */
    private @Nullable JournalRecord unread;

    /** The journal's position after the last sample that went into a window. */
    private long applied;

    private boolean storeFailed;
    private long storeRetryAt;
    private long journalRetryAt;
    private long nextPurge = System.nanoTime() + PURGE_PERIOD_NANOS;
    private boolean stopping;
    private boolean journalDiskFull;
    private boolean storeDiskFull;
    private @Nullable String journalFailure;
    private @Nullable String storeFailure;
    private long windowsStored;
    private long lastStoredMillis;
    private long damaged;

    private volatile PipelineStatus status = PipelineStatus.NOT_STARTED;

    Pipeline(
            PipelineSettings settings,
            IngestQueue queue,
            IngestStats stats,
            SeriesLimit limit,
            Journal journal,
            PointStore store,
            SeriesDirectory directory,
            LiveFeed feed,
            Handle runtime,
            Clock clock,
            Checkpoint checkpoint) {
        this.settings = settings;
        this.queue = queue;
        this.stats = stats;
        this.limit = limit;
        this.journal = journal;
        this.store = store;
        this.directory = directory;
        this.feed = feed;
        this.runtime = runtime;
        this.clock = clock;
        this.aggregator = aggregator(checkpoint);
        this.reader = journal.reader(checkpoint.position());
        this.applied = checkpoint.position();
    }

    private Aggregator aggregator(Checkpoint checkpoint) {
        return new Aggregator(
                settings.flushInterval(),
                settings.maxValues(),
                checkpoint.lastTime(),
                directory::newestValue);
    }

    PipelineStatus status() {
        return status;
    }

    /**
     * Runs until the queue is closed and drained and everything journalled is stored.
     *
     * @return true if nothing is left for the next start to replay
     */
    boolean run() throws InterruptedException {
        try {
            while (true) {
                batch.clear();
                if (stopping) {
                    Thread.sleep(POLL);
                } else {
                    stopping = queue.take(batch, BATCH, patience()) < 0;
                }
                long now = clock.millis();
                if (!batch.isEmpty()) {
                    accept(now);
                }
                force();
                advance(now);
                publishStatus();
                if (stopping && background == null && (isDone() || storeFailed)) {
                    return finish();
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.error("The pipeline ended unexpectedly, nothing is accepted until a restart", e);
            throw e;
        } finally {
            // senders must not wait for ever
            queue.close();
            try {
                journal.close();
            } catch (IOException e) {
                LOG.error("Could not close the journal", e);
            }
            PipelineStatus last = status;
            status =
                    new PipelineStatus(
                            PipelineStatus.Phase.ENDED,
                            last.journalFailure(),
                            last.storeFailure(),
                            last.isDiskFull(),
                            last.backlogBytes(),
                            last.windowsStored(),
                            last.lastStoredMillis(),
                            last.damagedRecords());
        }
    }

    private boolean isDone() {
        return reader == null && aggregator.isEmpty();
    }

    private boolean finish() {
        if (!isDone()) {
            LOG.warn(
                    "Stopping while the database cannot be written ({}); the journal keeps"
                            + " everything accepted for the next start",
                    storeFailure);
            return false;
        }
        if (journal.end() > 0) {
            try {
                store.sync();
                journal.release(applied);
            } catch (DataAccessException | IOException e) {
                LOG.warn("Could not shorten the journal; the next start reads it again", e);
            }
        }
        return true;
    }

    /** How long to wait for samples before looking at the clock again. */
    private Duration patience() {
        if (reader != null && !storeFailed) {
            return unread == null ? Duration.ZERO : POLL;
        }
        if (background != null) {
            return POLL;
        }
        long interval = settings.flushInterval().toMillis();
        return Duration.ofMillis(interval - Math.floorMod(clock.millis(), interval));
    }

    private void accept(long now) {
        samples.clear();
        for (QueuedSample queued : batch) {
            samples.add(queued.sample());
        }
        int from = 0;
        while (from < samples.size()) {
            int appended = append(from, now);
            if (appended == 0) {
                return;
            }
            count(from, from + appended);
            if (reader == null) {
                apply(from, from + appended, now);
            }
            from += appended;
        }
    }

    private int append(int from, long now) {
        int left = samples.size() - from;
        if (journalFailure != null && System.nanoTime() - journalRetryAt < 0) {
            stats.addDropped(DropReason.JOURNAL_FAILED, left);
            return 0;
        }
        try {
            int appended = journal.append(samples, from, now);
            if (journalFailure != null) {
                LOG.info("The journal can be written again");
                journalFailure = null;
            }
            return appended;
        } catch (JournalFullException e) {
            stats.addDropped(DropReason.JOURNAL_FULL, left);
            journalFailed(e);
        } catch (IOException e) {
            stats.addDropped(DropReason.JOURNAL_FAILED, left);
            journalFailed(e);
        }
        return 0;
    }

    private void journalFailed(IOException e) {
        if (journalFailure == null) {
            LOG.error("The journal cannot be written, lines are shed until it can", e);
        }
        journalDiskFull = DiskFull.isCauseOf(e);
        journalFailure = String.valueOf(e.getMessage());
        journalRetryAt = System.nanoTime() + JOURNAL_RETRY_NANOS;
    }

    private void count(int from, int to) {
        for (int i = from; i < to; i++) {
            stats.addAccepted(batch.get(i).protocol(), 1);
        }
    }

    private void apply(int from, int to, long now) {
        if (!aggregator.accepts(now, to - from) && background == null) {
            storeWindow();
        }
        if (aggregator.accepts(now, to - from)) {
            for (int i = from; i < to; i++) {
                aggregator.add(samples.get(i), now);
            }
            applied = journal.end();
        } else {
            reader = journal.reader(applied);
        }
    }

    private void force() {
        try {
            journal.forceIfDue(System.nanoTime());
        } catch (IOException e) {
            journalFailed(e);
        }
    }

    private void advance(long now) throws InterruptedException {
        completeBackground();
        if (background != null) {
            catchUp();
        } else if (storeFailed) {
            if (System.nanoTime() - storeRetryAt >= 0 && !stopping) {
                start(() -> new Background.Recovering(runtime.spawnBlocking(store::reopen)));
            }
        } else {
            catchUp();
            if (background == null
                    && (aggregator.isDue(now) || (stopping && !aggregator.isEmpty()))) {
                storeWindow();
            } else if (background == null && System.nanoTime() - nextPurge >= 0) {
                nextPurge = System.nanoTime() + PURGE_PERIOD_NANOS;
                long before = now - settings.retention().toMillis();
                start(
                        () ->
                                new Background.Purging(
                                        runtime.spawnBlocking(() -> store.purge(before))));
            }
        }
    }

    private void catchUp() {
        JournalReader source = reader;
        if (source == null || storeFailed) {
            return;
        }
        try {
            for (int i = 0; i < CATCH_UP_STEP; i++) {
                JournalRecord record = unread != null ? unread : source.next();
                if (record == null) {
                    damaged += source.damaged();
                    applied = Math.max(source.position(), journal.end());
                    leaveJournal();
                    return;
                }
                unread = record;
                if (!aggregator.accepts(record.receivedMillis(), 1)) {
                    if (background != null) {
                        return;
                    }
                    storeWindow();
                }
                aggregator.add(record.sample(), record.receivedMillis());
                unread = null;
                applied = source.position();
            }
        } catch (IOException e) {
            storeFailed("the journal cannot be read", e);
        }
    }

    private void leaveJournal() throws IOException {
        JournalReader source = reader;
        reader = null;
        unread = null;
        if (source != null) {
            source.close();
        }
    }

    private void storeWindow() {
        Window window = aggregator.seal(applied);
        boolean sync = journal.releasable(window.endPosition());
        start(
                () ->
                        new Background.Storing(
                                runtime.spawnBlocking(() -> store(window, sync)), window, sync));
    }

    private boolean store(Window window, boolean sync) {
        store.write(window);
        if (sync) {
            store.sync();
        }
        return true;
    }

    private void start(Supplier<Background> work) {
        try {
            background = work.get();
        } catch (RejectedExecutionException e) {
            storeFailed("the runtime has no thread for the database", e);
        }
    }

    private void completeBackground() throws InterruptedException {
        Background done = background;
        if (done == null || !done.handle().isDone()) {
            return;
        }
        background = null;
        try {
            switch (done) {
                case Background.Storing storing -> {
                    storing.handle().join();
                    stored(storing);
                }
                case Background.Recovering recovering -> recovered(recovering.handle().join());
                case Background.Purging purging -> purging.handle().join().forEach(limit::remove);
            }
        } catch (CompletionException e) {
            storeFailed("the database failed", e.getCause() == null ? e : e.getCause());
        } catch (CancellationException e) {
            storeFailed("the runtime is closing", e);
        }
    }

    private void stored(Background.Storing storing) {
        windowsStored++;
        lastStoredMillis = clock.millis();
        feed.publish(storing.window());
        if (storing.synced()) {
            try {
                journal.release(storing.window().endPosition());
            } catch (IOException e) {
                LOG.warn("Could not delete a journal segment, it is tried again", e);
            }
        }
    }

    /** Forgets everything made since, for the journal and the database know. */
    private void storeFailed(String what, Throwable cause) {
        if (!storeFailed) {
            LOG.error("{}; recovering until it can be used again", what, cause);
        }
        storeFailed = true;
        storeDiskFull = DiskFull.isCauseOf(cause);
        if (reader == null) {
            reader = journal.reader(applied);
        }
        storeFailure = what + ": " + cause.getMessage();
        storeRetryAt = System.nanoTime() + STORE_RETRY_NANOS;
    }

    private void recovered(Checkpoint checkpoint) {
        LOG.info(
                "The database can be used again, reading the journal from position {} to {}",
                checkpoint.position(),
                journal.end());
        try {
            leaveJournal();
        } catch (IOException e) {
            LOG.warn("Could not close a journal reader", e);
        }
        aggregator = aggregator(checkpoint);
        applied = checkpoint.position();
        reader = journal.reader(applied);
        storeFailed = false;
        storeFailure = null;
    }

    private void publishStatus() {
        JournalReader source = reader;
        status =
                new PipelineStatus(
                        storeFailed
                                ? PipelineStatus.Phase.STORE_FAILED
                                : source == null
                                        ? PipelineStatus.Phase.LIVE
                                        : PipelineStatus.Phase.CATCHING_UP,
                        journalFailure,
                        storeFailure,
                        (journalFailure != null && journalDiskFull)
                                || (storeFailure != null && storeDiskFull),
                        Math.max(0, journal.end() - applied),
                        windowsStored,
                        lastStoredMillis,
                        damaged + (source == null ? 0 : source.damaged()));
    }
}
