package cloud.avila.avx.actuator;

import io.micrometer.core.instrument.Meter;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/**
 * What there is to know of a meter but its tags.
 *
 * @param type gauge, or counter for a number that only grows
 * @param name lower case with dots
 * @param unit the base unit, null for none
 * @param description what it tells
 * @param value reads the number
 */
record MeterDefinition<S>(
        Meter.Type type,
        String name,
        @Nullable String unit,
        String description,
        ToDoubleFunction<S> value) {}
