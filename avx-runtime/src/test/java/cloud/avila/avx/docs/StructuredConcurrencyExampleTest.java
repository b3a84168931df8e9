package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

class StructuredConcurrencyExampleTest {
    private final ConcurrentLinkedQueue<String> log = new ConcurrentLinkedQueue<>();
    private final CountDownLatch answering = new CountDownLatch(1);

    private String answer(String request) throws InterruptedException {
        if (request.equals("slow")) {
            answering.countDown();
            Thread.sleep(Duration.ofHours(1));
        }
        return "200 " + request;
    }

    String handle(String request, CancellationToken connection) throws Exception {
        CancellationToken token = connection.child();
        try (var undo = token.onCancel(() -> log.add("stopping " + request))) {
            return token.callUntilCancelled(() -> answer(request));
        } catch (CancellationException e) {
            return "503 " + token.reason().orElse("cancelled");
        }
    }

    @Test
    void aServerStopsItsRequests() throws Exception {
        try (var rt = AvxRuntime.create()) {
            var server = CancellationToken.create();
            assertEquals("200 quick", handle("quick", server));
            JoinHandle<String> slow = rt.spawn(() -> handle("slow", server.child()));
            answering.await();
            server.cancel("shutting down");
            assertEquals("503 shutting down", slow.join());
            assertEquals(List.of("stopping slow"), List.copyOf(log));
        }
    }
}
