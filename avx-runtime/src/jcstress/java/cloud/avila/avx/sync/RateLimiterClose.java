package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

import java.time.Duration;

/** A thread that begins to wait while the limiter is closed, or its rate raised, hears of it. */
@JCStressTest
@Outcome(id = "1", expect = Expect.ACCEPTABLE, desc = "went on")
@Outcome(expect = Expect.FORBIDDEN, desc = "unexpected")
@State
public class RateLimiterClose {
    private final RateLimiter limiter = RateLimiter.of(1, Duration.ofDays(1000), 1);

    /** Waits; would do so for years if it missed the closing. */
    @Actor
    public void waiter(I_Result r) {
        Waits.run(
                () -> {
                    try {
                        limiter.acquire();
                        limiter.acquire();
                    } catch (RateLimiterClosedException e) {
                        r.r1 = 1;
                    }
                });
    }

    /** Closes. */
    @Actor
    public void closer() {
        limiter.close();
    }
}
