package cloud.avila.avx.spring.web;

import static cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration.AVX_TASK_EXECUTOR_BEAN_NAME;

import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication.Type;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.web.reactive.config.BlockingExecutionConfigurer;
import org.springframework.web.reactive.config.WebFluxConfigurer;

/**
 * Auto-configuration of WebFlux: handler methods that return a plain value, and so may block, run
 * as fibers and not on the threads that serve connections. Spring Boot does so for its own executor
 * with {@code spring.threads.virtual.enabled=true} only.
 */
@AutoConfiguration(after = AvxTaskExecutionAutoConfiguration.class)
@ConditionalOnClass(WebFluxConfigurer.class)
@ConditionalOnWebApplication(type = Type.REACTIVE)
@ConditionalOnProperty(name = "avx.web.webflux", havingValue = "executor", matchIfMissing = true)
@ConditionalOnBean(name = AVX_TASK_EXECUTOR_BEAN_NAME)
public final class AvxWebFluxAutoConfiguration {
    AvxWebFluxAutoConfiguration() {}

    /** Directly after Spring Boot's, so an application's without an order has the last word. */
    @Bean
    @Order(1)
    WebFluxConfigurer avxWebFluxConfigurer(
            @Qualifier(AVX_TASK_EXECUTOR_BEAN_NAME) AvxTaskExecutor executor) {
        return new WebFluxConfigurer() {
            @Override
            public void configureBlockingExecution(BlockingExecutionConfigurer configurer) {
                configurer.setExecutor(executor);
            }
        };
    }
}
