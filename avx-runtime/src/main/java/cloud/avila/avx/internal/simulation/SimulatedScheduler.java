package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.fiber.FiberInternals;
import cloud.avila.avx.internal.fiber.FiberScheduler;
import cloud.avila.avx.internal.fiber.FiberThreads;
import cloud.avila.avx.internal.fiber.FiberThreads.Access;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.scheduler.Lane;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.internal.scheduler.TrackedTask;
import cloud.avila.avx.internal.simulation.SimulationFailure.Kind;
import cloud.avila.avx.internal.timer.Timer;
import cloud.avila.avx.internal.timer.TimerQueue;
import cloud.avila.avx.metrics.LatencyHistogram;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/** Runs fibers, jobs, steps and timers on one thread, in an order drawn from a seed. */
public final class SimulatedScheduler extends Scheduler {
    /*
     * Overview.
     *
     * Everything that can go on now is a Step in the list `runnable`; the loop (drive) draws one,
     * runs it until it gives the thread back, and draws again. Timers that are due become steps as
     * well. When there is no step the clock jumps to the next timer.
     *
     * One thread at a time works on all this: the simulation's own thread while it drives, and
     * otherwise whoever holds `turn`, which the driving thread holds too. So what is started from
     * outside between two runs is ordered as well. While the simulation drives, nobody else can start
     * anything. (A monitor would not do: when a virtual thread unmounts, the JDK takes all monitors of
     * the carrier for its own.)
     *
     * There is one foreign thread that cannot be kept out: the JDK's unblocker, which hands a virtual
     * thread to its scheduler after somebody left the monitor it waits for. It puts it into
     * `arrived`. Between two steps the loop waits until the unblocker has nothing more in hand
     * (settle), so that what it does falls between the same two steps in every run. Any other thread
     * that wakes a fiber makes the run depend on real time, which is reported.
     *
     * `busy` is set while the scheduler's own code runs on a fiber's stack, or the JDK's on its way
     * there: it must not give way in between.
     *
     * Fields without a mode are for the thread that works. driving: volatile, the simulation's
     * thread. arrived: any thread. stepsSeen and stop: volatile, for the thread that waits outside.
     */

    private static final System.Logger LOG = System.getLogger(SimulatedScheduler.class.getName());

    /** What nanoTime begins with: the origin is arbitrary, and zero would hide mistakes. */
    private static final long ORIGIN = 1_000_000_000_000L;

    /** The first of January 2000, UTC. */
    private static final long EPOCH_NANOS = 946_684_800_000_000_000L;

    /** After so many steps that all only gave way, time goes on. */
    private static final int IDLE_STEPS = 10_000;

    private static final long IDLE_NANOS = 1_000_000;
    private static final long CLOSING_STEPS = 100_000;
    private static final double[] PREEMPTIONS = {1 / 32.0, 1 / 8.0, 1 / 4.0, 1 / 2.0};
    private static final int REDRAW = 4;
    private static final int MONITOR_MILLIS = 20;
    private static final int SPINS = 1_000;

    private final SimulationSettings settings;
    private final SimulatedThread thread;
    private final Fibers fibers = new Fibers();
    private final ReentrantLock turn = new ReentrantLock();
    private final LinkedBlockingQueue<Drive> drives = new LinkedBlockingQueue<>();
    private final ConcurrentLinkedQueue<Runnable> arrived = new ConcurrentLinkedQueue<>();

    private final SeededRandom order;
    private final SeededRandom forUser;
    private final SeededRandom forThreads;
    private final boolean byPriority;
    private final double preemption;

    private final List<Step> runnable = new ArrayList<>();
    private final IdentityHashMap<Runnable, SimulatedFiber> live = new IdentityHashMap<>();
    private final List<SimulatedFiber> entering = new ArrayList<>();
    private final TimerQueue<Step.Origin> timers = new TimerQueue<>(this::nanoTime);
    private final Network network;
    private final Host localHost;
    private final Trace trace;
    private final @Nullable Thread unblocker = FiberInternals.unblocker();

    private long now;
    private long steps;
    private long ids;
    private int fiberNumbers;
    private int idleSteps;
    private boolean busy;
    private @Nullable Step current;
    private @Nullable SimulatedFiber starting;
    private @Nullable Host startingOn;
    private boolean started;

    private long spawned;
    private long completed;
    private long failed;
    private long cancelled;

    private volatile boolean driving;
    private volatile boolean closing;
    private volatile boolean closed;
    private volatile boolean stop;
    private volatile @Nullable Thread intruder; // woke a poll task, while the simulation ran
    private volatile long stepsSeen;

    /** One run of the loop. */
    private static final class Drive {
        final BooleanSupplier done;
        final CountDownLatch ended = new CountDownLatch(1);
        @Nullable Throwable failure;

        Drive(BooleanSupplier done) {
            this.done = done;
        }
    }

    /** The scheduler object of the virtual threads. */
    private final class Fibers extends FiberScheduler {
        @Override
        protected void enqueue(Runnable continuation) {
            SimulatedScheduler.this.enqueue(continuation);
        }

        @Override
        protected ScheduledFuture<?> time(Runnable action, long nanos) {
            return addTimer(action, nanos);
        }
    }

    /**
     * Makes a simulation; nothing runs yet.
     *
     * @param settings valid settings
     */
    public SimulatedScheduler(SimulationSettings settings) {
        if (FiberThreads.resolve(false) != Access.OPENED) {
            throw new IllegalStateException("the agent has not opened java.lang");
        }
        Hook.install();
        this.settings = settings;
        var root = new SeededRandom(settings.seed());
        this.order = root.split();
        this.forUser = root.split();
        this.forThreads = root.split();
        this.byPriority = root.nextBoolean();
        double drawn = PREEMPTIONS[root.nextInt(PREEMPTIONS.length)];
        this.preemption = settings.preemption() < 0 ? drawn : settings.preemption();
        this.trace = new Trace(settings.traceLength());
        this.network = new Network(this, root.split());
        this.localHost = network.host("local");
        this.thread = new SimulatedThread(this, "simulation-" + settings.seed());
        FiberInternals.seedRandom(thread, forThreads.nextLong());
    }

    // --- what the rewritten code asks ---

    long nanoTime() {
        return ORIGIN + now;
    }

    long epochNanos() {
        return EPOCH_NANOS + now;
    }

    long currentNumber() {
        return current instanceof SimulatedFiber fiber ? fiber.number : 0;
    }

    /** Whether the calling fiber gives way at a place where another one might go on. */
    boolean givesWay() {
        return mayGiveWay() && preemption > 0 && order.nextDouble() < preemption;
    }

    boolean mayGiveWay() {
        return !busy
                && driving
                && Thread.currentThread().isVirtual()
                && (!(current instanceof SimulatedFiber fiber) || fiber.initialisers == 0);
    }

    /** The calling fiber begins or ends to run a class initialiser. */
    void initialises(int change) {
        if (current instanceof SimulatedFiber fiber) {
            fiber.initialisers += change;
        }
    }

    // --- what the public class asks ---

    /**
     * Nanoseconds of virtual time since the beginning.
     *
     * @return the time
     */
    public long elapsedNanos() {
        return now;
    }

    /**
     * Random numbers for the code under test, which depend on the seed alone.
     *
     * @return the generator, for use inside the simulation
     */
    public RandomGenerator random() {
        return forUser;
    }

    /**
     * What lies between the hosts.
     *
     * @return the network
     */
    public Network network() {
        return network;
    }

    /**
     * Starts something on a host.
     *
     * @param host where
     * @param start starts it
     * @param <T> what that returns
     * @return what it returned
     */
    public <T> T onHost(Host host, Supplier<T> start) {
        checkAccess();
        Host before = startingOn;
        startingOn = host;
        boolean busyBefore = busy;
        busy = true;
        try {
            return start.get();
        } finally {
            busy = busyBefore;
            startingOn = before;
        }
    }

    /**
     * Steps taken.
     *
     * @return the number
     */
    public long steps() {
        return steps;
    }

    /**
     * The decisions as text.
     *
     * @return a line for each that is kept
     */
    public String trace() {
        return trace.text(settings.seed());
    }

    /**
     * Runs the simulation until something is done.
     *
     * @param done asked before each step, on the simulation's thread
     * @throws SimulationFailure if it cannot come to its end
     * @throws InterruptedException if the calling thread was interrupted; the simulation has
     *     stopped where it was
     */
    public void drive(BooleanSupplier done) throws SimulationFailure, InterruptedException {
        if (isInside()) {
            throw new IllegalStateException("a fiber cannot drive its own simulation");
        }
        if (closed) {
            throw new IllegalStateException(name() + " is closed");
        }
        var drive = new Drive(done);
        startThread();
        drives.add(drive);
        try {
            awaitEnd(drive);
        } catch (InterruptedException e) {
            stop = true;
            throw e;
        }
        switch (drive.failure) {
            case null -> {}
            case SimulationFailure f -> throw f;
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable t -> throw new IllegalStateException(t);
        }
    }

    private void startThread() {
        alone(
                () -> {
                    if (!started) {
                        started = true;
                        thread.start();
                    }
                    return true;
                });
    }

    /** Waits in real time, and looks whether the steps go on. */
    private void awaitEnd(Drive drive) throws InterruptedException, SimulationFailure {
        long seen = -1;
        long since = System.nanoTime();
        while (!drive.ended.await(200, TimeUnit.MILLISECONDS)) {
            if (stepsSeen != seen) {
                seen = stepsSeen;
                since = System.nanoTime();
            } else if (System.nanoTime() - since > settings.stallNanos()) {
                stop = true;
                throw stalled(System.nanoTime() - since);
            }
        }
    }

    private SimulationFailure stalled(long nanos) {
        Step step = current;
        var where = new StringBuilder();
        Thread at = step instanceof SimulatedFiber f && f.thread != null ? f.thread : thread;
        for (StackTraceElement frame : at.getStackTrace()) {
            where.append("      at ").append(frame).append('\n');
        }
        return new SimulationFailure(
                Kind.STALL,
                "%s: %s has not given the thread back for %d ms of real time; it computes without end, waits while it is pinned (in a native call or a class initialiser), or waits for the real world. It is here:\n%s"
                        .formatted(
                                name(),
                                step == null ? "something" : step.name,
                                nanos / 1_000_000,
                                where));
    }

    // --- the loop ---

    /** The simulation's thread. */
    void serve() {
        try {
            while (!closed) {
                Drive drive = drives.take();
                turn.lock();
                driving = true;
                try {
                    loop(drive.done, settings.maxSteps());
                } catch (Throwable t) {
                    drive.failure = t;
                } finally {
                    driving = false;
                    turn.unlock();
                }
                drive.ended.countDown();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("somebody interrupted the thread of " + name(), e);
        }
    }

    private void loop(BooleanSupplier done, long maxSteps) throws SimulationFailure {
        while (!stop) {
            settle();
            if (done.getAsBoolean()) {
                return;
            }
            takeDueTimers();
            if (runnable.isEmpty()) {
                jump();
                continue;
            }
            if (steps >= maxSteps) {
                throw failure(
                        Kind.RUNAWAY,
                        "still goes on after %d steps, its bound; something repeats without end, or maxSteps is too low. Alive are:"
                                .formatted(steps));
            }
            step();
        }
    }

    private void step() {
        Step step = draw();
        stepsSeen = ++steps;
        trace.add(now, step.what(), step.name);
        current = step;
        try {
            step.run();
        } finally {
            current = null;
        }
        if (settings.stepNanos() > 0) {
            now += order.nextLong(settings.stepNanos() + 1);
        }
        if (step instanceof SimulatedFiber fiber) {
            after(fiber);
        } else {
            idleSteps = 0;
        }
    }

    /** A fiber has given the thread back. */
    private void after(SimulatedFiber fiber) {
        boolean gaveWay = !runnable.isEmpty() && runnable.getLast() == fiber;
        idleSteps = gaveWay ? idleSteps + 1 : 0;
        if (idleSteps > IDLE_STEPS) {
            idleSteps = 0;
            long next = timers.nextDeadline();
            now = next == Long.MAX_VALUE ? now + IDLE_NANOS : Math.max(now, next - ORIGIN);
        }
        Thread t = fiber.thread;
        if (t == null) {
            return;
        }
        if (fiber.hasEnded()) {
            live.remove(fiber.continuation);
        } else if (!gaveWay && FiberInternals.waitsForMonitor(t)) {
            entering.add(fiber);
        }
    }

    /**
     * Draws what goes on: any step with the same probability; or, with half of the seeds, the one
     * with the highest priority, where priorities are random and seldom change, so that some run
     * far ahead of others.
     */
    private Step draw() {
        int chosen = 0;
        if (byPriority) {
            for (int i = 1; i < runnable.size(); i++) {
                if (runnable.get(i).priority > runnable.get(chosen).priority) {
                    chosen = i;
                }
            }
            if (order.nextInt(REDRAW) == 0) {
                runnable.get(chosen).priority = order.nextLong();
            }
        } else {
            chosen = order.nextInt(runnable.size());
        }
        Step step = runnable.get(chosen);
        Step last = runnable.removeLast();
        if (last != step) {
            runnable.set(chosen, last);
        }
        return step;
    }

    private void takeDueTimers() {
        for (TimerQueue.Entry<Step.Origin> due; (due = timers.takeDue()) != null; ) {
            runnable.add(new Step.Due(timers, due, order.nextLong()));
        }
    }

    /** Nothing can go on: moves the clock to the next timer. */
    private void jump() throws SimulationFailure {
        long next = timers.nextDeadline();
        if (next == Long.MAX_VALUE) {
            if (somebodyComesOutOfAMonitor()) {
                return;
            }
            throw failure(
                    Kind.DEADLOCK,
                    "deadlock: nothing in it can go on and no timer is set, but what was to be run has not ended. Alive are:");
        }
        long then = next - ORIGIN;
        if (then > settings.maxNanos()) {
            throw failure(
                    Kind.RUNAWAY,
                    "would go on at %s s, later than its bound of %s s; something repeats or waits without end, or maxTime is too short. Alive are:"
                            .formatted(Trace.time(then), Trace.time(settings.maxNanos())));
        }
        now = Math.max(now, then);
    }

    /**
     * Whether a fiber is woken after all: a thread of the JDK, such as that of a Cleaner, may have
     * been inside the monitor for a moment.
     */
    private boolean somebodyComesOutOfAMonitor() {
        for (int i = 0; i < MONITOR_MILLIS && !entering.isEmpty() && arrived.isEmpty(); i++) {
            Parker.parkNanos(this, 1_000_000);
        }
        return !arrived.isEmpty();
    }

    private SimulationFailure failure(Kind kind, String what) {
        List<SimulatedFiber> fibersLeft = liveFibers();
        return new SimulationFailure(
                kind,
                "%s, at %s s, %s\n%s"
                        .formatted(name(), Trace.time(now), what, FiberListing.of(fibersLeft)));
    }

    private SimulationFailure intrusion(String what) {
        return failure(
                Kind.INTRUSION,
                what
                        + " that is no part of it, so that the run depends on real time; what is waited for must be done by fibers, timers and the simulated network, not by threads of executors or parallel streams. Alive are:");
    }

    private List<SimulatedFiber> liveFibers() {
        List<SimulatedFiber> all = new ArrayList<>(live.values());
        all.sort(Comparator.comparingInt(fiber -> fiber.number));
        return all;
    }

    // --- monitors ---

    /** Waits until what the last step's leaving of monitors entails has arrived. */
    private void settle() throws SimulationFailure {
        if (!entering.isEmpty()) {
            for (int round = 0; somebodyIsOnTheWay(); round++) {
                if (round > SPINS) {
                    Thread.yield();
                } else {
                    Thread.onSpinWait();
                }
            }
        }
        if (!arrived.isEmpty()) {
            admit();
        }
        Thread other = intruder;
        if (other != null) {
            throw intrusion("a task was woken by " + other);
        }
    }

    private boolean somebodyIsOnTheWay() {
        boolean blocked = false;
        for (SimulatedFiber fiber : entering) {
            Thread t = fiber.thread;
            if (t != null && FiberInternals.waitsToEnter(t)) {
                blocked = true;
                if (FiberInternals.isBeingUnblocked(t)
                        && !runnable.contains(fiber)
                        && !arrived.contains(fiber.continuation)) {
                    return true;
                }
            }
        }
        return blocked && unblocker != null && !FiberInternals.isIdle(unblocker);
    }

    private void admit() throws SimulationFailure {
        List<SimulatedFiber> admitted = new ArrayList<>();
        for (Runnable continuation; (continuation = arrived.poll()) != null; ) {
            SimulatedFiber fiber = live.get(continuation);
            if (fiber == null || !entering.contains(fiber)) {
                throw intrusion(
                        (fiber == null ? "a virtual thread" : fiber.name)
                                + " was woken by a thread");
            }
            admitted.add(fiber);
        }
        admitted.sort(Comparator.comparingInt(fiber -> fiber.number));
        for (SimulatedFiber fiber : admitted) {
            entering.remove(fiber);
            runnable.add(fiber);
        }
    }

    // --- from the JDK ---

    private void enqueue(Runnable continuation) {
        boolean own = Carrier.current() == thread;
        if (closed && !own) {
            // may be a thread of the JDK's own that inherited this scheduler: it must go on
            FiberThreads.jdkScheduler().execute(continuation);
            return;
        }
        if (!own && starting == null) {
            arrived.add(continuation);
            return;
        }
        boolean before = busy;
        busy = true;
        SimulatedFiber fiber = live.get(continuation);
        if (fiber == null) {
            fiber = starting != null ? starting : adopt(continuation);
        }
        if (!entering.isEmpty()) {
            entering.remove(fiber);
        }
        runnable.add(fiber);
        busy = before;
    }

    /** A virtual thread that was made by another way than the scheduler's: it inherits it. */
    private SimulatedFiber adopt(Runnable continuation) {
        Thread t = FiberInternals.threadOf(continuation);
        int number = ++fiberNumbers;
        String given = t == null ? "" : t.getName();
        if (t != null) {
            FiberInternals.seedRandom(t, forThreads.nextLong());
        }
        var fiber =
                new SimulatedFiber(
                        number,
                        continuation,
                        t,
                        null,
                        given.isEmpty() ? "thread-" + number : given,
                        currentHost(),
                        order.nextLong());
        live.put(continuation, fiber);
        return fiber;
    }

    private Timer addTimer(Runnable action, long nanos) {
        Step step = current;
        String name = step == null ? "from outside" : step.name;
        return addTimer(action, nanos, new Step.Origin(name, currentHost()));
    }

    Timer addTimer(Runnable action, long nanos, Step.Origin origin) {
        boolean before = busy;
        busy = true;
        try {
            return timers.add(action, nanos, origin);
        } finally {
            busy = before;
        }
    }

    /** Unparks a fiber without giving way. */
    void wake(Thread fiber) {
        boolean before = busy;
        busy = true;
        try {
            Parker.unpark(fiber);
        } finally {
            busy = before;
        }
    }

    /** Whether the caller may change something: it is inside, or nothing runs. */
    boolean mayWork() {
        return isInside() || !driving;
    }

    private Host currentHost() {
        Host given = startingOn;
        if (given != null) {
            return given;
        }
        Step step = current;
        return step == null ? localHost : step.host;
    }

    // --- Scheduler ---

    /** Lets only the one thread at work in. */
    private void checkAccess() {
        if (!mayWork()) {
            throw new IllegalStateException(
                    "%s runs, and thread %s is no part of it; start everything from inside, or between two runs"
                            .formatted(name(), Thread.currentThread()));
        }
        if (closing) {
            throw new RejectedExecutionException(name() + " is closed and takes no more tasks");
        }
    }

    @Override
    public boolean isInside() {
        return Carrier.current() == thread;
    }

    @Override
    public String name() {
        return "simulation of seed " + settings.seed();
    }

    @Override
    public long nextId() {
        return ++ids;
    }

    @Override
    public void startFiber(TrackedTask task, @Nullable String name, Lane lane) {
        checkAccess();
        alone(() -> start(task, name));
    }

    private boolean start(TrackedTask task, @Nullable String name) {
        boolean before = busy;
        busy = true;
        try {
            spawned++;
            noteAccepted(task, nanoTime());
            int number = ++fiberNumbers;
            Thread t = FiberThreads.unstarted(Access.OPENED, fibers, name, () -> runFiber(task));
            FiberInternals.seedRandom(t, forThreads.nextLong());
            Runnable continuation = FiberInternals.continuationOf(t);
            starting =
                    new SimulatedFiber(
                            number,
                            continuation,
                            t,
                            task,
                            nameOf(task),
                            currentHost(),
                            order.nextLong());
            live.put(continuation, starting);
            t.start();
            return true;
        } finally {
            starting = null;
            busy = before;
        }
    }

    private void runFiber(TrackedTask task) {
        runTask(task);
        taskEnded(task);
    }

    @Override
    public void execute(Runnable body, Lane lane) {
        add("job", () -> runJob(body));
    }

    private void runJob(Runnable body) {
        boolean succeeded = false;
        try {
            body.run();
            succeeded = true;
        } catch (Throwable e) {
            hooks().failed("a job of " + name(), e);
        } finally {
            Thread.interrupted();
            count(succeeded ? TrackedTask.Ending.COMPLETED : TrackedTask.Ending.FAILED);
        }
    }

    @Override
    public void startSteps(TrackedTask task, Runnable step) {
        add("step", step);
    }

    private void add(String what, Runnable body) {
        checkAccess();
        alone(
                () -> {
                    spawned++;
                    queue(what, body);
                    return true;
                });
    }

    /** Does something on the simulation's thread right away, else when it is nobody's turn. */
    private <T> T alone(Supplier<T> action) {
        if (isInside()) {
            return action.get();
        }
        turn.lock();
        try {
            return action.get();
        } finally {
            turn.unlock();
        }
    }

    private void queue(String what, Runnable body) {
        Host host = currentHost();
        runnable.add(new Step.Plain(what, body, host.toString(), host, order.nextLong()));
    }

    @Override
    public void resume(Runnable step) {
        if (!mayWork()) {
            intruder = Thread.currentThread();
            return;
        }
        alone(
                () -> {
                    queue("step", step);
                    return true;
                });
    }

    @Override
    public void yield(Runnable step) {
        resume(step);
    }

    @Override
    public void taskEnded(TrackedTask task) {
        count(endingOf(task));
    }

    private void count(TrackedTask.Ending ending) {
        switch (ending) {
            case COMPLETED -> completed++;
            case FAILED -> failed++;
            case CANCELLED -> cancelled++;
        }
    }

    /** As a fiber: there is no other thread that it could hold. */
    @Override
    public void startBlocking(TrackedTask task) {
        startFiber(task, null, Lane.NORMAL);
    }

    /** Nobody else waits for the thread that could be spared. */
    @Override
    public void leaveWorker() {}

    @Override
    public Timer schedule(Runnable action, long delayNanos) {
        checkAccess();
        return alone(() -> addTimer(action, delayNanos));
    }

    @Override
    public InetAddress[] resolve(String host) throws IOException {
        return currentHost().resolve(host);
    }

    @Override
    public IoDriver driver() {
        return currentHost().driver();
    }

    @Override
    public void resize(int count) {
        throw new UnsupportedOperationException(name() + " has one thread");
    }

    @Override
    public long stallNanos() {
        return settings.stallNanos();
    }

    @Override
    public void stallNanos(long nanos) {
        throw new UnsupportedOperationException(
                name() + " has no watchdog, set the most time for a step when it starts");
    }

    // --- the end ---

    /**
     * Cancels what has not ended and lets it end, within a bound of steps, however long the given
     * time is; then ends the thread.
     */
    @Override
    public void close(long timeoutNanos) {
        if (isInside()) {
            throw new IllegalStateException("a fiber cannot close its own simulation");
        }
        if (closing) {
            return;
        }
        closing = true;
        tellClosingListeners();
        if (!stop && started) {
            cancelAll();
        }
        closed = true;
        drives.add(new Drive(() -> true)); // ends the thread
    }

    private void cancelAll() {
        long last = steps + CLOSING_STEPS;
        try {
            boolean[] first = {true};
            drive(
                    () -> {
                        if (first[0]) {
                            first[0] = false;
                            network.closeAll();
                            liveFibers().forEach(this::cancel);
                        }
                        return steps >= last
                                || runnable.isEmpty() && timers.nextDeadline() == Long.MAX_VALUE;
                    });
        } catch (SimulationFailure e) {
            LOG.log(Level.DEBUG, "while it was closed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!live.isEmpty()) {
            LOG.log(
                    Level.DEBUG,
                    "%s is closed with fibers that do not end:\n%s"
                            .formatted(name(), FiberListing.of(liveFibers())));
        }
    }

    private void cancel(SimulatedFiber fiber) {
        if (fiber.task != null) {
            cancelTask(fiber.task);
        } else if (fiber.thread != null) {
            fiber.thread.interrupt();
        }
    }

    @Override
    public boolean isClosing() {
        return closing;
    }

    @Override
    public boolean isClosed() {
        return closed;
    }

    @Override
    public RuntimeMetrics metrics() {
        var none = new LatencyHistogram(new long[LatencyHistogram.BUCKETS]);
        return new RuntimeMetrics(
                name(),
                "simulation",
                Access.OPENED.label(),
                List.of(),
                spawned - completed - failed - cancelled,
                spawned,
                completed,
                failed,
                cancelled,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                timers.pending(),
                timers.scheduled(),
                timers.fired(),
                timers.scheduled() - timers.fired() - timers.pending(),
                0,
                0,
                0,
                0,
                0,
                0,
                forcedYields(),
                1,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                none,
                none,
                Stream.of(SocketKind.values()).map(SocketMetrics::none).toList());
    }
}
