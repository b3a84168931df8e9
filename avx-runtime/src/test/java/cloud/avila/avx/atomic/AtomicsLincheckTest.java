package cloud.avila.avx.atomic;

import cloud.avila.avx.testing.Checks;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Checks {@link AtomicBox}, the exact {@link AtomicCounter} and {@link AtomicFlag}. */
@Param(name = "n", gen = IntGen.class, conf = "0:2")
public class AtomicsLincheckTest {
    private static final String[] VALUES = {"a", "b", "c"};

    private final AtomicBox<String> box = AtomicBox.of(VALUES[0]);
    private final AtomicCounter.Exact counter = AtomicCounter.exact();
    private final AtomicFlag flag = new AtomicFlag();

    @Test
    void modelChecking() {
        Checks.modelCheck(AtomicsLincheckTest.class, Specification.class);
    }

    @Test
    void stress() {
        Checks.stress(AtomicsLincheckTest.class, Specification.class);
    }

    /** Replaces. */
    @Operation
    public String swap(@Param(name = "n") int n) {
        return box.swap(VALUES[n]);
    }

    /** Replaces if. */
    @Operation
    public String compareExchange(@Param(name = "n") int from, @Param(name = "n") int to) {
        return box.compareExchange(VALUES[from], VALUES[to]);
    }

    /** Changes. */
    @Operation
    public String next() {
        return box.update(v -> VALUES[(v.charAt(0) - 'a' + 1) % 3]);
    }

    /** Adds. */
    @Operation
    public long add(@Param(name = "n") int n) {
        return counter.addAndGet(n);
    }

    /** Takes. */
    @Operation
    public long getAndReset() {
        return counter.getAndReset();
    }

    /** Sets. */
    @Operation
    public boolean testAndSet() {
        return flag.testAndSet();
    }

    /** Clears. */
    @Operation
    public boolean testAndClear() {
        return flag.testAndClear();
    }

    /** All in a line. */
    public static class Specification {
        private String value = VALUES[0];
        private long count;
        private boolean set;

        /** Replaces. */
        public String swap(int n) {
            String old = value;
            value = VALUES[n];
            return old;
        }

        /** Replaces if. */
        public String compareExchange(int from, int to) {
            String old = value;
            if (old.equals(VALUES[from])) {
                value = VALUES[to];
            }
            return old;
        }

        /** Changes. */
        public String next() {
            value = VALUES[(value.charAt(0) - 'a' + 1) % 3];
            return value;
        }

        /** Adds. */
        public long add(int n) {
            count += n;
            return count;
        }

        /** Takes. */
        public long getAndReset() {
            long old = count;
            count = 0;
            return old;
        }

        /** Sets. */
        public boolean testAndSet() {
            boolean old = set;
            set = true;
            return old;
        }

        /** Clears. */
        public boolean testAndClear() {
            boolean old = set;
            set = false;
            return old;
        }
    }
}
