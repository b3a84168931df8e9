package cloud.avila.avx;

/** What {@code spawnBlocking} does when every thread of the pool is busy and its queue is full. */
public enum BlockingOverflow {
    /**
     * Refuses the task with a {@link java.util.concurrent.RejectedExecutionException}. The default.
     */
    REJECT,
    /**
     * Waits until there is room, which holds the caller back. If the caller is interrupted
     * meanwhile, or is a job, poll task or blocking task of the runtime, which must not wait for
     * it, the task is refused.
     */
    WAIT,
    /**
     * Runs the task on the caller's own thread before {@code spawnBlocking} returns. A fiber gives
     * its worker up first, as with {@link Handle#blockInPlace}.
     */
    CALLER_RUNS
}
