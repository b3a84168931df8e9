package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Checks {@link SetOnce} and {@link Latch}, which differ in what they keep only. */
@Param(name = "n", gen = IntGen.class, conf = "1:3")
public class SetOnceLincheckTest {
    private final SetOnce<Integer> once = new SetOnce<>();
    private final Latch latch = new Latch(4);

    @Test
    void modelChecking() {
        Checks.modelCheck(SetOnceLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(SetOnceLincheckTest.class, Specification.class);
    }

    /** Sets, which those who wait for it hear of. */
    @Operation
    public boolean trySet(@Param(name = "n") int value) {
        return once.trySet(value);
    }

    /** Looks. */
    @Operation
    public @Nullable Integer get() {
        return once.get();
    }

    /** Sets or is late, then waits, which cannot be for long. */
    @Operation
    public int setAndAwait(@Param(name = "n") int value) throws InterruptedException {
        once.trySet(value);
        return once.await();
    }

    /** Counts down. */
    @Operation
    public boolean countDown(@Param(name = "n") int n) {
        return latch.countDown(n);
    }

    /** Opens, then waits, which cannot be for long. */
    @Operation
    public int openAndAwait() throws InterruptedException {
        latch.countDown(4);
        latch.await();
        return latch.count();
    }

    /** Counts. */
    @Operation
    public int count() {
        return latch.count();
    }

    /** Both. */
    public static class Specification {
        private @Nullable Integer value;
        private int count = 4;

        /** Sets. */
        public boolean trySet(int v) {
            boolean first = value == null;
            if (first) {
                value = v;
            }
            return first;
        }

        /** Looks. */
        public @Nullable Integer get() {
            return value;
        }

        /** Sets. */
        public int setAndAwait(int v) {
            int now = value == null ? v : value;
            value = now;
            return now;
        }

        /** Counts down. */
        public boolean countDown(int n) {
            boolean opens = count > 0 && count <= n;
            count = Math.max(0, count - n);
            return opens;
        }

        /** Opens. */
        public int openAndAwait() {
            count = 0;
            return 0;
        }

        /** Counts. */
        public int count() {
            return count;
        }
    }
}
