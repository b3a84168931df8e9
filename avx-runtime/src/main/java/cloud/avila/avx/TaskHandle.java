package cloud.avila.avx;

import cloud.avila.avx.UnseenFailures.Failure;
import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.scheduler.TrackedTask;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A task and the handle to it, in one object: how the task ended, and who waits for that. */
abstract class TaskHandle<T extends @Nullable Object> extends TrackedTask implements JoinHandle<T> {
    /*
     * Overview.
     *
     * The subclass moves the state from its own, live ones, which are numbered below CANCELLING, to
     * an end:
     *
     *   live -> COMPLETED | FAILED            the result is written before
     *   live -> CANCELLED
     *   live -> CANCELLING -> CANCELLED       cancelled; joins wait for the second step
     *   live -> DROPPING                      cancelled for the handle; whoever has the task in
     *                                         hand takes it off the books
     *
     * field    writer                        mode
     * state    subclass, cancellers          volatile, compare-and-set
     * result   who ends the task             plain; published by the change of state, and read only
     *                                        in COMPLETED, and as a Failure in FAILED
     * waiters  anyone                        compare-and-set; swapped for DONE at the end
     *
     * waiters is a stack of parked threads and of callbacks; whoever swaps it for DONE wakes them.
     * Whoever ends the task changes the state, then reads waiters, and leaves an empty stack alone;
     * a waiter is pushed, then its thread reads the state, and does the swap itself if the task has
     * ended. Both pairs are a compare-and-set and a volatile read, so one of the two sees the other.
     * A waiter that gives up marks its node dead and unlinks every dead node it meets; nodes hold
     * nothing but the thread or the callback.
     */

    private static final BoundedLog LOG = new BoundedLog(TaskHandle.class);

    static final int CANCELLING = 4;
    static final int COMPLETED = 5;
    static final int FAILED = 6;
    static final int CANCELLED = 7;
    static final int DROPPING = 8;

    static final VarHandle STATE;
    private static final VarHandle WAITERS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(TaskHandle.class, "state", int.class);
            WAITERS = lookup.findVarHandle(TaskHandle.class, "waiters", Waiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Who waits for the end: a thread, or a callback that is run by whoever ends the task. */
    static class Waiter {
        private volatile @Nullable Runnable callback;
        private volatile @Nullable Thread thread;
        private volatile @Nullable Waiter next;

        private Waiter(@Nullable Thread thread, @Nullable Runnable callback) {
            this.thread = thread;
            this.callback = callback;
        }

        private boolean isDead() {
            return thread == null && callback == null;
        }
    }

    /** One thread's wait. */
    private final class Joiner extends Waiter implements Blocker {
        private Joiner() {
            super(Thread.currentThread(), null);
        }

        @Override
        public @Nullable Thread holder() {
            return hasEnded() ? null : TaskHandle.this.thread();
        }

        @Override
        public String toString() {
            return "end of " + name();
        }
    }

    private static final Waiter DONE = new Waiter(null, null);

    private final long id;
    private final @Nullable String name;
    private final RuntimeHooks.Kind kind;
    @Nullable Object result;
    volatile int state;
    private volatile @Nullable Waiter waiters;

    TaskHandle(long id, RuntimeHooks.Kind kind, @Nullable String name, int state) {
        this.id = id;
        this.kind = kind;
        this.name = name;
        STATE.set(this, state);
    }

    // --- the end ---

    @Override
    protected final Ending ending() {
        return switch (state) {
            case COMPLETED -> Ending.COMPLETED;
            case FAILED -> Ending.FAILED;
            default -> Ending.CANCELLED;
        };
    }

    @Override
    protected final void cancelOnShutdown() {
        cancel(true);
    }

    @Override
    protected final String displayName() {
        return name();
    }

    /** Wakes who waits, if anybody does; after the change of state that ended the task. */
    final void releaseWaiters() {
        if (waiters != null) {
            wakeWaiters();
        }
    }

    /**
     * Has a callback run when the task ends, by whoever ends it.
     *
     * @return what to {@link #giveUp}, or null if the task has ended
     */
    final @Nullable Waiter whenEnded(Runnable callback) {
        var waiter = new Waiter(null, callback);
        return push(waiter) ? waiter : null;
    }

    /**
     * Has a callback run when the outcome is decided, by who decides it; at once if it is already.
     * A task that was cancelled may still be running then.
     *
     * @param callback short, does not block, does not throw
     */
    final void runWhenDecided(Runnable callback) {
        if (whenEnded(callback) == null) {
            awaitWritten();
            callback.run();
        }
    }

    private void wakeWaiters() {
        Waiter w = (Waiter) WAITERS.getAndSet(this, DONE);
        while (w != null) {
            Parker.unpark(w.thread);
            Runnable callback = w.callback;
            if (callback != null) {
                run(callback);
            }
            w = w.next;
        }
    }

    private void run(Runnable callback) {
        try {
            callback.run();
        } catch (Throwable e) { // a waker of the user's: the other waiters need theirs all the same
            LOG.log(Level.ERROR, "a waker that waited for " + name() + " threw", e);
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

    final boolean hasEnded() {
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
        if (thread() == Thread.currentThread()) {
            throw new IllegalStateException(
                    name()
                            + " joins itself and would wait for ever; join it from another task, or"
                            + " return what it has");
        }
        Joiner waiter = new Joiner();
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
                Parker.parkNanos(waiter, left);
            } else {
                Parker.park(waiter);
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

    /** A waiter waits no more. */
    final void giveUp(Waiter waiter) {
        waiter.thread = null;
        waiter.callback = null;
        unlinkDead();
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // null only where T admits it
    private T value() {
        return (T) result;
    }

    private Throwable failure() {
        Failure failure = (Failure) Objects.requireNonNull(result);
        failure.seen = true;
        return failure.cause;
    }

    /** After the change of state to FAILED, before the waiters are released. */
    final void failed() {
        if (waiters == null) {
            watchUnseen();
        }
    }

    /** Reports what nobody can ask this handle for. */
    final void uncaught(Throwable failure) {
        kind.hooks().failed(name(), failure);
    }

    /** Has a failure that nobody has seen reported when this handle is garbage. */
    final void watchUnseen() {
        if (state == FAILED) {
            Failure failure = (Failure) Objects.requireNonNull(result);
            if (!failure.seen) {
                UnseenFailures.watch(this, kind.hooks(), name(), failure);
            }
        }
    }

    /** Reports a failure that nobody has seen. */
    final void reportUnseen() {
        if (state == FAILED) {
            Failure failure = (Failure) Objects.requireNonNull(result);
            if (!failure.seen) {
                uncaught(failure());
            }
        }
    }

    @Override
    public void detach() {
        runWhenDecided(this::reportUnseen);
    }

    private CancellationException cancellation() {
        return new CancellationException(name() + " was cancelled");
    }

    final T joined() {
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
        await(true, Deadline.nanos(timeout));
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
        await(true, Math.max(0, unit.toNanos(timeout))); // or the difference would wrap
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
        return state >= CANCELLING;
    }

    @Override
    public boolean isCancelled() {
        int s = state;
        return s == CANCELLING || s >= CANCELLED;
    }

    @Override
    public State state() {
        return switch (state) {
            case COMPLETED -> State.SUCCESS;
            case FAILED -> State.FAILED;
            case CANCELLING, CANCELLED, DROPPING -> State.CANCELLED;
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
        runWhenDecided(() -> complete(future));
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
    public cloud.avila.avx.task.Future<T> asFuture() {
        return new JoinFuture<>(this);
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public String name() {
        return name != null ? name : kind.name() + "-" + id;
    }

    @Override
    public String toString() {
        return "JoinHandle[" + name() + ", " + state() + "]";
    }
}
