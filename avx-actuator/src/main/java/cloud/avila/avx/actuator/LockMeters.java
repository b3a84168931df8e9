package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxMeter.UNIT_SECONDS;
import static cloud.avila.avx.actuator.AvxMeter.seconds;

import cloud.avila.avx.metrics.LockMetrics;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/** The meters of the locks of one name. */
enum LockMeters implements AvxMeter<LockMetrics> {
    WAITS(
            Type.COUNTER,
            "avx.lock.waits",
            BaseUnits.OPERATIONS,
            "Times a thread had to queue for the lock",
            LockMetrics::waits),
    WAIT_TIME(
            Type.COUNTER,
            "avx.lock.wait.time",
            UNIT_SECONDS,
            "Time that threads queued for the lock, estimated from one wait in eight",
            lock -> seconds(lock.estimatedTime())),
    WAIT_LONGEST(
            Type.GAUGE,
            "avx.lock.wait.longest",
            UNIT_SECONDS,
            "The longest wait for the lock among those that were timed",
            lock -> seconds(lock.longest()));

    private final Type type;
    private final String name;
    private final @Nullable String unit;
    private final String description;
    private final ToDoubleFunction<LockMetrics> value;

    LockMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<LockMetrics> value) {
        this.type = type;
        this.name = name;
        this.unit = unit;
        this.description = description;
        this.value = value;
    }

    @Override
    public Type getType() {
        return type;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public @Nullable String getBaseUnit() {
        return unit;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public double value(LockMetrics of) {
        return value.applyAsDouble(of);
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.KIND, MeterKey.LOCK});
    }
}
