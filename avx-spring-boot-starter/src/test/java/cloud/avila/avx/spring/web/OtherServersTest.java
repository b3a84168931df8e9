package cloud.avila.avx.spring.web;

import static cloud.avila.avx.spring.web.RequestExecutorTest.await;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import cloud.avila.avx.Handle;

import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jetty.JettyWebServer;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Jetty and Reactor Netty, on a class path without Tomcat's module of Spring Boot. */
@Tag("other-servers")
@ExtendWith(OutputCaptureExtension.class)
class OtherServersTest {
    static final String NO_JETTY =
            "--spring.autoconfigure.exclude="
                    + "org.springframework.boot.jetty.autoconfigure.reactive."
                    + "JettyReactiveWebServerAutoConfiguration,"
                    + "org.springframework.boot.jetty.autoconfigure.actuate.web.server."
                    + "JettyReactiveManagementContextAutoConfiguration";

    @Test
    void requestsOfJettyAreFibers() throws Exception {
        try (var context = start("servlet")) {
            assertThat(get(context, "/where")).matches("virtual jetty-exec-\\d+ on others");
            assertThat(get(context, "/async")).matches("virtual task-\\d+ on others");
            assertThat(post(context, "x".repeat(100_000))).isEqualTo("100000");
            assertThat(management(context)).matches("\"?virtual jetty-exec-\\d+ on others\"?");
        }
    }

    @Test
    void alsoWhereSpringBootUsesVirtualThreads() throws Exception {
        try (var context = start("servlet", "--spring.threads.virtual.enabled=true")) {
            assertThat(get(context, "/where")).matches("virtual jetty-exec-\\d+ on others");
        }
    }

    @Test
    void jettyServesMoreBlockingRequestsThanItHasThreads() throws Exception {
        try (var context = start("servlet", "--server.jetty.threads.min=4")) {
            Gate gate = context.getBean(Gate.class);
            List<HttpConnection> all = new ArrayList<>();
            try {
                for (int i = 0; i < Gate.MANY; i++) {
                    var http = new HttpConnection(port(context, "local.server.port"));
                    all.add(http);
                    http.get("/gate");
                }
                gate.entered.await();
                assertThat(get(context, "/where")).endsWith(" on others");
                gate.open.countDown();
                for (HttpConnection http : all) {
                    assertThat(http.response().body()).isEqualTo("passed");
                }
            } finally {
                gate.open.countDown();
                for (HttpConnection http : all) {
                    http.close();
                }
            }
        }
    }

    @Test
    void jettyWorksOnNoMoreRequestsThanTheUserWrote(CapturedOutput output) throws Exception {
        int limit = 8;
        int capacity = 4;
        try (var context =
                start(
                        "servlet",
                        "--server.jetty.threads.max=" + limit,
                        "--server.jetty.threads.max-queue-capacity=" + capacity)) {
            Gate gate = context.getBean(Gate.class);
            RequestExecutor executor = jettysExecutor(context);
            List<HttpConnection> all = new ArrayList<>();
            try {
                for (int i = 0; i < limit + capacity; i++) {
                    var http = new HttpConnection(port(context, "local.server.port"));
                    all.add(http);
                    http.get("/gate");
                }
                await(() -> gate.inside.get() == limit && executor.waiting() == capacity);
                assertThat(executor.running()).isEqualTo(limit);
                assertThatThrownBy(() -> get(context, "/where"))
                        .as("the connection is closed without an answer")
                        .isInstanceOf(IOException.class);
                assertThat(output)
                        .contains(
                                "RejectedExecutionException: 'jetty' works on 8 requests"
                                        + " (server.jetty.threads.max=8), and 4 more wait (at most"
                                        + " 4, server.jetty.threads.max-queue-capacity)");
                assertThat(management(context)).as("has its own").contains(" on others");
                gate.open.countDown();
                for (HttpConnection http : all) {
                    assertThat(http.response().body()).isEqualTo("passed");
                }
                assertThat(gate.most.get()).isEqualTo(limit);
                assertThat(get(context, "/where")).endsWith(" on others");
            } finally {
                gate.open.countDown();
                for (HttpConnection http : all) {
                    http.close();
                }
            }
        }
    }

    private static RequestExecutor jettysExecutor(ConfigurableApplicationContext context) {
        var server = (JettyWebServer) ((WebServerApplicationContext) context).getWebServer();
        var pool = (QueuedThreadPool) Objects.requireNonNull(server).getServer().getThreadPool();
        return (RequestExecutor) Objects.requireNonNull(pool.getVirtualThreadsExecutor());
    }

    @Test
    void jettyKeepsItsThreadsWhenOff() throws Exception {
        try (var context = start("servlet", "--avx.web.jetty=off")) {
            assertThat(get(context, "/where"))
                    .startsWith("platform qtp")
                    .endsWith(" on no runtime");
        }
    }

    @Test
    void handlersOfWebFluxThatMayBlockAreFibers() throws Exception {
        try (var context = start("reactive", NO_JETTY)) {
            assertThat(get(context, "/where")).matches("virtual task-\\d+ on others");
            assertThat(management(context)).isNotEmpty();
        }
    }

    @Test
    void webFluxKeepsItsThreadsWhenOff() throws Exception {
        try (var context = start("reactive", NO_JETTY, "--avx.web.webflux=off")) {
            assertThat(get(context, "/where")).startsWith("platform ").endsWith(" on no runtime");
        }
    }

    private static ConfigurableApplicationContext start(String type, String... more) {
        String[] always = {
            "--spring.main.web-application-type=" + type,
            "--server.port=0",
            "--management.server.port=0",
            "--management.endpoints.web.exposure.include=where",
            "--avx.name=others",
            "--avx.worker-threads=2",
            "--spring.main.banner-mode=off"
        };
        return new SpringApplicationBuilder(App.class)
                .run(Stream.of(always, more).flatMap(Arrays::stream).toArray(String[]::new));
    }

    private static int port(ConfigurableApplicationContext context, String property) {
        return context.getEnvironment().getRequiredProperty(property, Integer.class);
    }

    private static String management(ConfigurableApplicationContext context) throws Exception {
        try (var http = new HttpConnection(port(context, "local.management.port"))) {
            http.get("/actuator/where");
            return http.response().body();
        }
    }

    private static String get(ConfigurableApplicationContext context, String path)
            throws Exception {
        try (var http = new HttpConnection(port(context, "local.server.port"))) {
            http.get(path);
            return http.response().body();
        }
    }

    private static String post(ConfigurableApplicationContext context, String body)
            throws Exception {
        try (var http = new HttpConnection(port(context, "local.server.port"))) {
            http.send(
                    "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                            + "Content-Length: "
                            + body.length()
                            + "\r\n\r\n"
                            + body);
            return http.response().body();
        }
    }

    private static String describeThread() {
        Thread thread = Thread.currentThread();
        return (thread.isVirtual() ? "virtual " : "platform ")
                + thread.getName()
                + " on "
                + Handle.tryCurrent().map(Handle::runtimeName).orElse("no runtime");
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Controller.class, Where.class, Gate.class})
    static class App {}

    @Endpoint(id = "where")
    static class Where {
        @ReadOperation
        String where() {
            return describeThread();
        }
    }

    static class Gate {
        /** More than Jetty's pool has threads. */
        static final int MANY = 250;

        final CountDownLatch entered = new CountDownLatch(MANY);
        final CountDownLatch open = new CountDownLatch(1);
        final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger most = new AtomicInteger();
    }

    @RestController
    static class Controller {
        private final Gate gate;

        Controller(Gate gate) {
            this.gate = gate;
        }

        @GetMapping("/where")
        String where() {
            return describeThread();
        }

        @GetMapping("/async")
        Callable<String> async() {
            return OtherServersTest::describeThread;
        }

        @PostMapping("/length")
        String length(@RequestBody String body) {
            return Integer.toString(body.length());
        }

        @GetMapping("/gate")
        String gate() throws InterruptedException {
            gate.entered.countDown();
            gate.most.accumulateAndGet(gate.inside.incrementAndGet(), Math::max);
            gate.open.await();
            gate.inside.decrementAndGet();
            return "passed";
        }
    }
}
