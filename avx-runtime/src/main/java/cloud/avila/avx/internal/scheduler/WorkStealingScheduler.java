package cloud.avila.avx.internal.scheduler;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.fiber.FiberScheduler;
import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.fiber.FiberThreads.Access;
import cloud.avila.avx.internal.fiber.JdkBuild;
import cloud.avila.avx.internal.park.Parker;
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
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToLongFunction;

/**
 * Runs fibers and jobs on its workers, and everything they need to wait: timers and the reactor's
 * driver.
 */
public final class WorkStealingScheduler {
    /*
     * Overview.
     *
     * A task is queued by the worker it comes from (Worker.submit, pushNext) or, from any other
     * thread, through the injection queue. IdleWorkers decides whether that wakes somebody.
     *
     * The lead. One worker without work waits for all: it sleeps in the driver, or parks while no
     * descriptor is registered, until the next timer of any worker; the others park. While it works,
     * every busy worker looks at timers and driver between tasks (Worker.maintain). A leader whose
     * turns of work are long wakes another worker to take the lead; one that gets stuck unexpectedly
     * is noticed by the watchdog, which does the same.
     *
     * leaderDeadline tells those who add a timer whether the leader sleeps past it. The leader writes
     * it and then reads every wheel's next deadline again; who adds a timer first makes it visible
     * in its wheel and then reads leaderDeadline. Both are volatile, so one of the two sees the
     * other. A worker that adds a timer to its own wheel need not look: while it is awake it fires
     * its timers itself, and when it goes to sleep it either leads or parks no longer than its own
     * next deadline, unless the leader's comes first.
     *
     * Shutdown (close) goes through the phases OPEN, DRAINING (no tasks from outside),
     * INTERRUPTING (no tasks at all; the live ones are cancelled), STOPPED (workers end as soon as
     * they find nothing), and leaves what is then still suspended to the JDK's scheduler, so that no
     * virtual thread is stranded. A submitter counts its task before it reads the phase, and the
     * closer sets the phase before it reads the counts: no task slips through in between.
     */

    private static final System.Logger LOG =
            System.getLogger(WorkStealingScheduler.class.getName());
    private static final AtomicBoolean JDK_CHECKED = new AtomicBoolean();

    private static final int OPEN = 0;
    private static final int DRAINING = 1;
    private static final int INTERRUPTING = 2;
    private static final int STOPPED = 3;

    /** How long tasks that were cancelled at shutdown get to end. */
    private static final long CANCEL_GRACE_NANOS = 2_000_000_000L;

    private static final int NAMES_IN_REPORT = 20;

    /** Task numbers that a worker draws at a time. */
    private static final int IDS_AT_ONCE = 1024;

    private static final long LEADER_AWAKE = Long.MIN_VALUE;
    private static final long NO_DEADLINE = Long.MAX_VALUE;

    private static final ThreadLocal<@Nullable WorkStealingScheduler> ENTERED = new ThreadLocal<>();
    // whether a runtime was ever entered on a thread of another: only then must current() ask
    private static volatile boolean enteredWithin;

    private static final VarHandle LEADER;

    static {
        try {
            LEADER =
                    MethodHandles.lookup()
                            .findVarHandle(WorkStealingScheduler.class, "leader", Worker.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final IdleWorkers idle;
    final InjectionQueue injection = new InjectionQueue();
    final Worker[] workers;
    final Watchdog watchdog;
    final FiberRegistry registry;
    final IoSpin ioSpin = new IoSpin();

    private final SchedulerSettings settings;
    private final Access access;
    private final Fibers fiberScheduler = new Fibers();
    private final BlockingPool blockingPool;
    private final long origin = System.nanoTime();

    private volatile int phase = OPEN;
    private volatile @Nullable Worker leader;
    private volatile long leaderDeadline = LEADER_AWAKE;
    private volatile long leads;

    private final ReentrantLock driverLock = new ReentrantLock();
    private volatile @Nullable IoDriver driver;

    private final AtomicLong ids = new AtomicLong();
    private final LongAdder remoteSchedules = new LongAdder();
    private final LongAdder spawnedOutside = new LongAdder();
    private final LongAdder completedOutside = new LongAdder();
    private final LongAdder failedOutside = new LongAdder();
    private final LongAdder cancelledOutside = new LongAdder();
    private final LongAdder rejected = new LongAdder();

    private final ReentrantLock closeLock = new ReentrantLock();
    private final AtomicInteger handOvers = new AtomicInteger();
    private final CountDownLatch workersLeft;
    private final CountDownLatch closed = new CountDownLatch(1);

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
        this.workersLeft = new CountDownLatch(settings.workers());
        this.workers = new Worker[settings.workers()];
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
                phase = STOPPED;
                for (Worker worker : workers) {
                    worker.unpark();
                }
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
                            "runtime \"{0}\": java.lang is not open, fibers reach their workers"
                                    + " through sun.misc.Unsafe; start the JVM with --add-opens"
                                    + " java.base/java.lang=ALL-UNNAMED, or set the manifest's"
                                    + " Add-Opens, to silence this",
                            settings.name());
            case JDK ->
                    LOG.log(
                            Level.WARNING,
                            "runtime \"{0}\": java.lang is not open, fibers run on the JDK''s"
                                    + " scheduler; start the JVM with --add-opens"
                                    + " java.base/java.lang=ALL-UNNAMED, or set the manifest''s"
                                    + " Add-Opens, to run them on AVX workers",
                            settings.name());
        }
        return access;
    }

    // --- the current scheduler ---

    /**
     * The scheduler of the calling fiber, job or blocking task, or the one its thread has entered.
     *
     * @return the current scheduler, or null if the thread belongs to none
     */
    public static @Nullable WorkStealingScheduler current() {
        if (Carrier.current() instanceof RuntimeThread thread && !enteredWithin) {
            return thread.scheduler;
        }
        WorkStealingScheduler entered = ENTERED.get();
        if (entered == null && Carrier.current() instanceof RuntimeThread thread) {
            return thread.scheduler;
        }
        return entered;
    }

    /**
     * Makes a scheduler the calling thread's current one.
     *
     * @param scheduler the scheduler, or null to go back to the thread's own
     * @return what was set before
     */
    public static @Nullable WorkStealingScheduler enter(@Nullable WorkStealingScheduler scheduler) {
        WorkStealingScheduler before = ENTERED.get();
        if (scheduler != null && Carrier.current() instanceof RuntimeThread) {
            enteredWithin = true;
        }
        if (scheduler == null) {
            ENTERED.remove();
        } else {
            ENTERED.set(scheduler);
        }
        return before;
    }

    /**
     * Whether the caller runs on a thread of this scheduler, so that waiting for the scheduler to
     * end, or blocking until other work of it is done, could wait for itself.
     *
     * @return true on a fiber, job or blocking task of this scheduler
     */
    public boolean isInside() {
        return Carrier.current() instanceof RuntimeThread t && t.scheduler == this
                || access == Access.JDK
                        && Thread.currentThread().isVirtual()
                        && ENTERED.get() == this;
    }

    /**
     * The name of the runtime.
     *
     * @return its name
     */
    public String name() {
        return settings.name();
    }

    /**
     * Draws the number of a new task.
     *
     * @return a number not drawn before from this scheduler
     */
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

    /**
     * Starts a fiber.
     *
     * @param task what it runs
     * @param name the thread's name, or null for none
     * @throws RejectedExecutionException if the runtime is closing, or too many tasks from outside
     *     wait to start
     */
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
                uncount();
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

    /**
     * Runs a job on a worker's thread.
     *
     * @param body what to run
     * @throws RejectedExecutionException as {@link #startFiber}
     */
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

    /**
     * Runs a task on the blocking pool.
     *
     * @param task what to run
     * @throws RejectedExecutionException if the runtime is closing or the pool is full
     */
    public void startBlocking(TrackedTask task) {
        count(currentWorker());
        checkOpen(isInside());
        registry.add(task, indexOf(currentWorker()));
        boolean submitted = false;
        try {
            blockingPool.submit(task);
            submitted = true;
        } finally {
            if (!submitted) {
                registry.remove(task);
                uncount();
            }
        }
    }

    /**
     * Runs code that holds its thread on the blocking pool and waits for it; on a thread that
     * belongs to no runtime, runs it right there.
     *
     * @param code what to run
     * @param <T> what it returns
     * @return what it returned
     * @throws Exception what it threw, or InterruptedException
     */
    public static <T extends @Nullable Object> T callBlocking(Callable<T> code) throws Exception {
        WorkStealingScheduler scheduler = current();
        if (scheduler == null || !Thread.currentThread().isVirtual()) {
            return code.call();
        }
        FutureTask<T> future = new FutureTask<>(code);
        scheduler.startBlocking(new PlainTask(future));
        try {
            return future.get();
        } catch (InterruptedException e) {
            future.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case Exception cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new CompletionException(e.getCause());
            }
        }
    }

    private void accept(@Nullable Worker worker) {
        count(worker);
        checkOpen(worker != null || isInside());
        if (worker == null && injection.size() >= settings.injectionCapacity()) {
            uncount();
            throw new RejectedExecutionException(
                    "%d tasks wait to start in the injection queue of runtime \"%s\", its bound is %d; submit less, raise injectionQueueCapacity, or wait for what was submitted"
                            .formatted(injection.size(), name(), settings.injectionCapacity()));
        }
    }

    private void checkOpen(boolean inside) {
        int p = phase;
        if (p != OPEN && (p >= INTERRUPTING || !inside)) {
            uncount();
            throw new RejectedExecutionException(
                    "runtime \"%s\" is %s and takes no more tasks"
                            .formatted(name(), p == STOPPED ? "closed" : "closing"));
        }
    }

    private void count(@Nullable Worker worker) {
        if (worker != null) {
            // needs no fence: whoever runs on a worker is live itself, and counts until it ends
            worker.spawned++;
        } else {
            spawnedOutside.increment();
        }
    }

    private void uncount() {
        rejected.increment();
        spawnedOutside.decrement();
    }

    private @Nullable Worker currentWorker() {
        return Carrier.current() instanceof WorkerThread t && t.scheduler == this ? t.worker : null;
    }

    private static int indexOf(@Nullable Worker worker) {
        return worker == null ? -1 : worker.index;
    }

    // --- tasks ending ---

    void taskEnded(TrackedTask task) {
        registry.remove(task);
        ended(task.ending());
    }

    void ended(TrackedTask.Ending ending) {
        Worker worker = currentWorker();
        if (worker == null) {
            switch (ending) {
                case COMPLETED -> completedOutside.increment();
                case FAILED -> failedOutside.increment();
                case CANCELLED -> cancelledOutside.increment();
            }
        } else {
            switch (ending) {
                case COMPLETED -> worker.completed++;
                case FAILED -> worker.failed++;
                case CANCELLED -> worker.cancelled++;
            }
        }
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
        remoteSchedules.increment();
        wakeOne();
        if (phase == STOPPED && workersLeft.getCount() == 0) {
            handOver();
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
            Worker watching = leader;
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

    boolean isStopped() {
        return phase == STOPPED;
    }

    // --- the lead ---

    @SuppressWarnings("NonAtomicVolatileUpdate") // only the leader writes it
    boolean tryLead(Worker worker) {
        if (leader == null && LEADER.compareAndSet(this, null, worker)) {
            leads++;
            return true;
        }
        return false;
    }

    void releaseLead() {
        leader = null;
    }

    @Nullable Worker leader() {
        return leader;
    }

    long leads() {
        return leads;
    }

    boolean leaderMissing() {
        return leader == null;
    }

    /** Announces when the leader will wake by itself, and tells how long that is, -1 for never. */
    long untilNextTimer() {
        long deadline = nextDeadline();
        for (; ; ) {
            leaderDeadline = deadline;
            long again = nextDeadline();
            if (again >= deadline) {
                break;
            }
            deadline = again;
        }
        return nanosUntil(deadline);
    }

    void leaderAwake() {
        leaderDeadline = LEADER_AWAKE;
    }

    /** How long a worker that does not lead may sleep: -1 for ever, 0 not at all. */
    long untilTimerOf(Worker worker) {
        long deadline = sinceOrigin(worker.wheel.nextDeadline());
        long covered = leaderDeadline;
        if (covered != LEADER_AWAKE && covered <= deadline) {
            return -1;
        }
        return nanosUntil(deadline);
    }

    private long nanosUntil(long deadline) {
        return deadline == NO_DEADLINE ? -1 : Math.max(0, deadline - (System.nanoTime() - origin));
    }

    // --- timers ---

    /**
     * Schedules an action. Any thread; never blocks.
     *
     * @param action runs on a worker's thread: short, does not block, does not throw
     * @param delayNanos how long from now
     * @return the timer, to cancel it
     */
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
            wakeForTimer(sinceOrigin(wheel.nextDeadline()));
        }
        return timer;
    }

    private void wakeForTimer(long deadline) {
        Worker watching = leader;
        long until = leaderDeadline;
        if (watching != null && until != LEADER_AWAKE) {
            if (deadline < until) {
                watching.unpark();
            }
        } else if (watching == null) {
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

    boolean timersDue(long now) {
        return nextDeadline() <= now - origin;
    }

    private long nextDeadline() {
        long next = NO_DEADLINE;
        for (Worker worker : workers) {
            next = Math.min(next, sinceOrigin(worker.wheel.nextDeadline()));
        }
        return next;
    }

    private long sinceOrigin(long deadline) {
        return deadline == Long.MAX_VALUE ? NO_DEADLINE : deadline - origin;
    }

    // --- the driver ---

    /**
     * The reactor's driver, opened at the first use.
     *
     * @return the driver
     * @throws UncheckedIOException if the system refuses it
     * @throws IllegalStateException if the runtime is closed
     */
    public IoDriver driver() {
        IoDriver d = driver;
        return d != null ? d : openDriver();
    }

    private IoDriver openDriver() {
        driverLock.lock();
        try {
            IoDriver d = driver;
            if (d == null) {
                if (phase == STOPPED) {
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
        Worker watching = leader;
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

    // --- shutdown ---

    /**
     * Stops: refuses tasks from outside, lets the live ones finish, cancels those that do not in
     * time, ends the workers, closes the driver. Reports by name what did not end. Idempotent; a
     * second caller waits for the first. Called from inside, it goes on in a thread of its own.
     *
     * @param timeoutNanos how long tasks may go on
     */
    public void close(long timeoutNanos) {
        if (phase == OPEN) {
            phase = DRAINING;
        }
        if (isInside()) {
            Thread closer =
                    new Thread(null, () -> closeOnce(timeoutNanos), name() + "-closer", 0, false);
            closer.start();
        } else {
            closeOnce(timeoutNanos);
        }
    }

    private void closeOnce(long timeoutNanos) {
        boolean interrupted = false;
        if (closeLock.tryLock()) {
            try {
                if (closed.getCount() > 0) {
                    interrupted = shutDown(timeoutNanos);
                    closed.countDown();
                }
            } finally {
                closeLock.unlock();
            }
        } else {
            while (closed.getCount() > 0) {
                try {
                    closed.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean shutDown(long timeoutNanos) {
        boolean interrupted = awaitDrained(timeoutNanos);
        phase = INTERRUPTING;
        if (live() > 0) {
            registry.forEach(TrackedTask::cancelOnShutdown);
            interrupted |= awaitDrained(CANCEL_GRACE_NANOS);
            reportUnfinished(timeoutNanos);
        }
        phase = STOPPED;
        blockingPool.close();
        for (Worker worker : workers) {
            worker.unpark();
            Parker.unpark(worker.thread);
        }
        interrupted |= awaitWorkers();
        if (workersLeft.getCount() == 0) {
            releaseAll();
        }
        watchdog.stop();
        blockingPool.awaitEnd(CANCEL_GRACE_NANOS);
        return interrupted;
    }

    /** After the last worker has ended: nobody polls any more. */
    private void releaseAll() {
        driverLock.lock();
        try {
            IoDriver d = driver;
            if (d != null) {
                d.close(); // wakes the fibers that wait in a socket
            }
        } finally {
            driverLock.unlock();
        }
        handOver();
    }

    private boolean awaitDrained(long nanos) {
        long start = System.nanoTime();
        long pause = 50_000;
        boolean interrupted = false;
        while (live() > 0 && System.nanoTime() - start < nanos) {
            Parker.parkNanos(this, pause);
            pause = Math.min(pause * 2, 5_000_000);
            interrupted |= Thread.interrupted();
        }
        return interrupted;
    }

    private boolean awaitWorkers() {
        boolean interrupted = false;
        long end = System.nanoTime() + CANCEL_GRACE_NANOS;
        for (long left; (left = end - System.nanoTime()) > 0; ) {
            try {
                if (workersLeft.await(left, java.util.concurrent.TimeUnit.NANOSECONDS)) {
                    return interrupted;
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        var stuck = new ArrayList<String>();
        for (Worker worker : workers) {
            if (worker.thread.isAlive()) {
                stuck.add(worker.thread.getName());
            }
        }
        LOG.log(
                Level.WARNING,
                "runtime \"{0}\" is closed, but work that does not end keeps {1}; their threads end"
                        + " with it",
                name(),
                stuck);
        return interrupted;
    }

    private void reportUnfinished(long timeoutNanos) {
        List<String> names = new ArrayList<>();
        long[] more = {0};
        registry.forEach(
                task -> {
                    if (names.size() < NAMES_IN_REPORT) {
                        names.add(task.displayName());
                    } else {
                        more[0]++;
                    }
                });
        long jobs = live() - names.size() - more[0];
        if (!names.isEmpty() || jobs > 0) {
            LOG.log(
                    Level.WARNING,
                    "runtime \"{0}\" stops with unfinished work after {1} ms and an interrupt: {2}"
                            + " and {3} more tasks, {4} jobs",
                    name(),
                    timeoutNanos / 1_000_000,
                    names,
                    more[0],
                    Math.max(0, jobs));
        }
    }

    /** Called by each worker's thread as its last act. */
    void workerStopped(Worker worker) {
        workersLeft.countDown();
        if (closed.getCount() == 0 && workersLeft.getCount() == 0) {
            releaseAll();
        }
    }

    /**
     * After the last worker has ended: leaves suspended fibers to the JDK's scheduler, and drops
     * jobs, counted as cancelled. Called after every later push, too, by any thread, so it must not
     * block: who finds another at it leaves it another round.
     */
    private void handOver() {
        if (handOvers.getAndIncrement() > 0) {
            return;
        }
        int rounds = 1;
        do {
            var left = new ChaseLevDeque<Runnable>(64);
            for (Runnable task; (task = injection.take(left, 1)) != null; ) {
                handOver(task);
                for (Runnable next; (next = left.take()) != null; ) {
                    handOver(next);
                }
            }
            for (Worker worker : workers) {
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
        } else {
            FiberThreads.jdkScheduler().execute(task);
        }
    }

    /**
     * Whether {@link #close} has been called.
     *
     * @return true from then on
     */
    public boolean isClosing() {
        return phase != OPEN;
    }

    /**
     * Whether {@link #close} has come to its end.
     *
     * @return true from then on
     */
    public boolean isClosed() {
        return closed.getCount() == 0;
    }

    // --- metrics ---

    /** Tasks accepted that have not ended; never too low. */
    long live() {
        long ended =
                sum(w -> w.completed + w.failed + w.cancelled)
                        + completedOutside.sum()
                        + failedOutside.sum()
                        + cancelledOutside.sum();
        VarHandle.fullFence();
        return sum(w -> w.spawned) + spawnedOutside.sum() - ended;
    }

    private long sum(ToLongFunction<Worker> counter) {
        long sum = 0;
        for (Worker worker : workers) {
            sum += counter.applyAsLong(worker);
        }
        return sum;
    }

    private long sumOfWheels(ToLongFunction<TimerWheel> counter) {
        return sum(w -> counter.applyAsLong(w.wheel));
    }

    private static long ofDriver(@Nullable IoDriver d, ToLongFunction<IoDriver> counter) {
        return d == null ? 0 : counter.applyAsLong(d);
    }

    /**
     * A snapshot of everything counted here.
     *
     * @return the metrics
     */
    public RuntimeMetrics metrics() {
        List<WorkerMetrics> perWorker = new ArrayList<>();
        for (Worker worker : workers) {
            perWorker.add(worker.metrics());
        }
        IoDriver d = driver;
        BlockingPool.Snapshot blocking = blockingPool.snapshot();
        long live = live();
        return new RuntimeMetrics(
                name(),
                d == null ? settings.driver() + " (not opened yet)" : d.name(),
                access.label(),
                perWorker,
                live,
                sum(w -> w.spawned) + spawnedOutside.sum(),
                sum(w -> w.completed) + completedOutside.sum(),
                sum(w -> w.failed) + failedOutside.sum(),
                sum(w -> w.cancelled) + cancelledOutside.sum(),
                rejected.sum(),
                injection.size(),
                settings.injectionCapacity(),
                remoteSchedules.sum(),
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
