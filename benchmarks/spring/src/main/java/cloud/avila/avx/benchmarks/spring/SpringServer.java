package cloud.avila.avx.benchmarks.spring;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.scheduling.annotation.EnableAsync;

import java.util.Map;

/**
 * The measured application. On which server it runs is decided by its class path, as in any Spring
 * Boot application, and by the properties it is started with.
 */
@SpringBootApplication(proxyBeanMethods = false)
@EnableAsync
public class SpringServer {
    /** Creates the application. */
    public SpringServer() {}

    /**
     * Starts, prints {@code TARGET port}, and serves until it is killed.
     *
     * @param args properties, as {@code --name=value}
     */
    public static void main(String[] args) {
        ConfigurableApplicationContext context = start(args);
        System.out.println("TARGET " + port(context));
    }

    static ConfigurableApplicationContext start(String... args) {
        var application = new SpringApplication(SpringServer.class);
        application.setDefaultProperties(
                Map.of(
                        "server.port", "0",
                        "spring.main.banner-mode", "off",
                        "logging.level.root", "warn",
                        "benchmark.database", "h2"));
        return application.run(args);
    }

    static int port(ConfigurableApplicationContext context) {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }
}
