package startup;

import com.sun.management.OperatingSystemMXBean;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small web application that says what its start took, and ends. Knows nothing of AVX. */
@SpringBootApplication
@EnableAsync
@RestController
public class StartupApplication {
    public static void main(String[] args) {
        SpringApplication.run(StartupApplication.class, args);
    }

    @GetMapping("/hello")
    String hello() {
        return "hello";
    }

    @Component
    static class Mail {
        @Async
        public void send() {}
    }

    @EventListener
    void ready(ApplicationReadyEvent event) throws Exception {
        double ms = event.getTimeTaken().toNanos() / 1e6;
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        double cpu = system.getProcessCpuTime() / 1e6;
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        var memory = ManagementFactory.getMemoryMXBean();
        String rss =
                Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("VmRSS:"))
                        .findFirst()
                        .orElseThrow()
                        .replaceAll("\\D", "");
        System.out.printf(
                "READY %.1f %.1f %d %d %s %d%n",
                ms,
                cpu,
                memory.getHeapMemoryUsage().getUsed() / 1024,
                memory.getNonHeapMemoryUsage().getUsed() / 1024,
                rss,
                ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
        System.exit(0);
    }
}
