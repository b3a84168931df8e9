package cloud.avila.avx.sample.statsd;

import cloud.avila.avx.sample.line.Decimal;
import cloud.avila.avx.sample.line.RejectReason;
import cloud.avila.avx.sample.line.RejectedLineException;
import cloud.avila.avx.sample.line.Sample;
import cloud.avila.avx.sample.line.SeriesName;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Parses {@code name:value|type[|@rate][|#tag:value,tag]}. Further sections, which some clients add
 * (container, timestamp), are ignored. A tag without a value gets the value {@code true}.
 */
public final class StatsdParser {
    private static final int MAX_MEMBER_LENGTH = 256;

    private StatsdParser() {}

    /**
     * Parses one line.
     *
     * @param line the line without its end
     * @return the sample
     * @throws RejectedLineException if the line is not StatsD
     */
    public static Sample parse(String line) throws RejectedLineException {
        int colon = line.indexOf(':');
        int bar = line.indexOf('|', colon + 1);
        if (colon < 0 || bar < 0) {
            throw new RejectedLineException(
                    RejectReason.MALFORMED, "not of the form name:value|type");
        }
        String value = line.substring(colon + 1, bar);
        String[] sections = line.substring(bar + 1).split("\\|", -1);
        double rate = 1;
        SortedMap<String, String> tags = Collections.emptySortedMap();
        for (int i = 1; i < sections.length; i++) {
            String section = sections[i];
            if (section.startsWith("@")) {
                rate = sampleRate(section.substring(1));
            } else if (section.startsWith("#")) {
                tags = tags(section.substring(1));
            }
        }
        String series = SeriesName.of(line.substring(0, colon), tags);
        return switch (sections[0]) {
            case "c" -> count(series, number(value), rate);
            case "ms", "h", "d" -> new Sample.Timing(series, number(value), 1 / rate);
            case "g" -> new Sample.Gauge(series, number(value), isSigned(value));
            case "s" -> new Sample.Member(series, member(value));
            default ->
                    throw new RejectedLineException(
                            RejectReason.BAD_TYPE,
                            "type '" + sections[0] + "' is none of c, g, ms, h, d, s");
        };
    }

    private static Sample count(String series, double value, double rate)
            throws RejectedLineException {
        double amount = value / rate;
        if (!Double.isFinite(amount)) {
            throw new RejectedLineException(
                    RejectReason.BAD_VALUE, value + " at rate " + rate + " overflows");
        }
        return new Sample.Count(series, amount);
    }

    private static double number(String value) throws RejectedLineException {
        return Decimal.parse(value, RejectReason.BAD_VALUE);
    }

    private static boolean isSigned(String value) {
        return value.startsWith("+") || value.startsWith("-");
    }

    private static String member(String value) throws RejectedLineException {
        if (value.isEmpty() || value.length() > MAX_MEMBER_LENGTH) {
            throw new RejectedLineException(
                    RejectReason.BAD_VALUE,
                    "a set member has 1 to "
                            + MAX_MEMBER_LENGTH
                            + " characters, not "
                            + value.length());
        }
        return value;
    }

    private static double sampleRate(String text) throws RejectedLineException {
        double rate = Decimal.parse(text, RejectReason.BAD_SAMPLE_RATE);
        if (rate <= 0 || rate > 1 || Double.isInfinite(1 / rate)) {
            throw new RejectedLineException(
                    RejectReason.BAD_SAMPLE_RATE, "sample rate " + text + " is not in (0, 1]");
        }
        return rate;
    }

    private static SortedMap<String, String> tags(String section) {
        var tags = new TreeMap<String, String>();
        for (String tag : section.split(",", -1)) {
            if (!tag.isEmpty()) {
                int colon = tag.indexOf(':');
                if (colon < 0) {
                    tags.put(tag, "true");
                } else {
                    tags.put(tag.substring(0, colon), tag.substring(colon + 1));
                }
            }
        }
        return tags;
    }
}
