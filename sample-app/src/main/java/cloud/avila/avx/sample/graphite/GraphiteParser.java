package cloud.avila.avx.sample.graphite;

import cloud.avila.avx.sample.line.Decimal;
import cloud.avila.avx.sample.line.RejectReason;
import cloud.avila.avx.sample.line.RejectedLineException;
import cloud.avila.avx.sample.line.Sample;
import cloud.avila.avx.sample.line.SeriesName;

import java.time.Clock;
import java.util.Collections;
import java.util.SortedMap;
import java.util.StringTokenizer;
import java.util.TreeMap;

/** Parses {@code name[;tag=value]* value timestamp}; the timestamp -1 means now. */
public final class GraphiteParser {
    private static final double LAST_SECOND_OF_YEAR_9999 = 253_402_300_799d;

    private final Clock clock;

    /**
     * Creates a parser.
     *
     * @param clock tells what the timestamp -1 stands for
     */
    public GraphiteParser(Clock clock) {
        this.clock = clock;
    }

    /**
     * Parses one line.
     *
     * @param line the line without its end
     * @return the point
     * @throws RejectedLineException if the line is not Graphite plaintext
     */
    public Sample.TimedPoint parse(String line) throws RejectedLineException {
        var fields = new StringTokenizer(line, " \t");
        int count = fields.countTokens();
        if (count != 3) {
            throw new RejectedLineException(
                    RejectReason.MALFORMED,
                    count + " fields instead of three: name, value, timestamp");
        }
        String series = series(fields.nextToken());
        double value = Decimal.parse(fields.nextToken(), RejectReason.BAD_VALUE);
        return new Sample.TimedPoint(series, epochMillis(fields.nextToken()), value);
    }

    private static String series(String path) throws RejectedLineException {
        String[] parts = path.split(";", -1);
        SortedMap<String, String> tags =
                parts.length == 1 ? Collections.emptySortedMap() : new TreeMap<>();
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 0) {
                throw new RejectedLineException(
                        RejectReason.BAD_TAG,
                        "tag '" + parts[i] + "' is not of the form name=value");
            }
            tags.put(parts[i].substring(0, equals), parts[i].substring(equals + 1));
        }
        return SeriesName.of(parts[0], tags);
    }

    private long epochMillis(String text) throws RejectedLineException {
        double seconds = Decimal.parse(text, RejectReason.BAD_TIMESTAMP);
        if (seconds == -1) {
            return clock.millis();
        }
        if (seconds < 0 || seconds > LAST_SECOND_OF_YEAR_9999) {
            throw new RejectedLineException(
                    RejectReason.BAD_TIMESTAMP,
                    text + " is not a number of seconds between 1970 and 9999");
        }
        return Math.round(seconds * 1000);
    }
}
