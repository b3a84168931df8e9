package cloud.avila.avx.actuator;

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
        LockCountMeter.LOCKS.register(registry, Tags.empty(), counted, n -> n);
    }

    private void register(MeterRegistry registry, Key key) {
        Tags tags = Tags.of(MeterKey.KIND.asString(), key.kind, MeterKey.LOCK.asString(), key.name);
        for (LockMeters meter : LockMeters.values()) {
            meter.register(registry, tags, locks, key::in);
        }
    }
}
