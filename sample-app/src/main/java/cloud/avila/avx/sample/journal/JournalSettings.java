package cloud.avila.avx.sample.journal;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How the journal works.
 *
 * @param directory where its segments lie
 * @param segmentSize when to begin the next segment, in bytes
 * @param maxSize the most bytes it keeps
 * @param fsync when to force
 * @param fsyncInterval the interval of {@link FsyncPolicy#INTERVAL}
 */
public record JournalSettings(
        Path directory,
        long segmentSize,
        long maxSize,
        FsyncPolicy fsync,
        Duration fsyncInterval) {}
