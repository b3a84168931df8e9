package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Checks {@link Semaphore} against a number. */
@Param(name = "permits", gen = IntGen.class, conf = "0:3")
public class SemaphoreLincheckTest {
    private final Semaphore semaphore = new Semaphore(2);

    @Test
    void modelChecking() {
        Checks.modelCheck(SemaphoreLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(SemaphoreLincheckTest.class, Specification.class);
    }

    /** Acquires. */
    @Operation
    public String tryAcquire(@Param(name = "permits") int permits) {
        try {
            return String.valueOf(semaphore.tryAcquire(permits) != null);
        } catch (SemaphoreClosedException e) {
            return "closed";
        }
    }

    /** Releases. */
    @Operation
    public void release(@Param(name = "permits") int permits) {
        semaphore.release(permits);
    }

    /** Counts. */
    @Operation
    public int availablePermits() {
        return semaphore.availablePermits();
    }

    /** Changes the limit. */
    @Operation
    public void setLimit(@Param(name = "permits") int permits) {
        semaphore.setLimit(permits);
    }

    /** Reads the limit. */
    @Operation
    public int limit() {
        return semaphore.limit();
    }

    /** Closes. */
    @Operation
    public void close() {
        semaphore.close();
    }

    /** What a semaphore does. */
    public static class Specification {
        private int limit = 2;
        private int available = 2;
        private boolean closed;

        /** Acquires. */
        public String tryAcquire(int permits) {
            if (closed) {
                return "closed";
            }
            if (available < permits && permits > 0) {
                return "false";
            }
            available -= permits;
            return "true";
        }

        /** Releases. */
        public void release(int permits) {
            available += permits;
        }

        /** Counts. */
        public int availablePermits() {
            return available;
        }

        /** Changes the limit. */
        public void setLimit(int permits) {
            available += permits - limit;
            limit = permits;
        }

        /** Reads the limit. */
        public int limit() {
            return limit;
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
