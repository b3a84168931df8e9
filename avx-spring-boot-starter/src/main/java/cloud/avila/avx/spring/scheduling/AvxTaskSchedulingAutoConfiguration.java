package cloud.avila.avx.spring.scheduling;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.AvxProperties;

import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.autoconfigure.task.DefaultTaskSchedulerConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingProperties;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.env.Environment;
import org.springframework.core.task.TaskDecorator;
import org.springframework.core.task.support.CompositeTaskDecorator;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.config.TaskManagementConfigUtils;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Auto-configuration of bean {@code taskScheduler} on the runtime's timers, under the conditions
 * under which Spring Boot would define it: for {@code @EnableScheduling} if there is no scheduler
 * yet, and for Spring Integration.
 */
@AutoConfiguration(
        after = AvxAutoConfiguration.class,
        before = TaskSchedulingAutoConfiguration.class)
@ConditionalOnSingleCandidate(AvxRuntime.class)
@ConditionalOnBooleanProperty(name = "avx.spring.task-scheduler.enabled", matchIfMissing = true)
@Conditional(AvxTaskSchedulingAutoConfiguration.OnNeed.class)
@ConditionalOnMissingBean(name = DefaultTaskSchedulerConfiguration.DEFAULT_TASK_SCHEDULER_BEAN_NAME)
@EnableConfigurationProperties(TaskSchedulingProperties.class)
public final class AvxTaskSchedulingAutoConfiguration {
    private static final Log LOG = LogFactory.getLog(AvxTaskSchedulingAutoConfiguration.class);

    AvxTaskSchedulingAutoConfiguration() {}

    @Bean(DefaultTaskSchedulerConfiguration.DEFAULT_TASK_SCHEDULER_BEAN_NAME)
    AvxTaskScheduler taskScheduler(
            AvxRuntime runtime,
            AvxProperties avx,
            TaskSchedulingProperties properties,
            ObjectProvider<TaskDecorator> decorators,
            Environment environment) {
        if (environment.containsProperty("spring.task.scheduling.pool.size")) {
            LOG.warn(
                    "spring.task.scheduling.pool.size has no effect on bean 'taskScheduler', which"
                            + " runs on AVX and has no pool of threads. To bound how many runs"
                            + " there are at once, set"
                            + " spring.task.scheduling.simple.concurrency-limit; to get the pool"
                            + " back, set avx.spring.task-scheduler.enabled=false");
        }
        AvxTaskScheduler scheduler = new AvxTaskScheduler(runtime);
        scheduler.setThreadNamePrefix(properties.getThreadNamePrefix());
        scheduler.setLateThreshold(avx.spring().taskScheduler().lateThreshold());
        Integer limit = properties.getSimple().getConcurrencyLimit();
        if (limit != null) {
            try {
                scheduler.setConcurrencyLimit(limit);
            } catch (IllegalArgumentException e) {
                throw new InvalidConfigurationPropertyValueException(
                        "spring.task.scheduling.simple.concurrency-limit",
                        limit,
                        "For the scheduler on AVX, " + e.getMessage() + ".");
            }
        }
        Duration await = properties.getShutdown().getAwaitTerminationPeriod();
        if (await != null && properties.getShutdown().isAwaitTermination()) {
            scheduler.setTerminationTimeout(await);
        }
        List<TaskDecorator> all = decorators.orderedStream().toList();
        if (!all.isEmpty()) {
            scheduler.setTaskDecorator(
                    all.size() == 1 ? all.getFirst() : new CompositeTaskDecorator(all));
        }
        return scheduler;
    }

    static final class OnNeed extends AnyNestedCondition {
        OnNeed() {
            super(ConfigurationPhase.REGISTER_BEAN);
        }

        @ConditionalOnBean(
                name = TaskManagementConfigUtils.SCHEDULED_ANNOTATION_PROCESSOR_BEAN_NAME)
        @ConditionalOnMissingBean({TaskScheduler.class, ScheduledExecutorService.class})
        static final class ScheduledMethods {}

        @ConditionalOnClass(
                name = {
                    "org.springframework.integration.config.EnableIntegration",
                    "org.springframework.boot.integration.autoconfigure.IntegrationAutoConfiguration"
                })
        static final class Integration {}
    }
}
