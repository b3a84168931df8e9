package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.actuate.audit.AuditEvent;
import org.springframework.boot.actuate.audit.AuditEventRepository;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;

import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;

/** Changes through the endpoint {@code avx}, over real HTTP, without and with Spring Security. */
@Timeout(120)
@ExtendWith(OutputCaptureExtension.class)
class AvxEndpointWriteTest {
    private static RunningApplication open;
    private static RunningApplication secured;

    @BeforeAll
    static void start() {
        String[] properties = {
            "management.endpoints.web.exposure.include=avx",
            "management.endpoint.avx.access=unrestricted"
        };
        open = RunningApplication.open(properties);
        secured = RunningApplication.secured(Security.class, properties);
    }

    @AfterAll
    static void stop() {
        open.close();
        secured.close();
    }

    @Test
    void changesTheNumberOfWorkers() throws Exception {
        assertThat(open.runtime.metrics().activeWorkers()).isEqualTo(2);
        HttpResponse<String> response = open.post("/actuator/avx/workers", "{\"count\": 3}");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body())
                .isEqualTo("{\"what\":\"the number of workers\",\"before\":\"2\",\"after\":\"3\"}");
        assertThat(open.runtime.metrics().activeWorkers()).isEqualTo(3);
        assertThat(open.post("/actuator/avx/workers", "{\"count\": \"2\"}").statusCode())
                .isEqualTo(200);
        assertThat(open.runtime.metrics().activeWorkers()).isEqualTo(2);
        assertThat(lastEvent(open))
                .containsEntry("what", "the number of workers")
                .containsEntry("old", "3")
                .containsEntry("new", "2");
    }

    @Test
    void changesTheStallThreshold(CapturedOutput output) throws Exception {
        assertThat(open.post("/actuator/avx/stalls", "{\"threshold\": \"250ms\"}").statusCode())
                .isEqualTo(200);
        assertThat(open.runtime.stallThreshold()).isEqualTo(Duration.ofMillis(250));
        assertThat(open.json("/actuator/avx/stalls")).containsEntry("threshold", "PT0.25S");
        assertThat(open.post("/actuator/avx/stalls", "{\"threshold\": \"PT0.1S\"}").statusCode())
                .isEqualTo(200);
        assertThat(output)
                .contains("\"anonymous\" has changed the stall threshold from PT0.25S to PT0.1S");
    }

    @Test
    void changesTheLimitOfAnExecutor() throws Exception {
        ResizableExecutor executor = open.context.getBean(ResizableExecutor.class);
        assertThat(open.json("/actuator/avx/executors/orders"))
                .containsEntry("resizable", true)
                .containsEntry("concurrencyLimit", 8)
                .containsEntry("rejectionPolicy", "abort");
        assertThat(
                        open.post("/actuator/avx/executors/orders", "{\"concurrencyLimit\": 12}")
                                .statusCode())
                .isEqualTo(200);
        assertThat(executor.concurrencyLimit()).isEqualTo(12);
        assertThat(lastEvent(open))
                .containsEntry("what", "the concurrency limit of executor \"orders\"")
                .containsEntry("old", "8")
                .containsEntry("new", "12");
        executor.concurrencyLimit(8);

        executor.resizable = false;
        HttpResponse<String> refused =
                open.post("/actuator/avx/executors/orders", "{\"concurrencyLimit\": 12}");
        executor.resizable = true;
        assertThat(refused.statusCode()).isEqualTo(400);
        assertThat(refused.body()).contains("concurrencyLimit: it was made without a limit");
        assertThat(executor.concurrencyLimit()).isEqualTo(8);
    }

    @Test
    void cancelsAFiber(CapturedOutput output) throws Exception {
        var never = new CountDownLatch(1);
        var task =
                open.runtime.spawn(
                        "import\nof a feed",
                        () -> {
                            never.await();
                            return 1;
                        });
        assertThat(delete(open, "/actuator/avx/fibers/" + task.id()).statusCode()).isEqualTo(200);
        assertThatThrownBy(task::join).isInstanceOf(CancellationException.class);
        assertThat(delete(open, "/actuator/avx/fibers/" + task.id()).statusCode()).isEqualTo(404);
        assertThat(output)
                .contains(
                        "has changed task \"import\\u000aof a feed\" #"
                                + task.id()
                                + " from live to cancelled");
        assertThat(lastEvent(open)).containsEntry("new", "cancelled");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    workers          | {"count": 0}              | count: "0" is no whole number between 1 and 1024
                    workers          | {"count": 1025}           | count: "1025" is no whole number between 1 and 1024
                    workers          | {"count": "two"}          | count: "two" is no whole number between 1 and 1024
                    workers          | {}                        | count is missing: send it as a member of a JSON object
                    stalls           | {"threshold": "soon"}     | threshold: "soon" is no duration between 0 and 1h, such as 200ms or PT0.2S
                    stalls           | {"threshold": "-1ms"}     | threshold: "-1ms" is no duration between 0 and 1h, such as 200ms or PT0.2S
                    stalls           | {"threshold": "2h"}       | threshold: "2h" is no duration between 0 and 1h, such as 200ms or PT0.2S
                    stalls           | {"count": 1}              | threshold is missing: send it as a member of a JSON object
                    executors/orders | {"concurrencyLimit": 0}   | concurrencyLimit: "0" is no whole number between 1 and 2147483646
                    executors/orders | {"concurrencyLimit": 101} | concurrencyLimit: the limit must be at most 100
                    executors/orders | {}                        | concurrencyLimit is missing: send it as a member of a JSON object
                    """)
    void saysWhatIsWrongWithAChange(String path, String body, String message) throws Exception {
        int events = repository(open).find(null, null, null).size();
        HttpResponse<String> response = open.post("/actuator/avx/" + path, body);
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body().replace("\\\"", "\""))
                .isEqualTo("{\"error\":\"" + message + "\"}");
        assertThat(open.runtime.metrics().activeWorkers()).isEqualTo(2);
        assertThat(repository(open).find(null, null, null)).hasSize(events);
    }

    @Test
    void changesNothingElse() throws Exception {
        assertThat(open.post("/actuator/avx/locks", "{}").statusCode()).isEqualTo(404);
        assertThat(open.post("/actuator/avx/executors/mail", "{}").statusCode()).isEqualTo(404);
        assertThat(open.post("/actuator/avx/workers/1", "{}").statusCode()).isEqualTo(404);
        assertThat(delete(open, "/actuator/avx/workers/1").statusCode()).isEqualTo(404);
        assertThat(delete(open, "/actuator/avx/fibers/-1").statusCode()).isEqualTo(404);
        assertThat(delete(open, "/actuator/avx/fibers/all").statusCode()).isEqualTo(400);
    }

    @Test
    void recordsWhoChangedSomething(CapturedOutput output) throws Exception {
        assertThat(
                        secured.post(
                                        "/actuator/avx/workers",
                                        "{\"count\": 4}",
                                        "Authorization",
                                        basic("ops"))
                                .statusCode())
                .isEqualTo(200);
        assertThat(secured.runtime.metrics().activeWorkers()).isEqualTo(4);
        AuditEvent event = repository(secured).find("ops", null, Changes.TYPE).getLast();
        assertThat(event.getPrincipal()).isEqualTo("ops");
        assertThat(event.getData())
                .isEqualTo(Map.of("what", "the number of workers", "old", "2", "new", "4"));
        assertThat(output).contains("\"ops\" has changed the number of workers from 2 to 4");
    }

    @Test
    void letsOnlyThoseChangeSomethingWhoMay() throws Exception {
        int before = secured.runtime.metrics().activeWorkers();
        assertThat(secured.post("/actuator/avx/workers", "{\"count\": 7}").statusCode())
                .isEqualTo(401);
        assertThat(
                        secured.post(
                                        "/actuator/avx/workers",
                                        "{\"count\": 7}",
                                        "Authorization",
                                        basic("guest"))
                                .statusCode())
                .isEqualTo(403);
        assertThat(secured.get("/actuator/avx/workers", "Authorization", basic("ops")).statusCode())
                .isEqualTo(200);
        assertThat(secured.runtime.metrics().activeWorkers()).isEqualTo(before);
    }

    private static String basic(String user) {
        return "Basic "
                + Base64.getEncoder()
                        .encodeToString((user + ":secret").getBytes(StandardCharsets.UTF_8));
    }

    private static HttpResponse<String> delete(RunningApplication application, String path)
            throws Exception {
        return application.send(application.request(path).DELETE().build());
    }

    private static AuditEventRepository repository(RunningApplication application) {
        return application.context.getBean(AuditEventRepository.class);
    }

    private static Map<String, @Nullable Object> lastEvent(RunningApplication application) {
        List<AuditEvent> events = repository(application).find("anonymous", null, Changes.TYPE);
        return events.getLast().getData();
    }

    /** An executor that can be resized. */
    static final class ResizableExecutor implements ExecutorMetricsSource, ExecutorControl {
        private volatile int limit = 8;
        private volatile boolean resizable = true;

        @Override
        public ExecutorMetrics executorMetrics() {
            return new ExecutorMetrics(0, 0, 0, 100, 0, 2, limit);
        }

        @Override
        public String name() {
            return "orders";
        }

        @Override
        public int concurrencyLimit() {
            return limit;
        }

        @Override
        public void concurrencyLimit(int limit) {
            if (!resizable) {
                throw new UnsupportedOperationException("it was made without a limit");
            }
            if (limit > 100) {
                throw new IllegalArgumentException("the limit must be at most 100");
            }
            this.limit = limit;
        }

        @Override
        public boolean isResizable() {
            return resizable;
        }

        @Override
        public int queueCapacity() {
            return 100;
        }

        @Override
        public String rejectionPolicy() {
            return "abort";
        }

        @Override
        public String priority() {
            return "normal";
        }

        @Override
        public Duration queueTimeout() {
            return Duration.ZERO;
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Security {
        @Bean
        UserDetailsService users() {
            return new InMemoryUserDetailsManager(
                    User.withUsername("ops").password("{noop}secret").roles("OPS").build(),
                    User.withUsername("guest").password("{noop}secret").roles("GUEST").build());
        }

        @Bean
        SecurityFilterChain chain(HttpSecurity http) throws Exception {
            return http.authorizeHttpRequests(
                            requests ->
                                    requests.requestMatchers(EndpointRequest.to("avx"))
                                            .hasRole("OPS")
                                            .anyRequest()
                                            .denyAll())
                    .csrf(csrf -> csrf.ignoringRequestMatchers(EndpointRequest.to("avx")))
                    .httpBasic(Customizer.withDefaults())
                    .build();
        }
    }
}
