package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Plain writes under the mutex are seen by the next holder, whether it waited or not. */
@JCStressTest
@Outcome(id = "4", expect = Expect.ACCEPTABLE, desc = "each saw the other's writes")
@Outcome(expect = Expect.FORBIDDEN, desc = "a lost update")
@State
public class MutexPublication {
    private final Mutex mutex = new Mutex(0);
    private int count;

    /** Counts to two. */
    @Actor
    public void one() {
        increment();
        increment();
    }

    /** Counts to two. */
    @Actor
    public void other() {
        increment();
        increment();
    }

    private void increment() {
        mutex.lock();
        count++;
        mutex.unlock();
    }

    /** Reads. */
    @Arbiter
    public void result(I_Result r) {
        r.r1 = count;
    }
}
