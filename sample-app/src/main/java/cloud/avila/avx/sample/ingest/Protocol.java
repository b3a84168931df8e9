package cloud.avila.avx.sample.ingest;

import java.util.Locale;

/** The protocols lines arrive in. */
public enum Protocol {
    /** StatsD over UDP. */
    STATSD,
    /** Graphite plaintext over TCP. */
    GRAPHITE;

    private final String label = name().toLowerCase(Locale.ROOT);

    /**
     * The name used in JSON, meters and logs.
     *
     * @return lower case
     */
    public String label() {
        return label;
    }
}
