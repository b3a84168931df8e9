package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;

import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * What the endpoint answers: the settings in force and a snapshot.
 *
 * @param runtime the runtime's name
 * @param state {@code running}, {@code closing} or {@code closed}
 * @param driver the reactor's driver in use
 * @param fibers how fibers are scheduled
 * @param configuration the settings in force, under the names of the properties {@code avx.*}
 * @param workers one entry for each worker
 * @param tasks fibers, jobs and blocking tasks
 * @param injectionQueue tasks from outside the workers
 * @param blocking the pool for code that holds its thread
 * @param timers timers
 * @param sockets sockets and their driver
 * @param activeWorkers workers in use
 * @param stalledWorkers workers that are stuck, at the watchdog's last look
 * @param stalls times the watchdog found a worker stuck
 * @param scheduleLatency time from a task's spawn to its start, of one task in 64
 * @param taskTime time a worker spends on one piece of work, of one mounting in 64
 */
public record AvxDescription(
        String runtime,
        String state,
        String driver,
        String fibers,
        Configuration configuration,
        List<WorkerMetrics> workers,
        Tasks tasks,
        InjectionQueue injectionQueue,
        Blocking blocking,
        Timers timers,
        Sockets sockets,
        int activeWorkers,
        int stalledWorkers,
        long stalls,
        LatencyDescription scheduleLatency,
        LatencyDescription taskTime) {

    /**
     * The settings in force.
     *
     * @param workerThreads number of workers
     * @param workerStackSize stack size of a worker thread in bytes, 0 for the JVM's default
     * @param threadNamePrefix prefix of worker threads' names
     * @param localQueueCapacity initial capacity of a worker's queue
     * @param injectionQueueCapacity most tasks from outside that may wait to start
     * @param fibersAccess the mode asked for
     * @param reactorDriver the driver asked for
     * @param reactorGroupSize how many workers share one driver; 0 for all
     * @param blockingMaxThreads most threads of the blocking pool
     * @param blockingKeepAlive how long an idle thread of the blocking pool stays
     * @param blockingQueueCapacity most tasks that may wait for a blocking thread
     * @param watchdogStallThreshold how long one piece of work may occupy a worker; zero is off
     * @param shutdownTimeout how long running tasks may take to finish
     */
    public record Configuration(
            int workerThreads,
            long workerStackSize,
            String threadNamePrefix,
            int localQueueCapacity,
            int injectionQueueCapacity,
            String fibersAccess,
            String reactorDriver,
            int reactorGroupSize,
            int blockingMaxThreads,
            Duration blockingKeepAlive,
            int blockingQueueCapacity,
            Duration watchdogStallThreshold,
            Duration shutdownTimeout) {}

    /**
     * Fibers, jobs and blocking tasks.
     *
     * @param live accepted and not yet ended
     * @param spawned accepted
     * @param completed ended normally
     * @param failed ended with an exception
     * @param cancelled cancelled before they ended otherwise
     * @param rejected refused
     */
    public record Tasks(
            long live, long spawned, long completed, long failed, long cancelled, long rejected) {}

    /**
     * Tasks from outside the workers.
     *
     * @param depth waiting to start
     * @param capacity most that may wait
     * @param schedules tasks scheduled from outside the workers
     */
    public record InjectionQueue(long depth, long capacity, long schedules) {}

    /**
     * The pool for code that holds its thread.
     *
     * @param threads threads now
     * @param idle threads without work
     * @param queueDepth tasks waiting for a thread
     * @param queueCapacity most that may wait
     * @param completed tasks run
     */
    public record Blocking(
            int threads, int idle, int queueDepth, int queueCapacity, long completed) {}

    /**
     * Timers.
     *
     * @param pending scheduled and neither fired nor cancelled
     * @param scheduled ever scheduled
     * @param fired fired
     * @param cancelled cancelled
     */
    public record Timers(long pending, long scheduled, long fired, long cancelled) {}

    /**
     * Sockets and their driver.
     *
     * @param open registered now
     * @param registered ever registered
     * @param deregistered deregistered
     * @param events events the driver has reported
     * @param wakeups times a sleeping driver was woken from outside
     */
    public record Sockets(
            long open, long registered, long deregistered, long events, long wakeups) {}

    static AvxDescription of(AvxRuntime runtime) {
        RuntimeConfig config = runtime.config();
        RuntimeMetrics m = runtime.metrics();
        return new AvxDescription(
                m.runtime(),
                lowerCase(RuntimeState.of(runtime)),
                m.driver(),
                m.fibers(),
                new Configuration(
                        config.workerThreads(),
                        config.workerStackSize(),
                        config.threadNamePrefix(),
                        config.localQueueCapacity(),
                        config.injectionQueueCapacity(),
                        lowerCase(config.fiberAccess()),
                        lowerCase(config.reactorDriver()),
                        config.reactorGroupSize(),
                        config.maxBlockingThreads(),
                        config.blockingKeepAlive(),
                        config.blockingQueueCapacity(),
                        config.stallThreshold(),
                        config.shutdownTimeout()),
                m.workers(),
                new Tasks(
                        m.live(),
                        m.spawned(),
                        m.completed(),
                        m.failed(),
                        m.cancelled(),
                        m.rejected()),
                new InjectionQueue(
                        m.injectionQueueDepth(), m.injectionQueueCapacity(), m.remoteSchedules()),
                new Blocking(
                        m.blockingThreads(),
                        m.idleBlockingThreads(),
                        m.blockingQueueDepth(),
                        config.blockingQueueCapacity(),
                        m.blockingCompleted()),
                new Timers(
                        m.timersPending(),
                        m.timersScheduled(),
                        m.timersFired(),
                        m.timersCancelled()),
                new Sockets(
                        m.registeredSockets(),
                        m.socketsRegistered(),
                        m.socketsDeregistered(),
                        m.ioEvents(),
                        m.driverWakeups()),
                m.activeWorkers(),
                m.stalledWorkers(),
                m.stalls(),
                LatencyDescription.of(m.scheduleLatency()),
                LatencyDescription.of(m.taskTime()));
    }

    static String lowerCase(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
