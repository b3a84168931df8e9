package cloud.avila.avx.spring.consumers;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.task.AvxNamedExecutorAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.MDC;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.task.TaskExecutionAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import java.util.Objects;
import java.util.concurrent.Callable;

class ContextPropagationTest {
    private static final String PROPERTY = "spring.task.execution.propagate-context=";

    @ParameterizedTest
    @CsvSource({
        "x=y, applicationTaskExecutor, 42 order",
        "x=y, reports, 42 order",
        PROPERTY + "true, applicationTaskExecutor, 42 order",
        PROPERTY + "true, reports, 42 order",
        PROPERTY + "false, applicationTaskExecutor, null none",
        PROPERTY + "false, reports, null none"
    })
    void isOnUnlessTurnedOff(String property, String executor, String expected) {
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig().observationHandler(context -> true);
        Callable<String> look =
                () -> {
                    Observation current = registry.getCurrentObservation();
                    return MDC.get("customer")
                            + " "
                            + (current == null
                                    ? "none"
                                    : Objects.requireNonNull(current.getContext().getName()));
                };
        new ApplicationContextRunner()
                .withConfiguration(
                        AutoConfigurations.of(
                                AvxAutoConfiguration.class,
                                AvxTaskExecutionAutoConfiguration.class,
                                AvxNamedExecutorAutoConfiguration.class,
                                TaskExecutionAutoConfiguration.class))
                .withPropertyValues(
                        "avx.worker-threads=2",
                        "avx.executors.reports.concurrency-limit=1",
                        property)
                .run(
                        context -> {
                            AvxTaskExecutor avx = context.getBean(executor, AvxTaskExecutor.class);
                            MDC.put("customer", "42");
                            try {
                                String seen =
                                        Observation.createNotStarted("order", registry)
                                                .observeChecked(() -> avx.submit(look).get());
                                assertThat(seen).isEqualTo(expected);
                            } finally {
                                MDC.remove("customer");
                            }
                            for (int i = 0; i < 20; i++) {
                                assertThat(avx.submit(look).get()).isEqualTo("null none");
                            }
                        });
    }
}
