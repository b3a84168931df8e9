package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.fiber.FiberScheduler;
import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.fiber.FiberThreads.Access;
import cloud.avila.avx.internal.fiber.JdkBuild;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.ShortLocks;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoDrivers;
import cloud.avila.avx.internal.reactor.OpenSocket;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.FiberPolicy;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.Reuse;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.internal.timer.TimerWheel;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.LatencyHistogram;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.ShutdownSummary;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;
import cloud.avila.avx.metrics.SocketSnapshot;
import cloud.avila.avx.metrics.Stall;
import cloud.avila.avx.metrics.TaskKind;
import cloud.avila.avx.metrics.TimerMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.function.ToLongFunction;

/**
 * Runs fibers and jobs on its workers, and everything they need to wait: timers and the reactor's
 * driver.
 */
public final class WorkStealingScheduler extends Scheduler {
    /** How many stalls are kept. */
    public static final int RECENT_STALLS = StallLog.CAPACITY;

    /*
     * Overview.
     *
     * A task is queued by the worker it comes from (Worker.submit, pushNext) or, from any other
     * thread, through the injection queue. IdleWorkers decides whether that wakes somebody, Lead who
     * waits for sockets and timers, Shutdown what is accepted and how it all ends. This class makes
     * them, and is what the rest of the runtime sees of them.
     */

    private static final System.Logger LOG =
            System.getLogger(WorkStealingScheduler.class.getName());
    private static final AtomicBoolean JDK_CHECKED = new AtomicBoolean();
    private static final AtomicBoolean ACCESS_TOLD = new AtomicBoolean();

    private static final String HOW_TO_OPEN =
            "start the JVM with --add-opens=java.base/java.lang=ALL-UNNAMED, or set Add-Opens:"
                    + " java.base/java.lang in the manifest of its jar";

    /** Task numbers that a worker draws at a time. */
    private static final int IDS_AT_ONCE = 1024;

    /** Work from outside that one searching worker is trusted with before another is woken. */
    private static final long BACKLOG_NANOS = 25_000;

    final IdleWorkers idle;
    final InjectionQueue injection = new InjectionQueue();
    final Lanes lanes = new Lanes();

    /** Every slot there ever was; those from activeWorkers on are closed. */
    volatile Worker[] workers = {};

    final Watchdog watchdog;
    final FiberRegistry registry;
    final Lead[] leads; // one for each group of workers
    final TaskCounts counts;
    final BlockingPool blockingPool;
    final Shutdown shutdown;
    final SpareThreads spares;
    final Placement placement;

    private final SchedulerSettings settings;
    private final Access access;
    private final Reuse reuse;
    private final Fibers[] fibers;
    private volatile int activeWorkers;
    private final ReentrantLock resizing = new ReentrantLock();
    // by any worker that looks at the clock; races only make them a little older
    private long lately = System.nanoTime();
    private long taskNanos = Worker.FIRST_TASK_NANOS; // how long tasks take
    private int untilSample; // of tasks from outside; races only change which are measured
    private final ReentrantLock driverLock = new ReentrantLock();
    private final IntPredicate leading = this::isLeading;
    private final AtomicInteger nextGroup = new AtomicInteger();

    private final AtomicLong ids = new AtomicLong();

    /** The scheduler object of the virtual threads of one lane. */
    private final class Fibers extends FiberScheduler {
        private final Lane lane;

        Fibers(Lane lane) {
            this.lane = lane;
        }

        @Override
        protected void enqueue(Runnable continuation) {
            WorkStealingScheduler.this.enqueue(continuation, lane);
        }

        @Override
        protected ScheduledFuture<?> time(Runnable action, long nanos) {
            return WorkStealingScheduler.this.schedule(action, nanos);
        }
    }

    /**
     * Makes a scheduler and starts its workers.
     *
     * @param settings valid settings
     * @param hooks what the front wants to be told
     */
    public WorkStealingScheduler(SchedulerSettings settings, TaskHooks hooks) {
        super(hooks);
        this.settings = settings;
        this.access = resolveAccess(settings);
        FlightEvents.load();
        this.reuse = settings.reuse();
        this.fibers = new Fibers[Lane.values().length];
        for (Lane lane : Lane.values()) {
            fibers[lane.ordinal()] = new Fibers(lane);
        }
        this.idle = new IdleWorkers(SchedulerSettings.MAX_WORKERS);
        this.registry = new FiberRegistry();
        this.blockingPool = new BlockingPool(this, settings);
        this.watchdog = new Watchdog(this, settings);
        this.shutdown = new Shutdown(this);
        this.spares = new SpareThreads(this, settings);
        this.placement = Placement.of(settings);
        this.leads = new Lead[groups(settings)];
        Arrays.setAll(leads, group -> new Lead(this, group));
        this.counts = new TaskCounts(this);
        boolean started = false;
        try {
            if (!settings.driver().equals(IoDrivers.AUTO)) {
                openDrivers(); // asked for by name: this system may lack it
            }
            resize(settings.workers());
            watchdog.start();
            OpenSchedulers.opened(this);
            started = true;
        } finally {
            if (!started) { // the system refuses a thread or a descriptor
                shutdown.startFailed();
            }
        }
    }

    private static int groups(SchedulerSettings settings) {
        int size = settings.groupSize();
        return size == 0 ? 1 : (settings.workers() + size - 1) / size;
    }

    @Override
    public void resize(int count) {
        if (count < leads.length) {
            throw new IllegalArgumentException(
                    "runtime \"%s\" has %d groups of workers and needs as many workers, not %d; start it with a larger reactorGroupSize"
                            .formatted(name(), leads.length, count));
        }
        resizing.lock();
        try {
            if (shutdown.isClosing()) {
                throw new IllegalStateException(
                        "runtime \"%s\" is closing, its number of workers does not change any more"
                                .formatted(name()));
            }
            int before = activeWorkers;
            Worker[] slots = Arrays.copyOf(workers, Math.max(workers.length, count));
            registry.grow(slots.length);
            for (int i = workers.length; i < slots.length; i++) {
                slots[i] = new Worker(this, i, settings);
            }
            workers = slots;
            idle.resize(count);
            activeWorkers = count;
            try (var spacing = new ThreadSpacing(name())) {
                for (int i = before; i < count; i++) {
                    slots[i].open(spacing);
                }
            }
            for (int i = count; i < before; i++) {
                slots[i].unpark();
                Parker.unpark(slots[i].thread);
            }
        } finally {
            resizing.unlock();
        }
    }

    @Override
    public long stallNanos() {
        return watchdog.stallNanos();
    }

    @Override
    public void stallNanos(long nanos) {
        watchdog.stallNanos(nanos);
    }

    /** How many slots are in use: those with the lowest numbers. */
    int activeWorkers() {
        return activeWorkers;
    }

    private static Access resolveAccess(SchedulerSettings settings) {
        if (JDK_CHECKED.compareAndSet(false, true)) {
            for (String fault : JdkBuild.faultsOf(Runtime.version())) {
                LOG.log(Level.WARNING, fault);
            }
        }
        if (settings.fibers() == FiberPolicy.JDK_SCHEDULER) {
            return Access.JDK;
        }
        Access access = FiberThreads.resolve(settings.fibers() == FiberPolicy.ANY_ACCESS);
        if (access == Access.JDK && settings.fibers() == FiberPolicy.OPENED_ONLY) {
            throw new IllegalStateException(
                    "runtime \"%s\" is to run fibers on its own workers only if java.lang is open to it, and it is not; %s, or leave fiberAccess at AUTO"
                            .formatted(settings.name(), HOW_TO_OPEN));
        }
        if (access != Access.OPENED && ACCESS_TOLD.compareAndSet(false, true)) {
            LOG.log(
                    access == Access.UNSAFE ? Level.INFO : Level.WARNING,
                    "runtime \"%s\": java.lang is not open, fibers %s; %s"
                            .formatted(
                                    settings.name(),
                                    access == Access.UNSAFE
                                            ? "reach their workers through sun.misc.Unsafe"
                                            : "run on the JDK's scheduler instead of AVX workers",
                                    HOW_TO_OPEN));
        }
        return access;
    }

    @Override
    public boolean isInside() {
        return Carrier.current() instanceof RuntimeThread t && t.scheduler == this
                || access == Access.JDK && Thread.currentThread().isVirtual() && isEntered();
    }

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public long nextId() {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                if (worker.idsLeft == 0) {
                    worker.idsLeft = IDS_AT_ONCE;
                    worker.nextId = ids.getAndAdd(IDS_AT_ONCE) + 1;
                }
                worker.idsLeft--;
                return worker.nextId++;
            } finally {
                thread.leave();
            }
        }
        return ids.incrementAndGet();
    }

    // --- submitting ---

    @Override
    public void startFiber(TrackedTask task, @Nullable String name, Lane lane) {
        task.lane = lane;
        task.threadName = name;
        try {
            if (access == Access.JDK || reuse == Reuse.NEVER) {
                startFresh(task, name);
            } else {
                task.onFiber = true;
                submit(task, task);
            }
        } catch (RejectedExecutionException e) {
            throw recorded(e);
        }
    }

    private RejectedExecutionException recorded(RejectedExecutionException e) {
        FlightEvents.reject(name(), e.getMessage());
        return e;
    }

    @Override
    public void startSteps(TrackedTask task, Runnable step) {
        task.kind = TaskKind.POLL_TASK;
        if (FlightEvents.recordsTasks()) {
            task.keepRecording(FlightEvents.taskBegins(task, name()));
        }
        try {
            submit(task, step);
        } catch (RejectedExecutionException e) {
            throw recorded(e);
        }
    }

    @Override
    public void execute(Runnable body, Lane lane) {
        try {
            submitJob(new Job(this, body), lane);
        } catch (RejectedExecutionException e) {
            throw recorded(e);
        }
    }

    /** Accepts, registers and queues a task, so that nothing is left of it if any of that fails. */
    private void submit(TrackedTask task, Runnable item) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                accept(worker, task.lane);
                register(task, worker);
                boolean queued = false;
                try {
                    push(worker, item, task.lane);
                    queued = true;
                } finally {
                    if (!queued) {
                        refuse(task);
                    }
                }
                return;
            } finally {
                thread.leave();
            }
        }
        accept(null, task.lane);
        register(task, null);
        boolean queued = false;
        try {
            inject(item, task.lane);
            queued = true;
        } finally {
            if (!queued) {
                refuse(task);
            }
        }
    }

    private void submitJob(Job job, Lane lane) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                accept(worker, lane);
                push(worker, job, lane);
                return;
            } finally {
                thread.leave();
            }
        }
        accept(null, lane);
        inject(job, lane);
    }

    /** Notes when a task was accepted, and puts it on the books unless its runner will be. */
    private void register(TrackedTask task, @Nullable Worker worker) {
        boolean registered = false;
        try {
            boolean sampled =
                    worker == null
                            ? (++untilSample & Worker.SAMPLED) == 0
                            : worker.isTimeToSample();
            if (sampled) {
                task.acceptedNanos = task.queuedNanos = System.nanoTime();
            } else if (FlightEvents.recordsTasks()) {
                task.acceptedNanos = System.nanoTime();
            } else {
                // while nobody sleeps, somebody has looked at the clock a moment ago
                task.acceptedNanos =
                        worker == null && idle.anySleeping() ? System.nanoTime() : lately;
            }
            if (!task.onFiber) {
                registry.add(task, worker == null ? -1 : worker.index);
            }
            registered = true;
        } finally {
            if (!registered) {
                counts.refused();
            }
        }
    }

    private void refuse(TrackedTask task) {
        if (!task.onFiber) {
            registry.remove(task);
        }
        counts.refused();
    }

    private void push(Worker worker, Runnable item, Lane lane) {
        if (lane == Lane.NORMAL) {
            worker.pushNew(item);
        } else {
            lanes.push(lane, item);
            wakeOne();
        }
    }

    /** A virtual thread for this task alone, made where it is spawned. */
    private void startFresh(TrackedTask task, @Nullable String name) {
        accept(null, task.lane);
        register(task, null);
        boolean started = false;
        try {
            newThread(task, name).start();
            started = true;
        } finally {
            if (!started) {
                refuse(task);
            }
        }
    }

    private Thread newThread(TrackedTask task, @Nullable String name) {
        if (access != Access.JDK) {
            return FiberThreads.unstarted(
                    access, fibers[task.lane.ordinal()], name, () -> runFresh(task));
        }
        var builder = Thread.ofVirtual();
        if (name != null) {
            builder.name(name);
        }
        return builder.unstarted(
                () -> {
                    enter(this);
                    runFresh(task);
                });
    }

    private void runFresh(TrackedTask task) {
        Object event = FlightEvents.taskBegins(task, name());
        task.runTask();
        FlightEvents.taskEnded(event, task);
        taskEnded(task);
    }

    /** Starts a virtual thread for a task that a worker has taken, and the tasks behind it. */
    void startRunner(TrackedTask first, long number, int worker) {
        Runner runner = new Runner(this, first, number);
        Thread thread = FiberThreads.unstarted(access, fibers[first.lane.ordinal()], null, runner);
        registry.add(runner, worker);
        boolean started = false;
        try {
            thread.start();
            started = true;
        } finally {
            if (!started) {
                registry.remove(runner);
            }
        }
    }

    void runnerEnded(Runner runner) {
        registry.remove(runner);
    }

    /** Visits the tasks that are live throughout; others may be missed, met, or met twice. */
    void forEachTask(Consumer<TrackedTask> visitor) {
        Consumer<Runnable> unstarted =
                item -> {
                    if (item instanceof TrackedTask task && task.onFiber) {
                        visitor.accept(task);
                    }
                };
        injection.forEach(unstarted);
        lanes.forEach(unstarted);
        for (Worker worker : workers) {
            worker.forEachQueued(unstarted);
        }
        registry.forEach(visitor);
    }

    /** Removes what a task has left behind on its virtual thread. */
    void clean(Thread thread, @Nullable ClassLoader loader) {
        FiberThreads.clean(access, thread, loader);
    }

    /** On a runner: a task whose wait is measured is about to start. */
    void waited(TrackedTask task) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                thread.slot().scheduleLatency.record(System.nanoTime() - task.queuedNanos);
            } finally {
                thread.leave();
            }
        }
    }

    /** On a runner: tells one mounting from another, if it matters; negative if unknown. */
    long mounting() {
        if (reuse == Reuse.ALWAYS) {
            return 0;
        }
        WorkerThread thread = enterSlot();
        if (thread == null) {
            return -1;
        }
        try {
            Worker worker = thread.slot();
            return worker.mounts() * SchedulerSettings.MAX_WORKERS + worker.index;
        } finally {
            thread.leave();
        }
    }

    /** On a runner: whether it may run another task after one that was begun in that mounting. */
    boolean mayReuse(long begunIn) {
        return reuse == Reuse.ALWAYS || begunIn >= 0 && begunIn == mounting();
    }

    /** On a runner: takes a task that has ended off the books; the next one, or null to end. */
    @Nullable TrackedTask endAndNext(TrackedTask ended, Lane lane, boolean goOn) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                counts.ended(worker, ended.ending());
                return goOn ? worker.nextInRunner(lane) : null;
            } finally {
                thread.leave();
            }
        }
        counts.ended(null, ended.ending());
        return null;
    }

    @Override
    public void resume(Runnable step) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                worker.pushNext(step);
                return;
            } finally {
                thread.leave();
            }
        }
        inject(step, Lane.NORMAL);
    }

    @Override
    public void yield(Runnable step) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                worker.pushBehind(step);
                return;
            } finally {
                thread.leave();
            }
        }
        inject(step, Lane.NORMAL);
    }

    private void enqueue(Runnable continuation, Lane lane) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                worker.submit(continuation, lane);
                return;
            } finally {
                thread.leave();
            }
        }
        inject(continuation, lane);
    }

    @Override
    public void startBlocking(TrackedTask task) {
        task.kind = TaskKind.BLOCKING;
        try {
            submitBlocking(task);
        } catch (RejectedExecutionException e) {
            throw recorded(e);
        }
    }

    private void submitBlocking(TrackedTask task) {
        counts.spawned(null);
        shutdown.checkOpen(isInside());
        register(task, null);
        boolean accepted = false;
        boolean queued = false;
        try {
            queued =
                    blockingPool.submit(
                            task, Thread.currentThread() != Carrier.current() || !isInside());
            accepted = true;
        } finally {
            if (!accepted) {
                refuse(task);
            }
        }
        if (!queued) {
            leaveWorker();
            runFresh(task);
        }
    }

    @Override
    public void leaveWorker() {
        WorkerThread thread = workerThread();
        if (thread == null || !thread.hasSlot() || !spares.reserve()) {
            return;
        }
        if (thread.revokeOwn()) {
            handOn(thread);
        } else {
            spares.unreserve();
        }
    }

    /** Lets another thread run the slot that a thread has just lost; gives it back if none can. */
    void handOn(WorkerThread from) {
        Worker slot = from.slot();
        boolean handedOn = false;
        try {
            slot.taskLeft();
            spares.handOn(slot);
            handedOn = true;
        } finally {
            if (!handedOn) {
                from.restore();
                spares.unreserve();
            }
        }
    }

    /** Counts a task as accepted, unless the runtime is closing or too many wait. */
    private void accept(@Nullable Worker worker, Lane lane) {
        // needs no fence on a worker: whoever runs there is live itself, and counts until it ends
        counts.spawned(worker);
        boolean inside = worker != null || isInside();
        shutdown.checkOpen(inside);
        // a task that may not start its children could not finish
        boolean full =
                !inside
                        && (lane == Lane.NORMAL
                                ? injection.isFull(settings.injectionCapacity())
                                : lanes.isFull(lane, settings.injectionCapacity()));
        if (full) {
            counts.refused();
            throw new RejectedExecutionException(
                    "%d tasks wait to start in the %s queue of runtime \"%s\", its bound is %d; submit less, raise injectionQueueCapacity, or wait for what was submitted"
                            .formatted(
                                    lane == Lane.NORMAL ? injection.size() : lanes.size(lane),
                                    lane == Lane.NORMAL
                                            ? "injection"
                                            : lane.name().toLowerCase(Locale.ROOT),
                                    name(),
                                    settings.injectionCapacity()));
        }
    }

    /** The calling thread, or the one that carries it, if it is one of this scheduler's workers. */
    private @Nullable WorkerThread workerThread() {
        return Carrier.current() instanceof WorkerThread t && t.belongsTo(this) ? t : null;
    }

    /**
     * The calling thread, inside its slot, to be left again; null if it has none of this scheduler.
     */
    private @Nullable WorkerThread enterSlot() {
        WorkerThread thread = workerThread();
        return thread != null && thread.enter() ? thread : null;
    }

    /** A worker, whose tasks take so long, has looked at the clock. */
    void lookedAtClock(long now, long meanTaskNanos) {
        lately = now;
        taskNanos = meanTaskNanos;
    }

    // --- tasks ending ---

    @Override
    public void taskEnded(TrackedTask task) {
        if (FlightEvents.recordsTasks()) {
            FlightEvents.taskEnded(task.recording(), task);
        }
        registry.remove(task);
        ended(task.ending());
    }

    void ended(TrackedTask.Ending ending) {
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                Worker worker = thread.slot();
                counts.ended(worker, ending);
                return;
            } finally {
                thread.leave();
            }
        }
        counts.ended(null, ending);
    }

    // --- queueing and waking ---

    private void inject(Runnable task, Lane lane) {
        if (lane == Lane.NORMAL) {
            injection.push(task);
        } else {
            lanes.push(lane, task);
        }
        // no fence: the push is a read-modify-write of what workers read before they sleep
        if (idle.shouldWake()) {
            wakeSleeper();
        } else if (idle.anySleeping() && isBehind(idle.searchingCount() + 1L)) {
            wakeAnother();
        }
        if (shutdown.workersHaveEnded()) {
            shutdown.handOver();
        }
    }

    /** Wakes a worker for work that was just made visible, if none is on its way already. */
    void wakeOne() {
        VarHandle.fullFence();
        if (idle.shouldWake()) {
            wakeSleeper();
        }
    }

    /** Wakes a sleeping worker unless one is searching. */
    void wakeSleeper() {
        while (idle.tryStartWaking()) {
            int chosen = idle.claimSleeper(leading);
            if (chosen >= 0) {
                workers[chosen].unpark();
                return;
            }
            idle.stopSearching();
            // others may have relied on us as a searcher while a worker went to sleep
            if (!idle.anySleeping() || !hasWork()) {
                return;
            }
        }
    }

    private boolean isBehind(long workers) {
        long waiting = injection.size();
        return waiting > workers && waiting * taskNanos > BACKLOG_NANOS * workers;
    }

    /**
     * Wakes a sleeping worker although others are searching: work has come faster than they take
     * it, so they may be waiting for a processor.
     */
    private void wakeAnother() {
        idle.startAnother();
        int chosen = idle.claimSleeper(leading);
        if (chosen >= 0) {
            workers[chosen].unpark();
        } else if (idle.stopSearching() && idle.anySleeping() && hasWork()) {
            wakeSleeper(); // who relied on us as a searcher
        }
    }

    private boolean isLeading(int worker) {
        for (Lead lead : leads) {
            Worker holder = lead.holder();
            if (holder != null && holder.index == worker) {
                return true;
            }
        }
        return false;
    }

    /** Whether something waits that would go on if that worker, which is stuck, were not. */
    boolean workWaitsFor(Worker stuck) {
        return stuck.hasWaitingWork()
                || !injection.isEmpty()
                || !lanes.isEmpty()
                || idle.sleepingCount() == 0 && idle.searchingCount() == 0 && anythingToWaitFor();
    }

    private boolean anythingToWaitFor() {
        for (Lead lead : leads) {
            if (lead.isNeeded()) {
                return true;
            }
        }
        return false;
    }

    /** Whether any queue holds a task. */
    boolean hasWork() {
        if (!injection.isEmpty() || !lanes.isEmpty()) {
            return true;
        }
        for (Worker worker : workers) {
            if (!worker.queue.isEmpty()) {
                return true;
            }
        }
        return false;
    }

    // --- timers ---

    @Override
    public Timer schedule(Runnable action, long delayNanos) {
        long now = System.nanoTime();
        long deadline = TimerWheel.deadline(now, delayNanos);
        WorkerThread thread = enterSlot();
        if (thread != null) {
            try {
                TimerWheel own = thread.slot().wheel;
                Timer timer = new Timer(own, action, deadline);
                own.add(timer, now);
                return timer;
            } finally {
                thread.leave();
            }
        }
        Worker[] slots = workers;
        Worker slot = slots[ThreadLocalRandom.current().nextInt(slots.length)];
        TimerWheel wheel = slot.wheel;
        Timer timer = new Timer(wheel, action, deadline);
        if (wheel.add(timer, now)) {
            wakeForTimer(slot.group(), wheel.nextDeadline());
        }
        return timer;
    }

    private void wakeForTimer(Lead lead, long nanoTime) {
        Worker asleep = lead.sleepingPast(nanoTime);
        if (asleep != null) {
            asleep.unpark();
        } else if (lead.holder() == null) {
            // everybody is busy and will see it in passing, or nobody watches the clock
            wakeSleeper();
        }
    }

    /** Fires what is due in any wheel, for a worker, or for the watchdog when there are none. */
    void fireTimers(long now, @Nullable Worker by) {
        for (Worker worker : workers) {
            long deadline = worker.wheel.nextDeadline();
            if (deadline != Long.MAX_VALUE && deadline - now <= 0) {
                int fired = Math.max(0, worker.wheel.advance(now));
                if (by != null) {
                    by.timersFired += fired;
                    if (by != worker) {
                        by.timersTakenOver += fired;
                    }
                }
            }
        }
    }

    // --- the driver ---

    @Override
    public IoDriver driver() {
        WorkerThread thread = leads.length == 1 ? null : workerThread();
        return driverOf(thread == null ? nextLead() : thread.slot().group());
    }

    private Lead nextLead() {
        return leads[
                leads.length == 1
                        ? 0
                        : (nextGroup.getAndIncrement() & Integer.MAX_VALUE) % leads.length];
    }

    private IoDriver driverOf(Lead lead) {
        IoDriver d = lead.driver();
        if (d == null) {
            openDrivers();
            d = Objects.requireNonNull(lead.driver());
        }
        return d;
    }

    private void openDrivers() {
        var refusals = new ArrayList<String>();
        String used = "";
        ShortLocks.acquire(driverLock);
        try {
            for (Lead lead : leads) {
                if (lead.driver() == null) {
                    if (shutdown.isStopped()) {
                        throw new IllegalStateException(
                                "runtime \"" + name() + "\" is closed, it opens no more sockets");
                    }
                    IoDriver d = IoDrivers.open(settings.driver(), refusals::add);
                    if (!refusals.isEmpty() && used.isEmpty()) {
                        used = d.name();
                    }
                    d.onFirstRegistration(() -> driverInUse(lead));
                    if (leads.length > 1) {
                        d.acceptInto(() -> nextLead().driver());
                    }
                    lead.opened(d);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "runtime \"%s\" could not open its driver: %s"
                            .formatted(name(), e.getMessage()),
                    e);
        } finally {
            driverLock.unlock();
        }
        if (!refusals.isEmpty()) {
            FlightEvents.driverFallback(name(), settings.driver(), used, refusals.getFirst());
        }
    }

    /** Somebody has to wait in the driver now: the leader parks outside it, or nobody leads. */
    private void driverInUse(Lead lead) {
        Worker watching = lead.holder();
        if (watching != null) {
            watching.unpark();
        } else {
            wakeSleeper();
        }
    }

    /** Closes the drivers, which wakes the fibers that wait in a socket; none is opened later. */
    void closeDrivers() {
        ShortLocks.acquire(driverLock);
        try {
            for (Lead lead : leads) {
                IoDriver d = lead.driver();
                if (d != null) {
                    d.close();
                }
            }
        } finally {
            driverLock.unlock();
        }
    }

    // --- shutdown ---

    @Override
    public void close(long timeoutNanos) {
        shutdown.close(timeoutNanos);
    }

    @Override
    public boolean isClosing() {
        return shutdown.isClosing();
    }

    @Override
    public boolean isClosed() {
        return shutdown.isClosed();
    }

    /**
     * What happened to the tasks when it was closed.
     *
     * @return the counts; null until it is closed
     */
    public @Nullable ShutdownSummary shutdownSummary() {
        return shutdown.summary();
    }

    // --- looking on ---

    /**
     * Lists live tasks.
     *
     * @param options which, and how much of each
     * @return the list
     */
    public FiberDump dump(FiberDump.Options options) {
        return new TaskInspector(this).dump(options);
    }

    /**
     * Finds tasks that wait for each other.
     *
     * @return the circles, none twice
     */
    public List<Deadlock> deadlocks() {
        return new TaskInspector(this).deadlocks();
    }

    /**
     * The open sockets and who waits in them.
     *
     * @param most how many at most
     * @return some of them if there are more
     */
    public List<SocketSnapshot> sockets(int most) {
        List<OpenSocket> open = new ArrayList<>();
        for (Lead lead : leads) {
            IoDriver d = lead.driver();
            if (d != null) {
                open.addAll(d.openSockets(most - open.size()));
            }
        }
        return new TaskInspector(this).sockets(open);
    }

    /**
     * The timers of each worker.
     *
     * @return one entry for each
     */
    public List<TimerMetrics> timers() {
        List<TimerMetrics> timers = new ArrayList<>();
        for (Worker worker : workers) {
            TimerWheel wheel = worker.wheel;
            long next = wheel.nextDeadline();
            timers.add(
                    new TimerMetrics(
                            worker.index,
                            wheel.pending(),
                            wheel.scheduled(),
                            wheel.fired(),
                            wheel.cancelled(),
                            next == Long.MAX_VALUE
                                    ? null
                                    : Duration.ofNanos(Math.max(0, next - wheel.now()))));
        }
        return timers;
    }

    /**
     * The last times that a worker was on one piece of work for too long.
     *
     * @return at most 64, the newest first
     */
    public List<Stall> recentStalls() {
        return watchdog.recentStalls();
    }

    /**
     * Cancels a task.
     *
     * @param id its number
     * @return its name; null if no live task has that number
     */
    public @Nullable String cancel(long id) {
        TrackedTask[] found = new TrackedTask[1];
        forEachTask(
                task -> {
                    if (task.id() == id) {
                        found[0] = task;
                    }
                });
        TrackedTask task = found[0];
        if (task == null || task.stage() == TrackedTask.Stage.ENDED) {
            return null;
        }
        task.cancelOnShutdown();
        return task.displayName();
    }

    // --- metrics ---

    private long sumOfWheels(ToLongFunction<TimerWheel> counter) {
        long sum = 0;
        for (Worker worker : workers) {
            sum += counter.applyAsLong(worker.wheel);
        }
        return sum;
    }

    private long sumOfDrivers(ToLongFunction<IoDriver> counter) {
        long sum = 0;
        for (Lead lead : leads) {
            IoDriver d = lead.driver();
            sum += d == null ? 0 : counter.applyAsLong(d);
        }
        return sum;
    }

    private List<SocketMetrics> sockets() {
        var sums = new EnumMap<SocketKind, SocketMetrics>(SocketKind.class);
        for (SocketKind kind : SocketKind.values()) {
            sums.put(kind, SocketMetrics.none(kind));
        }
        for (Lead lead : leads) {
            IoDriver d = lead.driver();
            if (d != null) {
                d.socketMetrics().forEach(of -> sums.merge(of.kind(), of, SocketMetrics::plus));
            }
        }
        return List.copyOf(sums.values());
    }

    private String driverName() {
        for (Lead lead : leads) {
            IoDriver d = lead.driver();
            if (d != null) {
                return d.name();
            }
        }
        return IoDrivers.resolve(settings.driver()) + " (not opened yet)";
    }

    @Override
    public RuntimeMetrics metrics() {
        List<WorkerMetrics> perWorker = new ArrayList<>();
        for (Worker worker : workers) {
            perWorker.add(worker.metrics());
        }
        BlockingPool.Snapshot blocking = blockingPool.snapshot();
        SpareThreads.Snapshot threads = spares.snapshot();
        return new RuntimeMetrics(
                name(),
                driverName(),
                access.label(),
                perWorker,
                counts.live(),
                counts.spawned(),
                counts.completed(),
                counts.failed(),
                counts.cancelled(),
                counts.rejected(),
                injection.size(),
                settings.injectionCapacity(),
                injection.pushed(),
                blocking.threads(),
                blocking.idle(),
                blocking.queued(),
                blocking.completed(),
                sumOfWheels(TimerWheel::pending),
                sumOfWheels(TimerWheel::scheduled),
                sumOfWheels(TimerWheel::fired),
                sumOfWheels(TimerWheel::cancelled),
                sumOfDrivers(IoDriver::registered),
                sumOfDrivers(IoDriver::registeredTotal),
                sumOfDrivers(IoDriver::deregisteredTotal),
                sumOfDrivers(IoDriver::readyEvents),
                sumOfDrivers(IoDriver::wakeups),
                watchdog.stalls(),
                forcedYields(),
                activeWorkers,
                watchdog.stalled(),
                watchdog.takeOvers(),
                threads.away(),
                threads.idle(),
                lanes.size(Lane.INTERACTIVE),
                lanes.pushed(Lane.INTERACTIVE),
                lanes.size(Lane.BACKGROUND),
                lanes.pushed(Lane.BACKGROUND),
                lanes.aged(),
                sumOf(worker -> worker.scheduleLatency),
                sumOf(worker -> worker.taskTime),
                sockets());
    }

    private LatencyHistogram sumOf(Function<Worker, LatencyRecorder> recorder) {
        long[] sums = new long[LatencyHistogram.BUCKETS];
        for (Worker worker : workers) {
            recorder.apply(worker).addTo(sums);
        }
        return new LatencyHistogram(sums);
    }
}
