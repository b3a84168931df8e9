package cloud.avila.avx.sample.line;

/** One measurement, as read from one line. Series names are canonical, see {@link SeriesName}. */
public sealed interface Sample {
    /**
     * The canonical name the line gave.
     *
     * @return the name; for timings the stem to which {@code .p95} and the like are added
     */
    String series();

    /**
     * An addition to a counter.
     *
     * @param series canonical name
     * @param amount the amount, already divided by the sample rate
     */
    record Count(String series, double amount) implements Sample {}

    /**
     * A gauge's new value, or a change of it.
     *
     * @param series canonical name
     * @param value the value or the change
     * @param relative whether {@code value} is added to the present value
     */
    record Gauge(String series, double value, boolean relative) implements Sample {}

    /**
     * One observation of a timer, histogram or distribution.
     *
     * @param series canonical name
     * @param value the observation; milliseconds for timers
     * @param weight how many observations it stands for: one divided by the sample rate
     */
    record Timing(String series, double value, double weight) implements Sample {}

    /**
     * A member seen in a set.
     *
     * @param series canonical name
     * @param member the member
     */
    record Member(String series, String member) implements Sample {}

    /**
     * A finished point with its own timestamp.
     *
     * @param series canonical name
     * @param epochMillis the point's time
     * @param value the point's value
     */
    record TimedPoint(String series, long epochMillis, double value) implements Sample {}
}
