package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

class CancellableTaskTest {
    /** Counts what is called, and by how many tasks more than once. */
    private static final class Counted implements CancellableTask<@Nullable String> {
        final AtomicInteger calls = new AtomicInteger();
        final AtomicInteger cancellations = new AtomicInteger();
        final CountDownLatch told = new CountDownLatch(1);

        @Override
        public @Nullable String call() {
            calls.incrementAndGet();
            told.countDown();
            return "called";
        }

        @Override
        public void cancelled() {
            cancellations.incrementAndGet();
            told.countDown();
        }
    }

    /** Cancels tasks of a busy worker until some were cancelled before they began. */
    private static int cancelled(AvxRuntime rt) throws Exception {
        int cancellations = 0;
        for (int round = 0; cancellations == 0 || round < 20; round++) {
            var tasks = new ArrayList<Counted>();
            rt.blockOn(
                    () -> {
                        for (int i = 0; i < 10; i++) {
                            var task = new Counted();
                            tasks.add(task);
                            rt.spawn(task).cancel();
                        }
                        return null;
                    });
            for (Counted task : tasks) {
                task.told.await();
            }
            for (Counted task : tasks) {
                assertEquals(1, task.calls.get() + task.cancellations.get());
                cancellations += task.cancellations.get();
            }
        }
        return cancellations;
    }

    @Test
    void isToldWhenItWillNotRun() throws Exception {
        Books.balanced(
                config -> config.workerThreads(1),
                rt -> assertTrue(cancelled(rt) > 0, "cancelled"));
    }

    @Test
    void isToldAlsoIfItTakesValuesAlong() throws Exception {
        TaskLocal<String> user = TaskLocal.named("user");
        Books.balanced(
                config -> config.workerThreads(1),
                rt -> {
                    int n = TaskLocal.where(user, "Ada").call(() -> cancelled(rt));
                    assertTrue(n > 0, "cancelled");
                });
    }

    @Test
    void isToldByARuntimeThatIsClosedBeforeItBegins() throws Exception {
        var tasks = new ArrayList<Counted>();
        Books.balanced(
                config -> config.workerThreads(1).shutdownTimeout(Duration.ofMillis(1)),
                rt -> {
                    for (int i = 0; i < 10_000; i++) {
                        var task = new Counted();
                        tasks.add(task);
                        rt.spawn(task);
                    }
                });
        for (Counted task : tasks) {
            assertEquals(1, task.calls.get() + task.cancellations.get());
        }
    }

    @Test
    void whatItThrowsIsNotLost() throws Exception {
        var boom = new IllegalStateException("boom");
        Queue<Throwable> uncaught = new ConcurrentLinkedQueue<>();
        Books.balanced(
                config ->
                        config.workerThreads(1)
                                .uncaughtFailureHandler(failure -> uncaught.add(failure.cause())),
                rt -> {
                    for (var told = new AtomicInteger(); told.get() == 0; ) {
                        rt.blockOn(
                                () ->
                                        rt.spawn(
                                                        new CancellableTask<String>() {
                                                            @Override
                                                            public String call() {
                                                                return "called";
                                                            }

                                                            @Override
                                                            public void cancelled() {
                                                                told.incrementAndGet();
                                                                throw boom;
                                                            }
                                                        })
                                                .cancel());
                    }
                });
        assertSame(boom, uncaught.element());
    }
}
