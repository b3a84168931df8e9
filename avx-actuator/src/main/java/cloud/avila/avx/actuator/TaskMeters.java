package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.docs.MeterDocumentation;

/** The timers of an executor's tasks, by the class of the task. */
enum TaskMeters implements MeterDocumentation {
    WAIT(
            "avx.executor.wait",
            "Time from a task's submission to its start",
            MeterKey.NAME,
            MeterKey.TASK),
    RUN(
            "avx.executor.run",
            "Time from a task's start to its end, what it waited for included",
            MeterKey.NAME,
            MeterKey.TASK,
            MeterKey.OUTCOME);

    private final String name;
    private final String description;
    private final KeyName[] keys;

    TaskMeters(String name, String description, KeyName... keys) {
        this.name = name;
        this.description = description;
        this.keys = keys;
    }

    @Override
    public Meter.Type getType() {
        return Meter.Type.TIMER;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public String getBaseUnit() {
        return AvxMeter.UNIT_SECONDS;
    }

    @Override
    public KeyName[] getKeyNames() {
        return keys.clone();
    }

    String description() {
        return description;
    }
}
