package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxDescription.lowerCase;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Publishes the metrics of a runtime as meters {@code avx.*}, listed in docs/metrics.md. Every
 * meter has the tag {@code runtime}; those of a worker have the tag {@code worker}, its number, and
 * come and go with the worker: a new one has meters from the scrape after the one that finds it.
 *
 * <p>Nothing is recorded while the runtime works: the meters read a snapshot that is at most 100 ms
 * old, so one scrape takes one snapshot. They hold the binder weakly; keep it as long as the
 * meters, and close it to remove them.
 */
public final class AvxMeterBinder implements MeterBinder, AutoCloseable {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);

    private final String runtimeName;
    private final Snapshots<RuntimeMetrics> snapshots;
    private final Queue<Registered> registered = new ConcurrentLinkedQueue<>();

    /** Guards the workers' meters; only tried, so that no scrape waits for another. */
    private final ReentrantLock following = new ReentrantLock();

    private final List<MeterRegistry> registries = new CopyOnWriteArrayList<>();
    private final Map<Integer, List<Registered>> workers = new HashMap<>();
    private boolean closed;

    private record Registered(MeterRegistry registry, Meter meter) {
        void remove() {
            registry.remove(meter);
        }
    }

    /**
     * Creates a binder.
     *
     * @param runtime what to publish
     */
    public AvxMeterBinder(AvxRuntime runtime) {
        this(runtime.config().name(), runtime::metrics);
    }

    AvxMeterBinder(String runtimeName, Supplier<RuntimeMetrics> metrics) {
        this(runtimeName, metrics, SNAPSHOT_AGE);
    }

    AvxMeterBinder(String runtimeName, Supplier<RuntimeMetrics> metrics, Duration snapshotAge) {
        this.runtimeName = runtimeName;
        this.snapshots = new Snapshots<>(() -> followed(metrics.get()), snapshotAge);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Tags tags = tags();
        for (RuntimeMeters meter : RuntimeMeters.values()) {
            add(registry, meter.register(registry, tags, snapshots, m -> m));
        }
        for (StateMeters meter : StateMeters.values()) {
            meter.register(registry, tags, snapshots).forEach(each -> add(registry, each));
        }
        for (SocketKind kind : SocketKind.values()) {
            Tags kindTags = tags.and(MeterKey.KIND.asString(), lowerCase(kind));
            for (SocketMeters meter : SocketMeters.values()) {
                if (meter.isOf(kind)) {
                    add(
                            registry,
                            meter.register(registry, kindTags, snapshots, m -> m.sockets(kind)));
                }
            }
        }
        following.lock();
        try {
            registries.add(registry);
            workers.forEach((worker, meters) -> meters.addAll(ofWorker(registry, worker)));
            follow(snapshots.get());
        } finally {
            following.unlock();
        }
    }

    private Tags tags() {
        return Tags.of(MeterKey.RUNTIME.asString(), runtimeName);
    }

    private void add(MeterRegistry registry, Meter meter) {
        registered.add(new Registered(registry, meter));
    }

    /** Lets meters of workers come and go with them, and passes the snapshot on. */
    private RuntimeMetrics followed(RuntimeMetrics metrics) {
        if (following.tryLock()) {
            try {
                follow(metrics);
            } finally {
                following.unlock();
            }
        }
        return metrics;
    }

    private void follow(RuntimeMetrics metrics) {
        if (closed || registries.isEmpty()) {
            return;
        }
        Set<Integer> present = new HashSet<>();
        for (WorkerMetrics worker : metrics.workers()) {
            if (worker.index() < metrics.activeWorkers()
                    || worker.state() != WorkerState.TERMINATED) {
                present.add(worker.index());
            }
        }
        for (Integer worker : present) {
            if (!workers.containsKey(worker)) {
                List<Registered> meters = new ArrayList<>();
                registries.forEach(registry -> meters.addAll(ofWorker(registry, worker)));
                workers.put(worker, meters);
            }
        }
        workers.entrySet()
                .removeIf(
                        entry -> {
                            boolean gone = !present.contains(entry.getKey());
                            if (gone) {
                                entry.getValue().forEach(Registered::remove);
                            }
                            return gone;
                        });
    }

    private List<Registered> ofWorker(MeterRegistry registry, int index) {
        Tags tags = tags().and(MeterKey.WORKER.asString(), Integer.toString(index));
        return Stream.of(WorkerMeters.values())
                .map(meter -> meter.register(registry, tags, snapshots, m -> worker(m, index)))
                .map(meter -> new Registered(registry, meter))
                .toList();
    }

    private static @Nullable WorkerMetrics worker(RuntimeMetrics metrics, int index) {
        List<WorkerMetrics> all = metrics.workers();
        return index < all.size() ? all.get(index) : null;
    }

    /** Removes the meters from the registries they were bound to. */
    @Override
    public void close() {
        for (Registered r; (r = registered.poll()) != null; ) {
            r.remove();
        }
        following.lock();
        try {
            closed = true;
            workers.values().forEach(meters -> meters.forEach(Registered::remove));
            workers.clear();
            registries.clear();
        } finally {
            following.unlock();
        }
    }
}
