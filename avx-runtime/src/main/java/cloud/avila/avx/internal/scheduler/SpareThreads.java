package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.park.Parker;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The platform threads that run workers: makes them, and keeps those that have lost their slot to a
 * stuck task, and come back from it, for a while, to run another.
 */
final class SpareThreads {
    private static final System.Logger LOG = System.getLogger(SpareThreads.class.getName());

    /** The most threads that may be away with stuck or blocking tasks at a time. */
    static final int MAX_AWAY = 256;

    private static final long KEEP_ALIVE_NANOS = 10_000_000_000L;

    private final WorkStealingScheduler scheduler;
    private final SchedulerSettings settings;

    // a spin lock, for a fiber that asks for a thread must not park; held for some ten instructions
    private final AtomicBoolean locked = new AtomicBoolean();
    private final ArrayDeque<WorkerThread> idle = new ArrayDeque<>();
    private int away; // threads without slot that still run a task
    private int made; // beyond the first of each slot
    private long handedOn;

    SpareThreads(WorkStealingScheduler scheduler, SchedulerSettings settings) {
        this.scheduler = scheduler;
        this.settings = settings;
    }

    private void lock() {
        while (!locked.compareAndSet(false, true)) {
            Thread.onSpinWait();
        }
    }

    private void unlock() {
        locked.set(false);
    }

    /** The first thread of a slot. */
    WorkerThread newThread(int slot) {
        return new WorkerThread(
                scheduler, settings.threadNamePrefix() + slot, settings.stackSize());
    }

    /** Announces that a thread is about to lose its slot; false if too many have. */
    boolean reserve() {
        lock();
        try {
            if (away >= MAX_AWAY) {
                return false;
            }
            away++;
            return true;
        } finally {
            unlock();
        }
    }

    /** Takes an announcement back. */
    void unreserve() {
        lock();
        try {
            away--;
        } finally {
            unlock();
        }
    }

    /**
     * Lets another thread run a slot that its thread has just lost.
     *
     * @throws OutOfMemoryError if there is no spare thread and none can be started
     */
    void handOn(Worker slot) {
        WorkerThread spare;
        int number = 0;
        lock();
        try {
            spare = idle.pollLast();
            handedOn++;
            if (spare == null) {
                number = ++made;
            }
        } finally {
            unlock();
        }
        if (spare != null) {
            slot.thread = spare;
            spare.give(slot);
            Parker.unpark(spare);
            return;
        }
        WorkerThread fresh =
                new WorkerThread(
                        scheduler,
                        settings.threadNamePrefix() + slot.index + "-spare-" + number,
                        settings.stackSize());
        slot.thread = fresh;
        fresh.give(slot);
        try (var spacing = new ThreadSpacing(settings.name())) {
            spacing.start(fresh);
        }
    }

    /** Called by a thread without a slot, without a task: waits for another; false to end. */
    boolean awaitSlot(WorkerThread thread) {
        lock();
        try {
            away--;
            idle.addLast(thread);
        } finally {
            unlock();
        }
        LOG.log(Level.DEBUG, "{0} has come back and waits for a worker", thread.getName());
        long start = System.nanoTime();
        for (; ; ) {
            if (thread.wasGivenSlot()) {
                return true;
            }
            long left = KEEP_ALIVE_NANOS - (System.nanoTime() - start);
            if (left <= 0 || scheduler.shutdown.isStopped()) {
                lock();
                try {
                    if (idle.remove(thread)) {
                        return false;
                    }
                } finally {
                    unlock();
                }
                Thread.onSpinWait(); // a slot is on its way
            } else {
                Parker.parkNanos(this, left);
                Thread.interrupted();
            }
        }
    }

    /** Wakes the idle ones, that they may end. */
    void stop() {
        @Nullable WorkerThread[] waiting;
        lock();
        try {
            waiting = idle.toArray(WorkerThread[]::new);
        } finally {
            unlock();
        }
        for (WorkerThread thread : waiting) {
            Parker.unpark(thread);
        }
    }

    /** A consistent look. */
    Snapshot snapshot() {
        lock();
        try {
            return new Snapshot(away, idle.size(), handedOn);
        } finally {
            unlock();
        }
    }

    /**
     * @param away threads that run a task and have no slot
     * @param idle threads that wait for a slot
     * @param handedOn slots handed to another thread
     */
    record Snapshot(int away, int idle, long handedOn) {}
}
