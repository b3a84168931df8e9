package cloud.avila.avx.spring.metrics;

import cloud.avila.avx.actuator.TaskTimers;
import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.AvxProperties;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.SimpleAutowireCandidateResolver;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;

/** Auto-configuration that has the tasks of AVX's executors timed. */
@AutoConfiguration(
        after = {AvxAutoConfiguration.class, AvxTaskExecutionAutoConfiguration.class},
        afterName =
                "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration")
@ConditionalOnClass(
        value = MeterRegistry.class,
        name = "org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration")
@ConditionalOnBean({MeterRegistry.class, AvxProperties.class})
@ConditionalOnBooleanProperty(name = "avx.metrics.task-times", matchIfMissing = true)
public final class AvxTaskTimersAutoConfiguration {

    AvxTaskTimersAutoConfiguration() {}

    /** A binder, so that it runs when the registry is complete and has its filters. */
    @Bean
    MeterBinder avxTaskTimersBinder(
            ConfigurableListableBeanFactory beanFactory, AvxProperties properties) {
        int maxClasses = properties.metrics().taskClasses();
        return registry ->
                SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                beanFactory, AvxTaskExecutor.class)
                        .forEach(
                                (name, executor) ->
                                        executor.setTaskTimings(
                                                new TaskTimers(registry, name, maxClasses)));
    }
}
