package cloud.avila.avx.actuator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.actuator.RunningApplication.Circle;
import cloud.avila.avx.actuator.RunningApplication.Contention;
import cloud.avila.avx.actuator.RunningApplication.Hog;
import cloud.avila.avx.net.TcpListener;

import org.awaitility.core.ThrowingRunnable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The endpoint {@code avx} over real HTTP, read only. */
@Timeout(120)
class AvxEndpointHttpTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.open("management.endpoints.web.exposure.include=avx");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @Test
    void describesTheWholeRuntime() throws Exception {
        for (int i = 0; i < 200; i++) { // one of 64 is timed
            application.runtime.spawn(() -> 1).join();
        }
        Map<String, Object> body = application.json("/actuator/avx");
        assertThat(body)
                .containsEntry("runtime", "shop")
                .containsEntry("activeWorkers", 2)
                .containsKeys("configuration", "tasks", "taskTime");
        // a worker that got no processor for long counts as stalled until the next look at it
        eventually(
                () ->
                        assertThat(application.json("/actuator/avx"))
                                .containsEntry("stalledWorkers", 0));
        Map<String, Object> latency = map(body.get("scheduleLatency"));
        List<?> counts = list(latency.get("counts"));
        assertThat(counts).hasSize(list(latency.get("upperBounds")).size() + 1);
        assertThat(counts.stream().mapToLong(n -> number(n)).sum())
                .isEqualTo(number(latency.get("count")))
                .isPositive();
    }

    @Test
    void listsWorkersAndTellsOfOne() throws Exception {
        Map<String, Object> body = application.json("/actuator/avx/workers");
        assertThat(body).containsEntry("active", 2).containsKeys("stalled", "takeOvers");
        assertThat(list(body.get("workers"))).hasSize(2);
        assertThat(application.json("/actuator/avx/workers/1"))
                .containsEntry("index", 1)
                .containsKeys("state", "threadName", "busyTime");
    }

    @Test
    void listsExecutorsAndTellsOfOne() throws Exception {
        assertThat(list(application.json("/actuator/avx/executors").get("executors")))
                .extracting(e -> map(e).get("name"))
                .containsExactly("mail", "orders", "reports");
        assertThat(application.json("/actuator/avx/executors/mail"))
                .containsEntry("active", 3)
                .containsEntry("completed", 41)
                .containsEntry("queued", 7)
                .containsEntry("queueRemaining", 93)
                .containsEntry("concurrencyLimit", 5);
        assertThat(application.json("/actuator/avx/executors/reports"))
                .containsEntry("concurrencyLimit", null);
    }

    @Test
    void tellsWhichFibersWaitForWhom() throws Exception {
        try (var contention = new Contention(application.runtime, "shelf")) {
            eventually(
                    () -> {
                        List<?> tasks =
                                list(
                                        application
                                                .json(
                                                        "/actuator/avx/fibers?name=waiter-for-shelf&state=waiting")
                                                .get("tasks"));
                        assertThat(tasks).hasSize(1);
                        Map<String, Object> task = map(tasks.getFirst());
                        assertThat(task)
                                .containsEntry("name", "waiter-for-shelf")
                                .containsEntry("state", "WAITING");
                        assertThat(map(task.get("waitsOn")))
                                .containsEntry("holder", "holder-of-shelf");
                        assertThat(list(task.get("stack"))).isNotEmpty();
                    });
        }
        assertThat(list(application.json("/actuator/avx/locks").get("locks")))
                .anySatisfy(
                        lock ->
                                assertThat(map(lock))
                                        .containsEntry("kind", "Mutex")
                                        .containsEntry("name", "shelf")
                                        .containsEntry("waits", 1)
                                        .containsKeys("meanWait", "longestWait"));
    }

    @Test
    void listsSocketsAndTimers() throws Exception {
        try (var entered = application.runtime.enter();
                var listener = TcpListener.bind("127.0.0.1", 0)) {
            var accept = application.runtime.spawn("acceptor", () -> listener.accept());
            eventually(
                    () -> {
                        Map<String, Object> body = application.json("/actuator/avx/sockets");
                        Map<String, Object> socket = map(list(body.get("sockets")).getFirst());
                        assertThat(socket)
                                .containsEntry("kind", "TCP_LISTENER")
                                .containsEntry(
                                        "local", "127.0.0.1:" + listener.localAddress().getPort());
                        assertThat(map(socket.get("reader"))).containsEntry("name", "acceptor");
                    });
            assertThat(list(application.json("/actuator/avx/sockets?limit=0").get("sockets")))
                    .isEmpty();
            assertThat(application.get("/actuator/avx/sockets?limit=x").statusCode())
                    .isEqualTo(400);
            assertThat(accept.cancel()).isTrue();
        }
        Map<String, Object> timers = application.json("/actuator/avx/timers");
        assertThat(timers).containsKeys("pending", "scheduled", "fired", "cancelled");
        assertThat(list(timers.get("workers"))).hasSize(2);
    }

    @Test
    void boundsADump() throws Exception {
        try (var contention = new Contention(application.runtime, "bounds")) {
            Map<String, Object> body =
                    application.json("/actuator/avx/fibers?name=-bounds&limit=1&stacks=0");
            assertThat(list(body.get("tasks"))).hasSize(1);
            assertThat(body).containsEntry("omitted", 1);
            assertThat(list(map(list(body.get("tasks")).getFirst()).get("stack"))).isEmpty();
        }
    }

    @Test
    void dumpsFibersAsText() throws Exception {
        try (var contention = new Contention(application.runtime, "text")) {
            // it has a stack as soon as it waits
            eventually(
                    () -> {
                        HttpResponse<String> response =
                                application.get(
                                        "/actuator/avx/fibers?name=holder-of-text",
                                        "Accept",
                                        "text/plain");
                        assertThat(response.statusCode()).isEqualTo(200);
                        assertThat(response.headers().firstValue("Content-Type"))
                                .hasValueSatisfying(
                                        type -> assertThat(type).startsWith("text/plain"));
                        assertThat(response.body())
                                .startsWith("Runtime \"shop\" at ")
                                .contains("\"holder-of-text\"", "\n    at ")
                                .doesNotContain("waiter-for-text");
                    });
        }
    }

    @Test
    void findsDeadlocks() throws Exception {
        assertThat(list(application.json("/actuator/avx/deadlocks").get("deadlocks"))).isEmpty();
        assertThat(application.get("/actuator/avx/deadlocks", "Accept", "text/plain").body())
                .isEqualTo("No deadlocks.\n");
        try (var circle = new Circle(application.runtime)) {
            eventually(
                    () -> {
                        List<?> found =
                                list(application.json("/actuator/avx/deadlocks").get("deadlocks"));
                        assertThat(found).hasSize(1);
                        assertThat(list(map(found.getFirst()).get("members")))
                                .extracting(m -> map(m).get("name"))
                                .containsExactlyInAnyOrder("transfer-1", "transfer-2");
                    });
            assertThat(application.get("/actuator/avx/deadlocks", "Accept", "text/plain").body())
                    .contains("Deadlock of 2", "transfer-1", "transfer-2");
        }
    }

    @Test
    void keepsStallsWithTheirStacks() throws Exception {
        try (var hog = new Hog(application.runtime, "hog")) {
            eventually(
                    () -> {
                        Map<String, Object> body = application.json("/actuator/avx/stalls");
                        assertThat(body)
                                .containsEntry("threshold", "PT0.1S")
                                .containsEntry("capacity", 64);
                        assertThat(number(body.get("total"))).isPositive();
                        // a worker that gets no processor may stall beside it
                        assertThat(list(body.get("stalls")))
                                .anySatisfy(
                                        each -> {
                                            Map<String, Object> stall = map(each);
                                            assertThat(stall)
                                                    .containsEntry("work", "fiber \"hog\"")
                                                    .containsEntry("over", false)
                                                    .containsEntry("task", (int) hog.id())
                                                    .containsKeys("began", "duration", "worker");
                                            assertThat(list(stall.get("stack")).toString())
                                                    .contains("RunningApplication$Hog");
                                        });
                    });
        }
        assertThat(application.get("/actuator/avx/stalls", "Accept", "text/plain").body())
                .contains("with fiber \"hog\"", "    at ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/actuator/avx/nothing",
                "/actuator/avx/workers/7",
                "/actuator/avx/executors/nobody",
                "/actuator/avx/fibers/1/stack",
                "/actuator/avx/nothing/1"
            })
    void knowsNothingElse(String path) throws Exception {
        assertThat(application.get(path).statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    limit=-1     | limit: "-1" is no whole number between 0 and 10000
                    limit=10001  | limit: "10001" is no whole number between 0 and 10000
                    stacks=many  | stacks: "many" is no whole number between 0 and 1000
                    depth=257    | depth: "257" is no whole number between 0 and 256
                    state=asleep | state: "asleep" is none of queued, ready, running, waiting, timed-waiting, blocked, ending
                    """)
    void saysWhatIsWrongWithAQuery(String query, String message) throws Exception {
        HttpResponse<String> json = application.get("/actuator/avx/fibers?" + query);
        assertThat(json.statusCode()).isEqualTo(400);
        assertThat(json.body().replace("\\\"", "\"")).isEqualTo("{\"error\":\"" + message + "\"}");
        HttpResponse<String> text =
                application.get("/actuator/avx/fibers?" + query, "Accept", "text/plain");
        assertThat(text.statusCode()).isEqualTo(400);
        assertThat(text.body()).isEqualTo(message + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "POST,/actuator/avx",
        "POST,/actuator/avx/workers",
        "DELETE,/actuator/avx/fibers/1"
    })
    void changesNothingUnlessThatIsAllowed(String method, String path) throws Exception {
        assertThat(
                        application
                                .send(
                                        application
                                                .request(path, "Content-Type", "application/json")
                                                .method(method, BodyPublishers.ofString("{}"))
                                                .build())
                                .statusCode())
                .isEqualTo(405);
    }

    /** Also what is not there yet is waited for. */
    private static void eventually(ThrowingRunnable assertion) {
        await().atMost(PATIENCE).ignoreExceptions().untilAsserted(assertion);
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> map(@Nullable Object value) {
        return (Map<String, Object>) Objects.requireNonNull(value);
    }

    static List<?> list(@Nullable Object value) {
        return (List<?>) Objects.requireNonNull(value);
    }

    static long number(@Nullable Object value) {
        return ((Number) Objects.requireNonNull(value)).longValue();
    }
}
