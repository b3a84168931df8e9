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
 */
public record ExecutorMetrics(
        long active,
        long completed,
        long queued,
        long queueRemaining,
        long poolSize,
        long corePoolSize,
        long maxPoolSize) {}
