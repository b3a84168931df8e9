package cloud.avila.avx.spring.fit;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

import java.util.stream.Stream;

/** Has DevTools restart it twice, as saving a file does, and says what the process then holds. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(Application.SmallServer.class)
class RestartedApplication {
    private static final String RUN = "restarted.run";

    public static void main(String[] args) {
        SpringApplication application = new SpringApplication(RestartedApplication.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.run(args);
        // a restart while it runs would close the context under it
        int run = Integer.getInteger(RUN, 0) + 1;
        System.setProperty(RUN, Integer.toString(run));
        System.out.println(
                "run %d by %s: threads %s, descriptors %s"
                        .formatted(
                                run,
                                RestartedApplication.class
                                        .getClassLoader()
                                        .getClass()
                                        .getSimpleName(),
                                avxThreads().sorted().toList(),
                                Leftovers.descriptors()));
        if (run == 3) {
            Thread.ofPlatform().start(() -> System.exit(0));
        } else {
            Thread.ofPlatform().start(RestartedApplication::restartNow);
        }
    }

    private static Stream<String> avxThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("avx-"));
    }

    /** DevTools is on the class path of this process only. */
    private static void restartNow() {
        try {
            Class<?> restarter =
                    Class.forName("org.springframework.boot.devtools.restart.Restarter");
            Object instance = restarter.getMethod("getInstance").invoke(null);
            restarter.getMethod("restart").invoke(instance);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
