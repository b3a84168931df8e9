package cloud.avila.avx.actuator;

import org.jspecify.annotations.Nullable;

/**
 * One task executor.
 *
 * @param name the name of its bean
 * @param active tasks that have started and not ended
 * @param completed tasks that have ended
 * @param queued tasks accepted that have not started
 * @param queueRemaining tasks that may still be queued
 * @param concurrencyLimit most tasks that may be active at once; null without a limit
 */
public record ExecutorDescription(
        String name,
        long active,
        long completed,
        long queued,
        long queueRemaining,
        @Nullable Long concurrencyLimit) {

    static ExecutorDescription of(String name, ExecutorMetricsSource source) {
        ExecutorMetrics m = source.executorMetrics();
        return new ExecutorDescription(
                name,
                m.active(),
                m.completed(),
                m.queued(),
                m.queueRemaining(),
                m.maxPoolSize() == Integer.MAX_VALUE ? null : m.maxPoolSize());
    }
}
