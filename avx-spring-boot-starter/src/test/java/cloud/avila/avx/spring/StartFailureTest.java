package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What someone reads whose application does not start. */
@ExtendWith(OutputCaptureExtension.class)
class StartFailureTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    avx.name                     | ' '   | name must not be blank
                    avx.worker-threads           | 0     | must be between 1 and 1024, but is 0
                    avx.worker-threads           | 1025  | must be between 1 and 1024
                    avx.worker-stack-size        | 1KB   | must be between 65536 and 1073741824
                    avx.thread-name-prefix       | ' '   | must not be blank
                    avx.local-queue-capacity     | 100   | must be a power of two, but is 100
                    avx.injection-queue-capacity | 0     | must be between 1 and 2147483647
                    avx.shutdown-timeout         | -1s   | must not be negative
                    avx.reactor.group-size       | -1    | must be between 0 and 1024, but is -1
                    avx.blocking.max-threads     | 40000 | must be between 1 and 32767
                    avx.blocking.keep-alive      | -1s   | must not be negative
                    avx.blocking.queue-capacity  | 0     | must be between 1 and 2147483647
                    avx.watchdog.stall-threshold | -1ms  | must not be negative
                    """)
    void namesThePropertyTheValueAndTheRange(
            String property, String value, String range, CapturedOutput output) {
        start(App.class, "--" + property + "=" + value);
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains("Invalid value '" + value + "' for configuration property '" + property)
                .contains(range)
                .contains("or remove the property to use the default");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    avx.fibers.access             | always   | OPENED_ONLY
                    avx.reactor.driver            | select   | EPOLL
                    avx.spring.task-executor.mode | maybe    | FORCE
                    """)
    void namesTheValidValues(String property, String value, String valid, CapturedOutput output) {
        start(App.class, "--" + property + "=" + value);
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains(property)
                .contains("Value: \"" + value + "\"")
                .contains("The following values are valid")
                .contains(valid);
    }

    @Test
    void blamesTheCustomizer(CapturedOutput output) {
        start(BadCustomizer.class);
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains("after the AvxRuntimeCustomizer beans have changed them")
                .contains("workerThreads must be between 1 and 1024, but is -1")
                .contains("Correct the AvxRuntimeCustomizer bean");
    }

    @Test
    void refusesBothForced(CapturedOutput output) {
        start(
                App.class,
                "--avx.spring.task-executor.mode=force",
                "--spring.task.execution.mode=force");
        assertThat(output)
                .contains("APPLICATION FAILED TO START")
                .contains("Two executors claim the name 'applicationTaskExecutor'")
                .contains("Remove one of the two properties");
    }

    @Test
    void saysWhatToTryWhenTheDriverIsMissing() {
        RuntimeConfig config = RuntimeConfig.builder().name("orders").workerThreads(2).build();
        AvxRuntimeStartException failure =
                new AvxRuntimeStartException(config, new UnsatisfiedLinkError("epoll_create1"));
        FailureAnalysis analysis = new AvxRuntimeStartFailureAnalyzer().analyze(failure, failure);
        assertThat(analysis.getDescription())
                .contains("'orders'")
                .contains("avx.reactor.driver=auto, avx.fibers.access=auto, avx.worker-threads=2")
                .contains(System.getProperty("os.name"))
                .contains("epoll_create1");
        assertThat(analysis.getAction())
                .contains("--enable-native-access=ALL-UNNAMED")
                .contains("avx.enabled=false");
    }

    private static void start(Class<?> source, String... arguments) {
        SpringApplication application = new SpringApplication(source);
        application.setWebApplicationType(WebApplicationType.NONE);
        assertThatException().isThrownBy(() -> application.run(arguments).close());
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({AvxAutoConfiguration.class, AvxTaskExecutionAutoConfiguration.class})
    static class App {}

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration(AvxAutoConfiguration.class)
    static class BadCustomizer {
        @Bean
        AvxRuntimeCustomizer tooFew() {
            return builder -> builder.workerThreads(-1);
        }
    }
}
