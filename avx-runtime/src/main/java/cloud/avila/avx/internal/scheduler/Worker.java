package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.timer.TimerWheel;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;

/**
 * A worker: a queue, a LIFO slot, a timer wheel and counters, run by one platform thread.
 *
 * <p>Everything here that is not volatile belongs to the thread that runs the worker. Code of a
 * fiber mounted on the worker runs on that thread, too; it must not unmount between finding its
 * worker and using it.
 */
final class Worker {
    private static final System.Logger LOG = System.getLogger(Worker.class.getName());

    /** How many times in a row the LIFO slot goes before the queue. */
    static final int MAX_LIFO_TURNS = 3;

    /** The most tasks between two looks at the injection queue, timers and driver. */
    static final int MAX_INTERVAL = 127;

    private static final int MIN_INTERVAL = 2;
    private static final int FIRST_INTERVAL = 61;

    /** How often a busy worker looks at the injection queue, timers and driver. */
    private static final long INTERVAL_NANOS = 200_000;

    private static final long MIN_SPIN_NANOS = 2_000;
    private static final long MAX_SPIN_NANOS = 20_000;

    /** Work that is worth waking another worker for, which takes a few microseconds itself. */
    private static final long WORTH_WAKING_NANOS = 50_000;

    private static final long DRIVER_ERROR_PAUSE_NANOS = 10_000_000;

    final WorkStealingScheduler scheduler;
    final int index;
    final ChaseLevDeque<Runnable> queue;
    final TimerWheel wheel;
    final WorkerThread thread;

    private final IdleWorkers idle;
    private final InjectionQueue injection;

    private @Nullable Runnable lifo;
    private int lifoTurns;
    private @Nullable Runnable running;
    private int interval = FIRST_INTERVAL;
    private int untilMaintenance = FIRST_INTERVAL;
    private long lastMaintenance;
    private long lastTurn;
    private long meanTaskNanos = INTERVAL_NANOS / FIRST_INTERVAL;
    private long spinNanos = MIN_SPIN_NANOS;
    private boolean searching;
    private boolean dispatching; // the driver or the wheel is waking fibers
    private long random;
    private long awakeSince;
    private long executedBefore; // this turn, that is, since the worker woke up
    private long meanTurnNanos;

    // set by this worker before it waits in the driver, read by those who wake it
    private volatile boolean inDriver;
    private volatile WorkerState state = WorkerState.SEARCHING;

    // task numbers drawn in advance
    long nextId;
    int idsLeft;

    // counters: plain writes by this worker's thread, read by snapshots as they come
    long spawned;
    long completed;
    long failed;
    long cancelled;
    private long executed;
    private long localSchedules;
    private long lifoHits;
    private long injected;
    private long steals;
    private long stealOperations;
    private long parks;
    private long unparks;
    private long noops;
    private long driverPolls;
    private long ioEvents;
    private long timersFired;
    private long busyNanos;

    Worker(WorkStealingScheduler scheduler, int index, SchedulerSettings settings) {
        this.scheduler = scheduler;
        this.index = index;
        this.idle = scheduler.idle;
        this.injection = scheduler.injection;
        this.queue = new ChaseLevDeque<>(settings.localQueueCapacity());
        this.wheel = new TimerWheel();
        this.random = 0x9E3779B97F4A7C15L * (index + 1);
        this.thread =
                new WorkerThread(this, settings.threadNamePrefix() + index, settings.stackSize());
    }

    // --- what tasks on this worker do ---

    /** Queues a continuation from this worker's thread. */
    void submit(Runnable continuation) {
        localSchedules++;
        if (continuation == running || dispatching) {
            // a yield, or one of a batch of events
            pushBehind(continuation);
        } else {
            pushNext(continuation);
        }
    }

    /** Queues a task behind what waits already, from this worker's thread. */
    void pushBehind(Runnable task) {
        queue.push(task);
        if (!dispatching && queue.size() > 1) {
            scheduler.wakeOne();
        }
    }

    /** Queues what should run next, from this worker's thread. */
    void pushNext(Runnable task) {
        Runnable displaced = lifo;
        lifo = task;
        if (displaced != null) {
            queue.push(displaced);
            scheduler.wakeOne();
        }
    }

    // --- the worker's thread ---

    void run() {
        awakeSince = System.nanoTime();
        lastMaintenance = awakeSince;
        lastTurn = awakeSince;
        while (!scheduler.shutdown.isStopped()) {
            Runnable task = next();
            if (task == null) {
                task = findWork();
            }
            if (task != null) {
                runTask(task);
            }
        }
        state = WorkerState.TERMINATED;
        busyNanos += System.nanoTime() - awakeSince;
        scheduler.shutdown.workerEnded();
    }

    private void runTask(Runnable task) {
        running = task;
        try {
            task.run();
        } catch (Throwable e) {
            // jobs and fibers catch their own: this is the virtual machine giving up on something
            LOG.log(Level.ERROR, "worker " + thread.getName() + " goes on after " + e, e);
        }
        running = null;
        executed++;
    }

    private @Nullable Runnable next() {
        if (--untilMaintenance <= 0) {
            Runnable task = maintain();
            if (task != null) {
                return task;
            }
        }
        Runnable task = lifo;
        if (task == null) {
            lifoTurns = 0;
            return queue.take();
        }
        if (lifoTurns < MAX_LIFO_TURNS) {
            lifoTurns++;
            lifoHits++;
            lifo = null;
            return task;
        }
        lifoTurns = 0;
        Runnable older = queue.take();
        lifo = null;
        if (older == null) {
            return task;
        }
        queue.push(task);
        return older;
    }

    /** The look around of a busy worker: timers, driver, injection queue. */
    private @Nullable Runnable maintain() {
        long now = System.nanoTime();
        long mean = Math.max(1, (now - lastMaintenance) / interval);
        meanTaskNanos = Math.max(1, meanTaskNanos + (mean - meanTaskNanos) / 4);
        interval = (int) Math.clamp(INTERVAL_NANOS / Math.max(1, mean), MIN_INTERVAL, MAX_INTERVAL);
        untilMaintenance = interval;
        lastMaintenance = now;
        fireTimers(now);
        IoDriver driver = scheduler.openedDriver();
        if (driver != null && scheduler.lead.tryTake(this)) {
            poll(driver, 0);
            scheduler.lead.giveUp();
        }
        shareIfWorthwhile();
        return takeInjected();
    }

    /** Finds a task, or sleeps until there is one; null once the scheduler is stopped. */
    private @Nullable Runnable findWork() {
        turnEnded(System.nanoTime());
        int fruitless = 0;
        for (; ; ) {
            if (scheduler.shutdown.isStopped()) {
                foundWork();
                return null;
            }
            Runnable task = takeInjected();
            if (task == null) {
                if (!searching) {
                    searching = idle.tryStartSearching();
                }
                state = WorkerState.SEARCHING;
                task = searching ? search() : next();
            }
            if (task != null) {
                foundWork();
                state = WorkerState.RUNNING;
                lastTurn = lastMaintenance = System.nanoTime();
                return task;
            }
            if (!sleep()) {
                // work was seen but could not be had: its producer is still writing it, or another
                // worker is about to take it
                if (++fruitless > 8) {
                    Thread.yield();
                } else {
                    Thread.onSpinWait();
                }
            } else {
                fruitless = 0;
            }
        }
    }

    /** Learns from the turn of work that has just ended how long turns and tasks take. */
    private void turnEnded(long now) {
        long tasks = executed - executedBefore;
        if (tasks > 0) {
            long nanos = now - lastTurn;
            meanTurnNanos += (nanos - meanTurnNanos) / 8;
            meanTaskNanos = Math.max(1, meanTaskNanos + (nanos / tasks - meanTaskNanos) / 8);
        }
        executedBefore = executed;
    }

    private void foundWork() {
        if (searching) {
            searching = false;
            if (idle.stopSearching() && scheduler.hasWork()) {
                scheduler.wakeOne();
            }
        }
    }

    private @Nullable Runnable search() {
        long end = 0;
        for (; ; ) {
            Runnable task = steal();
            if (task == null) {
                task = takeInjected();
            }
            if (task == null) {
                task = next();
            }
            if (task != null) {
                if (end != 0) {
                    spinNanos = Math.min(MAX_SPIN_NANOS, spinNanos * 2);
                }
                return task;
            }
            long now = System.nanoTime();
            if (end == 0) {
                end = now + spinNanos;
            } else if (now - end >= 0) {
                spinNanos = Math.max(MIN_SPIN_NANOS, spinNanos / 2);
                return null;
            }
            for (int i = 0; i < 8; i++) {
                Thread.onSpinWait();
            }
        }
    }

    private @Nullable Runnable steal() {
        Worker[] workers = scheduler.workers;
        int n = workers.length;
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        int start = (int) ((random >>> 1) % n);
        for (int i = 0; i < n; i++) {
            Worker victim = workers[start + i < n ? start + i : start + i - n];
            if (victim != this) {
                long before = queue.pushed();
                Runnable task = victim.queue.stealHalf(queue);
                if (task != null) {
                    stealOperations++;
                    steals += 1 + queue.pushed() - before;
                    return task;
                }
            }
        }
        return null;
    }

    private @Nullable Runnable takeInjected() {
        long before = queue.pushed();
        Runnable task = injection.take(queue, scheduler.workers.length);
        if (task != null) {
            injected += 1 + queue.pushed() - before;
        }
        return task;
    }

    private void fireTimers(long now) {
        dispatching = true;
        timersFired += scheduler.fireTimers(now);
        dispatching = false;
    }

    // --- sleeping ---

    /**
     * Sleeps until woken, an event or a timer.
     *
     * @return false if it did not sleep because there was work
     */
    private boolean sleep() {
        queue.clearTaken();
        boolean wasSearching = searching;
        idle.announceSleep(index);
        if (wasSearching) {
            searching = false;
            idle.stopSearching();
        }
        // a worker that could not search leaves the work to those who do
        if (scheduler.hasWork() && (wasSearching || idle.searchingCount() == 0)
                || scheduler.shutdown.isStopped()) {
            searching = !idle.withdrawSleep(index);
            return false;
        }
        long asleepSince = System.nanoTime();
        busyNanos += asleepSince - awakeSince;
        parks++;
        boolean leading = scheduler.lead.tryTake(this);
        if (leading) {
            lead();
        } else {
            state = WorkerState.PARKED;
            follow();
        }
        state = WorkerState.SEARCHING;
        if (!idle.withdrawSleep(index)) {
            searching = true;
            unparks++;
        }
        long now = System.nanoTime();
        awakeSince = now;
        untilMaintenance = interval;
        fireTimers(now);
        scheduler.watchdog.workerAwake();
        if (leading) {
            scheduler.lead.giveUp();
        }
        shareIfWorthwhile();
        if (queue.isEmpty() && injection.isEmpty()) {
            noops++;
        }
        return true;
    }

    /** Waits as the one worker that watches the driver and the clock for all. */
    private void lead() {
        IoDriver driver = scheduler.openedDriver();
        if (driver != null && spinForEvents(driver)) {
            return;
        }
        state = driver == null ? WorkerState.PARKED : WorkerState.POLLING;
        long timeout = scheduler.lead.sleepUntilNextTimer();
        if (driver == null) {
            // whoever opens the driver wakes us
            if (idle.isSleeping(index) && scheduler.openedDriver() == null) {
                parkNanos(timeout);
            }
        } else {
            inDriver = true;
            if (idle.isSleeping(index) && !scheduler.shutdown.isStopped()) {
                long before = System.nanoTime();
                int events = poll(driver, timeout);
                scheduler.lead.ioSpin.slept(System.nanoTime() - before, events);
            }
            inDriver = false;
        }
        scheduler.lead.awake();
    }

    /**
     * How many events to take at once: many where each leads to little work, few where another
     * worker could share in it. Measured best: 64 at 5 µs of work for an event, 4 at 20 µs.
     */
    private static int batchFor(long taskNanos) {
        return (int) Math.clamp(1_600_000_000L / (taskNanos * taskNanos + 1), 4, 64);
    }

    private boolean spinForEvents(IoDriver driver) {
        driver.maxEvents(batchFor(meanTaskNanos));
        long budget = scheduler.lead.ioSpin.budgetNanos();
        if (budget == 0) {
            return false;
        }
        long start = System.nanoTime();
        int events;
        do {
            events = poll(driver, 0);
            Thread.onSpinWait();
        } while (events == 0
                && idle.isSleeping(index)
                && !scheduler.lead.timersDue(System.nanoTime())
                && System.nanoTime() - start < budget);
        scheduler.lead.ioSpin.spun(events);
        return events > 0;
    }

    private void follow() {
        while (idle.isSleeping(index) && !scheduler.shutdown.isStopped()) {
            long timeout = scheduler.lead.nanosFollowing(this);
            if (timeout == 0) {
                return;
            }
            parkNanos(timeout);
            if (scheduler.lead.holder() == null) {
                return;
            }
        }
    }

    private void parkNanos(long nanos) {
        if (nanos < 0) {
            Parker.park(scheduler);
        } else {
            Parker.parkNanos(scheduler, nanos);
        }
        // workers are woken by their permit; an interrupt that strayed here would keep them awake
        Thread.interrupted();
    }

    private int poll(IoDriver driver, long timeoutNanos) {
        driverPolls++;
        dispatching = true;
        try {
            int events = driver.poll(timeoutNanos);
            ioEvents += events;
            return events;
        } catch (IOException | RuntimeException e) {
            LOG.log(
                    Level.ERROR,
                    "driver "
                            + driver.name()
                            + " of runtime "
                            + scheduler.name()
                            + " failed to wait"
                            + " for events; trying again",
                    e);
            Parker.parkNanos(scheduler, DRIVER_ERROR_PAUSE_NANOS);
            return 0;
        } finally {
            dispatching = false;
        }
    }

    /**
     * After events or timers have filled the queue: wakes another worker if there is enough to do
     * for two, or if turns are so long that somebody should watch the driver meanwhile.
     */
    private void shareIfWorthwhile() {
        int waiting = queue.size();
        if (waiting > 0
                && (waiting * meanTaskNanos > WORTH_WAKING_NANOS
                        || meanTurnNanos > WORTH_WAKING_NANOS)) {
            scheduler.wakeOne();
        }
    }

    /** Wakes the worker's thread, wherever it sleeps. Any thread. */
    void unpark() {
        if (inDriver) {
            scheduler.wakeDriver();
        } else {
            Parker.unpark(thread);
        }
    }

    // --- looked at from outside ---

    long executed() {
        return executed;
    }

    boolean isRunningTask() {
        return running != null;
    }

    @Nullable Runnable runningTask() {
        return running;
    }

    /** Takes what is left after the worker's thread has ended. */
    @Nullable Runnable takeLeftOver() {
        Runnable task = lifo;
        lifo = null;
        return task != null ? task : queue.steal();
    }

    WorkerMetrics metrics() {
        WorkerState s = state;
        if (s == WorkerState.SEARCHING && running != null) {
            s = WorkerState.RUNNING;
        }
        return new WorkerMetrics(
                index,
                thread.getName(),
                s,
                queue.size() + (lifo == null ? 0 : 1),
                executed,
                localSchedules,
                lifoHits,
                injected,
                steals,
                stealOperations,
                parks,
                unparks,
                noops,
                driverPolls,
                ioEvents,
                timersFired,
                Duration.ofNanos(busyNanos));
    }
}
