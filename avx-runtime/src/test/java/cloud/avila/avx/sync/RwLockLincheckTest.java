package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/** Checks that {@link RwLock} makes plain code atomic, whichever of its locks is used. */
public class RwLockLincheckTest {
    // every writer that loses demands a hand-off, so that both ways of unlocking are checked
    private final RwLock lock = new RwLock(0);
    private int count;
    private int copy;

    public RwLockLincheckTest() {
        lock.spread();
    }

    @Test
    void modelChecking() {
        Checks.modelCheck(RwLockLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(RwLockLincheckTest.class, Specification.class);
    }

    /** Reads. */
    @Operation
    public int read() throws InterruptedException {
        try (var r = lock.read()) {
            return count * 100 + copy;
        }
    }

    /** Reads without a lock, if possible. */
    @Operation
    public int readOptimistically() throws InterruptedException {
        long stamp = lock.tryOptimisticRead();
        int seen = count * 100 + copy;
        return lock.validate(stamp) ? seen : read();
    }

    /** Writes. */
    @Operation
    public int write() throws InterruptedException {
        try (var w = lock.write()) {
            return increment();
        }
    }

    /** Reads, then writes. */
    @Operation
    public int upgrade() throws InterruptedException {
        try (var u = lock.upgradeableRead()) {
            int seen = count;
            try (var w = u.upgrade()) {
                int now = increment();
                return seen == count - 1 ? now : -1;
            }
        }
    }

    /** Writes, then reads. */
    @Operation
    public int downgrade() throws InterruptedException {
        var w = lock.write();
        int now = increment();
        try (var r = w.downgrade()) {
            return count * 100 + copy == now ? now : -1;
        }
    }

    private int increment() {
        return ++count * 100 + ++copy;
    }

    /** The specification. */
    public static class Specification {
        private int count;

        /** Reads. */
        public int read() {
            return count * 101;
        }

        /** Reads. */
        public int readOptimistically() {
            return count * 101;
        }

        /** Writes. */
        public int write() {
            return ++count * 101;
        }

        /** Writes. */
        public int upgrade() {
            return ++count * 101;
        }

        /** Writes. */
        public int downgrade() {
            return ++count * 101;
        }
    }
}
