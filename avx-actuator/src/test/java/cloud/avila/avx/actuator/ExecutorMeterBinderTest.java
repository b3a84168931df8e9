package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.binder.jvm.ExecutorServiceMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

class ExecutorMeterBinderTest {
    private final ExecutorMetricsSource executor =
            () -> new ExecutorMetrics(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12_000_000_000L);
    private final ExecutorMeterBinder binder =
            new ExecutorMeterBinder(() -> Map.of("applicationTaskExecutor", executor));

    @Test
    void hasTheNamesTypesUnitsAndTagsOfAThreadPool() {
        MeterRegistry avx = new SimpleMeterRegistry();
        binder.bindTo(avx);
        MeterRegistry pool = new SimpleMeterRegistry();
        try (ThreadPoolExecutor threads =
                new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>())) {
            new ExecutorServiceMetrics(threads, "applicationTaskExecutor", List.of()).bindTo(pool);
            assertThat(describe(avx)).isEqualTo(describe(pool)).hasSize(7);
        }
    }

    @Test
    void readsTheExecutor() {
        MeterRegistry registry = new SimpleMeterRegistry();
        binder.bindTo(registry);
        assertThat(registry.get("executor.active").gauge().value()).isEqualTo(1);
        assertThat(registry.get("executor.completed").functionCounter().count()).isEqualTo(2);
        assertThat(registry.get("executor.queued").gauge().value()).isEqualTo(3);
        assertThat(registry.get("executor.queue.remaining").gauge().value()).isEqualTo(4);
        assertThat(registry.get("executor.pool.size").gauge().value()).isEqualTo(5);
        assertThat(registry.get("executor.pool.core").gauge().value()).isEqualTo(6);
        assertThat(registry.get("executor.pool.max").gauge().value()).isEqualTo(7);
    }

    @Test
    void tellsWhatAThreadPoolDoesNot() {
        MeterRegistry registry = new SimpleMeterRegistry();
        binder.bindTo(registry);
        assertThat(registry.get("avx.executor.rejected").functionCounter().count()).isEqualTo(8);
        assertThat(registry.get("avx.executor.discarded").functionCounter().count()).isEqualTo(9);
        assertThat(registry.get("avx.executor.timeouts").functionCounter().count()).isEqualTo(10);
        assertThat(registry.get("avx.executor.caller.runs").functionCounter().count())
                .isEqualTo(11);
        assertThat(registry.get("avx.executor.queue.age").gauge().value()).isEqualTo(12);
    }

    @Test
    void anExecutorThatDoesNotMeasureTheAgeHasNoSuchMeter() {
        MeterRegistry registry = new SimpleMeterRegistry();
        ExecutorMetricsSource plain = () -> new ExecutorMetrics(1, 2, 3, 4, 5, 6, 7);
        var plainBinder = new ExecutorMeterBinder(() -> Map.of("plain", plain));
        plainBinder.bindTo(registry);
        assertThat(registry.find("avx.executor.queue.age").meters()).isEmpty();
        assertThat(registry.get("avx.executor.rejected").functionCounter().count()).isZero();
        assertThat(plainBinder).isNotNull(); // meters hold it weakly
    }

    private static TreeSet<String> describe(MeterRegistry registry) {
        TreeSet<String> all = new TreeSet<>();
        for (Meter meter : registry.getMeters()) {
            if (meter.getId().getName().startsWith("avx.")) {
                continue;
            }
            List<Tag> tags = meter.getId().getTags();
            all.add(
                    meter.getId().getName()
                            + " "
                            + meter.getId().getType()
                            + " "
                            + meter.getId().getBaseUnit()
                            + " "
                            + tags);
        }
        return all;
    }
}
