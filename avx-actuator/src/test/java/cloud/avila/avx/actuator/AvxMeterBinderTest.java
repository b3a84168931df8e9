package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.metrics.LockMetrics;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

class AvxMeterBinderTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final RuntimeMetrics sample =
            Samples.runtime(WorkerState.RUNNING, WorkerState.PARKED, WorkerState.PARKED);

    @Test
    void publishesEveryNumberOfARuntime() throws Exception {
        AvxMeterBinder binder = bind(() -> sample);
        for (RecordComponent component : RuntimeMetrics.class.getRecordComponents()) {
            if (component.getType() == long.class || component.getType() == int.class) {
                double value = ((Number) component.getAccessor().invoke(sample)).doubleValue();
                assertThat(meterWith(value, Tags.of("runtime", "orders")))
                        .as(component.getName())
                        .isTrue();
            }
        }
        binder.close();
    }

    @Test
    void publishesEveryNumberOfEachWorker() throws Exception {
        AvxMeterBinder binder = bind(() -> sample);
        for (WorkerMetrics worker : sample.workers()) {
            Tags tags = Tags.of("runtime", "orders", "worker", Integer.toString(worker.index()));
            for (RecordComponent component : WorkerMetrics.class.getRecordComponents()) {
                Object value = component.getAccessor().invoke(worker);
                if (component.getName().equals("index")) {
                    continue;
                }
                if (value instanceof Number number) {
                    assertThat(meterWith(number.doubleValue(), tags))
                            .as(component.getName())
                            .isTrue();
                } else if (value instanceof Duration time) {
                    assertThat(meterWith(time.toSeconds(), tags)).as(component.getName()).isTrue();
                }
            }
        }
        binder.close();
    }

    @Test
    void publishesStates() {
        AvxMeterBinder binder = bind(() -> sample);
        assertThat(gauge("avx.workers", "state", "running")).isEqualTo(1);
        assertThat(gauge("avx.workers", "state", "parked")).isEqualTo(2);
        assertThat(gauge("avx.workers", "state", "polling")).isZero();
        assertThat(gauge("avx.driver", "driver", "epoll")).isEqualTo(1);
        assertThat(gauge("avx.fibers", "mode", "workers-opened")).isEqualTo(1);
        assertThat(gauge("avx.fibers", "mode", "jdk")).isZero();
        binder.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring", "kqueue", "iocp"})
    void saysWhichDriverIsInUseByTheNameItHas(String driver) {
        RuntimeMetrics with = Samples.runtime(driver, WorkerState.RUNNING);
        AvxMeterBinder binder = bind(() -> with);
        for (ReactorDriver each : ReactorDriver.values()) {
            if (each != ReactorDriver.AUTO) {
                String name = each.name().toLowerCase(Locale.ROOT);
                assertThat(gauge("avx.driver", "driver", name))
                        .isEqualTo(name.equals(driver) ? 1 : 0);
            }
        }
        binder.close();
    }

    @Test
    void takesOneSnapshotForAScrape() {
        AtomicInteger taken = new AtomicInteger();
        Supplier<RuntimeMetrics> counted =
                () -> {
                    taken.incrementAndGet();
                    return sample;
                };
        Snapshots<RuntimeMetrics> snapshots = new Snapshots<>(counted, Duration.ofHours(1));
        for (int i = 0; i < 100; i++) {
            assertThat(snapshots.get()).isSameAs(sample);
        }
        assertThat(taken).hasValue(1);
    }

    @Test
    void takesANewSnapshotWhenTheLastIsOld() {
        AtomicInteger taken = new AtomicInteger();
        Snapshots<Integer> snapshots = new Snapshots<>(taken::incrementAndGet, Duration.ZERO);
        assertThat(snapshots.get()).isEqualTo(1);
        assertThat(snapshots.get()).isEqualTo(2);
    }

    @Test
    void removesItsMetersOnClose() {
        bind(() -> sample).close();
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void isDocumented() throws Exception {
        AvxMeterBinder binder = bind(() -> sample);
        ExecutorMeterBinder executors =
                new ExecutorMeterBinder(
                        () -> Map.of("x", () -> new ExecutorMetrics(1, 2, 3, 4, 5, 6, 7)));
        executors.bindTo(registry);
        var lock = new LockMetrics("Mutex", "x", 1, 1, Duration.ZERO, Duration.ZERO);
        var locks = new LockMeterBinder(() -> List.of(lock));
        locks.bindTo(registry);
        assertThat(registry.get("avx.locks").gauge().value()).isEqualTo(1);
        Map<String, String> actual = new TreeMap<>();
        for (Meter meter : registry.getMeters()) {
            Meter.Id id = meter.getId();
            String row =
                    "| `%s` | %s | %s | %s | %s |"
                            .formatted(
                                    id.getName(),
                                    id.getType().name().toLowerCase(Locale.ROOT),
                                    Objects.requireNonNullElse(id.getBaseUnit(), ""),
                                    StreamSupport.stream(
                                                    id.getTagsAsIterable().spliterator(), false)
                                            .map(Tag::getKey)
                                            .map(key -> "`" + key + "`")
                                            .collect(Collectors.joining(", ")),
                                    id.getDescription());
            actual.put(id.getName(), row);
        }
        Map<String, String> documented = new TreeMap<>();
        var row = Pattern.compile("^\\| `((?:avx|executor)\\.[a-z0-9.]+)` \\|.*\\|$");
        for (String line : Files.readAllLines(Path.of("../docs/metrics.md"))) {
            var match = row.matcher(line);
            if (match.matches()) {
                assertThat(documented.put(match.group(1), line)).as("twice: " + line).isNull();
            }
        }
        assertThat(documented)
                .as(
                        "docs/metrics.md should have these rows:\n%s",
                        String.join("\n", actual.values()))
                .isEqualTo(actual);
        assertThat(locks).isNotNull(); // meters hold it weakly
        binder.close();
    }

    private AvxMeterBinder bind(Supplier<RuntimeMetrics> metrics) {
        AvxMeterBinder binder = new AvxMeterBinder("orders", metrics);
        binder.bindTo(registry);
        return binder;
    }

    private double gauge(String name, String tag, String value) {
        return registry.get(name).tags("runtime", "orders", tag, value).gauge().value();
    }

    private boolean meterWith(double value, Tags tags) {
        return registry.getMeters().stream()
                .filter(meter -> Tags.of(meter.getId().getTagsAsIterable()).equals(tags))
                .anyMatch(meter -> meter.measure().iterator().next().getValue() == value);
    }
}
