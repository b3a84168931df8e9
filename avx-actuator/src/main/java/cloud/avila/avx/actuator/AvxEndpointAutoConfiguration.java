package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.SimpleAutowireCandidateResolver;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.autoconfigure.endpoint.expose.EndpointExposure;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;

/** Auto-configuration of the endpoint {@code avx}. */
@AutoConfiguration(afterName = "cloud.avila.avx.spring.AvxAutoConfiguration")
@ConditionalOnClass(ConditionalOnAvailableEndpoint.class)
@ConditionalOnAvailableEndpoint(AvxEndpoint.class)
@ConditionalOnSingleCandidate(AvxRuntime.class)
public final class AvxEndpointAutoConfiguration {

    AvxEndpointAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    AvxEndpoint avxEndpoint(AvxRuntime runtime) {
        return new AvxEndpoint(runtime);
    }

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(AvxEndpoint.class)
    @ConditionalOnAvailableEndpoint(exposure = EndpointExposure.WEB)
    AvxEndpointWebExtension avxEndpointWebExtension(
            AvxRuntime runtime,
            ConfigurableListableBeanFactory beanFactory,
            ApplicationEventPublisher publisher) {
        return new AvxEndpointWebExtension(
                runtime,
                () ->
                        SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                beanFactory, ExecutorMetricsSource.class),
                () ->
                        SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                beanFactory, ExecutorControl.class),
                new Changes(publisher));
    }
}
