package cloud.avila.avx.sample.store;

/**
 * A series and its newest point.
 *
 * @param id its number in the database
 * @param name canonical name
 * @param aggregated whether windows feed it, so that retention applies
 * @param epochMillis the newest point's time
 * @param value the newest point's value
 */
public record StoredSeries(
        int id, String name, boolean aggregated, long epochMillis, double value) {}
