package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A value is received with what was written into it before, and wakes who waits for it. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "received")
@Outcome(expect = Expect.FORBIDDEN, desc = "unpublished, or slept although it was sent")
@State
public class OneshotPublication {
    private final Oneshot<int[]> oneshot = Oneshot.create();

    /** Sends. */
    @Actor
    public void sender() {
        int[] value = new int[1];
        value[0] = 1;
        oneshot.send(value);
    }

    /** Receives; the limit is far beyond any delay of the sender. */
    @Actor
    public void receiver(I_Result r) {
        try {
            r.r1 = oneshot.recv(Duration.ofSeconds(5))[0];
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
