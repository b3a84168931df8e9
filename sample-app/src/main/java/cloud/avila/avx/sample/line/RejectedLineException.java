package cloud.avila.avx.sample.line;

/**
 * A line that cannot be taken. Made without a stack trace: a flood of bad lines must stay cheap.
 */
public final class RejectedLineException extends Exception {
    private static final long serialVersionUID = 1L;

    private final RejectReason reason;

    /**
     * Creates the exception.
     *
     * @param reason the reason the line is counted under
     * @param message what is wrong, with the offending part
     */
    public RejectedLineException(RejectReason reason, String message) {
        super(message, null, false, false);
        this.reason = reason;
    }

    /**
     * The reason the line is counted under.
     *
     * @return the reason
     */
    public RejectReason reason() {
        return reason;
    }
}
