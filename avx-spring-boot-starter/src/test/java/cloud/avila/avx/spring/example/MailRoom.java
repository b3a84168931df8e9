package cloud.avila.avx.spring.example;

import org.springframework.scheduling.annotation.Async;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Service;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

@Service
class MailRoom {
    private final AtomicInteger sent = new AtomicInteger();

    /** At most as many at once as {@code avx.executors.mails.concurrency-limit} says. */
    @Async("mails")
    public CompletableFuture<String> send(String address) throws InterruptedException {
        Thread.sleep(20); // a slow server: parks the fiber, not a worker
        sent.incrementAndGet();
        return CompletableFuture.completedFuture("sent to " + address);
    }

    /** A run that takes long delays no other scheduled method. */
    @Scheduled(fixedDelayString = "${report-every:1m}")
    public void report() {
        System.getLogger("mails").log(System.Logger.Level.INFO, "{0} mails sent", sent);
    }
}
