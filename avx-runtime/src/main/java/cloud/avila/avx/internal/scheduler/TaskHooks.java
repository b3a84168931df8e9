package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.log.BoundedLog;

import java.lang.System.Logger.Level;

/** What the front of a runtime wants to be told by its scheduler. */
@FunctionalInterface
public interface TaskHooks {
    /** Writes failures to the log. */
    TaskHooks LOGGING = logging();

    private static TaskHooks logging() {
        var log = new BoundedLog(TaskHooks.class);
        return (task, failure) -> log.log(Level.ERROR, () -> task + " failed", failure);
    }

    /**
     * A task has failed, and nobody will ask how it ended.
     *
     * @param task its name
     * @param failure what it threw
     */
    void failed(String task, Throwable failure);

    /** A job that wraps another, which it is to be named after. */
    interface Wrapper extends Runnable {
        /**
         * What is wrapped.
         *
         * @return the job as it was submitted
         */
        Runnable wrapped();
    }
}
