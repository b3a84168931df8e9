package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A sender that queues while a message is taken is served. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "sent")
@Outcome(id = "-1", expect = Expect.FORBIDDEN, desc = "waited although there was room")
@State
public class MpscSenderWakeUp {
    private final Mpsc<Integer> channel = Mpsc.bounded(1);
    private final Sender<Integer> tx = channel.sender();
    private final Receiver<Integer> rx = channel.receiver();

    /** Fills the channel. */
    public MpscSenderWakeUp() {
        tx.trySend(1);
    }

    /** Sends; the limit is far beyond any delay of the receiver. */
    @Actor
    public void sender(I_Result r) {
        try {
            tx.send(2, Duration.ofSeconds(5));
            r.r1 = 1;
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Receives one. */
    @Actor
    public void receiver() {
        rx.tryRecv();
    }
}
