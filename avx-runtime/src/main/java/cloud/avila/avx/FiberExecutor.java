package cloud.avila.avx;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A runtime as an executor service: each task is a fiber. Each view has a life of its own. */
class FiberExecutor extends AbstractExecutorService {
    /*
     * The lock of the group guards shutdown. terminated is signalled whenever what isTerminated looks
     * at has become true: by the last task that ends, or by shutdown if there is none.
     */

    /** A command as a callable that can be had back. */
    private record Command(Runnable command) implements Callable<@Nullable Object> {
        @Override
        public @Nullable Object call() {
            command.run();
            return null;
        }
    }

    /** The body of a fiber that runs a task kept elsewhere. */
    interface StartedRun extends Callable<Boolean> {
        Runnable runnable();
    }

    private record Valued<V extends @Nullable Object>(Runnable command, V value)
            implements Callable<V> {
        @Override
        public V call() {
            command.run();
            return value;
        }
    }

    final TaskGroup<@Nullable Object> group;
    private final Condition terminated;
    private boolean shutdown;

    FiberExecutor(Handle handle) {
        group =
                new TaskGroup<>(
                        handle,
                        new TaskGroup.Owner<@Nullable Object>() {
                            @Override
                            public boolean ended(JoinHandle<? extends @Nullable Object> member) {
                                signalIfTerminated();
                                return false;
                            }

                            @Override
                            public void afterEnd(JoinHandle<? extends @Nullable Object> member) {
                                ((TaskHandle<?>) member).watchUnseen();
                            }

                            @Override
                            public void refused(JoinHandle<? extends @Nullable Object> member) {
                                signalIfTerminated();
                            }
                        });
        terminated = group.lock.newCondition();
    }

    /** Tasks that are accepted and not started, beside the group; with the lock held. */
    int waiting() {
        return 0;
    }

    /** With the lock held. */
    final void signalIfTerminated() {
        if (hasTerminated()) {
            terminated.signalAll();
        }
    }

    private boolean hasTerminated() {
        return shutdown && group.live() == 0 && waiting() == 0;
    }

    /**
     * With the lock held.
     *
     * @throws RejectedExecutionException after shutdown
     */
    final boolean checkNotShutdown() {
        if (shutdown) {
            throw new RejectedExecutionException(
                    "this executor of runtime \""
                            + group.handle().runtimeName()
                            + "\" has been shut down and takes no more tasks");
        }
        return true;
    }

    private <V extends @Nullable Object> JoinHandle<V> start(Callable<? extends V> body) {
        return group.spawn(TaskGroup.Kind.FIBER, null, body, task -> checkNotShutdown());
    }

    @Override
    public void execute(Runnable command) {
        start(new Command(Objects.requireNonNull(command, "command"))).detach();
    }

    @Override
    public <V extends @Nullable Object> Future<V> submit(Callable<V> task) {
        return start(Objects.requireNonNull(task, "task"));
    }

    @Override
    public <V extends @Nullable Object> Future<V> submit(Runnable task, V result) {
        return start(new Valued<>(Objects.requireNonNull(task, "task"), result));
    }

    @Override
    public Future<?> submit(Runnable task) {
        return start(new Command(Objects.requireNonNull(task, "task")));
    }

    @Override
    public void shutdown() {
        beginShutdown();
    }

    final void beginShutdown() {
        group.acquire();
        try {
            shutdown = true;
            signalIfTerminated();
        } finally {
            group.lock.unlock();
        }
    }

    @Override
    public List<Runnable> shutdownNow() {
        beginShutdown();
        List<Runnable> neverRun = new ArrayList<>();
        for (Callable<?> body : group.cancelUnstarted()) {
            neverRun.add(
                    switch (body) {
                        case Command(Runnable command) -> command;
                        case Valued<?>(Runnable command, Object value) -> command;
                        case StartedRun run -> run.runnable();
                        default -> new FutureTask<>(body);
                    });
        }
        group.cancelAll();
        return neverRun;
    }

    @Override
    public boolean isShutdown() {
        group.acquire();
        try {
            return shutdown;
        } finally {
            group.lock.unlock();
        }
    }

    @Override
    public boolean isTerminated() {
        group.acquire();
        try {
            return hasTerminated();
        } finally {
            group.lock.unlock();
        }
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        long left = unit.toNanos(timeout);
        group.acquire();
        try {
            while (!hasTerminated()) {
                if (left <= 0) {
                    return false;
                }
                left = terminated.awaitNanos(left);
            }
            return true;
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Shuts down and waits for the tasks; an interrupt meanwhile cancels them.
     *
     * @throws IllegalStateException if called by a task of this executor, which would wait for
     *     itself
     */
    @Override
    public void close() {
        group.acquire();
        try {
            group.checkNotAMember("close()");
        } finally {
            group.lock.unlock();
        }
        super.close();
    }

    @Override
    public String toString() {
        group.acquire();
        try {
            return "Executor["
                    + group.handle().runtimeName()
                    + ", "
                    + (hasTerminated() ? "terminated, " : shutdown ? "shut down, " : "")
                    + group.live()
                    + " tasks, "
                    + waiting()
                    + " scheduled]";
        } finally {
            group.lock.unlock();
        }
    }
}
