package cloud.avila.avx.actuator;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.function.Supplier;

/**
 * Remembers a snapshot for a short time, so that the many meters of one scrape read one snapshot
 * and agree with each other. Thread-safe: threads that find it too old at the same moment each take
 * one, and the last is kept.
 *
 * @param <T> the snapshot
 */
final class Snapshots<T> implements Supplier<T> {
    private record Taken<T>(T snapshot, long nanoTime) {}

    private final Supplier<T> source;
    private final long maxAgeNanos;
    private volatile @Nullable Taken<T> last;

    Snapshots(Supplier<T> source, Duration maxAge) {
        this.source = source;
        this.maxAgeNanos = maxAge.toNanos();
    }

    @Override
    public T get() {
        Taken<T> taken = last;
        if (taken == null || System.nanoTime() - taken.nanoTime >= maxAgeNanos) {
            taken = new Taken<>(source.get(), System.nanoTime());
            last = taken;
        }
        return taken.snapshot;
    }
}
