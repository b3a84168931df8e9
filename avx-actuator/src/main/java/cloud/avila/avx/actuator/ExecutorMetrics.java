package cloud.avila.avx.actuator;

/**
 * What one task executor is doing, in the terms of {@link java.util.concurrent.ThreadPoolExecutor},
 * so that dashboards made for a thread pool keep working. A "thread" here is the fiber of one task.
 *
 * @param active tasks that have started and not ended; one that waits for something counts
 * @param completed tasks that have ended, normally or not
 * @param queued tasks accepted that have not started
 * @param queueRemaining tasks that may still be queued
 * @param poolSize fibers of this executor
 * @param corePoolSize worker threads that run them
 * @param maxPoolSize most tasks that may be active at once; {@link Integer#MAX_VALUE} without a
 *     limit
 * @param rejected tasks refused with an exception to whoever submitted them
 * @param discarded tasks dropped because too many waited, as the rejection policy wants it
 * @param timedOut tasks given up because they had waited too long
 * @param callerRuns tasks run by the thread that submitted them, because too many waited
 * @param oldestQueuedNanos for how long the oldest queued task has waited, in nanoseconds; 0 if
 *     none is queued, -1 if the executor does not measure it
 */
public record ExecutorMetrics(
        long active,
        long completed,
        long queued,
        long queueRemaining,
        long poolSize,
        long corePoolSize,
        long maxPoolSize,
        long rejected,
        long discarded,
        long timedOut,
        long callerRuns,
        long oldestQueuedNanos) {

    /**
     * The numbers of an executor that neither drops tasks nor measures their age.
     *
     * @param active tasks that have started and not ended
     * @param completed tasks that have ended
     * @param queued tasks accepted that have not started
     * @param queueRemaining tasks that may still be queued
     * @param poolSize fibers of this executor
     * @param corePoolSize worker threads that run them
     * @param maxPoolSize most tasks that may be active at once
     */
    public ExecutorMetrics(
            long active,
            long completed,
            long queued,
            long queueRemaining,
            long poolSize,
            long corePoolSize,
            long maxPoolSize) {
        this(
                active,
                completed,
                queued,
                queueRemaining,
                poolSize,
                corePoolSize,
                maxPoolSize,
                0,
                0,
                0,
                0,
                -1);
    }
}
