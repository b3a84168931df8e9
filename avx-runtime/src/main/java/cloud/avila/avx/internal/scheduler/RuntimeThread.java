package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

/** A platform thread of a runtime: what runs on it has that runtime as its current one. */
public abstract class RuntimeThread extends Thread {
    final Scheduler scheduler;

    /**
     * Makes a daemon thread, not started.
     *
     * @param scheduler what is current on it
     * @param target what it runs, or null if a subclass overrides {@link #run}
     * @param name its name
     * @param stack the size of its stack in bytes, 0 for the default
     */
    protected RuntimeThread(
            Scheduler scheduler, @Nullable Runnable target, String name, long stack) {
        // what the creating thread holds in thread-locals is none of the tasks' business
        super(null, target, name, stack, false);
        setContextClassLoader(scheduler.contextClassLoader);
        this.scheduler = scheduler;
        setDaemon(true);
    }
}
