package cloud.avila.avx.benchmarks.spring;

import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication.Type;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The endpoints on Tomcat and Jetty: each request has a thread, or a fiber, that may block. */
@RestController
@ConditionalOnWebApplication(type = Type.SERVLET)
class ServletEndpoints {
    private final Work work;

    ServletEndpoints(Work work) {
        this.work = work;
    }

    @GetMapping("/hello")
    Greeting hello() {
        return work.hello();
    }

    @GetMapping("/slow")
    Greeting slow() throws InterruptedException {
        return work.slow();
    }

    @GetMapping({"/h2", "/postgres"})
    Greeting query() {
        return work.query();
    }

    @GetMapping("/calls")
    Greeting calls() throws InterruptedException {
        return work.calls();
    }

    @GetMapping("/async")
    Greeting async() {
        return work.fanOut();
    }
}
