package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Messages are received in order, with what was written into them before, or counted as missed. */
@JCStressTest
@Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "nothing yet")
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "the first")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "the first, late")
@Outcome(id = "1, 2", expect = Expect.ACCEPTABLE, desc = "both, the second written after")
@Outcome(id = "-1, 2", expect = Expect.ACCEPTABLE, desc = "missed the first")
@Outcome(id = "0, -1", expect = Expect.ACCEPTABLE, desc = "missed the first, late")
@Outcome(expect = Expect.FORBIDDEN, desc = "unpublished, out of order or miscounted")
@State
public class BroadcastPublication {
    private final Broadcast<int[]> channel = Broadcast.create(1);
    private final Receiver<int[]> receiver = channel.subscribe();

    /** Sends two messages through a ring of one. */
    @Actor
    public void sender() {
        int[] first = new int[1];
        first[0] = 1;
        channel.send(first);
        int[] second = new int[1];
        second[0] = 2;
        channel.send(second);
    }

    /** Looks twice. */
    @Actor
    public void receiver(II_Result r) {
        r.r1 = look();
        r.r2 = look();
    }

    private int look() {
        try {
            return receiver.tryRecv().message().map(m -> m[0] == 0 ? -9 : m[0]).orElse(0);
        } catch (LaggedException e) {
            return (int) -e.missed();
        }
    }
}
