package cloud.avila.avx.metrics;

import java.util.List;

/**
 * A snapshot of a runtime. Taking one costs the workers nothing; its numbers are read one after the
 * other, so sums may differ by what happened meanwhile.
 *
 * @param runtime the runtime's name
 * @param driver the reactor's driver in force, for example {@code epoll}
 * @param fibers how fibers are scheduled: {@code workers-opened}, {@code workers-unsafe} or {@code
 *     jdk}
 * @param workers one entry for each worker
 * @param live fibers, poll tasks, jobs and blocking tasks accepted and not yet ended
 * @param spawned tasks accepted: fibers, poll tasks, jobs and blocking tasks
 * @param completed tasks that ended normally
 * @param failed tasks that ended with an exception
 * @param cancelled tasks cancelled before they ended otherwise
 * @param rejected tasks refused because a bound was reached or the runtime was closing
 * @param injectionQueueDepth tasks waiting in the injection queue
 * @param injectionQueueCapacity bound of tasks waiting to start in the injection queue
 * @param remoteSchedules tasks scheduled from outside the workers
 * @param blockingThreads threads of the blocking pool
 * @param idleBlockingThreads threads of the blocking pool without work
 * @param blockingQueueDepth tasks waiting for a blocking thread
 * @param blockingCompleted tasks the blocking pool has run
 * @param timersPending timers scheduled and neither fired nor cancelled
 * @param timersScheduled timers ever scheduled
 * @param timersFired timers fired
 * @param timersCancelled timers cancelled
 * @param registeredSockets descriptors registered with the driver
 * @param socketsRegistered descriptors ever registered
 * @param socketsDeregistered descriptors deregistered
 * @param ioEvents events the driver has reported
 * @param driverWakeups times a sleeping driver was woken from outside
 * @param stalls times the watchdog found a worker on one piece of work for longer than the stall
 *     threshold
 * @param budgetForcedYields times a poll task gave way because the budget of its poll was exhausted
 * @param activeWorkers workers in use; there were more if {@code workers} is longer
 * @param stalledWorkers workers on one piece of work for longer than the stall threshold, at the
 *     watchdog's last look
 * @param takeOvers times a stuck worker got another thread
 * @param threadsAway threads that have left their worker to another and still run a task
 * @param spareThreads threads that wait for a worker to run
 * @param interactiveQueueDepth tasks waiting in the interactive lane
 * @param interactiveSchedules tasks scheduled in the interactive lane
 * @param backgroundQueueDepth tasks waiting in the background lane
 * @param backgroundSchedules tasks scheduled in the background lane
 * @param backgroundAged background tasks that ran before others because they had waited for long
 * @param scheduleLatency time from a task's spawn to its start, of one task in 64
 * @param taskTime time a worker spends on one piece of work, of one mounting in 64
 * @param sockets what the sockets have done, one entry for each kind, in the order of the kinds;
 *     all zero in a simulation
 */
public record RuntimeMetrics(
        String runtime,
        String driver,
        String fibers,
        List<WorkerMetrics> workers,
        long live,
        long spawned,
        long completed,
        long failed,
        long cancelled,
        long rejected,
        long injectionQueueDepth,
        long injectionQueueCapacity,
        long remoteSchedules,
        int blockingThreads,
        int idleBlockingThreads,
        int blockingQueueDepth,
        long blockingCompleted,
        long timersPending,
        long timersScheduled,
        long timersFired,
        long timersCancelled,
        long registeredSockets,
        long socketsRegistered,
        long socketsDeregistered,
        long ioEvents,
        long driverWakeups,
        long stalls,
        long budgetForcedYields,
        int activeWorkers,
        int stalledWorkers,
        long takeOvers,
        int threadsAway,
        int spareThreads,
        long interactiveQueueDepth,
        long interactiveSchedules,
        long backgroundQueueDepth,
        long backgroundSchedules,
        long backgroundAged,
        LatencyHistogram scheduleLatency,
        LatencyHistogram taskTime,
        List<SocketMetrics> sockets) {

    /** Keeps its own copies of the lists. */
    public RuntimeMetrics {
        workers = List.copyOf(workers);
        sockets = List.copyOf(sockets);
    }

    /**
     * What the sockets of a kind have done.
     *
     * @param kind the kind
     * @return the numbers, zeros if there never was one
     */
    public SocketMetrics sockets(SocketKind kind) {
        for (SocketMetrics each : sockets) {
            if (each.kind() == kind) {
                return each;
            }
        }
        return SocketMetrics.none(kind);
    }
}
