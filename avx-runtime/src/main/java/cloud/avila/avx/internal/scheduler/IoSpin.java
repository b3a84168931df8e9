package cloud.avila.avx.internal.scheduler;

/**
 * Decides how long the leader asks the driver again and again before it sleeps in it. Sleeping and
 * waking costs tens of microseconds; where the next event comes sooner than that, asking on is
 * faster and takes less processor time, too. Where it does not, nothing is spent: the budget grows
 * only while spins succeed or sleeps turn out short. Belongs to whoever leads.
 */
final class IoSpin {
    private static final long MAX_NANOS = 50_000;
    private static final long MIN_NANOS = 2_000;

    /** So many short sleeps in a row make spinning worth a try. */
    private static final int SHORT_SLEEPS = 4;

    private long budget;
    private int shortSleeps;

    long budgetNanos() {
        return budget;
    }

    void spun(int events) {
        if (events > 0) {
            budget = Math.min(MAX_NANOS, budget + (budget >> 2));
        } else {
            budget -= budget >> 2;
            if (budget < MIN_NANOS) {
                budget = 0;
            }
        }
    }

    void slept(long nanos, int events) {
        if (events > 0 && nanos < MAX_NANOS) {
            if (++shortSleeps >= SHORT_SLEEPS) {
                shortSleeps = 0;
                budget = MAX_NANOS;
            }
        } else {
            shortSleeps = 0;
        }
    }
}
