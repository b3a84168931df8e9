package cloud.avila.avx.sync;

/** Thrown to those who acquire, or wait to acquire, from a {@link RateLimiter} that was closed. */
public class RateLimiterClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a message.
     *
     * @param message what was attempted
     */
    public RateLimiterClosedException(String message) {
        super(message);
    }
}
