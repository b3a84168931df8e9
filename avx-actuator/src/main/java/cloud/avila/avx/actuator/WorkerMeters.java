package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxMeter.UNIT_SECONDS;
import static cloud.avila.avx.actuator.AvxMeter.UNIT_TIMERS;
import static cloud.avila.avx.actuator.AvxMeter.seconds;

import cloud.avila.avx.metrics.WorkerMetrics;

import io.micrometer.common.docs.KeyName;
import io.micrometer.core.instrument.Meter.Type;
import io.micrometer.core.instrument.binder.BaseUnits;

import org.jspecify.annotations.Nullable;

import java.util.function.ToDoubleFunction;

/** The meters of one worker. */
enum WorkerMeters implements AvxMeter<WorkerMetrics> {
    QUEUED(
            Type.GAUGE,
            "avx.worker.queued",
            BaseUnits.TASKS,
            "Tasks waiting in the worker's own queue",
            WorkerMetrics::localQueueDepth),
    EXECUTED(
            Type.COUNTER,
            "avx.worker.executed",
            BaseUnits.TASKS,
            "Mountings of a fiber and jobs the worker ran",
            WorkerMetrics::executed),
    SCHEDULES(
            Type.COUNTER,
            "avx.worker.schedules",
            BaseUnits.OPERATIONS,
            "Tasks scheduled from the worker itself",
            WorkerMetrics::localSchedules),
    LIFO(
            Type.COUNTER,
            "avx.worker.lifo",
            BaseUnits.TASKS,
            "Tasks taken from the worker's LIFO slot",
            WorkerMetrics::lifoHits),
    INJECTED(
            Type.COUNTER,
            "avx.worker.injected",
            BaseUnits.TASKS,
            "Tasks taken from the injection queue",
            WorkerMetrics::injected),
    STOLEN(
            Type.COUNTER,
            "avx.worker.stolen",
            BaseUnits.TASKS,
            "Tasks taken from other workers' queues",
            WorkerMetrics::steals),
    RAIDS(
            Type.COUNTER,
            "avx.worker.raids",
            BaseUnits.OPERATIONS,
            "Successful raids on other workers' queues",
            WorkerMetrics::stealOperations),
    PARKS(
            Type.COUNTER,
            "avx.worker.parks",
            BaseUnits.OPERATIONS,
            "Times the worker went to sleep",
            WorkerMetrics::parks),
    UNPARKS(
            Type.COUNTER,
            "avx.worker.unparks",
            BaseUnits.OPERATIONS,
            "Times the worker was woken",
            WorkerMetrics::unparks),
    NOOPS(
            Type.COUNTER,
            "avx.worker.noops",
            BaseUnits.OPERATIONS,
            "Times the worker woke and found nothing to do",
            WorkerMetrics::noops),
    POLLS(
            Type.COUNTER,
            "avx.worker.polls",
            BaseUnits.OPERATIONS,
            "Calls of the driver",
            WorkerMetrics::driverPolls),
    IO(
            Type.COUNTER,
            "avx.worker.io",
            BaseUnits.EVENTS,
            "Events the driver gave the worker",
            WorkerMetrics::ioEvents),
    TIMERS(
            Type.COUNTER,
            "avx.worker.timers",
            UNIT_TIMERS,
            "Timers the worker fired",
            WorkerMetrics::timersFired),
    TIMERS_TAKEN(
            Type.COUNTER,
            "avx.worker.timers.taken",
            UNIT_TIMERS,
            "Timers of other workers the worker fired",
            WorkerMetrics::timersTakenOver),
    LIFO_CAPPED(
            Type.COUNTER,
            "avx.worker.lifo.capped",
            BaseUnits.OPERATIONS,
            "Times the worker's LIFO slot had to let the queue go first",
            WorkerMetrics::lifoCapped),
    BATCHES(
            Type.COUNTER,
            "avx.worker.batches",
            BaseUnits.OPERATIONS,
            "Batches the worker took from the injection queue",
            WorkerMetrics::injectionBatches),
    INTERVAL(
            Type.GAUGE,
            "avx.worker.interval",
            BaseUnits.TASKS,
            "Tasks between two looks at the injection queue, timers and driver",
            WorkerMetrics::injectionInterval),
    SEARCHES(
            Type.COUNTER,
            "avx.worker.searches",
            BaseUnits.OPERATIONS,
            "Times the worker searched other workers' queues",
            WorkerMetrics::searches),
    SEARCHES_SPUN(
            Type.COUNTER,
            "avx.worker.searches.spun",
            BaseUnits.OPERATIONS,
            "Searches that found work only after some spinning",
            WorkerMetrics::spinHits),
    FINDS_LATE(
            Type.COUNTER,
            "avx.worker.finds.late",
            BaseUnits.OPERATIONS,
            "Times the last look before going to sleep found work",
            WorkerMetrics::lateFinds),
    WAKEUPS_CHAINED(
            Type.COUNTER,
            "avx.worker.wakeups.chained",
            BaseUnits.OPERATIONS,
            "Times the worker, the last to search, found work and woke another",
            WorkerMetrics::chainedWakeUps),
    POLLS_BUSY(
            Type.COUNTER,
            "avx.worker.polls.busy",
            BaseUnits.OPERATIONS,
            "Calls of the driver between two tasks, as no other waited in it",
            WorkerMetrics::busyPolls),
    BUSY(
            Type.COUNTER,
            "avx.worker.busy",
            UNIT_SECONDS,
            "Time the worker spent awake",
            worker -> seconds(worker.busyTime()));

    private final MeterDefinition<WorkerMetrics> definition;

    WorkerMeters(
            Type type,
            String name,
            @Nullable String unit,
            String description,
            ToDoubleFunction<WorkerMetrics> value) {
        definition = new MeterDefinition<>(type, name, unit, description, value);
    }

    @Override
    public MeterDefinition<WorkerMetrics> definition() {
        return definition;
    }

    @Override
    public KeyName[] getKeyNames() {
        return KeyName.merge(new KeyName[] {MeterKey.RUNTIME, MeterKey.WORKER});
    }
}
