package cloud.avila.avx.sample.store;

/**
 * How far the database has come, stored in the same transaction as the points.
 *
 * @param position the journal's position up to which it holds everything
 * @param lastTime the time of the last window, in epoch milliseconds
 */
public record Checkpoint(long position, long lastTime) {}
