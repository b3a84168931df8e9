package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A message is received by one of two, with what was written into it before. */
@JCStressTest
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "by the first")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "by the second")
@Outcome(expect = Expect.FORBIDDEN, desc = "by both or none, or unpublished")
@State
public class MpmcTake {
    private final Mpmc<int[]> channel = Mpmc.of(MpmcQueue.bounded(2, 1, 0));
    private final SharedReceiver<int[]> rx = channel.receiver();

    /** Sends one message. */
    public MpmcTake() {
        channel.sender().trySend(new int[] {1});
    }

    /** Looks for it. */
    @Actor
    public void first(II_Result r) {
        r.r1 = rx.tryRecv().message().map(m -> m[0] == 1 ? 1 : -1).orElse(0);
    }

    /** Looks for it. */
    @Actor
    public void second(II_Result r) {
        r.r2 = rx.tryRecv().message().map(m -> m[0] == 1 ? 1 : -1).orElse(0);
    }
}
