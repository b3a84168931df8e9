package cloud.avila.avx.spring.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.actuator.SchedulerMetrics;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.support.CronTrigger;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class AvxTaskSchedulerTest {
    private static final Duration SHORT = Duration.ofMillis(2);
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private final AvxRuntime runtime =
            AvxRuntime.create(
                    RuntimeConfig.builder()
                            .name("scheduler-test")
                            .workerThreads(2)
                            .shutdownTimeout(Duration.ofSeconds(30))
                            .build());
    private final AvxTaskScheduler scheduler = new AvxTaskScheduler(runtime);
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore release = new Semaphore(0);

    @AfterEach
    void close() {
        scheduler.close();
        scheduler.close();
        runtime.close();
    }

    @Test
    void runsOnceAtItsTimeAsAFiber() throws Exception {
        scheduler.setLateThreshold(PATIENCE); // here nothing is late, however slow the machine
        Queue<String> seen = new ConcurrentLinkedQueue<>();
        Instant start = Instant.now().plusMillis(20);
        ScheduledFuture<?> future =
                scheduler.schedule(
                        () ->
                                seen.add(
                                        Handle.current().runtimeName()
                                                + " "
                                                + Thread.currentThread().getName()
                                                + " "
                                                + !Instant.now().isBefore(start.minusMillis(1))),
                        start);
        assertThat(future.getDelay(TimeUnit.MILLISECONDS)).isLessThanOrEqualTo(20);
        assertThat(future.get()).isNull();
        assertThat(future.isDone()).isTrue();
        assertThat(seen).containsExactly("scheduler-test scheduling-1 true");
        await().until(() -> scheduler.schedulerMetrics().active() == 0);
        assertThat(scheduler.schedulerMetrics()).isEqualTo(new SchedulerMetrics(0, 0, 1, 0, 0, 0));
    }

    @Test
    void repeatsAtAFixedRateAndCountsWhatOverlaps() throws Exception {
        scheduler.setLateThreshold(PATIENCE);
        AtomicInteger inside = new AtomicInteger();
        ScheduledFuture<?> future =
                scheduler.scheduleAtFixedRate(
                        () -> {
                            assertThat(inside.incrementAndGet()).isEqualTo(1);
                            entered.release();
                            release.acquireUninterruptibly();
                            inside.decrementAndGet();
                        },
                        SHORT);
        entered.acquire();
        Thread.sleep(20); // several periods
        release.release(4);
        entered.acquire(4);
        assertThat(scheduler.schedulerMetrics().overlapping()).isGreaterThanOrEqualTo(3);
        assertThat(scheduler.schedulerMetrics().late()).isZero();
        assertThat(future.isDone()).isFalse();
        assertThat(future.cancel(false)).isTrue();
        release.release(1000);
        await().until(() -> scheduler.schedulerMetrics().active() == 0);
        assertThat(scheduler.schedulerMetrics().tasks()).isZero();
        assertThat(future.isCancelled()).isTrue();
        assertThatExceptionOfType(CancellationException.class).isThrownBy(future::get);
    }

    @Test
    void keepsAFixedDelayAfterTheEnd() throws Exception {
        Queue<Long> times = new ConcurrentLinkedQueue<>();
        CountDownLatch three = new CountDownLatch(3);
        scheduler.scheduleWithFixedDelay(
                () -> {
                    times.add(System.nanoTime());
                    sleep(5);
                    times.add(System.nanoTime());
                    three.countDown();
                },
                Instant.now(),
                Duration.ofMillis(10));
        three.await();
        Long[] t = times.toArray(new Long[0]);
        assertThat(t[2] - t[1]).isGreaterThanOrEqualTo(10_000_000L);
        assertThat(t[4] - t[3]).isGreaterThanOrEqualTo(10_000_000L);
        assertThat(scheduler.schedulerMetrics().overlapping()).isZero();
    }

    @Test
    void followsATriggerUntilItsEnd() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        ScheduledFuture<?> future =
                Objects.requireNonNull(
                        scheduler.schedule(
                                runs::incrementAndGet,
                                context -> {
                                    Instant last = context.lastCompletion();
                                    return runs.get() == 3
                                            ? null
                                            : last == null ? Instant.now() : last.plusMillis(1);
                                }));
        assertThat(future.get()).isNull();
        assertThat(runs).hasValue(3);
        ScheduledFuture<?> never = scheduler.schedule(() -> {}, context -> null);
        assertThat(never == null).isTrue();
    }

    @Test
    void runsACronExpression() throws Exception {
        ScheduledFuture<?> future =
                scheduler.schedule(entered::release, new CronTrigger("* * * * * *"));
        entered.acquire(2);
        assertThat(Objects.requireNonNull(future).cancel(false)).isTrue();
    }

    @Test
    void goesOnAfterAnExceptionAndEndsIfTheHandlerThrows(CapturedOutput output) throws Exception {
        scheduler.scheduleAtFixedRate(
                () -> {
                    entered.release();
                    throw new IllegalStateException("printer on fire");
                },
                SHORT);
        entered.acquire(3);
        await().until(() -> scheduler.schedulerMetrics().failed() >= 3);
        assertThat(output).contains("printer on fire");
        scheduler.setErrorHandler(
                e -> {
                    throw new IllegalArgumentException("wrapped", e);
                });
        ScheduledFuture<?> ending =
                scheduler.scheduleAtFixedRate(
                        () -> {
                            throw new IllegalStateException();
                        },
                        SHORT);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(ending::get)
                .withCauseInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void givesTheExceptionOfASingleRunToItsFuture(CapturedOutput output) {
        ScheduledFuture<?> future =
                scheduler.schedule(
                        () -> {
                            throw new IllegalStateException("printer on fire");
                        },
                        Instant.now());
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(future::get)
                .withCauseInstanceOf(IllegalStateException.class);
        assertThat(output).contains("printer on fire");
    }

    @Test
    void interruptsARunOnRequest() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        ScheduledFuture<?> future =
                scheduler.scheduleAtFixedRate(
                        () -> {
                            entered.release();
                            try {
                                Thread.sleep(Duration.ofMinutes(10));
                            } catch (InterruptedException e) {
                                interrupted.countDown();
                            }
                        },
                        SHORT);
        entered.acquire();
        assertThat(future.cancel(true)).isTrue();
        assertThat(future.cancel(true)).isFalse();
        interrupted.await();
        await().until(() -> scheduler.schedulerMetrics().active() == 0);
        assertThat(scheduler.schedulerMetrics().tasks()).isZero();
    }

    @Test
    void interruptsWhicheverRunIsUnderWay() throws Exception {
        for (int i = 0; i < 100; i++) {
            AtomicInteger runs = new AtomicInteger();
            CountDownLatch interrupted = new CountDownLatch(1);
            ScheduledFuture<?> future =
                    scheduler.scheduleAtFixedRate(
                            () -> {
                                if (runs.incrementAndGet() < 3) {
                                    return;
                                }
                                entered.release();
                                try {
                                    Thread.sleep(Duration.ofMinutes(10));
                                } catch (InterruptedException e) {
                                    interrupted.countDown();
                                }
                            },
                            Duration.ofNanos(1));
            entered.acquire();
            assertThat(future.cancel(true)).isTrue();
            interrupted.await();
        }
        await().until(() -> scheduler.schedulerMetrics().active() == 0);
        assertThat(scheduler.schedulerMetrics().tasks()).isZero();
    }

    @Test
    void countsLateRuns() throws Exception {
        scheduler.setLateThreshold(PATIENCE);
        scheduler.setConcurrencyLimit(1);
        scheduler.schedule(this::hold, Instant.now());
        entered.acquire(); // in time, however slow the machine
        scheduler.setLateThreshold(Duration.ofMillis(5));
        ScheduledFuture<?> waiting = scheduler.schedule(() -> {}, Instant.now());
        Thread.sleep(10);
        release.release();
        waiting.get();
        assertThat(scheduler.schedulerMetrics().late()).isEqualTo(1);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> scheduler.setConcurrencyLimit(0))
                .withMessageContaining("1 or more, or -1 for none, but is 0");
    }

    @Test
    void startsNothingWhileStoppedAndGoesOnAfterwards() throws Exception {
        ScheduledFuture<?> running = scheduler.schedule(this::hold, Instant.now());
        entered.acquire();
        CountDownLatch stopped = new CountDownLatch(1);
        scheduler.stop(stopped::countDown);
        assertThat(scheduler.isRunning()).isFalse();
        assertThat(stopped.getCount()).isEqualTo(1);
        AtomicInteger runs = new AtomicInteger();
        ScheduledFuture<?> meanwhile = scheduler.schedule(runs::incrementAndGet, Instant.now());
        release.release();
        stopped.await();
        running.get();
        sleep(10);
        assertThat(runs).hasValue(0);
        scheduler.start();
        meanwhile.get();
        assertThat(scheduler.isRunning()).isTrue();
    }

    @Test
    void interruptsWhatOutlivesTheTerminationTimeout(CapturedOutput output) throws Exception {
        scheduler.setTerminationTimeout(Duration.ofMillis(20));
        CountDownLatch interrupted = new CountDownLatch(1);
        scheduler.schedule(
                () -> {
                    entered.release();
                    try {
                        Thread.sleep(Duration.ofMinutes(10));
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                    }
                },
                Instant.now());
        entered.acquire();
        scheduler.stop();
        interrupted.await();
        assertThat(output).contains("1 tasks of scheduler 'taskScheduler' have not ended");
    }

    @Test
    void goesOnWithARepeatedTaskThatStoppingInterrupted() throws Exception {
        scheduler.setTerminationTimeout(Duration.ofMillis(20));
        AtomicInteger interrupts = new AtomicInteger();
        ScheduledFuture<?> repeated =
                scheduler.scheduleWithFixedDelay(
                        () -> {
                            entered.release();
                            try {
                                release.acquire();
                            } catch (InterruptedException e) {
                                interrupts.incrementAndGet();
                            }
                        },
                        SHORT);
        entered.acquire();
        scheduler.stop();
        await().until(() -> interrupts.get() == 1);
        assertThat(repeated.isDone()).isFalse();
        scheduler.start();
        entered.acquire();
        release.release(1000);
        entered.acquire(3);
        assertThat(repeated.isDone()).isFalse();
    }

    @Test
    void losesNoRunBetweenStopsAndStarts() throws Exception {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger runs = new AtomicInteger();
        scheduler.scheduleWithFixedDelay(
                () -> {
                    inside.incrementAndGet();
                    runs.incrementAndGet();
                    Thread.yield();
                    inside.decrementAndGet();
                },
                Duration.ofNanos(50_000));
        for (int i = 0; i < 300; i++) {
            scheduler.stop(); // within the termination timeout of 30 s: an idle wake-up lost fails
            int before = runs.get();
            assertThat(inside).hasValue(0);
            assertThat(runs).hasValue(before);
            scheduler.start();
            await().pollInterval(Duration.ofMillis(1)).until(() -> runs.get() > before);
        }
    }

    @Test
    void cancelsEverythingWhenClosedAndAcceptsNothing() throws Exception {
        ScheduledFuture<?> far = scheduler.schedule(() -> {}, Instant.now().plusSeconds(1000));
        ScheduledFuture<?> near = scheduler.schedule(() -> {}, Instant.now().plusSeconds(100));
        assertThat(near.compareTo(far)).isNegative();
        scheduler.close();
        assertThat(List.of(far.isCancelled(), near.isCancelled())).containsOnly(true);
        assertThat(scheduler.schedulerMetrics().tasks()).isZero();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> scheduler.scheduleAtFixedRate(() -> {}, SHORT))
                .withMessageContaining("scheduler 'taskScheduler' does not accept")
                .withMessageContaining("context is being closed");
        runtime.close();
        assertThat(runtime.metrics().timersPending()).isZero();
    }

    @Test
    void refusesTasksOnARuntimeThatIsClosed() {
        runtime.close();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> scheduler.schedule(() -> {}, Instant.now()))
                .withMessageContaining("runtime 'scheduler-test' is closing");
        assertThat(scheduler.schedulerMetrics().tasks()).isZero();
    }

    @Test
    void refusesAPeriodThatIsNone() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> scheduler.scheduleAtFixedRate(() -> {}, Duration.ZERO))
                .withMessage("the period or delay of a task must be positive, but is PT0S");
    }

    private void hold() {
        entered.release();
        release.acquireUninterruptibly();
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
