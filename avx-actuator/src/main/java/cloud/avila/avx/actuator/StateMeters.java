package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxDescription.lowerCase;

import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerState;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.BaseUnits;
import io.micrometer.core.instrument.docs.MeterDocumentation;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.Stream;

/** What a runtime is doing or made of, in words: one gauge for each word, which is a tag. */
enum StateMeters implements MeterDocumentation {
    WORKERS(
            "avx.workers",
            BaseUnits.THREADS,
            "Workers in the state of the tag",
            MeterKey.STATE,
            Stream.of(WorkerState.values()).map(state -> lowerCase(state)).toList(),
            (m, word) ->
                    m.workers().stream().filter(w -> lowerCase(w.state()).equals(word)).count()),
    DRIVER(
            "avx.driver",
            null,
            "1 for the driver in use, 0 for the others and while no socket was opened",
            MeterKey.DRIVER,
            Stream.of(ReactorDriver.values())
                    .filter(driver -> driver != ReactorDriver.AUTO)
                    .map(
                            driver ->
                                    driver.name()
                                            .toLowerCase(Locale.ROOT)) // as they call themselves
                    .toList(),
            (m, word) -> m.driver().equals(word) ? 1 : 0),
    FIBERS(
            "avx.fibers",
            null,
            "1 for the way fibers are scheduled, 0 for the others",
            MeterKey.MODE,
            List.of("workers-opened", "workers-unsafe", "jdk"),
            (m, word) -> m.fibers().equals(word) ? 1 : 0);

    private final String name;
    private final @Nullable String unit;
    private final String description;
    private final MeterKey key;
    private final List<String> words;
    private final ToDoubleBiFunction<RuntimeMetrics, String> value;

    StateMeters(
            String name,
            @Nullable String unit,
            String description,
            MeterKey key,
            List<String> words,
            ToDoubleBiFunction<RuntimeMetrics, String> value) {
        this.name = name;
        this.unit = unit;
        this.description = description;
        this.key = key;
        this.words = words;
        this.value = value;
    }

    @Override
    public Type getType() {
        return Type.GAUGE;
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
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.RUNTIME, key});
    }

    String description() {
        return description;
    }

    /** Registers a gauge for each word. */
    Stream<Meter> register(MeterRegistry registry, Tags tags, Supplier<RuntimeMetrics> source) {
        return words.stream()
                .map(
                        word ->
                                Gauge.builder(name, source, s -> value.applyAsDouble(s.get(), word))
                                        .baseUnit(unit)
                                        .description(description)
                                        .tags(tags.and(key.asString(), word))
                                        .register(registry));
    }
}
