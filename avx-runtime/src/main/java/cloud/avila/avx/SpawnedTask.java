package cloud.avila.avx;

import cloud.avila.avx.UnseenFailures.Failure;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.concurrent.Callable;

/** A task with a thread of its own, a fiber or one of the blocking pool. */
final class SpawnedTask<T extends @Nullable Object> extends TaskHandle<T> {
    /*
     * Overview.
     *
     * The state machine is that of FutureTask; TaskHandle says what its ends mean:
     *
     *   NEW -> RUNNING -> COMPLETED | FAILED
     *   NEW -> CANCELLED
     *   RUNNING -> INTERRUPTING -> CANCELLED     cancel with interrupt
     *   RUNNING -> CANCELLED                     cancel without
     *
     * field    writer                        mode
     * state    task's thread, cancellers     volatile, compare-and-set
     * body     task's thread                 plain
     * thread   task's thread, in runTask     plain; published by the compare-and-set to RUNNING; who
     *                                        reads it after a cancellation may read the thread still
     *                                        when it is gone, or null
     *
     * A canceller that interrupts holds the state at INTERRUPTING while it does, and the task's
     * thread does not leave runTask before that is over: an interrupt never reaches what the thread
     * does next.
     */

    private static final int NEW = 0;
    private static final int RUNNING = 1;
    private static final int INTERRUPTING = CANCELLING;

    private @Nullable Callable<? extends T> body;
    private @Nullable Thread thread;

    SpawnedTask(
            long id, RuntimeHooks.Kind kind, @Nullable String name, Callable<? extends T> body) {
        super(id, kind, name, NEW);
        this.body = Objects.requireNonNull(body, "task");
    }

    @Override
    protected void runTask() {
        Callable<? extends T> callable = Objects.requireNonNull(body);
        body = null;
        thread = Thread.currentThread();
        if (!STATE.compareAndSet(this, NEW, RUNNING)) {
            thread = null;
            if (callable instanceof CancellableTask<?> cancellable) {
                tell(cancellable);
            }
            return;
        }
        int end;
        try {
            result = Scope.callClosing(callable);
            end = COMPLETED;
        } catch (Throwable e) {
            result = new Failure(e);
            end = FAILED;
        }
        if (STATE.compareAndSet(this, RUNNING, end)) {
            if (end == FAILED) {
                failed();
            }
            releaseWaiters();
        } else {
            result = null;
            while (state == INTERRUPTING) {
                Thread.onSpinWait();
            }
        }
        thread = null;
    }

    private void tell(CancellableTask<?> task) {
        try {
            task.cancelled();
        } catch (Throwable e) {
            uncaught(e);
        }
    }

    @Override
    protected @Nullable Thread thread() {
        int s = state;
        return s == NEW || s == COMPLETED || s == FAILED ? null : thread;
    }

    @Override
    protected Stage stage() {
        return switch (state) {
            case NEW -> Stage.QUEUED;
            case RUNNING -> Stage.STARTED;
            default -> Stage.ENDED;
        };
    }

    /** Cancels the task unless it has started; it never runs then. */
    boolean cancelUnstarted() {
        boolean cancelled = STATE.compareAndSet(this, NEW, CANCELLED);
        if (cancelled) {
            releaseWaiters();
        }
        return cancelled;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        for (; ; ) {
            int s = state;
            if (s == NEW) {
                if (cancelUnstarted()) {
                    return true;
                }
            } else if (s != RUNNING) {
                return false;
            } else if (!mayInterruptIfRunning) {
                if (STATE.compareAndSet(this, RUNNING, CANCELLED)) {
                    releaseWaiters();
                    return true;
                }
            } else if (STATE.compareAndSet(this, RUNNING, INTERRUPTING)) {
                try {
                    Objects.requireNonNull(thread).interrupt();
                } finally {
                    state = CANCELLED;
                }
                releaseWaiters();
                return true;
            }
        }
    }
}
