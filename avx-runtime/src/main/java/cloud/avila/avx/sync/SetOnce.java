package cloud.avila.avx.sync;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * A place for one value, which is set once by whoever is first, and which others wait for.
 *
 * <p>What a thread did before setting the value happens-before what follows in a thread that gets
 * it. All methods may be called from fibers, other virtual threads and platform threads.
 *
 * @param <T> the type of the value
 */
public final class SetOnce<T> {
    /*
     * Overview
     *
     * `value` leaves null once, by compare-and-set. Whoever sets it looks at the queue afterwards;
     * serve() lets everybody go on once it is there. WaitQueue says why no wake-up is lost.
     */

    private static final int READY = Waiter.GRANTED;
    private static final VarHandle VALUE;

    static {
        try {
            VALUE = MethodHandles.lookup().findVarHandle(SetOnce.class, "value", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue queue = new Queue();
    private volatile @Nullable Object value;

    /** Without a value. */
    public SetOnce() {}

    /**
     * Sets the value.
     *
     * @param value the value
     * @throws IllegalStateException if one was set before
     */
    public void set(T value) {
        if (!trySet(value)) {
            throw new IllegalStateException(
                    "the value was set before, to "
                            + this.value
                            + ", and is set once: use trySet where another may be first");
        }
    }

    /**
     * Sets the value, unless one was set before.
     *
     * @param value the value
     * @return false if one was set before, which stays
     */
    public boolean trySet(T value) {
        if (!VALUE.compareAndSet(this, null, requireNonNull(value, "value"))) {
            return false;
        }
        if (!queue.isEmpty()) {
            queue.service();
        }
        return true;
    }

    /**
     * The value.
     *
     * @return null if none was set yet
     */
    @SuppressWarnings("unchecked") // only trySet writes, and it takes T
    public @Nullable T get() {
        return (@Nullable T) value;
    }

    /**
     * Whether the value was set.
     *
     * @return true from then on
     */
    public boolean isSet() {
        return value != null;
    }

    /**
     * Waits until the value is set.
     *
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted
     */
    public T await() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (value == null) {
            var w = new Waiter();
            queue.add(w);
            queue.await(w, this);
        }
        return requireNonNull(get());
    }

    /**
     * Waits for a limited time until the value is set.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted
     * @throws TimeoutException if none was set in all that time
     */
    public T await(Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (value == null) {
            if (timeout.isPositive()) {
                var w = new Waiter();
                queue.add(w);
                queue.awaitUntil(w, this, Deadline.after(timeout));
            }
            if (value == null) {
                throw new TimeoutException("no value was set within " + timeout);
            }
        }
        return requireNonNull(get());
    }

    /**
     * Describes this for a log.
     *
     * @return its value
     */
    @Override
    public String toString() {
        Object v = value;
        return v == null ? "SetOnce[not set]" : "SetOnce[" + v + "]";
    }

    private final class Queue extends WaitQueue<Waiter> {
        @Override
        protected void serve() {
            for (Waiter w; value != null && (w = first()) != null; ) {
                grant(w, READY);
            }
        }
    }
}
