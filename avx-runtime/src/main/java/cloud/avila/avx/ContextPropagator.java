package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

/**
 * Carries something that is bound to threads (a tracing span, a logging context, a security
 * context) from who starts a task to the task. Set by {@link
 * RuntimeConfig.Builder#contextPropagators}.
 *
 * <p>It is asked for fibers, jobs, poll tasks, blocking tasks, and what the executor views run:
 * {@link #capture()} on the thread that starts the task, {@link Captured#restore()} on the thread
 * that runs it, before its code (for a poll task: before every poll), {@link Restored#close()} on
 * that thread after it. All three must be short and must not block.
 *
 * <p>A task never runs in a context that is not its own: if capture throws, the task is refused
 * with an {@link IllegalStateException}; if restore throws, the task fails without having run. If
 * close throws, that goes to the log, and what the task did counts.
 */
@FunctionalInterface
public interface ContextPropagator {
    /**
     * What was captured; restored at most once by a task that runs once, any number of times by a
     * periodic or a poll task, on one thread at a time.
     */
    @FunctionalInterface
    interface Captured {
        /**
         * Puts the context onto the calling thread.
         *
         * @return what takes it off again
         */
        Restored restore();
    }

    /** Takes a context off its thread. */
    @FunctionalInterface
    interface Restored extends AutoCloseable {
        /** Puts back what was there before. */
        @Override
        void close();
    }

    /**
     * Takes hold of the calling thread's context.
     *
     * @return what to restore around the task; null if there is nothing
     */
    @Nullable Captured capture();
}
