package cloud.avila.avx.internal.scheduler;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/** The deque is a linearizable queue: one owner, any thieves, at two slots to meet its growth. */
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class ChaseLevDequeLincheckTest {
    private final ChaseLevDeque<Integer> deque = new ChaseLevDeque<>(2);

    @Operation(nonParallelGroup = "owner")
    public void push(@Param(name = "value") int value) {
        deque.push(value);
    }

    @Operation(nonParallelGroup = "owner")
    public @Nullable Integer take() {
        return deque.take();
    }

    @Operation(nonParallelGroup = "owner")
    public void clearTaken() {
        deque.clearTaken();
    }

    @Operation
    public @Nullable Integer steal() {
        return deque.steal();
    }

    @Test
    void isLinearizableByModelChecking() {
        new ModelCheckingOptions()
                .iterations(15)
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(3)
                .sequentialSpecification(Specification.class)
                .check(ChaseLevDequeLincheckTest.class);
    }

    @Test
    void isLinearizableUnderStress() {
        new StressOptions()
                .iterations(15)
                .invocationsPerIteration(1_000)
                .threads(3)
                .actorsPerThread(4)
                .sequentialSpecification(Specification.class)
                .check(ChaseLevDequeLincheckTest.class);
    }

    /** What the deque must look like: a queue. */
    public static class Specification {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();

        public void push(int value) {
            queue.add(value);
        }

        public @Nullable Integer take() {
            return queue.poll();
        }

        public void clearTaken() {}

        public @Nullable Integer steal() {
            return queue.poll();
        }
    }
}
