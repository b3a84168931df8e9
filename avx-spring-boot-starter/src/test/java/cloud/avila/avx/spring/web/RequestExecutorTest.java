package cloud.avila.avx.spring.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.FiberDump;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

class RequestExecutorTest {
    private final AvxRuntime runtime =
            AvxRuntime.create(RuntimeConfig.builder().name("web").workerThreads(2).build());

    private TomcatRequestExecutor executor(int limit, int queue) {
        return new TomcatRequestExecutor(
                runtime, () -> "http-1", null, limit, TomcatRequestExecutor.MAX_THREADS, queue);
    }

    @Test
    void namesFibersByTheServer() throws Exception {
        try (runtime) {
            var executor = executor(10, 10);
            var names = new ArrayList<String>();
            for (int i = 0; i < 3; i++) {
                var done = new CountDownLatch(1);
                executor.execute(
                        () -> {
                            names.add(Thread.currentThread().getName());
                            done.countDown();
                        });
                done.await();
            }
            assertThat(names).containsExactly("http-1-exec-1", "http-1-exec-2", "http-1-exec-3");
        }
    }

    @Test
    void runsNoMoreThanItsLimitAtOnce() throws Exception {
        try (runtime) {
            var executor = executor(2, 100);
            var gate = new Semaphore(0);
            var done = new CountDownLatch(10);
            for (int i = 0; i < 10; i++) {
                executor.execute(
                        () -> {
                            gate.acquireUninterruptibly();
                            done.countDown();
                        });
            }
            assertThat(executor.getActiveCount()).isEqualTo(2);
            assertThat(executor.getPoolSize()).isEqualTo(2);
            assertThat(executor.getMaxThreads()).isEqualTo(2);
            assertThat(executor.waiting()).isEqualTo(8);
            gate.release(2);
            await(() -> done.getCount() == 8 && executor.waiting() == 6);
            assertThat(executor.getActiveCount()).isEqualTo(2);
            gate.release(8);
            done.await();
            await(() -> executor.getActiveCount() == 0);
            assertThat(executor.waiting()).isZero();
        }
    }

    @Test
    void runsWhatWaitedInTheOrderInWhichItCame() throws Exception {
        try (runtime) {
            var executor = executor(1, 100);
            var order = new ArrayList<Integer>();
            var done = new CountDownLatch(50);
            for (int i = 0; i < 50; i++) {
                int number = i;
                executor.execute(
                        () -> {
                            order.add(number);
                            done.countDown();
                        });
            }
            done.await();
            assertThat(order).isEqualTo(IntStream.range(0, 50).boxed().toList());
        }
    }

    @Test
    void refusesWithTheNumbersAndThePropertiesThatBoundThem() throws Exception {
        try (runtime) {
            var executor = executor(1, 2);
            var gate = new Semaphore(0);
            for (int i = 0; i < 3; i++) {
                executor.execute(gate::acquireUninterruptibly);
            }
            assertThatExceptionOfType(RejectedExecutionException.class)
                    .isThrownBy(() -> executor.execute(gate::acquireUninterruptibly))
                    .withMessage(
                            "'http-1' works on 1 requests (server.tomcat.threads.max=1), and 2 more"
                                    + " wait (at most 2, server.tomcat.threads.max-queue-capacity)")
                    .satisfies(e -> assertThat(e.getStackTrace()).isEmpty());
            gate.release(3);
            await(() -> executor.getActiveCount() == 0);
            executor.execute(gate::release);
            gate.acquire();
        }
    }

    @Test
    void keepsWhatWaitsWhenTheRuntimeIsFull() throws Exception {
        AvxRuntime small =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name("small")
                                .workerThreads(1)
                                .injectionQueueCapacity(1)
                                .takeOver(false) // or another thread takes what waits
                                .build());
        try (small) {
            var executor =
                    new TomcatRequestExecutor(
                            small, () -> "http-1", null, 1, TomcatRequestExecutor.MAX_THREADS, 10);
            var gate = new Semaphore(0);
            var order = new ArrayList<Integer>();
            var running = new CountDownLatch(1);
            executor.execute(
                    () -> {
                        running.countDown();
                        gate.acquireUninterruptibly();
                    });
            for (int i = 0; i < 5; i++) {
                int number = i;
                executor.execute(() -> order.add(number));
            }
            running.await();
            var held = new Semaphore(0);
            var holding = new CountDownLatch(1);
            small.handle()
                    .execute(
                            () -> {
                                holding.countDown();
                                held.acquireUninterruptibly(); // the only worker
                            });
            holding.await();
            int filler = fill(small);
            executor.limit(3); // more may start, but the runtime takes none
            assertThat(executor.waiting()).isPositive();
            held.release();
            gate.release();
            await(() -> executor.waiting() == 0 && executor.running() == 0);
            assertThat(order).hasSize(5);
            assertThat(filler).isPositive();
        }
    }

    @Test
    void startsWhatTheRuntimeRefusedWhileNothingRan() throws Exception {
        AvxRuntime small =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name("small")
                                .workerThreads(1)
                                .injectionQueueCapacity(1)
                                .build());
        long seed = System.nanoTime();
        System.out.println("RequestExecutorTest seed " + seed);
        var random = new Random(seed);
        try (small) {
            var executor =
                    new TomcatRequestExecutor(
                            small, () -> "http-1", null, 2, TomcatRequestExecutor.MAX_THREADS, 100);
            var ran = new AtomicInteger();
            int accepted = 0;
            for (int i = 0; i < 20_000; i++) {
                try {
                    executor.execute(ran::incrementAndGet);
                    accepted++;
                } catch (RejectedExecutionException e) {
                    Thread.onSpinWait(); // told, so nothing is owed
                }
                if (random.nextInt(50) == 0) {
                    executor.limit(1 + random.nextInt(3));
                }
            }
            int all = accepted;
            await(() -> ran.get() == all && executor.running() == 0 && executor.waiting() == 0);
        }
    }

    @Test
    void getsBackThePlaceOfARequestThatIsCancelledBeforeItBegins() throws Exception {
        try (runtime) {
            var executor = executor(4, 1_000);
            var ran = new AtomicInteger();
            var interrupted = new AtomicInteger();
            int submitted = 0;
            while (interrupted.get() == 0) {
                submitted += 10;
                runtime.blockOn(
                        () -> {
                            for (int i = 0; i < 10; i++) {
                                executor.execute(
                                        () -> {
                                            ran.incrementAndGet();
                                            if (Thread.interrupted()) {
                                                interrupted.incrementAndGet();
                                            }
                                        });
                            }
                            runtime.dumpFibers(
                                            FiberDump.Options.defaults()
                                                    .withNameContaining("http-1-exec-"))
                                    .tasks()
                                    .forEach(task -> runtime.cancel(task.id()));
                            return null;
                        });
                await(() -> executor.running() == 0 && executor.waiting() == 0);
                assertThat(ran).hasValue(submitted); // the server ends each connection itself
            }
        }
    }

    /** Puts fibers before the runtime until it takes no more. */
    private static int fill(AvxRuntime runtime) {
        for (int i = 0; ; i++) {
            try {
                runtime.handle().spawnDetached("filler", () -> null);
            } catch (RejectedExecutionException e) {
                return i;
            }
        }
    }

    @Test
    void saysThatTheRuntimeIsClosed() {
        var executor = executor(1, 0);
        runtime.close();
        assertThatExceptionOfType(RejectedExecutionException.class)
                .isThrownBy(() -> executor.execute(() -> {}))
                .withMessageStartingWith("runtime 'web' did not accept a request of 'http-1': ");
        assertThat(executor.getActiveCount()).isZero();
    }

    @Test
    void startsWhatWaitsWhenItIsResized() throws Exception {
        try (runtime) {
            var executor = executor(1, 10);
            var gate = new Semaphore(0);
            for (int i = 0; i < 4; i++) {
                executor.execute(gate::acquireUninterruptibly);
            }
            assertThat(executor.resizePool(0, 3)).isTrue();
            assertThat(executor.getActiveCount()).isEqualTo(3);
            assertThat(executor.waiting()).isEqualTo(1);
            assertThat(executor.resizePool(0, 0)).isFalse();
            assertThat(executor.resizeQueue(-1)).isFalse();
            assertThat(executor.resizeQueue(1)).isTrue();
            assertThatExceptionOfType(RejectedExecutionException.class)
                    .isThrownBy(() -> executor.execute(gate::acquireUninterruptibly));
            gate.release(4);
            await(() -> executor.getActiveCount() == 0);
        }
    }

    @Test
    void keepsItsPlacesWhenTasksFail() throws Exception {
        try (var quiet =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name("quiet")
                                .workerThreads(2)
                                .uncaughtFailureHandler(failure -> {})
                                .build())) {
            var executor =
                    new TomcatRequestExecutor(
                            quiet, () -> "f", null, 2, TomcatRequestExecutor.MAX_THREADS, 1000);
            for (int i = 0; i < 100; i++) {
                executor.execute(
                        () -> {
                            throw new IllegalStateException("made to fail");
                        });
            }
            var done = new CountDownLatch(1);
            executor.execute(done::countDown);
            done.await();
            await(() -> executor.getActiveCount() == 0);
        }
        runtime.close();
    }

    /** Several threads submit while the limit changes; every accepted task runs, once. */
    @Test
    void losesNothingWhenManySubmitAndTheLimitChanges() throws Exception {
        long seed = System.nanoTime();
        System.out.println("RequestExecutorTest seed " + seed);
        try (runtime) {
            var executor = executor(3, 50);
            var over = new AtomicInteger();
            var active = new AtomicInteger();
            var ran = new AtomicInteger();
            var accepted = new AtomicInteger();
            var threads = new ArrayList<Thread>();
            for (int t = 0; t < 3; t++) {
                var random = new Random(seed + t);
                threads.add(
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            // the workers may get no processor meanwhile
                                            for (int i = 0;
                                                    i < 10_000 || accepted.get() < 1_000;
                                                    i++) {
                                                int kind = random.nextInt(100);
                                                try {
                                                    executor.execute(
                                                            () -> {
                                                                if (active.incrementAndGet() > 6) {
                                                                    over.incrementAndGet();
                                                                }
                                                                if (kind == 0) {
                                                                    Thread.yield();
                                                                }
                                                                active.decrementAndGet();
                                                                ran.incrementAndGet();
                                                            });
                                                    accepted.incrementAndGet();
                                                } catch (RejectedExecutionException e) {
                                                    Thread.yield();
                                                }
                                                if (kind == 1) {
                                                    executor.limit(1 + random.nextInt(6));
                                                }
                                            }
                                        }));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            await(() -> ran.get() == accepted.get() && executor.getActiveCount() == 0);
            assertThat(executor.waiting()).isZero();
            assertThat(over.get()).isZero();
            assertThat(ran.get()).isGreaterThanOrEqualTo(1_000);
        }
    }

    static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("has not come true within 60 s");
            }
            Thread.sleep(2);
        }
    }
}
