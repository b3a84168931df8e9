package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The sender's hint of the room that is left is written in opaque mode: it may be old, but it never
 * lets more messages in than the capacity, and a sender that finds it used up looks again.
 */
@JCStressTest
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "full, received afterwards")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "received first, then sent")
@Outcome(expect = Expect.FORBIDDEN, desc = "too many, or a message lost")
@State
public class MpscRoom {
    private final Mpsc<Integer> channel = Mpsc.withSegments(1, 2);
    private final Sender<Integer> tx = channel.sender();
    private final Receiver<Integer> rx = channel.receiver();

    /** Fills the channel. */
    public MpscRoom() {
        tx.trySend(1);
    }

    /** Sends one too many, unless one was received; never more than one is left. */
    @Actor
    public void sender(II_Result r) {
        r.r1 = tx.trySend(2).isSent() ? channel.length() : 0;
    }

    /** Receives one. */
    @Actor
    public void receiver(II_Result r) {
        r.r2 = rx.tryRecv().message().orElse(-1);
    }
}
