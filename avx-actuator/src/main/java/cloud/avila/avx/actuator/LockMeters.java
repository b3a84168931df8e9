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

    private final MeterDefinition<LockMetrics> definition;

    LockMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<LockMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<LockMetrics> definition() {
        return definition;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.KIND, MeterKey.LOCK});
    }
}
