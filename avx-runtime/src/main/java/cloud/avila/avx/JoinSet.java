package cloud.avila.avx;

import cloud.avila.avx.internal.park.Deadline;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;

/**
 * A set of tasks that are joined in the order in which they end.
 *
 * <pre>{@code
 * try (var set = JoinSet.<Page>create()) {
 *     urls.forEach(url -> set.spawn(() -> fetch(url)));
 *     for (JoinHandle<Page> page; (page = set.joinNext()) != null; ) {
 *         index(page.join());
 *     }
 * }
 * }</pre>
 *
 * <p>A task belongs to the set from its spawn until it is joined, so the set holds results that
 * nobody has joined yet. It counts as ended when its code runs no more: a task that was cancelled
 * is joined only after it has noticed. {@link #close()} cancels what still runs and waits for it.
 *
 * <p>Thread-safe: any thread may spawn into the set, tasks of the set too, and any number may join.
 * Each task is joined once. Taking part costs a task a constant time, however many there are.
 *
 * @param <T> what the tasks return
 */
public final class JoinSet<T extends @Nullable Object> implements AutoCloseable {
    /*
     * Everything is guarded by the lock of the group: ended, closed, and the group's list of those
     * that are live. joinable is signalled once for each task that ends, and for all waiters when
     * there is nothing left to wait for.
     */

    private final TaskGroup<T> group;
    private final Condition joinable;
    private final ArrayDeque<JoinHandle<T>> ended = new ArrayDeque<>();
    private boolean closed;

    private JoinSet(Handle handle) {
        group =
                new TaskGroup<>(
                        handle,
                        new TaskGroup.Owner<T>() {
                            @Override
                            public boolean ended(JoinHandle<? extends T> member) {
                                hasEnded(member);
                                return false;
                            }

                            @Override
                            public void refused(JoinHandle<? extends T> member) {
                                wakeIfEmpty();
                            }
                        });
        joinable = group.lock.newCondition();
    }

    /**
     * An empty set for tasks of the current runtime.
     *
     * @param <T> what the tasks return
     * @return a new set
     * @throws IllegalStateException if the calling thread belongs to no runtime
     */
    public static <T extends @Nullable Object> JoinSet<T> create() {
        return new JoinSet<>(Handle.current());
    }

    /**
     * An empty set for tasks of a runtime.
     *
     * @param handle the runtime
     * @param <T> what the tasks return
     * @return a new set
     */
    public static <T extends @Nullable Object> JoinSet<T> on(Handle handle) {
        return new JoinSet<>(handle);
    }

    /**
     * Starts a fiber in this set.
     *
     * @param task what to run
     * @return the handle to it, which is also what {@link #joinNext()} returns when it has ended
     * @throws java.util.concurrent.RejectedExecutionException as {@link Handle#spawn(Callable)}
     * @throws IllegalStateException if the set is closed
     */
    public JoinHandle<T> spawn(Callable<? extends T> task) {
        return group.<T>spawn(TaskGroup.Kind.FIBER, null, task, this::admit);
    }

    /**
     * Starts a fiber with a name in this set.
     *
     * @param name the fiber's name
     * @param task what to run
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link Handle#spawn(Callable)}
     * @throws IllegalStateException if the set is closed
     */
    public JoinHandle<T> spawn(String name, Callable<? extends T> task) {
        Objects.requireNonNull(name, "name");
        return group.<T>spawn(TaskGroup.Kind.FIBER, name, task, this::admit);
    }

    /**
     * Starts a task in this set, on the blocking pool.
     *
     * @param task what to run
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link
     *     Handle#spawnBlocking(Callable)}
     * @throws IllegalStateException if the set is closed
     */
    public JoinHandle<T> spawnBlocking(Callable<? extends T> task) {
        return group.<T>spawn(TaskGroup.Kind.BLOCKING, null, task, this::admit);
    }

    private boolean admit(JoinHandle<T> task) {
        if (closed) {
            throw new IllegalStateException(
                    "the join set is closed and starts no more tasks; spawn before closing it");
        }
        return true;
    }

    @SuppressWarnings("unchecked") // this set spawns tasks of T only
    private void hasEnded(JoinHandle<? extends T> member) {
        if (!closed) {
            ended.add((JoinHandle<T>) member);
            joinable.signal();
        }
        wakeIfEmpty();
    }

    private void wakeIfEmpty() {
        if (ended.isEmpty() && group.live() == 0) {
            joinable.signalAll();
        }
    }

    private @Nullable JoinHandle<T> takeEnded() {
        JoinHandle<T> task = ended.poll();
        if (task != null) {
            wakeIfEmpty();
        }
        return task;
    }

    /**
     * Waits for the next task to end and takes it out of the set. From a fiber this parks the fiber
     * only.
     *
     * @return a task that has ended, in the order in which they ended; null if the set is empty
     * @throws InterruptedException if the calling thread was interrupted while waiting; no task is
     *     lost
     */
    public @Nullable JoinHandle<T> joinNext() throws InterruptedException {
        group.acquire();
        try {
            for (; ; ) {
                JoinHandle<T> task = takeEnded();
                if (task != null || group.live() == 0) {
                    return task;
                }
                joinable.await();
            }
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Waits for the next task to end, for a limited time, and takes it out of the set.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return a task that has ended; null if the set is empty
     * @throws InterruptedException if the calling thread was interrupted while waiting
     * @throws TimeoutException if no task had ended in time; they run on
     */
    public @Nullable JoinHandle<T> joinNext(Duration timeout)
            throws InterruptedException, TimeoutException {
        long deadline = Deadline.after(timeout);
        group.acquire();
        try {
            for (; ; ) {
                JoinHandle<T> task = takeEnded();
                if (task != null || group.live() == 0) {
                    return task;
                }
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    throw new TimeoutException(
                            "none of the "
                                    + group.live()
                                    + " tasks of the join set has ended within "
                                    + timeout);
                }
                joinable.awaitNanos(left);
            }
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Takes a task out of the set that has ended. Does not wait.
     *
     * @return a task that has ended; null if there is none just now, or the set is empty
     */
    public @Nullable JoinHandle<T> tryJoinNext() {
        group.acquire();
        try {
            return takeEnded();
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Waits for all tasks and takes them out of the set.
     *
     * @return how they ended, in the order in which they did
     * @throws InterruptedException if the calling thread was interrupted while waiting; the set is
     *     as it was
     */
    public List<Outcome<T>> joinAll() throws InterruptedException {
        group.acquire();
        try {
            while (group.live() > 0) {
                group.changed.await();
            }
            var outcomes = new ArrayList<Outcome<T>>(ended.size());
            for (JoinHandle<T> task; (task = takeEnded()) != null; ) {
                outcomes.add(task.outcome());
            }
            return outcomes;
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Tasks in the set: those that have not ended and those that have and were not joined.
     *
     * @return their number
     */
    public int size() {
        group.acquire();
        try {
            return group.live() + ended.size();
        } finally {
            group.lock.unlock();
        }
    }

    /**
     * Whether no task is in the set.
     *
     * @return true if {@link #size()} is 0
     */
    public boolean isEmpty() {
        return size() == 0;
    }

    /**
     * Cancels every task that has not ended, as {@link JoinHandle#cancel()} does. They stay in the
     * set until they are joined. Does not wait.
     */
    public void abortAll() {
        group.cancelAll();
    }

    /**
     * Takes all tasks out of the set and lets them run on by themselves.
     *
     * @return the handles to them
     */
    public List<JoinHandle<T>> detachAll() {
        group.acquire();
        try {
            var tasks = new ArrayList<>(ended);
            ended.clear();
            for (SpawnedTask<? extends T> task : group.detachAll()) {
                tasks.add(asMember(task));
            }
            joinable.signalAll();
            return tasks;
        } finally {
            group.lock.unlock();
        }
    }

    @SuppressWarnings("unchecked") // this set spawns tasks of T only
    private JoinHandle<T> asMember(JoinHandle<? extends T> task) {
        return (JoinHandle<T>) task;
    }

    /**
     * Cancels every task, waits until none runs any more and empties the set, which starts no more
     * tasks from then on. Failures that were not joined go to the runtime's handler of uncaught
     * failures.
     *
     * @throws InterruptedException if the calling thread was interrupted while waiting; the tasks
     *     have been cancelled
     * @throws IllegalStateException if called by a task of the set, which would wait for itself
     */
    public void shutdown() throws InterruptedException {
        beginShutdown("shutdown()");
        group.awaitEnd();
    }

    /**
     * Does what {@link #shutdown()} does, but waits through interrupts; one that comes meanwhile is
     * kept. Idempotent.
     *
     * @throws IllegalStateException if called by a task of the set, which would wait for itself
     */
    @Override
    public void close() {
        beginShutdown("close()");
        group.awaitEndUninterruptibly();
    }

    private void beginShutdown(String call) {
        List<JoinHandle<T>> unjoined;
        group.acquire();
        try {
            group.checkNotAMember(call);
            closed = true;
            unjoined = List.copyOf(ended);
            ended.clear();
            wakeIfEmpty();
        } finally {
            group.lock.unlock();
        }
        group.cancelAll();
        unjoined.forEach(JoinHandle::detach);
    }

    @Override
    public String toString() {
        group.acquire();
        try {
            return "JoinSet["
                    + (closed ? "closed, " : "")
                    + group.live()
                    + " running, "
                    + ended.size()
                    + " ended]";
        } finally {
            group.lock.unlock();
        }
    }
}
