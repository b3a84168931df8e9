package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.sync.Mutex;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.actuate.audit.AuditEventRepository;
import org.springframework.boot.actuate.audit.InMemoryAuditEventRepository;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.json.JsonParserFactory;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** An application with a runtime on a real web server, on a free port. */
final class RunningApplication implements AutoCloseable {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    final ConfigurableApplicationContext context;
    final AvxRuntime runtime;
    final int port;

    private RunningApplication(ConfigurableApplicationContext context) {
        this.context = context;
        this.runtime = context.getBean(AvxRuntime.class);
        this.port =
                Objects.requireNonNull(((WebServerApplicationContext) context).getWebServer())
                        .getPort();
    }

    /** Without Spring Security. */
    static RunningApplication open(String... properties) {
        String excluded =
                Stream.of(
                                "SecurityAutoConfiguration",
                                "UserDetailsServiceAutoConfiguration",
                                "web.servlet.ServletWebSecurityAutoConfiguration",
                                "web.servlet.SecurityFilterAutoConfiguration",
                                "actuate.web.servlet.ManagementWebSecurityAutoConfiguration")
                        .map("org.springframework.boot.security.autoconfigure."::concat)
                        .collect(Collectors.joining(","));
        return start(List.of(App.class), "spring.autoconfigure.exclude=" + excluded, properties);
    }

    /** With Spring Security. */
    static RunningApplication secured(Class<?> configuration, String... properties) {
        return start(
                List.of(App.class, configuration), "spring.security.user.name=ops", properties);
    }

    private static RunningApplication start(
            List<Class<?>> sources, String first, String... properties) {
        var arguments =
                Stream.concat(
                                Stream.of(
                                        "server.port=0",
                                        "spring.main.banner-mode=off",
                                        "spring.security.user.password=secret",
                                        first),
                                Stream.of(properties))
                        .map("--"::concat)
                        .toArray(String[]::new);
        return new RunningApplication(
                new SpringApplication(sources.toArray(Class<?>[]::new)).run(arguments));
    }

    HttpResponse<String> get(String path, String... headers) throws Exception {
        return send(request(path, headers).build());
    }

    HttpResponse<String> send(HttpRequest request) throws Exception {
        return HTTP.send(request, BodyHandlers.ofString());
    }

    HttpResponse<String> post(String path, String json, String... headers) throws Exception {
        return send(
                request(path, headers)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json))
                        .build());
    }

    HttpRequest.Builder request(String path, String... headers) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri(path));
        if (headers.length > 0) {
            builder.headers(headers);
        }
        return builder.timeout(Duration.ofSeconds(60));
    }

    URI uri(String path) {
        return URI.create("http://localhost:" + port + path);
    }

    Map<String, Object> json(String path) throws Exception {
        HttpResponse<String> response = get(path);
        if (response.statusCode() != 200) {
            throw new AssertionError(path + ": " + response + " " + response.body());
        }
        return JsonParserFactory.getJsonParser().parseMap(response.body());
    }

    @Override
    public void close() {
        context.close();
    }

    /** One fiber that holds a mutex and one that waits for it, until closed. */
    static final class Contention implements AutoCloseable {
        final CountDownLatch release = new CountDownLatch(1);
        private final JoinHandle<?> holder;
        private final JoinHandle<?> waiter;

        Contention(AvxRuntime runtime, String lock) throws InterruptedException {
            Mutex mutex = new Mutex(lock);
            CountDownLatch held = new CountDownLatch(1);
            holder =
                    runtime.spawn(
                            "holder-of-" + lock,
                            () -> {
                                try (var guard = mutex.acquire()) {
                                    held.countDown();
                                    release.await();
                                }
                                return 1;
                            });
            held.await();
            waiter =
                    runtime.spawn(
                            "waiter-for-" + lock,
                            () -> {
                                try (var guard = mutex.acquire()) {
                                    return 1;
                                }
                            });
        }

        @Override
        public void close() throws InterruptedException {
            release.countDown();
            holder.join();
            waiter.join();
        }
    }

    /** Two fibers that wait for each other's mutex, until closed. */
    static final class Circle implements AutoCloseable {
        private final JoinHandle<?> one;
        private final JoinHandle<?> two;

        Circle(AvxRuntime runtime) {
            Mutex a = new Mutex("account-a");
            Mutex b = new Mutex("account-b");
            CountDownLatch both = new CountDownLatch(2);
            one = runtime.spawn("transfer-1", () -> lock(a, b, both));
            two = runtime.spawn("transfer-2", () -> lock(b, a, both));
        }

        private static @Nullable Void lock(Mutex first, Mutex second, CountDownLatch both)
                throws InterruptedException {
            try (var outer = first.acquire()) {
                both.countDown();
                both.await();
                second.acquire().close();
            }
            return null;
        }

        @Override
        public void close() {
            one.cancel(true);
            two.cancel(true);
        }
    }

    /** A fiber that holds its worker, until closed. */
    static final class Hog implements AutoCloseable {
        private final AtomicBoolean stop = new AtomicBoolean();
        private final JoinHandle<?> task;

        Hog(AvxRuntime runtime, String name) {
            task =
                    runtime.spawn(
                            name,
                            () -> {
                                while (!stop.get()) {
                                    Thread.onSpinWait();
                                }
                                return 1;
                            });
        }

        long id() {
            return task.id();
        }

        @Override
        public void close() throws InterruptedException {
            stop.set(true);
            task.join();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class App {
        @Bean
        AvxRuntime runtime() {
            return AvxRuntime.create(
                    RuntimeConfig.builder()
                            .name("shop")
                            .workerThreads(2)
                            .stallThreshold(Duration.ofMillis(100))
                            .shutdownTimeout(Duration.ofSeconds(2))
                            .build());
        }

        /** What a strict application sends with everything. */
        @Bean
        Filter contentSecurity() {
            return (request, response, chain) -> {
                ((HttpServletResponse) response)
                        .setHeader("Content-Security-Policy", "default-src 'self'");
                chain.doFilter(request, response);
            };
        }

        @Bean
        AuditEventRepository audit() {
            return new InMemoryAuditEventRepository();
        }

        @Bean
        AvxEndpointWriteTest.ResizableExecutor orders() {
            return new AvxEndpointWriteTest.ResizableExecutor();
        }

        @Bean
        ExecutorMetricsSource mail() {
            return () -> new ExecutorMetrics(3, 41, 7, 93, 3, 2, 5);
        }

        @Bean
        ExecutorMetricsSource reports() {
            return () -> new ExecutorMetrics(0, 12, 0, 1000, 0, 2, Integer.MAX_VALUE);
        }
    }
}
