package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.scheduler.TrackedTask;

import org.jspecify.annotations.Nullable;

/** A virtual thread of a simulation. As a step it is runnable, and in the list once. */
final class SimulatedFiber extends Step {
    final int number;
    final Runnable continuation;
    final @Nullable Thread thread; // null if another made it and it cannot be told
    final @Nullable TrackedTask task;
    int initialisers; // class initialisers that it is in

    SimulatedFiber(
            int number,
            Runnable continuation,
            @Nullable Thread thread,
            @Nullable TrackedTask task,
            String name,
            Host host,
            long priority) {
        super(name, host, priority);
        this.number = number;
        this.continuation = continuation;
        this.thread = thread;
        this.task = task;
    }

    @Override
    String what() {
        return "run";
    }

    @Override
    void run() {
        continuation.run();
    }

    boolean hasEnded() {
        return thread != null && thread.getState() == Thread.State.TERMINATED;
    }
}
