package cloud.avila.avx.spring;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.RuntimeConfig;

import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

import java.time.Duration;

/** Auto-configuration of the runtime itself. */
@AutoConfiguration
@ConditionalOnBooleanProperty(name = "avx.enabled", matchIfMissing = true)
@EnableConfigurationProperties(AvxProperties.class)
public final class AvxAutoConfiguration {

    AvxAutoConfiguration() {}

    @Bean
    AvxRuntimeLog avxRuntimeLog() {
        return new AvxRuntimeLog();
    }

    /*
     * Closed by its own destruction and not by a lifecycle bean: Spring destroys a bean after
     * everything it was injected into, so nothing that uses the runtime outlives it.
     */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    AvxRuntime avxRuntime(
            AvxRuntimeLog log,
            AvxProperties properties,
            ObjectProvider<AvxRuntimeCustomizer> customizers,
            ConfigurableListableBeanFactory beanFactory) {
        RuntimeConfig.Builder builder = RuntimeConfig.builder();
        properties.applyTo(builder);
        customizers.orderedStream().forEach(customizer -> customizer.customize(builder));
        RuntimeConfig config;
        try {
            config = builder.build();
        } catch (IllegalArgumentException e) {
            throw new AvxRuntimeStartException(null, e);
        }
        long start = System.nanoTime();
        AvxRuntime runtime = start(config, beanFactory.getBeanClassLoader());
        log.started(runtime, Duration.ofNanos(System.nanoTime() - start));
        return runtime;
    }

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnSingleCandidate(AvxRuntime.class)
    Handle avxHandle(AvxRuntime runtime) {
        return runtime.handle();
    }

    /** The runtime's threads inherit the context class loader of the thread that starts them. */
    private static AvxRuntime start(RuntimeConfig config, @Nullable ClassLoader loader) {
        Thread thread = Thread.currentThread();
        ClassLoader previous = thread.getContextClassLoader();
        thread.setContextClassLoader(loader);
        try {
            return AvxRuntime.create(config);
        } catch (RuntimeException | LinkageError e) {
            throw new AvxRuntimeStartException(config, e);
        } finally {
            thread.setContextClassLoader(previous);
        }
    }
}
