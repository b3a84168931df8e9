package cloud.avila.avx.spring.task;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Import;

/**
 * Auto-configuration of the task executor on the runtime.
 *
 * <p>Bean {@code avxTaskExecutor} is the executor in every mode but off. It also is {@code
 * applicationTaskExecutor}, the name by which Spring MVC, WebSocket, GraphQL, JPA and others find
 * their executor, unless that name is taken: by the application, or by Spring Boot with {@code
 * spring.task.execution.mode=force}. Conditions look at names and not at types, because a type
 * matches executors that have nothing to do with it, like those of STOMP.
 */
@AutoConfiguration(
        after = AvxAutoConfiguration.class,
        before = {TaskExecutionAutoConfiguration.class, TaskSchedulingAutoConfiguration.class})
@ConditionalOnSingleCandidate(AvxRuntime.class)
@Conditional(AvxTaskExecutorConfigurations.OnModeNotOff.class)
@Import({
    ContextPropagation.class,
    AvxTaskExecutorConfigurations.Owner.class,
    AvxTaskExecutorConfigurations.ForcedOwner.class,
    AvxTaskExecutorConfigurations.Guest.class
})
public final class AvxTaskExecutionAutoConfiguration {
    /** Name under which the executor is found in every mode but off. */
    public static final String AVX_TASK_EXECUTOR_BEAN_NAME = "avxTaskExecutor";

    AvxTaskExecutionAutoConfiguration() {}
}
