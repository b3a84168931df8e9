package cloud.avila.avx.spring.consumers;

import cloud.avila.avx.Handle;

import io.grpc.BindableService;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.Tracer;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;

import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;
import org.springframework.aop.interceptor.AsyncUncaughtExceptionHandler;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.persistence.autoconfigure.EntityScan;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Bean.Bootstrap;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Lazy;
import org.springframework.context.event.EventListener;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.data.jpa.repository.config.EnableJpaRepositories;
import org.springframework.data.repository.config.BootstrapMode;
import org.springframework.graphql.data.method.annotation.QueryMapping;
import org.springframework.integration.annotation.InboundChannelAdapter;
import org.springframework.integration.annotation.Poller;
import org.springframework.integration.channel.NullChannel;
import org.springframework.messaging.MessageChannel;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.AsyncConfigurer;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Uses AVX's executors in as many ways as Spring has. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableAsync(proxyTargetClass = true)
@EnableScheduling
@EnableWebSocketMessageBroker
@EntityScan(basePackageClasses = ConsumersApplication.class)
@EnableJpaRepositories(considerNestedRepositories = true, bootstrapMode = BootstrapMode.DEFERRED)
@Import({
    ConsumersApplication.Work.class,
    ConsumersApplication.Jobs.class,
    ConsumersApplication.Requests.class,
    ConsumersApplication.Messages.class,
    ConsumersApplication.Stomp.class,
    ConsumersApplication.Uncaught.class
})
class ConsumersApplication {
    static String where() {
        return Handle.tryCurrent().map(Handle::runtimeName).orElse("none")
                + ": "
                + Thread.currentThread().getName();
    }

    static String trace(Tracer tracer) {
        Span span = tracer.currentSpan();
        return span == null ? "none" : span.context().traceId();
    }

    record Ordered(String what) {}

    record Slow(String madeOn) {}

    @Bean(bootstrap = Bootstrap.BACKGROUND)
    Slow slow() {
        return new Slow(where());
    }

    @Bean
    MessageChannel ticks() {
        return new NullChannel();
    }

    static final MethodDescriptor<String, String> WHERE =
            MethodDescriptor.<String, String>newBuilder()
                    .setType(MethodDescriptor.MethodType.UNARY)
                    .setFullMethodName("consumers/where")
                    .setRequestMarshaller(new Text())
                    .setResponseMarshaller(new Text())
                    .build();

    @Bean
    BindableService grpc() {
        return () ->
                ServerServiceDefinition.builder("consumers")
                        .addMethod(
                                WHERE,
                                ServerCalls.asyncUnaryCall(
                                        (request, response) -> {
                                            response.onNext(where());
                                            response.onCompleted();
                                        }))
                        .build();
    }

    private static final class Text implements MethodDescriptor.Marshaller<String> {
        @Override
        public InputStream stream(String value) {
            return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            try {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Entity
    static class Customer {
        @Id @GeneratedValue @Nullable Long id;
        @Nullable String name;

        Customer() {}

        Customer(String name) {
            this.name = name;
        }
    }

    interface Customers extends JpaRepository<Customer, Long> {}

    static class Work {
        private final Map<String, CompletableFuture<String>> seen = new ConcurrentHashMap<>();
        private final Tracer tracer;

        Work(Tracer tracer) {
            this.tracer = tracer;
        }

        public String seen(String what) throws Exception {
            return Objects.requireNonNull(slot(what).get(60, TimeUnit.SECONDS));
        }

        private CompletableFuture<String> slot(String what) {
            return seen.computeIfAbsent(what, _ -> new CompletableFuture<>());
        }

        void see(String what, String value) {
            slot(what).complete(value);
        }

        @Async
        public void nothing() {
            see("nothing", where());
        }

        @Async
        public void failing() {
            throw new IllegalArgumentException("no paper");
        }

        @Async
        public Future<String> future() {
            return CompletableFuture.completedFuture(where());
        }

        @Async
        public Future<String> failingFuture() {
            throw new IllegalArgumentException("no paper");
        }

        @Async
        public CompletableFuture<String> completable() {
            return CompletableFuture.completedFuture(where());
        }

        @Async
        public CompletableFuture<String> failingCompletable() {
            throw new IllegalArgumentException("no paper");
        }

        @Async
        public CompletableFuture<String> traced() {
            return CompletableFuture.completedFuture(
                    trace(tracer) + " " + MDC.get("traceId") + " " + MDC.get("customer"));
        }

        @Async
        @EventListener
        public void on(Ordered event) {
            see(event.what(), where());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Uncaught {
        @Bean
        AsyncConfigurer asyncConfigurer(@Lazy Work work) {
            return new AsyncConfigurer() {
                @Override
                public AsyncUncaughtExceptionHandler getAsyncUncaughtExceptionHandler() {
                    return (e, method, _) ->
                            work.see("uncaught", method.getName() + ": " + e.getMessage());
                }
            };
        }
    }

    static class Jobs {
        final CompletableFuture<String> scheduled = new CompletableFuture<>();
        final CompletableFuture<String> traced = new CompletableFuture<>();
        final CompletableFuture<String> polled = new CompletableFuture<>();
        private final Tracer tracer;

        Jobs(Tracer tracer) {
            this.tracer = tracer;
        }

        @Scheduled(fixedRate = 20)
        void run() {
            scheduled.complete(where());
            traced.complete(trace(tracer));
        }

        @InboundChannelAdapter(channel = "ticks", poller = @Poller(fixedDelay = "20"))
        String poll() {
            polled.complete(where());
            return "tick";
        }
    }

    @RestController
    static class Requests {
        private final AsyncTaskExecutor executor;

        Requests(AsyncTaskExecutor applicationTaskExecutor) {
            this.executor = applicationTaskExecutor;
        }

        @GetMapping("/sync")
        String sync() {
            return "sync";
        }

        @GetMapping("/callable")
        Callable<String> callable() {
            return ConsumersApplication::where;
        }

        @GetMapping("/deferred")
        DeferredResult<String> deferred() {
            DeferredResult<String> result = new DeferredResult<>();
            executor.execute(() -> result.setResult(where()));
            return result;
        }

        @GetMapping("/stream")
        StreamingResponseBody stream() {
            return out -> out.write(where().getBytes(StandardCharsets.UTF_8));
        }

        @GetMapping("/events")
        SseEmitter events() {
            SseEmitter emitter = new SseEmitter();
            executor.execute(
                    () -> {
                        try {
                            emitter.send(where());
                            Thread.sleep(5);
                            emitter.send("end");
                            emitter.complete();
                        } catch (Exception e) {
                            emitter.completeWithError(e);
                        }
                    });
            return emitter;
        }
    }

    @Controller
    static class Messages {
        @MessageMapping("/where")
        String where() {
            return ConsumersApplication.where();
        }

        @QueryMapping("where")
        Callable<String> query() {
            return ConsumersApplication::where;
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Stomp implements WebSocketMessageBrokerConfigurer {
        private final TaskScheduler scheduler;

        Stomp(@Lazy TaskScheduler taskScheduler) {
            this.scheduler = taskScheduler;
        }

        @Override
        public void registerStompEndpoints(StompEndpointRegistry registry) {
            registry.addEndpoint("/stomp");
        }

        @Override
        public void configureMessageBroker(MessageBrokerRegistry registry) {
            registry.setApplicationDestinationPrefixes("/app");
            registry.enableSimpleBroker("/topic")
                    .setHeartbeatValue(new long[] {100, 100})
                    .setTaskScheduler(scheduler);
        }
    }
}
