package cloud.avila.avx.spring.task;

import static org.springframework.aop.interceptor.AsyncExecutionAspectSupport.DEFAULT_TASK_EXECUTOR_BEAN_NAME;
import static org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration.APPLICATION_TASK_EXECUTOR_BEAN_NAME;

import cloud.avila.avx.spring.AvxProperties.TaskExecutorMode;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.AnnotatedBeanDefinition;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.core.task.TaskExecutor;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.annotation.AsyncConfigurer;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executor;

/**
 * Decides which executor {@code @Async} without a name uses. Left to itself, Spring takes the only
 * {@link TaskExecutor} bean there is; so adding one would change its choice, and with a task
 * scheduler beside it make it give up and start a platform thread for each call.
 *
 * <p>In mode auto, an executor that was the default without AVX stays the default: the primary one,
 * else the bean {@code taskExecutor}, else the only one the application defines; else it is AVX. In
 * mode force it is AVX. The same choice gets the alias {@code taskExecutor} where that name is
 * free.
 */
final class DefaultAsyncExecutor implements AsyncConfigurer {
    private static final Log LOG = LogFactory.getLog(DefaultAsyncExecutor.class);

    private final ConfigurableListableBeanFactory beans;
    private final TaskExecutorMode mode;

    DefaultAsyncExecutor(ConfigurableListableBeanFactory beans, TaskExecutorMode mode) {
        this.beans = beans;
        this.mode = mode;
    }

    /** Makes {@code taskExecutor} an alias of the choice, if the name is free. */
    void registerAlias() {
        if (!beans.containsBean(DEFAULT_TASK_EXECUTOR_BEAN_NAME)) {
            beans.registerAlias(applicationsOrAvx(), DEFAULT_TASK_EXECUTOR_BEAN_NAME);
        }
    }

    @Override
    public Executor getAsyncExecutor() {
        String name = DEFAULT_TASK_EXECUTOR_BEAN_NAME;
        if (mode == TaskExecutorMode.FORCE) {
            name = APPLICATION_TASK_EXECUTOR_BEAN_NAME;
        } else {
            for (String candidate : taskExecutors()) {
                BeanDefinition definition = definition(candidate);
                if (definition != null && definition.isPrimary()) {
                    name = candidate;
                }
            }
        }
        return beans.getBean(name, Executor.class);
    }

    private String applicationsOrAvx() {
        if (mode == TaskExecutorMode.FORCE) {
            return APPLICATION_TASK_EXECUTOR_BEAN_NAME;
        }
        List<String> own =
                Arrays.stream(taskExecutors()).filter(this::isDefinedByApplication).toList();
        if (own.size() != 1) {
            return APPLICATION_TASK_EXECUTOR_BEAN_NAME;
        }
        LOG.info(
                "@Async methods that name no executor stay on the application's executor '"
                        + own.getFirst()
                        + "'. To move them to AVX, set avx.spring.task-executor.mode=force");
        return own.getFirst();
    }

    private String[] taskExecutors() {
        return beans.getBeanNamesForType(TaskExecutor.class, true, false);
    }

    /** Leaves out AVX, schedulers and what Spring's modules define for themselves, like STOMP's. */
    private boolean isDefinedByApplication(String name) {
        if (name.equals(APPLICATION_TASK_EXECUTOR_BEAN_NAME)
                || beans.isTypeMatch(name, TaskScheduler.class)) {
            return false;
        }
        BeanDefinition definition = definition(name);
        if (definition == null) {
            return true;
        }
        boolean defaultCandidate =
                definition.isAutowireCandidate()
                        && (!(definition instanceof AbstractBeanDefinition d)
                                || d.isDefaultCandidate());
        boolean springs =
                definition instanceof AnnotatedBeanDefinition annotated
                        && annotated.getFactoryMethodMetadata() != null
                        && annotated
                                .getFactoryMethodMetadata()
                                .getDeclaringClassName()
                                .startsWith("org.springframework.");
        return defaultCandidate && !springs;
    }

    private @Nullable BeanDefinition definition(String name) {
        return beans.containsBeanDefinition(name) ? beans.getBeanDefinition(name) : null;
    }
}
