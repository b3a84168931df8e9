package cloud.avila.avx.spring.web;

import static cloud.avila.avx.spring.web.RequestExecutorTest.await;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;

import org.apache.coyote.ProtocolHandler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.tomcat.TomcatProtocolHandlerCustomizer;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** What settings and the application's own choices do to Tomcat, and how it stops. */
@ExtendWith(OutputCaptureExtension.class)
class TomcatSettingsTest {
    private static final AtomicInteger STARTED = new AtomicInteger();

    @Test
    void honoursTheNumberOfThreadsThatTheUserWrote(CapturedOutput output) throws Exception {
        try (var context =
                start(
                        "--server.tomcat.threads.max=2",
                        "--server.tomcat.threads.max-queue-capacity=3")) {
            Controller controller = context.getBean(Controller.class);
            List<HttpConnection> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                var http = new HttpConnection(port(context));
                all.add(http);
                http.get("/gate");
            }
            var executor =
                    (TomcatRequestExecutor)
                            Objects.requireNonNull(protocol(context).getExecutor(), "no executor");
            // a request that came before all of them were counted would wait in their place
            await(() -> controller.entered.get() == 2 && executor.waiting() == 3);
            String refused =
                    "RejectedExecutionException: 'http-nio-auto-\\d+-"
                            + port(context)
                            + "' works on 2 requests \\(server.tomcat.threads.max=2\\), and 3 more"
                            + " wait \\(at most 3, server.tomcat.threads.max-queue-capacity\\)";
            await(
                    () -> {
                        try (var http = new HttpConnection(port(context))) {
                            http.get("/where");
                            http.response();
                            return false;
                        } catch (IOException closed) {
                            return output.toString().contains("RejectedExecutionException");
                        }
                    });
            assertThat(output.toString()).containsPattern(refused);
            controller.gate.release(5);
            for (HttpConnection http : all) {
                assertThat(http.response().status()).isEqualTo(200);
                http.close();
            }
            assertThat(controller.most.get()).isEqualTo(2);
        }
    }

    @Test
    void isBoundByTheNumberOfConnections() throws Exception {
        try (var context =
                start("--server.tomcat.max-connections=300", "--server.tomcat.accept-count=7")) {
            FiberHttp11NioProtocol protocol = protocol(context);
            assertThat(protocol.getMaxThreads()).isEqualTo(300);
            assertThat(protocol.getAcceptCount()).isEqualTo(7);
        }
    }

    @Test
    void leavesTomcatAloneWhenOff() throws Exception {
        try (var context = start("--avx.web.tomcat=off")) {
            assertThat(where(context)).startsWith("platform http-nio-").endsWith("no runtime");
        }
    }

    @Test
    void keepsAnExecutorOfTheApplication(CapturedOutput output) throws Exception {
        try (var context = start("--own-executor=true")) {
            assertThat(where(context)).isEqualTo("platform own on no runtime");
            assertThat(output)
                    .contains("Tomcat runs requests on the application's own")
                    .contains("avx.web.tomcat=off");
        }
    }

    /**
     * Clients that use the connection they have and, when it is closed before an answer begins, ask
     * another instance, as load balancers do. The first instance is stopped under their load.
     */
    @Test
    void stopsUnderLoadWithoutAFailedRequest() throws Exception {
        try (var next = start()) {
            var first = start("--server.shutdown=graceful");
            AvxRuntime runtime = first.getBean(AvxRuntime.class);
            int[] ports = {port(first), port(next)};
            var stop = new AtomicBoolean();
            var answered = new AtomicInteger();
            var askedAgain = new AtomicInteger();
            var failures = ConcurrentHashMap.<String>newKeySet();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                clients.add(
                        Thread.ofVirtual()
                                .start(
                                        () ->
                                                new Client(ports, answered, askedAgain, failures)
                                                        .run(stop)));
            }
            await(() -> answered.get() > 500 || !failures.isEmpty());
            first.close();
            assertThat(runtime.isClosed()).isTrue();
            int atClose = answered.get();
            await(() -> answered.get() > atClose + 200 || !failures.isEmpty());
            stop.set(true);
            for (Thread client : clients) {
                client.join();
            }
            assertThat(failures).isEmpty();
            Controller controller = next.getBean(Controller.class);
            assertThat(STARTED.get())
                    .as("every request that began was answered, and none twice")
                    .isEqualTo(answered.get());
            assertThat(controller.served.get()).isGreaterThan(0);
        }
    }

    /** Asks again only what no instance can have begun to answer. */
    private record Client(
            int[] ports,
            AtomicInteger answered,
            AtomicInteger askedAgain,
            ConcurrentHashMap.KeySetView<String, Boolean> failures) {

        void run(AtomicBoolean stop) {
            int at = 0;
            HttpConnection http = null;
            try {
                while (!stop.get()) {
                    if (http == null) {
                        try {
                            http = new HttpConnection(ports[at]);
                        } catch (IOException refused) {
                            at = 1;
                            continue;
                        }
                    }
                    try {
                        http.get(ThreadLocalRandom.current().nextBoolean() ? "/work" : "/works");
                        HttpConnection.Response response = http.response();
                        boolean stopping = response.status() == 503 && response.closes();
                        if (response.status() == 200 && response.body().equals("worked")) {
                            answered.incrementAndGet();
                        } else if (stopping && at == 0) {
                            askedAgain.incrementAndGet();
                            at = 1;
                        } else {
                            failures.add(response.toString());
                        }
                        if (response.closes()) {
                            http.close();
                            http = null;
                        }
                    } catch (IOException closed) {
                        if (http.received() > 0) {
                            failures.add(closed.toString());
                        }
                        askedAgain.incrementAndGet();
                        http.close();
                        http = null;
                    }
                }
                if (http != null) {
                    http.close();
                }
            } catch (IOException | RuntimeException e) {
                failures.add(e.toString());
            }
        }
    }

    private static ConfigurableApplicationContext start(String... more) {
        String[] always = {
            "--server.port=0",
            "--avx.name=settings",
            "--avx.worker-threads=2",
            "--spring.main.banner-mode=off"
        };
        return new SpringApplicationBuilder(App.class)
                .run(Stream.of(always, more).flatMap(Arrays::stream).toArray(String[]::new));
    }

    private static FiberHttp11NioProtocol protocol(ConfigurableApplicationContext context) {
        var server =
                (TomcatWebServer) ((ServletWebServerApplicationContext) context).getWebServer();
        return (FiberHttp11NioProtocol)
                Objects.requireNonNull(server).getTomcat().getConnector().getProtocolHandler();
    }

    private static int port(ConfigurableApplicationContext context) {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    private static String where(ConfigurableApplicationContext context) throws IOException {
        try (var http = new HttpConnection(port(context))) {
            http.get("/where");
            return http.response().body();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Controller.class, OwnExecutor.class})
    static class App {}

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnProperty("own-executor")
    static class OwnExecutor {
        @Bean(destroyMethod = "shutdown")
        ExecutorService own() {
            return Executors.newFixedThreadPool(
                    4, task -> Thread.ofPlatform().name("own").unstarted(task));
        }

        @Bean
        TomcatProtocolHandlerCustomizer<ProtocolHandler> ownProtocol(ExecutorService own) {
            return handler -> handler.setExecutor(own);
        }
    }

    @RestController
    static class Controller {
        final Semaphore gate = new Semaphore(0);
        final AtomicInteger entered = new AtomicInteger();
        final AtomicInteger most = new AtomicInteger();
        final AtomicInteger served = new AtomicInteger();
        private final AtomicInteger inside = new AtomicInteger();

        @GetMapping("/gate")
        String gate() throws InterruptedException {
            entered.incrementAndGet();
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            gate.acquire();
            inside.decrementAndGet();
            return "passed";
        }

        @GetMapping("/work")
        String work() throws InterruptedException {
            STARTED.incrementAndGet();
            served.incrementAndGet();
            Thread.sleep(ThreadLocalRandom.current().nextInt(20));
            return "worked";
        }

        @GetMapping("/works")
        Callable<String> works() {
            return this::work;
        }

        @GetMapping("/where")
        String where() {
            Thread thread = Thread.currentThread();
            return (thread.isVirtual() ? "virtual " : "platform ")
                    + thread.getName()
                    + " on "
                    + Handle.tryCurrent().map(Handle::runtimeName).orElse("no runtime");
        }
    }
}
