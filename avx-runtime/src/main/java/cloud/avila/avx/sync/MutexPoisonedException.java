package cloud.avila.avx.sync;

/** Thrown by {@link Mutex#acquirePoisoning()} when an earlier holder has left its change undone. */
public class MutexPoisonedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception with a message.
     *
     * @param message what happened, and what to do
     */
    public MutexPoisonedException(String message) {
        super(message);
    }
}
