package cloud.avila.avx.spring.task;

import static cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration.AVX_TASK_EXECUTOR_BEAN_NAME;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.batch.autoconfigure.BatchTaskExecutor;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerExecutorProvider;
import org.springframework.boot.http.client.JdkClientHttpRequestFactoryBuilder;
import org.springframework.boot.http.client.autoconfigure.ClientHttpRequestFactoryBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.TaskExecutor;
import org.springframework.http.client.ClientHttpRequestFactory;

/**
 * Auto-configuration of those parts of Spring Boot that do not look for {@code
 * applicationTaskExecutor} by themselves. Batch and HTTP clients only on request.
 */
@AutoConfiguration(
        after = AvxTaskExecutionAutoConfiguration.class,
        afterName =
                "org.springframework.boot.grpc.server.autoconfigure.security.GrpcServerSecurityAutoConfiguration",
        beforeName = {
            "org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration",
            "org.springframework.boot.batch.jdbc.autoconfigure.BatchJdbcAutoConfiguration",
            "org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration"
        })
@ConditionalOnBean(name = AVX_TASK_EXECUTOR_BEAN_NAME, value = AvxTaskExecutor.class)
public final class AvxConsumersAutoConfiguration {

    AvxConsumersAutoConfiguration() {}

    /** A provider that hands a security context on is Spring Boot's own, and stays. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(GrpcServerExecutorProvider.class)
    static final class GrpcServer {
        @Bean
        @ConditionalOnMissingBean
        GrpcServerExecutorProvider avxGrpcServerExecutorProvider(
                @Qualifier(AVX_TASK_EXECUTOR_BEAN_NAME) AvxTaskExecutor executor) {
            return () -> executor;
        }
    }

    /** Not the executor's own bean: it would be started, stopped and measured a second time. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(BatchTaskExecutor.class)
    @ConditionalOnBooleanProperty("avx.spring.batch")
    static final class Batch {
        @Bean(defaultCandidate = false)
        @BatchTaskExecutor
        @ConditionalOnMissingBean(annotation = BatchTaskExecutor.class)
        TaskExecutor avxBatchTaskExecutor(
                @Qualifier(AVX_TASK_EXECUTOR_BEAN_NAME) AvxTaskExecutor executor) {
            return executor::execute;
        }
    }

    /**
     * The JDK's client runs callbacks of its own on it; reading and writing stay its own threads.
     */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass({
        ClientHttpRequestFactory.class,
        ClientHttpRequestFactoryBuilderCustomizer.class
    })
    @ConditionalOnBooleanProperty("avx.spring.http-client")
    static final class HttpClient {
        @Bean
        ClientHttpRequestFactoryBuilderCustomizer<JdkClientHttpRequestFactoryBuilder>
                avxHttpClientCustomizer(
                        @Qualifier(AVX_TASK_EXECUTOR_BEAN_NAME) AvxTaskExecutor executor) {
            return new JdkHttpClientExecutor(executor);
        }
    }

    /** A class of its own, because Spring Boot looks at its type argument. */
    private record JdkHttpClientExecutor(AvxTaskExecutor executor)
            implements ClientHttpRequestFactoryBuilderCustomizer<
                    JdkClientHttpRequestFactoryBuilder> {
        @Override
        public JdkClientHttpRequestFactoryBuilder customize(
                JdkClientHttpRequestFactoryBuilder builder) {
            return builder.withExecutor(executor);
        }
    }
}
