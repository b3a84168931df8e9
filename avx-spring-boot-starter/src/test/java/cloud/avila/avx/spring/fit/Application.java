package cloud.avila.avx.spring.fit;

import cloud.avila.avx.Handle;
import cloud.avila.avx.net.UdpSocket;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;

import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;

/** An application that does one asynchronous thing and ends; with a socket if told to. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableAsync
class Application {
    public static void main(String[] args) {
        application().run(args).close();
    }

    static SpringApplication application() {
        SpringApplication application = new SpringApplication(Application.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        return application;
    }

    @Bean
    Work work() {
        return new Work();
    }

    @Bean
    CommandLineRunner runner(Work work) {
        return arguments -> System.out.println(work.where().get());
    }

    @Bean
    @ConditionalOnBooleanProperty("socket")
    SmallServer smallServer(Handle handle) throws Exception {
        return new SmallServer(handle);
    }

    /** Has to be called through Spring's proxy, so it is a bean of its own. */
    static class Work {
        @Async
        public CompletableFuture<String> where() {
            return CompletableFuture.completedFuture("ran on " + Handle.current().runtimeName());
        }
    }

    /** A bean that opens a socket as it is made. */
    static final class SmallServer implements AutoCloseable {
        private final UdpSocket socket;

        SmallServer(Handle handle) throws Exception {
            socket =
                    handle.spawn(() -> UdpSocket.bind(new InetSocketAddress("127.0.0.1", 0)))
                            .join();
        }

        @Override
        public void close() throws Exception {
            socket.close();
        }
    }
}
