package cloud.avila.avx;

import cloud.avila.avx.task.Future;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;

/**
 * A reference to a running {@link AvxRuntime} that can be passed around freely: it starts work, but
 * cannot close the runtime. Thread-safe.
 */
public interface Handle {
    /**
     * The runtime of the calling thread: that of the fiber, job or blocking task being run, or the
     * one entered with {@link AvxRuntime#enter()}.
     *
     * @return the current runtime's handle
     * @throws IllegalStateException if the thread belongs to no runtime
     */
    static Handle current() {
        return tryCurrent()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "no runtime is current on thread "
                                                + Thread.currentThread()
                                                + "; call this from a fiber, or inside try"
                                                + " (EnterGuard g = runtime.enter()) { ... }"));
    }

    /**
     * The runtime of the calling thread, if there is one.
     *
     * @return the current runtime's handle, or empty
     */
    static Optional<Handle> tryCurrent() {
        return Optional.ofNullable(SchedulerHandle.current());
    }

    /**
     * The runtime's name.
     *
     * @return the name it was configured with
     */
    String runtimeName();

    /**
     * Starts a fiber: a virtual thread of this runtime's scheduler, which may block on anything.
     *
     * @param task what to run; a {@link CancellableTask} is told if it will not be
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing, or, when
     *     called from outside its workers, too many tasks wait to start
     */
    <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task);

    /**
     * Starts a fiber with a name.
     *
     * @param name the fiber's name
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link #spawn(Callable)}
     */
    <T extends @Nullable Object> JoinHandle<T> spawn(String name, Callable<? extends T> task);

    /**
     * Starts a poll task: a future that is polled on a worker's own thread and needs no thread
     * while it waits. For authors of libraries; what blocks belongs into a fiber.
     *
     * <p>Cancelling it interrupts nothing. The handle shows it cancelled at once; the future is
     * dropped, see {@link Future}, by the canceller if the task waits, else by the worker that has
     * it in hand, after the poll under way. What that poll returns is lost then.
     *
     * @param future what to poll; must not be polled by anybody else
     * @param <T> what it becomes
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link #spawn(Callable)}; the
     *     future is then not dropped, it stays the caller's
     */
    <T extends @Nullable Object> JoinHandle<T> spawnFuture(Future<? extends T> future);

    /**
     * Starts a poll task with a name, see {@link #spawnFuture(Future)}.
     *
     * @param name the task's name
     * @param future what to poll
     * @param <T> what it becomes
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link #spawn(Callable)}
     */
    <T extends @Nullable Object> JoinHandle<T> spawnFuture(String name, Future<? extends T> future);

    /**
     * Starts a fiber whose end nobody will ask for: its failure goes to the runtime's handler of
     * uncaught failures.
     *
     * @param name the fiber's name
     * @param task what to run
     * @throws java.util.concurrent.RejectedExecutionException as {@link #spawn(Callable)}
     */
    default void spawnDetached(String name, Callable<?> task) {
        spawn(name, task).detach();
    }

    /**
     * Runs a job: short code that must not block, run to its end on a worker's own thread. The
     * cheapest way to run something. What it throws goes to the runtime's handler of uncaught
     * failures.
     *
     * @param job what to run
     * @throws java.util.concurrent.RejectedExecutionException as {@link #spawn(Callable)}
     */
    void execute(Runnable job);

    /**
     * Runs code that holds its thread for long (native calls, class initialisers, busy computation)
     * on a platform thread of the blocking pool.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return the handle to it; cancelling interrupts the thread
     * @throws java.util.concurrent.RejectedExecutionException if the runtime is closing or too many
     *     tasks wait for a thread
     */
    <T extends @Nullable Object> JoinHandle<T> spawnBlocking(Callable<? extends T> task);

    /**
     * A handle to the same runtime whose fibers and jobs have another priority.
     *
     * @param priority the priority of what is started with the new handle
     * @return the handle
     */
    Handle withPriority(Priority priority);

    /**
     * Runs code that blocks its thread, or computes for long, on the calling thread, without
     * keeping other tasks from running: the worker goes on with another thread first. Costs about
     * as much as starting a thread does; dearer than {@link #spawnBlocking} when that pool is warm,
     * but the code stays on its fiber, with its thread-locals and scoped values.
     *
     * <p>On a thread that is no worker of a runtime it just runs the code. So it does if as many as
     * 256 threads of the runtime are away with such code already.
     *
     * @param code what to run
     * @param <T> what it returns
     * @return what it returned
     * @throws Exception what it threw
     */
    static <T extends @Nullable Object> T blockInPlace(Callable<? extends T> code)
            throws Exception {
        return SchedulerHandle.blockInPlace(code);
    }

    /**
     * A view of the runtime as an {@link ExecutorService}: each task is a fiber, {@code submit}
     * returns a {@link JoinHandle}. Every call makes a view with a life of its own: shutting it
     * down or closing it concerns the tasks submitted through it, and not the runtime. When the
     * runtime closes, its tasks end with it.
     *
     * <p>{@code shutdownNow} interrupts what runs, cancels what has not started, so that nobody
     * waits for it in vain, and returns that; {@code close} called by one of its own tasks is an
     * {@link IllegalStateException}. What an executed command throws goes to the runtime's handler
     * of uncaught failures.
     *
     * @return a new view
     */
    ExecutorService asExecutorService();

    /**
     * A view of the runtime as a {@link ScheduledExecutorService}, on the runtime's timers: each
     * run is a fiber. As {@link #asExecutorService()} for the rest.
     *
     * <p>Tasks never start early. Runs of a periodic task never overlap; one that throws is the
     * last, and what it threw goes to the runtime's handler of uncaught failures. A delay or period
     * beyond 146 years is 146 years. Cancelling takes constant time and leaves nothing behind.
     * After {@code shutdown} delayed tasks still run at their time and periodic ones do not; {@code
     * shutdownNow}, and the closing of the runtime, cancel both.
     *
     * @return a new view
     */
    ScheduledExecutorService asScheduledExecutorService();
}
