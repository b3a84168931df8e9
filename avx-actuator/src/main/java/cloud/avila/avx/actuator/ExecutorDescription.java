package cloud.avila.avx.actuator;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * One task executor.
 *
 * @param name the name of its bean
 * @param active tasks that have started and not ended
 * @param completed tasks that have ended
 * @param queued tasks accepted that have not started
 * @param queueRemaining tasks that may still be queued
 * @param concurrencyLimit most tasks that may be active at once; null without a limit
 * @param rejected tasks refused
 * @param discarded tasks accepted and dropped for others
 * @param timedOut tasks given up because they had waited for too long
 * @param oldestQueued how long the oldest queued task has waited; null if none is queued or that is
 *     not measured
 * @param resizable whether the limit can be changed
 * @param queueCapacity tasks that may wait; null if only the runtime's own queues bound them or
 *     that is not known
 * @param rejectionPolicy what happens to a task beyond that; null if it is not known
 * @param priority how urgent the tasks are; null if it is not known
 * @param queueTimeout how long a task may wait, zero for ever; null if it is not known
 */
public record ExecutorDescription(
        String name,
        long active,
        long completed,
        long queued,
        long queueRemaining,
        @Nullable Long concurrencyLimit,
        long rejected,
        long discarded,
        long timedOut,
        @Nullable Duration oldestQueued,
        boolean resizable,
        @Nullable Integer queueCapacity,
        @Nullable String rejectionPolicy,
        @Nullable String priority,
        @Nullable Duration queueTimeout) {

    static ExecutorDescription of(String name, ExecutorMetricsSource source) {
        ExecutorMetrics m = source.executorMetrics();
        ExecutorControl control = source instanceof ExecutorControl c ? c : null;
        return new ExecutorDescription(
                name,
                m.active(),
                m.completed(),
                m.queued(),
                m.queueRemaining(),
                m.maxPoolSize() == Integer.MAX_VALUE ? null : m.maxPoolSize(),
                m.rejected(),
                m.discarded(),
                m.timedOut(),
                m.oldestQueuedNanos() < 0 || m.queued() == 0
                        ? null
                        : Duration.ofNanos(m.oldestQueuedNanos()),
                control != null && control.isResizable(),
                control == null || control.queueCapacity() == ExecutorControl.UNLIMITED
                        ? null
                        : control.queueCapacity(),
                control == null ? null : control.rejectionPolicy(),
                control == null ? null : control.priority(),
                control == null ? null : control.queueTimeout());
    }
}
