package cloud.avila.avx.actuator;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.docs.MeterDocumentation;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * A meter that reads one number of a snapshot. The enums that implement this are where names,
 * types, units, tags and descriptions are written down: the meters are made from them, and so are
 * the tables of docs/metrics.md.
 *
 * @param <S> the snapshot
 */
interface AvxMeter<S> extends MeterDocumentation {
    /** The base unit of what takes time. */
    String UNIT_SECONDS = "seconds";

    /** The base unit of sockets. */
    String UNIT_SOCKETS = "sockets";

    /** The base unit of datagrams. */
    String UNIT_DATAGRAMS = "datagrams";

    /** The base unit of timers. */
    String UNIT_TIMERS = "timers";

    /** The base unit of locks. */
    String UNIT_LOCKS = "locks";

    static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    /** What there is to know of the meter but its tags. */
    MeterDefinition<S> definition();

    @Override
    default Meter.Type getType() {
        return definition().type();
    }

    @Override
    default String getName() {
        return definition().name();
    }

    @Override
    default @Nullable String getBaseUnit() {
        return definition().unit();
    }

    /** What the meter tells, in words. */
    default String description() {
        return definition().description();
    }

    /** Reads the number. */
    default double value(S of) {
        return definition().value().applyAsDouble(of);
    }

    /**
     * Registers the meter.
     *
     * @param registry where
     * @param tags its tags, as {@link #getKeyNames()} says
     * @param source the meter holds it weakly, so someone else must hold it
     * @param part finds the snapshot in what the source gives; null if it is gone
     */
    default <T> Meter register(
            MeterRegistry registry,
            Tags tags,
            Supplier<T> source,
            Function<T, ? extends @Nullable S> part) {
        ToDoubleFunction<Supplier<T>> read =
                s -> {
                    S found = part.apply(s.get());
                    return found == null ? Double.NaN : value(found);
                };
        return getType() == Meter.Type.COUNTER
                ? FunctionCounter.builder(getName(), source, read)
                        .baseUnit(getBaseUnit())
                        .description(description())
                        .tags(tags)
                        .register(registry)
                : Gauge.builder(getName(), source, read)
                        .baseUnit(getBaseUnit())
                        .description(description())
                        .tags(tags)
                        .register(registry);
    }
}
