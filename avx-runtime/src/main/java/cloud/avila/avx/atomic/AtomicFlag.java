package cloud.avila.avx.atomic;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * A flag that is set and cleared by any thread, and that threads can wait for.
 *
 * <p>What a thread did before setting (or clearing) the flag happens-before what follows in a
 * thread that sees it set (or clear). All methods may be called from fibers, other virtual threads
 * and platform threads.
 */
public final class AtomicFlag {
    /*
     * Overview
     *
     * `set` is read and written in volatile mode. There is one queue of threads for each value;
     * whoever changes the flag looks at the queue of the new value afterwards, and serve() wakes
     * everybody while the flag has that value. WaitQueue says why no wake-up is lost.
     */

    private static final int SEEN = Waiter.GRANTED;
    private static final VarHandle SET;

    static {
        try {
            SET = MethodHandles.lookup().findVarHandle(AtomicFlag.class, "set", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue untilSet = new Queue(true);
    private final Queue untilClear = new Queue(false);
    private volatile boolean set;

    /** A clear flag. */
    public AtomicFlag() {}

    /**
     * A flag.
     *
     * @param set whether it is set
     */
    public AtomicFlag(boolean set) {
        this.set = set;
    }

    /**
     * Whether the flag is set.
     *
     * @return true if set
     */
    public boolean isSet() {
        return set;
    }

    /**
     * Sets the flag and tells how it was. Of several threads that set a clear flag, one gets false.
     *
     * @return true if it was set before
     */
    public boolean testAndSet() {
        boolean before = (boolean) SET.getAndSet(this, true);
        untilSet.changed();
        return before;
    }

    /**
     * Clears the flag and tells how it was. Of several threads that clear a set flag, one gets
     * true.
     *
     * @return true if it was set before
     */
    public boolean testAndClear() {
        boolean before = (boolean) SET.getAndSet(this, false);
        untilClear.changed();
        return before;
    }

    /** Sets the flag and wakes those who wait for that. */
    public void set() {
        set = true;
        untilSet.changed();
    }

    /** Clears the flag and wakes those who wait for that. */
    public void clear() {
        set = false;
        untilClear.changed();
    }

    /**
     * Waits until the flag is set. A flag that is set and cleared again at once may go unnoticed.
     *
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitSet() throws InterruptedException {
        untilSet.await();
    }

    /**
     * Waits for a limited time until the flag is set.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return false when time is up
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitSet(Duration timeout) throws InterruptedException {
        return untilSet.await(timeout);
    }

    /**
     * Waits until the flag is clear. A flag that is cleared and set again at once may go unnoticed.
     *
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitClear() throws InterruptedException {
        untilClear.await();
    }

    /**
     * Waits for a limited time until the flag is clear.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return false when time is up
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitClear(Duration timeout) throws InterruptedException {
        return untilClear.await(timeout);
    }

    /**
     * Describes the flag for a log.
     *
     * @return whether it is set
     */
    @Override
    public String toString() {
        return set ? "AtomicFlag[set]" : "AtomicFlag[clear]";
    }

    private final class Queue extends WaitQueue<Waiter> {
        private final boolean wanted;

        Queue(boolean wanted) {
            this.wanted = wanted;
        }

        @Override
        protected void serve() {
            for (Waiter w; set == wanted && (w = first()) != null; ) {
                grant(w, SEEN);
            }
        }

        void changed() {
            if (!isEmpty()) {
                service();
            }
        }

        void await() throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (set != wanted) {
                var w = new Waiter();
                add(w);
                await(w, AtomicFlag.this);
            }
        }

        boolean await(Duration timeout) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (set == wanted) {
                return true;
            }
            if (!timeout.isPositive()) {
                return false;
            }
            var w = new Waiter();
            add(w);
            return awaitUntil(w, AtomicFlag.this, Deadline.after(timeout)) == SEEN;
        }
    }
}
