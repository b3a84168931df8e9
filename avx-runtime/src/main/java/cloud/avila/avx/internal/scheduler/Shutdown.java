package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.ShutdownSummary;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** The end of a scheduler, in phases; decides what is accepted in each. */
final class Shutdown {
    /*
     * Overview.
     *
     * OPEN          everything is accepted
     * DRAINING      nothing from outside; what is live, and what it spawns, may finish
     * INTERRUPTING  nothing; what is live has been cancelled, and gets a grace time to end
     * STOPPED       workers end as soon as their current task gives them back
     *
     * The phase only goes forward, from OPEN by whoever closes first, from then on by the one thread
     * that shuts down. A submitter counts its task before it reads the phase, and the thread that
     * shuts down writes the phase before it reads the counts: no task slips through in between.
     *
     * Fibers that are still suspended when the last worker has ended go on as the JDK's own virtual
     * threads: their continuations, now and whenever they are queued later, are handed to the JDK's
     * scheduler. A worker that is stuck in its task when the scheduler is declared closed does the
     * release when it comes back, if it is the last. Threads that have lost their slot to a stuck
     * task are not waited for: their task is, as a live one.
     */

    private static final System.Logger LOG = System.getLogger(Shutdown.class.getName());

    private static final int OPEN = 0;
    private static final int DRAINING = 1;
    private static final int INTERRUPTING = 2;
    private static final int STOPPED = 3;

    /** How long tasks that were cancelled, and then workers, get to end. */
    private static final long GRACE_NANOS = 2_000_000_000L;

    private static final long MAX_PAUSE_NANOS = 5_000_000;
    private static final int NAMES_IN_REPORT = 20;

    private final WorkStealingScheduler scheduler;
    private final AtomicInteger phase = new AtomicInteger(OPEN);
    private final ReentrantLock closing = new ReentrantLock();
    private final AtomicInteger workersRunning = new AtomicInteger();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicInteger handOvers = new AtomicInteger();
    private volatile @Nullable ShutdownSummary summary;

    Shutdown(WorkStealingScheduler scheduler) {
        this.scheduler = scheduler;
    }

    /**
     * Refuses a task that comes too late.
     *
     * @param inside whether it comes from a task of the scheduler
     * @throws RejectedExecutionException if it does
     */
    void checkOpen(boolean inside) {
        int p = phase.get();
        if (p != OPEN && (p >= INTERRUPTING || !inside)) {
            scheduler.counts.refused();
            throw new RejectedExecutionException(
                    "runtime \"%s\" is %s and takes no more tasks"
                            .formatted(scheduler.name(), p == STOPPED ? "closed" : "closing"));
        }
    }

    boolean isClosing() {
        return phase.get() != OPEN;
    }

    boolean isStopped() {
        return phase.get() == STOPPED;
    }

    boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** No worker will ever look at a queue again. */
    boolean workersHaveEnded() {
        return isStopped() && workersRunning.get() == 0;
    }

    /** What happened to the tasks; null until it is closed. */
    @Nullable ShutdownSummary summary() {
        return summary;
    }

    void close(long timeoutNanos) {
        if (phase.compareAndSet(OPEN, DRAINING)) {
            OpenSchedulers.closing(scheduler);
            scheduler.tellClosingListeners();
        }
        if (scheduler.isInside()) {
            String name = scheduler.name() + "-closer";
            new Thread(null, () -> closeOnce(timeoutNanos), name, 0, false).start();
        } else {
            closeOnce(timeoutNanos);
        }
    }

    private void closeOnce(long timeoutNanos) {
        boolean interrupted;
        if (closing.tryLock()) {
            try {
                interrupted = !isClosed() && shutDown(timeoutNanos);
            } finally {
                closing.unlock();
            }
        } else {
            interrupted = awaitClosed();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean anyThreadAlive() {
        for (Worker worker : scheduler.workers) {
            if (worker.thread.isAlive()) {
                return true;
            }
        }
        return false;
    }

    /** Goes through the phases; tells whether the thread was interrupted meanwhile. */
    private boolean shutDown(long timeoutNanos) {
        long start = System.nanoTime();
        long endedBefore = scheduler.counts.ended();
        boolean interrupted = awaitDrained(timeoutNanos);
        phase.set(INTERRUPTING);
        long drained = scheduler.counts.ended() - endedBefore;
        long cancelled = Math.max(0, scheduler.counts.live());
        if (cancelled > 0) {
            reportDeadlocks();
            // again and again, for a task may be met between its queue and its runner
            interrupted |=
                    await(
                            () -> {
                                scheduler.forEachTask(TrackedTask::cancelOnShutdown);
                                return scheduler.counts.live() <= 0;
                            },
                            GRACE_NANOS);
            reportUnfinished(timeoutNanos);
        }
        stopWorkers();
        interrupted |= await(() -> workersHaveEnded() && !anyThreadAlive(), GRACE_NANOS);
        if (!workersHaveEnded()) {
            reportStuck();
        }
        scheduler.watchdog.stop();
        interrupted |= await(() -> scheduler.watchdog.hasEnded(), GRACE_NANOS);
        scheduler.blockingPool.awaitEnd(GRACE_NANOS);
        summary =
                new ShutdownSummary(
                        drained,
                        cancelled,
                        Math.clamp(scheduler.counts.live(), 0, cancelled),
                        Duration.ofNanos(System.nanoTime() - start));
        closed.countDown();
        if (workersHaveEnded()) {
            release();
        }
        return interrupted;
    }

    /** Ends what has been started of a scheduler that could not be started whole. */
    void startFailed() {
        stopWorkers();
        scheduler.watchdog.stop();
        closed.countDown();
        if (workersHaveEnded()) {
            release(); // otherwise the last worker does
        }
    }

    /** Lets workers and blocking threads end as soon as they have nothing in hand. */
    void stopWorkers() {
        phase.set(STOPPED);
        scheduler.blockingPool.close();
        for (Worker worker : scheduler.workers) {
            worker.unpark();
            Parker.unpark(worker.thread);
        }
        scheduler.spares.stop();
    }

    /** Called before a thread for a slot is started. */
    void workerStarted() {
        workersRunning.incrementAndGet();
    }

    /** Called by each thread that runs a slot as its last act. */
    void workerEnded() {
        workersRunning.decrementAndGet();
        if (isClosed() && workersHaveEnded()) {
            release();
        }
    }

    /** After the last worker has ended, once or more: nobody polls any more. */
    private void release() {
        scheduler.closeDrivers();
        handOver();
    }

    /**
     * Leaves suspended fibers to the JDK's scheduler, and drops jobs, counted as cancelled. Called
     * after every later push, too, by any thread, so it must not block: who finds another at it
     * leaves it another round.
     */
    void handOver() {
        if (handOvers.getAndIncrement() > 0) {
            return;
        }
        int rounds = 1;
        do {
            var batch = new ChaseLevDeque<Runnable>(64);
            for (Runnable task; (task = scheduler.injection.take(batch, 1)) != null; ) {
                for (; task != null; task = batch.take()) {
                    handOver(task);
                }
            }
            for (Runnable task; (task = scheduler.lanes.takeLeftOver(batch)) != null; ) {
                handOver(task);
            }
            for (Worker worker : scheduler.workers) {
                for (Runnable task; (task = worker.takeLeftOver()) != null; ) {
                    handOver(task);
                }
            }
            rounds = handOvers.addAndGet(-rounds);
        } while (rounds > 0);
    }

    private void handOver(Runnable task) {
        if (task instanceof Job job) {
            job.drop();
        } else if (task instanceof TrackedTask unstarted && unstarted.onFiber) {
            unstarted.cancelOnShutdown(); // what was cancelled before it began ends at once
            unstarted.runTask();
            scheduler.ended(unstarted.ending());
        } else {
            FiberThreads.jdkScheduler().execute(task);
        }
    }

    private boolean awaitDrained(long nanos) {
        return await(() -> scheduler.counts.live() <= 0, nanos);
    }

    /** Waits through interrupts; tells whether there was one. */
    private boolean await(BooleanSupplier condition, long nanos) {
        long start = System.nanoTime();
        long pause = 50_000;
        boolean interrupted = false;
        while (!condition.getAsBoolean() && System.nanoTime() - start < nanos) {
            Parker.parkNanos(this, pause);
            pause = Math.min(pause * 2, MAX_PAUSE_NANOS);
            interrupted |= Thread.interrupted();
        }
        return interrupted;
    }

    /** Waits through interrupts for another thread to end the shutdown; whether there was one. */
    private boolean awaitClosed() {
        boolean interrupted = false;
        for (; ; ) {
            try {
                closed.await();
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
    }

    private void reportUnfinished(long timeoutNanos) {
        Set<TrackedTask> unfinished = Collections.newSetFromMap(new IdentityHashMap<>());
        scheduler.forEachTask(unfinished::add);
        List<String> names =
                unfinished.stream()
                        .limit(NAMES_IN_REPORT)
                        .map(TrackedTask::displayName)
                        .collect(Collectors.toList());
        int more = unfinished.size() - names.size();
        long jobs = Math.max(0, scheduler.counts.live() - unfinished.size());
        if (!names.isEmpty() || jobs > 0) {
            LOG.log(
                    Level.WARNING,
                    "runtime \"%s\" stops with unfinished work after %d ms and an interrupt: %s%s%s"
                            .formatted(
                                    scheduler.name(),
                                    timeoutNanos / 1_000_000,
                                    names,
                                    more == 0 ? "" : " and " + more + " more",
                                    jobs == 0 ? "" : " and " + jobs + " jobs"));
        }
    }

    /** Before the tasks are interrupted, for that may break the circle. */
    private void reportDeadlocks() {
        for (Deadlock deadlock : scheduler.deadlocks()) {
            LOG.log(
                    Level.WARNING,
                    "runtime \"%s\" did not come to its end by itself: %s"
                            .formatted(scheduler.name(), deadlock));
        }
    }

    private void reportStuck() {
        var stuck = new ArrayList<String>();
        for (Worker worker : scheduler.workers) {
            if (worker.isOpen()) {
                stuck.add(worker.thread.getName());
            }
        }
        LOG.log(
                Level.WARNING,
                "runtime \"%s\" is closed, but work that does not end keeps %s; they end with it"
                        .formatted(scheduler.name(), stuck));
    }
}
