package cloud.avila.avx.sync;

import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

import java.util.concurrent.BrokenBarrierException;

/**
 * Checks {@link Barrier}: three threads meet as often as each other, so that nobody waits in vain.
 * Each call tells its index and how often the action had run, which a plain field counts.
 */
public class BarrierLincheckTest {
    private static final int PARTIES = 3;

    private int trips;
    private final Barrier barrier = new Barrier(PARTIES, () -> trips++);

    @Test
    void modelChecking() {
        new ModelCheckingOptions()
                .iterations(2)
                .invocationsPerIteration(1500)
                .threads(PARTIES)
                .actorsPerThread(3)
                .actorsBefore(0)
                .actorsAfter(0)
                .sequentialSpecification(Specification.class)
                .check(BarrierLincheckTest.class);
    }

    @Test
    void stress() {
        new StressOptions()
                .iterations(2)
                .invocationsPerIteration(2000)
                .threads(PARTIES)
                .actorsPerThread(3)
                .actorsBefore(0)
                .actorsAfter(0)
                .sequentialSpecification(Specification.class)
                .check(BarrierLincheckTest.class);
    }

    /** Meets the others. */
    @Operation
    public int await() throws InterruptedException, BrokenBarrierException {
        int index = barrier.await();
        return 10 * trips + index;
    }

    /** Arrivals one after the other. */
    public static class Specification {
        private int arrivals;

        /** Arrives. */
        public int await() {
            int index = PARTIES - 1 - arrivals % PARTIES;
            return 10 * (arrivals++ / PARTIES + 1) + index;
        }
    }
}
