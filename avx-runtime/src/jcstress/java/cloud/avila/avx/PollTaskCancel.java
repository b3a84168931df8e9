package cloud.avila.avx;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.testing.StepQueue;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * A task that is cancelled while it is polled is dropped once, by somebody who sees what the polls
 * wrote, and taken off the books once.
 */
@JCStressTest
@Outcome(id = "1, 1, 0", expect = Expect.ACCEPTABLE, desc = "dropped before its first poll")
@Outcome(
        id = "1, 1, 1",
        expect = Expect.ACCEPTABLE,
        desc = "dropped during or after its first poll")
@Outcome(expect = Expect.FORBIDDEN, desc = "not dropped, twice, or without seeing the poll")
@State
public class PollTaskCancel {
    private static final class Waiting implements Future<Integer>, AutoCloseable {
        private int polls;
        private int closes;
        private int closedAfterPolls = -1;

        @Override
        public Poll<Integer> poll(Context cx) {
            polls++;
            return Poll.pending();
        }

        @Override
        public void close() {
            closes++;
            closedAfterPolls = polls;
        }
    }

    private final StepQueue queue = new StepQueue();
    private final Waiting future = new Waiting();
    private final PollTask<Integer> task = new PollTask<>(queue, null, future);

    /** Spawns. */
    public PollTaskCancel() {
        queue.startSteps(task, task);
    }

    /** Runs what is queued. */
    @Actor
    public void worker() {
        queue.step();
    }

    /** Cancels. */
    @Actor
    public void canceller() {
        task.cancel();
    }

    /** Counts. */
    @Arbiter
    public void arbiter(III_Result r) {
        queue.drain();
        r.r1 = future.closes;
        r.r2 = queue.ended();
        r.r3 = future.closedAfterPolls == future.polls ? future.polls : -1;
    }
}
