package cloud.avila.avx.actuator;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.sync.NamedLocks;

import org.jspecify.annotations.Nullable;
import org.springframework.aot.hint.annotation.RegisterReflectionForBinding;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.EndpointWebExtension;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The parts of the endpoint {@code avx} over HTTP: {@code /actuator/avx/workers} and so on. An
 * unknown part is answered with 404, a parameter that makes no sense with 400 and the reason.
 */
@EndpointWebExtension(endpoint = AvxEndpoint.class)
@RegisterReflectionForBinding({
    AvxEndpointWebExtension.Workers.class,
    AvxEndpointWebExtension.Executors.class,
    AvxEndpointWebExtension.Deadlocks.class,
    AvxEndpointWebExtension.Locks.class
})
public final class AvxEndpointWebExtension {
    private final AvxRuntime runtime;
    private final Supplier<Map<String, ExecutorMetricsSource>> executors;

    AvxEndpointWebExtension(
            AvxRuntime runtime, Supplier<Map<String, ExecutorMetricsSource>> executors) {
        this.runtime = runtime;
        this.executors = executors;
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
     * @param limit of fibers: how many at most, up to 10000; 1000 by default
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
                            case "deadlocks" ->
                                    new Deadlocks(
                                            runtime.findDeadlocks().stream()
                                                    .map(DeadlockDescription::of)
                                                    .toList());
                            case "locks" -> locks();
                            default -> null;
                        });
    }

    /**
     * The same as text, for what has stacks.
     *
     * @param section {@code fibers} or {@code deadlocks}
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
                            case "deadlocks" -> text(runtime.findDeadlocks());
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

    private static String text(List<Deadlock> deadlocks) {
        if (deadlocks.isEmpty()) {
            return "No deadlocks.\n";
        }
        var out = new StringBuilder();
        deadlocks.forEach(out::append);
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
