package cloud.avila.avx.metrics;

import java.time.Duration;

/**
 * How much was waited for the locks of one name. Its numbers are read one after the other, so they
 * may differ by what happened meanwhile.
 *
 * @param kind the class of the locks, for example {@code Mutex}
 * @param name the name given to their constructor; {@code (other)} for all names beyond the first
 *     256 of all kinds
 * @param waits how often a thread had to queue, whether it got the lock or gave up
 * @param sampled how many of these waits were timed: the first, and then about every eighth
 * @param sampledTime how long those took together
 * @param longest the longest of those
 */
public record LockMetrics(
        String kind,
        String name,
        long waits,
        long sampled,
        Duration sampledTime,
        Duration longest) {
    /**
     * The mean wait, by the sample.
     *
     * @return zero if nobody had to wait
     */
    public Duration meanWait() {
        return sampled == 0 ? Duration.ZERO : sampledTime.dividedBy(sampled);
    }

    /**
     * How long all waits took together, as far as the sample stands for them.
     *
     * @return zero if nobody had to wait
     */
    public Duration estimatedTime() {
        return meanWait().multipliedBy(waits);
    }
}
