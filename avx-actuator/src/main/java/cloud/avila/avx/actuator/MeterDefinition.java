package cloud.avila.avx.actuator;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;

import org.jspecify.annotations.Nullable;

import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * A meter that reads one number of a snapshot.
 *
 * @param <S> the snapshot
 * @param name lower case with dots
 * @param type gauge, or counter for a number that only grows
 * @param unit the base unit, null for none
 * @param description what it counts
 * @param value reads it
 */
record MeterDefinition<S>(
        String name,
        Meter.Type type,
        @Nullable String unit,
        String description,
        ToDoubleFunction<S> value) {

    static <S> MeterDefinition<S> gauge(
            String name, @Nullable String unit, String description, ToDoubleFunction<S> value) {
        return new MeterDefinition<>(name, Meter.Type.GAUGE, unit, description, value);
    }

    static <S> MeterDefinition<S> counter(
            String name, @Nullable String unit, String description, ToDoubleFunction<S> value) {
        return new MeterDefinition<>(name, Meter.Type.COUNTER, unit, description, value);
    }

    /**
     * Registers the meter.
     *
     * @param registry where
     * @param tags its tags
     * @param source the meter holds it weakly, so someone else must hold it
     * @param part finds the snapshot in what the source gives
     */
    <T> Meter register(MeterRegistry registry, Tags tags, Supplier<T> source, Function<T, S> part) {
        ToDoubleFunction<Supplier<T>> read = s -> value.applyAsDouble(part.apply(s.get()));
        return type == Meter.Type.COUNTER
                ? FunctionCounter.builder(name, source, read)
                        .baseUnit(unit)
                        .description(description)
                        .tags(tags)
                        .register(registry)
                : Gauge.builder(name, source, read)
                        .baseUnit(unit)
                        .description(description)
                        .tags(tags)
                        .register(registry);
    }
}
