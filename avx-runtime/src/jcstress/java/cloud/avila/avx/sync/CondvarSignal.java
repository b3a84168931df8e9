package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A signal and a wait that begins do not miss each other: the test would hang. */
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "both saw what they waited for")
@Outcome(expect = Expect.FORBIDDEN, desc = "woken without reason")
@State
public class CondvarSignal {
    private final Mutex mutex = new Mutex();
    private final Condvar changed = new Condvar(mutex);
    private int ball;

    /** Waits, then signals. */
    @Actor
    public void one(II_Result r) {
        mutex.lock();
        while (ball != 1) {
            changed.awaitUninterruptibly();
        }
        r.r1 = ball;
        ball = 2;
        changed.signal();
        mutex.unlock();
    }

    /** Signals, then waits. */
    @Actor
    public void other(II_Result r) {
        mutex.lock();
        ball = 1;
        changed.signal();
        while (ball != 2) {
            changed.awaitUninterruptibly();
        }
        r.r2 = ball - 1;
        mutex.unlock();
    }
}
