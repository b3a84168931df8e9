package cloud.avila.avx.spring.consumers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.spring.consumers.ConsumersApplication.Customer;
import cloud.avila.avx.spring.consumers.ConsumersApplication.Customers;
import cloud.avila.avx.spring.consumers.ConsumersApplication.Jobs;
import cloud.avila.avx.spring.consumers.ConsumersApplication.Slow;
import cloud.avila.avx.spring.consumers.ConsumersApplication.Work;
import cloud.avila.avx.spring.scheduling.AvxTaskScheduler;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.Tracer;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.MDC;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.graphql.ExecutionGraphQlService;
import org.springframework.graphql.support.DefaultExecutionGraphQlRequest;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;
import org.springframework.web.client.RestClient;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

@Timeout(120)
class ConsumersTest {
    private static ConfigurableApplicationContext context;
    private static String address;

    @BeforeAll
    static void start() {
        context =
                new SpringApplicationBuilder(ConsumersApplication.class)
                        .run(
                                "--server.port=0",
                                "--avx.name=consumers",
                                "--avx.worker-threads=2",
                                "--avx.spring.http-client=true",
                                "--spring.http.clients.imperative.factory=jdk",
                                "--spring.main.banner-mode=off",
                                "--spring.datasource.url=jdbc:h2:mem:consumers",
                                "--spring.jpa.hibernate.ddl-auto=create",
                                "--spring.jpa.open-in-view=false",
                                "--spring.jpa.bootstrap=async",
                                "--spring.grpc.server.inprocess.name=consumers",
                                "--management.tracing.sampling.probability=1");
        address = "localhost:" + context.getEnvironment().getProperty("local.server.port");
    }

    @AfterAll
    static void close() {
        context.close();
    }

    @Test
    void asyncMethodsOfEveryReturnType() throws Exception {
        Work work = context.getBean(Work.class);
        work.nothing();
        assertThat(work.seen("nothing")).startsWith("consumers: task-");
        assertThat(work.future().get()).startsWith("consumers: task-");
        assertThat(work.completable().get()).startsWith("consumers: task-");
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> work.failingFuture().get())
                .withRootCauseInstanceOf(IllegalArgumentException.class);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> work.failingCompletable().get())
                .withRootCauseInstanceOf(IllegalArgumentException.class);
        work.failing();
        assertThat(work.seen("uncaught")).isEqualTo("failing: no paper");
    }

    @Test
    void listenersOfEvents() throws Exception {
        context.publishEvent(new ConsumersApplication.Ordered("book"));
        assertThat(context.getBean(Work.class).seen("book")).startsWith("consumers: task-");
    }

    @Test
    void tracesAndTheMdcReachAsyncMethods() throws Exception {
        Tracer tracer = context.getBean(Tracer.class);
        Observation.createNotStarted("order", context.getBean(ObservationRegistry.class))
                .observeChecked(
                        () -> {
                            MDC.put("customer", "42");
                            try {
                                String trace =
                                        Objects.requireNonNull(tracer.currentSpan())
                                                .context()
                                                .traceId();
                                assertThat(context.getBean(Work.class).traced().get())
                                        .isEqualTo(trace + " " + trace + " 42");
                            } finally {
                                MDC.remove("customer");
                            }
                            return null;
                        });
        assertThat(context.getBean(Work.class).traced().get()).isEqualTo("none null null");
    }

    @Test
    void asynchronousRequestsOfEveryKind() throws Exception {
        assertThat(get("/callable")).startsWith("consumers: task-");
        assertThat(get("/deferred")).startsWith("consumers: task-");
        assertThat(get("/stream")).startsWith("consumers: task-");
        assertThat(get("/events")).startsWith("data:consumers: task-").contains("data:end");
    }

    @Test
    void channelsAndHeartbeatsOfStomp() throws Exception {
        BlockingQueue<String> frames = new LinkedBlockingQueue<>();
        try (HttpClient http = HttpClient.newHttpClient()) {
            WebSocket socket =
                    http.newWebSocketBuilder()
                            .subprotocols("v12.stomp")
                            .buildAsync(
                                    URI.create("ws://" + address + "/stomp"), new Frames(frames))
                            .get(30, TimeUnit.SECONDS);
            send(socket, "CONNECT\naccept-version:1.2\nhost:x\nheart-beat:0,100\n\n");
            assertThat(next(frames)).startsWith("CONNECTED").contains("heart-beat:100,100");
            assertThat(next(frames)).as("a heart-beat").isEqualTo("\n");
            send(socket, "SUBSCRIBE\nid:1\ndestination:/topic/where\n\n");
            send(socket, "SEND\ndestination:/app/where\n\n");
            String frame;
            do {
                frame = next(frames);
                if (frame.equals("\n")) {
                    send(socket, "SEND\ndestination:/app/where\n\n");
                }
            } while (frame.equals("\n"));
            assertThat(frame).startsWith("MESSAGE").contains("consumers: ");
            assertThat(context.getBean("taskScheduler")).isInstanceOf(AvxTaskScheduler.class);
            socket.abort();
        }
    }

    @Test
    void repositoriesThatStartInTheBackground() {
        Customers customers = context.getBean(Customers.class);
        customers.save(new Customer("Ada"));
        assertThat(customers.count()).isEqualTo(1);
        assertThat(
                        context.getBean(
                                        "&entityManagerFactory",
                                        LocalContainerEntityManagerFactoryBean.class)
                                .getBootstrapExecutor())
                .isSameAs(context.getBean("applicationTaskExecutor"));
    }

    @Test
    void graphQl() {
        Object where =
                Objects.requireNonNull(
                                context.getBean(ExecutionGraphQlService.class)
                                        .execute(
                                                new DefaultExecutionGraphQlRequest(
                                                        "{ where }",
                                                        null,
                                                        null,
                                                        null,
                                                        "1",
                                                        Locale.ROOT))
                                        .block())
                        .toMap()
                        .get("data");
        assertThat(String.valueOf(((Map<?, ?>) Objects.requireNonNull(where)).get("where")))
                .startsWith("consumers: task-");
    }

    @Test
    void grpc() {
        ManagedChannel channel = InProcessChannelBuilder.forName("consumers").build();
        try {
            assertThat(
                            ClientCalls.blockingUnaryCall(
                                    channel,
                                    ConsumersApplication.WHERE,
                                    CallOptions.DEFAULT.withDeadlineAfter(60, TimeUnit.SECONDS),
                                    "?"))
                    .startsWith("consumers: task-");
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void clientsOnTheJdk() {
        AvxTaskExecutor executor = context.getBean("avxTaskExecutor", AvxTaskExecutor.class);
        long before = executor.executorMetrics().completed();
        assertThat(
                        context.getBean(RestClient.Builder.class)
                                .build()
                                .get()
                                .uri("http://" + address + "/sync")
                                .retrieve()
                                .body(String.class))
                .isEqualTo("sync");
        await().until(() -> executor.executorMetrics().completed() > before);
    }

    @Test
    void beansThatAreMadeInTheBackground() {
        assertThat(context.getBean(Slow.class).madeOn()).startsWith("consumers: task-");
    }

    @Test
    void scheduledMethodsAndPollersOfIntegration() throws Exception {
        Jobs jobs = context.getBean(Jobs.class);
        assertThat(jobs.scheduled.get(60, TimeUnit.SECONDS)).startsWith("consumers: scheduling-");
        assertThat(jobs.polled.get(60, TimeUnit.SECONDS)).startsWith("consumers: scheduling-");
        assertThat(jobs.traced.get(60, TimeUnit.SECONDS)).isNotEqualTo("none");
    }

    private static String get(String path) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(
                            HttpRequest.newBuilder(URI.create("http://" + address + path)).build(),
                            BodyHandlers.ofString())
                    .body();
        }
    }

    private static void send(WebSocket socket, String frame) {
        socket.sendText(frame + "\0", true).join();
    }

    private static String next(BlockingQueue<String> frames) throws InterruptedException {
        return Objects.requireNonNull(frames.poll(60, TimeUnit.SECONDS));
    }

    private static final class Frames implements WebSocket.Listener {
        private final BlockingQueue<String> frames;
        private final StringBuilder part = new StringBuilder();

        Frames(BlockingQueue<String> frames) {
            this.frames = frames;
        }

        @Override
        public @Nullable CompletionStage<?> onText(
                WebSocket socket, CharSequence data, boolean last) {
            part.append(data);
            if (last) {
                frames.add(part.toString());
                part.setLength(0);
            }
            socket.request(1);
            return null;
        }
    }
}
