package cloud.avila.avx;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.scheduler.TrackedTask;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A spawned task and the handle to it, in one object. */
final class SpawnedTask<T extends @Nullable Object> extends TrackedTask implements JoinHandle<T> {
    /*
     * Overview.
     *
     * The state machine is that of FutureTask:
     *
     *   NEW -> RUNNING -> COMPLETED | FAILED     the result is written before
     *   NEW -> CANCELLED
     *   RUNNING -> INTERRUPTING -> CANCELLED     cancel with interrupt
     *   RUNNING -> CANCELLED                     cancel without
     *
     * field    writer                        mode
     * state    task's thread, cancellers     volatile, compare-and-set
     * result   task's thread, in RUNNING     plain; published by the change of state, and read
     *                                        only in COMPLETED and FAILED
     * thread   task's thread, in runTask     plain; published by the compare-and-set to RUNNING
     * waiters  anyone                        compare-and-set; swapped for DONE at the end
     *
     * A canceller that interrupts holds the state at INTERRUPTING while it does, and the task's
     * thread does not leave runTask before that is over: an interrupt never reaches what the thread
     * does next.
     *
     * waiters is a stack of parked threads and of callbacks; whoever swaps it for DONE wakes them.
     * The task's thread changes the state, then reads waiters, and leaves an empty stack alone; a
     * waiter is pushed, then its thread reads the state, and does the swap itself if the task has
     * ended. Both pairs are a compare-and-set and a volatile read, so one of the two sees the other.
     * A thread that gives up waiting marks its node dead and unlinks every dead node it meets; nodes
     * hold nothing but the thread.
     */

    private static final int NEW = 0;
    private static final int RUNNING = 1;
    private static final int INTERRUPTING = 2;
    private static final int COMPLETED = 3;
    private static final int FAILED = 4;
    private static final int CANCELLED = 5;

    private static final VarHandle STATE;
    private static final VarHandle WAITERS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(SpawnedTask.class, "state", int.class);
            WAITERS = lookup.findVarHandle(SpawnedTask.class, "waiters", Waiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final class Waiter {
        final @Nullable Runnable callback;
        volatile @Nullable Thread thread;
        volatile @Nullable Waiter next;

        Waiter(@Nullable Thread thread, @Nullable Runnable callback) {
            this.thread = thread;
            this.callback = callback;
        }

        boolean isDead() {
            return thread == null && callback == null;
        }
    }

    private static final Waiter DONE = new Waiter(null, null);

    private final long id;
    private final @Nullable String name;
    private final String kind;
    private @Nullable Callable<? extends T> body;
    private @Nullable Object result;
    private @Nullable Thread thread;
    private volatile int state;
    private volatile @Nullable Waiter waiters;

    SpawnedTask(long id, String kind, @Nullable String name, Callable<? extends T> body) {
        this.id = id;
        this.kind = kind;
        this.name = name;
        this.body = Objects.requireNonNull(body, "task");
    }

    // --- the task's thread ---

    @Override
    protected void runTask() {
        Callable<? extends T> callable = Objects.requireNonNull(body);
        body = null;
        thread = Thread.currentThread();
        if (!STATE.compareAndSet(this, NEW, RUNNING)) {
            return;
        }
        int end;
        try {
            result = callable.call();
            end = COMPLETED;
        } catch (Throwable e) {
            result = e;
            end = FAILED;
        }
        if (STATE.compareAndSet(this, RUNNING, end)) {
            if (waiters != null) {
                wakeWaiters();
            }
        } else {
            result = null;
            while (state == INTERRUPTING) {
                Thread.onSpinWait();
            }
        }
        thread = null;
    }

    @Override
    protected Ending ending() {
        return switch (state) {
            case COMPLETED -> Ending.COMPLETED;
            case FAILED -> Ending.FAILED;
            default -> Ending.CANCELLED;
        };
    }

    @Override
    protected void cancelOnShutdown() {
        cancel(true);
    }

    @Override
    protected @Nullable Thread thread() {
        return state == RUNNING ? thread : null;
    }

    @Override
    protected String displayName() {
        return name();
    }

    // --- the handle ---

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        for (; ; ) {
            int s = state;
            if (s == NEW) {
                if (STATE.compareAndSet(this, NEW, CANCELLED)) {
                    wakeWaiters();
                    return true;
                }
            } else if (s != RUNNING) {
                return false;
            } else if (!mayInterruptIfRunning) {
                if (STATE.compareAndSet(this, RUNNING, CANCELLED)) {
                    wakeWaiters();
                    return true;
                }
            } else if (STATE.compareAndSet(this, RUNNING, INTERRUPTING)) {
                try {
                    Objects.requireNonNull(thread).interrupt();
                } finally {
                    state = CANCELLED;
                }
                wakeWaiters();
                return true;
            }
        }
    }

    private void wakeWaiters() {
        Waiter w = (Waiter) WAITERS.getAndSet(this, DONE);
        while (w != null) {
            Parker.unpark(w.thread);
            if (w.callback != null) {
                w.callback.run();
            }
            w = w.next;
        }
    }

    /** Pushes a waiter; false if the task has ended. */
    private boolean push(Waiter waiter) {
        for (; ; ) {
            Waiter top = waiters;
            if (top == DONE) {
                return false;
            }
            waiter.next = top;
            if (WAITERS.compareAndSet(this, top, waiter)) {
                if (hasEnded()) {
                    wakeWaiters();
                }
                return true;
            }
        }
    }

    private void unlinkDead() {
        for (; ; ) {
            boolean again = false;
            Waiter before = null;
            for (Waiter w = waiters; w != null && w != DONE; ) {
                Waiter next = w.next;
                if (!w.isDead()) {
                    before = w;
                } else if (before != null) {
                    before.next = next;
                    again |= before.isDead(); // unlinked itself meanwhile: the cut was lost
                } else if (!WAITERS.compareAndSet(this, w, next)) {
                    again = true;
                    break;
                }
                w = next;
            }
            if (!again) {
                return;
            }
        }
    }

    private boolean hasEnded() {
        return state >= COMPLETED;
    }

    private void await() throws InterruptedException {
        try {
            await(false, 0);
        } catch (TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    private void await(boolean timed, long nanos) throws InterruptedException, TimeoutException {
        if (hasEnded()) {
            return;
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        long start = timed ? System.nanoTime() : 0;
        Waiter waiter = new Waiter(Thread.currentThread(), null);
        if (!push(waiter)) {
            awaitWritten();
            return;
        }
        while (waiters != DONE) {
            long left = 0;
            if (timed && (left = nanos - (System.nanoTime() - start)) <= 0) {
                giveUp(waiter);
                throw new TimeoutException(
                        name() + " has not ended after " + Duration.ofNanos(nanos));
            }
            if (timed) {
                Parker.parkNanos(this, left);
            } else {
                Parker.park(this);
            }
            if (Thread.interrupted()) {
                giveUp(waiter);
                throw new InterruptedException();
            }
        }
    }

    /** The waiters have been released, so the state is final. */
    private void awaitWritten() {
        while (!hasEnded()) {
            Thread.onSpinWait();
        }
    }

    private void giveUp(Waiter waiter) {
        waiter.thread = null;
        unlinkDead();
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // null only where T admits it
    private T value() {
        return (T) result;
    }

    private Throwable failure() {
        return (Throwable) Objects.requireNonNull(result);
    }

    private CancellationException cancellation() {
        return new CancellationException(name() + " was cancelled");
    }

    private T joined() {
        return switch (state) {
            case COMPLETED -> value();
            case FAILED -> throw new CompletionException(name() + " failed", failure());
            default -> throw cancellation();
        };
    }

    private T got() throws ExecutionException {
        return switch (state) {
            case COMPLETED -> value();
            case FAILED -> throw new ExecutionException(name() + " failed", failure());
            default -> throw cancellation();
        };
    }

    @Override
    public T join() throws InterruptedException {
        await();
        return joined();
    }

    @Override
    public T join(Duration timeout) throws InterruptedException, TimeoutException {
        await(true, saturatedNanos(timeout));
        return joined();
    }

    @Override
    public T get() throws InterruptedException, ExecutionException {
        await();
        return got();
    }

    @Override
    public T get(long timeout, TimeUnit unit)
            throws InterruptedException, ExecutionException, TimeoutException {
        await(true, unit.toNanos(timeout));
        return got();
    }

    static long saturatedNanos(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException e) {
            return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }

    @Override
    public boolean isDone() {
        return state >= INTERRUPTING;
    }

    @Override
    public boolean isCancelled() {
        int s = state;
        return s == CANCELLED || s == INTERRUPTING;
    }

    @Override
    public State state() {
        return switch (state) {
            case COMPLETED -> State.SUCCESS;
            case FAILED -> State.FAILED;
            case CANCELLED, INTERRUPTING -> State.CANCELLED;
            default -> State.RUNNING;
        };
    }

    @Override
    public Outcome<T> outcome() {
        return switch (state()) {
            case SUCCESS -> new Outcome.Completed<>(value());
            case FAILED -> new Outcome.Failed<>(failure());
            case CANCELLED -> new Outcome.Cancelled<>();
            case RUNNING ->
                    throw new IllegalStateException(
                            name() + " has not ended; join it before asking for its outcome");
        };
    }

    @Override
    public T resultNow() {
        if (state() == State.SUCCESS) {
            return value();
        }
        throw new IllegalStateException(name() + " has no result, it is " + state());
    }

    @Override
    public Throwable exceptionNow() {
        if (state() == State.FAILED) {
            return failure();
        }
        throw new IllegalStateException(name() + " has not failed, it is " + state());
    }

    @Override
    public CompletableFuture<T> toCompletableFuture() {
        var future = new CompletableFuture<T>();
        Runnable complete = () -> complete(future);
        if (!push(new Waiter(null, complete))) {
            awaitWritten();
            complete.run();
        }
        future.whenComplete(
                (value, failure) -> {
                    if (future.isCancelled()) {
                        cancel(true);
                    }
                });
        return future;
    }

    private void complete(CompletableFuture<T> future) {
        switch (state) {
            case COMPLETED -> future.complete(value());
            case FAILED -> future.completeExceptionally(failure());
            default -> future.cancel(false);
        }
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public String name() {
        return name != null ? name : kind + "-" + id;
    }

    @Override
    public String toString() {
        return "JoinHandle[" + name() + ", " + state() + "]";
    }
}
