package cloud.avila.avx.spring.web;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.ProtocolHandler;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/** Auto-configuration of Tomcat's requests on the runtime. */
@AutoConfiguration(after = AvxAutoConfiguration.class)
@ConditionalOnClass({
    Tomcat.class,
    ProtocolHandler.class,
    ConfigurableTomcatWebServerFactory.class,
    WebServerFactoryCustomizer.class
})
@ConditionalOnWebApplication
@ConditionalOnProperty(name = "avx.web.tomcat", havingValue = "executor", matchIfMissing = true)
@ConditionalOnSingleCandidate(AvxRuntime.class)
public final class AvxTomcatAutoConfiguration {
    AvxTomcatAutoConfiguration() {}

    @Bean
    TomcatFiberCustomizer avxTomcatCustomizer(AvxRuntime runtime, Environment environment) {
        return new TomcatFiberCustomizer(runtime, environment);
    }
}
