package cloud.avila.avx.sample.ingest;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Bounds how many different names the gateway keeps. Thread-safe; concurrent admissions may exceed
 * the limit by as many names as there are threads.
 */
public final class SeriesLimit {
    private final int max;
    private final Set<String> known = ConcurrentHashMap.newKeySet();

    /**
     * Creates the limit.
     *
     * @param max the number of names
     */
    public SeriesLimit(int max) {
        this.max = max;
    }

    /**
     * Whether a line of this name may enter.
     *
     * @param series canonical name
     * @return false if it would be one name too many
     */
    public boolean admit(String series) {
        if (known.contains(series)) {
            return true;
        }
        return known.size() < max && known.add(series) || known.contains(series);
    }

    /**
     * Counts a name that is already stored, whatever the limit.
     *
     * @param series canonical name
     */
    public void addKnown(String series) {
        known.add(series);
    }

    /**
     * Gives a name's place back.
     *
     * @param series canonical name
     */
    public void remove(String series) {
        known.remove(series);
    }

    /**
     * The limit.
     *
     * @return the number of names that may enter
     */
    public int max() {
        return max;
    }
}
