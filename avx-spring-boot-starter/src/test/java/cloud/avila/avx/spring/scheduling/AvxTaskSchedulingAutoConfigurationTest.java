package cloud.avila.avx.spring.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.Handle;
import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;

import io.micrometer.common.KeyValue;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.autoconfigure.task.TaskSchedulingAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.task.TaskDecorator;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.scheduling.annotation.SchedulingConfigurer;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@ExtendWith(OutputCaptureExtension.class)
class AvxTaskSchedulingAutoConfigurationTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withPropertyValues("avx.worker-threads=2")
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxAutoConfiguration.class,
                                    AvxTaskExecutionAutoConfiguration.class,
                                    AvxTaskSchedulingAutoConfiguration.class,
                                    TaskExecutionAutoConfiguration.class,
                                    TaskSchedulingAutoConfiguration.class));

    @Test
    void runsScheduledMethodsOfEveryKindAsObservedFibers() {
        runner.withUserConfiguration(Jobs.class)
                .withPropertyValues(
                        "spring.task.scheduling.thread-name-prefix=job-",
                        "spring.task.scheduling.pool.size=8",
                        "spring.task.scheduling.simple.concurrency-limit=4",
                        "avx.spring.task-scheduler.late-threshold=2s")
                .run(
                        context -> {
                            Jobs jobs = context.getBean(Jobs.class);
                            assertThat(jobs.all.await(30, TimeUnit.SECONDS)).isTrue();
                            assertThat(jobs.seen)
                                    .containsOnlyKeys("rate", "delay", "cron", "once")
                                    .allSatisfy(
                                            (_, where) ->
                                                    assertThat(where).startsWith("avx: job-"));
                            assertThat(jobs.decorated).hasPositiveValue();
                            await().untilAsserted(
                                            () ->
                                                    assertThat(jobs.observed)
                                                            .containsKeys(
                                                                    "rate", "delay", "cron",
                                                                    "once"));
                            assertThat(context.getBean(TaskScheduler.class))
                                    .isInstanceOf(AvxTaskScheduler.class)
                                    .isSameAs(context.getBean("taskScheduler"));
                        });
    }

    @Test
    void warnsThatThePoolSizeHasNoEffect(CapturedOutput output) {
        runner.withUserConfiguration(Scheduling.class)
                .withPropertyValues("spring.task.scheduling.pool.size=8")
                .run(
                        context ->
                                assertThat(output)
                                        .contains(
                                                "spring.task.scheduling.pool.size has no effect"));
    }

    @Test
    void refusesAConcurrencyLimitThatIsNone() {
        runner.withUserConfiguration(Scheduling.class)
                .withPropertyValues("spring.task.scheduling.simple.concurrency-limit=0")
                .run(
                        context ->
                                assertThat(context)
                                        .getFailure()
                                        .rootCause()
                                        .hasMessageContaining(
                                                "1 or more, or -1 for none, but is 0"));
    }

    @Test
    void isThereOnlyForThoseWhoScheduleAndHaveNoScheduler() {
        runner.run(context -> assertThat(context).doesNotHaveBean(TaskScheduler.class));
        runner.withUserConfiguration(Scheduling.class)
                .withBean("mine", ThreadPoolTaskScheduler.class)
                .run(
                        context ->
                                assertThat(context)
                                        .getBean(TaskScheduler.class)
                                        .isSameAs(context.getBean("mine")));
        runner.withUserConfiguration(Scheduling.class)
                .withPropertyValues("avx.spring.task-scheduler.enabled=false")
                .run(
                        context ->
                                assertThat(context)
                                        .getBean("taskScheduler")
                                        .isInstanceOf(ThreadPoolTaskScheduler.class));
        runner.withUserConfiguration(Scheduling.class)
                .withPropertyValues("avx.enabled=false")
                .run(
                        context ->
                                assertThat(context)
                                        .getBean("taskScheduler")
                                        .isInstanceOf(ThreadPoolTaskScheduler.class));
    }

    @Test
    void startsNoRunsOnceTheContextClosesAndWaitsForThoseUnderWay() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        runner.withUserConfiguration(Scheduling.class)
                .run(
                        context -> {
                            AvxTaskScheduler scheduler = context.getBean(AvxTaskScheduler.class);
                            scheduler.scheduleWithFixedDelay(
                                    () -> {
                                        runs.incrementAndGet();
                                        entered.countDown();
                                        try {
                                            Thread.sleep(50);
                                            ended.countDown();
                                        } catch (InterruptedException e) {
                                            Thread.currentThread().interrupt();
                                        }
                                    },
                                    Duration.ofMillis(1));
                            entered.await();
                        });
        assertThat(ended.getCount()).as("awaited, not interrupted").isZero();
        int after = runs.get();
        Thread.sleep(20);
        assertThat(runs).hasValue(after);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    static class Scheduling {}

    @Configuration(proxyBeanMethods = false)
    @EnableScheduling
    static class Jobs {
        final Map<String, String> seen = new ConcurrentHashMap<>();
        final Map<String, Boolean> observed = new ConcurrentHashMap<>();
        final AtomicInteger decorated = new AtomicInteger();
        final CountDownLatch all = new CountDownLatch(4);

        @Scheduled(fixedRate = 5)
        void rate() {
            saw("rate");
        }

        @Scheduled(fixedDelay = 5, initialDelay = 1)
        void delay() {
            saw("delay");
        }

        @Scheduled(cron = "* * * * * *")
        void cron() {
            saw("cron");
        }

        @Scheduled(initialDelay = 1)
        void once() {
            saw("once");
        }

        private void saw(String method) {
            String where =
                    Handle.tryCurrent().map(Handle::runtimeName).orElse("none")
                            + ": "
                            + Thread.currentThread().getName();
            if (seen.put(method, where) == null) {
                all.countDown();
            }
        }

        @Bean
        TaskDecorator counting() {
            return task -> {
                decorated.incrementAndGet();
                return task;
            };
        }

        @Bean
        SchedulingConfigurer observing() {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig()
                    .observationHandler(
                            new ObservationHandler<>() {
                                @Override
                                public boolean supportsContext(Observation.Context context) {
                                    return true;
                                }

                                @Override
                                public void onStop(Observation.Context context) {
                                    KeyValue method =
                                            context.getLowCardinalityKeyValue("code.function");
                                    if (method != null) {
                                        observed.put(method.getValue(), true);
                                    }
                                }
                            });
            return registrar -> registrar.setObservationRegistry(registry);
        }
    }
}
