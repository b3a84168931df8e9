package cloud.avila.avx;

import cloud.avila.avx.UnseenFailures.Failure;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.task.Budget;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Futures;
import cloud.avila.avx.task.Poll;
import cloud.avila.avx.task.Waker;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * A poll task: its future's driver, handle, waker, context, budget and queue cell, in one object.
 */
final class PollTask<T extends @Nullable Object> extends TaskHandle<T>
        implements Waker, Context, Budget {
    /*
     * Overview.
     *
     * Invariant: the task stands in one queue, once, or is being polled by one worker, in the states
     * OWNED, NOTIFIED and DROPPING; in IDLE and in the ends it is neither. So polls follow one upon
     * the other, and a wake-up is followed by a poll that begins after it.
     *
     *   idle                 IDLE
     *   scheduled, running   OWNED       no wake-up since the last poll began, or since it was
     *                                    queued
     *   notified             NOTIFIED    a wake-up has come meanwhile
     *   complete             COMPLETED, FAILED
     *   cancelled            CANCELLED, DROPPING (a step is still to come, and drops the future)
     *
     *   transition                        by                   then
     *   (new)    -> OWNED                 spawn                queued
     *   IDLE     -> OWNED                 wake                 queued by the waker
     *   OWNED    -> NOTIFIED              wake                 nothing: the owner will see it
     *   NOTIFIED -> NOTIFIED              wake                 nothing
     *   NOTIFIED -> OWNED                 step, before a poll  polled
     *   OWNED    -> IDLE                  step, after a poll
     *   OWNED, NOTIFIED -> COMPLETED, FAILED   step, after a poll
     *   IDLE     -> CANCELLED             cancel               the canceller drops the future
     *   OWNED, NOTIFIED -> DROPPING       cancel               the step under way, or the one queued,
     *                                                          drops the future
     *
     * Scheduled and running are one state: whoever wakes or cancels does the same in both. A task
     * that yields, or is found NOTIFIED after a poll, is queued again without a change of state, so
     * a yield costs no atomic operation here.
     *
     * field    writer                         mode
     * state    all                            volatile, compare-and-set
     * future   spawner, then who owns it      plain
     * left, again   the polling thread        plain
     * recording spawner, before it is queued  plain
     *
     * Why the orders suffice: all changes of state are compare-and-sets, so each reads what the one
     * before has written, and what a thread did before its change happens-before what follows any
     * later one. A wake-up is a change of state even where it leaves the value (NOTIFIED to
     * NOTIFIED): a mere look at it could come before the step's change to OWNED, without anything to
     * order the data written before the wake-up before the poll that follows. A step that finds
     * OWNED needs no compare-and-set: the volatile read sees the last change, so a wake-up that is
     * not in it comes later and leaves NOTIFIED, which stops the change to IDLE. The plain fields go
     * from owner to owner by the change to IDLE and the one out of it, or through the queue.
     */

    private static final int IDLE = 0;
    private static final int OWNED = 1;
    private static final int NOTIFIED = 2;

    private final Scheduler scheduler;
    private final @Nullable TaskContext context;
    private @Nullable Future<? extends T> future;
    private int left;
    private boolean again;
    private @Nullable Object recording;

    PollTask(Scheduler scheduler, @Nullable String name, Future<? extends T> future) {
        super(scheduler.nextId(), RuntimeHooks.of(scheduler).poll, name, OWNED);
        this.context = TaskContext.capture(RuntimeHooks.of(scheduler));
        this.scheduler = scheduler;
        this.future = Objects.requireNonNull(future, "future");
    }

    // --- the worker's side ---

    /** One step: a poll, as a rule. */
    @Override
    public void run() {
        int s = state;
        if (s != OWNED && !(s == NOTIFIED && STATE.compareAndSet(this, NOTIFIED, OWNED))) {
            dropCancelled();
            return;
        }
        left = OPERATIONS_PER_POLL;
        Poll<? extends T> poll;
        try {
            Future<? extends T> polled = Objects.requireNonNull(future);
            poll = context == null ? polled.poll(this) : context.call(() -> polled.poll(this));
            if (poll == null) {
                throw new NullPointerException(
                        name() + " polled null; a future that waits returns Poll.pending()");
            }
        } catch (Throwable e) {
            result = new Failure(e);
            end(FAILED);
            return;
        } finally {
            Thread.interrupted(); // the worker's thread goes on to other tasks
        }
        if (poll instanceof Poll.Ready<? extends T>(T value)) {
            result = value;
            end(COMPLETED);
        } else if (again) {
            again = false;
            scheduler.yield(this);
        } else if (!STATE.compareAndSet(this, OWNED, IDLE)) {
            if (state == NOTIFIED) {
                scheduler.yield(this);
            } else {
                dropCancelled();
            }
        }
    }

    private void end(int end) {
        future = null;
        if (!STATE.compareAndSet(this, OWNED, end) && !STATE.compareAndSet(this, NOTIFIED, end)) {
            result = null; // cancelled meanwhile
        } else if (end == FAILED) {
            failed();
        }
        releaseWaiters();
        scheduler.taskEnded(this);
    }

    private void dropCancelled() {
        dropFuture();
        scheduler.taskEnded(this);
    }

    private void dropFuture() {
        Future<? extends T> dropped = Objects.requireNonNull(future);
        future = null;
        Futures.drop(dropped);
    }

    @Override
    protected void runTask() {
        run();
    }

    @Override
    protected @Nullable Thread thread() {
        return null;
    }

    @Override
    protected void keepRecording(@Nullable Object recording) {
        this.recording = recording;
    }

    @Override
    protected @Nullable Object recording() {
        return recording;
    }

    @Override
    protected Stage stage() {
        return switch (state) {
            case IDLE -> Stage.IDLE;
            case OWNED, NOTIFIED -> Stage.QUEUED;
            default -> Stage.ENDED;
        };
    }

    // --- any thread ---

    @Override
    public void wake() {
        for (; ; ) {
            int s = state;
            if (s == IDLE) {
                if (STATE.compareAndSet(this, IDLE, OWNED)) {
                    scheduler.resume(this);
                    return;
                }
            } else if (s > NOTIFIED || STATE.compareAndSet(this, s, NOTIFIED)) {
                return;
            }
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        for (; ; ) {
            int s = state;
            if (s > NOTIFIED) {
                return false;
            }
            if (s == IDLE) {
                if (STATE.compareAndSet(this, IDLE, CANCELLED)) {
                    dropFuture();
                    releaseWaiters();
                    scheduler.taskEnded(this);
                    return true;
                }
            } else if (STATE.compareAndSet(this, s, DROPPING)) {
                releaseWaiters();
                return true;
            }
        }
    }

    // --- what a poll sees ---

    @Override
    public Waker waker() {
        return this;
    }

    @Override
    public Budget budget() {
        return this;
    }

    @Override
    public void pollAgain() {
        again = true;
    }

    @Override
    public boolean tryConsume() {
        if (left > 0) {
            left--;
            return true;
        }
        if (left == 0) {
            left = -1;
            again = true;
            scheduler.countForcedYield();
        }
        return false;
    }

    @Override
    public int remaining() {
        return Math.max(0, left);
    }
}
