package cloud.avila.avx.internal.scheduler;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

import java.util.ArrayDeque;

/**
 * The injection queue hands out each task once, in order, at two slots a segment to meet the seams.
 * A take may find nothing while a producer is still writing the oldest task, as documented: so it
 * is checked with one producer at a time, for which that cannot be told from a take that came
 * earlier.
 */
public class InjectionQueueLincheckTest {
    private record Numbered(int number) implements Runnable {
        @Override
        public void run() {}
    }

    private final InjectionQueue queue = new InjectionQueue(2);
    private final ChaseLevDeque<Runnable> none = new ChaseLevDeque<>(2);
    private int pushed;

    @Operation(nonParallelGroup = "producer")
    public void push() {
        queue.push(new Numbered(++pushed));
    }

    @Operation
    public int take() {
        Runnable task = queue.take(none, Integer.MAX_VALUE);
        return task == null ? 0 : ((Numbered) task).number;
    }

    @Test
    void isLinearizableByModelChecking() {
        new ModelCheckingOptions()
                .iterations(15)
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(3)
                .sequentialSpecification(Specification.class)
                .check(InjectionQueueLincheckTest.class);
    }

    @Test
    void isLinearizableUnderStress() {
        new StressOptions()
                .iterations(15)
                .invocationsPerIteration(1_000)
                .threads(3)
                .actorsPerThread(4)
                .sequentialSpecification(Specification.class)
                .check(InjectionQueueLincheckTest.class);
    }

    /** What the queue must look like. */
    public static class Specification {
        private final ArrayDeque<Integer> queue = new ArrayDeque<>();
        private int pushed;

        public void push() {
            queue.add(++pushed);
        }

        public int take() {
            Integer first = queue.poll();
            return first == null ? 0 : first;
        }
    }
}
