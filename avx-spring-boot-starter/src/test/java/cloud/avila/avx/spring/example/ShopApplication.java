package cloud.avila.avx.spring.example;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.EnableAsync;
import org.springframework.stereotype.Service;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

@SpringBootApplication
@EnableAsync
class ShopApplication {
    public static void main(String[] args) {
        SpringApplication.run(ShopApplication.class, args);
    }
}

@Service
class Reports {
    private final Handle avx;

    Reports(Handle avx) {
        this.avx = avx;
    }

    /** Runs as a fiber, and starts two more that run side by side. */
    @Async
    public CompletableFuture<String> render(String customer) throws InterruptedException {
        JoinHandle<Integer> orders = avx.spawn("orders", () -> count("orders", customer));
        JoinHandle<Integer> returns = avx.spawn("returns", () -> count("returns", customer));
        return CompletableFuture.completedFuture(
                "%s: %d orders, %d returned".formatted(customer, orders.join(), returns.join()));
    }

    private int count(String table, String customer) throws InterruptedException {
        Thread.sleep(20); // a slow query: parks the fiber, not a worker
        return table.length() + customer.length();
    }
}

@RestController
class ReportController {
    private final Reports reports;

    ReportController(Reports reports) {
        this.reports = reports;
    }

    /** Spring MVC runs the Callable on AVX, and Tomcat's thread is free meanwhile. */
    @GetMapping("/reports/{customer}")
    Callable<String> report(@PathVariable String customer) {
        return () -> reports.render(customer).get();
    }
}
