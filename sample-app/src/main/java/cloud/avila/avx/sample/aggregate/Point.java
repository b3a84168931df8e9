package cloud.avila.avx.sample.aggregate;

/**
 * A value of a series at a time.
 *
 * @param series canonical name
 * @param epochMillis the time
 * @param value the value
 */
public record Point(String series, long epochMillis, double value) {}
