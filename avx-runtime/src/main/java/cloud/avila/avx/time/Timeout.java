package cloud.avila.avx.time;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Interruptible;
import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/**
 * Runs code on the calling thread and interrupts it at a deadline.
 *
 * <pre>{@code
 * String value = Timeout.call(Duration.ofMillis(250), () -> client.get(key));
 * }</pre>
 *
 * <p>The code must answer to interruption, as everything that blocks in this runtime and in the JDK
 * does; code that only computes runs on to its end. Timeouts nest: the shorter one counts.
 *
 * <p>The timers are those of the current runtime. A timeout on a thread that has entered a runtime
 * has no effect any more once that runtime is closed.
 *
 * <p>What comes out:
 *
 * <ul>
 *   <li>a value, if the code returned one, even if the deadline passed meanwhile: a message that
 *       was received or a connection that was opened is not thrown away;
 *   <li>a {@link TimeoutException}, if the code threw an exception after it was interrupted at the
 *       deadline; the exception is the cause;
 *   <li>what the code threw, if it threw before the deadline, or an {@link Error}.
 * </ul>
 *
 * <p>The timeout's own interrupt is gone when the call returns. An interrupt by somebody else is
 * not: one that came before the deadline ends the code with {@link InterruptedException}, or stays
 * set, as without a timeout. A thread has a single interrupt status: an interrupt by somebody else
 * that comes after the deadline, before the code has taken notice of the timeout's, cannot be told
 * from it and is taken for it.
 */
public final class Timeout {
    /** Code that returns nothing. */
    @FunctionalInterface
    public interface Action {
        /**
         * Runs.
         *
         * @throws Exception if it fails
         */
        void run() throws Exception;
    }

    /** Who runs an action after a delay; cancelled by {@link Future#cancel}, any thread. */
    @FunctionalInterface
    interface Timers {
        Future<?> schedule(Runnable action, long delayNanos);
    }

    private Timeout() {}

    /**
     * Runs code with a deadline.
     *
     * @param timeout how long the code may take; zero or less throws without running it
     * @param code what to run, on the calling thread
     * @param <T> what it returns
     * @return what the code returned
     * @throws TimeoutException if the code was interrupted at the deadline and then threw an
     *     exception, which is the cause
     * @throws InterruptedException if the thread was interrupted by somebody else and the code
     *     threw this
     * @throws IllegalStateException if the thread belongs to no runtime, or to one that is closed
     * @throws Exception what the code threw
     */
    public static <T extends @Nullable Object> T call(Duration timeout, Callable<? extends T> code)
            throws Exception {
        return call(currentTimers(), timeout, code);
    }

    /**
     * Runs code with a deadline, see {@link #call(Duration, Callable)}.
     *
     * @param timeout how long the code may take; zero or less throws without running it
     * @param code what to run, on the calling thread
     * @throws TimeoutException if the code was interrupted at the deadline and then threw an
     *     exception, which is the cause
     * @throws InterruptedException if the thread was interrupted by somebody else and the code
     *     threw this
     * @throws IllegalStateException if the thread belongs to no runtime, or to one that is closed
     * @throws Exception what the code threw
     */
    public static void run(Duration timeout, Action code) throws Exception {
        Objects.requireNonNull(code, "code");
        Timeout.<@Nullable Object>call(
                timeout,
                () -> {
                    code.run();
                    return null;
                });
    }

    static <T extends @Nullable Object> T call(
            Timers timers, Duration duration, Callable<? extends T> code) throws Exception {
        Objects.requireNonNull(code, "code");
        long nanos = Deadline.nanos(duration);
        if (nanos <= 0) {
            throw new TimeoutException("a timeout of " + duration + " leaves no time to run");
        }
        var block = new Interruptible();
        Future<?> timer = timers.schedule(block::interrupt, nanos);
        block.enter();
        try {
            T value = code.call();
            end(block, timer, false);
            return value;
        } catch (Exception e) {
            boolean interrupted = e instanceof InterruptedException;
            if (!end(block, timer, interrupted) || interrupted && block.isForeign()) {
                throw e;
            }
            var late = new TimeoutException("did not end within " + duration);
            late.initCause(e);
            throw late;
        } catch (Throwable t) {
            end(block, timer, false);
            throw t;
        }
    }

    /** Tells whether the deadline passed before. */
    private static boolean end(Interruptible block, Future<?> timer, boolean consumed) {
        boolean late = block.exit(consumed);
        if (!late) {
            timer.cancel(false);
        }
        return late;
    }

    private static Timers currentTimers() {
        Scheduler scheduler = Scheduler.current();
        if (scheduler == null) {
            throw new IllegalStateException(
                    "no runtime is current on thread "
                            + Thread.currentThread()
                            + ", whose timers could end the call; use Timeout in a fiber, or inside"
                            + " try (EnterGuard g = runtime.enter()) { ... }");
        }
        if (scheduler.isClosed()) {
            throw new IllegalStateException(
                    "runtime \""
                            + scheduler.name()
                            + "\" is closed, its timers end no calls any more; enter another");
        }
        return scheduler::schedule;
    }
}
