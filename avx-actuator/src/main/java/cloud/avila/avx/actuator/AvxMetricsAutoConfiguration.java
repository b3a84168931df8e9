package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.SimpleAutowireCandidateResolver;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.context.annotation.Bean;

/** Auto-configuration of the meters {@code avx.*} and {@code executor.*}. */
@AutoConfiguration(
        after = {MetricsAutoConfiguration.class, CompositeMeterRegistryAutoConfiguration.class},
        afterName = {
            "cloud.avila.avx.spring.AvxAutoConfiguration",
            "cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration"
        })
@ConditionalOnClass({MeterRegistry.class, MetricsAutoConfiguration.class})
@ConditionalOnBean(MeterRegistry.class)
public final class AvxMetricsAutoConfiguration {

    AvxMetricsAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnSingleCandidate(AvxRuntime.class)
    AvxMeterBinder avxMeterBinder(AvxRuntime runtime) {
        return new AvxMeterBinder(runtime);
    }

    @Bean
    MeterBinder avxLockMeterBinder() {
        return new LockMeterBinder();
    }

    @Bean
    MeterBinder avxExecutorMeterBinder(ConfigurableListableBeanFactory beanFactory) {
        return new ExecutorMeterBinder(
                () ->
                        SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                beanFactory, ExecutorMetricsSource.class));
    }

    @Bean
    MeterBinder avxSchedulerMeterBinder(ConfigurableListableBeanFactory beanFactory) {
        return new SchedulerMeterBinder(
                () ->
                        SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                beanFactory, SchedulerMetricsSource.class));
    }
}
