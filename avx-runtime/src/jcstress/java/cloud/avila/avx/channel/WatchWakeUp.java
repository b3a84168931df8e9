package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;

/** A receiver that goes to sleep while a value is sent is woken, and sees what is in the value. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "changed")
@Outcome(id = "-1", expect = Expect.FORBIDDEN, desc = "slept although there was a change")
@Outcome(expect = Expect.FORBIDDEN, desc = "unpublished")
@State
public class WatchWakeUp {
    private final Watch<int[]> watch = Watch.of(new int[] {-2});
    private final WatchReceiver<int[]> receiver = watch.subscribe();

    /** Sends. */
    @Actor
    public void sender() {
        int[] value = new int[1];
        value[0] = 1;
        watch.send(value);
    }

    /** Waits; the limit is far beyond any delay of the sender. */
    @Actor
    public void receiver(I_Result r) {
        try {
            r.r1 = receiver.changed(Duration.ofSeconds(5)) ? receiver.borrow()[0] : -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
