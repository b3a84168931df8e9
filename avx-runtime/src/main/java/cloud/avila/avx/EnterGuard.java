package cloud.avila.avx;

/**
 * Makes a runtime the current one of a thread until it is closed, by the same thread. Guards nest;
 * they are closed in the reverse order of entering, which try-with-resources does.
 */
public interface EnterGuard extends AutoCloseable {
    /**
     * Makes the runtime that was current before current again. Does nothing the second time.
     *
     * @throws IllegalStateException if called by another thread than the one that entered, or while
     *     a guard entered later is still open
     */
    @Override
    void close();
}
