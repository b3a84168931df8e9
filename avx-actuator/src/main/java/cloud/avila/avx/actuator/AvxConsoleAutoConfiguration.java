package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;

import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.endpoint.EndpointId;
import org.springframework.boot.actuate.endpoint.web.PathMappedEndpoints;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ImportRuntimeHints;
import org.springframework.util.function.SingletonSupplier;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;
import org.springframework.web.server.WebFilter;

import reactor.core.publisher.Mono;

import java.util.Map;
import java.util.function.Supplier;

/** Auto-configuration of the endpoint {@code avxconsole}. */
@AutoConfiguration(
        after = AvxEndpointAutoConfiguration.class,
        afterName = "cloud.avila.avx.spring.AvxAutoConfiguration")
@ConditionalOnClass(ConditionalOnAvailableEndpoint.class)
@ConditionalOnAvailableEndpoint(AvxConsoleEndpoint.class)
@ConditionalOnSingleCandidate(AvxRuntime.class)
@ImportRuntimeHints(AvxConsoleAutoConfiguration.Hints.class)
public final class AvxConsoleAutoConfiguration {
    private static final Map<String, String> HEADERS =
            Map.of(
                    "X-Content-Type-Options", "nosniff",
                    "X-Frame-Options", "DENY",
                    "Referrer-Policy", "no-referrer",
                    "Cache-Control", "no-cache");

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
            HEADERS.forEach(response::setHeader);
        }
    }

    /** There a request is not known to the thread that runs an endpoint. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
    @ConditionalOnClass({WebFilter.class, Mono.class})
    static class ReactiveHeaders {
        /** A management server on a port of its own has the filters of its parent, too. */
        @Bean
        WebFilter avxConsoleHeadersFilter(ObjectProvider<PathMappedEndpoints> paths) {
            Supplier<@Nullable String> path =
                    SingletonSupplier.ofNullable(() -> path(paths.getIfAvailable()));
            return (exchange, chain) -> {
                String console = path.get();
                String asked = exchange.getRequest().getPath().pathWithinApplication().value();
                if (console != null
                        && asked.startsWith(console)
                        && (asked.length() == console.length()
                                || asked.charAt(console.length()) == '/')) {
                    HEADERS.forEach(exchange.getResponse().getHeaders()::set);
                }
                return chain.filter(exchange);
            };
        }

        private static @Nullable String path(@Nullable PathMappedEndpoints endpoints) {
            return endpoints == null ? null : endpoints.getPath(EndpointId.of("avxconsole"));
        }
    }

    static final class Hints implements RuntimeHintsRegistrar {
        @Override
        public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
            hints.resources().registerPattern("cloud/avila/avx/actuator/console/*");
        }
    }
}
