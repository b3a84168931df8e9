package cloud.avila.avx.sample.line;

/** Decimal numbers as the protocols define them: no hexadecimal, no suffixes, no NaN. */
public final class Decimal {
    private Decimal() {}

    /**
     * Parses a finite decimal number.
     *
     * @param text digits with optional sign, point and exponent
     * @param reason the reason to reject under
     * @return the number
     * @throws RejectedLineException if the text is anything else, or overflows a double
     */
    public static double parse(String text, RejectReason reason) throws RejectedLineException {
        if (!text.isEmpty() && hasOnlyDecimalCharacters(text)) {
            try {
                double value = Double.parseDouble(text);
                if (Double.isFinite(value)) {
                    return value;
                }
            } catch (NumberFormatException notANumber) {
                // said below, together with the other cases
            }
        }
        throw new RejectedLineException(reason, "'" + text + "' is not a finite decimal number");
    }

    private static boolean hasOnlyDecimalCharacters(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E') {
                return false;
            }
        }
        return true;
    }
}
