package cloud.avila.avx.sync;

/**
 * Permits taken from a {@link Semaphore}, which go back when this is closed. May be passed on and
 * closed by another thread than the one that acquired it.
 */
public interface Permit extends AutoCloseable {
    /**
     * How many permits this stands for.
     *
     * @return at least 0: as acquired, also after closing
     */
    int count();

    /** Gives the permits back. Does nothing the second time. */
    @Override
    void close();
}
