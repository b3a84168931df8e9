package cloud.avila.avx.sync;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Checks {@link OnceCell} with makers that succeed and that fail. */
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class OnceCellLincheckTest {
    private final OnceCell<Integer> cell = new OnceCell<>();

    @Test
    void modelChecking() {
        Checks.modelCheck(OnceCellLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(OnceCellLincheckTest.class, Specification.class);
    }

    /** Makes the value. */
    @Operation
    public int getOrInit(@Param(name = "value") int value) throws InterruptedException {
        return cell.getOrInit(() -> value);
    }

    /** Fails to make it. */
    @Operation
    public String getOrFail() throws InterruptedException {
        try {
            return String.valueOf(
                    cell.getOrInit(
                            () -> {
                                throw new ArithmeticException();
                            }));
        } catch (ArithmeticException e) {
            return "failed";
        }
    }

    /** Looks. */
    @Operation
    public @Nullable Integer get() {
        return cell.get();
    }

    /** A place for a value. */
    public static class Specification {
        private @Nullable Integer value;

        /** Makes. */
        public int getOrInit(int made) {
            if (value == null) {
                value = made;
            }
            return value;
        }

        /** Fails. */
        public String getOrFail() {
            return value == null ? "failed" : String.valueOf(value);
        }

        /** Looks. */
        public @Nullable Integer get() {
            return value;
        }
    }
}
