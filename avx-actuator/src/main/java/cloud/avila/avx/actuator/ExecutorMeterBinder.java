package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.MeterDefinition.counter;
import static cloud.avila.avx.actuator.MeterDefinition.gauge;

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
 * for thread pools, so that dashboards do not go blank when AVX replaces a pool.
 */
final class ExecutorMeterBinder implements MeterBinder {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);

    private static final List<MeterDefinition<ExecutorMetrics>> METERS =
            List.of(
                    gauge(
                            "executor.active",
                            "threads",
                            "Tasks that have started and not ended, waiting ones included",
                            ExecutorMetrics::active),
                    counter(
                            "executor.completed",
                            "tasks",
                            "Tasks that have ended",
                            ExecutorMetrics::completed),
                    gauge(
                            "executor.queued",
                            "tasks",
                            "Tasks accepted that have not started",
                            ExecutorMetrics::queued),
                    gauge(
                            "executor.queue.remaining",
                            "tasks",
                            "Tasks that may still be queued",
                            ExecutorMetrics::queueRemaining),
                    gauge(
                            "executor.pool.size",
                            "threads",
                            "Fibers that run the executor's tasks",
                            ExecutorMetrics::poolSize),
                    gauge(
                            "executor.pool.core",
                            "threads",
                            "Worker threads that run the fibers",
                            ExecutorMetrics::corePoolSize),
                    gauge(
                            "executor.pool.max",
                            "threads",
                            "Most tasks that may be active at once",
                            ExecutorMetrics::maxPoolSize));

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
                            METERS.forEach(
                                    meter ->
                                            meter.register(
                                                    registry,
                                                    Tags.of("name", name),
                                                    snapshots,
                                                    m -> m));
                        });
        held.addAll(all);
    }
}
