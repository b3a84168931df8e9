package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Stops a whole application on a real Tomcat while requests and tasks are in flight. */
@Timeout(120)
class AvxShutdownTest {

    @Test
    void finishesRequestsThatNeedTheExecutorAfterTheContextBeganToClose() throws Exception {
        ConfigurableApplicationContext context = start();
        Gate gate = context.getBean(Gate.class);
        try (HttpClient http = HttpClient.newHttpClient()) {
            var sync = send(http, context, "/sync");
            var async = send(http, context, "/async");
            gate.entered.await();
            Thread closer = Thread.ofPlatform().start(context::close);
            gate.closing.await();
            gate.open.countDown();
            assertThat(sync.get(60, TimeUnit.SECONDS).body()).isEqualTo("made on shutdown");
            assertThat(async.get(60, TimeUnit.SECONDS).body()).isEqualTo("made on shutdown");
            closer.join();
        }
        assertThat(gate.runtime.isClosed()).isTrue();
    }

    @Test
    void finishesTasksBeforeTheRuntimeIsClosed() throws Exception {
        ConfigurableApplicationContext context = start();
        Gate gate = context.getBean(Gate.class);
        CompletableFuture<String> done = new CompletableFuture<>();
        context.getBean(AvxTaskExecutor.class)
                .execute(
                        () -> {
                            gate.enterAndWait();
                            done.complete(Handle.current().runtimeName());
                        });
        Thread closer = Thread.ofPlatform().start(context::close);
        gate.closing.await();
        assertThat(gate.runtime.isClosing()).isFalse();
        gate.open.countDown();
        assertThat(done.get(60, TimeUnit.SECONDS)).isEqualTo("shutdown");
        closer.join();
        assertThat(gate.runtime.isClosed()).isTrue();
    }

    @Test
    void stopsAndStartsAgain() throws Exception {
        try (ConfigurableApplicationContext context = start()) {
            context.stop();
            context.start();
            assertThat(context.getBean(Reports.class).make().get(60, TimeUnit.SECONDS))
                    .isEqualTo("made on shutdown");
        }
    }

    private static ConfigurableApplicationContext start() {
        return new SpringApplicationBuilder(App.class)
                .run(
                        "--server.port=0",
                        "--avx.name=shutdown",
                        "--avx.worker-threads=2",
                        "--spring.main.banner-mode=off");
    }

    private static CompletableFuture<HttpResponse<String>> send(
            HttpClient http, ConfigurableApplicationContext context, String path) {
        String port = context.getEnvironment().getProperty("local.server.port");
        return http.sendAsync(
                HttpRequest.newBuilder(URI.create("http://localhost:" + port + path)).build(),
                BodyHandlers.ofString());
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @EnableAsync
    @Import({Gate.class, Reports.class, Controller.class})
    static class App {}

    static class Gate {
        final CountDownLatch entered = new CountDownLatch(2);
        final CountDownLatch closing = new CountDownLatch(1);
        final CountDownLatch open = new CountDownLatch(1);
        final AvxRuntime runtime;

        Gate(AvxRuntime runtime) {
            this.runtime = runtime;
        }

        @EventListener(ContextClosedEvent.class)
        void closing() {
            closing.countDown();
        }

        void enterAndWait() {
            entered.countDown();
            try {
                open.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    static class Reports {
        @Async
        public CompletableFuture<String> make() {
            return CompletableFuture.completedFuture("made on " + Handle.current().runtimeName());
        }
    }

    @RestController
    static class Controller {
        private final Gate gate;
        private final Reports reports;

        Controller(Gate gate, Reports reports) {
            this.gate = gate;
            this.reports = reports;
        }

        @GetMapping("/sync")
        String sync() throws Exception {
            gate.enterAndWait();
            return Objects.requireNonNull(reports.make().get(30, TimeUnit.SECONDS));
        }

        @GetMapping("/async")
        Callable<String> async() {
            return this::sync;
        }
    }
}
