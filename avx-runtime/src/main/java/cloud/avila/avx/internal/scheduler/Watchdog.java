package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.metrics.Stall;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Looks after the workers from a thread of its own: reports a worker that has been on one piece of
 * work for too long, and moves its slot to another thread if something waits for it; does the
 * latter early when no worker at all gets on; wakes another worker to take the lead when the leader
 * is kept away by its work, so that sockets and timers do not wait for it.
 *
 * <p>It ticks only while there is activity: after a tick in which no worker ran anything it sleeps
 * until a worker wakes up. Workers are observed through their counters, at no cost to them.
 */
final class Watchdog {
    /** A report has a stack, and code that holds its thread does so again and again. */
    private static final int REPORTS_AT_ONCE = 10;

    private static final Duration REPORT_INTERVAL = Duration.ofSeconds(10);

    private static final long TICK_NANOS = 10_000_000;
    private static final long SHORTEST_TICK_NANOS = 1_000_000;

    /**
     * When every worker is on one piece of work for so long, one of them gets another thread,
     * though that is no stall yet: then whatever waits, waits no longer than this and a tick or
     * two.
     */
    private static final long ALL_BUSY_NANOS = 20_000_000;

    /** Tick while nobody leads and somebody sleeps who could. */
    private static final long LEADERLESS_TICK_NANOS = 1_000_000;

    private final BoundedLog log = new BoundedLog(Watchdog.class, REPORTS_AT_ONCE, REPORT_INTERVAL);
    private final BoundedLog trouble = new BoundedLog(Watchdog.class);
    private final WorkStealingScheduler scheduler;
    private volatile long stallNanos;
    private long lastLook = System.nanoTime();
    private final Thread thread;
    private final boolean takeOver;
    private final List<Observation> observations = new ArrayList<>();
    private final List<Away> away = new ArrayList<>();
    private final StallLog stallLog = new StallLog();
    private volatile boolean asleep;
    private volatile boolean stopped;
    private volatile long stalls;
    private volatile long takeOvers;
    private volatile int stalled;
    private volatile @Nullable Lead neglected;

    /**
     * What is known of a worker. Busy time adds up between two looks that both found it on the same
     * piece of work, and counts a tick that came late as no more than two: a watchdog that slept,
     * or lacked a processor itself, has not seen what the worker did meanwhile.
     */
    private static final class Observation {
        long executed = -1;
        boolean running;
        long busyNanos;
        boolean reported;
    }

    /** A thread that lost its slot before its piece of work had become a stall. */
    private static final class Away {
        final WorkerThread thread;
        final int returns;
        final @Nullable Runnable work;
        long busyNanos;

        Away(WorkerThread thread, @Nullable Runnable work, long busyNanos) {
            this.thread = thread;
            this.returns = thread.returns();
            this.work = work;
            this.busyNanos = busyNanos;
        }

        boolean isOver() {
            return thread.returns() != returns;
        }
    }

    Watchdog(WorkStealingScheduler scheduler, SchedulerSettings settings) {
        this.scheduler = scheduler;
        this.stallNanos = settings.stallNanos();
        this.takeOver = settings.takeOver();
        this.thread = new Thread(null, this::run, settings.name() + "-watchdog", 0, false);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    void stop() {
        stopped = true;
        Parker.unpark(thread);
    }

    /** Whether it has ended, or goes on only for fibers that outlived their workers. */
    boolean hasEnded() {
        return !thread.isAlive() || scheduler.counts.live() > 0;
    }

    /** How long one piece of work may occupy a worker, 0 for ever. */
    long stallNanos() {
        return stallNanos;
    }

    /** Takes effect at the next look; what is under way is not reported twice. */
    void stallNanos(long nanos) {
        stallNanos = nanos;
        Parker.unpark(thread);
    }

    private static long tickNanos(long stallNanos) {
        return stallNanos == 0
                ? TICK_NANOS
                : Math.clamp(stallNanos, SHORTEST_TICK_NANOS, TICK_NANOS);
    }

    /** Pieces of work found to take longer than the threshold. */
    long stalls() {
        return stalls;
    }

    /** The last of them, the newest first. */
    List<Stall> recentStalls() {
        return stallLog.snapshot();
    }

    /** Slots moved to another thread. */
    long takeOvers() {
        return takeOvers;
    }

    /** Workers seen at the last look to be on one piece of work for longer than the threshold. */
    int stalled() {
        return stalled;
    }

    /** A worker has woken up, so there may be something to watch. */
    void workerAwake() {
        if (asleep) {
            asleep = false;
            Parker.unpark(thread);
        }
    }

    private void run() {
        long[] leadsBefore = new long[scheduler.leads.length];
        Arrays.fill(leadsBefore, -1);
        while (!stopped) {
            boolean active = observe(System.nanoTime());
            boolean leaderless = scheduler.idle.anySleeping() && findNeglected(leadsBefore);
            if (active || leaderless || !allSleep()) {
                Parker.parkNanos(this, leaderless ? LEADERLESS_TICK_NANOS : tickNanos(stallNanos));
            } else {
                sleepUntilWorkerAwake();
            }
        }
        // fibers that outlived their workers sleep on in the wheels
        while (scheduler.counts.live() > 0) {
            scheduler.fireTimers(System.nanoTime(), null);
            Parker.parkNanos(this, TICK_NANOS);
        }
    }

    /** Whether nobody leads a group; has a sleeper lead one that was so at the last look, too. */
    private boolean findNeglected(long[] leadsBefore) {
        boolean leaderless = false;
        for (int i = 0; i < leadsBefore.length; i++) {
            Lead lead = scheduler.leads[i];
            if (lead.holder() == null && (leadsBefore.length == 1 || lead.isNeeded())) {
                leaderless = true;
                if (lead.taken() == leadsBefore[i]) {
                    neglected = lead;
                    scheduler.wakeSleeper();
                }
            }
            leadsBefore[i] = lead.taken();
        }
        return leaderless;
    }

    /** The group that the worker which was woken for it shall lead; null if there is none. */
    @Nullable Lead takeNeglected() {
        Lead lead = neglected;
        if (lead != null) {
            neglected = null; // taken by two, only one gets the lead
        }
        return lead;
    }

    /**
     * A worker that wakes up clears its sleeping bit and then reads asleep; here asleep is written
     * and then the bits are read. All are sequentially consistent, so one sees the other.
     */
    private void sleepUntilWorkerAwake() {
        asleep = true;
        if (allSleep()) {
            while (asleep && !stopped) {
                Parker.park(this);
            }
        }
        asleep = false;
    }

    private boolean allSleep() {
        return scheduler.idle.sleepingCount() >= scheduler.activeWorkers();
    }

    /** Looks at every worker; tells whether any has run, or is running, something. */
    private boolean observe(long now) {
        long threshold = stallNanos;
        long sinceLast = Math.min(now - lastLook, 2 * tickNanos(threshold));
        lastLook = now;
        boolean active = stallLog.observe(sinceLast) | observeAway(sinceLast, threshold);
        int late = 0;
        int busy = 0;
        Worker longest = null;
        for (Worker worker : scheduler.workers) {
            if (worker.index == observations.size()) {
                observations.add(new Observation());
            }
            Observation seen = observations.get(worker.index);
            long executed = worker.executed();
            boolean ranBefore = seen.running;
            seen.running = worker.isRunningTask();
            if (executed != seen.executed) {
                seen.executed = executed;
                seen.busyNanos = 0;
                seen.reported = false;
                active = true;
            } else if (!seen.running) {
                seen.busyNanos = 0;
            } else {
                active = true;
                seen.busyNanos += ranBefore ? sinceLast : 0;
                if (threshold > 0 && seen.busyNanos >= threshold) {
                    late++;
                    if (!stalled(worker, seen)) {
                        busy++;
                    }
                } else if (threshold > 0 && seen.busyNanos >= ALL_BUSY_NANOS) {
                    busy++;
                    if ((longest == null
                                    || seen.busyNanos > observations.get(longest.index).busyNanos)
                            && scheduler.workWaitsFor(worker)) {
                        longest = worker;
                    }
                }
            }
        }
        stalled = late;
        if (longest != null && busy >= scheduler.activeWorkers()) {
            nobodyGetsOn(longest);
        }
        return active;
    }

    /** Watches those who lost their slot early, until they are back or have become a stall. */
    private boolean observeAway(long sinceLast, long threshold) {
        away.removeIf(
                gone -> {
                    gone.busyNanos += sinceLast;
                    if (gone.isOver()) {
                        return true;
                    }
                    if (threshold == 0 || gone.busyNanos < threshold) {
                        return false;
                    }
                    report(null, gone.thread, gone.work, gone.busyNanos, gone::isOver);
                    return true;
                });
        return !away.isEmpty();
    }

    /** Reports it, once; tells whether the slot has got another thread. */
    private boolean stalled(Worker worker, Observation seen) {
        if (!seen.reported) {
            seen.reported = true;
            long executed = seen.executed;
            report(
                    worker,
                    worker.thread,
                    worker.runningTask(),
                    seen.busyNanos,
                    () -> worker.executed() != executed);
        }
        return takeOver && scheduler.workWaitsFor(worker) && takeOver(worker);
    }

    /**
     * All workers are on long pieces of work. That may be mere computing, so there is a limit to
     * the threads that this adds: as many as there are workers.
     */
    private void nobodyGetsOn(Worker longest) {
        if (!takeOver || scheduler.spares.snapshot().away() >= scheduler.activeWorkers()) {
            return;
        }
        long nanos = observations.get(longest.index).busyNanos;
        Away leaving = new Away(longest.thread, longest.runningTask(), nanos);
        if (takeOver(longest)) {
            away.add(leaving);
        }
    }

    /** Whether the slot's thread has lost it, for all that is known for the piece of work seen. */
    private boolean takeOver(Worker worker) {
        if (!scheduler.spares.reserve()) {
            return false;
        }
        WorkerThread stuck = worker.thread;
        if (!stuck.revoke()) {
            scheduler.spares.unreserve();
            return false;
        }
        try {
            scheduler.handOn(stuck);
            FlightEvents.takeOver(
                    scheduler.name(), worker.index, stuck.getName(), worker.thread.getName());
            takeOvers++;
            return true;
        } catch (Throwable e) {
            trouble.log(
                    Level.ERROR,
                    "no thread could be started to take over from "
                            + stuck.getName()
                            + ", which is stuck; trying again",
                    e);
            return false;
        }
    }

    private void report(
            @Nullable Worker worker,
            WorkerThread thread,
            @Nullable Runnable work,
            long nanos,
            BooleanSupplier over) {
        int returns = thread.returns();
        TrackedTask fiber = mountedOn(thread);
        Thread occupied = fiber == null ? thread : fiber.thread();
        StackTraceElement[] stack =
                occupied == null ? new StackTraceElement[0] : occupied.getStackTrace();
        if (over.getAsBoolean()) {
            return; // it was over before we had looked at it: the stack is another task's
        }
        String busyWith =
                fiber != null
                        ? "fiber \"" + fiber.displayName() + "\""
                        : switch (work) {
                            case Job job -> job.describe();
                            case TrackedTask task when !task.onFiber ->
                                    "poll task \"" + task.displayName() + "\"";
                            case null, default -> "one fiber";
                        };
        var message = new StringBuilder();
        message.append(thread.getName())
                .append(" of runtime \"")
                .append(scheduler.name())
                .append("\" has been busy with ")
                .append(busyWith)
                .append(" for ")
                .append(nanos / 1_000_000)
                .append(" ms; use spawnBlocking for code that holds its thread");
        for (StackTraceElement frame : stack) {
            message.append("\n\tat ").append(frame);
        }
        log.log(Level.WARNING, message.toString());
        FlightEvents.stall(scheduler.name(), thread.getName(), busyWith, nanos, stack);
        TrackedTask task = fiber == null && work instanceof TrackedTask t && !t.onFiber ? t : fiber;
        stallLog.add(
                thread.getName(),
                busyWith,
                task == null ? 0 : task.id(),
                nanos,
                stack,
                // whoever has its slot ends the piece of work with it, whoever lost it comes back
                () ->
                        thread.returns() != returns
                                || !thread.isAlive()
                                || (worker != null
                                        && worker.thread == thread
                                        && over.getAsBoolean()));
        stalls++;
    }

    private @Nullable TrackedTask mountedOn(WorkerThread thread) {
        TrackedTask[] found = new TrackedTask[1];
        scheduler.registry.forEach(
                task -> {
                    Thread t = task.thread();
                    if (t != null && FiberThreads.isMounted(t, thread)) {
                        found[0] = task;
                    }
                });
        return found[0];
    }
}
