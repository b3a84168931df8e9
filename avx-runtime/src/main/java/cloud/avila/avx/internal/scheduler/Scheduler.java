package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.metrics.RuntimeMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the public packages see of a scheduler: the real one, or one that simulates.
 *
 * <p>Every method may be called by any thread.
 */
public abstract class Scheduler {
    private static final ThreadLocal<@Nullable Scheduler> ENTERED = new ThreadLocal<>();
    // whether a runtime was ever entered on a thread of another: only then must current() ask
    private static volatile boolean enteredWithin;

    /** That of whoever made the runtime: its threads and fibers start with it. */
    final @Nullable ClassLoader contextClassLoader = Thread.currentThread().getContextClassLoader();

    private final LongAdder forcedYields = new LongAdder();
    private final TaskHooks hooks;
    private final Set<Runnable> closingListeners = ConcurrentHashMap.newKeySet();

    /** For subclasses whose front wants to be told nothing. */
    protected Scheduler() {
        this(TaskHooks.LOGGING);
    }

    /**
     * For subclasses.
     *
     * @param hooks what the front wants to be told
     */
    protected Scheduler(TaskHooks hooks) {
        this.hooks = hooks;
    }

    /**
     * What the front wants to be told.
     *
     * @return what the scheduler was made with
     */
    public final TaskHooks hooks() {
        return hooks;
    }

    /**
     * Has a listener run when the scheduler begins to close, on the thread that closes it. Who adds
     * one late finds {@link #isClosing()} true after that.
     *
     * @param listener short, does not block, does not throw
     */
    public final void addClosingListener(Runnable listener) {
        closingListeners.add(listener);
    }

    /**
     * Forgets a listener.
     *
     * @param listener one that was added
     */
    public final void removeClosingListener(Runnable listener) {
        closingListeners.remove(listener);
    }

    /** To be called when {@link #isClosing()} has become true. */
    protected final void tellClosingListeners() {
        closingListeners.forEach(Runnable::run);
    }

    /**
     * The scheduler of the calling fiber, job or blocking task, or the one its thread has entered.
     *
     * @return the current scheduler, or null if the thread belongs to none
     */
    public static @Nullable Scheduler current() {
        if (Carrier.current() instanceof RuntimeThread thread && !enteredWithin) {
            return thread.scheduler;
        }
        Scheduler entered = ENTERED.get();
        if (entered == null && Carrier.current() instanceof RuntimeThread thread) {
            return thread.scheduler;
        }
        return entered;
    }

    /**
     * Makes a scheduler the calling thread's current one.
     *
     * @param scheduler the scheduler, or null to go back to the thread's own
     * @return what was set before
     */
    public static @Nullable Scheduler enter(@Nullable Scheduler scheduler) {
        Scheduler before = ENTERED.get();
        if (scheduler != null && Carrier.current() instanceof RuntimeThread) {
            enteredWithin = true;
        }
        if (scheduler == null) {
            ENTERED.remove();
        } else {
            ENTERED.set(scheduler);
        }
        return before;
    }

    /** Whether the calling thread has entered this scheduler. */
    final boolean isEntered() {
        return ENTERED.get() == this;
    }

    /**
     * Runs code that holds its thread on the blocking pool and waits for it; on a thread that
     * belongs to no runtime, runs it right there.
     *
     * @param code what to run
     * @param <T> what it returns
     * @return what it returned
     * @throws Exception what it threw, or InterruptedException
     */
    public static <T extends @Nullable Object> T callBlocking(Callable<T> code) throws Exception {
        Scheduler scheduler = current();
        if (scheduler == null || !Thread.currentThread().isVirtual()) {
            return code.call();
        }
        FutureTask<T> future = new FutureTask<>(code);
        scheduler.startBlocking(new PlainTask(scheduler.nextId(), future));
        try {
            return future.get();
        } catch (InterruptedException e) {
            future.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Exception cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new CompletionException(e.getCause());
            }
        }
    }

    /**
     * Runs a task on its thread, for schedulers of other packages.
     *
     * @param task the task
     */
    protected static void runTask(TrackedTask task) {
        task.runTask();
    }

    /**
     * How a task ended, for schedulers of other packages.
     *
     * @param task a task that has ended
     * @return the kind of end
     */
    protected static TrackedTask.Ending endingOf(TrackedTask task) {
        return task.ending();
    }

    /**
     * What to call a task in messages, for schedulers of other packages.
     *
     * @param task the task
     * @return its name
     */
    protected static String nameOf(TrackedTask task) {
        return task.displayName();
    }

    /**
     * Notes when a task was accepted, for schedulers of other packages.
     *
     * @param task a task that is not known to others yet
     * @param nanoTime the present
     */
    protected static void noteAccepted(TrackedTask task, long nanoTime) {
        task.acceptedNanos = nanoTime;
    }

    /**
     * Cancels a task because the runtime closes, for schedulers of other packages.
     *
     * @param task the task
     */
    protected static void cancelTask(TrackedTask task) {
        task.cancelOnShutdown();
    }

    /**
     * Whether the caller runs on a thread of this scheduler, so that waiting for the scheduler to
     * end, or blocking until other work of it is done, could wait for itself.
     *
     * @return true on a fiber, job, poll task or blocking task of this scheduler
     */
    public abstract boolean isInside();

    /**
     * The name of the runtime.
     *
     * @return its name
     */
    public abstract String name();

    /**
     * Draws the number of a new task.
     *
     * @return a number not drawn before from this scheduler
     */
    public abstract long nextId();

    /**
     * Starts a fiber.
     *
     * @param task what it runs
     * @param name the thread's name, or null for none
     * @param lane how urgent it is
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or too
     *     many tasks from outside wait to start
     */
    public abstract void startFiber(TrackedTask task, @Nullable String name, Lane lane);

    /**
     * Runs a job on a worker's thread.
     *
     * @param body what to run
     * @param lane how urgent it is
     * @throws java.util.concurrent.RejectedExecutionException as {@link #startFiber}
     */
    public abstract void execute(Runnable body, Lane lane);

    /**
     * Accepts a task that runs in steps on worker threads, and queues its first step. Whoever runs
     * its last step calls {@link #taskEnded}.
     *
     * @param task what is tracked
     * @param step runs one step: short, does not block, does not throw
     * @throws java.util.concurrent.RejectedExecutionException as {@link #startFiber}
     */
    public abstract void startSteps(TrackedTask task, Runnable step);

    /**
     * Queues a further step of an accepted task, to run soon: the caller has just made it ready.
     *
     * @param step runs one step
     */
    public abstract void resume(Runnable step);

    /**
     * Queues a further step of an accepted task, behind what waits already.
     *
     * @param step runs one step
     */
    public abstract void yield(Runnable step);

    /** Counts a task that gave way because its budget was exhausted. */
    public final void countForcedYield() {
        forcedYields.increment();
    }

    /**
     * How often a task gave way because its budget was exhausted.
     *
     * @return times since the start
     */
    protected final long forcedYields() {
        return forcedYields.sum();
    }

    /**
     * Takes an accepted task that runs in steps off the books.
     *
     * @param task a task whose end is final
     */
    public abstract void taskEnded(TrackedTask task);

    /**
     * Runs a task on the blocking pool.
     *
     * @param task what to run
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing or the pool
     *     is full
     */
    public abstract void startBlocking(TrackedTask task);

    /**
     * Prepares the calling task for holding its thread: from now until it next gives its worker
     * back it runs on a thread that no other task waits for. Does nothing on threads that are no
     * workers, or if no thread can be spared.
     */
    public abstract void leaveWorker();

    /**
     * Schedules an action; never blocks.
     *
     * @param action runs on a worker's thread: short, does not block, does not throw
     * @param delayNanos how long from now
     * @return the timer, to cancel it
     */
    public abstract Timer schedule(Runnable action, long delayNanos);

    /**
     * Looks up the addresses of a host name, on a thread that may block.
     *
     * @param host the name
     * @return its addresses, at least one
     * @throws IOException if it has none
     * @throws InterruptedException if the thread was interrupted while it waited
     */
    public InetAddress[] resolve(String host) throws IOException, InterruptedException {
        try {
            return callBlocking(() -> InetAddress.getAllByName(host));
        } catch (IOException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("looking up " + host + " threw " + e, e);
        }
    }

    /**
     * The reactor's driver, opened at the first use.
     *
     * @return the driver
     * @throws java.io.UncheckedIOException if the system refuses it
     * @throws IllegalStateException if the runtime is closed
     */
    public abstract IoDriver driver();

    /**
     * Changes the number of workers.
     *
     * @param count 1 to {@link SchedulerSettings#MAX_WORKERS}
     * @throws IllegalStateException if the scheduler is closing
     */
    public abstract void resize(int count);

    /**
     * How long one piece of work may occupy a worker.
     *
     * @return nanoseconds, 0 for as long as it likes
     */
    public abstract long stallNanos();

    /**
     * Sets how long one piece of work may occupy a worker before it is reported.
     *
     * @param nanos not negative, 0 for as long as it likes
     */
    public abstract void stallNanos(long nanos);

    /**
     * Stops: refuses tasks from outside, lets the live ones finish, cancels those that do not in
     * time, ends the workers, closes the driver. Reports by name what did not end. Idempotent; a
     * second caller waits for the first. Called from inside, it goes on in a thread of its own.
     *
     * @param timeoutNanos how long tasks may go on
     */
    public abstract void close(long timeoutNanos);

    /**
     * Whether {@link #close} has been called.
     *
     * @return true from then on
     */
    public abstract boolean isClosing();

    /**
     * Whether {@link #close} has come to its end.
     *
     * @return true from then on
     */
    public abstract boolean isClosed();

    /**
     * A snapshot of everything counted here.
     *
     * @return the metrics
     */
    public abstract RuntimeMetrics metrics();
}
