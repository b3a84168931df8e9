package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.TimeoutException;

/**
 * Lets a fixed number of threads, the parties, wait for each other, again and again. Keeps the
 * contract of {@link java.util.concurrent.CyclicBarrier}.
 *
 * <p>The last to arrive is the <i>leader</i>: its {@code await} returns zero. It runs the action,
 * if there is one, before anybody goes on. All or none get through: if one of them is interrupted
 * or runs out of time while parties are missing, or the action fails, the barrier is <i>broken</i>,
 * and whoever is at it or comes gets a {@link BrokenBarrierException}, until somebody calls {@link
 * #reset()}. Once all have arrived, neither interrupts nor timeouts break the barrier any more;
 * they wait for the end of the action.
 *
 * <p>What a party did before its {@code await} happens-before the action, and that happens-before
 * what follows the {@code await} in any party. All methods may be called from fibers, other virtual
 * threads and platform threads.
 */
public final class Barrier {
    /*
     * Overview
     *
     * Each round has a Generation, a queue with its `state`: how many parties are missing; zero
     * while the leader runs the action; then TRIPPED or BROKEN for good. All changes are by
     * compare-and-set, so each arrival has an index of its own, and a generation ends in one way.
     * serve() tells everybody in the queue how. A party counts first and joins the queue second; if
     * the generation has ended meanwhile, its own add() serves it.
     *
     * `generation` is replaced by compare-and-set: a tripped one by whoever sees that it is, since a
     * party may be let go and come back before the leader has got so far; a broken one by reset()
     * only. A thread that comes while the action runs belongs to the next round. It waits in the
     * queue of this one, uncounted, and starts over when that has ended.
     */

    private static final int TRIPPED = -1;
    private static final int BROKEN = -2;
    private static final int THROUGH = Waiter.GRANTED;
    private static final int FAILED = Waiter.GRANTED + 1;

    private static final VarHandle GENERATION;
    private static final VarHandle STATE;

    static {
        try {
            var lookup = MethodHandles.lookup();
            GENERATION = lookup.findVarHandle(Barrier.class, "generation", Generation.class);
            STATE = lookup.findVarHandle(Generation.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int parties;
    private final @Nullable Runnable action;
    private volatile Generation generation;

    /**
     * A barrier.
     *
     * @param parties how many threads have to arrive, at least one
     * @throws IllegalArgumentException if less than one
     */
    public Barrier(int parties) {
        this(parties, null);
    }

    /**
     * A barrier with an action.
     *
     * @param parties how many threads have to arrive, at least one
     * @param action what the leader runs before all go on; null for nothing. What it throws reaches
     *     the leader and breaks the barrier.
     * @throws IllegalArgumentException if less than one
     */
    public Barrier(int parties, @Nullable Runnable action) {
        if (parties < 1) {
            throw new IllegalArgumentException("parties: " + parties + " (expected: >= 1)");
        }
        this.parties = parties;
        this.action = action;
        this.generation = new Generation(parties);
    }

    /**
     * Waits until all parties have called this.
     *
     * @return how many parties were still missing when this one arrived: one less than all for the
     *     first, zero for the leader
     * @throws InterruptedException if the calling thread is interrupted while parties are missing;
     *     the barrier is broken
     * @throws BrokenBarrierException if the barrier was or is broken, or is reset meanwhile
     */
    public int await() throws InterruptedException, BrokenBarrierException {
        try {
            return await(false, 0);
        } catch (TimeoutException e) {
            throw new AssertionError("a wait without limit timed out", e);
        }
    }

    /**
     * Waits for a limited time until all parties have called this.
     *
     * @param timeout the longest wait; zero or less does not wait, which breaks the barrier unless
     *     this is the last to arrive
     * @return how many parties were still missing when this one arrived: one less than all for the
     *     first, zero for the leader
     * @throws InterruptedException if the calling thread is interrupted while parties are missing;
     *     the barrier is broken
     * @throws TimeoutException if time is up while parties are missing; the barrier is broken
     * @throws BrokenBarrierException if the barrier was or is broken, or is reset meanwhile
     */
    public int await(Duration timeout)
            throws InterruptedException, TimeoutException, BrokenBarrierException {
        return await(true, Deadline.after(timeout));
    }

    /**
     * Makes the barrier as new. Parties that are waiting get a {@link BrokenBarrierException}, as
     * does a leader that runs the action.
     */
    public void reset() {
        Generation g = current();
        g.end(0, BROKEN);
        renew(g);
    }

    /**
     * Whether the barrier is broken.
     *
     * @return true until {@link #reset()}
     */
    public boolean isBroken() {
        return current().state == BROKEN;
    }

    /**
     * How many parties there are.
     *
     * @return as given to the constructor
     */
    public int parties() {
        return parties;
    }

    /**
     * How many parties have arrived, for diagnosis.
     *
     * @return zero when broken
     */
    public int arrived() {
        int missing = current().state;
        return missing < 0 ? 0 : parties - missing;
    }

    /**
     * Describes the barrier for a log.
     *
     * @return how many have arrived
     */
    @Override
    public String toString() {
        return isBroken() ? "Barrier[broken]" : "Barrier[" + arrived() + " of " + parties + "]";
    }

    private int await(boolean timed, long deadline)
            throws InterruptedException, TimeoutException, BrokenBarrierException {
        for (; ; ) {
            Generation g = current();
            int missing = g.state;
            if (missing == BROKEN) {
                throw broken("was broken before");
            }
            if (missing == 0) {
                awaitEnd(g);
            } else if (missing > 0) {
                if (Thread.interrupted()) {
                    if (g.end(1, BROKEN)) {
                        throw new InterruptedException();
                    }
                    Thread.currentThread().interrupt();
                } else if (missing == 1) {
                    if (STATE.compareAndSet(g, 1, action == null ? TRIPPED : 0)) {
                        if (action != null) {
                            lead(g, action);
                        }
                        renew(g);
                        g.service();
                        return 0;
                    }
                } else if (STATE.compareAndSet(g, missing, missing - 1)) {
                    waitIn(g, timed, deadline);
                    return missing - 1;
                }
            }
        }
    }

    private static void lead(Generation g, Runnable action) throws BrokenBarrierException {
        boolean done = false;
        try {
            action.run();
            done = true;
        } finally {
            if (!done) {
                g.end(0, BROKEN);
            }
        }
        if (!STATE.compareAndSet(g, 0, TRIPPED)) {
            throw new BrokenBarrierException(
                    "the barrier was reset while this thread, its leader, ran the action");
        }
    }

    private void waitIn(Generation g, boolean timed, long deadline)
            throws InterruptedException, TimeoutException, BrokenBarrierException {
        var w = new Waiter();
        g.add(w);
        boolean interrupted = false;
        while (w.outcome() == Waiter.WAITING) {
            interrupted |= Thread.interrupted();
            if (interrupted && g.end(1, BROKEN)) {
                throw new InterruptedException();
            }
            long left = timed ? deadline - System.nanoTime() : Long.MAX_VALUE;
            if (left <= 0 && g.end(1, BROKEN)) {
                restore(interrupted);
                throw new TimeoutException(
                        "time was up when "
                                + parties
                                + " parties were expected: the barrier is broken, reset it");
            }
            if (interrupted || left <= 0) {
                g.awaitUninterruptibly(w, this); // all are there, or it has ended
            } else if (w.outcome() == Waiter.WAITING) {
                if (timed) {
                    Parker.parkNanos(this, left);
                } else {
                    Parker.park(this);
                }
            }
        }
        restore(interrupted);
        if (w.outcome() == FAILED) {
            throw broken(
                    "was broken or reset while this thread waited: another party was interrupted,"
                            + " ran out of time, or failed in the action");
        }
    }

    /** Waits, whatever comes, until the leader has run the action. */
    private void awaitEnd(Generation g) {
        var w = new Waiter();
        g.add(w);
        g.awaitUninterruptibly(w, this);
    }

    private static void restore(boolean interrupted) {
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private BrokenBarrierException broken(String how) {
        return new BrokenBarrierException("the barrier of " + parties + " parties " + how);
    }

    /** The generation that takes arrivals, or is broken. */
    private Generation current() {
        for (; ; ) {
            Generation g = generation;
            if (g.state != TRIPPED) {
                return g;
            }
            renew(g);
        }
    }

    private void renew(Generation ended) {
        if (generation == ended) {
            GENERATION.compareAndSet(this, ended, new Generation(parties));
        }
    }

    /** One round. */
    private static final class Generation extends WaitQueue<Waiter> {
        volatile int state;

        Generation(int parties) {
            state = parties;
        }

        @Override
        protected void serve() {
            int s = state;
            if (s < 0) {
                for (Waiter w; (w = first()) != null; ) {
                    grant(w, s == TRIPPED ? THROUGH : FAILED);
                }
            }
        }

        /** Ends this generation if at least so many parties are missing; false if it does not. */
        boolean end(int leastMissing, int how) {
            for (; ; ) {
                int s = state;
                if (s < leastMissing) {
                    return false;
                }
                if (STATE.compareAndSet(this, s, how)) {
                    service();
                    return true;
                }
            }
        }
    }
}
