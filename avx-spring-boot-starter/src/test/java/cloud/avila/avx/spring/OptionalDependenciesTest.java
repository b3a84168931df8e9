package cloud.avila.avx.spring;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.Handle;
import cloud.avila.avx.spring.task.AvxTaskExecutor;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

/** Starts an application on a class path from which jars have been taken away. */
class OptionalDependenciesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "spring-boot-actuator.*",
                "micrometer-.*|spring-boot-micrometer.*",
                "spring-boot-(actuator|health|micrometer).*|micrometer-(core|registry).*",
                "spring-(web|webmvc)-.*|spring-boot-(web|tomcat|servlet).*|tomcat-.*"
            })
    void startsWithout(String jars) throws Exception {
        Pattern removed = Pattern.compile(jars);
        URL[] classPath =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .map(File::new)
                        .filter(file -> !removed.matcher(file.getName()).matches())
                        .map(OptionalDependenciesTest::url)
                        .toArray(URL[]::new);
        Thread thread = Thread.currentThread();
        ClassLoader previous = thread.getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader())) {
            thread.setContextClassLoader(loader);
            Object program =
                    loader.loadClass(Program.class.getName())
                            .getDeclaredConstructor()
                            .newInstance();
            assertThat(((Callable<?>) program).call()).isEqualTo("avx: task-1");
        } finally {
            thread.setContextClassLoader(previous);
        }
    }

    private static URL url(File file) {
        try {
            return file.toURI().toURL();
        } catch (MalformedURLException e) {
            throw new AssertionError(e);
        }
    }

    /** Runs in a class loader of its own and so may only exchange the JDK's types with the test. */
    public static final class Program implements Callable<String> {
        /** Creates the program. */
        public Program() {}

        @Override
        public String call() throws Exception {
            SpringApplication application = new SpringApplication(App.class);
            try (var context =
                    application.run(
                            "--spring.main.web-application-type=none",
                            "--spring.main.banner-mode=off",
                            "--management.endpoints.web.exposure.include=*")) {
                return context.getBean(AvxTaskExecutor.class)
                        .submit(
                                () ->
                                        Handle.current().runtimeName()
                                                + ": "
                                                + Thread.currentThread().getName())
                        .get();
            }
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class App {}
}
