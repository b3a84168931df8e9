package cloud.avila.avx.spring.task;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.context.annotation.Import;

/**
 * Auto-configuration of the executors {@code avx.executors.<name>}. Each is a bean of that name and
 * of type {@link BoundedTaskExecutor}. It is not a default candidate: it neither changes what is
 * injected by type, nor what Spring Boot makes of the executors that it finds.
 */
@AutoConfiguration(
        after = AvxAutoConfiguration.class,
        before = {TaskExecutionAutoConfiguration.class, TaskSchedulingAutoConfiguration.class})
@ConditionalOnSingleCandidate(AvxRuntime.class)
@Import({ContextPropagation.class, NamedExecutors.class})
public final class AvxNamedExecutorAutoConfiguration {

    AvxNamedExecutorAutoConfiguration() {}
}
