package cloud.avila.avx.internal.scheduler;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.lang.invoke.VarHandle;

/**
 * Who pushes work and who goes to sleep never miss each other: work does not wait for a sleeper.
 */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "the worker saw the work")
@Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "the worker was woken")
@Outcome(expect = Expect.FORBIDDEN, desc = "the worker sleeps, and the work waits")
@State
public class IdleWakeUp {
    private final IdleWorkers idle = new IdleWorkers(1);
    private final ChaseLevDeque<Integer> queue = new ChaseLevDeque<>(4);
    private boolean saw;
    private boolean woke;

    /** The worker searches at first. */
    public IdleWakeUp() {
        idle.resize(1);
        idle.tryStartSearching();
    }

    /** Pushes, and wakes a sleeper if there is one and nobody searches. */
    @Actor
    public void pusher() {
        queue.push(1);
        VarHandle.fullFence();
        if (idle.shouldWake() && idle.tryStartWaking()) {
            woke = idle.claimSleeper(_ -> false) >= 0;
        }
    }

    /** Announces its sleep, stops to search, and looks once more. */
    @Actor
    public void sleeper() {
        idle.announceSleep(0);
        idle.stopSearching();
        saw = !queue.isEmpty();
    }

    /** Decides. */
    @Arbiter
    public void arbiter(I_Result r) {
        r.r1 = saw ? 1 : woke ? 2 : 0;
    }
}
