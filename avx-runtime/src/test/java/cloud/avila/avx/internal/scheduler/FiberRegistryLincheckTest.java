package cloud.avila.avx.internal.scheduler;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** After an owner has added and others have removed, exactly the live entries are listed. */
public class FiberRegistryLincheckTest {
    private final FiberRegistry registry = new FiberRegistry(2);
    private final DummyTask first = new DummyTask();
    private final DummyTask second = new DummyTask();
    private boolean firstGone;
    private boolean secondGone;
    private int added;

    public FiberRegistryLincheckTest() {
        registry.grow(1);
        registry.add(first, 0);
        registry.add(second, 0);
    }

    @Operation(nonParallelGroup = "owner")
    public void add() {
        registry.add(new DummyTask(), 0);
        added++;
    }

    @Operation(nonParallelGroup = "first")
    public void removeFirst() {
        if (!firstGone) {
            registry.remove(first);
            firstGone = true;
        }
    }

    @Operation(nonParallelGroup = "second")
    public void removeSecond() {
        if (!secondGone) {
            registry.remove(second);
            secondGone = true;
        }
    }

    @Validate
    public void listsExactlyTheLive() {
        List<TrackedTask> found = new ArrayList<>();
        registry.forEach(found::add);
        int live = 2 + added - (firstGone ? 1 : 0) - (secondGone ? 1 : 0);
        if (found.size() != live
                || found.contains(first) == firstGone
                || found.contains(second) == secondGone) {
            throw new AssertionError(found.size() + " listed, " + live + " live");
        }
    }

    @Test
    void growingLosesNothingAndRevivesNothing() {
        new ModelCheckingOptions()
                .iterations(10)
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(2)
                .sequentialSpecification(Nothing.class)
                .check(FiberRegistryLincheckTest.class);
    }

    /** The operations return nothing; the validation decides. */
    public static class Nothing {
        public void add() {}

        public void removeFirst() {}

        public void removeSecond() {}
    }
}
