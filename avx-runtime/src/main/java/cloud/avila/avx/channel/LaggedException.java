package cloud.avila.avx.channel;

/**
 * Thrown once to a receiver of a {@link Broadcast} that was too slow, when messages it had not
 * received were overwritten. The receiver goes on with the oldest message that is left.
 */
public class LaggedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** How many messages were missed. */
    private final long missed;

    /**
     * An exception.
     *
     * @param missed how many messages the receiver has missed
     */
    public LaggedException(long missed) {
        super("the receiver lagged behind and missed " + missed + " messages");
        this.missed = missed;
    }

    /**
     * How many messages were missed.
     *
     * @return at least 1; exactly those between the last message received and the next
     */
    public long missed() {
        return missed;
    }
}
