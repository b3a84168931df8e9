package cloud.avila.avx;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

import java.util.List;

/**
 * A task that runs while it is cancelled has one end, its joiner learns of it, and the interrupt of
 * the cancellation does not outlive it.
 */
@JCStressTest
@Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "completed, and its result was seen")
@Outcome(id = "2, 0, 0", expect = Expect.ACCEPTABLE, desc = "cancelled")
@Outcome(expect = Expect.FORBIDDEN, desc = "two ends, none, unpublished, or a stray interrupt")
@State
public class SpawnedTaskEnd {
    private static final RuntimeHooks.Kind FIBER =
            new RuntimeHooks("", List.of(), failure -> {}).fiber;

    private final SpawnedTask<int[]> task =
            new SpawnedTask<>(
                    1,
                    FIBER,
                    null,
                    () -> {
                        int[] value = new int[1];
                        value[0] = 1;
                        return value;
                    });
    private boolean cancelled;
    private int strayInterrupts;

    /** Runs it as a worker does. */
    @Actor
    public void worker() {
        task.runTask();
        Thread.interrupted();
        Thread.onSpinWait();
        strayInterrupts = Thread.interrupted() ? 1 : 0;
    }

    /** Cancels it. */
    @Actor
    public void canceller() {
        cancelled = task.cancel(true);
    }

    /** Compares. */
    @Arbiter
    public void arbiter(III_Result r) {
        boolean said = task.isCancelled();
        r.r1 = said == cancelled && task.isDone() ? said ? 2 : 1 : 0;
        r.r2 = said ? 0 : task.resultNow()[0];
        r.r3 = strayInterrupts;
    }
}
