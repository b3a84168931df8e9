package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxDescription.lowerCase;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import io.micrometer.core.instrument.Measurement;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

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
    void publishesEveryNumberOfTheSocketsOfEachKind() throws Exception {
        AvxMeterBinder binder = bind(() -> sample);
        for (SocketMetrics sockets : sample.sockets()) {
            Tags tags = Tags.of("runtime", "orders", "kind", lowerCase(sockets.kind()));
            for (RecordComponent component : SocketMetrics.class.getRecordComponents()) {
                if (component.getType() == long.class && isOf(component, sockets.kind())) {
                    double value = ((Number) component.getAccessor().invoke(sockets)).doubleValue();
                    assertThat(meterWith(value, tags)).as(component.getName()).isTrue();
                }
            }
        }
        assertThat(registry.find("avx.sockets.accepted").meters()).hasSize(2);
        assertThat(registry.find("avx.sockets.datagrams.sent").meters()).hasSize(2);
        binder.close();
    }

    private static boolean isOf(RecordComponent component, SocketKind kind) {
        String name = component.getName();
        if (name.startsWith("accept")) {
            return kind.isListener();
        }
        if (name.startsWith("bytes")) {
            return !kind.isListener();
        }
        return !name.startsWith("datagrams") || kind.isDatagram();
    }

    @Test
    void metersOfWorkersComeAndGoWithThem() {
        var now = new AtomicReference<>(Samples.runtime(WorkerState.RUNNING));
        var binder = new AvxMeterBinder("orders", now::get, Duration.ZERO);
        binder.bindTo(registry);
        SimpleMeterRegistry second = new SimpleMeterRegistry();
        binder.bindTo(second);
        assertThat(registry.find("avx.worker.executed").meters()).hasSize(1);
        now.set(Samples.runtime(WorkerState.RUNNING, WorkerState.PARKED, WorkerState.PARKED));
        scrape(registry);
        assertThat(registry.find("avx.worker.executed").meters()).hasSize(3);
        assertThat(second.find("avx.worker.executed").meters()).hasSize(3);
        double third =
                registry.get("avx.worker.executed").tags("worker", "2").functionCounter().count();
        assertThat(third).isEqualTo(now.get().workers().get(2).executed());
        now.set(
                Samples.runtime(
                        1, WorkerState.RUNNING, WorkerState.TERMINATED, WorkerState.PARKED));
        scrape(registry);
        assertThat(registry.find("avx.worker.executed").tags("worker", "0").meters()).hasSize(1);
        assertThat(registry.find("avx.worker.executed").tags("worker", "1").meters()).isEmpty();
        assertThat(registry.find("avx.worker.executed").tags("worker", "2").meters())
                .as("it is surplus, but has not ended")
                .hasSize(1);
        assertThat(second.find("avx.worker.executed").meters()).hasSize(2);
        now.set(Samples.runtime(WorkerState.RUNNING, WorkerState.PARKED, WorkerState.PARKED));
        scrape(second);
        assertThat(registry.find("avx.worker.executed").meters()).hasSize(3);
        binder.close();
        assertThat(registry.getMeters()).isEmpty();
        assertThat(second.getMeters()).isEmpty();
        scrape(registry);
        assertThat(registry.getMeters()).isEmpty();
    }

    @Test
    void metersFollowARuntimeThatIsResized() {
        try (var rt = AvxRuntime.create(RuntimeConfig.builder().workerThreads(1).build());
                var binder = new AvxMeterBinder("resized", rt::metrics, Duration.ZERO)) {
            binder.bindTo(registry);
            rt.resize(3);
            scrape(registry);
            assertThat(registry.find("avx.worker.executed").meters()).hasSize(3);
            rt.resize(1);
            await(
                    () -> {
                        scrape(registry);
                        return registry.find("avx.worker.executed").meters().size() == 1;
                    });
        }
    }

    private static void await(BooleanSupplier condition) {
        for (int i = 0; !condition.getAsBoolean(); i++) {
            assertThat(i).isLessThan(3_000);
            LockSupport.parkNanos(10_000_000);
        }
    }

    private static void scrape(SimpleMeterRegistry registry) {
        registry.getMeters().forEach(meter -> meter.measure().forEach(Measurement::getValue));
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
