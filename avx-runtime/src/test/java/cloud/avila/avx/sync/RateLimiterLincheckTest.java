package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** Checks the bucket of a {@link RateLimiter} into which nothing drips while one watches. */
@Param(name = "permits", gen = IntGen.class, conf = "0:4")
public class RateLimiterLincheckTest {
    private final RateLimiter limiter = RateLimiter.of(1, Duration.ofDays(1000), 4);

    @Test
    void modelChecking() {
        Checks.modelCheck(RateLimiterLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(RateLimiterLincheckTest.class, Specification.class);
    }

    /** Acquires. */
    @Operation
    public String tryAcquire(@Param(name = "permits") int permits) {
        try {
            return String.valueOf(limiter.tryAcquire(permits));
        } catch (RateLimiterClosedException e) {
            return "closed";
        }
    }

    /** Counts. */
    @Operation
    public int availablePermits() {
        return limiter.availablePermits();
    }

    /** Closes. */
    @Operation
    public void close() {
        limiter.close();
    }

    /** What a bucket does. */
    public static class Specification {
        private int available = 4;
        private boolean closed;

        /** Acquires. */
        public String tryAcquire(int permits) {
            if (closed) {
                return "closed";
            }
            if (available < permits) {
                return "false";
            }
            available -= permits;
            return "true";
        }

        /** Counts. */
        public int availablePermits() {
            return available;
        }

        /** Closes. */
        public void close() {
            closed = true;
        }
    }
}
