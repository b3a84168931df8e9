package cloud.avila.avx.actuator;

/** A request that cannot be done as it is; the message says what is wrong and what is expected. */
final class BadRequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadRequestException(String message) {
        super(message);
    }

    private BadRequestException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The number of a task. */
    static long id(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new BadRequestException("\"" + text + "\" is not the number of a task", e);
        }
    }

    /**
     * A number of a request.
     *
     * @param name what it is called there
     * @param text as it came
     * @param least the lowest allowed
     * @param most the highest allowed
     */
    static int number(String name, String text, int least, int most) {
        try {
            int value = Integer.parseInt(text.strip());
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // told below, with what is expected
        }
        throw new BadRequestException(
                "%s: \"%s\" is no whole number between %d and %d"
                        .formatted(name, text, least, most));
    }
}
