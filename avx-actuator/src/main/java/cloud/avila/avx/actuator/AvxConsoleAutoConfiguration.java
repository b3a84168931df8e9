package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.web.PathMappedEndpoints;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ImportRuntimeHints;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** Auto-configuration of the endpoint {@code avxconsole}. */
@AutoConfiguration(
        after = AvxEndpointAutoConfiguration.class,
        afterName = "cloud.avila.avx.spring.AvxAutoConfiguration")
@ConditionalOnClass(ConditionalOnAvailableEndpoint.class)
@ConditionalOnAvailableEndpoint(AvxConsoleEndpoint.class)
@ConditionalOnSingleCandidate(AvxRuntime.class)
@ImportRuntimeHints(AvxConsoleAutoConfiguration.Hints.class)
public final class AvxConsoleAutoConfiguration {

    AvxConsoleAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    AvxConsoleEndpoint avxConsoleEndpoint(
            ObjectProvider<PathMappedEndpoints> paths, ObjectProvider<ConsoleHeaders> headers) {
        ConsoleHeaders setter = headers.getIfAvailable();
        return new AvxConsoleEndpoint(
                paths::getIfAvailable, setter == null ? () -> {} : setter::set);
    }

    /** Sets headers that an endpoint of Actuator cannot set by itself. */
    interface ConsoleHeaders {
        void set();
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
    @ConditionalOnClass({RequestContextHolder.class, HttpServletResponse.class})
    static class ServletHeaders {
        @Bean
        ConsoleHeaders avxConsoleHeaders() {
            return () -> {
                if (RequestContextHolder.getRequestAttributes()
                                instanceof ServletRequestAttributes attributes
                        && attributes.getResponse() != null) {
                    set(attributes.getResponse());
                }
            };
        }

        private static void set(HttpServletResponse response) {
            response.setHeader("X-Content-Type-Options", "nosniff");
            response.setHeader("X-Frame-Options", "DENY");
            response.setHeader("Referrer-Policy", "no-referrer");
            response.setHeader("Cache-Control", "no-cache");
        }
    }

    static final class Hints implements RuntimeHintsRegistrar {
        @Override
        public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
            hints.resources().registerPattern("cloud/avila/avx/actuator/console/*");
        }
    }
}
