package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

import java.time.Duration;

/** A notification that meets a waiter who gives up reaches it or stays as the permit, not both. */
@JCStressTest
@Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "reached the waiter")
@Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "is left as the permit")
@Outcome(id = "0, 0", expect = Expect.FORBIDDEN, desc = "was lost")
@Outcome(expect = Expect.FORBIDDEN, desc = "was doubled")
@State
public class NotifyGivingUp {
    private final Notify notify = new Notify();

    /** Joins the queue and leaves it. */
    @Actor
    public void waiter(II_Result r) {
        Waits.run(
                () -> {
                    try (var ticket = notify.notified()) {
                        r.r1 = ticket.await(Duration.ZERO) ? 1 : 0;
                    }
                });
    }

    /** Notifies. */
    @Actor
    public void notifier() {
        notify.notifyOne();
    }

    /** Looks for the permit. */
    @Arbiter
    public void left(II_Result r) {
        try {
            r.r2 = notify.await(Duration.ZERO) ? 1 : 0;
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted by nobody", e);
        }
    }
}
