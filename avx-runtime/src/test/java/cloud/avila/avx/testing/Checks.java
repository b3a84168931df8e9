package cloud.avila.avx.testing;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.StressOptions;

/** How much Lincheck checks: enough to find seeded bugs, small enough for every build. */
public final class Checks {
    private static final int ITERATIONS = Integer.getInteger("avx.lincheck.iterations", 6);

    private Checks() {}

    /** Runs random scenarios under many schedules chosen by the model checker. */
    public static void modelCheck(Class<?> test, Class<?> specification) {
        new ModelCheckingOptions()
                .iterations(ITERATIONS)
                .invocationsPerIteration(500)
                .threads(3)
                .actorsPerThread(3)
                .actorsBefore(2)
                .actorsAfter(2)
                .sequentialSpecification(specification)
                .check(test);
    }

    /** Runs random scenarios on real threads many times. */
    public static void stress(Class<?> test, Class<?> specification) {
        new StressOptions()
                .iterations(ITERATIONS)
                .invocationsPerIteration(1000)
                .threads(3)
                .actorsPerThread(3)
                .actorsBefore(2)
                .actorsAfter(2)
                .sequentialSpecification(specification)
                .check(test);
    }
}
