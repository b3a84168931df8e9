package cloud.avila.avx.internal.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.Priority;
import cloud.avila.avx.RuntimeConfig;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

class PriorityTest {
    private static AvxRuntime runtime() {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .workerThreads(1)
                        .injectionQueueCapacity(1_000)
                        .stallThreshold(Duration.ZERO)
                        .build());
    }

    /**
     * The order in which jobs of each priority run that were submitted while the worker was busy.
     */
    private static List<Priority> order(int each) throws Exception {
        try (var rt = runtime()) {
            var ran = new ConcurrentLinkedQueue<Priority>();
            var done = new CountDownLatch(3 * each);
            rt.blockOn(
                    () -> {
                        for (Priority priority :
                                List.of(
                                        Priority.BACKGROUND,
                                        Priority.NORMAL,
                                        Priority.INTERACTIVE)) {
                            Handle handle = rt.handle().withPriority(priority);
                            for (int i = 0; i < each; i++) {
                                handle.execute(
                                        () -> {
                                            ran.add(priority);
                                            done.countDown();
                                        });
                            }
                        }
                        return null;
                    });
            assertTrue(done.await(60, TimeUnit.SECONDS));
            return new ArrayList<>(ran);
        }
    }

    @Test
    void interactiveGoesFirstAndBackgroundLast() throws Exception {
        List<Priority> order = order(10);
        assertEquals(
                List.of(Priority.INTERACTIVE, Priority.INTERACTIVE, Priority.INTERACTIVE),
                order.subList(0, 3));
        assertEquals(Priority.BACKGROUND, order.getLast());
        assertTrue(
                order.lastIndexOf(Priority.NORMAL) < order.lastIndexOf(Priority.BACKGROUND),
                order.toString());
    }

    @Test
    void interactiveWorkLetsNormalWorkHaveEverySeventeenthTurn() throws Exception {
        List<Priority> order = order(100);
        int since = 0;
        boolean normalWaits = true;
        for (int i = 0; i < order.size() && normalWaits; i++) {
            since = order.get(i) == Priority.INTERACTIVE ? since + 1 : 0;
            assertTrue(since <= Lanes.MAX_INTERACTIVE_TURNS, order.toString());
            normalWaits = order.subList(i, order.size()).contains(Priority.NORMAL);
        }
    }

    @Test
    void backgroundWorkRunsThoughNormalWorkNeverEnds() throws Exception {
        try (var rt = runtime()) {
            var stop = new AtomicBoolean();
            var background = new CountDownLatch(5);
            rt.blockOn(
                    () -> {
                        rt.spawn(
                                () -> {
                                    while (!stop.get()) {
                                        Thread.yield();
                                    }
                                    return null;
                                });
                        return null;
                    });
            Handle handle = rt.handle().withPriority(Priority.BACKGROUND);
            for (int i = 0; i < 5; i++) {
                handle.execute(background::countDown);
            }
            assertTrue(background.await(60, TimeUnit.SECONDS));
            assertTrue(rt.metrics().backgroundAged() >= 1, () -> rt.metrics().toString());
            stop.set(true);
        }
    }

    @Test
    void aFiberKeepsItsPriorityWhenItGoesOnAfterWaiting() throws Exception {
        try (var rt = runtime()) {
            rt.handle()
                    .withPriority(Priority.BACKGROUND)
                    .spawn(
                            () -> {
                                for (int i = 0; i < 5; i++) {
                                    Thread.sleep(1);
                                }
                                return null;
                            })
                    .join();
            rt.handle()
                    .withPriority(Priority.INTERACTIVE)
                    .spawn(
                            () -> {
                                for (int i = 0; i < 7; i++) {
                                    Thread.sleep(1);
                                }
                                return null;
                            })
                    .join();
            assertTrue(rt.metrics().backgroundSchedules() >= 6);
            assertTrue(rt.metrics().interactiveSchedules() >= 8);
        }
    }

    @Test
    void lanesAreBounded() throws Exception {
        try (var rt = runtime()) {
            var release = new CountDownLatch(1);
            var started = new CountDownLatch(1);
            rt.handle()
                    .execute(
                            () -> {
                                started.countDown();
                                try {
                                    release.await();
                                } catch (InterruptedException e) {
                                    throw new AssertionError(e);
                                }
                            });
            started.await();
            Handle background = rt.handle().withPriority(Priority.BACKGROUND);
            for (int i = 0; i < 1_000; i++) {
                background.execute(() -> {});
            }
            var refused =
                    assertThrows(
                            RejectedExecutionException.class, () -> background.execute(() -> {}));
            assertTrue(String.valueOf(refused.getMessage()).contains("background"));
            release.countDown();
        }
    }

    @Test
    void handlesOfDifferentPriorityDiffer() {
        try (var rt = runtime()) {
            Handle handle = rt.handle();
            assertNotEquals(handle, handle.withPriority(Priority.BACKGROUND));
            assertEquals(
                    handle, handle.withPriority(Priority.BACKGROUND).withPriority(Priority.NORMAL));
            assertTrue(handle.withPriority(Priority.BACKGROUND).toString().contains("BACKGROUND"));
        }
    }
}
