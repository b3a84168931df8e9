package cloud.avila.avx.sample.journal;

import java.io.IOException;

/** The journal has reached its size limit. */
public final class JournalFullException extends IOException {
    private static final long serialVersionUID = 1L;

    JournalFullException(long size, long limit) {
        super(
                "the journal holds "
                        + size
                        + " bytes that the database has not confirmed, the limit"
                        + " gateway.journal.max-size is "
                        + limit);
    }
}
