package cloud.avila.avx.benchmarks.workload;

import java.util.Arrays;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.function.Consumer;

/** The cases of the group {@code sync}: fibers that share one lock, semaphore, bell or barrier. */
public enum SyncCase {
    /** One fiber locks and unlocks. */
    MUTEX_UNCONTENDED("mutex-uncontended", 100_000, (s, t, n) -> locks(s, t, 1, n)),
    /** Two fibers lock and unlock in a loop. */
    MUTEX_2("mutex-2", 32_000, (s, t, n) -> locks(s, t, 2, n)),
    /** Eight do. */
    MUTEX_8("mutex-8", 32_000, (s, t, n) -> locks(s, t, 8, n)),
    /** 64 do. */
    MUTEX_64("mutex-64", 32_000, (s, t, n) -> locks(s, t, 64, n)),
    /** Eight fibers read under the lock, and write every hundredth time. */
    RWLOCK_READ_MOSTLY("rwlock-read-mostly", 32_000, SyncCase::reads),
    /** Six fibers take and return one of ten permits. */
    SEMAPHORE_UNCONTENDED("semaphore-uncontended", 30_000, (s, t, n) -> permits(s, t, 10, n)),
    /** Six fibers take one of five permits, yield, and return it. */
    SEMAPHORE_CONTENDED("semaphore-contended", 6_000, (s, t, n) -> permits(s, t, 5, n)),
    /** A fiber wakes one of ten others, which counts and waits again, and yields. */
    NOTIFY_ONE("notify-one", 10_000, (s, t, n) -> rings(s, t, n, Toolkit.Bell::ringForOne)),
    /** A fiber wakes all of ten others, which count and wait again, and yields. */
    NOTIFY_ALL("notify-all", 10_000, (s, t, n) -> rings(s, t, n, Toolkit.Bell::ringForAll)),
    /** Eight fibers meet again and again; one operation is one fiber at one meeting. */
    BARRIER_8("barrier-8", 8_000, SyncCase::meetings);

    /** One run of a case. */
    @FunctionalInterface
    private interface Body {
        void run(Spawner spawner, Toolkit toolkit, int operations) throws InterruptedException;
    }

    /** What a fiber does. */
    @FunctionalInterface
    private interface Step {
        void run() throws InterruptedException, BrokenBarrierException;
    }

    private static final int READERS = 8;
    private static final int READS_PER_WRITE = 100;
    private static final int TAKERS = 6;
    private static final int LISTENERS = 10;
    private static final int PARTIES = 8;

    private final String id;
    private final int operations;
    private final Body body;

    SyncCase(String id, int operations, Body body) {
        this.id = id;
        this.operations = operations;
        this.body = body;
    }

    /**
     * Finds a case.
     *
     * @param id its name on the command line
     * @return the case
     * @throws IllegalArgumentException if there is none of that name
     */
    public static SyncCase of(String id) {
        return Arrays.stream(values())
                .filter(c -> c.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no case " + id));
    }

    Workload open(String contestant, int workers) {
        Toolkit toolkit = Toolkit.of(contestant);
        Contestant fibers = Toolkit.openFibers(contestant, workers);
        return new TimedRuns(id, operations, fibers, () -> run(fibers, toolkit));
    }

    /**
     * Runs once, from a thread outside the contestant, and checks the result.
     *
     * @param spawner runs the fibers
     * @param toolkit makes what they share
     * @throws InterruptedException if interrupted while waiting for the end
     * @throws IllegalStateException if the lock let two in, or something was lost
     */
    void run(Spawner spawner, Toolkit toolkit) throws InterruptedException {
        body.run(spawner, toolkit, operations);
    }

    /** What a lock protects. */
    private static final class Count {
        long value;
    }

    private static void locks(Spawner spawner, Toolkit toolkit, int fibers, int operations)
            throws InterruptedException {
        Lock lock = toolkit.mutex();
        var count = new Count();
        together(
                spawner,
                fibers,
                operations / fibers,
                () -> {
                    lock.lock();
                    try {
                        count.value++;
                    } finally {
                        lock.unlock();
                    }
                });
        if (count.value != operations) {
            throw new IllegalStateException(
                    "the lock was held " + operations + " times, but " + count.value + " counted");
        }
    }

    private static void reads(Spawner spawner, Toolkit toolkit, int operations)
            throws InterruptedException {
        ReadWriteLock lock = toolkit.readWriteLock();
        var count = new Count();
        int times = operations / READERS;
        var tally = new Tally(READERS, (long) READERS * times);
        for (int f = 0; f < READERS; f++) {
            spawner.spawn(
                    () -> {
                        long last = 0;
                        for (int i = 0; i < times; i++) {
                            boolean writes = i % READS_PER_WRITE == 0;
                            Lock half = writes ? lock.writeLock() : lock.readLock();
                            half.lock();
                            try {
                                if (writes) {
                                    count.value++;
                                }
                                last = count.value;
                            } finally {
                                half.unlock();
                            }
                        }
                        tally.add(last >= times / READS_PER_WRITE ? times : 0);
                    });
        }
        tally.await();
        if (count.value != operations / READS_PER_WRITE) {
            throw new IllegalStateException(
                    count.value
                            + " writes counted instead of "
                            + operations / READS_PER_WRITE
                            + ": the lock let two in");
        }
    }

    @SuppressWarnings("ThreadPriorityCheck") // so that somebody comes while all permits are taken
    private static void permits(Spawner spawner, Toolkit toolkit, int permits, int operations)
            throws InterruptedException {
        Toolkit.Permits semaphore = toolkit.semaphore(permits);
        together(
                spawner,
                TAKERS,
                operations / TAKERS,
                () -> {
                    semaphore.acquire();
                    if (permits < TAKERS) {
                        Thread.yield();
                    }
                    semaphore.release();
                });
    }

    private static void meetings(Spawner spawner, Toolkit toolkit, int operations)
            throws InterruptedException {
        Toolkit.Meeting barrier = toolkit.barrier(PARTIES);
        together(spawner, PARTIES, operations / PARTIES, barrier::await);
    }

    /** Some fibers that each do the same a number of times. */
    private static void together(Spawner spawner, int fibers, int times, Step step)
            throws InterruptedException {
        var tally = new Tally(fibers, (long) fibers * times);
        for (int f = 0; f < fibers; f++) {
            spawner.spawn(
                    () -> {
                        for (int i = 0; i < times; i++) {
                            run(step);
                        }
                        tally.add(times);
                    });
        }
        tally.await();
    }

    /** Rings, and yields, until so many have woken. */
    @SuppressWarnings("ThreadPriorityCheck") // a bell that spins would take a processor
    private static void rings(
            Spawner spawner, Toolkit toolkit, int operations, Consumer<Toolkit.Bell> ring)
            throws InterruptedException {
        Toolkit.Bell bell = toolkit.bell();
        var woken = new AtomicLong();
        var tally = new Tally(LISTENERS, LISTENERS);
        for (int f = 0; f < LISTENERS; f++) {
            spawner.spawn(
                    () -> {
                        while (woken.get() < operations) {
                            run(bell::await);
                            woken.getAndIncrement();
                        }
                        tally.add(1);
                    });
        }
        spawner.spawn(
                () -> {
                    while (woken.get() < operations) {
                        ring.accept(bell);
                        Thread.yield();
                    }
                    while (!tally.isComplete()) { // those who still wait: there is no more to count
                        bell.ringForAll();
                        Thread.yield();
                    }
                });
        tally.await();
    }

    private static void run(Step step) {
        try {
            step.run();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException("interrupted by nobody", e);
        }
    }
}
