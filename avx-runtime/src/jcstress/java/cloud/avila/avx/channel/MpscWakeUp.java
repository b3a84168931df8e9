package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A receiver that goes to sleep while a message is sent is woken. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "received")
@Outcome(id = "-1", expect = Expect.FORBIDDEN, desc = "slept although there was a message")
@State
public class MpscWakeUp {
    private final Mpsc<Integer> channel = Mpsc.unbounded();
    private final Sender<Integer> tx = channel.sender();
    private final Receiver<Integer> rx = channel.receiver();

    /** Sends. */
    @Actor
    public void sender() {
        tx.trySend(1);
    }

    /** Receives; the limit is far beyond any delay of the sender. */
    @Actor
    public void receiver(I_Result r) {
        try {
            r.r1 = rx.recv(Duration.ofSeconds(5));
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
