package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketMetrics;
import cloud.avila.avx.metrics.SocketSnapshot;
import cloud.avila.avx.metrics.TimerMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.sync.NamedLocks;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.annotation.RegisterReflectionForBinding;
import org.springframework.boot.actuate.endpoint.SecurityContext;
import org.springframework.boot.actuate.endpoint.annotation.DeleteOperation;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.EndpointWebExtension;
import org.springframework.boot.convert.DurationStyle;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The parts of the endpoint {@code avx} over HTTP: {@code /actuator/avx/workers} and so on. An
 * unknown part is answered with 404, a parameter that makes no sense with 400 and the reason.
 * Changes need {@code management.endpoint.avx.access=unrestricted} and are recorded.
 */
@EndpointWebExtension(endpoint = AvxEndpoint.class)
@RegisterReflectionForBinding({
    AvxEndpointWebExtension.Workers.class,
    AvxEndpointWebExtension.Executors.class,
    AvxEndpointWebExtension.Stalls.class,
    AvxEndpointWebExtension.Deadlocks.class,
    AvxEndpointWebExtension.Sockets.class,
    AvxEndpointWebExtension.Timers.class,
    Changes.Change.class,
    AvxEndpointWebExtension.Locks.class
})
public final class AvxEndpointWebExtension {
    private static final Duration LONGEST_THRESHOLD = Duration.ofHours(1);

    private final AvxRuntime runtime;
    private final Supplier<Map<String, ExecutorMetricsSource>> executors;
    private final Supplier<Map<String, ExecutorControl>> controls;
    private final Changes changes;

    AvxEndpointWebExtension(
            AvxRuntime runtime,
            Supplier<Map<String, ExecutorMetricsSource>> executors,
            Supplier<Map<String, ExecutorControl>> controls,
            Changes changes) {
        this.runtime = runtime;
        this.executors = executors;
        this.controls = controls;
        this.changes = changes;
    }

    record Workers(
            int active,
            int stalled,
            long takeOvers,
            int threadsAway,
            int spareThreads,
            long injectionQueueDepth,
            long interactiveQueueDepth,
            long backgroundQueueDepth,
            List<WorkerMetrics> workers) {
        static Workers of(RuntimeMetrics m) {
            return new Workers(
                    m.activeWorkers(),
                    m.stalledWorkers(),
                    m.takeOvers(),
                    m.threadsAway(),
                    m.spareThreads(),
                    m.injectionQueueDepth(),
                    m.interactiveQueueDepth(),
                    m.backgroundQueueDepth(),
                    m.workers());
        }
    }

    record Executors(List<ExecutorDescription> executors) {}

    record Stalls(
            Duration threshold,
            long total,
            int stalledNow,
            int capacity,
            List<StallDescription> stalls) {}

    record Sockets(List<SocketMetrics> kinds, long open, List<SocketSnapshot> sockets) {}

    record Timers(
            long pending, long scheduled, long fired, long cancelled, List<TimerMetrics> workers) {}

    record Deadlocks(List<DeadlockDescription> deadlocks) {}

    record Locks(List<Lock> locks) {}

    record Lock(
            String kind,
            String name,
            long waits,
            Duration meanWait,
            Duration longestWait,
            Duration estimatedTime) {}

    /**
     * Describes one part of the runtime.
     *
     * @param section which one
     * @param name of fibers: only those in whose name this occurs
     * @param state of fibers: only those in one of these states, separated by commas
     * @param limit of fibers and sockets: how many at most, up to 10000; 1000 by default
     * @param stacks of fibers: how many with their stacks, up to 1000; 100 by default
     * @param depth of fibers: how many frames of a stack, up to 256; 64 by default
     * @return the description
     */
    @ReadOperation
    public WebEndpointResponse<Object> section(
            @Selector String section,
            @Nullable String name,
            @Nullable String state,
            @Nullable String limit,
            @Nullable String stacks,
            @Nullable String depth) {
        return answer(
                () ->
                        switch (section) {
                            case "workers" -> Workers.of(runtime.metrics());
                            case "executors" -> new Executors(allExecutors());
                            case "fibers" ->
                                    runtime.dumpFibers(
                                                    FiberQuery.options(
                                                            name, state, limit, stacks, depth))
                                            .toJson();
                            case "stalls" -> stalls();
                            case "deadlocks" ->
                                    new Deadlocks(
                                            runtime.findDeadlocks().stream()
                                                    .map(DeadlockDescription::of)
                                                    .toList());
                            case "sockets" -> sockets(limit);
                            case "timers" -> timers();
                            case "locks" -> locks();
                            default -> null;
                        });
    }

    /**
     * The same as text, for what has stacks.
     *
     * @param section {@code fibers}, {@code stalls} or {@code deadlocks}
     * @param name as for {@link #section}
     * @param state as for {@link #section}
     * @param limit as for {@link #section}
     * @param stacks as for {@link #section}
     * @param depth as for {@link #section}
     * @return the text; 404 for other parts, which are JSON only
     */
    @ReadOperation(produces = "text/plain;charset=UTF-8")
    public WebEndpointResponse<Object> text(
            @Selector String section,
            @Nullable String name,
            @Nullable String state,
            @Nullable String limit,
            @Nullable String stacks,
            @Nullable String depth) {
        return answer(
                () ->
                        switch (section) {
                            case "fibers" ->
                                    runtime.dumpFibers(
                                                    FiberQuery.options(
                                                            name, state, limit, stacks, depth))
                                            .toText();
                            case "stalls" -> text(runtime.recentStalls(), "No stalls.\n");
                            case "deadlocks" -> text(runtime.findDeadlocks(), "No deadlocks.\n");
                            default -> null;
                        },
                message -> message + "\n");
    }

    /**
     * Describes one worker, by its number, or one executor, by its name.
     *
     * @param section {@code workers} or {@code executors}
     * @param item which one
     * @return the description
     */
    @ReadOperation
    public WebEndpointResponse<Object> item(@Selector String section, @Selector String item) {
        return answer(
                () ->
                        switch (section) {
                            case "workers" ->
                                    runtime.metrics().workers().stream()
                                            .filter(w -> item.equals("" + w.index()))
                                            .findFirst()
                                            .orElse(null);
                            case "executors" ->
                                    allExecutors().stream()
                                            .filter(e -> item.equals(e.name()))
                                            .findFirst()
                                            .orElse(null);
                            default -> null;
                        });
    }

    private List<ExecutorDescription> allExecutors() {
        return new TreeMap<>(executors.get())
                .entrySet().stream()
                        .map(e -> ExecutorDescription.of(e.getKey(), e.getValue()))
                        .toList();
    }

    private static Locks locks() {
        return new Locks(
                NamedLocks.metrics().stream()
                        .map(
                                m ->
                                        new Lock(
                                                m.kind(),
                                                m.name(),
                                                m.waits(),
                                                m.meanWait(),
                                                m.longest(),
                                                m.estimatedTime()))
                        .toList());
    }

    // --- changes ---

    /**
     * Changes the number of workers or the stall threshold.
     *
     * @param section {@code workers} or {@code stalls}
     * @param count of workers: how many, 1 to 1024
     * @param threshold of stalls: a duration, for example 200ms or PT0.2S, up to an hour; 0 turns
     *     the watchdog off
     * @param who who asks
     * @return what was changed
     */
    @WriteOperation
    public WebEndpointResponse<Object> change(
            @Selector String section,
            @Nullable String count,
            @Nullable String threshold,
            SecurityContext who) {
        return answer(
                () ->
                        switch (section) {
                            case "workers" -> resize(count, who);
                            case "stalls" -> changeThreshold(threshold, who);
                            default -> null;
                        });
    }

    private Changes.Change resize(@Nullable String count, SecurityContext who) {
        int workers =
                BadRequestException.number(
                        "count", given("count", count), 1, RuntimeConfig.MAX_WORKER_THREADS);
        int before = runtime.metrics().activeWorkers();
        try {
            runtime.resize(workers);
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new BadRequestException(Objects.requireNonNullElse(e.getMessage(), "" + e));
        }
        return changes.made(who, "the number of workers", "" + before, "" + workers);
    }

    private Changes.Change changeThreshold(@Nullable String threshold, SecurityContext who) {
        Duration wanted = duration("threshold", given("threshold", threshold));
        Duration before = runtime.stallThreshold();
        runtime.setStallThreshold(wanted);
        return changes.made(who, "the stall threshold", "" + before, "" + wanted);
    }

    private static Duration duration(String name, String text) {
        try {
            Duration value = DurationStyle.detectAndParse(text.strip(), ChronoUnit.MILLIS);
            if (!value.isNegative() && value.compareTo(LONGEST_THRESHOLD) <= 0) {
                return value;
            }
        } catch (IllegalArgumentException | ArithmeticException e) {
            // told below, with what is expected
        }
        throw new BadRequestException(
                "%s: \"%s\" is no duration between 0 and 1h, such as 200ms or PT0.2S"
                        .formatted(name, text));
    }

    private static String given(String name, @Nullable String value) {
        if (value == null || value.isBlank()) {
            throw new BadRequestException(
                    name + " is missing: send it as a member of a JSON object");
        }
        return value;
    }

    /**
     * Changes an executor's limit.
     *
     * @param section {@code executors}
     * @param item the executor's name
     * @param concurrencyLimit how many of its tasks may run at once, 1 or more
     * @param who who asks
     * @return what was changed
     */
    @WriteOperation
    public WebEndpointResponse<Object> changeItem(
            @Selector String section,
            @Selector String item,
            @Nullable String concurrencyLimit,
            SecurityContext who) {
        return answer(
                () -> {
                    ExecutorControl control =
                            section.equals("executors") ? controls.get().get(item) : null;
                    if (control == null) {
                        return null;
                    }
                    int limit =
                            BadRequestException.number(
                                    "concurrencyLimit",
                                    given("concurrencyLimit", concurrencyLimit),
                                    1,
                                    ExecutorControl.UNLIMITED - 1);
                    int before = control.concurrencyLimit();
                    try {
                        control.concurrencyLimit(limit);
                    } catch (IllegalArgumentException | UnsupportedOperationException e) {
                        throw new BadRequestException("concurrencyLimit: " + e.getMessage());
                    }
                    return changes.made(
                            who,
                            "the concurrency limit of executor \"" + item + "\"",
                            "" + before,
                            "" + limit);
                });
    }

    /**
     * Cancels a fiber, poll task or blocking task.
     *
     * @param section {@code fibers}
     * @param item the number of the task
     * @param who who asks
     * @return what was changed; 404 if no live task has the number
     */
    @DeleteOperation
    public WebEndpointResponse<Object> cancel(
            @Selector String section, @Selector String item, SecurityContext who) {
        return answer(
                () -> {
                    if (!section.equals("fibers")) {
                        return null;
                    }
                    long id = BadRequestException.id(item);
                    return runtime.cancel(id)
                            .map(
                                    name ->
                                            changes.made(
                                                    who,
                                                    "task \"" + name + "\" #" + id,
                                                    "live",
                                                    "cancelled"))
                            .orElse(null);
                });
    }

    // --- parts ---

    private Sockets sockets(@Nullable String limit) {
        RuntimeMetrics m = runtime.metrics();
        int most =
                limit == null || limit.isBlank()
                        ? 1_000
                        : BadRequestException.number("limit", limit, 0, 10_000);
        return new Sockets(m.sockets(), m.registeredSockets(), runtime.sockets(most));
    }

    private Timers timers() {
        RuntimeMetrics m = runtime.metrics();
        return new Timers(
                m.timersPending(),
                m.timersScheduled(),
                m.timersFired(),
                m.timersCancelled(),
                runtime.timers());
    }

    private Stalls stalls() {
        RuntimeMetrics m = runtime.metrics();
        return new Stalls(
                runtime.stallThreshold(),
                m.stalls(),
                m.stalledWorkers(),
                AvxRuntime.RECENT_STALLS,
                runtime.recentStalls().stream().map(StallDescription::of).toList());
    }

    private static String text(List<?> entries, String ifNone) {
        if (entries.isEmpty()) {
            return ifNone;
        }
        var out = new StringBuilder();
        entries.forEach(out::append);
        return out.toString();
    }

    private static WebEndpointResponse<Object> answer(Supplier<@Nullable Object> body) {
        return answer(body, message -> Map.of("error", message));
    }

    private static WebEndpointResponse<Object> answer(
            Supplier<@Nullable Object> body, Function<String, Object> toError) {
        try {
            Object found = body.get();
            return found == null
                    ? new WebEndpointResponse<>(WebEndpointResponse.STATUS_NOT_FOUND)
                    : new WebEndpointResponse<>(found);
        } catch (BadRequestException e) {
            return new WebEndpointResponse<>(
                    toError.apply(Objects.requireNonNull(e.getMessage())),
                    WebEndpointResponse.STATUS_BAD_REQUEST);
        }
    }
}
