package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

class ExecutorsExampleTest {
    private final CountDownLatch cleanings = new CountDownLatch(3);

    private Callable<String> reader(String name) {
        return () -> "content of " + name;
    }

    private void removeExpired() {
        cleanings.countDown();
    }

    List<String> readAll(Handle handle, List<String> names) throws InterruptedException {
        try (var executor = handle.asExecutorService()) {
            return executor.invokeAll(names.stream().map(this::reader).toList()).stream()
                    .map(Future::resultNow)
                    .toList();
        }
    }

    @Test
    void allFilesAreRead() throws Exception {
        try (var rt = AvxRuntime.create()) {
            assertEquals(
                    List.of("content of a", "content of b"),
                    readAll(rt.handle(), List.of("a", "b")));
        }
    }

    ScheduledExecutorService startCleaner(Handle handle) {
        ScheduledExecutorService timers = handle.asScheduledExecutorService();
        timers.scheduleWithFixedDelay(this::removeExpired, 5, 5, TimeUnit.MILLISECONDS);
        return timers;
    }

    @Test
    void theCleanerRunsUntilItIsClosed() throws Exception {
        try (var rt = AvxRuntime.create();
                var timers = startCleaner(rt.handle())) {
            assertTrue(cleanings.await(60, TimeUnit.SECONDS));
        }
    }
}
