package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** Two who wait for each other at a rendezvous meet, and the message is published. */
@JCStressTest
@Outcome(id = "1, 7", expect = Expect.ACCEPTABLE, desc = "handed over")
@Outcome(expect = Expect.FORBIDDEN, desc = "did not meet, or unpublished")
@State
public class MpmcMeeting {
    private final Mpmc<int[]> channel = Mpmc.rendezvous();
    private final Sender<int[]> tx = channel.sender();
    private final SharedReceiver<int[]> rx = channel.receiver();

    /** Sends; the limit is far beyond any delay of the receiver. */
    @Actor
    public void sender(II_Result r) {
        try {
            int[] m = new int[1];
            m[0] = 7;
            tx.send(m, Duration.ofSeconds(5));
            r.r1 = 1;
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Receives; the limit is far beyond any delay of the sender. */
    @Actor
    public void receiver(II_Result r) {
        try {
            r.r2 = rx.recv(Duration.ofSeconds(5))[0];
        } catch (TimeoutException e) {
            r.r2 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
