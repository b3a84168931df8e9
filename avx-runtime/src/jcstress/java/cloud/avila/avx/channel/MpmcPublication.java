package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A message is received with what was written into it before, across the end of a segment too. */
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "nothing yet")
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "the first")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "the first, late")
@Outcome(id = "1, 2", expect = Expect.ACCEPTABLE, desc = "both")
@Outcome(expect = Expect.FORBIDDEN, desc = "unpublished or out of order")
@State
public class MpmcPublication {
    private final Mpmc<int[]> channel = Mpmc.of(MpmcQueue.bounded(2, 1, 0));
    private final Sender<int[]> tx = channel.sender();
    private final SharedReceiver<int[]> rx = channel.receiver();

    /** Sends two messages. */
    @Actor
    public void sender() {
        int[] first = new int[1];
        first[0] = 1;
        tx.trySend(first);
        int[] second = new int[1];
        second[0] = 2;
        tx.trySend(second);
    }

    /** Looks for two. */
    @Actor
    public void receiver(II_Result r) {
        r.r1 = rx.tryRecv().message().map(m -> m[0] == 0 ? -1 : m[0]).orElse(0);
        r.r2 = rx.tryRecv().message().map(m -> m[0] == 0 ? -1 : m[0]).orElse(0);
    }
}
