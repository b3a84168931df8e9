package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;

/** A sender that goes to sleep until the close while the oneshot is closed is woken. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "closed")
@Outcome(id = "0", expect = Expect.FORBIDDEN, desc = "slept although it was closed")
@State
public class OneshotCloseWakeUp {
    private final Oneshot<Integer> oneshot = Oneshot.create();

    /** Closes. */
    @Actor
    public void receiver() {
        oneshot.close();
    }

    /** Waits; the limit is far beyond any delay of the receiver. */
    @Actor
    public void sender(I_Result r) {
        try {
            r.r1 = oneshot.awaitClosed(Duration.ofSeconds(5)) ? 1 : 0;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
