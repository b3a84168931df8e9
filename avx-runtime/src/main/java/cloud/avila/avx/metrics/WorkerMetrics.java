package cloud.avila.avx.metrics;

import java.time.Duration;

/**
 * What one worker has done since the runtime started. All counts are monotonic.
 *
 * @param index the worker's number, from 0
 * @param threadName name of the thread that runs the worker
 * @param state what it is doing
 * @param localQueueDepth tasks waiting in its own queue, its LIFO slot included
 * @param executed tasks it ran: one for each mounting of a fiber and for each job
 * @param localSchedules tasks scheduled from the worker itself
 * @param lifoHits tasks it took from its LIFO slot
 * @param injected tasks it took from the injection queue
 * @param steals tasks it took from other workers' queues
 * @param stealOperations successful raids on other workers' queues
 * @param parks times it went to sleep
 * @param unparks times it was woken
 * @param noops times it woke and found nothing to do
 * @param driverPolls calls of the driver, waiting or not
 * @param ioEvents events the driver gave it
 * @param timersFired timers it fired
 * @param busyTime time spent awake
 */
public record WorkerMetrics(
        int index,
        String threadName,
        WorkerState state,
        int localQueueDepth,
        long executed,
        long localSchedules,
        long lifoHits,
        long injected,
        long steals,
        long stealOperations,
        long parks,
        long unparks,
        long noops,
        long driverPolls,
        long ioEvents,
        long timersFired,
        Duration busyTime) {}
