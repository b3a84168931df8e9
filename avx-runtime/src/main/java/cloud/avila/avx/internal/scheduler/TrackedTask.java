package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.metrics.TaskKind;

import org.jspecify.annotations.Nullable;

/**
 * A task with a thread of its own, a fiber or one of the blocking pool, as its runtime tracks it.
 */
public abstract class TrackedTask extends FiberRegistry.Entry implements Runnable {
    // written once, before it is queued
    TaskKind kind = TaskKind.FIBER;
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
     * The number of the task.
     *
     * @return a number that no other task of its scheduler has
     */
    protected abstract long id();

    /**
     * How far the task is.
     *
     * @return its stage
     */
    protected abstract Stage stage();

    /**
     * Keeps what is being recorded of a task that runs in steps; other tasks do not keep it here.
     *
     * @param recording from now to the end of the task
     */
    protected void keepRecording(@Nullable Object recording) {}

    /**
     * What is being recorded.
     *
     * @return what was given to {@link #keepRecording}, if anything was
     */
    protected @Nullable Object recording() {
        return null;
    }

    /**
     * The thread that runs the task. The thread may run another task next: who looks at what it
     * does asks again afterwards whether it is still this task's.
     *
     * @return the thread, or null before it runs, after its end and for a task that runs in steps
     */
    protected abstract @Nullable Thread thread();

    /**
     * What to call the task in messages.
     *
     * @return its name
     */
    protected abstract String displayName();

    /** How far a task is. */
    public enum Stage {
        /** It waits for its turn, for the first time or, in steps, once more. */
        QUEUED,
        /** It runs on its {@link #thread()}. */
        STARTED,
        /** In steps: it waits for something else than its turn. */
        IDLE,
        /** Its end is decided; if it was cancelled, its code may still run. */
        ENDED
    }

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
