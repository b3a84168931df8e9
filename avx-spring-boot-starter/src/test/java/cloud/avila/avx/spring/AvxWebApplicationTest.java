package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.Handle;

import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A whole application on a real Tomcat, spoken to over HTTP. */
@SpringBootTest(
        webEnvironment = WebEnvironment.RANDOM_PORT,
        properties = {
            "avx.name=web",
            "avx.worker-threads=2",
            "management.endpoints.web.exposure.include=avx,health,prometheus",
            "management.endpoint.health.show-details=always",
            "management.prometheus.metrics.export.enabled=true",
            "spring.main.banner-mode=off"
        })
class AvxWebApplicationTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @LocalServerPort private int port;
    @Autowired private Reports reports;

    @Test
    void runsAsynchronousRequestsAsFibers() throws Exception {
        assertThat(get("/async").body()).startsWith("virtual task-").endsWith(" on web");
        assertThat(get("/sync").body()).startsWith("virtual http-nio-").endsWith(" on web");
    }

    @Test
    void runsAsyncMethodsAsFibers() throws Exception {
        assertThat(reports.make().get(30, TimeUnit.SECONDS))
                .startsWith("virtual task-")
                .endsWith(" on web");
    }

    @Test
    @SuppressWarnings("unchecked")
    void showsTheRuntimeAtTheEndpoint() throws Exception {
        get("/async");
        HttpResponse<String> response = get("/actuator/avx");
        assertThat(response.statusCode()).isEqualTo(200);
        Map<String, Object> body = JsonParserFactory.getJsonParser().parseMap(response.body());
        assertThat(body)
                .containsEntry("runtime", "web")
                .containsEntry("state", "running")
                .containsKeys("driver", "fibers", "injectionQueue", "blocking", "timers")
                .containsKeys("sockets", "stalls");
        assertThat((Map<String, Object>) body.get("configuration"))
                .containsEntry("workerThreads", 2)
                .containsEntry("fibersAccess", "auto")
                .containsEntry("reactorDriver", "auto")
                .containsEntry("shutdownTimeout", "PT30S");
        assertThat((List<Object>) body.get("workers")).hasSize(2);
        assertThat((Map<String, Object>) body.get("tasks"))
                .extractingByKey("spawned", as(InstanceOfAssertFactories.INTEGER))
                .isPositive();
    }

    @Test
    void refusesToChangeTheRuntimeThroughTheEndpoint() throws Exception {
        HttpRequest post =
                HttpRequest.newBuilder(uri("/actuator/avx"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build();
        assertThat(HTTP.send(post, BodyHandlers.ofString()).statusCode()).isEqualTo(405);
    }

    @Test
    void publishesMetersToPrometheus() throws Exception {
        get("/async");
        // the answer comes before its task is counted, and a snapshot may be 100 ms old
        await().atMost(Duration.ofSeconds(60)).untilAsserted(this::hasTheMetersOfOneTask);
    }

    private void hasTheMetersOfOneTask() throws Exception {
        List<String> lines = get("/actuator/prometheus").body().lines().toList();
        assertThat(sum(lines, "avx_worker_executed_tasks_total{runtime=\"web\",worker="))
                .isPositive();
        assertThat(sum(lines, "avx_fibers{mode=")).isEqualTo(1);
        assertThat(sum(lines, "avx_workers_threads{runtime=\"web\",state=")).isEqualTo(2);
        assertThat(value(lines, "avx_tasks_spawned_tasks_total{runtime=\"web\"}")).isPositive();
        assertThat(value(lines, "executor_completed_tasks_total{name=\"applicationTaskExecutor\"}"))
                .isPositive();
        assertThat(value(lines, "executor_active_threads{name=\"applicationTaskExecutor\"}"))
                .isZero();
        assertThat(value(lines, "executor_pool_core_threads{name=\"applicationTaskExecutor\"}"))
                .isEqualTo(2);
    }

    @Test
    void isHealthy() throws Exception {
        Map<String, Object> health =
                JsonParserFactory.getJsonParser().parseMap(get("/actuator/health").body());
        assertThat(health).containsEntry("status", "UP");
        assertThat(health.toString()).contains("avx={").contains("runtime=web");
    }

    private static double value(List<String> lines, String series) {
        String line =
                lines.stream()
                        .filter(l -> l.startsWith(series + " "))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError(series + " not in " + lines));
        return Double.parseDouble(line.substring(series.length()));
    }

    private static double sum(List<String> lines, String prefix) {
        return lines.stream()
                .filter(l -> l.startsWith(prefix))
                .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' '))))
                .sum();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return HTTP.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString());
    }

    private URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    static String describeThread() {
        Thread thread = Thread.currentThread();
        return (thread.isVirtual() ? "virtual " : "platform ")
                + thread.getName()
                + " on "
                + Handle.tryCurrent().map(Handle::runtimeName).orElse("no runtime");
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @EnableAsync
    @EnableScheduling
    @Import({Reports.class, Controller.class})
    static class App {}

    static class Reports {
        @Async
        CompletableFuture<String> make() {
            return CompletableFuture.completedFuture(describeThread());
        }
    }

    @RestController
    static class Controller {
        @GetMapping("/async")
        Callable<String> async() {
            return AvxWebApplicationTest::describeThread;
        }

        @GetMapping("/sync")
        String sync() {
            return describeThread();
        }
    }
}
