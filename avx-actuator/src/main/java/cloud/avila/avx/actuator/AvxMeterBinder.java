package cloud.avila.avx.actuator;

import static cloud.avila.avx.actuator.AvxDescription.lowerCase;
import static cloud.avila.avx.actuator.MeterDefinition.counter;
import static cloud.avila.avx.actuator.MeterDefinition.gauge;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Publishes the metrics of a runtime as meters {@code avx.*}, listed in docs/metrics.md. Every
 * meter has the tag {@code runtime}; those of a worker have the tag {@code worker}, its number.
 *
 * <p>Nothing is recorded while the runtime works: the meters read a snapshot that is at most 100 ms
 * old, so one scrape takes one snapshot. They hold the binder weakly; keep it as long as the
 * meters, and close it to remove them.
 */
public final class AvxMeterBinder implements MeterBinder, AutoCloseable {
    private static final Duration SNAPSHOT_AGE = Duration.ofMillis(100);

    private static final List<String> FIBER_MODES =
            List.of("workers-opened", "workers-unsafe", "jdk");

    private static final List<MeterDefinition<RuntimeMetrics>> RUNTIME =
            List.of(
                    gauge(
                            "avx.tasks.live",
                            "tasks",
                            "Fibers, poll tasks, jobs and blocking tasks accepted and not yet ended",
                            RuntimeMetrics::live),
                    counter(
                            "avx.tasks.spawned",
                            "tasks",
                            "Fibers, poll tasks, jobs and blocking tasks accepted",
                            RuntimeMetrics::spawned),
                    counter(
                            "avx.tasks.completed",
                            "tasks",
                            "Tasks that ended normally",
                            RuntimeMetrics::completed),
                    counter(
                            "avx.tasks.failed",
                            "tasks",
                            "Tasks that ended with an exception",
                            RuntimeMetrics::failed),
                    counter(
                            "avx.tasks.cancelled",
                            "tasks",
                            "Tasks cancelled before they ended otherwise",
                            RuntimeMetrics::cancelled),
                    counter(
                            "avx.tasks.rejected",
                            "tasks",
                            "Tasks refused because a bound was reached or the runtime was closing",
                            RuntimeMetrics::rejected),
                    gauge(
                            "avx.injection.queued",
                            "tasks",
                            "Tasks in the injection queue, from outside the workers",
                            RuntimeMetrics::injectionQueueDepth),
                    gauge(
                            "avx.injection.capacity",
                            "tasks",
                            "Most tasks that may wait to start in the injection queue",
                            RuntimeMetrics::injectionQueueCapacity),
                    counter(
                            "avx.injection.schedules",
                            "operations",
                            "Tasks scheduled from outside the workers",
                            RuntimeMetrics::remoteSchedules),
                    gauge(
                            "avx.blocking.size",
                            "threads",
                            "Threads of the blocking pool",
                            RuntimeMetrics::blockingThreads),
                    gauge(
                            "avx.blocking.idle",
                            "threads",
                            "Threads of the blocking pool without work",
                            RuntimeMetrics::idleBlockingThreads),
                    gauge(
                            "avx.blocking.queued",
                            "tasks",
                            "Tasks waiting for a thread of the blocking pool",
                            RuntimeMetrics::blockingQueueDepth),
                    counter(
                            "avx.blocking.completed",
                            "tasks",
                            "Tasks the blocking pool has run",
                            RuntimeMetrics::blockingCompleted),
                    gauge(
                            "avx.timers.pending",
                            "timers",
                            "Timers scheduled and neither fired nor cancelled",
                            RuntimeMetrics::timersPending),
                    counter(
                            "avx.timers.scheduled",
                            "timers",
                            "Timers ever scheduled",
                            RuntimeMetrics::timersScheduled),
                    counter(
                            "avx.timers.fired",
                            "timers",
                            "Timers fired",
                            RuntimeMetrics::timersFired),
                    counter(
                            "avx.timers.cancelled",
                            "timers",
                            "Timers cancelled",
                            RuntimeMetrics::timersCancelled),
                    gauge(
                            "avx.sockets.open",
                            "sockets",
                            "Sockets registered with the driver now",
                            RuntimeMetrics::registeredSockets),
                    counter(
                            "avx.sockets.registered",
                            "sockets",
                            "Sockets ever registered with the driver",
                            RuntimeMetrics::socketsRegistered),
                    counter(
                            "avx.sockets.deregistered",
                            "sockets",
                            "Sockets deregistered from the driver",
                            RuntimeMetrics::socketsDeregistered),
                    counter(
                            "avx.io.reported",
                            "events",
                            "Events the driver has reported",
                            RuntimeMetrics::ioEvents),
                    counter(
                            "avx.io.wakeups",
                            "operations",
                            "Times a sleeping driver was woken from outside",
                            RuntimeMetrics::driverWakeups),
                    counter(
                            "avx.stalls",
                            "events",
                            "Times the watchdog found a worker on one piece of work for longer"
                                    + " than the stall threshold",
                            RuntimeMetrics::stalls),
                    counter(
                            "avx.yields.forced",
                            "operations",
                            "Times a poll task gave way because the budget of its poll was"
                                    + " exhausted",
                            RuntimeMetrics::budgetForcedYields),
                    gauge(
                            "avx.stalls.active",
                            "threads",
                            "Workers on one piece of work for longer than the stall threshold now",
                            RuntimeMetrics::stalledWorkers),
                    counter(
                            "avx.takeovers",
                            "operations",
                            "Times a stuck worker got another thread",
                            RuntimeMetrics::takeOvers),
                    gauge(
                            "avx.threads.away",
                            "threads",
                            "Threads that have left their worker to another and still run a task",
                            RuntimeMetrics::threadsAway),
                    gauge(
                            "avx.threads.spare",
                            "threads",
                            "Threads that wait for a worker to run",
                            RuntimeMetrics::spareThreads),
                    gauge(
                            "avx.workers.active",
                            "threads",
                            "Workers in use",
                            RuntimeMetrics::activeWorkers),
                    gauge(
                            "avx.lanes.interactive.queued",
                            "tasks",
                            "Tasks waiting in the interactive lane",
                            RuntimeMetrics::interactiveQueueDepth),
                    counter(
                            "avx.lanes.interactive.schedules",
                            "operations",
                            "Tasks scheduled in the interactive lane",
                            RuntimeMetrics::interactiveSchedules),
                    gauge(
                            "avx.lanes.background.queued",
                            "tasks",
                            "Tasks waiting in the background lane",
                            RuntimeMetrics::backgroundQueueDepth),
                    counter(
                            "avx.lanes.background.schedules",
                            "operations",
                            "Tasks scheduled in the background lane",
                            RuntimeMetrics::backgroundSchedules),
                    counter(
                            "avx.lanes.background.aged",
                            "tasks",
                            "Background tasks that ran before others because they had waited long",
                            RuntimeMetrics::backgroundAged),
                    gauge(
                            "avx.schedule.latency.p50",
                            "seconds",
                            "Time from a task's spawn to its start, median since the start",
                            m -> seconds(m.scheduleLatency().percentile(0.5))),
                    gauge(
                            "avx.schedule.latency.p99",
                            "seconds",
                            "Time from a task's spawn to its start, 99 % are shorter",
                            m -> seconds(m.scheduleLatency().percentile(0.99))),
                    gauge(
                            "avx.task.time.p50",
                            "seconds",
                            "Time a worker spends on one piece of work, median since the start",
                            m -> seconds(m.taskTime().percentile(0.5))),
                    gauge(
                            "avx.task.time.p99",
                            "seconds",
                            "Time a worker spends on one piece of work, 99 % are shorter",
                            m -> seconds(m.taskTime().percentile(0.99))));

    private static final List<MeterDefinition<WorkerMetrics>> WORKER =
            List.of(
                    gauge(
                            "avx.worker.queued",
                            "tasks",
                            "Tasks waiting in the worker's own queue",
                            WorkerMetrics::localQueueDepth),
                    counter(
                            "avx.worker.executed",
                            "tasks",
                            "Mountings of a fiber and jobs the worker ran",
                            WorkerMetrics::executed),
                    counter(
                            "avx.worker.schedules",
                            "operations",
                            "Tasks scheduled from the worker itself",
                            WorkerMetrics::localSchedules),
                    counter(
                            "avx.worker.lifo",
                            "tasks",
                            "Tasks taken from the worker's LIFO slot",
                            WorkerMetrics::lifoHits),
                    counter(
                            "avx.worker.injected",
                            "tasks",
                            "Tasks taken from the injection queue",
                            WorkerMetrics::injected),
                    counter(
                            "avx.worker.stolen",
                            "tasks",
                            "Tasks taken from other workers' queues",
                            WorkerMetrics::steals),
                    counter(
                            "avx.worker.raids",
                            "operations",
                            "Successful raids on other workers' queues",
                            WorkerMetrics::stealOperations),
                    counter(
                            "avx.worker.parks",
                            "operations",
                            "Times the worker went to sleep",
                            WorkerMetrics::parks),
                    counter(
                            "avx.worker.unparks",
                            "operations",
                            "Times the worker was woken",
                            WorkerMetrics::unparks),
                    counter(
                            "avx.worker.noops",
                            "operations",
                            "Times the worker woke and found nothing to do",
                            WorkerMetrics::noops),
                    counter(
                            "avx.worker.polls",
                            "operations",
                            "Calls of the driver",
                            WorkerMetrics::driverPolls),
                    counter(
                            "avx.worker.io",
                            "events",
                            "Events the driver gave the worker",
                            WorkerMetrics::ioEvents),
                    counter(
                            "avx.worker.timers",
                            "timers",
                            "Timers the worker fired",
                            WorkerMetrics::timersFired),
                    counter(
                            "avx.worker.timers.taken",
                            "timers",
                            "Timers of other workers the worker fired",
                            WorkerMetrics::timersTakenOver),
                    counter(
                            "avx.worker.lifo.capped",
                            "operations",
                            "Times the worker's LIFO slot had to let the queue go first",
                            WorkerMetrics::lifoCapped),
                    counter(
                            "avx.worker.batches",
                            "operations",
                            "Batches the worker took from the injection queue",
                            WorkerMetrics::injectionBatches),
                    gauge(
                            "avx.worker.interval",
                            "tasks",
                            "Tasks between two looks at the injection queue, timers and driver",
                            WorkerMetrics::injectionInterval),
                    counter(
                            "avx.worker.searches",
                            "operations",
                            "Times the worker searched other workers' queues",
                            WorkerMetrics::searches),
                    counter(
                            "avx.worker.searches.spun",
                            "operations",
                            "Searches that found work only after some spinning",
                            WorkerMetrics::spinHits),
                    counter(
                            "avx.worker.finds.late",
                            "operations",
                            "Times the last look before going to sleep found work",
                            WorkerMetrics::lateFinds),
                    counter(
                            "avx.worker.wakeups.chained",
                            "operations",
                            "Times the worker, the last to search, found work and woke another",
                            WorkerMetrics::chainedWakeUps),
                    counter(
                            "avx.worker.polls.busy",
                            "operations",
                            "Calls of the driver between two tasks, as no other waited in it",
                            WorkerMetrics::busyPolls),
                    counter(
                            "avx.worker.busy",
                            "seconds",
                            "Time the worker spent awake",
                            w -> w.busyTime().toNanos() / 1e9));

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    private final String runtimeName;
    private final Snapshots<RuntimeMetrics> snapshots;
    private final Queue<Registered> registered = new ConcurrentLinkedQueue<>();

    private record Registered(MeterRegistry registry, Meter meter) {}

    /**
     * Creates a binder.
     *
     * @param runtime what to publish
     */
    public AvxMeterBinder(AvxRuntime runtime) {
        this(runtime.config().name(), runtime::metrics);
    }

    AvxMeterBinder(String runtimeName, Supplier<RuntimeMetrics> metrics) {
        this.runtimeName = runtimeName;
        this.snapshots = new Snapshots<>(metrics, SNAPSHOT_AGE);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Tags tags = Tags.of("runtime", runtimeName);
        RUNTIME.forEach(meter -> add(registry, meter, tags, m -> m));
        for (WorkerState state : WorkerState.values()) {
            add(registry, workersIn(state), tags.and("state", lowerCase(state)), m -> m);
        }
        for (ReactorDriver driver : ReactorDriver.values()) {
            if (driver != ReactorDriver.AUTO) {
                String name = driver.name().toLowerCase(Locale.ROOT); // as drivers call themselves
                add(registry, driverIs(name), tags.and("driver", name), m -> m);
            }
        }
        for (String mode : FIBER_MODES) {
            add(registry, fibersAre(mode), tags.and("mode", mode), m -> m);
        }
        int workers = snapshots.get().workers().size();
        for (int i = 0; i < workers; i++) {
            int worker = i;
            Tags workerTags = tags.and("worker", Integer.toString(worker));
            WORKER.forEach(meter -> add(registry, meter, workerTags, m -> m.workers().get(worker)));
        }
    }

    /** Removes the meters from the registries they were bound to. */
    @Override
    public void close() {
        for (Registered r; (r = registered.poll()) != null; ) {
            r.registry.remove(r.meter);
        }
    }

    private <S> void add(
            MeterRegistry registry,
            MeterDefinition<S> definition,
            Tags tags,
            Function<RuntimeMetrics, S> part) {
        registered.add(
                new Registered(registry, definition.register(registry, tags, snapshots, part)));
    }

    private static MeterDefinition<RuntimeMetrics> workersIn(WorkerState state) {
        return gauge(
                "avx.workers",
                "threads",
                "Workers in the state of the tag",
                m -> m.workers().stream().filter(w -> w.state() == state).count());
    }

    private static MeterDefinition<RuntimeMetrics> driverIs(String name) {
        return gauge(
                "avx.driver",
                null,
                "1 for the driver in use, 0 for the others and while no socket was opened",
                m -> m.driver().equals(name) ? 1 : 0);
    }

    private static MeterDefinition<RuntimeMetrics> fibersAre(String mode) {
        return gauge(
                "avx.fibers",
                null,
                "1 for the way fibers are scheduled, 0 for the others",
                m -> m.fibers().equals(mode) ? 1 : 0);
    }
}
