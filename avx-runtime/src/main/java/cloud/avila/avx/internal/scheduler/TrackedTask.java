package cloud.avila.avx.internal.scheduler;

import org.jspecify.annotations.Nullable;

/**
 * A task with a thread of its own, a fiber or one of the blocking pool, as its runtime tracks it.
 */
public abstract class TrackedTask extends FiberRegistry.Entry implements Runnable {
    // written once, before it is queued
    boolean onFiber; // it wants a virtual thread
    Lane lane = Lane.NORMAL;
    @Nullable String threadName;
    long acceptedNanos;
    long queuedNanos; // 0 unless its wait is measured

    /** For subclasses. */
    protected TrackedTask() {}

    /** Runs the task on its thread; never throws. */
    protected abstract void runTask();

    @Override
    final TrackedTask task() {
        return this;
    }

    /** For queues only, which hold tasks and continuations alike. */
    @Override
    public void run() {
        throw new IllegalStateException(displayName() + " was run without a fiber");
    }

    /**
     * When the task was accepted.
     *
     * @return a value of {@link System#nanoTime()}, up to a millisecond or so too early
     */
    protected final long acceptedNanos() {
        return acceptedNanos;
    }

    /**
     * How the task ended; asked after {@link #runTask}.
     *
     * @return the kind of end
     */
    protected abstract Ending ending();

    /** Cancels the task because the runtime closes. */
    protected abstract void cancelOnShutdown();

    /**
     * The thread that runs the task.
     *
     * @return the thread, or null before it runs
     */
    protected abstract @Nullable Thread thread();

    /**
     * What to call the task in messages.
     *
     * @return its name
     */
    protected abstract String displayName();

    /** The kinds of end that are counted. */
    public enum Ending {
        /** It returned. */
        COMPLETED,
        /** It threw. */
        FAILED,
        /** It was cancelled. */
        CANCELLED
    }
}
