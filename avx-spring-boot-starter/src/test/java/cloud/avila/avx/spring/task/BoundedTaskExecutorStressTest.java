package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Priority;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.actuator.ExecutorMetrics;
import cloud.avila.avx.spring.AvxProperties.RejectionPolicy;
import cloud.avila.avx.spring.task.BoundedTaskExecutor.Settings;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Timeout;
import org.springframework.core.task.TaskRejectedException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

/** Random submissions, ends, timeouts and changes of the limit; the seed is in every message. */
@Timeout(120)
class BoundedTaskExecutorStressTest {
    private static final int SUBMITTERS = 3;
    private static final int EACH = 3_000;
    private static final AvxRuntime RUNTIME =
            AvxRuntime.create(
                    RuntimeConfig.builder().name("bounded-stress").workerThreads(2).build());

    @AfterAll
    static void close() {
        RUNTIME.close();
    }

    private final AtomicIntegerArray ran = new AtomicIntegerArray(SUBMITTERS * EACH);
    private final AtomicInteger inside = new AtomicInteger();
    private final AtomicInteger mostInside = new AtomicInteger();
    private final LongAdder refused = new LongAdder();
    private final LongAdder dropped = new LongAdder();

    @RepeatedTest(24)
    void everyTaskRunsOrIsTurnedAwayOnceWithinTheBounds(RepetitionInfo repetition)
            throws Exception {
        long seed = ThreadLocalRandom.current().nextLong();
        Random random = new Random(seed);
        RejectionPolicy policy = RejectionPolicy.values()[repetition.getCurrentRepetition() % 4];
        boolean resizing = random.nextBoolean();
        int limit = 1 + random.nextInt(4);
        int capacity = 1 + random.nextInt(random.nextBoolean() ? 3 : 50);
        Duration timeout =
                random.nextBoolean()
                        ? Duration.ZERO
                        : Duration.ofNanos(50_000 << random.nextInt(6));
        Settings settings = new Settings(limit, capacity, policy, Priority.NORMAL, timeout);
        String run = "seed " + seed + ", resizing " + resizing + ", " + settings;
        var executor = new BoundedTaskExecutor(RUNTIME, "stress", settings);
        AtomicBoolean over = new AtomicBoolean();
        Thread resizer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    Random r = new Random(seed + 1);
                                    while (resizing && !over.get()) {
                                        executor.concurrencyLimit(1 + r.nextInt(limit));
                                        Thread.yield();
                                    }
                                });
        List<Thread> submitters = new ArrayList<>();
        AtomicInteger unended = new AtomicInteger();
        for (int s = 0; s < SUBMITTERS; s++) {
            int first = s * EACH;
            Random r = new Random(seed + 2 + s);
            Runnable submitter =
                    () -> {
                        List<Future<?>> futures = new ArrayList<>();
                        for (int i = 0; i < EACH; i++) {
                            submit(executor, first + i, r, futures);
                            if (r.nextInt(20) == 0) {
                                Thread.yield();
                            }
                        }
                        unended.addAndGet(awaitAll(futures));
                    };
            submitters.add(
                    s == 0
                            ? Thread.ofVirtual().start(submitter)
                            : Thread.ofPlatform().start(submitter));
        }
        for (Thread submitter : submitters) {
            submitter.join();
        }
        over.set(true);
        resizer.join();
        CountDownLatch drained = new CountDownLatch(1);
        executor.stop(drained::countDown);
        assertThat(drained.await(60, TimeUnit.SECONDS)).as(run).isTrue();
        assertThat(unended).as("futures without an end, " + run).hasValue(0);
        assertThat(mostInside.get()).as(run).isBetween(1, limit);
        long all = 0;
        for (int i = 0; i < ran.length(); i++) {
            assertThat(ran.get(i)).as("runs of task " + i + ", " + run).isBetween(0, 1);
            all += ran.get(i);
        }
        ExecutorMetrics m = executor.executorMetrics();
        assertThat(m.active()).as(run).isZero();
        assertThat(m.queued()).as(run).isZero();
        assertThat(m.queueRemaining()).as(run).isEqualTo(capacity);
        assertThat(m.completed() + m.callerRuns()).as(run).isEqualTo(all);
        assertThat(m.rejected()).as(run).isEqualTo(refused.sum());
        assertThat(m.discarded() + m.timedOut()).as(run).isEqualTo(dropped.sum());
        assertThat(all + refused.sum() + dropped.sum()).as(run).isEqualTo(SUBMITTERS * EACH);
    }

    private void submit(
            BoundedTaskExecutor executor, int task, Random random, List<Future<?>> futures) {
        int kind = random.nextInt(10);
        Runnable body = () -> run(task, kind);
        try {
            futures.add(kind % 2 == 0 ? executor.submit(body) : executor.submitCompletable(body));
        } catch (TaskRejectedException e) {
            refused.increment();
        }
    }

    private void run(int task, int kind) {
        boolean counts = Thread.currentThread().getName().startsWith("stress-");
        if (counts) {
            int now = inside.incrementAndGet();
            mostInside.accumulateAndGet(now, Math::max);
        }
        ran.incrementAndGet(task);
        try {
            if (kind == 0) {
                Thread.yield();
            } else if (kind == 1) {
                Thread.sleep(0, 20_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (counts) {
                inside.decrementAndGet();
            }
        }
    }

    private int awaitAll(List<Future<?>> futures) {
        int unended = 0;
        for (Future<?> future : futures) {
            try {
                future.get(60, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                assertThat(e).hasCauseInstanceOf(TaskRejectedException.class);
                dropped.increment();
            } catch (Exception e) {
                unended++;
            }
        }
        return unended;
    }
}
