package cloud.avila.avx.time;

/**
 * What an {@link Interval} does when a tick is taken late: more than 5 ms, or more than a period if
 * that is shorter, after it was due. Say the period is 10 and the tick due at 20 is taken at 47.
 */
public enum MissedTicks {
    /**
     * Keeps the number of ticks: those missed follow at once, until the interval has caught up.
     * Next ticks at 47 (due at 30), 47 (due at 40), 50, 60.
     */
    BURST,

    /**
     * Keeps the distance: the next tick is one period after the late one was taken. Next ticks at
     * 57, 67.
     */
    DELAY,

    /** Keeps the rhythm: the ticks missed are left out. Next ticks at 50, 60. */
    SKIP
}
