package cloud.avila.avx.sample.line;

import java.util.Locale;

/** Why a line was refused before it entered the gateway. */
public enum RejectReason {
    /** The line lacks a part its protocol requires. */
    MALFORMED,
    /** The bytes are not UTF-8. */
    NOT_UTF8,
    /** The metric name is empty, too long, or holds control characters. */
    BAD_NAME,
    /** The value is not a finite decimal number, or a set member is empty or too long. */
    BAD_VALUE,
    /** The StatsD type is none of c, g, ms, h, d, s. */
    BAD_TYPE,
    /** The StatsD sample rate is not in (0, 1], or the type takes none. */
    BAD_SAMPLE_RATE,
    /** A tag has no name or no value. */
    BAD_TAG,
    /** The Graphite timestamp is not a number of seconds between 0 and the year 9999, nor -1. */
    BAD_TIMESTAMP,
    /** The line is longer than 8 KiB. */
    TOO_LONG,
    /** The connection ended inside a line, so the line may be cut short. */
    UNTERMINATED,
    /** The line would start one series more than the gateway is set to keep. */
    TOO_MANY_SERIES;

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
