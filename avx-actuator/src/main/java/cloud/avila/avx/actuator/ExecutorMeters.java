package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/**
 * The meters of a task executor: those of a thread pool, with the names, types, units and the one
 * tag of Micrometer's {@code ExecutorServiceMetrics}, and a few that no thread pool has.
 */
enum ExecutorMeters implements AvxMeter<ExecutorMetrics> {
    ACTIVE(
            Type.GAUGE,
            "executor.active",
            BaseUnits.THREADS,
            "Tasks that have started and not ended, waiting ones included",
            ExecutorMetrics::active),
    COMPLETED(
            Type.COUNTER,
            "executor.completed",
            BaseUnits.TASKS,
            "Tasks that have ended",
            ExecutorMetrics::completed),
    QUEUED(
            Type.GAUGE,
            "executor.queued",
            BaseUnits.TASKS,
            "Tasks accepted that have not started",
            ExecutorMetrics::queued),
    QUEUE_REMAINING(
            Type.GAUGE,
            "executor.queue.remaining",
            BaseUnits.TASKS,
            "Tasks that may still be queued",
            ExecutorMetrics::queueRemaining),
    POOL_SIZE(
            Type.GAUGE,
            "executor.pool.size",
            BaseUnits.THREADS,
            "Fibers that run the executor's tasks",
            ExecutorMetrics::poolSize),
    POOL_CORE(
            Type.GAUGE,
            "executor.pool.core",
            BaseUnits.THREADS,
            "Worker threads that run the fibers",
            ExecutorMetrics::corePoolSize),
    POOL_MAX(
            Type.GAUGE,
            "executor.pool.max",
            BaseUnits.THREADS,
            "Most tasks that may be active at once",
            ExecutorMetrics::maxPoolSize),
    REJECTED(
            Type.COUNTER,
            "avx.executor.rejected",
            BaseUnits.TASKS,
            "Tasks refused with an exception to whoever submitted them",
            ExecutorMetrics::rejected),
    DISCARDED(
            Type.COUNTER,
            "avx.executor.discarded",
            BaseUnits.TASKS,
            "Tasks dropped because too many waited, as the rejection policy wants it",
            ExecutorMetrics::discarded),
    TIMED_OUT(
            Type.COUNTER,
            "avx.executor.timeouts",
            BaseUnits.TASKS,
            "Tasks given up because they had waited too long",
            ExecutorMetrics::timedOut),
    CALLER_RUNS(
            Type.COUNTER,
            "avx.executor.caller.runs",
            BaseUnits.TASKS,
            "Tasks run by the thread that submitted them, because too many waited",
            ExecutorMetrics::callerRuns),
    QUEUE_AGE(
            Type.GAUGE,
            "avx.executor.queue.age",
            AvxMeter.UNIT_SECONDS,
            "For how long the oldest queued task has waited; only where the executor has a queue",
            executor -> executor.oldestQueuedNanos() / 1e9);

    private final MeterDefinition<ExecutorMetrics> definition;

    ExecutorMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<ExecutorMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<ExecutorMetrics> definition() {
        return definition;
    }

    /** Whether an executor has the meter. */
    boolean isOf(ExecutorMetrics executor) {
        return this != QUEUE_AGE || executor.oldestQueuedNanos() >= 0;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.NAME});
    }
}
