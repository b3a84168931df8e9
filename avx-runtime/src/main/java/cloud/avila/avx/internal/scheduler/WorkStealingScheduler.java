package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.fiber.FiberScheduler;
import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.fiber.FiberThreads.Access;
import cloud.avila.avx.internal.fiber.JdkBuild;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoDrivers;
import cloud.avila.avx.internal.scheduler.SchedulerSettings.FiberPolicy;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.internal.timer.TimerWheel;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.WorkerMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToLongFunction;

/**
 * Runs fibers and jobs on its workers, and everything they need to wait: timers and the reactor's
 * driver.
 */
public final class WorkStealingScheduler extends Scheduler {
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

    /** Task numbers that a worker draws at a time. */
    private static final int IDS_AT_ONCE = 1024;

    final IdleWorkers idle;
    final InjectionQueue injection = new InjectionQueue();
    final Worker[] workers;
    final Watchdog watchdog;
    final FiberRegistry registry;
    final Lead lead;
    final TaskCounts counts;
    final BlockingPool blockingPool;
    final Shutdown shutdown;

    private final SchedulerSettings settings;
    private final Access access;
    private final Fibers fiberScheduler = new Fibers();
    private final ReentrantLock driverLock = new ReentrantLock();
    private volatile @Nullable IoDriver driver;

    private final AtomicLong ids = new AtomicLong();

    /** The scheduler object of the virtual threads. */
    private final class Fibers extends FiberScheduler {
        @Override
        protected void enqueue(Runnable continuation) {
            WorkStealingScheduler.this.enqueue(continuation);
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
     */
    public WorkStealingScheduler(SchedulerSettings settings) {
        this.settings = settings;
        this.access = resolveAccess(settings);
        this.idle = new IdleWorkers(settings.workers());
        this.registry = new FiberRegistry(settings.workers());
        this.blockingPool = new BlockingPool(this, settings);
        this.watchdog = new Watchdog(this, settings);
        this.shutdown = new Shutdown(this, settings.workers());
        this.workers = new Worker[settings.workers()];
        this.lead = new Lead(workers);
        this.counts = new TaskCounts(workers);
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(this, i, settings);
        }
        boolean started = false;
        try {
            for (Worker worker : workers) {
                worker.thread.start();
            }
            watchdog.start();
            started = true;
        } finally {
            if (!started) { // no memory for another thread: those that run must end
                shutdown.stopWorkers();
            }
        }
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
        switch (access) {
            case OPENED -> {}
            case UNSAFE ->
                    LOG.log(
                            Level.INFO,
                            "runtime \"%s\": java.lang is not open, fibers reach their workers through sun.misc.Unsafe; start the JVM with --add-opens java.base/java.lang=ALL-UNNAMED, or set the manifest's Add-Opens, to silence this"
                                    .formatted(settings.name()));
            case JDK ->
                    LOG.log(
                            Level.WARNING,
                            "runtime \"%s\": java.lang is not open, fibers run on the JDK's scheduler; start the JVM with --add-opens java.base/java.lang=ALL-UNNAMED, or set the manifest's Add-Opens, to run them on AVX workers"
                                    .formatted(settings.name()));
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
        Worker worker = currentWorker();
        if (worker == null) {
            return ids.incrementAndGet();
        }
        if (worker.idsLeft == 0) {
            worker.idsLeft = IDS_AT_ONCE;
            worker.nextId = ids.getAndAdd(IDS_AT_ONCE) + 1;
        }
        worker.idsLeft--;
        return worker.nextId++;
    }

    // --- submitting ---

    @Override
    public void startFiber(TrackedTask task, @Nullable String name) {
        Worker worker = currentWorker();
        accept(worker);
        boolean registered = false;
        boolean started = false;
        try {
            Thread thread = newFiberThread(task, name);
            registry.add(task, indexOf(currentWorker()));
            registered = true;
            thread.start();
            started = true;
        } finally {
            if (!started) {
                if (registered) {
                    registry.remove(task);
                }
                counts.refused();
            }
        }
    }

    private Thread newFiberThread(TrackedTask task, @Nullable String name) {
        if (access != Access.JDK) {
            return FiberThreads.unstarted(access, fiberScheduler, name, () -> runFiber(task));
        }
        var builder = Thread.ofVirtual();
        if (name != null) {
            builder.name(name);
        }
        return builder.unstarted(() -> runOnJdkScheduler(task));
    }

    private void runFiber(TrackedTask task) {
        task.runTask();
        taskEnded(task);
    }

    private void runOnJdkScheduler(TrackedTask task) {
        enter(this);
        runFiber(task);
    }

    @Override
    public void execute(Runnable body) {
        Worker worker = currentWorker();
        accept(worker);
        Job job = new Job(this, body);
        if (worker != null) {
            worker.pushNext(job);
        } else {
            inject(job);
        }
    }

    @Override
    public void startBlocking(TrackedTask task) {
        counts.spawned(currentWorker());
        shutdown.checkOpen(isInside());
        registry.add(task, indexOf(currentWorker()));
        boolean submitted = false;
        try {
            blockingPool.submit(task);
            submitted = true;
        } finally {
            if (!submitted) {
                registry.remove(task);
                counts.refused();
            }
        }
    }

    @Override
    public void startSteps(TrackedTask task, Runnable step) {
        Worker worker = currentWorker();
        accept(worker);
        registry.add(task, indexOf(worker));
        resume(step);
    }

    @Override
    public void resume(Runnable step) {
        Worker worker = currentWorker();
        if (worker != null) {
            worker.pushNext(step);
        } else {
            inject(step);
        }
    }

    @Override
    public void yield(Runnable step) {
        Worker worker = currentWorker();
        if (worker != null) {
            worker.pushBehind(step);
        } else {
            inject(step);
        }
    }

    private void accept(@Nullable Worker worker) {
        // needs no fence on a worker: whoever runs there is live itself, and counts until it ends
        counts.spawned(worker);
        shutdown.checkOpen(worker != null || isInside());
        if (worker == null && injection.isFull(settings.injectionCapacity())) {
            counts.refused();
            throw new RejectedExecutionException(
                    "%d tasks wait to start in the injection queue of runtime \"%s\", its bound is %d; submit less, raise injectionQueueCapacity, or wait for what was submitted"
                            .formatted(injection.size(), name(), settings.injectionCapacity()));
        }
    }

    private @Nullable Worker currentWorker() {
        return Carrier.current() instanceof WorkerThread t && t.scheduler == this ? t.worker : null;
    }

    private static int indexOf(@Nullable Worker worker) {
        return worker == null ? -1 : worker.index;
    }

    // --- tasks ending ---

    @Override
    public void taskEnded(TrackedTask task) {
        registry.remove(task);
        ended(task.ending());
    }

    void ended(TrackedTask.Ending ending) {
        counts.ended(currentWorker(), ending);
    }

    // --- queueing and waking ---

    private void enqueue(Runnable continuation) {
        Worker worker = currentWorker();
        if (worker != null) {
            worker.submit(continuation);
        } else {
            inject(continuation);
        }
    }

    private void inject(Runnable task) {
        injection.push(task);
        // no fence: the push is a read-modify-write of what workers read before they sleep
        if (idle.shouldWake()) {
            wakeSleeper();
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
            Worker watching = lead.holder();
            int chosen = idle.claimSleeper(watching == null ? -1 : watching.index);
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

    /** Whether any queue holds a task. */
    boolean hasWork() {
        if (!injection.isEmpty()) {
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
        Worker worker = currentWorker();
        TimerWheel wheel =
                (worker != null
                                ? worker
                                : workers[ThreadLocalRandom.current().nextInt(workers.length)])
                        .wheel;
        Timer timer = new Timer(wheel, action, TimerWheel.deadline(System.nanoTime(), delayNanos));
        boolean earlier = wheel.add(timer);
        if (earlier && worker == null) {
            wakeForTimer(wheel.nextDeadline());
        }
        return timer;
    }

    private void wakeForTimer(long nanoTime) {
        Worker asleep = lead.sleepingPast(nanoTime);
        if (asleep != null) {
            asleep.unpark();
        } else if (lead.holder() == null) {
            // everybody is busy and will see it in passing, or nobody watches the clock
            wakeSleeper();
        }
    }

    int fireTimers(long now) {
        int fired = 0;
        for (Worker worker : workers) {
            long deadline = worker.wheel.nextDeadline();
            if (deadline != Long.MAX_VALUE && deadline - now <= 0) {
                fired += Math.max(0, worker.wheel.advance(now));
            }
        }
        return fired;
    }

    // --- the driver ---

    @Override
    public IoDriver driver() {
        IoDriver d = driver;
        return d != null ? d : openDriver();
    }

    private IoDriver openDriver() {
        driverLock.lock();
        try {
            IoDriver d = driver;
            if (d == null) {
                if (shutdown.isStopped()) {
                    throw new IllegalStateException(
                            "runtime \"" + name() + "\" is closed, it opens no more sockets");
                }
                d = IoDrivers.open(settings.driver());
                d.onFirstRegistration(this::driverInUse);
                driver = d;
            }
            return d;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "runtime \"%s\" could not open its driver: %s"
                            .formatted(name(), e.getMessage()),
                    e);
        } finally {
            driverLock.unlock();
        }
    }

    /** Somebody has to wait in the driver now: the leader parks outside it, or nobody leads. */
    private void driverInUse() {
        Worker watching = lead.holder();
        if (watching != null) {
            watching.unpark();
        } else {
            wakeSleeper();
        }
    }

    @Nullable IoDriver openedDriver() {
        IoDriver d = driver;
        return d != null && d.registered() > 0 ? d : null;
    }

    /** Ends the leader's wait in the driver. */
    void wakeDriver() {
        IoDriver d = driver;
        if (d != null) {
            d.wakeup();
        }
    }

    /** Closes the driver, which wakes the fibers that wait in a socket; none is opened later. */
    void closeDriver() {
        driverLock.lock();
        try {
            IoDriver d = driver;
            if (d != null) {
                d.close();
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

    // --- metrics ---

    private long sumOfWheels(ToLongFunction<TimerWheel> counter) {
        long sum = 0;
        for (Worker worker : workers) {
            sum += counter.applyAsLong(worker.wheel);
        }
        return sum;
    }

    private static long ofDriver(@Nullable IoDriver d, ToLongFunction<IoDriver> counter) {
        return d == null ? 0 : counter.applyAsLong(d);
    }

    @Override
    public RuntimeMetrics metrics() {
        List<WorkerMetrics> perWorker = new ArrayList<>();
        for (Worker worker : workers) {
            perWorker.add(worker.metrics());
        }
        IoDriver d = driver;
        BlockingPool.Snapshot blocking = blockingPool.snapshot();
        return new RuntimeMetrics(
                name(),
                d == null ? settings.driver() + " (not opened yet)" : d.name(),
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
                ofDriver(d, IoDriver::registered),
                ofDriver(d, IoDriver::registeredTotal),
                ofDriver(d, IoDriver::deregisteredTotal),
                ofDriver(d, IoDriver::readyEvents),
                ofDriver(d, IoDriver::wakeups),
                watchdog.stalls());
    }
}
