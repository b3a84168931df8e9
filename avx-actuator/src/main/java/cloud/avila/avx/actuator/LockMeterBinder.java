package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.MeterDefinition.counter;
import static cloud.avila.avx.actuator.MeterDefinition.gauge;

import cloud.avila.avx.metrics.LockMetrics;
import cloud.avila.avx.sync.NamedLocks;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * Publishes how much is waited for locks that have a name. A lock shows up when somebody has waited
 * for it, in the scrape after the one in which {@code avx.locks} counts it for the first time;
 * {@link NamedLocks} bounds how many there are.
 */
final class LockMeterBinder implements MeterBinder {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);
    private static final double NANOS_PER_SECOND = 1e9;

    private static final MeterDefinition<Integer> LOCKS =
            gauge(
                    "avx.locks",
                    "locks",
                    "Locks with a name for which somebody has waited",
                    Integer::doubleValue);

    private static final List<MeterDefinition<LockMetrics>> METERS =
            List.of(
                    counter(
                            "avx.lock.waits",
                            "operations",
                            "Times a thread had to queue for the lock",
                            LockMetrics::waits),
                    counter(
                            "avx.lock.wait.time",
                            "seconds",
                            "Time that threads queued for the lock, estimated from one wait in eight",
                            lock -> lock.estimatedTime().toNanos() / NANOS_PER_SECOND),
                    gauge(
                            "avx.lock.wait.longest",
                            "seconds",
                            "The longest wait for the lock among those that were timed",
                            lock -> lock.longest().toNanos() / NANOS_PER_SECOND));

    private final Snapshots<List<LockMetrics>> locks;
    private final List<Object> held = new CopyOnWriteArrayList<>();

    LockMeterBinder() {
        this(NamedLocks::metrics);
    }

    LockMeterBinder(Supplier<List<LockMetrics>> locks) {
        this.locks = new Snapshots<>(locks, SNAPSHOT_AGE);
    }

    private record Key(String kind, String name) {
        LockMetrics in(List<LockMetrics> all) {
            return all.stream()
                    .filter(lock -> lock.kind().equals(kind) && lock.name().equals(name))
                    .findFirst()
                    .orElseGet(
                            () -> new LockMetrics(kind, name, 0, 0, Duration.ZERO, Duration.ZERO));
        }
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Set<Key> known = ConcurrentHashMap.newKeySet();
        Supplier<Integer> counted =
                () -> {
                    List<LockMetrics> all = locks.get();
                    for (LockMetrics lock : all) {
                        Key key = new Key(lock.kind(), lock.name());
                        if (known.add(key)) {
                            register(registry, key);
                        }
                    }
                    return known.size();
                };
        held.add(counted);
        LOCKS.register(registry, Tags.empty(), counted, n -> n);
    }

    private void register(MeterRegistry registry, Key key) {
        Tags tags = Tags.of("kind", key.kind, "lock", key.name);
        METERS.forEach(meter -> meter.register(registry, tags, locks, key::in));
    }
}
