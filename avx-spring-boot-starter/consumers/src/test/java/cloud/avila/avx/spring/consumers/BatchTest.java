package cloud.avila.avx.spring.consumers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.task.AvxConsumersAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.batch.core.BatchStatus;
import org.springframework.batch.core.job.Job;
import org.springframework.batch.core.job.JobExecution;
import org.springframework.batch.core.job.builder.JobBuilder;
import org.springframework.batch.core.job.parameters.JobParameters;
import org.springframework.batch.core.launch.JobOperator;
import org.springframework.batch.core.repository.JobRepository;
import org.springframework.batch.core.step.builder.StepBuilder;
import org.springframework.batch.infrastructure.repeat.RepeatStatus;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.batch.autoconfigure.BatchAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Batch jobs run on fibers if the application asks for it. */
@Timeout(120)
class BatchTest {
    private final ApplicationContextRunner contexts =
            new ApplicationContextRunner()
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class,
                                    TaskExecutionAutoConfiguration.class,
                                    AvxConsumersAutoConfiguration.class,
                                    BatchAutoConfiguration.class))
                    .withUserConfiguration(Reports.class)
                    .withPropertyValues("avx.name=batch", "avx.worker-threads=1");

    @Test
    void whoStartsAJobGoesOnWhileItRunsOnAFiber() {
        contexts.withPropertyValues("avx.spring.batch=true")
                .run(
                        context -> {
                            Reports reports = context.getBean(Reports.class);
                            JobExecution execution =
                                    context.getBean(JobOperator.class)
                                            .start(context.getBean(Job.class), new JobParameters());
                            assertThat(reports.worker.get()).startsWith("fiber task-");
                            assertThat(execution.isRunning()).isTrue();
                            reports.mayEnd.countDown();
                            await().until(() -> !execution.isRunning());
                            assertThat(execution.getStatus()).isEqualTo(BatchStatus.COMPLETED);
                        });
    }

    @Test
    void otherwiseJobsRunWhereTheyAreStarted() {
        contexts.run(
                context -> {
                    Reports reports = context.getBean(Reports.class);
                    reports.mayEnd.countDown();
                    JobExecution execution =
                            context.getBean(JobOperator.class)
                                    .start(context.getBean(Job.class), new JobParameters());
                    assertThat(execution.getStatus()).isEqualTo(BatchStatus.COMPLETED);
                    assertThat(reports.worker.get())
                            .isEqualTo("thread " + Thread.currentThread().getName());
                });
    }

    @Configuration(proxyBeanMethods = false)
    static class Reports {
        final CompletableFuture<String> worker = new CompletableFuture<>();
        final CountDownLatch mayEnd = new CountDownLatch(1);

        @Bean
        Job report(JobRepository repository) {
            return new JobBuilder("report", repository)
                    .start(
                            new StepBuilder("print", repository)
                                    .tasklet(
                                            (contribution, chunk) -> {
                                                Thread me = Thread.currentThread();
                                                worker.complete(
                                                        (me.isVirtual() ? "fiber " : "thread ")
                                                                + me.getName());
                                                mayEnd.await();
                                                return RepeatStatus.FINISHED;
                                            })
                                    .build())
                    .build();
        }
    }
}
