package cloud.avila.avx.actuator;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;

/** How many locks have meters. */
enum LockCountMeter implements AvxMeter<Integer> {
    LOCKS;

    private static final MeterDefinition<Integer> DEFINITION =
            new MeterDefinition<>(
                    Type.GAUGE,
                    "avx.locks",
                    UNIT_LOCKS,
                    "Locks with a name for which somebody has waited",
                    Integer::doubleValue);

    @Override
    public MeterDefinition<Integer> definition() {
        return DEFINITION;
    }

    @Override
    public KeyName[] getKeyNames() {
        return EMPTY;
    }
}
