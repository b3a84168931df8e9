package cloud.avila.avx.benchmarks.workload;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts events and sums their values with one atomic addition each, and lets one thread wait for
 * the last. A lost event shows as a missing count, a doubled one as a wrong sum.
 */
final class Tally {
    private static final int COUNT_SHIFT = 40;
    private static final long SUM_MASK = (1L << COUNT_SHIFT) - 1;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final long expectedCount;
    private final long expectedSum;
    private final Duration patience;
    private final AtomicLong countAndSum = new AtomicLong();
    private final CountDownLatch complete = new CountDownLatch(1);

    /**
     * Expects a number of events.
     *
     * @param expectedCount how many, below 2^23
     * @param expectedSum the sum of their values, below 2^40
     */
    Tally(long expectedCount, long expectedSum) {
        this(expectedCount, expectedSum, PATIENCE);
    }

    Tally(long expectedCount, long expectedSum, Duration patience) {
        this.expectedCount = expectedCount;
        this.expectedSum = expectedSum;
        this.patience = patience;
    }

    /**
     * Records an event.
     *
     * @param value its value, not negative
     */
    void add(long value) {
        long now = countAndSum.addAndGet((1L << COUNT_SHIFT) + value);
        if (now >>> COUNT_SHIFT == expectedCount) {
            complete.countDown();
        }
    }

    /** Whether so many events as expected have been recorded. */
    boolean isComplete() {
        return complete.getCount() == 0;
    }

    /**
     * Waits for the last event and checks count and sum.
     *
     * @throws InterruptedException if interrupted while waiting
     * @throws IllegalStateException if events are missing when patience is over, or count or sum
     *     are wrong
     */
    void await() throws InterruptedException {
        boolean all = complete.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        long seen = countAndSum.get();
        long count = seen >>> COUNT_SHIFT;
        long sum = seen & SUM_MASK;
        if (!all || count != expectedCount || sum != expectedSum) {
            throw new IllegalStateException(
                    "expected "
                            + expectedCount
                            + " events with the sum "
                            + expectedSum
                            + ", but got "
                            + count
                            + " with the sum "
                            + sum
                            + (all ? "" : " after " + patience));
        }
    }
}
