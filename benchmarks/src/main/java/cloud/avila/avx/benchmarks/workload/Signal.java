package cloud.avila.avx.benchmarks.workload;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Fires once, for one waiter, which either leaves a callback or parks. The state goes from null to
 * the waiter (a thread or a callback) to {@link #FIRED}, or directly to {@link #FIRED}. The same
 * class serves all contestants on the JVM, so that only the scheduler below differs.
 */
final class Signal extends AtomicReference<@Nullable Object> {
    private static final long serialVersionUID = 1L;
    private static final Object FIRED = new Object();

    Signal() {
        super(null);
    }

    /** Fires: runs the callback left here, or wakes the thread parked here. */
    void fire() {
        Object waiter = getAndSet(FIRED);
        if (waiter instanceof Thread thread) {
            LockSupport.unpark(thread);
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
