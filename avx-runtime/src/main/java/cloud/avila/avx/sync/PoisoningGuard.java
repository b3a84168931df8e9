package cloud.avila.avx.sync;

/**
 * Holds a {@link Mutex} for a change that must not be left half done. Closing it before {@link
 * #complete()} poisons the mutex.
 *
 * {@snippet :
 * try (var g = mutex.acquirePoisoning()) {
 *     from.balance -= amount;
 *     to.balance += amount; // if this fails, nobody goes on with what is there
 *     g.complete();
 * }
 * }
 */
public interface PoisoningGuard extends Guard {
    /**
     * Says that the change is whole, so that closing does not poison the mutex. Called by the
     * holder, once or more.
     */
    void complete();
}
