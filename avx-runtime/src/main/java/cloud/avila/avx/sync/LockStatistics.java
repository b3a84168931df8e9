package cloud.avila.avx.sync;

import cloud.avila.avx.metrics.LockMetrics;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/**
 * What is recorded of the waits for all locks of one kind and name. Only who queues comes here, so
 * a lock that nobody waits for costs nothing.
 */
final class LockStatistics {
    static final int MAX_NAMES = 256;
    static final String OTHER = "(other)";
    private static final int SAMPLED = 8; // one of so many waits, a power of two

    /** Those of the JVM. */
    static final Names ALL = new Names();

    private record Key(String kind, String name) {}

    /** Statistics by kind and name, of which there is a limited number. */
    static final class Names {
        private final ConcurrentHashMap<Key, LockStatistics> entries = new ConcurrentHashMap<>();

        /** The statistics of a name; those for all others once there are too many. */
        LockStatistics of(String kind, String name) {
            var key = new Key(kind, name);
            LockStatistics known = entries.get(key);
            if (known == null && entries.size() >= MAX_NAMES) {
                key = new Key(kind, OTHER);
            }
            return known != null ? known : entries.computeIfAbsent(key, k -> new LockStatistics());
        }

        List<LockMetrics> snapshot() {
            return entries.entrySet().stream()
                    .map(e -> e.getValue().metrics(e.getKey()))
                    .sorted(Comparator.comparing(LockMetrics::estimatedTime).reversed())
                    .toList();
        }
    }

    private final LongAdder waits = new LongAdder();
    private final LongAdder sampled = new LongAdder();
    private final LongAdder sampledNanos = new LongAdder();
    private final LongAccumulator longest = new LongAccumulator(Math::max, 0);
    private int ticks; // racy: the sample need not be exact

    private LockStatistics() {}

    /** When a wait began that will be recorded, if there is anything to record it in. */
    static long begin(@Nullable LockStatistics statistics) {
        return statistics == null ? 0 : System.nanoTime();
    }

    /** Records a wait that is over. */
    static void end(@Nullable LockStatistics statistics, long since) {
        if (statistics != null) {
            statistics.record(since);
        }
    }

    private void record(long since) {
        waits.increment();
        if ((ticks++ & (SAMPLED - 1)) == 0) {
            long nanos = Math.max(0, System.nanoTime() - since);
            sampledNanos.add(nanos);
            longest.accumulate(nanos);
            sampled.increment();
        }
    }

    private LockMetrics metrics(Key key) {
        return new LockMetrics(
                key.kind,
                key.name,
                waits.sum(),
                sampled.sum(),
                Duration.ofNanos(sampledNanos.sum()),
                Duration.ofNanos(longest.get()));
    }
}
