package cloud.avila.avx.spring.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.Handle;
import cloud.avila.avx.Priority;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.actuator.ExecutorMetrics;
import cloud.avila.avx.spring.AvxProperties.RejectionPolicy;
import cloud.avila.avx.spring.task.BoundedTaskExecutor.Settings;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.core.task.TaskRejectedException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

@Timeout(60)
@ExtendWith(OutputCaptureExtension.class)
class BoundedTaskExecutorTest {
    private final Semaphore release = new Semaphore(0);
    private final Semaphore holding = new Semaphore(0);
    private AvxRuntime runtime = runtime(2, Duration.ofSeconds(30));
    private final List<BoundedTaskExecutor> executors = new ArrayList<>();

    @AfterEach
    void close() {
        release.release(1_000_000);
        executors.forEach(BoundedTaskExecutor::close);
        runtime.close();
    }

    @Test
    void runsAsManyAsItsLimitAndQueuesTheRestInOrder() throws Exception {
        BoundedTaskExecutor executor = executor(2, 10, RejectionPolicy.ABORT);
        hold(executor, 2);
        Queue<String> ran = new ConcurrentLinkedQueue<>();
        List<Future<?>> futures = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int n = i;
            futures.add(
                    executor.submit(
                            () -> {
                                ran.add(n + " " + Thread.currentThread().getName());
                            }));
        }
        assertThat(ran).isEmpty();
        ExecutorMetrics m = executor.executorMetrics();
        assertThat(m.active()).isEqualTo(2);
        assertThat(m.queued()).isEqualTo(5);
        assertThat(m.queueRemaining()).isEqualTo(5);
        assertThat(m.maxPoolSize()).isEqualTo(2);
        release.release();
        for (Future<?> future : futures) {
            future.get();
        }
        assertThat(ran).containsExactly("0 mail-3", "1 mail-4", "2 mail-5", "3 mail-6", "4 mail-7");
        await().until(() -> executor.executorMetrics().active() == 1); // after the futures' end
    }

    @Test
    void rejectsWithAMessageThatNamesTheBounds() throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.ABORT);
        hold(executor, 1);
        executor.execute(() -> {});
        for (int i = 0; i < 3; i++) {
            assertThatExceptionOfType(TaskRejectedException.class)
                    .isThrownBy(() -> executor.submit(() -> "late"))
                    .withMessage(
                            "executor 'mail' did not accept future of %s, because 1 tasks run"
                                    + " (avx.executors.mail.concurrency-limit is 1) and 1 wait"
                                    + " (avx.executors.mail.queue-capacity is 1)",
                            BoundedTaskExecutorTest.class.getName());
        }
        assertThat(executor.executorMetrics().rejected()).isEqualTo(3);
        release.release();
        drain(executor);
        assertThat(executor.executorMetrics().completed()).isEqualTo(2);
    }

    @Test
    void needsNoQueue() throws Exception {
        BoundedTaskExecutor executor = executor(1, 0, RejectionPolicy.ABORT);
        assertThat(executor.submit(() -> 1).get()).isEqualTo(1);
        await().ignoreExceptionsInstanceOf(TaskRejectedException.class) // before its permit is back
                .untilAsserted(() -> hold(executor, 1));
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageContaining("and 0 wait");
    }

    @Test
    void letsTheCallerRunWhatIsTooMuch() throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.CALLER_RUNS);
        hold(executor, 1);
        executor.execute(() -> {});
        Thread caller = Thread.currentThread();
        assertThat(executor.submit(() -> Thread.currentThread()).get()).isSameAs(caller);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(
                        () ->
                                executor.execute(
                                        () -> {
                                            throw new IllegalArgumentException();
                                        }));
        assertThat(executor.executorMetrics().callerRuns()).isEqualTo(2);
        assertThat(executor.executorMetrics().rejected()).isZero();
    }

    @Test
    void discardsAndEndsTheFutures(CapturedOutput output) throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.DISCARD);
        hold(executor, 1);
        Future<String> queued = executor.submit(() -> "queued");
        assertDropped(executor.submit(() -> "late"), "was discarded, because 1 tasks run");
        assertDropped(executor.submitCompletable(() -> "late"), "was discarded");
        assertDropped(executor.submit(() -> {}), "was discarded");
        assertDropped(executor.submitCompletable(() -> {}), "was discarded");
        executor.execute(() -> {});
        FutureTask<String> own = new FutureTask<>(() -> "late");
        executor.execute(own);
        assertThatExceptionOfType(CancellationException.class).isThrownBy(own::get);
        assertThat(executor.executorMetrics().discarded()).isEqualTo(6);
        assertThat(executor.executorMetrics().queued()).isEqualTo(1);
        release.release();
        assertThat(queued.get()).isEqualTo("queued");
        assertThat(output)
                .containsOnlyOnce("has given up 1 tasks since the last such line")
                .contains("executor 'mail'");
    }

    @Test
    void rejectsInsteadOfDiscardingWhatNobodyCouldEnd() throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.DISCARD);
        hold(executor, 1);
        CompletableFuture<String> queued = CompletableFuture.supplyAsync(() -> "queued", executor);
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> CompletableFuture.supplyAsync(() -> "late", executor));
        release.release();
        assertThat(queued.get()).isEqualTo("queued");
    }

    @Test
    void discardsTheOldestThatCanBeTold() throws Exception {
        BoundedTaskExecutor executor = executor(1, 3, RejectionPolicy.DISCARD_OLDEST);
        hold(executor, 1);
        CompletableFuture<String> a = CompletableFuture.supplyAsync(() -> "a", executor);
        Future<String> b = executor.submit(() -> "b");
        Future<String> c = executor.submit(() -> "c");
        Future<String> d = executor.submit(() -> "d");
        assertDropped(b, "was discarded as the oldest waiting, because 1 tasks run");
        assertThat(executor.executorMetrics().queued()).isEqualTo(3);
        release.release();
        assertThat(a.get() + c.get() + d.get()).isEqualTo("acd");
        assertThat(executor.executorMetrics().discarded()).isEqualTo(1);
    }

    @Test
    void discardsTheNewTaskIfNoneWaitsThatCanBeTold() throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.DISCARD_OLDEST);
        hold(executor, 1);
        CompletableFuture<String> a = CompletableFuture.supplyAsync(() -> "a", executor);
        assertDropped(executor.submit(() -> "b"), "was discarded, because");
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> CompletableFuture.supplyAsync(() -> "c", executor));
        release.release();
        assertThat(a.get()).isEqualTo("a");
    }

    @Test
    void givesUpWhatWaitedTooLongWhileNothingEnds() throws Exception {
        BoundedTaskExecutor executor =
                executor(
                        new Settings(
                                1,
                                2,
                                RejectionPolicy.ABORT,
                                Priority.NORMAL,
                                Duration.ofMillis(20)));
        hold(executor, 1);
        Future<String> a = executor.submit(() -> "a");
        Future<String> b = executor.submitCompletable(() -> "b");
        assertDropped(a, "waited longer than PT0.02S (avx.executors.mail.queue-timeout)");
        assertDropped(b, "waited longer than PT0.02S");
        assertThat(executor.executorMetrics().timedOut()).isEqualTo(2);
        assertThat(executor.executorMetrics().queueRemaining()).isEqualTo(2);
        assertDropped(executor.submit(() -> "again"), "waited longer");
        CompletableFuture<String> c = CompletableFuture.supplyAsync(() -> "c", executor);
        assertDropped(executor.submit(() -> "once more"), "waited longer");
        assertThat(executor.executorMetrics().queued()).isEqualTo(1);
        release.release();
        assertThat(c.get()).as("can only be ended by running it").isEqualTo("c");
        drain(executor); // what would have to wait now might wait too long
        assertThat(executor.submit(() -> "still works").get()).isEqualTo("still works");
    }

    @Test
    void tellsTheAgeOfTheOldestWaiting() throws Exception {
        BoundedTaskExecutor executor = executor(1, 2, RejectionPolicy.ABORT);
        assertThat(executor.executorMetrics().oldestQueuedNanos()).isZero();
        hold(executor, 1);
        assertThat(executor.executorMetrics().oldestQueuedNanos()).isZero();
        long before = System.nanoTime();
        Future<?> oldest = executor.submit(() -> {});
        Thread.sleep(5);
        executor.execute(() -> hold());
        long age = executor.executorMetrics().oldestQueuedNanos();
        assertThat(age).isBetween(5_000_000L, System.nanoTime() - before);
        release.release();
        oldest.get();
        holding.acquire();
        assertThat(executor.executorMetrics().oldestQueuedNanos()).isZero();
    }

    @Test
    void startsWhatWaitsWhenTheLimitIsRaised() throws Exception {
        BoundedTaskExecutor executor = executor(1, 10, RejectionPolicy.ABORT);
        hold(executor, 1);
        for (int i = 0; i < 4; i++) {
            executor.execute(this::hold);
        }
        executor.concurrencyLimit(3);
        holding.acquire(2);
        assertThat(executor.executorMetrics().queued()).isEqualTo(2);
        assertThat(executor.executorMetrics().maxPoolSize()).isEqualTo(3);
        executor.concurrencyLimit(1);
        release.release(2);
        await().until(() -> executor.executorMetrics().active() == 1);
        assertThat(holding.availablePermits()).isZero();
        release.release();
        holding.acquire();
        assertThat(executor.executorMetrics().active()).isEqualTo(1);
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> executor.concurrencyLimit(0))
                .withMessage("the concurrency limit must be between 1 and 1000000, but is 0");
        assertThat(executor.concurrencyLimit()).isEqualTo(1);
        assertThat(executor.isResizable()).isTrue();
        assertThat(executor.queueCapacity()).isEqualTo(10);
        assertThat(executor.rejectionPolicy()).isEqualTo("abort");
        assertThat(executor.queueTimeout()).isEqualTo(Duration.ZERO);
        assertThat(executor.name()).isEqualTo("mail");
    }

    @Test
    void runsItsTasksWithItsPriority() throws Exception {
        runtime.close();
        // another thread would take the normal tasks if the worker's were stuck for long
        runtime =
                AvxRuntime.create(RuntimeConfig.builder().workerThreads(1).takeOver(false).build());
        BoundedTaskExecutor urgent =
                executor(
                        new Settings(
                                1, 2, RejectionPolicy.ABORT, Priority.INTERACTIVE, Duration.ZERO));
        CountDownLatch busy = new CountDownLatch(1);
        runtime.spawn(
                () -> {
                    busy.countDown();
                    while (release.availablePermits() == 0) {
                        Thread.onSpinWait();
                    }
                    return 0;
                });
        busy.await();
        Queue<String> order = new ConcurrentLinkedQueue<>();
        CountDownLatch all = new CountDownLatch(6);
        for (int i = 0; i < 5; i++) {
            runtime.spawn(
                    () -> {
                        order.add("normal");
                        all.countDown();
                        return 0;
                    });
        }
        urgent.execute(
                () -> {
                    order.add("urgent");
                    all.countDown();
                });
        release.release();
        all.await();
        assertThat(order.peek()).isEqualTo("urgent");
        assertThat(urgent.priority()).isEqualTo("interactive");
    }

    @Test
    void acceptsTasksOfFibersWithoutBlockingThem() throws Exception {
        BoundedTaskExecutor executor = executor(1, 1, RejectionPolicy.ABORT);
        Callable<String> submitter =
                () -> {
                    Future<String> inner = executor.submit(() -> Handle.current().runtimeName());
                    return inner.get();
                };
        assertThat(runtime.spawn(submitter).join()).isEqualTo("bounded-test");
    }

    @Test
    void letsWaitingTasksRunWhileItStops() throws Exception {
        BoundedTaskExecutor executor = executor(1, 2, RejectionPolicy.ABORT);
        executor.start();
        hold(executor, 1);
        Future<String> waiting = executor.submit(() -> "ran");
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        Future<String> accepted = executor.submit(() -> "accepted");
        assertThat(stopped.getCount()).isEqualTo(1);
        release.release();
        stopped.await();
        assertThat(waiting.get() + accepted.get()).isEqualTo("ranaccepted");
        executor.close();
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.submit(() -> "late"))
                .withMessageContaining("'mail' does not accept")
                .withMessageContaining("context has been closed");
    }

    @Test
    void rejectsWhatHasNotStartedWhenStoppingTakesTooLong() throws Exception {
        runtime.close();
        runtime = runtime(2, Duration.ofMillis(50));
        BoundedTaskExecutor executor = executor(1, 2, RejectionPolicy.ABORT);
        Future<String> stuck =
                executor.submit(
                        () -> {
                            holding.release();
                            Thread.sleep(Duration.ofMinutes(10));
                            return "slept";
                        });
        holding.acquire();
        Future<String> waiting = executor.submit(() -> "ran");
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        stopped.await();
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> stuck.get(30, TimeUnit.SECONDS))
                .withCauseInstanceOf(InterruptedException.class);
        try {
            assertThat(waiting.get()).as("if the interrupted task ended before").isEqualTo("ran");
        } catch (ExecutionException e) {
            assertThat(e)
                    .hasCauseInstanceOf(TaskRejectedException.class)
                    .hasMessageContaining("had not started when the shutdown timeout of PT0.05S");
        }
    }

    @Test
    void getsBackThePermitOfATaskThatIsCancelledBeforeItBegins() throws Exception {
        runtime.close();
        runtime = runtime(1, Duration.ofSeconds(30));
        BoundedTaskExecutor executor = executor(2, 1_000, RejectionPolicy.ABORT);
        int unstarted = CancelledBeforeBegin.tasks(runtime, executor, "mail-");
        drain(executor);
        ExecutorMetrics m = executor.executorMetrics();
        assertThat(m.active()).isZero();
        assertThat(m.queued()).isZero();
        assertThat(unstarted).isPositive();
        hold(executor, 2); // as many as may
    }

    @Test
    void endsEveryFutureWhenTheRuntimeIsClosedUnderIt() throws Exception {
        runtime.close();
        runtime = runtime(2, Duration.ofMillis(50));
        BoundedTaskExecutor executor = executor(2, 100, RejectionPolicy.ABORT);
        List<Future<String>> futures = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            futures.add(
                    executor.submit(
                            () -> {
                                Thread.sleep(Duration.ofMinutes(10));
                                return "slept";
                            }));
        }
        runtime.close();
        for (Future<String> future : futures) {
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> future.get(30, TimeUnit.SECONDS));
        }
        assertThatExceptionOfType(TaskRejectedException.class)
                .isThrownBy(() -> executor.submit(() -> "late"))
                .withMessageContaining("'mail' on runtime 'bounded-test' did not accept");
        ExecutorMetrics m = executor.executorMetrics();
        assertThat(m.queued()).isZero();
        assertThat(m.completed() + m.rejected()).isEqualTo(51);
    }

    private static void assertDropped(Future<?> future, String why) {
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> future.get(30, TimeUnit.SECONDS))
                .withCauseInstanceOf(TaskRejectedException.class)
                .withMessageContaining("of executor 'mail' " + why);
    }

    private void hold(BoundedTaskExecutor executor, int tasks) throws InterruptedException {
        for (int i = 0; i < tasks; i++) {
            executor.execute(this::hold);
        }
        holding.acquire(tasks);
    }

    private void hold() {
        holding.release();
        release.acquireUninterruptibly();
    }

    private static void drain(BoundedTaskExecutor executor) throws InterruptedException {
        CountDownLatch stopped = new CountDownLatch(1);
        executor.stop(stopped::countDown);
        stopped.await();
    }

    private BoundedTaskExecutor executor(int limit, int capacity, RejectionPolicy policy) {
        return executor(new Settings(limit, capacity, policy, Priority.NORMAL, Duration.ZERO));
    }

    private BoundedTaskExecutor executor(Settings settings) {
        BoundedTaskExecutor executor = new BoundedTaskExecutor(runtime, "mail", settings);
        executors.add(executor);
        return executor;
    }

    private static AvxRuntime runtime(int workers, Duration shutdownTimeout) {
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name("bounded-test")
                        .workerThreads(workers)
                        .shutdownTimeout(shutdownTimeout)
                        .build());
    }
}
