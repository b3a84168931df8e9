package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** The message is not freed by one receiver that goes before another one has got it. */
@JCStressTest
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "closed first")
@Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "both received")
@Outcome(expect = Expect.FORBIDDEN, desc = "freed too early, or received after the close")
@State
public class BroadcastFreeing {
    private final Broadcast<Integer> channel = Broadcast.create(4);
    private final Receiver<Integer> leaving = channel.subscribe();
    private final Receiver<Integer> staying = channel.subscribe();

    /** Prepares a message that both have to pass. */
    public BroadcastFreeing() {
        channel.send(1);
    }

    /** Receives and goes. */
    @Actor
    public void leaving(II_Result r) {
        r.r1 = leaving.tryRecv().message().orElse(0);
        leaving.close();
    }

    /** Receives while the other goes, which this closes a second time. */
    @Actor
    public void staying(II_Result r) {
        leaving.close();
        r.r2 = staying.tryRecv().message().orElse(0);
    }
}
