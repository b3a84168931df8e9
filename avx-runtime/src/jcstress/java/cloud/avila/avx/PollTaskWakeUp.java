package cloud.avila.avx;

import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.StepQueue;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A wake-up, whenever it comes, is followed by a poll that sees what was written before it. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "polled after the wake-up, and saw it")
@Outcome(expect = Expect.FORBIDDEN, desc = "lost the wake-up, or polled without seeing it")
@State
public class PollTaskWakeUp {
    private final StepQueue queue = new StepQueue();
    private int value;
    private final PollTask<Integer> task =
            new PollTask<>(queue, null, cx -> value == 0 ? Poll.pending() : Poll.ready(value));

    /** Spawns. */
    public PollTaskWakeUp() {
        queue.startSteps(task, task);
    }

    /** Runs what is queued. */
    @Actor
    public void worker() {
        queue.step();
        queue.step();
    }

    /** Writes, then wakes. */
    @Actor
    public void waker() {
        value = 1;
        task.wake();
    }

    /** Runs what is left. */
    @Arbiter
    public void arbiter(I_Result r) {
        // one step only: a second would be a poll that nobody asked for
        queue.step();
        r.r1 = task.isDone() ? task.resultNow() : -1;
    }
}
