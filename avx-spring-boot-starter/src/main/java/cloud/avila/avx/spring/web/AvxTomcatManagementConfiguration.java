package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.ProtocolHandler;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/**
 * The same for a management server on a port of its own, which is customized by beans of its own
 * context only.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
@ConditionalOnClass({Tomcat.class, ProtocolHandler.class, ConfigurableTomcatWebServerFactory.class})
@ConditionalOnProperty(name = "avx.web.tomcat", havingValue = "executor", matchIfMissing = true)
@ConditionalOnSingleCandidate(AvxRuntime.class)
final class AvxTomcatManagementConfiguration {
    AvxTomcatManagementConfiguration() {}

    @Bean
    TomcatFiberCustomizer avxTomcatManagementCustomizer(
            AvxRuntime runtime, Environment environment) {
        return new TomcatFiberCustomizer(runtime, environment);
    }
}
