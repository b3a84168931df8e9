package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
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
}
