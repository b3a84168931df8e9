package cloud.avila.avx.internal.reactor;

/** Something of the system that has to be closed, and that the leak detector looks after. */
public interface IoResource extends AutoCloseable {
    /**
     * Whether it is not closed yet.
     *
     * @return whether it is open
     */
    boolean isOpen();

    /** Closes it. Idempotent. */
    @Override
    void close();
}
