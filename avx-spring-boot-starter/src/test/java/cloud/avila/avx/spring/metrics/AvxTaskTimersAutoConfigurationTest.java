package cloud.avila.avx.spring.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import java.util.Collection;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

class AvxTaskTimersAutoConfigurationTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class,
                                    TaskExecutionAutoConfiguration.class,
                                    MetricsAutoConfiguration.class,
                                    SimpleMetricsExportAutoConfiguration.class,
                                    CompositeMeterRegistryAutoConfiguration.class,
                                    AvxTaskTimersAutoConfiguration.class))
                    .withPropertyValues("avx.worker-threads=1");

    private static Collection<Timer> timersAfterTwoTasks(ApplicationContext context)
            throws Exception {
        AvxTaskExecutor executor = context.getBean(AvxTaskExecutor.class);
        executor.submit(() -> {}).get(30, TimeUnit.SECONDS);
        executor.submit(new Other()).get(30, TimeUnit.SECONDS);
        // the future ends before the time is recorded; the executor counts a task after both
        for (int i = 0; executor.executorMetrics().completed() < 2; i++) {
            assertThat(i).isLessThan(3_000);
            LockSupport.parkNanos(10_000_000);
        }
        return context.getBean(MeterRegistry.class).find("avx.executor.run").timers();
    }

    private static final class Other implements Callable<Integer> {
        @Override
        public Integer call() {
            return 1;
        }
    }

    @Test
    void timesTasksByTheirClass() {
        runner.run(
                context ->
                        assertThat(timersAfterTwoTasks(context))
                                .extracting(timer -> timer.getId().getTag("task"))
                                .containsExactlyInAnyOrder(
                                        getClass().getName(), Other.class.getName()));
    }

    @Test
    void boundsTheNumberOfClasses() {
        runner.withPropertyValues("avx.metrics.task-classes=0")
                .run(
                        context -> {
                            Collection<Timer> timers = timersAfterTwoTasks(context);
                            assertThat(timers).hasSize(1);
                            Timer timer = timers.iterator().next();
                            assertThat(timer.getId().getTag("task")).isEqualTo("other");
                            assertThat(timer.count()).isEqualTo(2);
                        });
    }

    @Test
    void timesNothingIfThatIsWished() {
        runner.withPropertyValues("avx.metrics.task-times=false")
                .run(context -> assertThat(timersAfterTwoTasks(context)).isEmpty());
    }

    @Test
    void startsWithoutMicrometer() {
        runner.withClassLoader(new FilteredClassLoader("io.micrometer"))
                .run(
                        context ->
                                assertThat(context)
                                        .hasNotFailed()
                                        .hasSingleBean(AvxTaskExecutor.class)
                                        .doesNotHaveBean("avxTaskTimersBinder"));
    }

    @Test
    void refusesANumberOfClassesOutOfRange() {
        runner.withPropertyValues("avx.metrics.task-classes=1001")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .hasRootCauseInstanceOf(
                                                InvalidConfigurationPropertyValueException.class)
                                        .rootCause()
                                        .hasMessageContaining("avx.metrics.task-classes")
                                        .hasMessageContaining("1001")
                                        .hasMessageContaining("between 0 and 1000"));
    }
}
