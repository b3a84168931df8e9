package cloud.avila.avx.spring.web;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/**
 * The endpoint, the console and the health of a WebFlux application: behind base paths and other
 * names, and on a management port.
 */
@Tag("other-servers")
class ReactiveActuatorTest {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private static @Nullable ConfigurableApplicationContext samePort;
    private static @Nullable ConfigurableApplicationContext ownPort;

    /** Where an application has its endpoints. */
    enum Place {
        SAME_PORT("local.server.port", "/shop/manage/", "tools/runtime", "tools/console"),
        OWN_PORT("local.management.port", "/ops/actuator/", "avx", "avxconsole");

        private final String port;
        private final String health;
        private final String endpoint;
        private final String console;

        Place(String port, String base, String endpoint, String console) {
            this.port = port;
            this.health = base + "health";
            this.endpoint = base + endpoint;
            this.console = base + console;
        }

        private ConfigurableApplicationContext context() {
            return Objects.requireNonNull(this == SAME_PORT ? samePort : ownPort, "not started");
        }

        private URI uri(String path) {
            return URI.create(
                    "http://localhost:"
                            + context().getEnvironment().getRequiredProperty(port)
                            + path);
        }

        private HttpResponse<String> get(String path, String... headers)
                throws IOException, InterruptedException {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri(path));
            if (headers.length > 0) {
                request.headers(headers);
            }
            return send(request);
        }

        private HttpResponse<String> send(HttpRequest.Builder request)
                throws IOException, InterruptedException {
            return HTTP.send(
                    request.timeout(Duration.ofSeconds(60)).build(), BodyHandlers.ofString());
        }

        private Map<String, Object> json(String path) throws IOException, InterruptedException {
            HttpResponse<String> response = get(path);
            assertThat(response.statusCode()).as(path).isEqualTo(200);
            assertThat(response.headers().firstValue("Content-Type").orElse("none"))
                    .as(path)
                    .contains("json");
            return JsonParserFactory.getJsonParser().parseMap(response.body());
        }
    }

    @BeforeAll
    static void start() {
        samePort =
                start(
                        "--spring.webflux.base-path=/shop",
                        "--management.endpoints.web.base-path=/manage",
                        "--management.endpoints.web.path-mapping.avx=tools/runtime",
                        "--management.endpoints.web.path-mapping.avxconsole=tools/console");
        ownPort = start("--management.server.port=0", "--management.server.base-path=/ops");
    }

    private static ConfigurableApplicationContext start(String... more) {
        String[] always = {
            "--spring.main.web-application-type=reactive",
            OtherServersTest.NO_JETTY,
            "--server.port=0",
            "--management.endpoints.web.exposure.include=avx,avxconsole,health",
            "--management.endpoint.avx.access=unrestricted",
            "--management.endpoint.health.show-details=always",
            "--avx.name=reactive",
            "--avx.worker-threads=2",
            "--spring.main.banner-mode=off"
        };
        return new SpringApplicationBuilder(App.class)
                .run(Stream.of(always, more).flatMap(Arrays::stream).toArray(String[]::new));
    }

    @AfterAll
    static void stop() {
        for (Place place : Place.values()) {
            place.context().close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void describesTheRuntimeAndEachOfItsParts(Place place) throws Exception {
        assertThat(place.json(place.endpoint)).containsEntry("runtime", "reactive");
        Map<String, String> parts =
                Map.of(
                        "workers", "active",
                        "workers/1", "index",
                        "executors", "executors",
                        "executors/applicationTaskExecutor", "active",
                        "fibers", "tasks",
                        "stalls", "threshold",
                        "deadlocks", "deadlocks",
                        "sockets", "sockets",
                        "timers", "pending",
                        "locks", "locks");
        for (Map.Entry<String, String> part : parts.entrySet()) {
            assertThat(place.json(place.endpoint + "/" + part.getKey()))
                    .as(part.getKey())
                    .containsKey(part.getValue());
        }
        assertThat(place.get(place.endpoint + "/nonsense").statusCode()).isEqualTo(404);
        assertThat(place.get(place.endpoint + "/fibers?limit=x"))
                .returns(400, HttpResponse::statusCode)
                .extracting(HttpResponse::body)
                .asString()
                .contains("limit");
    }

    @ParameterizedTest
    @EnumSource
    void dumpsAsText(Place place) throws Exception {
        HttpResponse<String> response =
                place.get(place.endpoint + "/fibers", "Accept", "text/plain");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type"))
                .contains("text/plain;charset=UTF-8");
        assertThat(response.body()).contains("reactive");
    }

    @ParameterizedTest
    @EnumSource
    void changesWhatItMay(Place place) throws Exception {
        AvxRuntime runtime = place.context().getBean(AvxRuntime.class);
        var never = new CountDownLatch(1);
        JoinHandle<?> task =
                runtime.spawn(
                        "to-be-cancelled",
                        () -> {
                            never.await();
                            return null;
                        });
        assertThat(post(place, "/workers", "{\"count\":\"3\"}").statusCode()).isEqualTo(200);
        assertThat(runtime.metrics().activeWorkers()).isEqualTo(3);
        assertThat(post(place, "/workers", "{\"count\":\"2\"}").statusCode()).isEqualTo(200);
        assertThat(post(place, "/workers", "{\"count\":\"0\"}"))
                .returns(400, HttpResponse::statusCode)
                .extracting(HttpResponse::body)
                .asString()
                .contains("count");
        HttpResponse<String> cancelled =
                place.send(
                        HttpRequest.newBuilder(place.uri(place.endpoint + "/fibers/" + task.id()))
                                .DELETE());
        assertThat(cancelled.statusCode()).isEqualTo(200);
        assertThat(cancelled.body()).contains("to-be-cancelled");
        assertThat(task.isCancelled()).isTrue();
    }

    private static HttpResponse<String> post(Place place, String part, String body)
            throws Exception {
        return place.send(
                HttpRequest.newBuilder(place.uri(place.endpoint + part))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body)));
    }

    @ParameterizedTest
    @EnumSource
    void servesTheConsoleWithItsHeaders(Place place) throws Exception {
        Map<String, String> types =
                Map.of(
                        "", "text/html;charset=UTF-8",
                        "/console.js", "text/javascript;charset=UTF-8",
                        "/console.css", "text/css;charset=UTF-8",
                        "/icon.svg", "image/svg+xml");
        for (Map.Entry<String, String> part : types.entrySet()) {
            HttpResponse<String> response = place.get(place.console + part.getKey());
            assertThat(response.statusCode()).as(part.getKey()).isEqualTo(200);
            assertThat(
                            List.of(
                                    header(response, "Content-Type"),
                                    header(response, "X-Content-Type-Options"),
                                    header(response, "X-Frame-Options"),
                                    header(response, "Referrer-Policy"),
                                    header(response, "Cache-Control")))
                    .as(part.getKey())
                    .containsExactly(part.getValue(), "nosniff", "DENY", "no-referrer", "no-cache");
        }
        String page = place.get(place.console).body();
        String relative = place == Place.SAME_PORT ? "../tools/runtime" : "avx";
        assertThat(page)
                .contains(
                        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'")
                .contains("data-endpoint=\"" + relative + "\"");
        assertThat(place.uri(place.console).resolve(relative))
                .as("where the page finds the endpoint")
                .isEqualTo(place.uri(place.endpoint));
        assertThat(place.get(place.console + "/index.html").statusCode()).isEqualTo(404);
        assertThat(place.get(place.endpoint).headers().firstValue("X-Frame-Options"))
                .as("headers are for the console only")
                .isEmpty();
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("none");
    }

    @ParameterizedTest
    @EnumSource
    void tellsOfItsHealth(Place place) throws Exception {
        Map<String, Object> health = place.json(place.health);
        assertThat(health).containsEntry("status", "UP");
        var components = (Map<?, ?>) Objects.requireNonNull(health.get("components"));
        assertThat(((Map<?, ?>) Objects.requireNonNull(components.get("avx"))).get("status"))
                .isEqualTo("UP");
    }

    @Test
    void theApplicationItselfHasNoSuchHeaders() throws Exception {
        HttpResponse<String> response = Place.SAME_PORT.get("/shop/manage/tools/consoles");
        assertThat(response.body()).isEqualTo("something else");
        assertThat(response.headers().firstValue("X-Frame-Options")).isEmpty();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(Controller.class)
    static class App {}

    @RestController
    static class Controller {
        @GetMapping("/manage/tools/consoles")
        String consoles() {
            return "something else";
        }
    }
}
