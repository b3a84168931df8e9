package cloud.avila.avx.sample.aggregate;

import java.util.List;

/**
 * What a stretch of the journal amounts to.
 *
 * @param endPosition the journal's position after the last sample of the window
 * @param time the time of the aggregated points; later than that of every earlier window
 * @param aggregated points made from StatsD samples, all at {@code time}
 * @param timed points that brought their own time, at most one for a series and time
 */
public record Window(long endPosition, long time, List<Point> aggregated, List<Point> timed) {}
