package cloud.avila.avx.channel;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A select that goes to sleep while one of its branches becomes possible is woken. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "received")
@Outcome(id = "-1", expect = Expect.FORBIDDEN, desc = "slept although there was a message")
@State
public class SelectWakeUp {
    private final Broadcast<Integer> never = Broadcast.create(1);
    private final Mpsc<Integer> channel = Mpsc.unbounded();
    private final Sender<Integer> tx = channel.sender();
    private final Select<Integer> select =
            Select.<Integer>fair().recv(never.subscribe(), m -> m).recv(channel.receiver(), m -> m);

    /** Sends. */
    @Actor
    public void sender() {
        tx.trySend(1);
    }

    /** Selects; the limit is far beyond any delay of the sender. */
    @Actor
    public void selector(I_Result r) {
        try {
            r.r1 = select.run(Duration.ofSeconds(5));
        } catch (TimeoutException e) {
            r.r1 = -1;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
