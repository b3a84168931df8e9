package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import java.util.function.ToDoubleFunction;

/** The meters of a task scheduler, by the tag {@code name} of its bean. */
enum SchedulerMeters implements AvxMeter<SchedulerMetrics> {
    TASKS(
            Type.GAUGE,
            "avx.scheduler.tasks",
            BaseUnits.TASKS,
            "Tasks that are scheduled and have not ended for good",
            SchedulerMetrics::tasks),
    ACTIVE(
            Type.GAUGE,
            "avx.scheduler.active",
            "runs",
            "Runs that have started and not ended",
            SchedulerMetrics::active),
    COMPLETED(
            Type.COUNTER,
            "avx.scheduler.completed",
            "runs",
            "Runs that have ended, normally or not",
            SchedulerMetrics::completed),
    FAILED(
            Type.COUNTER,
            "avx.scheduler.failed",
            "runs",
            "Runs that ended with an exception",
            SchedulerMetrics::failed),
    LATE(
            Type.COUNTER,
            "avx.scheduler.late",
            "runs",
            "Runs that started later than their time by more than the threshold",
            SchedulerMetrics::late),
    OVERLAPPING(
            Type.COUNTER,
            "avx.scheduler.overlapping",
            "runs",
            "Runs that were due before the previous run of their task had ended",
            SchedulerMetrics::overlapping);

    private final MeterDefinition<SchedulerMetrics> definition;

    SchedulerMeters(
            Type type,
            String name,
            String unit,
            String description,
            ToDoubleFunction<SchedulerMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<SchedulerMetrics> definition() {
        return definition;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.NAME});
    }
}
