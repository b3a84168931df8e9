package cloud.avila.avx.sample.aggregate;

import cloud.avila.avx.sample.line.Sample;
import cloud.avila.avx.sample.line.SeriesName;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;

/**
 * Turns samples into windows. A window covers one interval of the time of receipt, aligned to the
 * epoch, so that reading the journal again makes the same windows; it also ends when it is full.
 * Used by one thread.
 */
public final class Aggregator {
    private record Slot(String series, long epochMillis) {}

    private final long intervalMillis;
    private final int maxCells;
    private final Function<String, OptionalDouble> storedValue;

    private final Map<String, Double> counts = new HashMap<>();
    private final Map<String, Double> changedGauges = new HashMap<>();
    private final Map<String, TimingSummary> timings = new HashMap<>();
    private final Map<String, Set<String>> members = new HashMap<>();
    private final Map<Slot, Double> points = new LinkedHashMap<>();

    /** Gauges' values beyond the window, for relative changes. */
    private final Map<String, Double> gauges = new HashMap<>();

    private long bucket;
    private int cells;
    private long lastTime;

    /**
     * Creates an aggregator with an empty window.
     *
     * @param interval the length of a window
     * @param maxCells the most values a window holds
     * @param lastTime the time of the last window stored
     * @param storedValue a series' newest stored value, from which a gauge goes on
     */
    public Aggregator(
            Duration interval,
            int maxCells,
            long lastTime,
            Function<String, OptionalDouble> storedValue) {
        this.intervalMillis = interval.toMillis();
        this.maxCells = maxCells;
        this.lastTime = lastTime;
        this.storedValue = storedValue;
    }

    /**
     * Whether a number of samples received at a time can be added without sealing first.
     *
     * @param receivedMillis time of receipt in epoch milliseconds
     * @param samples how many
     * @return false if the window is of another interval, or too full
     */
    public boolean accepts(long receivedMillis, int samples) {
        return isEmpty() || (bucketOf(receivedMillis) == bucket && cells + samples <= maxCells);
    }

    /**
     * Adds a sample.
     *
     * @param sample the sample
     * @param receivedMillis its time of receipt in epoch milliseconds
     */
    public void add(Sample sample, long receivedMillis) {
        if (isEmpty()) {
            bucket = bucketOf(receivedMillis);
        }
        boolean grown =
                switch (sample) {
                    case Sample.Count s -> count(s);
                    case Sample.Gauge s -> set(s);
                    case Sample.Timing s ->
                            timings.computeIfAbsent(s.series(), name -> new TimingSummary())
                                    .add(s.value(), s.weight());
                    case Sample.Member s ->
                            members.computeIfAbsent(s.series(), name -> new HashSet<>())
                                    .add(s.member());
                    case Sample.TimedPoint s ->
                            points.put(new Slot(s.series(), s.epochMillis()), s.value()) == null;
                };
        if (grown) {
            cells++;
        }
    }

    private boolean count(Sample.Count count) {
        Double sum = counts.get(count.series());
        counts.put(count.series(), finite(count.amount() + (sum == null ? 0 : sum)));
        return sum == null;
    }

    private boolean set(Sample.Gauge gauge) {
        double value = gauge.value();
        if (gauge.relative()) {
            Double present = gauges.get(gauge.series());
            value += present != null ? present : storedValue.apply(gauge.series()).orElse(0);
        }
        value = finite(value);
        gauges.put(gauge.series(), value);
        return changedGauges.put(gauge.series(), value) == null;
    }

    /**
     * Whether the window's interval has passed.
     *
     * @param nowMillis now, in epoch milliseconds
     * @return true if the window holds something and its interval is not the present one
     */
    public boolean isDue(long nowMillis) {
        return !isEmpty() && bucketOf(nowMillis) != bucket;
    }

    /**
     * Whether nothing was added since the last seal.
     *
     * @return true if empty
     */
    public boolean isEmpty() {
        return cells == 0;
    }

    /**
     * Values held.
     *
     * @return their number
     */
    public int cells() {
        return cells;
    }

    /**
     * Ends the window and begins the next.
     *
     * @param endPosition the journal's position after the last sample added
     * @return the window
     */
    public Window seal(long endPosition) {
        // a window cut short, or a clock set back, must not overwrite an earlier window's points
        long time = Math.max((bucket + 1) * intervalMillis, lastTime + 1);
        lastTime = time;
        var aggregated = new ArrayList<Point>(cells);
        counts.forEach((series, sum) -> aggregated.add(new Point(series, time, sum)));
        changedGauges.forEach((series, value) -> aggregated.add(new Point(series, time, value)));
        timings.forEach((series, summary) -> summarise(series, summary, time, aggregated));
        members.forEach((series, set) -> aggregated.add(new Point(series, time, set.size())));
        List<Point> timed =
                points.entrySet().stream()
                        .map(
                                e ->
                                        new Point(
                                                e.getKey().series(),
                                                e.getKey().epochMillis(),
                                                e.getValue()))
                        .toList();
        counts.clear();
        changedGauges.clear();
        timings.clear();
        members.clear();
        points.clear();
        cells = 0;
        return new Window(endPosition, time, List.copyOf(aggregated), timed);
    }

    private static void summarise(
            String series, TimingSummary summary, long time, List<Point> into) {
        double[] percentiles = summary.percentiles(50, 95, 99);
        into.add(new Point(SeriesName.withSuffix(series, ".count"), time, summary.count()));
        into.add(new Point(SeriesName.withSuffix(series, ".mean"), time, summary.mean()));
        into.add(new Point(SeriesName.withSuffix(series, ".p50"), time, percentiles[0]));
        into.add(new Point(SeriesName.withSuffix(series, ".p95"), time, percentiles[1]));
        into.add(new Point(SeriesName.withSuffix(series, ".p99"), time, percentiles[2]));
        into.add(new Point(SeriesName.withSuffix(series, ".max"), time, summary.max()));
    }

    /**
     * Keeps sums of huge values storable and printable: an overflow stays at the largest number.
     */
    static double finite(double value) {
        return Math.clamp(value, -Double.MAX_VALUE, Double.MAX_VALUE);
    }

    private long bucketOf(long epochMillis) {
        return Math.floorDiv(epochMillis, intervalMillis);
    }
}
