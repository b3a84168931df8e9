package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

class UncaughtFailureTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    private final LinkedBlockingQueue<UncaughtFailure> reported = new LinkedBlockingQueue<>();

    private UncaughtFailure next() throws InterruptedException {
        return Objects.requireNonNull(reported.poll(60, TimeUnit.SECONDS), "nothing was reported");
    }

    private static String fail(String message) {
        throw new IllegalArgumentException(message);
    }

    private void withReports(Books.Body body) throws Exception {
        Books.balanced(config -> config.uncaughtFailureHandler(reported::add), body);
    }

    @Test
    void aDetachedTasksFailureIsReportedAtOnce() throws Exception {
        withReports(
                rt -> {
                    rt.handle().spawnDetached("lonely", () -> fail("boom"));
                    UncaughtFailure failure = next();
                    assertEquals("balanced", failure.runtime());
                    assertEquals("lonely", failure.task());
                    assertEquals("boom", failure.cause().getMessage());
                    JoinHandle<String> failed = rt.spawn("failed", () -> fail("late"));
                    while (!failed.isDone()) {
                        Thread.onSpinWait();
                    }
                    failed.detach();
                    assertEquals("failed", next().task());
                    failed.detach(); // it has been reported
                    assertSame(
                            failed.exceptionNow(),
                            assertThrows(CompletionException.class, failed::join).getCause());
                    rt.spawnBlocking(() -> fail("blocking")).detach();
                    assertEquals("blocking", next().cause().getMessage());
                    rt.handle()
                            .spawnFuture(
                                    cx -> {
                                        throw new IllegalStateException("poll");
                                    })
                            .detach();
                    assertEquals("poll", next().cause().getMessage());
                });
        assertNull(reported.poll());
    }

    @Test
    void aJobsFailureIsReported() throws Exception {
        withReports(
                rt -> {
                    rt.handle().execute(UncaughtFailureTest::failingJob);
                    UncaughtFailure failure = next();
                    assertTrue(failure.task().startsWith("job "), failure::task);
                    assertEquals("job", failure.cause().getMessage());
                    // the name stays that of the job when it carries a context
                    TaskLocal.where(TaskLocal.<String>named("any"), "value")
                            .run(() -> rt.handle().execute(UncaughtFailureTest::failingJob));
                    assertTrue(next().task().contains("UncaughtFailureTest"));
                });
    }

    private static void failingJob() {
        fail("job");
    }

    @Test
    void successesAndCancellationsAreNotReported() throws Exception {
        withReports(
                rt -> {
                    rt.spawn(() -> "fine").detach();
                    var started = new CountDownLatch(1);
                    JoinHandle<String> cancelled =
                            rt.spawn(
                                    () -> {
                                        started.countDown();
                                        Thread.sleep(LONG);
                                        return "";
                                    });
                    cancelled.detach();
                    started.await();
                    cancelled.cancel();
                });
        assertNull(reported.poll());
    }

    @Test
    void aFailureWhoseHandleIsDroppedIsReportedWhenItIsGarbage() throws Exception {
        withReports(
                rt -> {
                    rt.spawn("dropped", () -> fail("dropped"));
                    JoinHandle<String> joined = rt.spawn("joined", () -> fail("joined"));
                    while (!joined.isDone()) {
                        Thread.onSpinWait();
                    }
                    assertNotNull(joined.exceptionNow());
                    joined = null;
                    UncaughtFailure failure = null;
                    for (int i = 0; failure == null && i < 300; i++) {
                        System.gc();
                        failure = reported.poll(20, TimeUnit.MILLISECONDS);
                    }
                    assertNotNull(failure, "the dropped failure was not reported");
                    assertEquals("dropped", failure.task());
                    System.gc();
                    assertNull(
                            reported.poll(100, TimeUnit.MILLISECONDS), "a failure that was joined");
                });
    }

    @Test
    void failuresThatAJoinSetThrowsAwayAreReported() throws Exception {
        withReports(
                rt -> {
                    try (var set = JoinSet.<String>on(rt.handle())) {
                        set.spawn("unjoined", () -> fail("unjoined"));
                        while (set.toString().contains("1 running")) {
                            Thread.onSpinWait();
                        }
                        set.spawn("joined", () -> fail("joined"));
                        JoinHandle<String> first = Objects.requireNonNull(set.joinNext());
                        JoinHandle<String> second = Objects.requireNonNull(set.joinNext());
                        second.outcome();
                        assertEquals("unjoined", first.name());
                        set.spawn("third", () -> fail("third"));
                        while (set.toString().contains("1 running")) {
                            Thread.onSpinWait();
                        }
                        first.outcome(); // seen at last, or it is reported when it is garbage
                    }
                    assertEquals("third", next().task());
                });
        assertNull(reported.poll());
    }

    @Test
    void aHandlerThatThrowsHarmsNobody() throws Exception {
        Books.balanced(
                config ->
                        config.uncaughtFailureHandler(
                                failure -> {
                                    throw new IllegalStateException("thrown on purpose");
                                }),
                rt -> {
                    rt.handle().spawnDetached("lonely", () -> fail("thrown on purpose"));
                    rt.handle().execute(() -> fail("thrown on purpose"));
                    assertEquals("value", rt.spawn(() -> "value").join(LONG));
                });
    }

    @Test
    void withoutAHandlerFailuresAreLogged() {
        @Nullable Object handler = RuntimeConfig.defaults().uncaughtFailureHandler();
        assertSame(RuntimeConfig.builder().build().uncaughtFailureHandler(), handler);
        new UncaughtFailure("runtime", "task", new IllegalStateException("logged on purpose"))
                .log();
    }
}
