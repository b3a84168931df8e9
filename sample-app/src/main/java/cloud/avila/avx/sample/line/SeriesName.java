package cloud.avila.avx.sample.line;

import java.util.Map;
import java.util.SortedMap;

/**
 * The canonical form of a series name: {@code name;tag=value;tag=value}, tags in the order of their
 * names. White space and semicolons inside a part become underscores, so that the name survives
 * Graphite's format and a URL.
 */
public final class SeriesName {
    /** The longest canonical name, in characters. */
    public static final int MAX_LENGTH = 1024;

    private SeriesName() {}

    /**
     * Builds the canonical form.
     *
     * @param name the metric's name
     * @param tags the tags, sorted by name
     * @return the canonical name
     * @throws RejectedLineException if the name is empty or too long, a part holds control
     *     characters, or a tag has an empty name or value
     */
    public static String of(String name, SortedMap<String, String> tags)
            throws RejectedLineException {
        if (name.isBlank()) {
            throw new RejectedLineException(RejectReason.BAD_NAME, "the metric name is empty");
        }
        var canonical = new StringBuilder(name.length() + 16 * tags.size());
        append(canonical, name, false);
        for (Map.Entry<String, String> tag : tags.entrySet()) {
            if (tag.getKey().isBlank() || tag.getValue().isBlank()) {
                throw new RejectedLineException(
                        RejectReason.BAD_TAG,
                        "tag '" + tag.getKey() + "=" + tag.getValue() + "' lacks a name or value");
            }
            append(canonical.append(';'), tag.getKey(), true);
            append(canonical.append('='), tag.getValue(), false);
        }
        if (canonical.length() > MAX_LENGTH) {
            throw new RejectedLineException(
                    RejectReason.BAD_NAME,
                    "the name with its tags has "
                            + canonical.length()
                            + " characters, the limit is "
                            + MAX_LENGTH);
        }
        return canonical.toString();
    }

    /**
     * Adds a suffix to the metric's name, before its tags.
     *
     * @param series a canonical name
     * @param suffix what to add, with its dot
     * @return the canonical name of the derived series
     */
    public static String withSuffix(String series, String suffix) {
        int tags = series.indexOf(';');
        return tags < 0
                ? series + suffix
                : series.substring(0, tags) + suffix + series.substring(tags);
    }

    private static void append(StringBuilder out, String part, boolean tagName)
            throws RejectedLineException {
        for (int i = 0; i < part.length(); i++) {
            char c = part.charAt(i);
            if (c == ';' || Character.isWhitespace(c) || (tagName && c == '=')) {
                out.append('_');
            } else if (Character.isISOControl(c)) {
                throw new RejectedLineException(
                        RejectReason.BAD_NAME,
                        "control character U+%04X in the name".formatted((int) c));
            } else {
                out.append(c);
            }
        }
    }
}
