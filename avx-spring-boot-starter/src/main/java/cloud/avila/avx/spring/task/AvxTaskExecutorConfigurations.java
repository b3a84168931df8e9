package cloud.avila.avx.spring.task;

import static cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration.AVX_TASK_EXECUTOR_BEAN_NAME;

import static org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration.APPLICATION_TASK_EXECUTOR_BEAN_NAME;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxProperties.TaskExecutorMode;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.boot.autoconfigure.task.TaskExecutionProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.task.SimpleAsyncTaskExecutorBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.scheduling.annotation.AsyncConfigurer;

/**
 * The configurations {@link AvxTaskExecutionAutoConfiguration} imports in this order. Not nested in
 * it, because Spring reads nested ones in an order of its own.
 */
final class AvxTaskExecutorConfigurations {
    private static final Log LOG = LogFactory.getLog(AvxTaskExecutorConfigurations.class);

    private AvxTaskExecutorConfigurations() {}

    private static AvxTaskExecutor build(
            AvxRuntime runtime,
            ObjectProvider<SimpleAsyncTaskExecutorBuilder> builder,
            ContextPropagation propagation) {
        AvxTaskExecutor executor =
                builder.getIfAvailable(SimpleAsyncTaskExecutorBuilder::new)
                        .configure(new AvxTaskExecutor(runtime));
        propagation.applyTo(executor);
        return executor;
    }

    private static TaskExecutorMode mode(Environment environment) {
        return Binder.get(environment)
                .bind("avx.spring.task-executor.mode", TaskExecutorMode.class)
                .orElse(TaskExecutorMode.AUTO);
    }

    private static boolean isBootForced(Environment environment) {
        return Binder.get(environment)
                        .bind("spring.task.execution.mode", TaskExecutionProperties.Mode.class)
                        .orElse(TaskExecutionProperties.Mode.AUTO)
                == TaskExecutionProperties.Mode.FORCE;
    }

    private static void warnOfPoolSettings(Environment environment) {
        if (Binder.get(environment)
                .bind("spring.task.execution.pool", Bindable.mapOf(String.class, Object.class))
                .isBound()) {
            LOG.warn(
                    "spring.task.execution.pool.* has no effect on bean '"
                            + APPLICATION_TASK_EXECUTOR_BEAN_NAME
                            + "', which runs on AVX and has no pool of threads. To bound how many"
                            + " tasks run at once, set"
                            + " spring.task.execution.simple.concurrency-limit; to get the pool"
                            + " back, set avx.spring.task-executor.mode=off");
        }
    }

    /** Mode auto, and nobody else is the application's task executor. */
    @Configuration(proxyBeanMethods = false)
    @Conditional(OnModeAuto.class)
    @ConditionalOnMissingBean(
            name = {APPLICATION_TASK_EXECUTOR_BEAN_NAME, AVX_TASK_EXECUTOR_BEAN_NAME})
    static final class Owner {
        @Bean({APPLICATION_TASK_EXECUTOR_BEAN_NAME, AVX_TASK_EXECUTOR_BEAN_NAME})
        AvxTaskExecutor applicationTaskExecutor(
                AvxRuntime runtime,
                ObjectProvider<SimpleAsyncTaskExecutorBuilder> builder,
                ContextPropagation propagation,
                Environment environment) {
            warnOfPoolSettings(environment);
            return build(runtime, builder, propagation);
        }

        @Bean
        static BeanFactoryPostProcessor avxTaskExecutorAlias() {
            return beans -> new DefaultAsyncExecutor(beans, TaskExecutorMode.AUTO).registerAlias();
        }

        @Bean
        @ConditionalOnMissingBean(AsyncConfigurer.class)
        static DefaultAsyncExecutor avxAsyncConfigurer(ConfigurableListableBeanFactory beans) {
            return new DefaultAsyncExecutor(beans, TaskExecutorMode.AUTO);
        }
    }

    /** Mode force: another bean of that name is an error, as in Spring Boot's own mode force. */
    @Configuration(proxyBeanMethods = false)
    @Conditional(OnModeForce.class)
    @ConditionalOnMissingBean(name = AVX_TASK_EXECUTOR_BEAN_NAME)
    static final class ForcedOwner {
        @Bean({APPLICATION_TASK_EXECUTOR_BEAN_NAME, AVX_TASK_EXECUTOR_BEAN_NAME})
        AvxTaskExecutor applicationTaskExecutor(
                AvxRuntime runtime,
                ObjectProvider<SimpleAsyncTaskExecutorBuilder> builder,
                ContextPropagation propagation,
                Environment environment) {
            warnOfPoolSettings(environment);
            return build(runtime, builder, propagation);
        }

        @Bean
        static BeanFactoryPostProcessor avxTaskExecutorAlias() {
            return beans -> new DefaultAsyncExecutor(beans, TaskExecutorMode.FORCE).registerAlias();
        }

        @Bean
        @ConditionalOnMissingBean(AsyncConfigurer.class)
        static DefaultAsyncExecutor avxAsyncConfigurer(ConfigurableListableBeanFactory beans) {
            return new DefaultAsyncExecutor(beans, TaskExecutorMode.FORCE);
        }
    }

    /** The name is taken: the executor is there for those who ask for it by its own name. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnMissingBean(name = AVX_TASK_EXECUTOR_BEAN_NAME)
    static final class Guest {
        @Bean(name = AVX_TASK_EXECUTOR_BEAN_NAME, defaultCandidate = false)
        AvxTaskExecutor avxTaskExecutor(
                AvxRuntime runtime,
                ObjectProvider<SimpleAsyncTaskExecutorBuilder> builder,
                ContextPropagation propagation,
                Environment environment) {
            LOG.info(
                    "Bean '"
                            + APPLICATION_TASK_EXECUTOR_BEAN_NAME
                            + "' is "
                            + (isBootForced(environment)
                                    ? "Spring Boot's, because spring.task.execution.mode=force"
                                    : "the application's own")
                            + ". To run a method on AVX, write @Async(\""
                            + AVX_TASK_EXECUTOR_BEAN_NAME
                            + "\")");
            return build(runtime, builder, propagation);
        }
    }

    private abstract static class OnMode extends SpringBootCondition {
        @Override
        public ConditionOutcome getMatchOutcome(
                ConditionContext context, AnnotatedTypeMetadata metadata) {
            Environment environment = context.getEnvironment();
            TaskExecutorMode mode = mode(environment);
            boolean bootForced = isBootForced(environment);
            if (mode == TaskExecutorMode.FORCE && bootForced) {
                throw new InvalidConfigurationPropertyValueException(
                        "avx.spring.task-executor.mode",
                        "force",
                        "Two executors claim the name '"
                                + APPLICATION_TASK_EXECUTOR_BEAN_NAME
                                + "', because spring.task.execution.mode is also 'force'. Remove"
                                + " one of the two properties.");
            }
            return new ConditionOutcome(
                    matches(mode, bootForced),
                    ConditionMessage.forCondition("AVX task executor")
                            .because(
                                    "avx.spring.task-executor.mode is "
                                            + mode
                                            + " and spring.task.execution.mode is "
                                            + (bootForced ? "FORCE" : "not FORCE")));
        }

        abstract boolean matches(TaskExecutorMode mode, boolean bootForced);
    }

    static final class OnModeNotOff extends OnMode {
        @Override
        boolean matches(TaskExecutorMode mode, boolean bootForced) {
            return mode != TaskExecutorMode.OFF;
        }
    }

    static final class OnModeAuto extends OnMode {
        @Override
        boolean matches(TaskExecutorMode mode, boolean bootForced) {
            return mode == TaskExecutorMode.AUTO && !bootForced;
        }
    }

    static final class OnModeForce extends OnMode {
        @Override
        boolean matches(TaskExecutorMode mode, boolean bootForced) {
            return mode == TaskExecutorMode.FORCE;
        }
    }
}
