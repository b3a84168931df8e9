package cloud.avila.avx.benchmarks.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication.Type;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

import java.util.concurrent.Callable;

/**
 * The endpoints on WebFlux, written as its users do: what does not block on the event loop, and
 * what blocks on the scheduler for that.
 */
@RestController
@ConditionalOnWebApplication(type = Type.REACTIVE)
class ReactiveEndpoints {
    private final Work work;

    ReactiveEndpoints(Work work) {
        this.work = work;
    }

    @GetMapping("/hello")
    Mono<Greeting> hello() {
        return Mono.just(work.hello());
    }

    @GetMapping("/slow")
    Mono<Greeting> slow() {
        return blocking(work::slow);
    }

    @GetMapping({"/h2", "/postgres"})
    Mono<Greeting> query() {
        return blocking(work::query);
    }

    private static Mono<Greeting> blocking(Callable<Greeting> call) {
        return Mono.fromCallable(call).subscribeOn(Schedulers.boundedElastic());
    }
}
