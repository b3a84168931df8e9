package cloud.avila.avx;

import cloud.avila.avx.internal.scheduler.Scheduler;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.Callable;

/** The handle to a scheduler; equal to any other handle to it. */
final class SchedulerHandle implements Handle {
    private final Scheduler scheduler;

    SchedulerHandle(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    static @Nullable Handle current() {
        Scheduler scheduler = Scheduler.current();
        return scheduler == null ? null : new SchedulerHandle(scheduler);
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
        var spawned = new SpawnedTask<T>(scheduler.nextId(), "fiber", name, task);
        scheduler.startFiber(spawned, name);
        return spawned;
    }

    @Override
    public void execute(Runnable job) {
        scheduler.execute(Objects.requireNonNull(job, "job"));
    }

    @Override
    public <T extends @Nullable Object> JoinHandle<T> spawnBlocking(Callable<? extends T> task) {
        var spawned = new SpawnedTask<T>(scheduler.nextId(), "blocking", null, task);
        scheduler.startBlocking(spawned);
        return spawned;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SchedulerHandle h && h.scheduler == scheduler;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(scheduler);
    }

    @Override
    public String toString() {
        return "Handle[" + scheduler.name() + "]";
    }
}
