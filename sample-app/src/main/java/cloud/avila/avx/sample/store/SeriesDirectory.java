package cloud.avila.avx.sample.store;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Collections;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Every stored series with its newest point, in memory. Written by the store, read by any thread.
 */
public final class SeriesDirectory {
    private final ConcurrentMap<String, StoredSeries> byName = new ConcurrentHashMap<>();

    /** Creates an empty directory. */
    public SeriesDirectory() {}

    /**
     * Finds a series.
     *
     * @param name canonical name
     * @return the series, or empty
     */
    public Optional<StoredSeries> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /**
     * A series' newest value.
     *
     * @param name canonical name
     * @return the value, or empty
     */
    public OptionalDouble newestValue(String name) {
        StoredSeries series = byName.get(name);
        return series == null ? OptionalDouble.empty() : OptionalDouble.of(series.value());
    }

    /**
     * All series.
     *
     * @return an unmodifiable live view, in no order
     */
    public Collection<StoredSeries> all() {
        return Collections.unmodifiableCollection(byName.values());
    }

    /**
     * How many there are.
     *
     * @return the number of series
     */
    public int size() {
        return byName.size();
    }

    @Nullable StoredSeries get(String name) {
        return byName.get(name);
    }

    void put(StoredSeries series) {
        byName.put(series.name(), series);
    }

    void remove(String name) {
        byName.remove(name);
    }

    void replaceAll(Collection<StoredSeries> all) {
        byName.clear();
        all.forEach(this::put);
    }
}
