package cloud.avila.avx.actuator;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/** Publishes task schedulers, each by its name. */
final class SchedulerMeterBinder implements MeterBinder {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);

    private final Supplier<Map<String, SchedulerMetricsSource>> schedulers;
    private final List<Snapshots<SchedulerMetrics>> held = new CopyOnWriteArrayList<>();

    /**
     * Creates a binder.
     *
     * @param schedulers finds the schedulers by their names, when first bound
     */
    SchedulerMeterBinder(Supplier<Map<String, SchedulerMetricsSource>> schedulers) {
        this.schedulers = schedulers;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        List<Snapshots<SchedulerMetrics>> all = new ArrayList<>();
        schedulers
                .get()
                .forEach(
                        (name, scheduler) -> {
                            var snapshots =
                                    new Snapshots<>(scheduler::schedulerMetrics, SNAPSHOT_AGE);
                            all.add(snapshots);
                            Tags tags = Tags.of(MeterKey.NAME.asString(), name);
                            for (SchedulerMeters meter : SchedulerMeters.values()) {
                                meter.register(registry, tags, snapshots, m -> m);
                            }
                        });
        held.addAll(all);
    }
}
