package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.throwable;

import cloud.avila.avx.Handle;
import cloud.avila.avx.actuator.ExecutorControl;
import cloud.avila.avx.actuator.ExecutorMetricsSource;
import cloud.avila.avx.spring.AvxAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.SimpleAutowireCandidateResolver;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.core.task.TaskDecorator;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

class NamedExecutorsTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withPropertyValues(
                            "avx.worker-threads=2",
                            "avx.executors.reports.concurrency-limit=3",
                            "avx.executors.reports.queue-capacity=7",
                            "avx.executors.reports.rejection-policy=discard-oldest",
                            "avx.executors.reports.priority=background",
                            "avx.executors.reports.queue-timeout=5s",
                            "avx.executors.mails.concurrency-limit=1")
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class,
                                    AvxNamedExecutorAutoConfiguration.class,
                                    TaskExecutionAutoConfiguration.class,
                                    TaskSchedulingAutoConfiguration.class));

    @Test
    void areBeansWithTheirSettings() {
        runner.run(
                context -> {
                    ExecutorControl reports = context.getBean("reports", ExecutorControl.class);
                    assertThat(reports.name()).isEqualTo("reports");
                    assertThat(reports.concurrencyLimit()).isEqualTo(3);
                    assertThat(reports.queueCapacity()).isEqualTo(7);
                    assertThat(reports.rejectionPolicy()).isEqualTo("discard-oldest");
                    assertThat(reports.priority()).isEqualTo("background");
                    assertThat(reports.queueTimeout()).isEqualTo(Duration.ofSeconds(5));
                    ExecutorControl mails = context.getBean("mails", ExecutorControl.class);
                    assertThat(mails.queueCapacity()).isEqualTo(1000);
                    assertThat(mails.rejectionPolicy()).isEqualTo("abort");
                    assertThat(mails.priority()).isEqualTo("normal");
                    assertThat(mails.queueTimeout()).isZero();
                    assertThat(context.getBean("mails", BoundedTaskExecutor.class).isRunning())
                            .isTrue();
                    assertThat(
                                    SimpleAutowireCandidateResolver.resolveAutowireCandidates(
                                                    context.getBeanFactory(),
                                                    ExecutorMetricsSource.class)
                                            .keySet())
                            .as("those that get meters")
                            .contains("reports", "mails", "applicationTaskExecutor");
                });
    }

    @Test
    void runAsyncMethodsAndLeaveTheDefaultAlone() {
        runner.withUserConfiguration(App.class)
                .withPropertyValues("spring.task.execution.simple.concurrency-limit=9")
                .run(
                        context -> {
                            Work work = context.getBean(Work.class);
                            assertThat(work.report().get(30, TimeUnit.SECONDS))
                                    .isEqualTo("avx: reports-1 decorated");
                            assertThat(work.other().get(30, TimeUnit.SECONDS))
                                    .isEqualTo("avx: task-1 decorated");
                            assertThat(work.mails().concurrencyLimit()).isEqualTo(1);
                            assertThat(context.getBean(Candidates.class).executors())
                                    .as("candidates by type")
                                    .containsOnlyKeys("applicationTaskExecutor", "taskScheduler");
                        });
    }

    @Test
    void areThereWithoutTheApplicationsExecutorOnAvx() {
        runner.withUserConfiguration(App.class)
                .withPropertyValues("avx.spring.task-executor.mode=off")
                .run(
                        context -> {
                            Work work = context.getBean(Work.class);
                            assertThat(work.report().get(30, TimeUnit.SECONDS))
                                    .isEqualTo("avx: reports-1 decorated");
                            assertThat(work.other().get(30, TimeUnit.SECONDS))
                                    .isEqualTo("none: task-1 decorated");
                        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "new.queue-capacity=5 | new.concurrency-limit | between 1 and 1000000",
                "mails.concurrency-limit=0 | mails.concurrency-limit | between 1 and 1000000, but is 0",
                "mails.concurrency-limit=1000001 | mails.concurrency-limit | but is 1000001",
                "mails.queue-capacity=-1 | mails.queue-capacity | between 0 and 100000000, but is -1",
                "reports.queue-capacity=0 | reports.queue-capacity | 1 or more to discard the oldest",
                "mails.queue-timeout=-1s | mails.queue-timeout | between 0 and PT24H, but is PT-1S",
                "mails.queue-timeout=25h | mails.queue-timeout | between 0 and PT24H, but is PT25H",
                "taskScheduler.concurrency-limit=1 | taskScheduler | Choose another one",
                "taken.concurrency-limit=1 | taken | the application defines one already"
            })
    void refuseWhatCannotWork(String setting, String property, String message) {
        runner.withPropertyValues("avx.executors." + setting)
                .withBean("taken", String.class, () -> "x")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .extracting(NestedExceptionUtils::getMostSpecificCause)
                                        .asInstanceOf(
                                                throwable(
                                                        InvalidConfigurationPropertyValueException
                                                                .class))
                                        .hasMessageContaining(message)
                                        .extracting("name")
                                        .isEqualTo("avx.executors." + property));
    }

    record Candidates(Map<String, AsyncTaskExecutor> executors) {}

    static class Work {
        private static final ThreadLocal<String> DECORATION = new ThreadLocal<>();
        private final BoundedTaskExecutor mails;

        Work(@Qualifier("mails") BoundedTaskExecutor mails) {
            this.mails = mails;
        }

        BoundedTaskExecutor mails() {
            return mails;
        }

        @Async("reports")
        public CompletableFuture<String> report() {
            return CompletableFuture.completedFuture(where());
        }

        @Async
        public CompletableFuture<String> other() {
            return CompletableFuture.completedFuture(where());
        }

        private static String where() {
            return Handle.tryCurrent().map(Handle::runtimeName).orElse("none")
                    + ": "
                    + Thread.currentThread().getName()
                    + " "
                    + DECORATION.get();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAsync(proxyTargetClass = true)
    @EnableScheduling
    static class App {
        @Bean
        Work work(@Qualifier("mails") BoundedTaskExecutor mails) {
            return new Work(mails);
        }

        @Bean
        Candidates candidates(Map<String, AsyncTaskExecutor> executors) {
            return new Candidates(executors);
        }

        @Bean
        TaskDecorator decorator() {
            return task ->
                    () -> {
                        Work.DECORATION.set("decorated");
                        try {
                            task.run();
                        } finally {
                            Work.DECORATION.remove();
                        }
                    };
        }
    }
}
