package cloud.avila.avx.testing;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A call that runs in the background, on a virtual and a platform thread in turn.
 *
 * @param <T> what it returns
 */
public final class Background<T extends @Nullable Object> {
    private static final boolean ON_ADDRESS =
            System.getProperty("avx.parker", "").equals("address");

    private static final AtomicInteger COUNT = new AtomicInteger();

    private final FutureTask<T> task;
    private final Thread thread;

    private Background(Call<T> call) {
        task = new FutureTask<>(call::run);
        int n = COUNT.getAndIncrement();
        thread =
                (n & 1) == 0
                        ? Thread.ofVirtual().name("virtual-" + n).unstarted(task)
                        : Thread.ofPlatform().name("platform-" + n).daemon().unstarted(task);
    }

    /**
     * What to run.
     *
     * @param <T> what it returns
     */
    @FunctionalInterface
    public interface Call<T extends @Nullable Object> {
        /**
         * Runs.
         *
         * @return the result
         * @throws Exception any failure
         */
        T run() throws Exception;
    }

    /** What to run, without a result. */
    @FunctionalInterface
    public interface Step {
        /**
         * Runs.
         *
         * @throws Exception any failure
         */
        void run() throws Exception;
    }

    /** Starts a call. */
    public static <T extends @Nullable Object> Background<T> start(Call<T> call) {
        var b = new Background<>(call);
        b.thread.start();
        return b;
    }

    /** Starts a call and returns when it waits. */
    public static <T extends @Nullable Object> Background<T> parked(Call<T> call) {
        var b = start(call);
        awaitParked(b.thread);
        return b;
    }

    /** Starts a step and returns when it waits. */
    public static Background<Boolean> parkedStep(Step step) {
        return parked(
                () -> {
                    step.run();
                    return true;
                });
    }

    /** Waits until a thread waits. */
    public static void awaitParked(Thread t) {
        for (; ; ) {
            switch (t.getState()) {
                case WAITING, TIMED_WAITING -> {
                    return;
                }
                case RUNNABLE -> {
                    // with -Davx.parker=address it waits in a native call, which counts as running
                    if (ON_ADDRESS && LockSupport.getBlocker(t) != null) {
                        return;
                    }
                    Thread.yield();
                }
                case TERMINATED -> throw new AssertionError(t + " ended instead of waiting");
                default -> Thread.yield();
            }
        }
    }

    /** The thread that runs the call. */
    public Thread thread() {
        return thread;
    }

    /** Interrupts the thread. */
    public void interrupt() {
        thread.interrupt();
    }

    /** Waits for the call and returns its result. */
    public T join() throws InterruptedException, ExecutionException {
        try {
            return task.get(30, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            var hang = new AssertionError(thread + " hangs");
            hang.setStackTrace(thread.getStackTrace());
            throw hang;
        }
    }

    /** Waits for the call to fail and returns with what. */
    public Throwable failure() throws InterruptedException {
        try {
            throw new AssertionError("returned " + join() + " instead of failing");
        } catch (ExecutionException e) {
            return Objects.requireNonNull(e.getCause());
        }
    }
}
