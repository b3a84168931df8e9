package cloud.avila.avx;

import cloud.avila.avx.internal.scheduler.Lane;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.task.Future;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;

/** The handle to a scheduler; equal to any other handle to it with the same priority. */
final class SchedulerHandle implements Handle {
    private final Scheduler scheduler;
    private final RuntimeHooks hooks;
    private final Lane lane;

    SchedulerHandle(Scheduler scheduler) {
        this(scheduler, Lane.NORMAL);
    }

    private SchedulerHandle(Scheduler scheduler, Lane lane) {
        this.scheduler = scheduler;
        this.hooks = RuntimeHooks.of(scheduler);
        this.lane = lane;
    }

    @Override
    public Handle withPriority(Priority priority) {
        return new SchedulerHandle(scheduler, priority.lane());
    }

    static <T extends @Nullable Object> T blockInPlace(Callable<? extends T> code)
            throws Exception {
        Scheduler scheduler = Scheduler.current();
        if (scheduler == null) {
            return code.call();
        }
        scheduler.leaveWorker();
        try {
            return code.call();
        } finally {
            if (Thread.currentThread().isVirtual()) {
                Thread.yield(); // back onto a worker, for what follows may want to run for long
            }
        }
    }

    static @Nullable Handle current() {
        Scheduler scheduler = Scheduler.current();
        return scheduler == null ? null : new SchedulerHandle(scheduler);
    }

    /**
     * The handle as what it is.
     *
     * @throws IllegalArgumentException if it was not made by a runtime
     */
    static SchedulerHandle of(Handle handle) {
        if (Objects.requireNonNull(handle, "handle") instanceof SchedulerHandle h) {
            return h;
        }
        throw new IllegalArgumentException(
                handle + " is not the handle of a runtime; take it from AvxRuntime.handle()");
    }

    @Override
    public String runtimeName() {
        return scheduler.name();
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawn(Callable<? extends T> task) {
        return start(null, task);
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawn(
            String name, Callable<? extends T> task) {
        return start(Objects.requireNonNull(name, "name"), task);
    }

    private <T extends @Nullable Object> JoinHandle<T> start(
            @Nullable String name, Callable<? extends T> task) {
        SpawnedTask<T> fiber = newFiber(name, task);
        startFiber(fiber, name);
        return fiber;
    }

    /** Makes a task that is to be started by {@link #startFiber}. */
    <T extends @Nullable Object> SpawnedTask<T> newFiber(
            @Nullable String name, Callable<? extends T> body) {
        return new SpawnedTask<>(
                scheduler.nextId(),
                hooks.fiber,
                name,
                TaskContext.<T>around(hooks, required(body)));
    }

    private static <C> C required(C task) {
        return Objects.requireNonNull(task, "task");
    }

    Scheduler scheduler() {
        return scheduler;
    }

    RuntimeHooks hooks() {
        return hooks;
    }

    void startFiber(SpawnedTask<?> fiber, @Nullable String name) {
        scheduler.startFiber(fiber, name, lane);
    }

    /** Makes a task that is to be started by {@link #startBlocking}. */
    <T extends @Nullable Object> SpawnedTask<T> newBlocking(Callable<? extends T> body) {
        return new SpawnedTask<>(
                scheduler.nextId(),
                hooks.blocking,
                null,
                TaskContext.<T>around(hooks, required(body)));
    }

    void startBlocking(SpawnedTask<?> task) {
        scheduler.startBlocking(task);
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawnFuture(Future<? extends T> future) {
        return startPolling(null, future);
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawnFuture(
            String name, Future<? extends T> future) {
        return startPolling(Objects.requireNonNull(name, "name"), future);
    }

    private <T extends @Nullable Object> JoinHandle<T> startPolling(
            @Nullable String name, Future<? extends T> future) {
        var spawned = new PollTask<T>(scheduler, name, future);
        scheduler.startSteps(spawned, spawned);
        return spawned;
    }

    @Override
    public void execute(Runnable job) {
        Objects.requireNonNull(job, "job");
        scheduler.execute(TaskContext.around(hooks, job), lane);
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawnBlocking(Callable<? extends T> task) {
        SpawnedTask<T> spawned = newBlocking(task);
        startBlocking(spawned);
        return spawned;
    }

    @Override
    public ExecutorService asExecutorService() {
        return new FiberExecutor(this);
    }

    @Override
    public ScheduledExecutorService asScheduledExecutorService() {
        return new FiberScheduledExecutor(this);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SchedulerHandle h && h.scheduler == scheduler && h.lane == lane;
    }

    @Override
    public int hashCode() {
        return 31 * System.identityHashCode(scheduler) + lane.ordinal();
    }

    @Override
    public String toString() {
        return "Handle[" + scheduler.name() + (lane == Lane.NORMAL ? "" : ", " + lane) + "]";
    }
}
