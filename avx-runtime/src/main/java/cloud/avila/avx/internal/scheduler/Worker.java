package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.timer.TimerWheel;
import cloud.avila.avx.metrics.WorkerMetrics;
import cloud.avila.avx.metrics.WorkerState;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A worker: a slot with a queue, a LIFO slot, a timer wheel and counters, run by one platform
 * thread at a time.
 *
 * <p>Everything here that is not volatile belongs to the thread that has the slot, see {@link
 * WorkerThread}. Code of a fiber mounted on that thread uses it between {@code enter} and {@code
 * leave}, and does not unmount in between.
 */
final class Worker {
    private static final BoundedLog LOG = new BoundedLog(Worker.class);

    /** How many times in a row the LIFO slot goes before the queue. */
    static final int MAX_LIFO_TURNS = 3;

    /** The most tasks between two looks at the injection queue, timers and driver. */
    static final int MAX_INTERVAL = 127;

    private static final int MIN_INTERVAL = 2;
    private static final int FIRST_INTERVAL = 61;

    /** How often a busy worker looks at the injection queue, timers and driver. */
    private static final long INTERVAL_NANOS = 200_000;

    /** How long tasks are taken to be until some have run. */
    static final long FIRST_TASK_NANOS = INTERVAL_NANOS / FIRST_INTERVAL;

    private static final long MIN_SPIN_NANOS = 2_000;
    private static final long MAX_SPIN_NANOS = 20_000;

    /** Work that is worth waking another worker for, which takes a few microseconds itself. */
    private static final long WORTH_WAKING_NANOS = 50_000;

    /** One event in 64 is measured. */
    static final int SAMPLED = 63;

    private static final long ERROR_PAUSE_NANOS = 10_000_000;

    private static final VarHandle OPEN;

    static {
        try {
            OPEN = MethodHandles.lookup().findVarHandle(Worker.class, "open", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final WorkStealingScheduler scheduler;
    final int index;
    final ChaseLevDeque<Runnable> queue;
    final TimerWheel wheel;

    /** Of the worker's group. */
    private final Lead lead;

    /** Runs the slot now, or did last. */
    volatile WorkerThread thread;

    private final IdleWorkers idle;
    private final InjectionQueue injection;

    private @Nullable Runnable lifo;
    private int lifoTurns;
    private @Nullable Runnable running;
    private @Nullable Runnable handoff; // taken by a runner that could not run it
    private boolean starting; // the next continuation is that of a runner being started
    private @Nullable Runnable started;
    private int interval = FIRST_INTERVAL;
    private int untilMaintenance = FIRST_INTERVAL;
    private long lastMaintenance;
    private long lastTurn;
    private long meanTaskNanos = FIRST_TASK_NANOS;
    private long spinNanos = MIN_SPIN_NANOS;
    private boolean searching;
    private boolean dispatching; // the driver or the wheel is waking fibers
    private int interactiveTurns;
    private int visited; // the last group whose driver this worker looked at while busy
    private long random;
    private long awakeSince;
    private long executedBefore; // this turn, that is, since the worker woke up
    private long meanTurnNanos;

    // set by this worker before it waits in the driver, read by those who wake it
    private volatile @Nullable IoDriver inDriver;
    private volatile WorkerState state = WorkerState.SEARCHING;

    private volatile boolean open; // a thread runs the slot

    // task numbers drawn in advance
    long nextId;
    int idsLeft;

    final LatencyRecorder scheduleLatency = new LatencyRecorder();
    final LatencyRecorder taskTime = new LatencyRecorder();
    private int untilSample;

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
    long timersFired;
    long timersTakenOver;
    private long lifoCapped;
    private long injectedBatches;
    private long searches;
    private long spinHits;
    private long rechecksWithWork;
    private long chainedWakes;
    private long busyPolls;
    private long runnersStarted;
    private long mounts;
    private long busyNanos;

    Worker(WorkStealingScheduler scheduler, int index, SchedulerSettings settings) {
        this.scheduler = scheduler;
        this.index = index;
        this.idle = scheduler.idle;
        this.injection = scheduler.injection;
        this.queue = new ChaseLevDeque<>(settings.localQueueCapacity());
        this.wheel = new TimerWheel();
        this.lead = scheduler.leads[index % scheduler.leads.length];
        this.visited = index;
        this.random = 0x9E3779B97F4A7C15L * (index + 1);
        this.thread = scheduler.spares.newThread(index);
    }

    /** Starts a thread for the slot, unless the one it had has not noticed that it was closed. */
    void open(ThreadSpacing spacing) {
        if (!OPEN.compareAndSet(this, false, true)) {
            return;
        }
        WorkerThread first =
                thread.getState() == Thread.State.NEW ? thread : scheduler.spares.newThread(index);
        thread = first;
        first.give(this);
        scheduler.shutdown.workerStarted();
        boolean started = false;
        try {
            spacing.start(first);
            started = true;
        } finally {
            if (!started) {
                open = false;
                scheduler.shutdown.workerEnded();
            }
        }
    }

    boolean isOpen() {
        return open;
    }

    /** Whether to measure how long the task now spawned waits. */
    boolean isTimeToSample() {
        return (++untilSample & SAMPLED) == 0;
    }

    // --- what tasks on this worker do ---

    /** Queues a continuation from this worker's thread. */
    void submit(Runnable continuation, Lane lane) {
        if (starting) {
            starting = false;
            started = continuation;
            return;
        }
        localSchedules++;
        if (lane != Lane.NORMAL) {
            scheduler.lanes.push(lane, continuation);
            scheduler.wakeOne();
        } else if (continuation == running) {
            pushBehind(continuation); // a yield
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

    /** Queues what has been made ready to go on, to run next, from this worker's thread. */
    void pushNext(Runnable task) {
        if (dispatching) {
            pushBehind(task); // one of a batch
            return;
        }
        Runnable displaced = lifo;
        lifo = task;
        if (displaced != null) {
            queue.push(displaced);
            scheduler.wakeOne();
        }
    }

    /**
     * Queues a new task, from this worker's thread: it does not push aside what was to run next.
     */
    void pushNew(Runnable task) {
        if (dispatching) {
            pushBehind(task);
        } else if (lifo == null) {
            lifo = task;
        } else {
            queue.push(task);
            scheduler.wakeOne();
        }
    }

    // --- the worker's thread ---

    /**
     * Runs tasks on the calling thread, which has the slot.
     *
     * @return true if the slot was taken away, false if it is closed or the scheduler has stopped
     */
    boolean run(WorkerThread me) {
        if (!me.enterLoop()) {
            return true;
        }
        do {
            awakeSince = System.nanoTime();
            lastMaintenance = awakeSince;
            lastTurn = awakeSince;
            while (isNeeded()) {
                Runnable task = handoff;
                if (task != null) {
                    handoff = null;
                } else {
                    task = next();
                }
                if (task == null) {
                    task = findWork();
                }
                if (task != null && !runTask(me, task)) {
                    return true;
                }
            }
            state = WorkerState.TERMINATED;
            busyNanos += System.nanoTime() - awakeSince;
            if (!scheduler.shutdown.isStopped()) {
                vacate();
            }
            open = false;
            // opened again meanwhile, by one who took us for running still?
        } while (isNeeded() && OPEN.compareAndSet(this, false, true));
        scheduler.shutdown.workerEnded();
        return false;
    }

    private boolean isNeeded() {
        return !scheduler.shutdown.isStopped() && index < scheduler.activeWorkers();
    }

    /** Leaves what is queued here to the other workers, for this slot is closed. */
    private void vacate() {
        for (Runnable task; (task = takeLeftOver()) != null; ) {
            injection.push(task);
        }
        scheduler.wakeOne();
    }

    /** Runs a task outside; false if the slot is gone when it is over. */
    private boolean runTask(WorkerThread me, Runnable task) {
        Runnable body = task;
        if (task instanceof TrackedTask fiber && fiber.onFiber) {
            body = startRunner(fiber);
            if (body == null) {
                return true;
            }
        }
        running = body;
        boolean sampled = (++mounts & SAMPLED) == 0;
        long before = sampled ? System.nanoTime() : 0;
        long executedBefore = executed;
        me.leave();
        try {
            body.run();
        } catch (Throwable e) {
            // jobs and fibers catch their own: this is the virtual machine giving up on something
            LOG.log(Level.ERROR, me.getName() + " goes on after " + e, e);
        }
        boolean inside = me.enterLoop();
        if (body instanceof Job job) {
            scheduler.counts.ended(inside ? this : null, job.ending());
        }
        if (!inside) {
            return false;
        }
        running = null;
        executed++;
        if (sampled) {
            taskTime.record((System.nanoTime() - before) / (executed - executedBefore));
        }
        return true;
    }

    /**
     * Starts a virtual thread for a task and those behind it; null if there is no memory for it.
     */
    private @Nullable Runnable startRunner(TrackedTask first) {
        starting = true;
        try {
            scheduler.startRunner(first, runnersStarted++, index);
            return started;
        } catch (Throwable e) {
            queue.push(first);
            LOG.log(
                    Level.ERROR,
                    thread.getName() + " could not start a virtual thread; trying again later",
                    e);
            Parker.parkNanos(scheduler, ERROR_PAUSE_NANOS);
            return null;
        } finally {
            starting = false;
            started = null;
        }
    }

    /**
     * What a runner that has ended a task runs next, called inside from its virtual thread.
     *
     * @return a task for it, or null if the runner is to end: there is something else to do
     */
    @Nullable TrackedTask nextInRunner(Lane lane) {
        if (untilMaintenance <= 1) {
            return null;
        }
        Runnable task = next();
        if (task instanceof TrackedTask fiber && fiber.onFiber && fiber.lane == lane) {
            executed++;
            return fiber;
        }
        handoff = task;
        return null;
    }

    /** How often the slot has run something: changes whenever the thread's fiber unmounts. */
    long mounts() {
        return mounts;
    }

    private @Nullable Runnable next() {
        if (--untilMaintenance <= 0) {
            Runnable task = maintain();
            if (task != null) {
                return task;
            }
        }
        if (scheduler.lanes.interactiveWaits()) {
            Runnable task = takeInteractive();
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
        // one from the queue goes before it; at its end the wait of what is behind would be long
        lifoTurns = 0;
        lifoCapped++;
        Runnable older = queue.take();
        if (older == null) {
            lifo = null;
            return task;
        }
        return older;
    }

    /**
     * One of the interactive lane, unless so many ran in a row that others must have their turn.
     */
    private @Nullable Runnable takeInteractive() {
        if (interactiveTurns >= Lanes.MAX_INTERACTIVE_TURNS) {
            interactiveTurns = 0;
            if (lifo != null || !queue.isEmpty()) {
                return null;
            }
        }
        Runnable task = scheduler.lanes.takeInteractive(queue);
        interactiveTurns = task == null ? 0 : interactiveTurns + 1;
        return task;
    }

    /** The look around of a busy worker: timers, driver, injection queue, aged background work. */
    private @Nullable Runnable maintain() {
        long now = System.nanoTime();
        long mean = Math.max(1, (now - lastMaintenance) / interval);
        meanTaskNanos = Math.max(1, meanTaskNanos + (mean - meanTaskNanos) / 4);
        interval = (int) Math.clamp(INTERVAL_NANOS / Math.max(1, mean), MIN_INTERVAL, MAX_INTERVAL);
        untilMaintenance = interval;
        lastMaintenance = now;
        scheduler.lookedAtClock(now, meanTaskNanos);
        fireTimers(now);
        look(lead);
        if (scheduler.leads.length > 1) {
            visited = (visited + 1) % scheduler.leads.length;
            if (scheduler.leads[visited] != lead) {
                look(scheduler.leads[visited]);
            }
        }
        shareIfWorthwhile();
        Runnable aged = scheduler.lanes.takeAgedBackground(queue, now);
        return aged != null ? aged : takeInjected();
    }

    /** Takes what events there are, if no other worker waits for them. */
    private void look(Lead group) {
        IoDriver driver = group.watchedDriver();
        if (driver != null && group.tryTake(this)) {
            busyPolls++;
            poll(driver, 0);
            group.giveUp();
        }
    }

    /** Finds a task, or sleeps until there is one; null once the scheduler is stopped. */
    private @Nullable Runnable findWork() {
        turnEnded(System.nanoTime());
        int fruitless = 0;
        for (; ; ) {
            if (!isNeeded()) {
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
                if (task == null) {
                    task = scheduler.lanes.takeBackground(queue);
                }
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
                chainedWakes++;
                scheduler.wakeOne();
            }
        }
    }

    private @Nullable Runnable search() {
        searches++;
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
                    spinHits++;
                    spinNanos = Math.min(MAX_SPIN_NANOS, spinNanos * 2);
                }
                return task;
            }
            if (scheduler.lanes.backgroundWaits()) {
                return null;
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
        Runnable task = injection.take(queue, scheduler.activeWorkers());
        if (task != null) {
            injectedBatches++;
            injected += 1 + queue.pushed() - before;
        }
        return task;
    }

    private void fireTimers(long now) {
        dispatching = true;
        scheduler.fireTimers(now, this);
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
        if (scheduler.hasWork() && (wasSearching || idle.searchingCount() == 0) || !isNeeded()) {
            rechecksWithWork++;
            searching = !idle.withdrawSleep(index);
            return false;
        }
        long asleepSince = System.nanoTime();
        busyNanos += asleepSince - awakeSince;
        parks++;
        Lead led = takeLead();
        if (led != null) {
            lead(led);
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
        scheduler.lookedAtClock(now, meanTaskNanos);
        untilMaintenance = interval;
        fireTimers(now);
        scheduler.watchdog.workerAwake();
        if (led != null) {
            led.giveUp();
        }
        shareIfWorthwhile();
        if (queue.isEmpty() && injection.isEmpty()) {
            noops++;
        }
        return true;
    }

    /** The lead of a group that has been found neglected, or else of the worker's own, or null. */
    private @Nullable Lead takeLead() {
        Lead neglected = scheduler.watchdog.takeNeglected();
        if (neglected != null && neglected.tryTake(this)) {
            return neglected;
        }
        return lead.tryTake(this) ? lead : null;
    }

    /** Waits as the one worker that watches a group's driver and clock. */
    private void lead(Lead group) {
        IoDriver driver = group.watchedDriver();
        if (driver != null && spinForEvents(group, driver)) {
            return;
        }
        state = driver == null ? WorkerState.PARKED : WorkerState.POLLING;
        long timeout = group.sleepUntilNextTimer();
        if (group != lead) {
            timeout = sooner(timeout, lead.nanosFollowing(this));
        }
        if (driver == null) {
            // whoever registers the first descriptor wakes us
            if (idle.isSleeping(index) && group.watchedDriver() == null) {
                parkNanos(timeout);
            }
        } else {
            inDriver = driver;
            if (idle.isSleeping(index) && !scheduler.shutdown.isStopped()) {
                long before = System.nanoTime();
                int events = poll(driver, timeout);
                group.ioSpin.slept(System.nanoTime() - before, events);
            }
            inDriver = null;
        }
        group.awake();
    }

    private static long sooner(long nanos, long otherNanos) {
        return nanos < 0 || otherNanos < 0
                ? Math.max(nanos, otherNanos)
                : Math.min(nanos, otherNanos);
    }

    /**
     * How many events to take at once: many where each leads to little work, few where another
     * worker could share in it. Measured best: 64 at 5 µs of work for an event, 4 at 20 µs.
     */
    private static int batchFor(long taskNanos) {
        return (int) Math.clamp(1_600_000_000L / (taskNanos * taskNanos + 1), 4, 64);
    }

    private boolean spinForEvents(Lead group, IoDriver driver) {
        driver.maxEvents(batchFor(meanTaskNanos));
        long budget = group.ioSpin.budgetNanos();
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
                && !group.timersDue(System.nanoTime())
                && System.nanoTime() - start < budget);
        group.ioSpin.spun(events);
        return events > 0;
    }

    private void follow() {
        while (idle.isSleeping(index) && isNeeded()) {
            long timeout = lead.nanosFollowing(this);
            if (timeout == 0) {
                return;
            }
            parkNanos(timeout);
            if (lead.holder() == null) {
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
            Parker.parkNanos(scheduler, ERROR_PAUSE_NANOS);
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
        IoDriver driver = inDriver;
        if (driver != null) {
            driver.wakeup();
        } else {
            Parker.unpark(thread);
        }
    }

    // --- looked at from outside ---

    Lead group() {
        return lead;
    }

    long executed() {
        return executed;
    }

    boolean isRunningTask() {
        return running != null;
    }

    @Nullable Runnable runningTask() {
        return running;
    }

    /** Visits what is queued; while the slot is used, some may be missed, or gone. */
    void forEachQueued(Consumer<Runnable> visitor) {
        for (Runnable task : new @Nullable Runnable[] {handoff, lifo}) {
            if (task != null) {
                visitor.accept(task);
            }
        }
        queue.forEach(visitor);
    }

    /** Whether tasks wait that only this slot's thread runs, or that nobody has come to take. */
    boolean hasWaitingWork() {
        return lifo != null || handoff != null || !queue.isEmpty();
    }

    /** Takes what is left; only when no thread has the slot, or by the one that has it. */
    @Nullable Runnable takeLeftOver() {
        Runnable task = handoff;
        if (task != null) {
            handoff = null;
            return task;
        }
        task = lifo;
        lifo = null;
        return task != null ? task : queue.steal();
    }

    /** The slot was taken from a thread in the middle of a task: does what its loop does after. */
    void taskLeft() {
        running = null;
        executed++;
        busyNanos += System.nanoTime() - awakeSince;
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
                queue.size() + (lifo == null ? 0 : 1) + (handoff == null ? 0 : 1),
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
                lifoCapped,
                injectedBatches,
                interval,
                searches,
                spinHits,
                rechecksWithWork,
                chainedWakes,
                busyPolls,
                timersTakenOver,
                Duration.ofNanos(busyNanos));
    }
}
