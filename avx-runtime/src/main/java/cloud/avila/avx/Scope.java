package cloud.avila.avx;

import cloud.avila.avx.internal.park.Deadline;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;

/**
 * A block of code whose tasks end before it does.
 *
 * <pre>{@code
 * try (var scope = Scope.open(Scope.failFast())) {
 *     var user = scope.spawn(() -> loadUser(id));
 *     var cart = scope.spawn(() -> loadCart(id));
 *     scope.join(Duration.ofSeconds(2));
 *     return new Page(user.resultNow(), cart.resultNow());
 * }
 * }</pre>
 *
 * <p>The thread that opens a scope owns it: a fiber, or any other thread. Only the owner joins and
 * closes. Any thread may spawn into it while it is open; what a task of the scope spawns is joined
 * with it. {@link #close()} cancels what still runs and does not return before it has ended, so a
 * task that ignores interruption holds its scope up. Scopes of one thread nest like blocks.
 *
 * <p>The policy says what {@link #join()} waits for and returns: {@link #failFast()}, {@link
 * #collectAll()} or {@link #firstSuccess()}. When an owner that waits is interrupted, or time is
 * up, all tasks of the scope are cancelled: so a deadline or a cancellation at the top goes down to
 * the last task.
 *
 * <p>What the owner did before a spawn happens-before the task, and what the tasks did
 * happens-before what follows the join.
 *
 * @param <T> what the tasks return
 * @param <R> what the policy makes of it
 */
public final class Scope<T extends @Nullable Object, R extends @Nullable Object>
        implements AutoCloseable {
    /*
     * Overview.
     *
     * The lock of the group guards all fields that change, and the collector. The owner waits for
     * group.changed, which is signalled when the last task has ended or the collector has enough.
     *
     * OPEN has the innermost open scope of each thread, each scope the one around it. Only a thread
     * itself changes its entry. It is a map and no ThreadLocal because the end of every task looks
     * for a scope left open, and a ThreadLocal would allocate for those that never had one; and not
     * even the map is asked before the first scope is opened: everOpened needs no order, since a
     * thread that has opened one sees its own write.
     */

    private static final ConcurrentHashMap<Thread, Scope<?, ?>> OPEN = new ConcurrentHashMap<>();
    private static boolean everOpened;

    /** Failures of tasks that are kept beside the first. */
    private static final int MAX_SUPPRESSED = 16;

    /**
     * What a scope waits for, and what it makes of the outcomes of its tasks.
     *
     * @param <T> what the tasks return
     * @param <R> what {@link Scope#join()} returns
     */
    public abstract static sealed class Policy<
            T extends @Nullable Object, R extends @Nullable Object> {
        private Policy() {}

        abstract Collector<T, R> newCollector();
    }

    private static final class FailFast extends Policy<@Nullable Object, @Nullable Void> {
        static final FailFast INSTANCE = new FailFast();

        @Override
        Collector<@Nullable Object, @Nullable Void> newCollector() {
            return new FailFastCollector();
        }

        @Override
        public String toString() {
            return "failFast";
        }
    }

    private static final class CollectAll<T extends @Nullable Object>
            extends Policy<T, List<Outcome<T>>> {
        @Override
        Collector<T, List<Outcome<T>>> newCollector() {
            return new CollectAllCollector<>();
        }

        @Override
        public String toString() {
            return "collectAll";
        }
    }

    private static final class FirstSuccess<T extends @Nullable Object> extends Policy<T, T> {
        @Override
        Collector<T, T> newCollector() {
            return new FirstSuccessCollector<>();
        }

        @Override
        public String toString() {
            return "firstSuccess";
        }
    }

    /** The state of a policy in one scope; used with the scope's lock held. */
    private abstract static class Collector<
            T extends @Nullable Object, R extends @Nullable Object> {
        void spawned(JoinHandle<? extends T> task) {}

        void refused(JoinHandle<? extends T> task) {}

        /** Whether the others are not needed any more. */
        abstract boolean ended(JoinHandle<? extends T> task);

        /** The result, or an exception, once all have ended or {@link #ended} returned true. */
        abstract R result();
    }

    /** Keeps what went wrong. */
    private static final class Failures {
        private @Nullable RuntimeException first;
        private int more;

        void add(JoinHandle<?> task) {
            RuntimeException failure =
                    task.state() == Future.State.FAILED
                            ? new CompletionException(task.name() + " failed", task.exceptionNow())
                            : new CancellationException(task.name() + " was cancelled");
            if (first == null) {
                first = failure;
            } else if (more++ < MAX_SUPPRESSED) {
                first.addSuppressed(failure);
            }
        }

        void throwIfAny() {
            if (first != null) {
                throw first;
            }
        }
    }

    private static final class FailFastCollector
            extends Collector<@Nullable Object, @Nullable Void> {
        private final Failures failures = new Failures();

        @Override
        boolean ended(JoinHandle<? extends @Nullable Object> task) {
            if (task.state() == Future.State.SUCCESS) {
                return false;
            }
            failures.add(task);
            return true;
        }

        @Override
        @Nullable Void result() {
            failures.throwIfAny();
            return null;
        }
    }

    private static final class CollectAllCollector<T extends @Nullable Object>
            extends Collector<T, List<Outcome<T>>> {
        private final List<JoinHandle<? extends T>> tasks = new ArrayList<>();

        @Override
        void spawned(JoinHandle<? extends T> task) {
            tasks.add(task);
        }

        @Override
        void refused(JoinHandle<? extends T> task) {
            tasks.remove(task);
        }

        @Override
        boolean ended(JoinHandle<? extends T> task) {
            return false;
        }

        @Override
        List<Outcome<T>> result() {
            List<Outcome<T>> outcomes = new ArrayList<>(tasks.size());
            for (JoinHandle<? extends T> task : tasks) {
                outcomes.add(outcomeOf(task));
            }
            return outcomes;
        }

        @SuppressWarnings("unchecked") // an outcome is only read
        private Outcome<T> outcomeOf(JoinHandle<? extends T> task) {
            return ((JoinHandle<T>) task).outcome();
        }
    }

    private static final class FirstSuccessCollector<T extends @Nullable Object>
            extends Collector<T, T> {
        private final Failures failures = new Failures();
        private @Nullable JoinHandle<? extends T> winner;

        @Override
        boolean ended(JoinHandle<? extends T> task) {
            if (winner != null) {
                return false;
            }
            if (task.state() == Future.State.SUCCESS) {
                winner = task;
                return true;
            }
            failures.add(task);
            return false;
        }

        @Override
        T result() {
            if (winner != null) {
                return winner.resultNow();
            }
            failures.throwIfAny();
            throw new IllegalStateException(
                    "the scope races no tasks, so there is no first; spawn before joining");
        }
    }

    private final TaskGroup<T> group;
    private final Collector<T, R> collector;
    private final Policy<?, R> policy;
    private final Thread owner = Thread.currentThread();
    private final @Nullable Scope<?, ?> outer;
    private boolean decided;
    private @Nullable String cancelled;
    private boolean unjoined;
    private boolean closed;

    private Scope(Handle handle, Policy<T, R> policy) {
        this.policy = policy;
        this.collector = policy.newCollector();
        this.group =
                new TaskGroup<>(
                        handle,
                        new TaskGroup.Owner<T>() {
                            @Override
                            public boolean ended(JoinHandle<? extends T> member) {
                                return hasEnded(member);
                            }

                            @Override
                            public void refused(JoinHandle<? extends T> member) {
                                collector.refused(member);
                            }
                        });
        this.outer = OPEN.get(owner);
        everOpened = true;
        OPEN.put(owner, this);
    }

    /**
     * A policy under which all tasks have to complete. The first that fails, or is cancelled, has
     * the others cancelled, and is thrown by the join. A join that returns normally says that every
     * task completed. Nothing is kept of those that did but their handles, so such a scope may
     * start any number of tasks one after the other.
     *
     * @param <T> what the tasks return
     * @return the policy, for any number of scopes
     */
    @SuppressWarnings("unchecked") // it only asks how tasks ended
    public static <T extends @Nullable Object> Policy<T, @Nullable Void> failFast() {
        return (Policy<T, @Nullable Void>) (Policy<?, @Nullable Void>) FailFast.INSTANCE;
    }

    /**
     * A policy under which each task may end as it likes. The join waits for all and returns their
     * outcomes in the order in which they were spawned.
     *
     * @param <T> what the tasks return
     * @return the policy, for any number of scopes
     */
    public static <T extends @Nullable Object> Policy<T, List<Outcome<T>>> collectAll() {
        return new CollectAll<>();
    }

    /**
     * A policy under which tasks race. The join returns what the first that completed returned, and
     * the others are cancelled; if none completes, it throws the failure of the first that failed,
     * with the others suppressed.
     *
     * @param <T> what the tasks return
     * @return the policy, for any number of scopes
     */
    public static <T extends @Nullable Object> Policy<T, T> firstSuccess() {
        return new FirstSuccess<>();
    }

    /**
     * Opens a scope for tasks of the current runtime, owned by the calling thread.
     *
     * @param policy what to wait for
     * @param <T> what the tasks return
     * @param <R> what the policy makes of it
     * @return the scope, to be closed by the calling thread
     * @throws IllegalStateException if the calling thread belongs to no runtime
     */
    public static <T extends @Nullable Object, R extends @Nullable Object> Scope<T, R> open(
            Policy<T, R> policy) {
        return open(Handle.current(), policy);
    }

    /**
     * Opens a scope for tasks of a runtime, owned by the calling thread, which need not belong to
     * it.
     *
     * @param handle the runtime
     * @param policy what to wait for
     * @param <T> what the tasks return
     * @param <R> what the policy makes of it
     * @return the scope, to be closed by the calling thread
     */
    public static <T extends @Nullable Object, R extends @Nullable Object> Scope<T, R> open(
            Handle handle, Policy<T, R> policy) {
        return new Scope<>(handle, Objects.requireNonNull(policy, "policy"));
    }

    /**
     * Starts a fiber in this scope. If the scope was cancelled, or its policy needs no more tasks,
     * the task is not started and its handle is that of a cancelled one.
     *
     * @param task what to run
     * @param <U> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link Handle#spawn(Callable)}
     * @throws IllegalStateException if the scope is closed
     */
    public <U extends T> JoinHandle<U> spawn(Callable<? extends U> task) {
        return group.spawn(TaskGroup.Kind.FIBER, null, task, this::admit);
    }

    /**
     * Starts a fiber with a name in this scope, see {@link #spawn(Callable)}.
     *
     * @param name the fiber's name
     * @param task what to run
     * @param <U> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link Handle#spawn(Callable)}
     * @throws IllegalStateException if the scope is closed
     */
    public <U extends T> JoinHandle<U> spawn(String name, Callable<? extends U> task) {
        Objects.requireNonNull(name, "name");
        return group.spawn(TaskGroup.Kind.FIBER, name, task, this::admit);
    }

    /**
     * Starts a task on the blocking pool in this scope, see {@link #spawn(Callable)}.
     *
     * @param task what to run
     * @param <U> what it returns
     * @return the handle to it
     * @throws java.util.concurrent.RejectedExecutionException as {@link
     *     Handle#spawnBlocking(Callable)}
     * @throws IllegalStateException if the scope is closed
     */
    public <U extends T> JoinHandle<U> spawnBlocking(Callable<? extends U> task) {
        return group.spawn(TaskGroup.Kind.BLOCKING, null, task, this::admit);
    }

    private boolean admit(JoinHandle<? extends T> task) {
        if (closed) {
            throw new IllegalStateException(
                    "the scope is closed and starts no more tasks; spawn inside its block");
        }
        if (decided || cancelled != null) {
            return false;
        }
        unjoined = true;
        collector.spawned(task);
        return true;
    }

    private boolean hasEnded(JoinHandle<? extends T> task) {
        if (decided || cancelled != null || closed) {
            return false;
        }
        decided = collector.ended(task);
        return decided;
    }

    /**
     * Waits for what the policy waits for. From a fiber this parks the fiber only.
     *
     * @return what the policy makes of the outcomes
     * @throws InterruptedException if the calling thread was interrupted while waiting; all tasks
     *     of the scope have been cancelled
     * @throws CompletionException if the policy makes a failure of the whole of a task's failure;
     *     the cause is what the task threw
     * @throws CancellationException if the scope was cancelled, or a task was and the policy makes
     *     a failure of that
     * @throws IllegalStateException if called by another thread than the owner, or if the scope is
     *     closed
     */
    public R join() throws InterruptedException {
        try {
            return join(false, 0, Duration.ZERO);
        } catch (TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Waits for what the policy waits for, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return what the policy makes of the outcomes
     * @throws TimeoutException if time is up; all tasks of the scope have been cancelled
     * @throws InterruptedException if the calling thread was interrupted while waiting; all tasks
     *     of the scope have been cancelled
     * @throws CompletionException as {@link #join()}
     * @throws CancellationException as {@link #join()}
     * @throws IllegalStateException as {@link #join()}
     */
    public R join(Duration timeout) throws InterruptedException, TimeoutException {
        return join(true, Deadline.after(timeout), timeout);
    }

    private R join(boolean timed, long deadline, Duration timeout)
            throws InterruptedException, TimeoutException {
        checkOwner("join");
        String why;
        Exception failure;
        group.acquire();
        try {
            if (closed) {
                throw new IllegalStateException("the scope is closed; join before closing it");
            }
            unjoined = false;
            for (; ; ) {
                if (cancelled != null) {
                    throw new CancellationException("the scope was cancelled: " + cancelled);
                }
                if (decided || group.live() == 0) {
                    unjoined = false;
                    return collector.result();
                }
                if (!timed) {
                    group.changed.await();
                } else {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        why = "its time was up";
                        failure =
                                new TimeoutException(
                                        group.live()
                                                + " tasks of the scope had not ended within "
                                                + timeout);
                        break;
                    }
                    group.changed.awaitNanos(left);
                }
            }
        } catch (InterruptedException e) {
            why = "its owner was interrupted";
            failure = e;
        } finally {
            group.lock.unlock();
        }
        cancel(why);
        switch (failure) {
            case InterruptedException e -> throw e;
            case TimeoutException e -> throw e;
            default -> throw new AssertionError(failure);
        }
    }

    /**
     * Cancels every task of the scope, now and later ones; joining it throws a {@link
     * CancellationException} then. May be called by any thread, does not wait. Does nothing once
     * the policy has all it waits for. To tie a scope to a token: {@code
     * token.onCancel(scope::cancel)}.
     */
    public void cancel() {
        cancel("cancel() was called");
    }

    private void cancel(String why) {
        group.acquire();
        try {
            if (decided || cancelled != null || closed) {
                return;
            }
            cancelled = why;
            group.changed.signalAll();
        } finally {
            group.lock.unlock();
        }
        group.cancelAll();
    }

    private void checkOwner(String call) {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException(
                    call
                            + " was called by "
                            + Thread.currentThread()
                            + ", but the scope belongs to "
                            + owner
                            + ", which opened it; call it there");
        }
    }

    /**
     * Cancels what still runs and waits until it has ended. Waits through interrupts; one that
     * comes meanwhile is kept. Idempotent.
     *
     * @throws IllegalStateException if called by another thread than the owner; or, after all tasks
     *     have ended, if some were not joined, or if a scope opened inside this one was still open,
     *     which is closed too
     */
    @Override
    public void close() {
        checkOwner("close");
        if (closed) {
            return;
        }
        int inner = 0;
        for (Scope<?, ?> s; (s = OPEN.get(owner)) != this && s != null; inner++) {
            s.end();
        }
        boolean forgotten = end();
        if (inner > 0) {
            throw new IllegalStateException(
                    inner
                            + " scopes opened inside this one were still open and have been closed"
                            + " with it; close each by try-with-resources");
        }
        if (forgotten) {
            throw new IllegalStateException(
                    "the scope was closed without joining what it had started, which has been"
                            + " cancelled; call join before the end of the block");
        }
    }

    /** Closes; tells whether there was something unjoined. */
    private boolean end() {
        boolean forgotten;
        group.acquire();
        try {
            closed = true;
            forgotten = unjoined;
        } finally {
            group.lock.unlock();
        }
        group.cancelAll();
        group.awaitEndUninterruptibly();
        if (outer == null) {
            OPEN.remove(owner);
        } else {
            OPEN.put(owner, outer);
        }
        return forgotten;
    }

    /**
     * Runs the body of a task. Scopes that it leaves open are closed, and make it fail.
     *
     * @throws IllegalStateException if the body left scopes open and did not fail otherwise
     */
    static <U extends @Nullable Object> U callClosing(Callable<U> body) throws Exception {
        U value;
        try {
            value = body.call();
        } catch (Throwable failure) {
            int forgotten = closeForgotten();
            if (forgotten > 0) {
                failure.addSuppressed(leftOpen(forgotten));
            }
            throw failure;
        }
        int forgotten = closeForgotten();
        if (forgotten > 0) {
            throw leftOpen(forgotten);
        }
        return value;
    }

    private static int closeForgotten() {
        int n = 0;
        if (everOpened) {
            Thread thread = Thread.currentThread();
            for (Scope<?, ?> s; (s = OPEN.get(thread)) != null; n++) {
                s.end();
            }
        }
        return n;
    }

    private static IllegalStateException leftOpen(int scopes) {
        return new IllegalStateException(
                "the task left "
                        + scopes
                        + " scopes open at its end, which have been closed and their tasks"
                        + " cancelled; open scopes with try-with-resources");
    }

    @Override
    public String toString() {
        group.acquire();
        try {
            String state = closed ? "closed, " : cancelled != null ? "cancelled, " : "";
            return "Scope[" + policy + ", " + state + group.live() + " running]";
        } finally {
            group.lock.unlock();
        }
    }
}
