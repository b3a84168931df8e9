package cloud.avila.avx.time;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
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
    /*
     * Overview.
     *
     * state decides by compare-and-set who is first, the code that ends (RUNNING -> ENDED) or the
     * timer (RUNNING -> FIRING -> FIRED). The timer interrupts the thread between FIRING and FIRED,
     * and the thread does not leave the call in FIRING: so the interrupt is delivered before the
     * call returns, and can be cleared, or not at all.
     *
     * Calls in progress on one thread are a stack, found through CURRENT. Clearing the status at
     * the end of one could swallow the interrupt of an enclosing one that fired as well; so if an
     * enclosing one has fired, the thread interrupts itself again. Not while that one is FIRING: its
     * own interrupt would come as a second one, and outlive the call.
     *
     * A timer that finds the thread interrupted already, and not by a timeout of the stack, notes
     * that the interrupt is somebody else's. interrupts, in the outermost call, tells: its upper
     * half counts timeouts that have fired, before they interrupt, and its lower half those of them
     * that have ended, after they cleared the status. Equal halves, unchanged while the timer looked
     * at the status, mean that no timeout had a hand in it. An interrupt by somebody else that comes
     * between this look and the timer's own interrupt counts as coming after the deadline.
     *
     * state and interrupts: volatile, timer and thread. foreign: plain, written by the timer before
     * FIRED, read by the thread after.
     */

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

    private static final int RUNNING = 0;
    private static final int ENDED = 1;
    private static final int FIRING = 2;
    private static final int FIRED = 3;

    private static final long ONE_FIRED = 1L << 32;
    private static final long ONE_ENDED = 1;

    private static final ThreadLocal<@Nullable Timeout> CURRENT = new ThreadLocal<>();

    private static final VarHandle STATE;
    private static final VarHandle INTERRUPTS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(Timeout.class, "state", int.class);
            INTERRUPTS = lookup.findVarHandle(Timeout.class, "interrupts", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Thread thread = Thread.currentThread();
    private final @Nullable Timeout enclosing;
    private final Timeout outermost;
    private volatile int state;
    private volatile long interrupts;
    private boolean foreign;

    private Timeout(@Nullable Timeout enclosing) {
        this.enclosing = enclosing;
        this.outermost = enclosing == null ? this : enclosing.outermost;
    }

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
        var timeout = new Timeout(CURRENT.get());
        Future<?> timer = timers.schedule(timeout::fire, nanos);
        CURRENT.set(timeout);
        try {
            T value = code.call();
            timeout.end(timer, false);
            return value;
        } catch (Exception e) {
            boolean interrupted = e instanceof InterruptedException;
            if (!timeout.end(timer, interrupted) || interrupted && timeout.foreign) {
                throw e;
            }
            var late = new TimeoutException("did not end within " + duration);
            late.initCause(e);
            throw late;
        } catch (Throwable t) {
            timeout.end(timer, false);
            throw t;
        }
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

    /** The timer's action. */
    private void fire() {
        if (!STATE.compareAndSet(this, RUNNING, FIRING)) {
            return;
        }
        long before = outermost.interrupts;
        foreign =
                before >>> 32 == (int) before
                        && thread.isInterrupted()
                        && outermost.interrupts == before;
        INTERRUPTS.getAndAdd(outermost, ONE_FIRED);
        thread.interrupt();
        state = FIRED;
    }

    /**
     * Ends the call and puts the interrupt status right.
     *
     * @param consumed whether the code threw InterruptedException, so that a status that is set
     *     stems from a further interrupt
     * @return whether the deadline passed before
     */
    private boolean end(Future<?> timer, boolean consumed) {
        if (enclosing == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(enclosing);
        }
        if (STATE.compareAndSet(this, RUNNING, ENDED)) {
            timer.cancel(false);
            return false;
        }
        awaitFired();
        boolean interrupt = Thread.interrupted() && (foreign || consumed);
        INTERRUPTS.getAndAdd(outermost, ONE_ENDED);
        for (Timeout t = enclosing; t != null; t = t.enclosing) {
            t.awaitFired();
            interrupt |= t.state == FIRED;
        }
        if (interrupt) {
            thread.interrupt();
        }
        return true;
    }

    /** Waits for a timer that is just interrupting the thread, for a moment. */
    private void awaitFired() {
        while (state == FIRING) {
            Thread.yield();
        }
    }
}
