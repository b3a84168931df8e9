package cloud.avila.avx.sample.pipeline;

import org.jspecify.annotations.Nullable;

import java.util.Locale;

/**
 * What the pipeline is doing, for people.
 *
 * @param phase what it is doing
 * @param journalFailure why the journal cannot be written, or null
 * @param storeFailure why the database cannot be written, or null
 * @param isDiskFull whether one of the two is for want of space
 * @param backlogBytes journal bytes accepted and not yet handed to a window
 * @param windowsStored windows stored since start
 * @param lastStoredMillis when the last window was stored, in epoch milliseconds, or 0
 * @param damagedRecords places of the journal that could not be read
 */
public record PipelineStatus(
        Phase phase,
        @Nullable String journalFailure,
        @Nullable String storeFailure,
        boolean isDiskFull,
        long backlogBytes,
        long windowsStored,
        long lastStoredMillis,
        long damagedRecords) {
    /** Before the start. */
    static final PipelineStatus NOT_STARTED =
            new PipelineStatus(Phase.CATCHING_UP, null, null, false, 0, 0, 0, 0);

    /** What the pipeline is doing. */
    public enum Phase {
        /** Samples go from the queue to the journal and the window. */
        LIVE,
        /** Windows are made from the journal, which holds more than has been read. */
        CATCHING_UP,
        /** The database cannot be written; the journal takes what it can. */
        STORE_FAILED,
        /** The pipeline has ended. */
        ENDED;

        private final String label = name().toLowerCase(Locale.ROOT).replace('_', '-');

        /**
         * The name used in JSON.
         *
         * @return lower case, with dashes
         */
        public String label() {
            return label;
        }
    }
}
