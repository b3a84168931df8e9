package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;

import io.micrometer.core.instrument.MeterRegistry;

import org.junit.jupiter.api.Test;
import org.springframework.boot.actuate.autoconfigure.endpoint.EndpointAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.autoconfigure.contributor.HealthContributorAutoConfiguration;
import org.springframework.boot.health.autoconfigure.registry.HealthContributorRegistryAutoConfiguration;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** The three auto-configurations, without the starter. */
class AutoConfigurationTest {
    private final ApplicationContextRunner runner =
            new ApplicationContextRunner()
                    .withConfiguration(
                            AutoConfigurations.of(
                                    AvxEndpointAutoConfiguration.class,
                                    AvxHealthContributorAutoConfiguration.class,
                                    AvxMetricsAutoConfiguration.class,
                                    EndpointAutoConfiguration.class,
                                    HealthContributorAutoConfiguration.class,
                                    HealthContributorRegistryAutoConfiguration.class,
                                    MetricsAutoConfiguration.class,
                                    CompositeMeterRegistryAutoConfiguration.class,
                                    SimpleMetricsExportAutoConfiguration.class));

    private final ApplicationContextRunner withRuntime =
            runner.withUserConfiguration(OneRuntime.class)
                    .withPropertyValues("management.endpoints.web.exposure.include=avx");

    @Test
    void doesNothingWithoutARuntime() {
        runner.withPropertyValues("management.endpoints.web.exposure.include=avx")
                .run(
                        context ->
                                assertThat(context)
                                        .hasNotFailed()
                                        .doesNotHaveBean(AvxEndpoint.class)
                                        .doesNotHaveBean(AvxMeterBinder.class)
                                        .doesNotHaveBean("avxHealthContributor"));
    }

    @Test
    void describesTheRuntime() {
        withRuntime.run(
                context -> {
                    AvxDescription description = context.getBean(AvxEndpoint.class).avx();
                    assertThat(description.runtime()).isEqualTo("orders");
                    assertThat(description.state()).isEqualTo("running");
                    assertThat(description.workers()).hasSize(2);
                    assertThat(description.configuration().workerThreads()).isEqualTo(2);
                    assertThat(description.configuration().fibersAccess()).isEqualTo("auto");
                    assertThat(description.injectionQueue().capacity()).isEqualTo(1 << 20);
                });
    }

    @Test
    void hasNoEndpointWhenItIsNotExposedOrNotAccessible() {
        runner.withUserConfiguration(OneRuntime.class)
                .run(context -> assertThat(context).doesNotHaveBean(AvxEndpoint.class));
        withRuntime
                .withPropertyValues("management.endpoint.avx.access=NONE")
                .run(context -> assertThat(context).doesNotHaveBean(AvxEndpoint.class));
    }

    @Test
    void publishesMeters() {
        withRuntime.run(
                context -> {
                    MeterRegistry registry = context.getBean(MeterRegistry.class);
                    context.getBean(AvxRuntime.class).spawn(() -> 1).join();
                    // the snapshot taken when the meters were bound may be used for 100 ms
                    Thread.sleep(Duration.ofMillis(150));
                    assertThat(
                                    registry.get("avx.tasks.spawned")
                                            .tag("runtime", "orders")
                                            .functionCounter()
                                            .count())
                            .isPositive();
                    assertThat(registry.get("avx.injection.capacity").gauge().value())
                            .isEqualTo(1 << 20);
                });
    }

    @Test
    void publishesEveryExecutorUnderItsBeanName() {
        withRuntime
                .withUserConfiguration(Executors.class)
                .run(
                        context -> {
                            Set<String> names = new TreeSet<>();
                            context.getBean(MeterRegistry.class)
                                    .get("executor.active")
                                    .meters()
                                    .forEach(m -> names.add("" + m.getId().getTag("name")));
                            assertThat(names).containsExactly("a", "hidden");
                        });
    }

    @Test
    void isHealthyWhileTheRuntimeRuns() {
        withRuntime.run(
                context -> {
                    Health health = health(context.getBean("avxHealthContributor"));
                    assertThat(health.getStatus()).isEqualTo(Status.UP);
                    assertThat(health.getDetails())
                            .containsEntry("runtime", "orders")
                            .containsKeys("driver", "fibers", "workers", "stalls");
                });
    }

    @Test
    void hasNoHealthContributorWhenThatIsDisabled() {
        withRuntime
                .withPropertyValues("management.health.avx.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean("avxHealthContributor"));
    }

    @Test
    void reportsTheHealthOfSeveralRuntimes() {
        withRuntime
                .withBean("second", AvxRuntime.class, AvxRuntime::create)
                .run(
                        context -> {
                            assertThat(context.getBean("avxHealthContributor"))
                                    .isInstanceOf(CompositeHealthContributor.class);
                            assertThat(context).doesNotHaveBean(AvxEndpoint.class);
                        });
    }

    @Test
    void worksWithoutMicrometer() {
        withRuntime
                .withClassLoader(new FilteredClassLoader("io.micrometer"))
                .run(
                        context ->
                                assertThat(context)
                                        .hasNotFailed()
                                        .hasSingleBean(AvxEndpoint.class)
                                        .doesNotHaveBean(AvxMeterBinder.class));
    }

    private static Health health(Object contributor) {
        return Objects.requireNonNull(((HealthIndicator) contributor).health(true));
    }

    @Configuration(proxyBeanMethods = false)
    static class OneRuntime {
        @Bean
        AvxRuntime runtime() {
            return AvxRuntime.create(
                    RuntimeConfig.builder().name("orders").workerThreads(2).build());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Executors {
        @Bean
        ExecutorMetricsSource a() {
            return () -> new ExecutorMetrics(1, 2, 3, 4, 5, 6, 7);
        }

        @Bean(defaultCandidate = false)
        ExecutorMetricsSource hidden() {
            return () -> new ExecutorMetrics(1, 2, 3, 4, 5, 6, 7);
        }
    }
}
