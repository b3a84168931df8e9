package cloud.avila.avx.spring.example;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;

import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(QuoteController.class)
class QuoteApplication {}

@RestController
class QuoteController {
    /** Runs on a fiber: it may wait, and needs no pool to start what runs beside it. */
    @GetMapping("/quotes/{item}")
    String quote(@PathVariable String item) throws InterruptedException {
        Handle avx = Handle.current();
        JoinHandle<Integer> price = avx.spawn("price", () -> ask("price", item));
        JoinHandle<Integer> stock = avx.spawn("stock", () -> ask("stock", item));
        return "%s: %d, %d left".formatted(item, price.join(), stock.join());
    }

    private int ask(String service, String item) throws InterruptedException {
        Thread.sleep(20); // a call to another service
        return service.length() * item.length();
    }
}
