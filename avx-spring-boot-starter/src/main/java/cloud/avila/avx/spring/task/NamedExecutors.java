package cloud.avila.avx.spring.task;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Priority;
import cloud.avila.avx.spring.AvxProperties;
import cloud.avila.avx.spring.AvxProperties.RejectionPolicy;
import cloud.avila.avx.spring.task.BoundedTaskExecutor.Settings;

import org.jspecify.annotations.Nullable;
import org.springframework.aop.interceptor.AsyncExecutionAspectSupport;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.task.SimpleAsyncTaskExecutorBuilder;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;

import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** Defines a bean for each executor that {@code avx.executors} names. */
final class NamedExecutors implements ImportBeanDefinitionRegistrar {
    private static final String PREFIX = "avx.executors.";

    private static final Set<String> RESERVED =
            Set.of(
                    TaskExecutionAutoConfiguration.APPLICATION_TASK_EXECUTOR_BEAN_NAME,
                    AvxTaskExecutionAutoConfiguration.AVX_TASK_EXECUTOR_BEAN_NAME,
                    AsyncExecutionAspectSupport.DEFAULT_TASK_EXECUTOR_BEAN_NAME,
                    "bootstrapExecutor",
                    "taskScheduler");

    private final Environment environment;

    NamedExecutors(Environment environment) {
        this.environment = environment;
    }

    @Override
    public void registerBeanDefinitions(
            AnnotationMetadata importing, BeanDefinitionRegistry registry) {
        Binder.get(environment)
                .bind("avx.executors", Bindable.mapOf(String.class, Object.class))
                .orElse(Map.of())
                .keySet()
                .forEach(name -> register(name, registry));
    }

    private static void register(String name, BeanDefinitionRegistry registry) {
        if (RESERVED.contains(name)) {
            throw invalid(
                    name,
                    name,
                    "The name stands for an executor that Spring Boot or AVX defines. Choose another"
                            + " one.");
        }
        if (registry.containsBeanDefinition(name)) {
            throw invalid(
                    name,
                    name,
                    "The executor would be a bean of that name, and the application defines one"
                            + " already: "
                            + registry.getBeanDefinition(name)
                            + ". Choose another name.");
        }
        RootBeanDefinition definition = new RootBeanDefinition(NamedExecutors.class);
        definition.setFactoryMethodName("create");
        definition.setTargetType(BoundedTaskExecutor.class);
        definition.getConstructorArgumentValues().addIndexedArgumentValue(0, name);
        definition.setAutowireMode(AbstractBeanDefinition.AUTOWIRE_CONSTRUCTOR);
        definition.setDefaultCandidate(false);
        registry.registerBeanDefinition(name, definition);
    }

    static BoundedTaskExecutor create(
            String name,
            AvxRuntime runtime,
            AvxProperties properties,
            ObjectProvider<SimpleAsyncTaskExecutorBuilder> builder,
            ContextPropagation propagation) {
        BoundedTaskExecutor executor =
                new BoundedTaskExecutor(
                        runtime, name, settings(name, properties.executors().get(name)));
        builder.getIfAvailable(SimpleAsyncTaskExecutorBuilder::new).configure(executor);
        executor.setThreadNamePrefix(name + "-");
        propagation.applyTo(executor);
        return executor;
    }

    private static Settings settings(String name, AvxProperties.@Nullable Executor p) {
        if (p == null || p.concurrencyLimit() == null) {
            throw invalid(
                    name + ".concurrency-limit",
                    null,
                    "An executor needs a bound on the tasks that run at once. Set it to a number"
                            + " between 1 and "
                            + Settings.MAX_CONCURRENCY
                            + ".");
        }
        int limit = p.concurrencyLimit();
        RejectionPolicy policy = p.rejectionPolicy();
        // each alone, so that a wrong value is reported under the name the user wrote
        check(name, "concurrency-limit", limit, limit, 1, RejectionPolicy.ABORT, Duration.ZERO);
        check(
                name,
                "queue-capacity",
                p.queueCapacity(),
                1,
                p.queueCapacity(),
                policy,
                Duration.ZERO);
        check(name, "queue-timeout", p.queueTimeout(), 1, 1, policy, p.queueTimeout());
        return new Settings(limit, p.queueCapacity(), policy, p.priority(), p.queueTimeout());
    }

    private static void check(
            String name,
            String property,
            Object value,
            int limit,
            int capacity,
            RejectionPolicy policy,
            Duration timeout) {
        try {
            var _ = new Settings(limit, capacity, policy, Priority.NORMAL, timeout);
        } catch (IllegalArgumentException e) {
            throw invalid(
                    name + "." + property,
                    value,
                    "For executor '"
                            + name
                            + "' "
                            + e.getMessage()
                            + ". Choose a value in that range.");
        }
    }

    private static InvalidConfigurationPropertyValueException invalid(
            String property, @Nullable Object value, String reason) {
        return new InvalidConfigurationPropertyValueException(PREFIX + property, value, reason);
    }
}
