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

/**
 * Publishes task executors under the names, units and the one tag {@code name} that Micrometer uses
 * for thread pools, so that dashboards do not go blank when AVX replaces a pool; and what pools do
 * not tell, as {@code avx.executor.*}.
 */
final class ExecutorMeterBinder implements MeterBinder {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);

    private final Supplier<Map<String, ExecutorMetricsSource>> executors;
    private final List<Snapshots<ExecutorMetrics>> held = new CopyOnWriteArrayList<>();

    /**
     * Creates a binder.
     *
     * @param executors finds the executors by their names, when first bound
     */
    ExecutorMeterBinder(Supplier<Map<String, ExecutorMetricsSource>> executors) {
        this.executors = executors;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        List<Snapshots<ExecutorMetrics>> all = new ArrayList<>();
        executors
                .get()
                .forEach(
                        (name, executor) -> {
                            var snapshots =
                                    new Snapshots<>(executor::executorMetrics, SNAPSHOT_AGE);
                            all.add(snapshots);
                            Tags tags = Tags.of(MeterKey.NAME.asString(), name);
                            ExecutorMetrics now = snapshots.get();
                            for (ExecutorMeters meter : ExecutorMeters.values()) {
                                if (meter.isOf(now)) {
                                    meter.register(registry, tags, snapshots, m -> m);
                                }
                            }
                        });
        held.addAll(all);
    }
}
