package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;

/**
 * Opens once it has been counted down to zero, and stays open. Threads wait until then.
 *
 * <p>What a thread did before counting down happens-before what follows a wait that found the latch
 * open. All methods may be called from fibers, other virtual threads and platform threads.
 */
public final class Latch {
    /*
     * Overview
     *
     * `count` is changed by compare-and-set only, and never from zero. Whoever makes it zero looks
     * at the queue afterwards; serve() lets everybody go on once it is zero. WaitQueue says why no
     * wake-up is lost.
     */

    private static final int OPEN = Waiter.GRANTED;
    private static final VarHandle COUNT;

    static {
        try {
            COUNT = MethodHandles.lookup().findVarHandle(Latch.class, "count", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue queue = new Queue();
    private volatile int count;

    /**
     * A latch.
     *
     * @param count how often it has to be counted down, zero or more; zero is open at once
     * @throws IllegalArgumentException if negative
     */
    public Latch(int count) {
        this.count = check(count);
    }

    /**
     * Counts down by one. Does nothing when open.
     *
     * @return true if this opened the latch
     */
    public boolean countDown() {
        return countDown(1);
    }

    /**
     * Counts down, at most to zero.
     *
     * @param n by how much, zero or more
     * @return true if this opened the latch
     * @throws IllegalArgumentException if negative
     */
    public boolean countDown(int n) {
        check(n);
        for (; ; ) {
            int c = count;
            int left = Math.max(0, c - n);
            if (c == 0) {
                return false;
            }
            if (COUNT.compareAndSet(this, c, left)) {
                if (left == 0 && !queue.isEmpty()) {
                    queue.service();
                }
                return left == 0;
            }
        }
    }

    /**
     * Waits until the latch is open.
     *
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void await() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (count != 0) {
            var w = new Waiter();
            queue.add(w);
            queue.await(w, this);
        }
    }

    /**
     * Waits for a limited time until the latch is open.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return false when time is up
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean await(Duration timeout) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (count == 0) {
            return true;
        }
        if (!timeout.isPositive()) {
            return false;
        }
        var w = new Waiter();
        queue.add(w);
        return queue.awaitUntil(w, this, Deadline.after(timeout)) == OPEN;
    }

    /**
     * How often the latch has still to be counted down.
     *
     * @return zero when open
     */
    public int count() {
        return count;
    }

    /**
     * Describes the latch for a log.
     *
     * @return its count
     */
    @Override
    public String toString() {
        return "Latch[" + count + "]";
    }

    private static int check(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("count: " + n + " (expected: >= 0)");
        }
        return n;
    }

    private final class Queue extends WaitQueue<Waiter> {
        @Override
        protected void serve() {
            for (Waiter w; count == 0 && (w = first()) != null; ) {
                grant(w, OPEN);
            }
        }
    }
}
