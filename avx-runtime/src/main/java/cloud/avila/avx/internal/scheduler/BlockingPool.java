package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.park.ShortLocks;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.Overflow;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Platform threads for code that holds its thread: as many as there is work for, up to a bound;
 * then a queue, up to a bound; then what the overflow policy says. An idle thread ends after the
 * keep-alive time.
 *
 * <p>One lock guards everything. A task here is worth at least tens of microseconds of a thread;
 * the lock is held for some ten nanoseconds.
 */
final class BlockingPool {
    private final WorkStealingScheduler scheduler;
    private final int maxThreads;
    private final long keepAliveNanos;
    private final int queueCapacity;
    private final Overflow overflow;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition room = lock.newCondition();
    private final Condition ended = lock.newCondition();
    private final ArrayDeque<TrackedTask> queue = new ArrayDeque<>();
    private int threads;
    private int idle;
    private int promised; // idle threads that have been signalled and not yet taken their task
    private long made;
    private long completed;
    private boolean closed;

    BlockingPool(WorkStealingScheduler scheduler, SchedulerSettings settings) {
        this.scheduler = scheduler;
        this.maxThreads = settings.maxBlockingThreads();
        this.keepAliveNanos = settings.blockingKeepAliveNanos();
        this.queueCapacity = settings.blockingQueueCapacity();
        this.overflow = settings.overflow();
    }

    /**
     * Queues a task for a thread.
     *
     * @param mayWait whether the caller may wait for room
     * @return false if the caller is to run it
     * @throws RejectedExecutionException if the queue is full, and the policy or the caller's kind
     *     leaves nothing else
     */
    boolean submit(TrackedTask task, boolean mayWait) {
        ShortLocks.acquire(lock);
        try {
            for (; ; ) {
                if (idle > promised) {
                    promised++;
                    queue.add(task);
                    work.signal();
                    return true;
                }
                if (threads < maxThreads) {
                    startThread(task);
                    return true;
                }
                if (queue.size() - promised < queueCapacity) {
                    queue.add(task);
                    return true;
                }
                if (overflow == Overflow.CALLER_RUNS) {
                    return false;
                }
                if (overflow == Overflow.REJECT || !mayWait || closed) {
                    throw full();
                }
                awaitRoom();
            }
        } finally {
            lock.unlock();
        }
    }

    private void awaitRoom() {
        try {
            room.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            RejectedExecutionException refused = full();
            refused.initCause(e);
            throw refused;
        }
    }

    private RejectedExecutionException full() {
        return new RejectedExecutionException(
                "the blocking pool of runtime \"%s\" has all %d threads busy and %d tasks waiting; raise maxBlockingThreads or blockingQueueCapacity, or submit less"
                        .formatted(scheduler.name(), maxThreads, queueCapacity));
    }

    private void startThread(TrackedTask first) {
        Thread thread = new BlockingThread(first, scheduler.name() + "-blocking-" + made);
        threads++;
        made++;
        try {
            thread.start();
        } catch (Throwable e) {
            threads--;
            throw new RejectedExecutionException(
                    "no thread could be started for the blocking pool of runtime \"%s\", which has %d of %d"
                            .formatted(scheduler.name(), threads, maxThreads),
                    e);
        }
    }

    private final class BlockingThread extends RuntimeThread {
        private @Nullable TrackedTask first;

        BlockingThread(TrackedTask first, String name) {
            super(BlockingPool.this.scheduler, null, name, 0);
            this.first = first;
        }

        @Override
        public void run() {
            TrackedTask task = first;
            first = null;
            while (task != null) {
                Object event = FlightEvents.taskBegins(task, BlockingPool.this.scheduler.name());
                task.runTask();
                FlightEvents.taskEnded(event, task);
                Thread.interrupted();
                scheduler.taskEnded(task);
                task = nextTask();
            }
        }
    }

    private @Nullable TrackedTask nextTask() {
        ShortLocks.acquire(lock);
        try {
            completed++;
            long left = keepAliveNanos;
            idle++;
            try {
                for (; ; ) {
                    // a task promised to a sleeper may be taken by a thread that is awake anyway
                    TrackedTask task = queue.poll();
                    if (task != null) {
                        promised = Math.min(promised, queue.size());
                        room.signal();
                        return task;
                    }
                    if (closed || left <= 0) {
                        threads--;
                        if (threads == 0) {
                            ended.signalAll();
                        }
                        return null;
                    }
                    try {
                        left = work.awaitNanos(left);
                    } catch (InterruptedException e) {
                        // nobody has a reason to interrupt an idle thread; look for work again
                        left = keepAliveNanos;
                    }
                }
            } finally {
                idle--;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets idle threads end, and the others when their task has ended. */
    void close() {
        ShortLocks.acquire(lock);
        try {
            closed = true;
            work.signalAll();
            room.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until every thread is past its last task. */
    boolean awaitEnd(long nanos) {
        boolean interrupted = false;
        ShortLocks.acquire(lock);
        try {
            long end = System.nanoTime() + nanos;
            while (threads > 0) {
                long left = end - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                try {
                    ended.await(left, TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            return true;
        } finally {
            lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A consistent look at the pool. */
    Snapshot snapshot() {
        ShortLocks.acquire(lock);
        try {
            return new Snapshot(threads, idle, queue.size(), completed);
        } finally {
            lock.unlock();
        }
    }

    /**
     * @param threads threads alive
     * @param idle threads waiting for a task
     * @param queued tasks waiting for a thread
     * @param completed tasks run
     */
    record Snapshot(int threads, int idle, int queued, long completed) {}
}
