package cloud.avila.avx.sync;

/** Holds the write lock of a {@link RwLock} until it is closed. */
public interface WriteGuard extends Guard {
    /**
     * Turns the write lock into a read lock, without a moment in which another thread could write.
     * This guard is closed by that.
     *
     * @return the guard of the read lock, to close when done
     * @throws IllegalMonitorStateException if the calling thread does not hold the write lock
     * @throws IllegalStateException if this guard is closed
     */
    Guard downgrade();
}
