package cloud.avila.avx.metrics;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.HexFormat;

/** Writes JSON (RFC 8259), ASCII only, so that no encoding on the way can spoil it. */
final class Json {
    private final StringBuilder out = new StringBuilder();
    private boolean first = true; // of its object or array

    Json beginObject() {
        return begin('{');
    }

    void endObject() {
        end('}');
    }

    Json beginArray() {
        return begin('[');
    }

    void endArray() {
        end(']');
    }

    private Json begin(char bracket) {
        separate();
        out.append(bracket);
        first = true;
        return this;
    }

    private void end(char bracket) {
        out.append(bracket);
        first = false;
    }

    Json name(String name) {
        string(name);
        out.append(':');
        first = true; // no comma before the value
        return this;
    }

    void number(long value) {
        separate();
        out.append(value);
    }

    void bool(boolean value) {
        separate();
        out.append(value);
    }

    void seconds(Duration value) {
        separate();
        out.append(
                BigDecimal.valueOf(value.getSeconds())
                        .add(BigDecimal.valueOf(value.getNano(), 9))
                        .toPlainString());
    }

    void string(@Nullable String value) {
        separate();
        if (value == null) {
            out.append("null");
            return;
        }
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c >= ' ' && c < 127) {
                        out.append(c);
                    } else {
                        appendEscaped(out, c);
                    }
                }
            }
        }
        out.append('"');
    }

    private void separate() {
        if (!first) {
            out.append(',');
        }
        first = false;
    }

    private static void appendEscaped(StringBuilder out, char c) {
        out.append("\\u").append(HexFormat.of().toHexDigits(c));
    }

    /** A string that stays on its line of a text: control characters are escaped. */
    static String printable(String text) {
        var safe = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) || c == 0x2028 || c == 0x2029) {
                appendEscaped(safe, c);
            } else {
                safe.append(c);
            }
        }
        return safe.toString();
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
