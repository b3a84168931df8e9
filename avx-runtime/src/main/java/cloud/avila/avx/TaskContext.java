package cloud.avila.avx;

import cloud.avila.avx.ContextPropagator.Captured;
import cloud.avila.avx.ContextPropagator.Restored;
import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.scheduler.TaskHooks;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.util.concurrent.Callable;

/** What a task takes along from who starts it: task-locals, and what propagators have captured. */
final class TaskContext {
    private static final BoundedLog LOG = new BoundedLog(TaskContext.class);

    private final Object @Nullable [] locals;
    private final @Nullable Captured @Nullable [] captured;

    private TaskContext(Object @Nullable [] locals, @Nullable Captured @Nullable [] captured) {
        this.locals = locals;
        this.captured = captured;
    }

    /**
     * The calling thread's context; null if there is nothing to take along.
     *
     * @throws IllegalStateException if a propagator throws
     */
    static @Nullable TaskContext capture(RuntimeHooks hooks) {
        Object[] locals = TaskLocal.current();
        @Nullable Captured[] captured =
                hooks.propagators == null ? null : captureAll(hooks.propagators);
        return locals == null && captured == null ? null : new TaskContext(locals, captured);
    }

    private static @Nullable Captured @Nullable [] captureAll(ContextPropagator[] propagators) {
        var captured = new @Nullable Captured[propagators.length];
        boolean any = false;
        for (int i = 0; i < propagators.length; i++) {
            try {
                captured[i] = propagators[i].capture();
            } catch (Throwable e) {
                throw new IllegalStateException(
                        "context propagator "
                                + propagators[i]
                                + " threw when it was to capture the context of "
                                + Thread.currentThread()
                                + ", so the task is not started",
                        e);
            }
            any |= captured[i] != null;
        }
        return any ? captured : null;
    }

    /** The code of a task, in the calling thread's context. */
    static <T extends @Nullable Object> Callable<? extends T> around(
            RuntimeHooks hooks, Callable<? extends T> body) {
        TaskContext context = capture(hooks);
        if (context == null) {
            return body;
        }
        return body instanceof CancellableTask<? extends T> cancellable
                ? new Cancellable<T>(context, cancellable)
                : () -> context.<T>call(body);
    }

    private record Cancellable<T extends @Nullable Object>(
            TaskContext context, CancellableTask<? extends T> body) implements CancellableTask<T> {
        @Override
        public T call() throws Exception {
            return context.<T>call(body);
        }

        @Override
        public void cancelled() {
            body.cancelled();
        }
    }

    /** A job, in the calling thread's context. */
    static Runnable around(RuntimeHooks hooks, Runnable job) {
        TaskContext context = capture(hooks);
        return context == null ? job : new Job(context, job);
    }

    private record Job(TaskContext context, Runnable wrapped) implements TaskHooks.Wrapper {
        @Override
        public void run() {
            context.run(wrapped);
        }
    }

    /** Runs code in this context. */
    void run(Runnable code) {
        try {
            this.<@Nullable Object>call(
                    () -> {
                        code.run();
                        return null;
                    });
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("a Runnable threw a checked exception", e);
        }
    }

    /**
     * Runs code in this context.
     *
     * @throws IllegalStateException if a propagator could not restore; the code has not been run
     */
    <R extends @Nullable Object> R call(Callable<? extends R> code) throws Exception {
        return locals == null
                ? this.<R>callRestored(code)
                : TaskLocal.<R, Exception>callWith(locals, () -> this.<R>callRestored(code));
    }

    private <R extends @Nullable Object> R callRestored(Callable<? extends R> code)
            throws Exception {
        if (captured == null) {
            return code.call();
        }
        var restored = new @Nullable Restored[captured.length];
        try {
            for (int i = 0; i < restored.length; i++) {
                Captured c = captured[i];
                restored[i] = c == null ? null : c.restore();
            }
        } catch (Throwable e) {
            close(restored);
            throw new IllegalStateException(
                    "a context propagator threw when it was to restore a context, so the task has"
                            + " not been run",
                    e);
        }
        try {
            return code.call();
        } finally {
            close(restored);
        }
    }

    private static void close(@Nullable Restored[] restored) {
        for (int i = restored.length - 1; i >= 0; i--) {
            Restored r = restored[i];
            if (r != null) {
                try {
                    r.close();
                } catch (Throwable e) {
                    LOG.log(
                            Level.ERROR,
                            "a context propagator threw when it was to take its context off "
                                    + Thread.currentThread(),
                            e);
                }
            }
        }
    }
}
