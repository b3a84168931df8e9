package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.jetty.ConfigurableJettyWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/** Auto-configuration of Jetty's requests on the runtime. */
@AutoConfiguration(after = AvxAutoConfiguration.class)
@ConditionalOnClass({
    Server.class,
    QueuedThreadPool.class,
    ConfigurableJettyWebServerFactory.class,
    WebServerFactoryCustomizer.class
})
@ConditionalOnWebApplication
@ConditionalOnProperty(name = "avx.web.jetty", havingValue = "executor", matchIfMissing = true)
@ConditionalOnSingleCandidate(AvxRuntime.class)
public final class AvxJettyAutoConfiguration {
    AvxJettyAutoConfiguration() {}

    @Bean
    JettyFiberCustomizer avxJettyCustomizer(AvxRuntime runtime, Environment environment) {
        return new JettyFiberCustomizer(runtime, environment);
    }
}
