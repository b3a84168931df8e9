package cloud.avila.avx.sync;

import cloud.avila.avx.internal.park.Blocker;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;

/**
 * A lock that many may hold to read or one to write, for what is read far more often than written.
 *
 * {@snippet :
 * try (var r = lock.read()) {
 *     return routes.get(host);
 * }
 * try (var w = lock.write()) {
 *     routes.put(host, target);
 * }
 * }
 *
 * <p>Neither side starves the other. A thread that wants to read waits for two writes at most,
 * however many threads want to write: the end of a write lets in all who wait to read. A thread
 * that wants to write waits for those who wanted to before it, as with a {@link Mutex}, and then
 * only for those who read at that moment: nobody starts to read meanwhile. So between two writes
 * that wait lies one round of reads.
 *
 * <p>Besides there are an {@linkplain #upgradeableRead() upgradeable read lock}, which one thread
 * may hold beside the readers, and {@linkplain #tryOptimisticRead() stamps} for reading without a
 * lock.
 *
 * <p>Not reentrant. A thread that holds the write lock or the upgradeable read lock and asks for
 * any of the locks gets an {@link IllegalMonitorStateException}. Who holds a plain read lock is not
 * recorded, that would cost more than the lock itself: a thread that holds one and asks for the
 * write lock waits for itself for ever; one that asks to read again does so if somebody has come to
 * write in between.
 *
 * <p>What a thread did before it unlocked from writing happens-before what follows the next lock of
 * either kind, what it did before it unlocked from reading happens-before what follows the next
 * write lock. All methods may be called from fibers, other virtual threads and platform threads.
 */
public final class RwLock implements ReadWriteLock {
    /*
     * Overview
     *
     * Readers count themselves in, then look whether there is a writer; a writer says so, then looks
     * at the counts. Both in volatile mode, so that one of the two sees the other (Dekker). A reader
     * that sees a writer counts itself out again and waits; a writer that sees readers waits.
     *
     *   field     written by                                        mode
     *   claim     a mutex: who holds it may write                   Mutex
     *   version   holder of claim: odd from its say until its end   volatile
     *   base,     readers +1, -1; holder of claim: + those let in   compare-and-set, getAndAdd
     *   cells     the same, once readers have collided              getAndAdd
     *   arrivals  waiting readers +1, -1; holder of claim: next     compare-and-set, getAndAdd
     *             phase, nobody waits
     *   drain     the writer that waits for readers to leave        volatile
     *
     * Counts. A reader counts in one cell, and out in any: the sum matters. A writer adds the cells
     * up one by one after its say. Every reader that got in had counted itself in before that say;
     * one that did not counts itself out where it counted itself in. So the writer never sees a
     * count out without the count in, and the sum is never less than the number of readers. The
     * last reader out finds the sum zero, or the writer does.
     *
     * Waiting. A reader that waits adds itself to `arrivals`, two halves of a word: the number of
     * the phase, and how many wait in it. Then it looks at version again. If it is odd, this
     * writer, whose end is still to come, will see the reader: the writer makes version even and
     * then, with claim still in its hands, so that nobody can write, adds the number of those who
     * wait to base and steps to the next phase. With that they all hold the read lock; the queue
     * only wakes them. If version was even, the reader tries once more and either gets in or meets
     * a writer that has come after it was counted, so that it waits for two writes at most.
     *
     * A reader that gives up takes itself out of `arrivals`, which fails when the phase is over:
     * then it holds the lock and has to use it. What the queue says about it does not matter.
     *
     * Readers may get into the queue in another order than into phases. The check of the phase
     * after a reader has queued makes that harmless: if its phase is not over then, those before it
     * in the queue are of the same phase or of one that is over.
     *
     * The upgradeable read lock is the claim without the say.
     *
     * Counting in cells: D. Lea, LongAdder; readers' side and its costs: Dice and Kogan, "BRAVO",
     * USENIX ATC 2019. Phases: Brandenburg and Anderson, "Spin-based reader-writer
     * synchronization for multiprocessor real-time systems", 2010. Stamps: D. Lea, StampedLock, and
     * H. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
     */

    private static final int SPINS = 4;
    private static final int COLLISIONS = 8; // before there are cells
    private static final int LINE = 32; // ints, 128 bytes: neighbouring lines are fetched in pairs
    private static final int CELLS;
    private static final int CELL_SHIFT;

    private static final int OUT = -1;
    private static final int IN_BASE = 0; // cells begin behind one line
    private static final int ADMITTED = Waiter.GRANTED;

    private static final VarHandle BASE;
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle ALL_CELLS;
    private static final VarHandle ARRIVALS;

    static {
        int processors = Runtime.getRuntime().availableProcessors();
        int bits = 32 - Integer.numberOfLeadingZeros(Math.clamp(processors, 2, 32) * 2 - 1);
        CELLS = 1 << bits;
        CELL_SHIFT = 32 - bits;
        try {
            var lookup = MethodHandles.lookup();
            BASE = lookup.findVarHandle(RwLock.class, "base", int.class);
            ALL_CELLS = lookup.findVarHandle(RwLock.class, "cells", int[].class);
            ARRIVALS = lookup.findVarHandle(RwLock.class, "arrivals", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Mutex claim;
    private final String label;
    private final @Nullable LockStatistics statistics;
    private final Queue waiting = new Queue();
    private final ReadView readView = new ReadView();
    private final WriteView writeView = new WriteView();
    private volatile long version = 2; // zero is no stamp
    private volatile int base;
    private volatile int @Nullable [] cells;
    private int collisions; // racy: some may be lost
    private volatile long arrivals;
    private volatile @Nullable Drain drain;

    /** A free lock. */
    public RwLock() {
        this("RwLock", null, Mutex.HAND_OFF_NANOS);
    }

    /**
     * A free lock with a name, by which dumps and messages call it and {@link NamedLocks} tells how
     * much is waited for it.
     *
     * @param name the name, one of few: no number or address of a request
     */
    public RwLock(String name) {
        this(
                Mutex.named("RwLock", name),
                LockStatistics.ALL.of("RwLock", name),
                Mutex.HAND_OFF_NANOS);
    }

    RwLock(long handOffNanos) {
        this("RwLock", null, handOffNanos);
    }

    private RwLock(String label, @Nullable LockStatistics statistics, long handOffNanos) {
        this.label = label;
        this.statistics = statistics;
        claim = new Mutex(label, statistics, handOffNanos);
    }

    // --- reading ---

    /**
     * Locks for reading and returns the guard that unlocks.
     *
     * @return the guard, to close when done, by the calling thread
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public Guard read() throws InterruptedException {
        return new Reading(this, lockRead(Wait.INTERRUPTIBLE, 0));
    }

    /**
     * Locks for reading if nobody writes, waits to write or is just trying to.
     *
     * @return the guard, to close when done, by the calling thread; or null, also if the calling
     *     thread holds the upgradeable read lock
     */
    public @Nullable Guard tryRead() {
        int at = tryEnter();
        return at == OUT ? null : new Reading(this, at);
    }

    /**
     * Locks for reading, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the guard, to close when done, by the calling thread; or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public @Nullable Guard tryRead(Duration timeout) throws InterruptedException {
        int at = tryReadFor(Deadline.nanos(timeout));
        return at == OUT ? null : new Reading(this, at);
    }

    /**
     * The read lock as a {@link Lock}. A lock is given back by the thread that took it. Unlocking
     * by another thread is found out only when nobody holds the read lock (or, where many read at
     * once, nobody among those who count in the same place), and then is an {@link
     * IllegalMonitorStateException}; else it takes away somebody's lock. Guards cannot be misused
     * so. It has no conditions.
     *
     * @return always the same
     */
    @Override
    public Lock readLock() {
        return readView;
    }

    // --- writing ---

    /**
     * Locks for writing and returns the guard that unlocks.
     *
     * @return the guard, to close when done, by the calling thread
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public WriteGuard write() throws InterruptedException {
        lockWrite(Wait.INTERRUPTIBLE, 0);
        return new Writing(this);
    }

    /**
     * Locks for writing if nobody holds any of the locks or is just trying to.
     *
     * @return the guard, to close when done, by the calling thread; or null
     */
    public @Nullable WriteGuard tryWrite() {
        return tryLockWrite() ? new Writing(this) : null;
    }

    /**
     * Locks for writing, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the guard, to close when done, by the calling thread; or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public @Nullable WriteGuard tryWrite(Duration timeout) throws InterruptedException {
        return tryWriteFor(Deadline.nanos(timeout)) ? new Writing(this) : null;
    }

    /**
     * The write lock as a {@link Lock}. Its conditions are {@link Condvar}s.
     *
     * @return always the same
     */
    @Override
    public Lock writeLock() {
        return writeView;
    }

    // --- upgradeable reading ---

    /**
     * Locks for reading so that the lock can become a write lock without being given up in between.
     * One thread at a time may hold it, beside those who read; those who want to write wait.
     *
     * @return the guard, to close when done, by the calling thread
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public UpgradeableGuard upgradeableRead() throws InterruptedException {
        claim.lock(Wait.INTERRUPTIBLE, 0);
        return new Upgradeable(this);
    }

    /**
     * Locks for upgradeable reading if nobody writes or reads so.
     *
     * @return the guard, to close when done, by the calling thread; or null
     */
    public @Nullable UpgradeableGuard tryUpgradeableRead() {
        return claim.tryLock() ? new Upgradeable(this) : null;
    }

    /**
     * Locks for upgradeable reading, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the guard, to close when done, by the calling thread; or null when time is up
     * @throws InterruptedException if the calling thread is interrupted; the lock is not held
     * @throws IllegalMonitorStateException if the calling thread holds the write lock or the
     *     upgradeable read lock
     */
    public @Nullable UpgradeableGuard tryUpgradeableRead(Duration timeout)
            throws InterruptedException {
        return claim.tryLock(Deadline.nanos(timeout), TimeUnit.NANOSECONDS)
                ? new Upgradeable(this)
                : null;
    }

    // --- optimistic reading ---

    /**
     * A stamp for reading without a lock: read into local variables, then ask {@link #validate}
     * whether they belong together, and lock if not. Meanwhile values may be seen that never were
     * together, so do nothing with them before that which could fail or never end; what is read
     * must be fields or the like, not a collection that somebody may be changing.
     *
     * {@snippet :
     * long stamp = lock.tryOptimisticRead();
     * double x = this.x, y = this.y;
     * if (!lock.validate(stamp)) {
     *     try (var r = lock.read()) {
     *         x = this.x;
     *         y = this.y;
     *     }
     * }
     * }
     *
     * @return the stamp; zero, which is never valid, if somebody writes or is about to
     */
    public long tryOptimisticRead() {
        long v = version;
        return (v & 1) == 0 ? v : 0;
    }

    /**
     * Whether nobody has written, or was about to, since a stamp was handed out. If so, what was
     * read in between is as if read with the lock held.
     *
     * @param stamp what {@link #tryOptimisticRead()} returned
     * @return false also for zero
     */
    public boolean validate(long stamp) {
        VarHandle.acquireFence(); // what was read before is not read later than this
        return version == stamp;
    }

    // --- looking ---

    /**
     * The thread that holds the write lock or the upgradeable read lock, for diagnosis.
     *
     * @return the thread, or null if none does or the lock is changing hands
     */
    public @Nullable Thread holder() {
        return claim.holder();
    }

    /**
     * Whether somebody holds the write lock, or is about to and waits for the readers to leave.
     *
     * @return false if reading is possible now
     */
    public boolean isWriteLocked() {
        return isWriting();
    }

    /**
     * Whether the calling thread holds the write lock.
     *
     * @return true between its lock, or upgrade, and its unlock
     */
    public boolean isWriteLockedByCurrentThread() {
        return claim.isHeldByCurrentThread() && isWriting();
    }

    /**
     * How many hold the read lock now, not counting an upgradeable one.
     *
     * @return zero or more, a guess when others lock and unlock meanwhile
     */
    public int readers() {
        return Math.max(0, count());
    }

    /**
     * Describes the lock for a log.
     *
     * @return who holds it for writing, or how many read
     */
    @Override
    public String toString() {
        Thread holder = holder();
        int readers = readers();
        var out = new StringBuilder(label).append('[');
        if (holder != null) {
            out.append(isWriting() ? "written by " : "read upgradeably by ")
                    .append(Mutex.describe(holder))
                    .append(", ");
        }
        return out.append(readers).append(readers == 1 ? " reader]" : " readers]").toString();
    }

    // --- readers' side ---

    private boolean isWriting() {
        return (version & 1) != 0;
    }

    /** Counts in unless there is a writer: where, or OUT. */
    private int enter() {
        if (isWriting()) {
            return OUT;
        }
        int at;
        int[] c = cells;
        if (c != null) {
            at = cellOf(Thread.currentThread());
            CELL.getAndAdd(c, at, 1);
        } else {
            at = enterBase();
        }
        if (isWriting()) {
            leave(at);
            return OUT;
        }
        return at;
    }

    private int enterBase() {
        for (; ; ) {
            int n = base;
            if (BASE.compareAndSet(this, n, n + 1)) {
                return IN_BASE;
            }
            if (++collisions >= COLLISIONS) {
                spread();
            }
        }
    }

    /** Has readers count in cells from now on. */
    void spread() {
        if (cells == null) {
            ALL_CELLS.compareAndSet(this, null, new int[(CELLS + 1) * LINE]);
        }
    }

    private void leave(int at) {
        int[] c = cells;
        if (at == IN_BASE || c == null) {
            BASE.getAndAdd(this, -1);
        } else {
            CELL.getAndAdd(c, at, -1);
        }
        if (isWriting()) {
            wakeWriter();
        }
    }

    /** Counts out a thread that may have counted in at its cell or in base. */
    private void leave(Thread me) {
        int[] c = cells;
        if (c == null || !decrement(c, cellOf(me))) {
            int n;
            do {
                n = base;
                if (n <= 0) {
                    throw new IllegalMonitorStateException(
                            Mutex.describe(me)
                                    + " does not hold the read lock of "
                                    + this
                                    + ", unlock is not possible");
                }
            } while (!BASE.compareAndSet(this, n, n - 1));
        }
        if (isWriting()) {
            wakeWriter();
        }
    }

    private static boolean decrement(int[] c, int at) {
        for (; ; ) {
            int n = (int) CELL.getVolatile(c, at);
            if (n <= 0) {
                return false;
            }
            if (CELL.compareAndSet(c, at, n, n - 1)) {
                return true;
            }
        }
    }

    private static int cellOf(Thread me) {
        int hash = (int) me.threadId() * 0x9E3779B9;
        return ((hash >>> CELL_SHIFT) + 1) * LINE;
    }

    private void wakeWriter() {
        Drain d = drain;
        if (d != null && count() == 0) {
            Parker.unpark(d.thread);
        }
    }

    private int tryEnter() {
        return claim.isHeldByCurrentThread() ? OUT : enter();
    }

    private int lockRead(Wait wait, long deadline) throws InterruptedException {
        if (wait != Wait.UNINTERRUPTIBLE && Thread.interrupted()) {
            throw new InterruptedException();
        }
        claim.checkNotHeldBy(Thread.currentThread());
        int at = enter();
        return at != OUT ? at : enterAfterWriter(wait, deadline);
    }

    private int tryReadFor(long nanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        claim.checkNotHeldBy(Thread.currentThread());
        int at = enter();
        if (at != OUT || nanos <= 0) {
            return at;
        }
        return enterAfterWriter(Wait.TIMED, Deadline.afterNanos(nanos));
    }

    private int enterAfterWriter(Wait wait, long deadline) throws InterruptedException {
        for (int i = 0; i < SPINS; i++) {
            Thread.onSpinWait();
            int at = enter();
            if (at != OUT) {
                return at;
            }
        }
        int phase = phaseOf((long) ARRIVALS.getAndAdd(this, 1L));
        if (!isWriting()) {
            int at = enter();
            if (at != OUT) {
                if (!resign(phase)) {
                    leave(IN_BASE); // let in twice
                }
                return at;
            }
        }
        return awaitPhase(phase, wait, deadline);
    }

    /** Waits until the phase is over, which lets this reader in; OUT when time is up. */
    private int awaitPhase(int phase, Wait wait, long deadline) throws InterruptedException {
        long since = LockStatistics.begin(statistics);
        var turn = new Turn(phase);
        waiting.add(turn);
        if (isOver(phase)) {
            waiting.withdraw(turn);
            return IN_BASE;
        }
        try {
            int outcome =
                    switch (wait) {
                        case UNINTERRUPTIBLE -> waiting.awaitUninterruptibly(turn, turn);
                        case INTERRUPTIBLE -> waiting.await(turn, turn);
                        case TIMED -> waiting.awaitUntil(turn, turn, deadline);
                    };
            return outcome == Waiter.WITHDRAWN && resign(phase) ? OUT : IN_BASE;
        } catch (InterruptedException e) {
            if (resign(phase)) {
                throw e;
            }
            Thread.currentThread().interrupt();
            return IN_BASE;
        } finally {
            LockStatistics.end(statistics, since);
        }
    }

    private static int phaseOf(long word) {
        return (int) (word >>> 32);
    }

    private boolean isOver(int phase) {
        return phaseOf(arrivals) != phase;
    }

    /** No longer waits in a phase; false if it is over, so that the lock is held. */
    private boolean resign(int phase) {
        for (; ; ) {
            long word = arrivals;
            if (phaseOf(word) != phase) {
                return false;
            }
            if (ARRIVALS.compareAndSet(this, word, word - 1)) {
                return true;
            }
        }
    }

    // --- writer's side: the calling thread holds claim ---

    private int count() {
        int sum = base;
        int[] c = cells;
        if (c != null) {
            for (int at = LINE; at < c.length; at += LINE) {
                sum += (int) CELL.getVolatile(c, at);
            }
        }
        return sum;
    }

    private boolean lockWrite(Wait wait, long deadline) throws InterruptedException {
        if (!claim.lock(wait, deadline)) {
            return false;
        }
        boolean begun = false;
        try {
            begun = beginWrite(wait, deadline);
            return begun;
        } finally {
            if (!begun) {
                claim.unlock();
            }
        }
    }

    private boolean tryLockWrite() {
        if (!claim.tryLock()) {
            return false;
        }
        if (tryBeginWrite()) {
            return true;
        }
        claim.unlock();
        return false;
    }

    private boolean tryWriteFor(long nanos) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (nanos <= 0) {
            claim.checkNotHeldBy(Thread.currentThread());
            return tryLockWrite();
        }
        return lockWrite(Wait.TIMED, Deadline.afterNanos(nanos));
    }

    private boolean tryBeginWrite() {
        if (count() != 0) {
            return false;
        }
        stepVersion();
        if (count() == 0) {
            VarHandle.storeStoreFence();
            return true;
        }
        endWrite();
        return false;
    }

    private boolean beginWrite(Wait wait, long deadline) throws InterruptedException {
        stepVersion();
        boolean begun = false;
        try {
            begun = count() == 0 || awaitReaders(wait, deadline);
            return begun;
        } finally {
            if (begun) {
                VarHandle.storeStoreFence(); // who sees what is written now sees version odd
            } else {
                endWrite();
            }
        }
    }

    private boolean awaitReaders(Wait wait, long deadline) throws InterruptedException {
        for (int i = 0; i < SPINS; i++) {
            Thread.onSpinWait();
            if (count() == 0) {
                return true;
            }
        }
        long since = LockStatistics.begin(statistics);
        var d = new Drain(Thread.currentThread());
        drain = d;
        boolean interrupted = false;
        try {
            while (count() != 0) {
                if (wait != Wait.UNINTERRUPTIBLE && Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (wait != Wait.TIMED) {
                    Parker.park(d);
                } else {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        return false;
                    }
                    Parker.parkNanos(d, left);
                }
                if (wait == Wait.UNINTERRUPTIBLE) {
                    interrupted |= Thread.interrupted();
                }
            }
            return true;
        } finally {
            drain = null;
            LockStatistics.end(statistics, since);
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void stepVersion() {
        long v = version;
        version = v + 1;
    }

    private void endWrite() {
        stepVersion();
        if ((int) arrivals != 0) {
            admit();
        }
    }

    /** Lets in all who wait to read. */
    private void admit() {
        int counted = 0;
        for (; ; ) {
            long word = arrivals;
            int waits = (int) word;
            if (waits != counted) {
                BASE.getAndAdd(this, waits - counted); // before they are let in and may leave
                counted = waits;
            }
            if (waits == 0) {
                return;
            }
            if (ARRIVALS.compareAndSet(this, word, (phaseOf(word) + 1L) << 32)) {
                break;
            }
        }
        if (!waiting.isEmpty()) {
            waiting.service();
        }
    }

    private void checkWriting(String operation) {
        Thread me = Thread.currentThread();
        claim.checkHeldBy(me, operation);
        if (!isWriting()) {
            throw new IllegalMonitorStateException(
                    Mutex.describe(me)
                            + " holds the upgradeable read lock of "
                            + this
                            + ", not the write lock: "
                            + operation
                            + " is not possible");
        }
    }

    private void checkUpgradeable(String operation) {
        Thread me = Thread.currentThread();
        claim.checkHeldBy(me, operation);
        if (isWriting()) {
            throw new IllegalMonitorStateException(
                    Mutex.describe(me)
                            + " holds the write lock of "
                            + this
                            + ": "
                            + operation
                            + " is not possible before it is given back");
        }
    }

    private void unlockWrite() {
        checkWriting("unlock");
        endWrite();
        claim.unlock();
    }

    private Guard downgradeWrite() {
        checkWriting("downgrade");
        BASE.getAndAdd(this, 1);
        endWrite();
        claim.unlock();
        return new Reading(this, IN_BASE);
    }

    private Guard downgradeUpgradeable() {
        checkUpgradeable("downgrade");
        BASE.getAndAdd(this, 1);
        claim.unlock();
        return new Reading(this, IN_BASE);
    }

    // --- those who wait ---

    private final class Turn extends Waiter implements Blocker {
        final int phase;

        Turn(int phase) {
            this.phase = phase;
        }

        @Override
        public @Nullable Thread holder() {
            return isOver(phase) ? null : RwLock.this.holder();
        }

        @Override
        public String toString() {
            return RwLock.this.toString();
        }
    }

    private final class Queue extends WaitQueue<Turn> {
        @Override
        protected void serve() {
            for (Turn turn; (turn = first()) != null && isOver(turn.phase); ) {
                grant(turn, ADMITTED);
            }
        }
    }

    /** The wait of the writer for those who still read, of whom only the number is known. */
    private final class Drain implements Blocker {
        final Thread thread;

        Drain(Thread thread) {
            this.thread = thread;
        }

        @Override
        public @Nullable Thread holder() {
            return null;
        }

        @Override
        public String toString() {
            return RwLock.this.toString();
        }
    }

    // --- guards and views ---

    private static final class Reading implements Guard {
        private final RwLock lock;
        private final int at;
        private boolean closed;

        Reading(RwLock lock, int at) {
            this.lock = lock;
            this.at = at;
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                lock.leave(at);
            }
        }
    }

    private static final class Writing implements WriteGuard {
        private final RwLock lock;
        private boolean closed;

        Writing(RwLock lock) {
            this.lock = lock;
        }

        @Override
        public Guard downgrade() {
            if (closed) {
                throw closedGuard(lock);
            }
            Guard reading = lock.downgradeWrite();
            closed = true;
            return reading;
        }

        @Override
        public void close() {
            if (!closed) {
                lock.unlockWrite();
                closed = true;
            }
        }
    }

    private static final class Upgradeable implements UpgradeableGuard {
        private final RwLock lock;
        private boolean closed;

        Upgradeable(RwLock lock) {
            this.lock = lock;
        }

        @Override
        public Guard upgrade() throws InterruptedException {
            check();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            lock.beginWrite(Wait.INTERRUPTIBLE, 0);
            return new Upgraded(lock);
        }

        @Override
        public @Nullable Guard tryUpgrade() {
            check();
            return lock.tryBeginWrite() ? new Upgraded(lock) : null;
        }

        @Override
        public @Nullable Guard tryUpgrade(Duration timeout) throws InterruptedException {
            check();
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            boolean begun =
                    timeout.isPositive()
                            ? lock.beginWrite(Wait.TIMED, Deadline.after(timeout))
                            : lock.tryBeginWrite();
            return begun ? new Upgraded(lock) : null;
        }

        private void check() {
            if (closed) {
                throw closedGuard(lock);
            }
            lock.checkUpgradeable("upgrade");
        }

        @Override
        public Guard downgrade() {
            if (closed) {
                throw closedGuard(lock);
            }
            Guard reading = lock.downgradeUpgradeable();
            closed = true;
            return reading;
        }

        @Override
        public void close() {
            if (!closed) {
                lock.checkUpgradeable("unlock");
                lock.claim.unlock();
                closed = true;
            }
        }
    }

    /** The write lock of an upgraded guard: gives back the right to write only. */
    private static final class Upgraded implements Guard {
        private final RwLock lock;
        private boolean closed;

        Upgraded(RwLock lock) {
            this.lock = lock;
        }

        @Override
        public void close() {
            if (!closed) {
                lock.checkWriting("unlock");
                lock.endWrite();
                closed = true;
            }
        }
    }

    private static IllegalStateException closedGuard(RwLock lock) {
        return new IllegalStateException("this guard of " + lock + " is closed");
    }

    private final class ReadView implements Lock {
        @Override
        public void lock() {
            try {
                lockRead(Wait.UNINTERRUPTIBLE, 0);
            } catch (InterruptedException e) {
                throw Mutex.uninterruptible(e);
            }
        }

        @Override
        public void lockInterruptibly() throws InterruptedException {
            lockRead(Wait.INTERRUPTIBLE, 0);
        }

        @Override
        public boolean tryLock() {
            return tryEnter() != OUT;
        }

        @Override
        public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
            return tryReadFor(unit.toNanos(time)) != OUT;
        }

        @Override
        public void unlock() {
            leave(Thread.currentThread());
        }

        @Override
        public Condition newCondition() {
            throw new UnsupportedOperationException(
                    "a read lock has no conditions, the write lock has");
        }

        @Override
        public String toString() {
            return "read lock of " + RwLock.this;
        }
    }

    private final class WriteView implements Lock, Exclusive {
        @Override
        public void lock() {
            try {
                lockWrite(Wait.UNINTERRUPTIBLE, 0);
            } catch (InterruptedException e) {
                throw Mutex.uninterruptible(e);
            }
        }

        @Override
        public void lockInterruptibly() throws InterruptedException {
            lockWrite(Wait.INTERRUPTIBLE, 0);
        }

        @Override
        public boolean tryLock() {
            return tryLockWrite();
        }

        @Override
        public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
            return tryWriteFor(unit.toNanos(time));
        }

        @Override
        public void unlock() {
            unlockWrite();
        }

        @Override
        public Condition newCondition() {
            return new Condvar(this);
        }

        @Override
        public void checkHeldBy(Thread me, String operation) {
            checkWriting(operation);
        }

        @Override
        public String toString() {
            return "write lock of " + RwLock.this;
        }
    }
}
