package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.Stall;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Says whether a runtime still runs tasks, and whether a worker is stuck, all are busy while tasks
 * wait, or tasks wait for each other for ever. Reads counters; looks at the tasks themselves only
 * in the search for deadlocks, whose result is used again for a while. Never waits.
 */
final class AvxHealthIndicator extends AbstractHealthIndicator {
    private static final int MOST_NAMED = 5;

    private static final List<Status> WORST_FIRST =
            List.of(Status.DOWN, Status.OUT_OF_SERVICE, Status.UNKNOWN, Status.UP);

    private final AvxRuntime runtime;
    private final AvxHealthProperties properties;
    private final Snapshots<List<Deadlock>> deadlocks;
    private final Saturation saturation;

    AvxHealthIndicator(AvxRuntime runtime) {
        this(runtime, AvxHealthProperties.DEFAULTS);
    }

    AvxHealthIndicator(AvxRuntime runtime, AvxHealthProperties properties) {
        super("The AVX runtime did not give its metrics");
        this.runtime = runtime;
        this.properties = properties;
        this.deadlocks = new Snapshots<>(runtime::findDeadlocks, properties.deadlockInterval());
        this.saturation = new Saturation(properties, System::nanoTime);
    }

    @Override
    protected void doHealthCheck(Health.Builder builder) {
        RuntimeState state = RuntimeState.of(runtime);
        RuntimeMetrics metrics = runtime.metrics();
        if (check(builder, state, metrics)) {
            List<Problem> problems = new ArrayList<>();
            addStalls(problems, runtime.recentStalls(), properties);
            saturation
                    .find(metrics, runtime.config().blockingQueueCapacity())
                    .forEach(text -> problems.add(problem(properties.saturationStatus(), text)));
            addDeadlocks(problems, deadlocks.get(), properties);
            report(builder, problems);
        }
    }

    /** Whether the runtime runs, with all its workers. */
    static boolean check(Health.Builder builder, RuntimeState state, RuntimeMetrics m) {
        List<WorkerMetrics> used = inUse(m);
        int workers = used.size();
        long ended = used.stream().filter(w -> w.state() == WorkerState.TERMINATED).count();
        builder.withDetail("runtime", m.runtime())
                .withDetail("driver", m.driver())
                .withDetail("fibers", m.fibers())
                .withDetail("workers", workers)
                .withDetail("stalls", m.stalls());
        switch (state) {
            case CLOSED -> builder.down().withDetail("reason", "the runtime has been closed");
            case CLOSING ->
                    builder.outOfService()
                            .withDetail(
                                    "reason",
                                    "the runtime is closing and refuses new tasks; "
                                            + m.live()
                                            + " are left");
            case RUNNING -> {
                if (ended == 0) {
                    builder.up();
                    return true;
                }
                builder.down()
                        .withDetail("reason", ended + " of " + workers + " workers have ended");
            }
        }
        return false;
    }

    /** Those that were taken out of use have ended as they should. */
    private static List<WorkerMetrics> inUse(RuntimeMetrics m) {
        return m.workers().subList(0, Math.min(m.activeWorkers(), m.workers().size()));
    }

    /** Something to tell, and what it does to the status. */
    record Problem(Status status, String text) {}

    private static Problem problem(String status, String text) {
        return new Problem(AvxHealthProperties.status(status), text);
    }

    static void addStalls(
            List<Problem> problems, List<Stall> recent, AvxHealthProperties properties) {
        List<Stall> stuck =
                recent.stream()
                        .filter(
                                stall ->
                                        !stall.over()
                                                && stall.duration()
                                                                .compareTo(properties.stallAfter())
                                                        >= 0)
                        .toList();
        if (!stuck.isEmpty()) {
            problems.add(
                    problem(
                            properties.stallStatus(),
                            "stuck for at least "
                                    + properties.stallAfter()
                                    + ": "
                                    + stuck.stream()
                                            .limit(MOST_NAMED)
                                            .map(s -> s.worker() + " with " + s.work())
                                            .collect(Collectors.joining(", "))
                                    + more(stuck.size())));
        }
    }

    static void addDeadlocks(
            List<Problem> problems, List<Deadlock> deadlocks, AvxHealthProperties properties) {
        if (!deadlocks.isEmpty()) {
            problems.add(
                    problem(
                            properties.deadlockStatus(),
                            "waiting for each other for ever: "
                                    + deadlocks.stream()
                                            .limit(MOST_NAMED)
                                            .map(AvxHealthIndicator::names)
                                            .collect(Collectors.joining("; "))
                                    + more(deadlocks.size())));
        }
    }

    private static String names(Deadlock deadlock) {
        return deadlock.members().stream()
                        .limit(MOST_NAMED)
                        .map(member -> "\"" + member.name() + "\"")
                        .collect(Collectors.joining(" and "))
                + more(deadlock.members().size());
    }

    private static String more(int count) {
        return count > MOST_NAMED ? " and " + (count - MOST_NAMED) + " more" : "";
    }

    private static void report(Health.Builder builder, List<Problem> problems) {
        if (!problems.isEmpty()) {
            builder.status(worst(problems))
                    .withDetail("problems", problems.stream().map(Problem::text).toList());
        }
    }

    /** A status of one's own is worse than "unknown". */
    static Status worst(List<Problem> problems) {
        return problems.stream()
                .map(Problem::status)
                .min(
                        Comparator.comparingDouble(
                                status -> {
                                    int known = WORST_FIRST.indexOf(status);
                                    return known < 0 ? 1.5 : known;
                                }))
                .orElse(Status.UP);
    }

    /**
     * Finds out whether no worker has been idle for long, from one check to another: a worker that
     * has not gone to sleep since the last one, and was awake then and is now, was busy throughout.
     * Thread-safe: of two checks at the same time one may be forgotten.
     */
    static final class Saturation {
        private final AvxHealthProperties properties;
        private final LongSupplier nanoTime;
        private final AtomicReference<Awake> last = new AtomicReference<>(new Awake(false, 0, 0));

        /** When all workers were first seen awake with this count of parks. */
        private record Awake(boolean all, long parks, long since) {}

        Saturation(AvxHealthProperties properties, LongSupplier nanoTime) {
            this.properties = properties;
            this.nanoTime = nanoTime;
        }

        List<String> find(RuntimeMetrics m, int blockingQueueCapacity) {
            List<String> problems = new ArrayList<>();
            nearlyFull(
                    problems,
                    "tasks from outside",
                    m.injectionQueueDepth(),
                    m.injectionQueueCapacity());
            nearlyFull(problems, "blocking tasks", m.blockingQueueDepth(), blockingQueueCapacity);
            Duration busy = busy(m);
            long waiting = waiting(m);
            if (waiting > 0 && busy.compareTo(properties.saturationAfter()) >= 0) {
                problems.add(
                        "no worker has been idle for "
                                + busy.toSeconds()
                                + " s, and "
                                + waiting
                                + " tasks wait");
            }
            return problems;
        }

        private void nearlyFull(List<String> problems, String what, long depth, long capacity) {
            if (capacity > 0 && depth >= properties.queueThreshold() * capacity) {
                problems.add("the queue of " + what + " has " + depth + " of " + capacity);
            }
        }

        private static long waiting(RuntimeMetrics m) {
            long waiting =
                    m.injectionQueueDepth() + m.interactiveQueueDepth() + m.backgroundQueueDepth();
            for (WorkerMetrics worker : m.workers()) {
                waiting += worker.localQueueDepth();
            }
            return waiting;
        }

        private Duration busy(RuntimeMetrics m) {
            boolean all = true;
            long parks = 0;
            for (WorkerMetrics worker : inUse(m)) {
                all &=
                        worker.state() == WorkerState.RUNNING
                                || worker.state() == WorkerState.SEARCHING;
                parks += worker.parks();
            }
            long now = nanoTime.getAsLong();
            Awake before = last.get();
            if (before.all && all && before.parks == parks) {
                return Duration.ofNanos(now - before.since);
            }
            last.set(new Awake(all, parks, now));
            return Duration.ZERO;
        }
    }
}
