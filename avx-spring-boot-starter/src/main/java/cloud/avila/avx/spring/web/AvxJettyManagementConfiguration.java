package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;

import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.jetty.ConfigurableJettyWebServerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/**
 * The same for a management server on a port of its own, which is customized by beans of its own
 * context only.
 */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
@ConditionalOnClass({Server.class, QueuedThreadPool.class, ConfigurableJettyWebServerFactory.class})
@ConditionalOnProperty(name = "avx.web.jetty", havingValue = "executor", matchIfMissing = true)
@ConditionalOnSingleCandidate(AvxRuntime.class)
final class AvxJettyManagementConfiguration {
    AvxJettyManagementConfiguration() {}

    @Bean
    JettyFiberCustomizer avxJettyManagementCustomizer(AvxRuntime runtime, Environment environment) {
        return new JettyFiberCustomizer(runtime, environment);
    }
}
