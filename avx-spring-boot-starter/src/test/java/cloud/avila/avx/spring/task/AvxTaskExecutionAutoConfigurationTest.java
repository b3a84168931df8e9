package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.support.BeanDefinitionOverrideException;
import org.springframework.boot.LazyInitializationBeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.core.task.SimpleAsyncTaskExecutor;
import org.springframework.core.task.TaskDecorator;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.AsyncConfigurer;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.concurrent.ThreadPoolTaskExecutor;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@ExtendWith(OutputCaptureExtension.class)
class AvxTaskExecutionAutoConfigurationTest {
    private static final String APPLICATION_TASK_EXECUTOR =
            TaskExecutionAutoConfiguration.APPLICATION_TASK_EXECUTOR_BEAN_NAME;

    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withPropertyValues("avx.worker-threads=2")
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class,
                                    TaskExecutionAutoConfiguration.class,
                                    TaskSchedulingAutoConfiguration.class));

    @Test
    void runsAsyncMethodsAsFibers() {
        runner.withUserConfiguration(AsyncApp.class)
                .run(
                        context -> {
                            assertThat(where(context)).isEqualTo("avx: task-1");
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(AvxTaskExecutor.class)
                                    .isSameAs(context.getBean("taskExecutor"))
                                    .isSameAs(context.getBean("avxTaskExecutor"))
                                    .isSameAs(context.getBean("bootstrapExecutor"))
                                    .isSameAs(context.getBean(AsyncTaskExecutor.class));
                        });
    }

    @Test
    void runsAsyncMethodsAsFibersNextToAScheduler() {
        runner.withUserConfiguration(AsyncApp.class, Scheduling.class)
                .run(
                        context -> {
                            assertThat(context)
                                    .hasSingleBean(TaskScheduler.class)
                                    .hasBean("taskScheduler");
                            assertThat(where(context)).startsWith("avx: task-");
                        });
    }

    @Test
    void runsAsyncMethodsAsFibersWithBootsVirtualThreadsOn() {
        runner.withUserConfiguration(AsyncApp.class, Scheduling.class)
                .withPropertyValues("spring.threads.virtual.enabled=true")
                .run(
                        context -> {
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(AvxTaskExecutor.class);
                            assertThat(where(context)).startsWith("avx: task-");
                        });
    }

    @Test
    void startsWithLazyInitialization() {
        runner.withUserConfiguration(AsyncApp.class)
                .withInitializer(
                        context ->
                                context.addBeanFactoryPostProcessor(
                                        new LazyInitializationBeanFactoryPostProcessor()))
                .run(
                        context -> {
                            assertThat(where(context)).startsWith("avx: ");
                            assertThat(context.getBean(AvxTaskExecutor.class).isRunning()).isTrue();
                        });
    }

    @Test
    void appliesSpringsExecutionProperties() {
        runner.withUserConfiguration(AsyncApp.class)
                .withPropertyValues(
                        "spring.task.execution.thread-name-prefix=report-",
                        "spring.task.execution.simple.concurrency-limit=3")
                .run(
                        context -> {
                            assertThat(where(context)).startsWith("avx: report-");
                            AvxTaskExecutor executor = context.getBean(AvxTaskExecutor.class);
                            assertThat(executor.getConcurrencyLimit()).isEqualTo(3);
                            assertThat(executor.executorMetrics().maxPoolSize()).isEqualTo(3);
                        });
    }

    @Test
    void warnsThatPoolPropertiesHaveNoEffect(CapturedOutput output) {
        runner.withPropertyValues("spring.task.execution.pool.max-size=8")
                .run(
                        context ->
                                assertThat(output)
                                        .contains("spring.task.execution.pool.* has no effect"));
    }

    @Test
    void appliesTaskDecorators() {
        AtomicInteger decorated = new AtomicInteger();
        runner.withUserConfiguration(AsyncApp.class)
                .withBean(
                        TaskDecorator.class,
                        () ->
                                task ->
                                        () -> {
                                            decorated.incrementAndGet();
                                            task.run();
                                        })
                .run(
                        context -> {
                            where(context);
                            assertThat(decorated).hasValue(1);
                        });
    }

    @Test
    void worksWithoutBootsTaskExecution() {
        new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(
                                AvxAutoConfiguration.class,
                                AvxTaskExecutionAutoConfiguration.class))
                .withUserConfiguration(AsyncApp.class)
                .run(context -> assertThat(where(context)).startsWith("avx: task-"));
    }

    @Test
    void leavesTheNameToTheApplication(CapturedOutput output) {
        runner.withUserConfiguration(AsyncApp.class)
                .withBean(
                        APPLICATION_TASK_EXECUTOR,
                        ThreadPoolTaskExecutor.class,
                        () -> pool("mine-"))
                .run(
                        context -> {
                            assertThat(where(context)).isEqualTo("none: mine-1");
                            assertThat(whereNamed(context)).startsWith("avx: ");
                            assertThat(output).contains("write @Async(\"avxTaskExecutor\")");
                        });
    }

    @Test
    void leavesAsyncMethodsOnTheOnlyExecutorOfTheApplication(CapturedOutput output) {
        runner.withUserConfiguration(AsyncApp.class, Scheduling.class)
                .withBean("reports", ThreadPoolTaskExecutor.class, () -> pool("reports-"))
                .run(
                        context -> {
                            assertThat(where(context)).isEqualTo("none: reports-1");
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(AvxTaskExecutor.class);
                            assertThat(context.getBean("taskExecutor"))
                                    .isSameAs(context.getBean("reports"));
                            assertThat(output)
                                    .contains("stay on the application's executor 'reports'");
                        });
    }

    @Test
    void forceTakesAsyncMethodsFromTheExecutorOfTheApplication() {
        runner.withUserConfiguration(AsyncApp.class)
                .withPropertyValues("avx.spring.task-executor.mode=force")
                .withBean("reports", ThreadPoolTaskExecutor.class, () -> pool("reports-"))
                .run(context -> assertThat(where(context)).startsWith("avx: task-"));
    }

    @Test
    void forceRefusesASecondApplicationTaskExecutor() {
        runner.withPropertyValues("avx.spring.task-executor.mode=force")
                .withBean(
                        APPLICATION_TASK_EXECUTOR,
                        ThreadPoolTaskExecutor.class,
                        () -> pool("mine-"))
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .isInstanceOf(BeanDefinitionOverrideException.class)
                                        .hasMessageContaining(APPLICATION_TASK_EXECUTOR));
    }

    @Test
    void takesAsyncMethodsWhenTheApplicationHasSeveralExecutors() {
        runner.withUserConfiguration(AsyncApp.class)
                .withBean("a", ThreadPoolTaskExecutor.class, () -> pool("a-"))
                .withBean("b", ThreadPoolTaskExecutor.class, () -> pool("b-"))
                .run(context -> assertThat(where(context)).startsWith("avx: task-"));
    }

    @Test
    void respectsAPrimaryExecutor() {
        runner.withUserConfiguration(AsyncApp.class, PrimaryExecutor.class)
                .run(
                        context -> {
                            assertThat(where(context)).isEqualTo("none: primary-1");
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(AvxTaskExecutor.class);
                        });
    }

    @Test
    void respectsABeanNamedTaskExecutor() {
        runner.withUserConfiguration(AsyncApp.class)
                .withBean("taskExecutor", ThreadPoolTaskExecutor.class, () -> pool("mine-"))
                .run(context -> assertThat(where(context)).isEqualTo("none: mine-1"));
    }

    @Test
    void respectsAPlainExecutorNamedTaskExecutor() {
        runner.withUserConfiguration(AsyncApp.class)
                .withBean("taskExecutor", Executor.class, () -> new SimpleAsyncTaskExecutor("own-"))
                .run(context -> assertThat(where(context)).isEqualTo("none: own-1"));
    }

    @Test
    void ignoresAScheduledExecutorServiceAndAScheduler() {
        runner.withUserConfiguration(AsyncApp.class)
                .withBean(
                        ScheduledExecutorService.class, Executors::newSingleThreadScheduledExecutor)
                .withBean(ThreadPoolTaskScheduler.class, ThreadPoolTaskScheduler::new)
                .run(context -> assertThat(where(context)).startsWith("avx: task-"));
    }

    @Test
    void ignoresTheExecutorsOfStomp() {
        runner.withUserConfiguration(AsyncApp.class, StompLikeExecutors.class)
                .run(
                        context -> {
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(AvxTaskExecutor.class);
                            assertThat(where(context)).startsWith("avx: task-");
                        });
    }

    @Test
    void respectsAnAsyncConfigurer() {
        runner.withUserConfiguration(AsyncApp.class, OwnAsyncConfigurer.class)
                .run(context -> assertThat(where(context)).isEqualTo("none: configured-1"));
    }

    @Test
    void servesAnAsyncConfigurerWithoutAnExecutor() {
        runner.withUserConfiguration(AsyncApp.class, Scheduling.class)
                .withBean(AsyncConfigurer.class, () -> new AsyncConfigurer() {})
                .run(context -> assertThat(where(context)).startsWith("avx: task-"));
    }

    @Test
    void leavesEverythingToBootWhenBootIsForced(CapturedOutput output) {
        runner.withUserConfiguration(AsyncApp.class)
                .withPropertyValues("spring.task.execution.mode=force")
                .run(
                        context -> {
                            assertThat(context.getBean(APPLICATION_TASK_EXECUTOR))
                                    .isInstanceOf(ThreadPoolTaskExecutor.class);
                            assertThat(where(context)).isEqualTo("none: task-1");
                            assertThat(whereNamed(context)).startsWith("avx: task-");
                            assertThat(output)
                                    .contains("because spring.task.execution.mode=force")
                                    .contains("write @Async(\"avxTaskExecutor\")");
                        });
    }

    @Test
    void refusesBothForced() {
        runner.withPropertyValues(
                        "spring.task.execution.mode=force", "avx.spring.task-executor.mode=force")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .hasRootCauseInstanceOf(
                                                InvalidConfigurationPropertyValueException.class)
                                        .rootCause()
                                        .hasMessageContaining("Remove one of the two properties"));
    }

    @Test
    void offLeavesEverythingToBoot() {
        runner.withUserConfiguration(AsyncApp.class)
                .withPropertyValues("avx.spring.task-executor.mode=off")
                .run(
                        context -> {
                            assertThat(context)
                                    .hasSingleBean(AvxRuntime.class)
                                    .doesNotHaveBean(AvxTaskExecutor.class);
                            assertThat(where(context)).isEqualTo("none: task-1");
                        });
    }

    @Test
    void disabledLeavesEverythingToBoot() {
        runner.withUserConfiguration(AsyncApp.class)
                .withPropertyValues("avx.enabled=false")
                .run(
                        context -> {
                            assertThat(context)
                                    .doesNotHaveBean(AvxRuntime.class)
                                    .doesNotHaveBean(Handle.class)
                                    .doesNotHaveBean(AvxTaskExecutor.class);
                            assertThat(where(context)).isEqualTo("none: task-1");
                        });
    }

    @Test
    void sharesTheExecutorWithAChildContext() {
        runner.run(
                parent ->
                        runner.withUserConfiguration(AsyncApp.class)
                                .withParent(parent)
                                .run(
                                        child -> {
                                            assertThat(child.getBean(AvxTaskExecutor.class))
                                                    .isSameAs(
                                                            parent.getBean(AvxTaskExecutor.class));
                                            assertThat(where(child)).startsWith("avx: task-");
                                        }));
    }

    private static String where(AssertableApplicationContext context) throws Exception {
        return context.getBean(Work.class).where().get(30, TimeUnit.SECONDS);
    }

    private static String whereNamed(AssertableApplicationContext context) throws Exception {
        return context.getBean(Work.class).whereNamed().get(30, TimeUnit.SECONDS);
    }

    private static ThreadPoolTaskExecutor pool(String prefix) {
        ThreadPoolTaskExecutor pool = new ThreadPoolTaskExecutor();
        pool.setThreadNamePrefix(prefix);
        pool.setCorePoolSize(1);
        return pool;
    }

    static class Work {
        @Async
        public CompletableFuture<String> where() {
            return CompletableFuture.completedFuture(describeThread());
        }

        @Async("avxTaskExecutor")
        public CompletableFuture<String> whereNamed() {
            return CompletableFuture.completedFuture(describeThread());
        }

        private static String describeThread() {
            return Handle.tryCurrent().map(Handle::runtimeName).orElse("none")
                    + ": "
                    + Thread.currentThread().getName();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAsync(proxyTargetClass = true)
    static class AsyncApp {
        @Bean
        Work work() {
            return new Work();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    static class Scheduling {}

    @Configuration(proxyBeanMethods = false)
    static class PrimaryExecutor {
        @Bean
        @Primary
        ThreadPoolTaskExecutor important() {
            return pool("primary-");
        }

        @Bean
        ThreadPoolTaskExecutor other() {
            return pool("other-");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class StompLikeExecutors {
        @Bean
        Executor clientInboundChannelExecutor() {
            return pool("clientInboundChannel-");
        }

        @Bean
        Executor clientOutboundChannelExecutor() {
            return pool("clientOutboundChannel-");
        }

        @Bean
        Executor brokerChannelExecutor() {
            return pool("brokerChannel-");
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnAsyncConfigurer implements AsyncConfigurer {
        private final ThreadPoolTaskExecutor executor = pool("configured-");

        OwnAsyncConfigurer(BeanFactory beanFactory) {
            executor.initialize();
        }

        @Override
        public Executor getAsyncExecutor() {
            return executor;
        }
    }
}
