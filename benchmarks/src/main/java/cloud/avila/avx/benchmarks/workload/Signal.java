package cloud.avila.avx.benchmarks.workload;

import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Waker;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Fires once, for one waiter, which either leaves a callback or parks, or is a poll task. The state
 * goes from null to the waiter (a thread, a callback or a waker) to {@link #FIRED}, or directly to
 * {@link #FIRED}. The same class serves all contestants on the JVM, so that only the scheduler
 * below differs.
 */
final class Signal extends AtomicReference<@Nullable Object> {
    private static final long serialVersionUID = 1L;
    private static final Object FIRED = new Object();

    Signal() {
        super(null);
    }

    /** Fires: runs the callback left here, or wakes the thread or the task that waits here. */
    void fire() {
        Object waiter = getAndSet(FIRED);
        if (waiter instanceof Thread thread) {
            LockSupport.unpark(thread);
        } else if (waiter instanceof Waker waker) {
            waker.wake();
        } else if (waiter instanceof Task callback) {
            callback.run();
        }
    }

    /**
     * Leaves a callback.
     *
     * @param callback what the thread that fires runs
     * @return false if the signal has already fired and the callback will not run
     */
    boolean onFire(Task callback) {
        return compareAndSet(null, callback);
    }

    /**
     * For poll tasks.
     *
     * @param context of the task that waits
     * @return whether the signal has fired; if not, the task is woken then
     */
    boolean poll(Context context) {
        return get() == FIRED || get() == null && !compareAndSet(null, context.waker());
    }

    /** Parks the calling thread until the signal has fired. */
    void await() {
        Object state = get();
        while (state != FIRED) {
            if (state == null) {
                compareAndSet(null, Thread.currentThread());
            } else {
                LockSupport.park(this);
            }
            state = get();
        }
    }
}
