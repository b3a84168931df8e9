package cloud.avila.avx.spring.fit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.spring.AvxAutoConfiguration;
import cloud.avila.avx.spring.fit.Application.SmallServer;
import cloud.avila.avx.spring.fit.ChildJvm.Ended;
import cloud.avila.avx.spring.task.AvxTaskExecutionAutoConfiguration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Contexts side by side in one JVM, as a test suite's cache holds them. */
class ManyContextsTest {
    private static final int CONTEXTS = 20;

    /** In a JVM of its own: connections that other tests leave idle end when they like. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void nothingIsLeftOfTwentyContextsAtOnce() throws Exception {
        Ended ended =
                new ChildJvm(ChildJvm.NATIVE, ChildJvm.OPENS)
                        .run(ManyContextsTest.class)
                        .assertSucceeded();
        assertThat(ended.lines("nothing is left of " + CONTEXTS)).isOne();
    }

    /** What the test above is about. */
    public static void main(String[] arguments) throws Exception {
        round(1); // what a JVM opens once
        Map<String, Integer> before = Leftovers.descriptors();
        round(CONTEXTS);
        assertThat(Leftovers.threadsOf("cached")).isEmpty();
        assertThat(Leftovers.descriptors()).isEqualTo(before);
        System.out.println("nothing is left of " + CONTEXTS);
    }

    private static void round(int count) throws Exception {
        List<ConfigurableApplicationContext> contexts = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                contexts.add(
                        start(
                                Small.class,
                                WebApplicationType.NONE,
                                "--avx.name=cached-" + i,
                                "--avx.worker-threads=2"));
            }
            for (int i = 0; i < count; i++) {
                Handle handle = contexts.get(i).getBean(Handle.class);
                assertThat(handle.spawn(() -> Handle.current().runtimeName()).join())
                        .isEqualTo("cached-" + i);
            }
            // two workers and their watchdog
            assertThat(Leftovers.threadsOf("cached")).hasSize(3 * count);
        } finally {
            contexts.forEach(ConfigurableApplicationContext::close);
        }
    }

    @Test
    void twoApplicationsOfOneJvmKeepApart() throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            ConfigurableApplicationContext shop = web("shop");
            try (ConfigurableApplicationContext stock = web("stock")) {
                assertThat(get(http, shop)).isEqualTo("shop");
                assertThat(get(http, stock)).isEqualTo("stock");
                AvxRuntime gone = shop.getBean(AvxRuntime.class);
                shop.close();
                assertThat(gone.isClosed()).isTrue();
                // the thread that awaited an executor's tasks says so before it ends
                await().untilAsserted(() -> assertThat(Leftovers.threadsOf("shop")).isEmpty());
                assertThat(get(http, stock)).isEqualTo("stock");
            } finally {
                shop.close();
            }
        }
        await().untilAsserted(() -> assertThat(Leftovers.threadsOf("stock")).isEmpty());
    }

    private static ConfigurableApplicationContext web(String name) {
        return start(
                Web.class,
                WebApplicationType.SERVLET,
                "--avx.name=" + name,
                "--server.port=0",
                "--avx.worker-threads=1");
    }

    private static String get(HttpClient http, ConfigurableApplicationContext context)
            throws Exception {
        String port = context.getEnvironment().getProperty("local.server.port");
        return http.send(
                        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/name"))
                                .build(),
                        BodyHandlers.ofString())
                .body();
    }

    private static ConfigurableApplicationContext start(
            Class<?> source, WebApplicationType type, String... arguments) {
        SpringApplication application = new SpringApplication(source);
        application.setWebApplicationType(type);
        application.setLogStartupInfo(false);
        return application.run(arguments);
    }

    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({AvxAutoConfiguration.class, AvxTaskExecutionAutoConfiguration.class})
    @Import(SmallServer.class)
    static class Small {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(NameController.class)
    static class Web {}

    @RestController
    static class NameController {
        @GetMapping("/name")
        Callable<String> name() {
            return () -> Handle.current().runtimeName();
        }
    }
}
