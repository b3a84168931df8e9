package cloud.avila.avx.sync;

/** Thrown to those who acquire, or wait to acquire, from a {@link Semaphore} that was closed. */
public class SemaphoreClosedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a message.
     *
     * @param message what was attempted
     */
    public SemaphoreClosedException(String message) {
        super(message);
    }
}
