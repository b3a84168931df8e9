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
 * @param lifoCapped times its LIFO slot had to let the queue go first
 * @param injectionBatches batches it took from the injection queue
 * @param injectionInterval tasks it runs between two looks at the injection queue, timers and
 *     driver, as it has tuned itself
 * @param searches times it searched other workers' queues
 * @param spinHits searches that found work only after some spinning
 * @param lateFinds times its last look before going to sleep found work
 * @param chainedWakeUps times it woke another worker because it was the last to search and found
 *     work
 * @param busyPolls calls of the driver between two tasks, because no other worker waited in it
 * @param timersTakenOver timers of other workers it fired
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
        long lifoCapped,
        long injectionBatches,
        int injectionInterval,
        long searches,
        long spinHits,
        long lateFinds,
        long chainedWakeUps,
        long busyPolls,
        long timersTakenOver,
        Duration busyTime) {}
