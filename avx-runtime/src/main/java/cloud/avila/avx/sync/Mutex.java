package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A mutual exclusion lock. Not reentrant: a thread that locks what it already holds would wait for
 * itself, so it gets an {@link IllegalMonitorStateException} instead.
 *
 * {@snippet :
 * try (var g = mutex.acquire()) {
 *     balance += amount;
 * }
 * }
 *
 * <p>Waiting threads queue in the order of arrival. A running thread may take the mutex ahead of
 * the first of them while that one is waking up, which keeps the mutex busy and is several times
 * faster than strict order. This is bounded: a waiter that wakes up, has waited half a millisecond
 * and is overtaken once more is handed the mutex by the next unlock, and so is one that has not
 * come to run half a millisecond after it was first seen to be overtaken 32 times. So the first in
 * the queue waits at most half a millisecond and 64 critical sections until it holds the mutex,
 * though it may still have to wake up; the n-th, n times that and the wake-ups of those before it.
 *
 * <p>What a thread did before unlocking happens-before what follows the next lock. All methods may
 * be called from fibers, other virtual threads and platform threads.
 */
public final class Mutex implements Lock {
    /*
     * Overview
     *
     * `owner` is the lock word: null when free, the thread that holds it, or during a hand-off
     * RELEASING (its last owner has let go, the queue's server shall choose) and then HANDED (the
     * chosen waiter shall write its own name).
     *
     *   field    written by                                      mode
     *   owner    locking thread null -> itself                   compare-and-set
     *            unlocking thread itself -> null or RELEASING    volatile
     *            server RELEASING -> HANDED or null              volatile
     *            chosen waiter HANDED -> itself                  volatile
     *   heir     server: the waiter that it wakes to compete;    volatile
     *            that waiter: null when it has won or given up;
     *            server: null when it is back in the queue
     *   handOff  server: true when a waiter comes back overdue,  volatile
     *            false when the mutex is handed over
     *
     * Unlocking wakes the first waiter, which leaves the queue and competes as the *heir*. As long
     * as there is an heir nobody else is woken: it will take the mutex, or go back to the front of
     * the queue, or ask for service when it gives up. An heir that loses after HAND_OFF_NANOS in
     * all goes back demanding a hand-off.
     *
     * An heir may be kept from running by those who overtake it, for fibers that never wait keep
     * their workers. So those who unlock count, while they hold the mutex, how often they find the
     * same heir, and look at the clock now and then: when it is overdue they leave owner HANDED and
     * give the mutex to the heir. Its stance is decided once: given by a holder, or left by the
     * heir itself, before it goes back to the queue or gives up; who was given the mutex has it.
     * The server leaves in the place of one that it could not wake because it had withdrawn.
     *
     * No wake-up is lost: unlock writes owner (volatile), then reads heir and the queue. If it
     * misses a waiter, that waiter's own serve() comes later and sees the free mutex (WaitQueue).
     * If it sees an heir, the heir has not decided yet: it clears `heir` only after its attempt,
     * and then either holds the mutex (its own unlock will look) or has serve() look again.
     * Acquire and release come from the volatile accesses to owner, or for a hand-off from the
     * waiter's outcome, written after the last owner's write of RELEASING was read.
     */

    /** How long a waiter is overtaken before it demands to be handed the mutex, nanoseconds. */
    static final long HAND_OFF_NANOS = 500_000;

    private static final int SPINS = 4;
    private static final int COMPETE = Waiter.GRANTED;
    private static final int OWN = Waiter.GRANTED + 1;
    private static final Object RELEASING = "being released";
    private static final Object HANDED = "being handed over";

    /** How often an heir is overtaken between two looks at the clock. */
    private static final int OFTEN = 32;

    private static final int COMPETING = 0;
    private static final int GIVEN = 1;
    private static final int LEFT = 2;

    private static final VarHandle OWNER;
    private static final VarHandle STANCE;

    static {
        try {
            var lookup = MethodHandles.lookup();
            OWNER = lookup.findVarHandle(Mutex.class, "owner", Object.class);
            STANCE = lookup.findVarHandle(Turn.class, "stance", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue queue = new Queue();
    private final String label;
    private final @Nullable LockStatistics statistics;
    private final long handOffNanos;
    private final int often;
    private volatile @Nullable Object owner;
    private volatile @Nullable Turn heir;
    private volatile boolean handOff;
    private volatile boolean poisoned; // written by the holder

    /** A free mutex. */
    public Mutex() {
        this(HAND_OFF_NANOS);
    }

    /**
     * A free mutex with a name, by which dumps and messages call it and {@link NamedLocks} tells
     * how much is waited for it.
     *
     * @param name the name, one of few: no number or address of a request
     */
    public Mutex(String name) {
        this(named("Mutex", name), LockStatistics.ALL.of("Mutex", name), HAND_OFF_NANOS);
    }

    Mutex(long handOffNanos) {
        this("Mutex", null, handOffNanos);
    }

    /** A mutex that calls itself something else, being part of another lock. */
    Mutex(String label, @Nullable LockStatistics statistics, long handOffNanos) {
        this.label = label;
        this.statistics = statistics;
        this.handOffNanos = handOffNanos;
        this.often = handOffNanos == 0 ? 1 : OFTEN;
    }

    static String named(String kind, String name) {
        return kind + " \"" + name + "\"";
    }

    /**
     * Locks and returns the guard that unlocks.
     *
     * @return the guard, to close when done
     * @throws InterruptedException if the calling thread is interrupted; the mutex is not held
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    public Guard acquire() throws InterruptedException {
        lockInterruptibly();
        return new Held(this);
    }

    /**
     * Locks if the mutex is free.
     *
     * @return the guard, to close when done, or null if the mutex is held by anybody, also by the
     *     calling thread
     */
    public @Nullable Guard tryAcquire() {
        return tryLock() ? new Held(this) : null;
    }

    /**
     * Locks, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the guard, to close when done, or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; the mutex is not held
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    public @Nullable Guard tryAcquire(Duration timeout) throws InterruptedException {
        return tryLockFor(Deadline.nanos(timeout)) ? new Held(this) : null;
    }

    /**
     * Locks for a change that must not be left half done. Unless the guard is told that the change
     * is complete before it is closed, the mutex is poisoned: from then on this method throws,
     * until somebody has put things right and called {@link #clearPoison()}. All other ways to lock
     * do not look at that.
     *
     * @return the guard, to complete and to close when done
     * @throws MutexPoisonedException if the mutex is poisoned; it is not held
     * @throws InterruptedException if the calling thread is interrupted; the mutex is not held
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    public PoisoningGuard acquirePoisoning() throws InterruptedException {
        lockInterruptibly();
        if (poisoned) {
            unlock();
            throw new MutexPoisonedException(
                    "a holder of this "
                            + label
                            + " has left its change undone: put right what it guards, with acquire"
                            + " and clearPoison");
        }
        return new Poisoning(this);
    }

    /**
     * Whether a holder has left its change undone.
     *
     * @return true from the close of a {@link PoisoningGuard} that was not completed until {@link
     *     #clearPoison()}
     */
    public boolean isPoisoned() {
        return poisoned;
    }

    /**
     * Says that what the mutex guards has been put right.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the mutex
     */
    public void clearPoison() {
        checkHeldBy(Thread.currentThread(), "clearPoison");
        poisoned = false;
    }

    /**
     * Locks, however long it takes. An interrupt does not end the wait; the interrupt status is
     * kept.
     *
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    @Override
    public void lock() {
        Thread me = Thread.currentThread();
        if (!OWNER.compareAndSet(this, null, me) && !spin(me)) {
            try {
                queueFor(me, Wait.UNINTERRUPTIBLE, 0);
            } catch (InterruptedException e) {
                throw uninterruptible(e);
            }
        }
    }

    /**
     * Locks, unless interrupted.
     *
     * @throws InterruptedException if the calling thread is interrupted; the mutex is not held
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    @Override
    public void lockInterruptibly() throws InterruptedException {
        lock(Wait.INTERRUPTIBLE, 0);
    }

    /**
     * Locks if the mutex is free, even when others wait for it.
     *
     * @return false if the mutex is held by anybody, also by the calling thread
     */
    @Override
    public boolean tryLock() {
        return OWNER.compareAndSet(this, null, Thread.currentThread());
    }

    /**
     * Locks, waiting for a limited time.
     *
     * @param time the longest wait; zero or less does not wait
     * @param unit the unit of {@code time}
     * @return false when time is up
     * @throws InterruptedException if the calling thread is interrupted; the mutex is not held
     * @throws IllegalMonitorStateException if the calling thread holds the mutex already
     */
    @Override
    public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
        return tryLockFor(unit.toNanos(time));
    }

    /**
     * Unlocks.
     *
     * @throws IllegalMonitorStateException if the calling thread does not hold the mutex; the
     *     message names both threads
     */
    @Override
    public void unlock() {
        Thread me = Thread.currentThread();
        checkHeldBy(me, "unlock");
        if (handOff) {
            owner = RELEASING;
            queue.service();
            return;
        }
        Turn h = heir;
        if (h != null && --h.patience <= 0 && handTo(h)) {
            return;
        }
        owner = null;
        if (heir == null && !queue.isEmpty()) {
            queue.service();
        }
    }

    /**
     * A condition of this mutex. Its signals reach waiters in the order in which they came to wait;
     * it has no spurious wake-ups of its own, but code should wait in a loop as with any condition.
     *
     * @return a new condition, whose methods throw {@link IllegalMonitorStateException} when the
     *     calling thread does not hold the mutex
     */
    @Override
    public Condition newCondition() {
        return new Condvar(this);
    }

    /**
     * The thread that holds the mutex, for diagnosis.
     *
     * @return the thread, or null if the mutex is free or is changing hands
     */
    public @Nullable Thread holder() {
        return owner instanceof Thread t ? t : null;
    }

    /**
     * Whether the mutex is held, by whomever.
     *
     * @return false if it is free
     */
    public boolean isLocked() {
        return owner != null;
    }

    /**
     * Whether the calling thread holds the mutex.
     *
     * @return true between its lock and its unlock
     */
    public boolean isHeldByCurrentThread() {
        return owner == Thread.currentThread();
    }

    /** Whether the next unlock hands the mutex over. */
    boolean handOffDemanded() {
        return handOff;
    }

    /**
     * Describes the mutex for a log.
     *
     * @return whether it is held and by whom
     */
    @Override
    public String toString() {
        return label + "[" + describeOwner() + "]";
    }

    void checkHeldBy(Thread me, String operation) {
        if (owner != me) {
            throw new IllegalMonitorStateException(
                    describe(me)
                            + " does not hold this "
                            + label
                            + ", "
                            + operation
                            + " is not possible: it is "
                            + describeOwner());
        }
    }

    /** Locks; false when time is up. The deadline matters to a timed wait only. */
    boolean lock(Wait wait, long deadline) throws InterruptedException {
        if (wait != Wait.UNINTERRUPTIBLE && Thread.interrupted()) {
            throw new InterruptedException();
        }
        Thread me = Thread.currentThread();
        return OWNER.compareAndSet(this, null, me) || spin(me) || queueFor(me, wait, deadline);
    }

    static AssertionError uninterruptible(InterruptedException e) {
        return new AssertionError("an uninterruptible wait was interrupted", e);
    }

    private boolean tryLockFor(long nanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Thread me = Thread.currentThread();
        if (OWNER.compareAndSet(this, null, me)) {
            return true;
        }
        long deadline = Deadline.afterNanos(nanos);
        return spin(me) || nanos > 0 && queueFor(me, Wait.TIMED, deadline);
    }

    void checkNotHeldBy(Thread me) {
        if (owner == me) {
            throw new IllegalMonitorStateException(
                    describe(me)
                            + " holds this "
                            + label
                            + " already and would wait for itself: it is not reentrant");
        }
    }

    private boolean spin(Thread me) {
        checkNotHeldBy(me);
        for (int i = 0; i < SPINS; i++) {
            Thread.onSpinWait();
            if (owner == null && OWNER.compareAndSet(this, null, me)) {
                return true;
            }
        }
        return false;
    }

    /** Waits in the queue until the mutex is held; false when time is up. */
    private boolean queueFor(Thread me, Wait wait, long deadline) throws InterruptedException {
        long since = System.nanoTime();
        try {
            return compete(me, wait, deadline, since);
        } finally {
            LockStatistics.end(statistics, since);
        }
    }

    private boolean compete(Thread me, Wait wait, long deadline, long since)
            throws InterruptedException {
        for (Turn turn = new Turn(false, false); ; ) {
            queue.add(turn);
            int outcome =
                    switch (wait) {
                        case UNINTERRUPTIBLE -> queue.awaitUninterruptibly(turn, turn);
                        case INTERRUPTIBLE -> queue.await(turn, turn);
                        case TIMED -> queue.awaitUntil(turn, turn, deadline);
                    };
            if (outcome == OWN) {
                owner = me;
                return true;
            }
            if (outcome == Waiter.WITHDRAWN) {
                return false;
            }
            if (OWNER.compareAndSet(this, null, me) || spin(me)) {
                heir = null;
                return true;
            }
            if (!turn.leave()) {
                owner = me;
                heir = null;
                return true;
            }
            long now = System.nanoTime();
            if (wait != Wait.UNINTERRUPTIBLE && Thread.interrupted()) {
                resign();
                throw new InterruptedException();
            }
            if (wait == Wait.TIMED && deadline - now <= 0) {
                resign();
                return false;
            }
            turn = new Turn(true, now - since >= handOffNanos);
        }
    }

    /** By the holder that unlocks: gives the mutex to an heir that is overdue. */
    private boolean handTo(Turn h) {
        if (!h.isOverdue()) {
            return false;
        }
        owner = HANDED;
        return h.give(); // if not, it no longer competes, and owner becomes null
    }

    private void resign() {
        heir = null;
        queue.service();
    }

    private String describeOwner() {
        Object o = owner;
        if (o == null) {
            return "free";
        }
        return o instanceof Thread t ? "held by " + describe(t) : o.toString();
    }

    static String describe(Thread t) {
        return "thread \"" + t.getName() + "\" #" + t.threadId();
    }

    private final class Turn extends Waiter implements Blocker {
        final boolean overdue;
        int patience; // by the holder: how often it is overtaken until the next look at the clock
        private long noticed; // by the holder: when it first looked
        private volatile int stance; // leaves COMPETING once, by compare-and-set

        Turn(boolean again, boolean overdue) {
            super(again);
            this.overdue = overdue;
            this.patience = often;
        }

        /** By the holder: whether it has been overtaken for too long. */
        boolean isOverdue() {
            patience = often;
            long now = System.nanoTime();
            if (noticed == 0) {
                noticed = now | 1;
                return false;
            }
            return now - noticed >= handOffNanos;
        }

        /** By the holder: the mutex is the heir's, unless it no longer competes. */
        boolean give() {
            return STANCE.compareAndSet(this, COMPETING, GIVEN);
        }

        /** By the heir: it no longer competes, unless it was given the mutex. */
        boolean leave() {
            return STANCE.compareAndSet(this, COMPETING, LEFT);
        }

        @Override
        public @Nullable Thread holder() {
            return Mutex.this.holder();
        }

        @Override
        public String toString() {
            return Mutex.this.toString();
        }
    }

    private final class Queue extends WaitQueue<Turn> {
        @Override
        protected void returned(Turn turn) {
            if (turn.overdue) {
                handOff = true;
            }
            heir = null;
        }

        @Override
        protected void serve() {
            for (Turn turn; ; ) {
                Object o = owner;
                if (o == RELEASING) {
                    owner = HANDED;
                    handOver();
                    return;
                }
                if (o != null || heir != null || (turn = first()) == null) {
                    return;
                }
                if (turn.overdue) {
                    if (OWNER.compareAndSet(Mutex.this, null, HANDED)) {
                        handOver();
                    }
                    return;
                }
                heir = turn;
                if (grant(turn, COMPETE)) {
                    return;
                }
                heir = null;
                if (!turn.leave()) {
                    owner = null; // it was given the mutex, but has withdrawn
                }
            }
        }

        /** With owner being HANDED: gives the mutex to the first waiter, frees it if none is. */
        private void handOver() {
            handOff = false;
            for (Turn turn; (turn = first()) != null; ) {
                if (grant(turn, OWN)) {
                    return;
                }
            }
            owner = null;
        }
    }

    private static final class Held implements Guard {
        private final Mutex mutex;
        private boolean closed;

        Held(Mutex mutex) {
            this.mutex = mutex;
        }

        @Override
        public void close() {
            if (!closed) {
                mutex.unlock();
                closed = true;
            }
        }
    }

    private static final class Poisoning implements PoisoningGuard {
        private final Mutex mutex;
        private boolean complete;
        private boolean closed;

        Poisoning(Mutex mutex) {
            this.mutex = mutex;
        }

        @Override
        public void complete() {
            complete = true;
        }

        @Override
        public void close() {
            if (!closed) {
                mutex.checkHeldBy(Thread.currentThread(), "unlock");
                if (!complete) {
                    mutex.poisoned = true;
                }
                mutex.unlock();
                closed = true;
            }
        }
    }
}
