package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;

/** How many locks have meters. */
enum LockCountMeter implements AvxMeter<Integer> {
    LOCKS;

    @Override
    public Type getType() {
        return Type.GAUGE;
    }

    @Override
    public String getName() {
        return "avx.locks";
    }

    @Override
    public String getBaseUnit() {
        return UNIT_LOCKS;
    }

    @Override
    public String description() {
        return "Locks with a name for which somebody has waited";
    }

    @Override
    public double value(Integer of) {
        return of;
    }

    @Override
    public KeyName[] getKeyNames() {
        return EMPTY;
    }
}
