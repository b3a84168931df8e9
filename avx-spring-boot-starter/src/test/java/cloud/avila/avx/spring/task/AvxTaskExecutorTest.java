package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.actuator.ExecutorControl;
import cloud.avila.avx.actuator.ExecutorMetrics;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.task.TaskRejectedException;
import org.springframework.scheduling.concurrent.ExecutorConfigurationSupport;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class AvxTaskExecutorTest {
    private final CountDownLatch release = new CountDownLatch(1);
    private AvxRuntime runtime = AvxRuntime.create(config(Duration.ofSeconds(30)));
    private AvxTaskExecutor executor = executor(runtime);

    @AfterEach
    void close() {
        release.countDown();
        executor.close();
        runtime.close();
    }

    @Test
    void runsTasksAsNamedFibersOfTheRuntime() throws Exception {
        executor.setThreadNamePrefix("mail-");
        Future<String> seen =
                executor.submit(
                        () ->
                                Thread.currentThread().getName()
                                        + " "
                                        + Thread.currentThread().isVirtual()
                                        + " "
                                        + Handle.current().runtimeName());
        assertThat(seen.get()).isEqualTo("mail-1 true executor-test");
    }

    @Test
    void countsTasks() throws Exception {
        assertThat(executor.executorMetrics())
                .isEqualTo(new ExecutorMetrics(0, 0, 0, 1 << 20, 0, 2, Integer.MAX_VALUE));
        CountDownLatch started = new CountDownLatch(2);
        Future<?> a = executor.submit(() -> holdUntilReleased(started));
        Future<?> b = executor.submit(() -> holdUntilReleased(started));
        started.await();
        ExecutorMetrics busy = executor.executorMetrics();
        assertThat(busy.active()).isEqualTo(2);
        assertThat(busy.poolSize()).isEqualTo(2);
        assertThat(busy.completed()).isZero();
        assertThat(busy.queued()).isZero();
        release.countDown();
        a.get();
        b.get();
        drain();
        ExecutorMetrics idle = executor.executorMetrics();
        assertThat(idle.active()).isZero();
        assertThat(idle.completed()).isEqualTo(2);
    }

    @Test
    void countsATaskThatThrewAndReportsWhatItThrew(CapturedOutput output) throws Exception {
        executor.execute(
                () -> {
                    throw new IllegalArgumentException("no such report");
                });
        drain();
        assertThat(executor.executorMetrics().completed()).isEqualTo(1);
        assertThat(executor.executorMetrics().active()).isZero();
        assertThat(output).contains("IllegalArgumentException: no such report");
    }

    @Test
    void countsEveryTaskOfManySubmitters() throws Exception {
        int submitters = 4;
        int each = 2_500;
        LongAdder ran = new LongAdder();
        CountDownLatch all = new CountDownLatch(submitters * each);
        for (int i = 0; i < submitters; i++) {
            Thread.ofPlatform()
                    .start(
                            () -> {
                                for (int n = 0; n < each; n++) {
                                    executor.execute(
                                            () -> {
                                                ran.increment();
                                                all.countDown();
                                            });
                                }
                            });
        }
        all.await();
        drain();
        assertThat(ran.sum()).isEqualTo(submitters * each);
        ExecutorMetrics metrics = executor.executorMetrics();
        assertThat(metrics.completed()).isEqualTo(submitters * each);
        assertThat(metrics.active()).isZero();
        assertThat(metrics.queued()).isZero();
    }

    @Test
    void saysWhichBoundWasReached() throws Exception {
        // other threads would take what waits if those of the workers were stuck for long
        replaceRuntime(
                RuntimeConfig.builder()
                        .name("executor-test")
                        .workerThreads(2)
                        .injectionQueueCapacity(2)
                        .takeOver(false)
                        .build());
        CountDownLatch busy = new CountDownLatch(2);
        for (int i = 0; i < 2; i++) {
            executor.execute(
                    () -> {
                        busy.countDown();
                        while (release.getCount() > 0) {
                            Thread.onSpinWait();
                        }
                    });
        }
        busy.await();
        executor.execute(() -> {});
        executor.execute(() -> {});
        assertThat(executor.executorMetrics().queued()).isEqualTo(2);
        assertThat(executor.executorMetrics().queueRemaining()).isZero();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageContaining("'mail' on runtime 'executor-test'")
                .withMessageContaining("2");
        assertThat(executor.executorMetrics().queued()).isEqualTo(2);
        assertThat(executor.executorMetrics().rejected()).isEqualTo(1);
        release.countDown();
        drain();
        assertThat(executor.executorMetrics().completed()).isEqualTo(4);
    }

    @Test
    void saysThatTheRuntimeDoesNotAcceptATask() {
        runtime.close();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageContaining("'mail' on runtime 'executor-test'")
                .withCauseInstanceOf(RejectedExecutionException.class);
        assertThat(executor.executorMetrics().queued()).isZero();
    }

    @Test
    void saysTheSameWithAConcurrencyLimit() {
        executor.setConcurrencyLimit(1);
        runtime.close();
        for (int i = 0; i < 3; i++) {
            assertThatExceptionOfType(TaskRejectedException.class)
                    .isThrownBy(() -> executor.execute(() -> {}))
                    .withMessageContaining("'mail' on runtime 'executor-test'");
        }
    }

    @Test
    void rejectsBeyondAConcurrencyLimitOnRequest() throws Exception {
        executor.setConcurrencyLimit(1);
        executor.setRejectTasksWhenLimitReached(true);
        CountDownLatch started = new CountDownLatch(1);
        executor.execute(() -> holdUntilReleased(started));
        started.await();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageContaining("limit reached: 1");
    }

    @Test
    void rejectsTasksOnceClosed() {
        executor.close();
        executor.close();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageContaining("'mail' does not accept")
                .withMessageContaining("context has been closed");
    }

    @Test
    void measuresNothingUnlessAsked() throws Exception {
        executor.setTaskTimings((_, _, _, _) -> release.countDown());
        executor.setTaskTimings(null);
        executor.submit(() -> {}).get();
        drain();
        assertThat(release.getCount()).isEqualTo(1);
    }

    @Test
    void tellsTheTimesOfEveryTaskInsideItsDecoration() throws Exception {
        Queue<String> told = new ConcurrentLinkedQueue<>();
        ThreadLocal<String> trace = ThreadLocal.withInitial(() -> "none");
        executor.setTaskDecorator(
                task ->
                        () -> {
                            trace.set("decorated");
                            try {
                                task.run();
                            } finally {
                                trace.remove();
                            }
                        });
        executor.setTaskTimings(
                (type, waited, ran, failure) ->
                        told.add(
                                type.getSimpleName()
                                        + (waited >= 0 && ran >= 1_000_000 ? " " : " too fast ")
                                        + trace.get()
                                        + (failure == null ? "" : " " + failure.getMessage())));
        Callable<String> sleep =
                () -> {
                    Thread.sleep(1);
                    return "slept";
                };
        assertThat(executor.submit(sleep).get()).isEqualTo("slept");
        assertThat(executor.submitCompletable(sleep).get()).isEqualTo("slept");
        executor.submitCompletable(new SlowTask()).get();
        executor.execute(new SlowTask());
        Future<?> failing = executor.submit((Runnable) new FailingTask());
        CompletableFuture<?> failingToo = executor.submitCompletable((Runnable) new FailingTask());
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(failing::get)
                .withRootCauseInstanceOf(IllegalArgumentException.class);
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(failingToo::get)
                .withRootCauseInstanceOf(IllegalArgumentException.class);
        executor.execute(new FailingTask());
        drain();
        assertThat(told)
                .containsExactlyInAnyOrder(
                        "AvxTaskExecutorTest decorated",
                        "AvxTaskExecutorTest decorated",
                        "SlowTask decorated",
                        "SlowTask decorated",
                        "FailingTask decorated no paper",
                        "FailingTask decorated no paper",
                        "FailingTask decorated no paper");
    }

    @Test
    void cancelsWhatHasNotStarted() throws Exception {
        CompletableFuture<String> late;
        AtomicBoolean ran = new AtomicBoolean();
        executor.setConcurrencyLimit(1);
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Void> first =
                executor.submitCompletable(() -> holdUntilReleased(started));
        started.await();
        executor.setConcurrencyLimit(2);
        executor.setTaskDecorator(
                task ->
                        () -> {
                            holdUntilReleased(started);
                            task.run();
                        });
        late =
                executor.submitCompletable(
                        () -> {
                            ran.set(true);
                            return "ran";
                        });
        assertThat(late.cancel(false)).isTrue();
        release.countDown();
        first.get();
        drain();
        assertThat(ran).isFalse();
        assertThat(late.newIncompleteFuture()).isNotInstanceOf(Runnable.class);
    }

    @Test
    void forgetsATaskThatTheRuntimeCancelsBeforeItBegins() throws Exception {
        for (int limit : new int[] {-1, 1_000}) {
            executor.setConcurrencyLimit(limit);
            assertThat(CancelledBeforeBegin.tasks(runtime, executor, "task-")).isPositive();
            drain();
            ExecutorMetrics m = executor.executorMetrics();
            assertThat(m.active()).isZero();
            assertThat(m.queued()).isZero();
        }
        executor.setConcurrencyLimit(1); // counts those under way from before
        assertThat(executor.submit(() -> 1).get()).isEqualTo(1);
    }

    @Test
    void changesALimitThatItHas() throws Exception {
        assertThat(executor.name()).isEqualTo("mail");
        assertThat(executor.isResizable()).isFalse();
        assertThat(executor.concurrencyLimit()).isEqualTo(ExecutorControl.UNLIMITED);
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> executor.concurrencyLimit(3))
                .withMessageContaining("set spring.task.execution.simple.concurrency-limit");
        executor.setConcurrencyLimit(1);
        assertThat(executor.concurrencyLimit()).isEqualTo(1);
        executor.concurrencyLimit(2);
        CountDownLatch started = new CountDownLatch(2);
        executor.execute(() -> holdUntilReleased(started));
        executor.execute(() -> holdUntilReleased(started));
        started.await();
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> executor.concurrencyLimit(0))
                .withMessageContaining("must be 1 or more, but is 0");
    }

    @Test
    void stopsAtOnceWithoutTasks() {
        executor.start();
        assertThat(executor.isRunning()).isTrue();
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        assertThat(stopped.getCount()).isZero();
        assertThat(executor.isRunning()).isFalse();
    }

    @Test
    void waitsForRunningTasksAndAcceptsMoreMeanwhile() throws Exception {
        executor.start();
        CountDownLatch started = new CountDownLatch(1);
        executor.execute(() -> holdUntilReleased(started));
        started.await();
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        assertThat(executor.submit(() -> "accepted").get()).isEqualTo("accepted");
        assertThat(stopped.getCount()).isEqualTo(1);
        release.countDown();
        stopped.await();
        executor.start();
        assertThat(executor.submit(() -> "again").get()).isEqualTo("again");
    }

    @Test
    void stopsEveryCallerWhenStoppedTwice() throws Exception {
        executor.start();
        CountDownLatch started = new CountDownLatch(1);
        executor.execute(() -> holdUntilReleased(started));
        started.await();
        CountDownLatch stopped = new CountDownLatch(2);
        executor.stop(stopped::countDown);
        executor.stop(stopped::countDown);
        release.countDown();
        assertThat(stopped.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void interruptsTasksThatOutliveTheShutdownTimeout(CapturedOutput output) throws Exception {
        replaceRuntime(config(Duration.ofMillis(50)));
        executor.setThreadNamePrefix("slow-");
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<String> end = new CompletableFuture<>();
        executor.execute(
                () -> {
                    started.countDown();
                    try {
                        Thread.sleep(Duration.ofMinutes(10));
                        end.complete("slept");
                    } catch (InterruptedException e) {
                        end.complete("interrupted");
                    }
                });
        started.await();
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        stopped.await();
        assertThat(end.get(30, TimeUnit.SECONDS)).isEqualTo("interrupted");
        assertThat(output)
                .contains("1 tasks of executor 'mail'")
                .contains("PT0.05S (avx.shutdown-timeout)")
                .contains("[slow-1]");
    }

    @Test
    void leavesNoTraceOnTheThread() throws Exception {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            executor.submit(() -> Thread.currentThread().setContextClassLoader(null)).get();
        }
        for (int i = 0; i < 50; i++) {
            names.add(runtime.spawn("plain", () -> Thread.currentThread().getName()).join());
        }
        assertThat(names).noneMatch(name -> name.startsWith("task-"));
    }

    @Test
    void belongsToThePhaseOfSpringsExecutors() {
        assertThat(executor.getPhase()).isEqualTo(ExecutorConfigurationSupport.DEFAULT_PHASE);
        assertThat(executor.isPauseable()).isFalse();
    }

    private static final class SlowTask implements Runnable {
        @Override
        public void run() {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static final class FailingTask implements Runnable {
        @Override
        public void run() {
            new SlowTask().run();
            throw new IllegalArgumentException("no paper");
        }
    }

    private void drain() throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        stopped.await();
    }

    private void replaceRuntime(RuntimeConfig config) {
        executor.close();
        runtime.close();
        runtime = AvxRuntime.create(config);
        executor = executor(runtime);
    }

    private void holdUntilReleased(CountDownLatch started) {
        started.countDown();
        try {
            release.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static AvxTaskExecutor executor(AvxRuntime runtime) {
        AvxTaskExecutor executor = new AvxTaskExecutor(runtime);
        executor.setBeanName("mail");
        executor.setBeanName("clientInboundChannelExecutor");
        return executor;
    }

    private static RuntimeConfig config(Duration shutdownTimeout) {
        return RuntimeConfig.builder()
                .name("executor-test")
                .workerThreads(2)
                .shutdownTimeout(shutdownTimeout)
                .build();
    }
}
