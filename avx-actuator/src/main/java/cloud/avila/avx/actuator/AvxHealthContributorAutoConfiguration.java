package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.autoconfigure.contributor.CompositeHealthContributorConfiguration;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.autoconfigure.contributor.HealthContributorAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthContributor;
import org.springframework.context.annotation.Bean;

/** Auto-configuration of the health contributor {@code avx}. */
@AutoConfiguration(
        before = HealthContributorAutoConfiguration.class,
        afterName = "cloud.avila.avx.spring.AvxAutoConfiguration")
@ConditionalOnClass({Health.class, ConditionalOnEnabledHealthIndicator.class})
@ConditionalOnBean(AvxRuntime.class)
@ConditionalOnEnabledHealthIndicator("avx")
@EnableConfigurationProperties(AvxHealthProperties.class)
public final class AvxHealthContributorAutoConfiguration
        extends CompositeHealthContributorConfiguration<AvxHealthIndicator, AvxRuntime> {

    AvxHealthContributorAutoConfiguration(AvxHealthProperties properties) {
        super(runtime -> new AvxHealthIndicator(runtime, properties));
    }

    @Bean
    @ConditionalOnMissingBean(name = {"avxHealthIndicator", "avxHealthContributor"})
    HealthContributor avxHealthContributor(ConfigurableListableBeanFactory beanFactory) {
        return createContributor(beanFactory, AvxRuntime.class);
    }
}
