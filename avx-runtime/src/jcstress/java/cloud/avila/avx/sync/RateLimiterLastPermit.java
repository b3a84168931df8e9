package cloud.avila.avx.sync;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

import java.time.Duration;

/** Two who want the last permit: one gets it. */
@JCStressTest
@Outcome(
        id = {"1, 0", "0, 1"},
        expect = Expect.ACCEPTABLE,
        desc = "one got it")
@Outcome(expect = Expect.FORBIDDEN, desc = "both or none")
@State
public class RateLimiterLastPermit {
    private final RateLimiter limiter = RateLimiter.of(1, Duration.ofDays(1000), 1);

    /** Wants it. */
    @Actor
    public void one(II_Result r) {
        r.r1 = limiter.tryAcquire() ? 1 : 0;
    }

    /** Wants it. */
    @Actor
    public void other(II_Result r) {
        r.r2 = limiter.tryAcquire() ? 1 : 0;
    }
}
