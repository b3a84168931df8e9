package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/** Checks that {@link Mutex} makes plain code atomic, also while threads wait. */
public class MutexLincheckTest {
    // every waiter that loses demands a hand-off, so that both ways of unlocking are checked
    private final Mutex mutex = new Mutex(0);
    private int count;

    @Test
    void modelChecking() {
        Checks.modelCheck(MutexLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(MutexLincheckTest.class, Specification.class);
    }

    /** Locks, counts, unlocks. */
    @Operation
    public int lock() {
        mutex.lock();
        int n = ++count;
        mutex.unlock();
        return n;
    }

    /** Acquires, counts, closes. */
    @Operation
    public int acquire() throws InterruptedException {
        try (var guard = mutex.acquire()) {
            return ++count;
        }
    }

    /** The specification. */
    public static class Specification {
        private int count;

        /** Counts. */
        public int lock() {
            return ++count;
        }

        /** Counts. */
        public int acquire() {
            return ++count;
        }
    }
}
