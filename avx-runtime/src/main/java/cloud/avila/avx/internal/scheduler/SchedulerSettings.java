package cloud.avila.avx.internal.scheduler;

/**
 * What a scheduler is made with; checked by whoever makes it.
 *
 * @param name name of the runtime
 * @param workers number of workers
 * @param stackSize stack size of worker threads in bytes, 0 for the JVM's default
 * @param threadNamePrefix prefix of worker threads' names
 * @param localQueueCapacity initial capacity of a worker's queue, a power of two
 * @param injectionCapacity most tasks from outside that may wait to start
 * @param fibers how fibers get onto the workers
 * @param reuse when a virtual thread runs another task after its first
 * @param driver name of the reactor's driver
 * @param groupSize how many workers share one driver, 0 for all of them
 * @param maxBlockingThreads most threads of the blocking pool
 * @param blockingKeepAliveNanos how long an idle blocking thread stays
 * @param blockingQueueCapacity most tasks that may wait for a blocking thread
 * @param overflow what becomes of a task beyond that
 * @param stallNanos how long one piece of work may take before it is reported, 0 for never
 * @param takeOver whether a stuck worker's slot moves to another thread
 * @param affinity whether each worker stays on one processor
 */
public record SchedulerSettings(
        String name,
        int workers,
        long stackSize,
        String threadNamePrefix,
        int localQueueCapacity,
        int injectionCapacity,
        FiberPolicy fibers,
        Reuse reuse,
        String driver,
        int groupSize,
        int maxBlockingThreads,
        long blockingKeepAliveNanos,
        int blockingQueueCapacity,
        Overflow overflow,
        long stallNanos,
        boolean takeOver,
        boolean affinity) {

    /** The most workers there can ever be. */
    public static final int MAX_WORKERS = 1024;

    /** When a virtual thread runs another task after its first. */
    public enum Reuse {
        /** When it has ended its task. */
        ALWAYS,
        /** When it has ended its task, and never parked. */
        UNTIL_PARKED,
        /** Never. */
        NEVER
    }

    /** How hard to try to run fibers on the workers. */
    public enum FiberPolicy {
        /** By any means. */
        ANY_ACCESS,
        /** Only if {@code java.lang} is open; else there is no scheduler. */
        OPENED_ONLY,
        /** Not at all. */
        JDK_SCHEDULER
    }

    /** What becomes of a blocking task that finds the queue full. */
    public enum Overflow {
        /** It is refused. */
        REJECT,
        /** Its submitter waits. */
        WAIT,
        /** Its submitter runs it. */
        CALLER_RUNS
    }
}
