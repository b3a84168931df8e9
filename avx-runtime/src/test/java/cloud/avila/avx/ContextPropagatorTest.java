package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

class ContextPropagatorTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final ThreadLocal<@Nullable String> SPAN = new ThreadLocal<>();

    /** Carries SPAN. */
    private static ContextPropagator.@Nullable Captured span() {
        String span = SPAN.get();
        if (span == null) {
            return null;
        }
        return () -> {
            String before = SPAN.get();
            SPAN.set(span);
            return () -> {
                if (before == null) {
                    SPAN.remove();
                } else {
                    SPAN.set(before);
                }
            };
        };
    }

    @AfterEach
    void clear() {
        SPAN.remove();
    }

    @ParameterizedTest
    @EnumSource(FiberAccess.class)
    void everyKindOfTaskGetsTheContextOfItsStart(FiberAccess access) throws Exception {
        Books.balanced(
                config ->
                        config.fiberAccess(access).contextPropagators(ContextPropagatorTest::span),
                rt -> {
                    SPAN.set("span-1");
                    var fiber = rt.spawn(SPAN::get);
                    var nested =
                            rt.spawn(
                                    () -> {
                                        Thread.sleep(1);
                                        return rt.spawn(SPAN::get).join();
                                    });
                    var blocking = rt.spawnBlocking(SPAN::get);
                    var polls = new AtomicInteger();
                    var poll =
                            rt.handle()
                                    .<String>spawnFuture(
                                            cx -> {
                                                assertEquals("span-1", SPAN.get());
                                                if (polls.incrementAndGet() < 3) {
                                                    cx.waker().wake();
                                                    return Poll.pending();
                                                }
                                                return Poll.ready("span-1");
                                            });
                    var job = new ArrayBlockingQueue<String>(1);
                    rt.handle().execute(() -> job.add(String.valueOf(SPAN.get())));
                    SPAN.remove();
                    assertEquals("span-1", fiber.join(LONG));
                    assertEquals("span-1", nested.join(LONG));
                    assertEquals("span-1", blocking.join(LONG));
                    assertEquals("span-1", poll.join(LONG));
                    assertEquals("span-1", job.poll(60, TimeUnit.SECONDS));
                    // and nothing stays behind on the threads that ran them
                    for (int i = 0; i < 100; i++) {
                        assertNull(rt.spawn(SPAN::get).join(LONG));
                        rt.handle().execute(() -> job.add(String.valueOf(SPAN.get())));
                        assertEquals("null", job.poll(60, TimeUnit.SECONDS));
                        assertNull(rt.spawnBlocking(SPAN::get).join(LONG));
                    }
                });
    }

    @Test
    void contextsAreTakenOffInTheReverseOrder() throws Exception {
        var steps = new ConcurrentLinkedQueue<String>();
        Books.balanced(
                config ->
                        config.contextPropagators(
                                () -> recording(steps, "a"), () -> recording(steps, "b")),
                rt -> {
                    steps.clear();
                    rt.spawn(() -> steps.add("task")).join(LONG);
                    assertEquals(
                            List.of(
                                    "capture a",
                                    "capture b",
                                    "restore a",
                                    "restore b",
                                    "task",
                                    "close b",
                                    "close a"),
                            List.copyOf(steps));
                });
    }

    private static ContextPropagator.Captured recording(
            ConcurrentLinkedQueue<String> steps, String name) {
        steps.add("capture " + name);
        return () -> {
            steps.add("restore " + name);
            return () -> steps.add("close " + name);
        };
    }

    @Test
    void aTaskWhoseContextCannotBeCapturedIsRefused() throws Exception {
        var boom = new IllegalArgumentException("boom");
        Books.balanced(
                config ->
                        config.contextPropagators(
                                () -> {
                                    throw boom;
                                }),
                rt -> {
                    var ran = new AtomicInteger();
                    Handle handle = rt.handle();
                    var set = JoinSet.<Integer>on(handle);
                    for (Runnable start :
                            List.<Runnable>of(
                                    () -> rt.spawn(ran::incrementAndGet),
                                    () -> rt.spawnBlocking(ran::incrementAndGet),
                                    () -> handle.execute(ran::incrementAndGet),
                                    () -> handle.spawnFuture(cx -> Poll.ready(ran.get())),
                                    () -> set.spawn(ran::incrementAndGet))) {
                        var e = assertThrows(IllegalStateException.class, start::run);
                        assertSame(boom, e.getCause());
                    }
                    assertNull(set.joinNext());
                    assertEquals(0, rt.metrics().spawned());
                    assertEquals(0, ran.get());
                });
    }

    @Test
    void aTaskWhoseContextCannotBeRestoredFailsWithoutHavingRun() throws Exception {
        var boom = new IllegalArgumentException("boom");
        var steps = new ConcurrentLinkedQueue<String>();
        Books.balanced(
                config ->
                        config.contextPropagators(
                                () -> recording(steps, "a"),
                                () ->
                                        () -> {
                                            throw boom;
                                        }),
                rt -> {
                    var ran = new AtomicInteger();
                    try (var set = JoinSet.<Integer>on(rt.handle())) {
                        set.spawn(ran::incrementAndGet);
                        var task = Objects.requireNonNull(set.joinNext());
                        var e = assertInstanceOf(IllegalStateException.class, task.exceptionNow());
                        assertSame(boom, e.getCause());
                    }
                    assertThrows(
                            CompletionException.class,
                            () -> rt.spawn(ran::incrementAndGet).join(LONG));
                    assertEquals(0, ran.get());
                    assertEquals(
                            List.of(
                                    "capture a",
                                    "restore a",
                                    "close a",
                                    "capture a",
                                    "restore a",
                                    "close a"),
                            List.copyOf(steps));
                });
    }

    @Test
    void aContextThatCannotBeTakenOffDoesNotChangeTheOutcome() throws Exception {
        Books.balanced(
                config ->
                        config.contextPropagators(
                                () ->
                                        () ->
                                                () -> {
                                                    throw new IllegalStateException(
                                                            "thrown on purpose");
                                                }),
                rt -> assertEquals("value", rt.spawn(() -> "value").join(LONG)));
    }
}
