package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

/** A platform thread of a runtime: what runs on it has that runtime as its current one. */
abstract class RuntimeThread extends Thread {
    final Scheduler scheduler;

    RuntimeThread(Scheduler scheduler, @Nullable Runnable target, String name, long stack) {
        // what the creating thread holds in thread-locals is none of the tasks' business
        super(null, target, name, stack, false);
        setContextClassLoader(scheduler.contextClassLoader);
        this.scheduler = scheduler;
        setDaemon(true);
    }
}
