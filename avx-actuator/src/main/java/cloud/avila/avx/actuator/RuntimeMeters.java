package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxMeter.UNIT_SECONDS;
import static cloud.avila.avx.actuator.AvxMeter.UNIT_SOCKETS;
import static cloud.avila.avx.actuator.AvxMeter.UNIT_TIMERS;
import static cloud.avila.avx.actuator.AvxMeter.seconds;

import cloud.avila.avx.metrics.RuntimeMetrics;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/** The meters of a runtime as a whole. */
enum RuntimeMeters implements AvxMeter<RuntimeMetrics> {
    TASKS_LIVE(
            Type.GAUGE,
            "avx.tasks.live",
            BaseUnits.TASKS,
            "Fibers, poll tasks, jobs and blocking tasks accepted and not yet ended",
            RuntimeMetrics::live),
    TASKS_SPAWNED(
            Type.COUNTER,
            "avx.tasks.spawned",
            BaseUnits.TASKS,
            "Fibers, poll tasks, jobs and blocking tasks accepted",
            RuntimeMetrics::spawned),
    TASKS_COMPLETED(
            Type.COUNTER,
            "avx.tasks.completed",
            BaseUnits.TASKS,
            "Tasks that ended normally",
            RuntimeMetrics::completed),
    TASKS_FAILED(
            Type.COUNTER,
            "avx.tasks.failed",
            BaseUnits.TASKS,
            "Tasks that ended with an exception",
            RuntimeMetrics::failed),
    TASKS_CANCELLED(
            Type.COUNTER,
            "avx.tasks.cancelled",
            BaseUnits.TASKS,
            "Tasks cancelled before they ended otherwise",
            RuntimeMetrics::cancelled),
    TASKS_REJECTED(
            Type.COUNTER,
            "avx.tasks.rejected",
            BaseUnits.TASKS,
            "Tasks refused because a bound was reached or the runtime was closing",
            RuntimeMetrics::rejected),
    INJECTION_QUEUED(
            Type.GAUGE,
            "avx.injection.queued",
            BaseUnits.TASKS,
            "Tasks in the injection queue, from outside the workers",
            RuntimeMetrics::injectionQueueDepth),
    INJECTION_CAPACITY(
            Type.GAUGE,
            "avx.injection.capacity",
            BaseUnits.TASKS,
            "Most tasks that may wait to start in the injection queue",
            RuntimeMetrics::injectionQueueCapacity),
    INJECTION_SCHEDULES(
            Type.COUNTER,
            "avx.injection.schedules",
            BaseUnits.OPERATIONS,
            "Tasks scheduled from outside the workers",
            RuntimeMetrics::remoteSchedules),
    BLOCKING_SIZE(
            Type.GAUGE,
            "avx.blocking.size",
            BaseUnits.THREADS,
            "Threads of the blocking pool",
            RuntimeMetrics::blockingThreads),
    BLOCKING_IDLE(
            Type.GAUGE,
            "avx.blocking.idle",
            BaseUnits.THREADS,
            "Threads of the blocking pool without work",
            RuntimeMetrics::idleBlockingThreads),
    BLOCKING_QUEUED(
            Type.GAUGE,
            "avx.blocking.queued",
            BaseUnits.TASKS,
            "Tasks waiting for a thread of the blocking pool",
            RuntimeMetrics::blockingQueueDepth),
    BLOCKING_COMPLETED(
            Type.COUNTER,
            "avx.blocking.completed",
            BaseUnits.TASKS,
            "Tasks the blocking pool has run",
            RuntimeMetrics::blockingCompleted),
    TIMERS_PENDING(
            Type.GAUGE,
            "avx.timers.pending",
            UNIT_TIMERS,
            "Timers scheduled and neither fired nor cancelled",
            RuntimeMetrics::timersPending),
    TIMERS_SCHEDULED(
            Type.COUNTER,
            "avx.timers.scheduled",
            UNIT_TIMERS,
            "Timers ever scheduled",
            RuntimeMetrics::timersScheduled),
    TIMERS_FIRED(
            Type.COUNTER,
            "avx.timers.fired",
            UNIT_TIMERS,
            "Timers fired",
            RuntimeMetrics::timersFired),
    TIMERS_CANCELLED(
            Type.COUNTER,
            "avx.timers.cancelled",
            UNIT_TIMERS,
            "Timers cancelled",
            RuntimeMetrics::timersCancelled),
    SOCKETS_WATCHED(
            Type.GAUGE,
            "avx.sockets.watched",
            UNIT_SOCKETS,
            "Sockets registered with the driver now",
            RuntimeMetrics::registeredSockets),
    SOCKETS_REGISTERED(
            Type.COUNTER,
            "avx.sockets.registered",
            UNIT_SOCKETS,
            "Sockets ever registered with the driver",
            RuntimeMetrics::socketsRegistered),
    SOCKETS_DEREGISTERED(
            Type.COUNTER,
            "avx.sockets.deregistered",
            UNIT_SOCKETS,
            "Sockets deregistered from the driver",
            RuntimeMetrics::socketsDeregistered),
    IO_REPORTED(
            Type.COUNTER,
            "avx.io.reported",
            BaseUnits.EVENTS,
            "Events the driver has reported",
            RuntimeMetrics::ioEvents),
    IO_WAKEUPS(
            Type.COUNTER,
            "avx.io.wakeups",
            BaseUnits.OPERATIONS,
            "Times a sleeping driver was woken from outside",
            RuntimeMetrics::driverWakeups),
    STALLS(
            Type.COUNTER,
            "avx.stalls",
            BaseUnits.EVENTS,
            "Times the watchdog found a worker on one piece of work for longer than the stall threshold",
            RuntimeMetrics::stalls),
    YIELDS_FORCED(
            Type.COUNTER,
            "avx.yields.forced",
            BaseUnits.OPERATIONS,
            "Times a poll task gave way because the budget of its poll was exhausted",
            RuntimeMetrics::budgetForcedYields),
    STALLS_ACTIVE(
            Type.GAUGE,
            "avx.stalls.active",
            BaseUnits.THREADS,
            "Workers on one piece of work for longer than the stall threshold now",
            RuntimeMetrics::stalledWorkers),
    TAKEOVERS(
            Type.COUNTER,
            "avx.takeovers",
            BaseUnits.OPERATIONS,
            "Times a stuck worker got another thread",
            RuntimeMetrics::takeOvers),
    THREADS_AWAY(
            Type.GAUGE,
            "avx.threads.away",
            BaseUnits.THREADS,
            "Threads that have left their worker to another and still run a task",
            RuntimeMetrics::threadsAway),
    THREADS_SPARE(
            Type.GAUGE,
            "avx.threads.spare",
            BaseUnits.THREADS,
            "Threads that wait for a worker to run",
            RuntimeMetrics::spareThreads),
    WORKERS_ACTIVE(
            Type.GAUGE,
            "avx.workers.active",
            BaseUnits.THREADS,
            "Workers in use",
            RuntimeMetrics::activeWorkers),
    LANES_INTERACTIVE_QUEUED(
            Type.GAUGE,
            "avx.lanes.interactive.queued",
            BaseUnits.TASKS,
            "Tasks waiting in the interactive lane",
            RuntimeMetrics::interactiveQueueDepth),
    LANES_INTERACTIVE_SCHEDULES(
            Type.COUNTER,
            "avx.lanes.interactive.schedules",
            BaseUnits.OPERATIONS,
            "Tasks scheduled in the interactive lane",
            RuntimeMetrics::interactiveSchedules),
    LANES_BACKGROUND_QUEUED(
            Type.GAUGE,
            "avx.lanes.background.queued",
            BaseUnits.TASKS,
            "Tasks waiting in the background lane",
            RuntimeMetrics::backgroundQueueDepth),
    LANES_BACKGROUND_SCHEDULES(
            Type.COUNTER,
            "avx.lanes.background.schedules",
            BaseUnits.OPERATIONS,
            "Tasks scheduled in the background lane",
            RuntimeMetrics::backgroundSchedules),
    LANES_BACKGROUND_AGED(
            Type.COUNTER,
            "avx.lanes.background.aged",
            BaseUnits.TASKS,
            "Background tasks that ran before others because they had waited long",
            RuntimeMetrics::backgroundAged),
    SCHEDULE_LATENCY_P50(
            Type.GAUGE,
            "avx.schedule.latency.p50",
            UNIT_SECONDS,
            "Time from a task's spawn to its start, median since the start",
            m -> seconds(m.scheduleLatency().percentile(0.5))),
    SCHEDULE_LATENCY_P99(
            Type.GAUGE,
            "avx.schedule.latency.p99",
            UNIT_SECONDS,
            "Time from a task's spawn to its start, 99 % are shorter",
            m -> seconds(m.scheduleLatency().percentile(0.99))),
    TASK_TIME_P50(
            Type.GAUGE,
            "avx.task.time.p50",
            UNIT_SECONDS,
            "Time a worker spends on one piece of work, median since the start",
            m -> seconds(m.taskTime().percentile(0.5))),
    TASK_TIME_P99(
            Type.GAUGE,
            "avx.task.time.p99",
            UNIT_SECONDS,
            "Time a worker spends on one piece of work, 99 % are shorter",
            m -> seconds(m.taskTime().percentile(0.99)));

    private final MeterDefinition<RuntimeMetrics> definition;

    RuntimeMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<RuntimeMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<RuntimeMetrics> definition() {
        return definition;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.RUNTIME});
    }
}
