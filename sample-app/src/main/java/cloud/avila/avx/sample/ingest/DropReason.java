package cloud.avila.avx.sample.ingest;

import java.util.Locale;

/** Why a well-formed line was shed before it was accepted. */
public enum DropReason {
    /** The queue was full; UDP only, TCP senders are made to wait instead. */
    QUEUE_FULL,
    /** The journal could not be written. */
    JOURNAL_FAILED,
    /** The journal has reached its size limit, because the database does not keep up. */
    JOURNAL_FULL,
    /** The application was stopping. */
    STOPPING;

    private final String label = name().toLowerCase(Locale.ROOT).replace('_', '-');

    /**
     * The name used in JSON, meters and logs.
     *
     * @return lower case, with dashes
     */
    public String label() {
        return label;
    }
}
