package cloud.avila.avx.sample.aggregate;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.sample.line.Sample;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

class AggregatorTest {
    private static final long T = 1_700_000_000_000L;

    private final Aggregator aggregator =
            new Aggregator(
                    Duration.ofSeconds(1),
                    10_000,
                    0,
                    name ->
                            name.equals("stored")
                                    ? OptionalDouble.of(100)
                                    : OptionalDouble.empty());

    @Test
    void sumsCounters() {
        add(new Sample.Count("hits", 2));
        add(new Sample.Count("hits", 0.5));

        assertThat(values(aggregator.seal(7))).containsExactly(Map.entry("hits", 2.5));
    }

    @Test
    void namesAWindowByItsEnd() {
        aggregator.add(new Sample.Count("hits", 1), T + 400);
        Window window = aggregator.seal(7);

        assertThat(window.time()).isEqualTo(T + 1000);
        assertThat(window.endPosition()).isEqualTo(7);
        assertThat(window.aggregated()).containsExactly(new Point("hits", T + 1000, 1));
    }

    @Test
    void keepsAGaugesLastValueAndAppliesChanges() {
        add(new Sample.Gauge("g", 5, false));
        add(new Sample.Gauge("g", 3, true));
        assertThat(values(aggregator.seal(1))).containsEntry("g", 8.0);

        add(new Sample.Gauge("g", -10, true));
        assertThat(values(aggregator.seal(2))).containsEntry("g", -2.0);
    }

    @Test
    void goesOnFromAStoredGaugeAfterARestart() {
        add(new Sample.Gauge("stored", -1, true));
        add(new Sample.Gauge("new", -1, true));

        assertThat(values(aggregator.seal(1)))
                .containsOnly(Map.entry("stored", 99.0), Map.entry("new", -1.0));
    }

    @Test
    void writesAGaugeOnlyWhenItWasSet() {
        add(new Sample.Gauge("g", 5, false));
        aggregator.seal(1);
        add(new Sample.Count("other", 1));

        assertThat(values(aggregator.seal(2))).containsOnlyKeys("other");
    }

    @Test
    void summarisesTimings() {
        for (int i = 1; i <= 100; i++) {
            add(new Sample.Timing("t;a=b", i, 1));
        }

        assertThat(values(aggregator.seal(1)))
                .containsOnly(
                        Map.entry("t.count;a=b", 100.0),
                        Map.entry("t.mean;a=b", 50.5),
                        Map.entry("t.p50;a=b", 50.0),
                        Map.entry("t.p95;a=b", 95.0),
                        Map.entry("t.p99;a=b", 99.0),
                        Map.entry("t.max;a=b", 100.0));
    }

    @Test
    void scalesTheCountAndMeanOfSampledTimings() {
        add(new Sample.Timing("t", 10, 4));
        add(new Sample.Timing("t", 20, 1));

        assertThat(values(aggregator.seal(1)))
                .containsEntry("t.count", 5.0)
                .containsEntry("t.mean", 12.0);
    }

    @Test
    void boundsTheMemoryOfATimerAndStaysCloseToItsPercentiles() {
        for (int i = 0; i < 100_000; i++) {
            add(new Sample.Timing("t", i % 1000, 1));
        }

        assertThat(aggregator.cells()).isEqualTo(TimingSummary.MAX_VALUES);
        Map<String, Double> values = values(aggregator.seal(1));
        assertThat(values).containsEntry("t.count", 100_000.0).containsEntry("t.max", 999.0);
        assertThat(values.get("t.p50")).isBetween(400.0, 600.0);
        assertThat(values.get("t.p95")).isBetween(900.0, 990.0);
    }

    @Test
    void countsDifferentMembersOfASet() {
        add(new Sample.Member("u", "anna"));
        add(new Sample.Member("u", "ben"));
        add(new Sample.Member("u", "anna"));

        assertThat(values(aggregator.seal(1))).containsExactly(Map.entry("u", 2.0));
    }

    @Test
    void keepsTheLastValueOfAGraphiteTimestamp() {
        add(new Sample.TimedPoint("p", 1000, 1));
        add(new Sample.TimedPoint("p", 2000, 2));
        add(new Sample.TimedPoint("p", 1000, 3));

        assertThat(aggregator.seal(1).timed())
                .containsExactly(new Point("p", 1000, 3), new Point("p", 2000, 2));
    }

    @Test
    void asksToBeSealedWhenTheIntervalChangesEitherWay() {
        assertThat(aggregator.accepts(T, 1)).isTrue();
        aggregator.add(new Sample.Count("a", 1), T);

        assertThat(aggregator.accepts(T + 999, 1)).isTrue();
        assertThat(aggregator.isDue(T + 999)).isFalse();
        assertThat(aggregator.accepts(T + 1000, 1)).isFalse();
        assertThat(aggregator.isDue(T + 1000)).isTrue();
        assertThat(aggregator.accepts(T - 5000, 1)).isFalse();
    }

    @Test
    void asksToBeSealedWhenFull() {
        for (int i = 0; i < 10_000; i++) {
            assertThat(aggregator.accepts(T, 1)).isTrue();
            aggregator.add(new Sample.Count("c" + i, 1), T);
        }
        assertThat(aggregator.accepts(T, 1)).isFalse();
        assertThat(aggregator.seal(1).aggregated()).hasSize(10_000);
        assertThat(aggregator.accepts(T, 1)).isTrue();
    }

    @Test
    void neverGivesTwoWindowsTheSameTime() {
        aggregator.add(new Sample.Count("a", 1), T);
        long first = aggregator.seal(1).time();
        aggregator.add(new Sample.Count("a", 1), T + 10);
        long second = aggregator.seal(2).time();
        aggregator.add(new Sample.Count("a", 1), T - 60_000);
        long clockSetBack = aggregator.seal(3).time();

        assertThat(second).isEqualTo(first + 1);
        assertThat(clockSetBack).isEqualTo(second + 1);
    }

    @Test
    void staysFiniteWhenSumsOverflow() {
        add(new Sample.Count("c", Double.MAX_VALUE));
        add(new Sample.Count("c", Double.MAX_VALUE));
        add(new Sample.Timing("t", Double.MAX_VALUE, 1e300));
        add(new Sample.Timing("t", Double.MAX_VALUE, 1e300));
        add(new Sample.Gauge("g", Double.MAX_VALUE, false));
        add(new Sample.Gauge("g", Double.MAX_VALUE, true));

        assertThat(values(aggregator.seal(1)).values())
                .allSatisfy(value -> assertThat(value).isFinite());
    }

    private void add(Sample sample) {
        aggregator.add(sample, T);
    }

    private static Map<String, Double> values(Window window) {
        return window.aggregated().stream().collect(Collectors.toMap(Point::series, Point::value));
    }
}
