package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;

/** A sender that queues while a reserved place goes back is served. */
@JCStressTest
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "sent")
@Outcome(expect = Expect.FORBIDDEN, desc = "waited although there was room")
@State
public class PermitRoom {
    private final Mpsc<Integer> channel = Mpsc.bounded(1);
    private final Sender<Integer> tx = channel.sender();
    private final SendPermit<Integer> permit = Objects.requireNonNull(tx.tryReserve());

    /** Sends; the limit is far beyond any delay of the other. */
    @Actor
    public void sender(II_Result r) {
        try {
            tx.send(1, Duration.ofSeconds(5));
            r.r1 = channel.length();
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Gives the place back. */
    @Actor
    public void release(II_Result r) {
        permit.close();
        r.r2 = 1;
    }
}
