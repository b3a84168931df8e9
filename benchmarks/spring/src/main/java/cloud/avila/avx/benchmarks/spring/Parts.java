package cloud.avila.avx.benchmarks.spring;

import org.springframework.scheduling.annotation.Async;
import org.springframework.stereotype.Service;

import java.util.concurrent.CompletableFuture;

/** The tasks of a request that starts many. */
@Service
class Parts {
    @Async
    public CompletableFuture<Integer> part(int number) {
        return CompletableFuture.completedFuture(number);
    }

    @Async
    public CompletableFuture<Integer> slowPart(int number) throws InterruptedException {
        Thread.sleep(Work.BLOCKING_MILLIS);
        return CompletableFuture.completedFuture(number);
    }
}
