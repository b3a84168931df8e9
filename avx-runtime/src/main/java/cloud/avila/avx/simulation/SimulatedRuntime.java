package cloud.avila.avx.simulation;

import cloud.avila.avx.Handle;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.internal.fiber.JdkHook;
import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.scheduler.Scheduler;
import cloud.avila.avx.internal.simulation.Host;
import cloud.avila.avx.internal.simulation.SimulatedScheduler;
import cloud.avila.avx.internal.simulation.SimulationFailure;
import cloud.avila.avx.internal.simulation.SimulationSettings;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * A runtime for tests that runs ordinary blocking code on one thread, in an order drawn from a
 * seed, on virtual time. The same seed gives the same run.
 *
 * <pre>{@code
 * try (var sim = SimulatedRuntime.seeded(42)) {
 *     sim.run(() -> {
 *         JoinHandle<String> reply = Handle.current().spawn(() -> client.call());
 *         Thread.sleep(Duration.ofHours(1)); // takes no time
 *         return reply.join();
 *     });
 * }
 * }</pre>
 *
 * <p><b>Order.</b> Where several fibers can go on, the seed decides which does. A fiber gives way
 * where it blocks, and, with a probability drawn from the seed, also before it uses a class of
 * {@code java.util.concurrent}, a {@code VarHandle}, a volatile field of its own class or a
 * monitor, and after it has woken another one. So it is also found what goes wrong only if a thread
 * is interrupted in between.
 *
 * <p><b>Time.</b> It stands still while anything can go on, and jumps to the next timer when
 * nothing can. That holds for the clock of {@code System}, {@code java.time} and {@code
 * java.util.Date}, for {@code Thread.sleep}, and for every timed wait of fibers. It begins on the
 * first of January 2000.
 *
 * <p><b>Needed.</b> The JVM must be started with {@code -javaagent:avx-runtime.jar}. The agent
 * changes how classes look at the clock, and where they may give way, for threads of simulations
 * only.
 *
 * <p><b>Not simulated</b> are platform threads, and what uses them: executors of platform threads,
 * parallel streams, {@code CompletableFuture} without an executor or with a timeout; files, sockets
 * of the JDK; {@code SecureRandom}, {@code UUID.randomUUID}, {@code new Random()} and the identity
 * hash code. A fiber that is woken by another thread ends the run with a {@link
 * SimulationException}. Blocking tasks run as fibers.
 *
 * <p>The methods that run the simulation may be called by one thread outside it at a time, the
 * others also by its fibers. Fibers that are left when {@link #run} returns go on with the next
 * run.
 */
public final class SimulatedRuntime implements AutoCloseable {
    private final long seed;
    private final SimulatedScheduler scheduler;
    private final Handle handle;
    private final SimulatedNetwork network;

    private SimulatedRuntime(SimulationSettings settings) {
        this.seed = settings.seed();
        this.scheduler = new SimulatedScheduler(settings);
        this.network = new SimulatedNetwork(scheduler.network());
        Scheduler before = Scheduler.enter(scheduler);
        try {
            this.handle = Handle.current();
        } finally {
            Scheduler.enter(before);
        }
    }

    /**
     * Makes a simulation with the defaults.
     *
     * @param seed what everything random in it is drawn from
     * @return a new simulation, to be closed
     * @throws IllegalStateException if the JVM was started without the agent
     */
    public static SimulatedRuntime seeded(long seed) {
        return builder().seed(seed).build();
    }

    /**
     * Makes simulations with other settings.
     *
     * @return a builder with the defaults and seed 0
     */
    public static Builder builder() {
        return new Builder();
    }

    /** The settings of a simulation. */
    public static final class Builder {
        private long seed;
        private double preemption = -1;
        private Duration stepTime = Duration.ZERO;
        private long maxSteps = 5_000_000;
        private Duration maxTime = Duration.ofDays(3650);
        private int traceLength = 20_000;
        private Duration stallTimeout = Duration.ofSeconds(20);

        private Builder() {}

        /**
         * Sets the seed.
         *
         * @param value what everything random is drawn from
         * @return this
         */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /**
         * Sets how likely a fiber gives way where another thread could interfere. By default the
         * seed chooses among 1/32, 1/8, 1/4 and 1/2.
         *
         * @param probability from 0 (only where it blocks) to 1
         * @return this
         * @throws IllegalArgumentException if it is none
         */
        public Builder preemption(double probability) {
            if (!(probability >= 0 && probability <= 1)) {
                throw new IllegalArgumentException(
                        "preemption is a probability from 0 to 1, not " + probability);
            }
            preemption = probability;
            return this;
        }

        /**
         * Lets every step, from one point where a fiber gives way to the next, take a random time.
         * By default steps take none, so that time is exact.
         *
         * @param longest the longest time of a step
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder stepTime(Duration longest) {
            if (longest.isNegative()) {
                throw new IllegalArgumentException("stepTime must not be negative: " + longest);
            }
            stepTime = longest;
            return this;
        }

        /**
         * Bounds the steps; by default 5 million.
         *
         * @param steps the most steps of the whole simulation, at least 1
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder maxSteps(long steps) {
            maxSteps = positive("maxSteps", steps);
            return this;
        }

        /**
         * Bounds the virtual time; by default ten years.
         *
         * @param longest the longest time, more than zero
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxTime(Duration longest) {
            positive("maxTime", Deadline.nanos(longest));
            maxTime = longest;
            return this;
        }

        /**
         * Sets how many decisions {@link #trace} keeps; by default the last 20 000.
         *
         * @param decisions at least 1
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder traceLength(int decisions) {
            traceLength = (int) positive("traceLength", decisions);
            return this;
        }

        /**
         * Bounds the real time that one step may take; by default 20 s. A step that takes longer
         * waits for something outside or computes without end.
         *
         * @param longest the longest real time, more than zero
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder stallTimeout(Duration longest) {
            positive("stallTimeout", Deadline.nanos(longest));
            stallTimeout = longest;
            return this;
        }

        private static long positive(String name, long value) {
            if (value <= 0) {
                throw new IllegalArgumentException(name + " must be more than 0, but is " + value);
            }
            return value;
        }

        /**
         * Makes a simulation.
         *
         * @return a new simulation, to be closed
         * @throws IllegalStateException if the JVM was started without the agent
         */
        public SimulatedRuntime build() {
            if (!JdkHook.isDefined()) {
                throw new IllegalStateException(
                        "a simulation needs its agent, without which time in it would be real; start the JVM with -javaagent:"
                                + agentJar()
                                + " (in Maven: the argLine of maven-surefire-plugin)");
            }
            return new SimulatedRuntime(
                    new SimulationSettings(
                            seed,
                            preemption,
                            Deadline.nanos(stepTime),
                            maxSteps,
                            Deadline.nanos(maxTime),
                            traceLength,
                            Deadline.nanos(stallTimeout)));
        }

        private static String agentJar() {
            var source = SimulatedRuntime.class.getProtectionDomain().getCodeSource();
            String path = source == null ? "" : source.getLocation().getPath();
            return path.endsWith(".jar") ? path : "avx-runtime.jar";
        }
    }

    /**
     * Runs a task as a fiber, and everything else with it, until the task has ended.
     *
     * @param task what to run
     * @param <T> what it returns
     * @return what it returned
     * @throws DeadlockException if nothing can go on before it has ended
     * @throws RunawayException if it takes more steps or time than it may
     * @throws SimulationException if a step does not end, or something from outside took part
     * @throws InterruptedException if the calling thread was interrupted; the simulation has
     *     stopped for good
     * @throws Exception what the task threw
     * @throws IllegalStateException if called from inside, or when closed
     */
    public <T extends @Nullable Object> T run(Callable<? extends T> task) throws Exception {
        Objects.requireNonNull(task, "task");
        checkOutside("run");
        JoinHandle<T> main = handle.spawn("main", task);
        drive(main);
        if (main.state() == Future.State.FAILED) {
            switch (main.exceptionNow()) {
                case Error e -> throw e;
                case Exception e -> throw e;
                case Throwable t -> throw new IllegalStateException(t);
            }
        }
        return main.join();
    }

    /**
     * Lets virtual time pass. From outside, runs the simulation until then; from inside, sleeps.
     *
     * @param duration how long; zero or less does nothing
     * @throws RunawayException if it takes more steps or time than it may
     * @throws SimulationException if a step does not end, or something from outside took part
     * @throws InterruptedException if the calling thread was interrupted
     */
    public void advance(Duration duration) throws InterruptedException {
        if (scheduler.isInside()) {
            Thread.sleep(duration);
        } else {
            drive(
                    handle.<@Nullable Object>spawn(
                            "advance",
                            () -> {
                                Thread.sleep(duration);
                                return null;
                            }));
        }
    }

    private void drive(JoinHandle<?> until) throws InterruptedException {
        try {
            scheduler.drive(() -> until.state() != Future.State.RUNNING);
        } catch (SimulationFailure e) {
            throw switch (e.kind()) {
                case DEADLOCK -> new DeadlockException(e.getMessage());
                case RUNAWAY -> new RunawayException(e.getMessage());
                case STALL, INTRUSION -> new SimulationException(e.getMessage());
            };
        }
    }

    private void checkOutside(String method) {
        if (scheduler.isInside()) {
            throw new IllegalStateException(
                    method
                            + " was called on "
                            + Thread.currentThread()
                            + ", a fiber of the simulation itself; use handle().spawn(task).join()"
                            + " here");
        }
    }

    /**
     * The handle to start fibers and jobs with; inside, {@link Handle#current()} is the same.
     *
     * @return the handle
     */
    public Handle handle() {
        return handle;
    }

    /**
     * The network of the simulation's sockets.
     *
     * @return the network
     */
    public SimulatedNetwork network() {
        return network;
    }

    /**
     * A host, made when it is first asked for.
     *
     * @param name its name, in which case does not matter
     * @return the host
     */
    public SimulatedHost host(String name) {
        return new SimulatedHost(this, scheduler.network().host(name));
    }

    <T> T onHost(Host host, Function<Handle, T> start) {
        return scheduler.onHost(host, () -> start.apply(handle));
    }

    /**
     * The seed.
     *
     * @return what everything random is drawn from
     */
    public long seed() {
        return seed;
    }

    /**
     * Virtual time since the simulation was made.
     *
     * @return the time
     */
    public Duration time() {
        return Duration.ofNanos(scheduler.elapsedNanos());
    }

    /**
     * Steps taken so far: how often something was chosen to go on.
     *
     * @return the number
     */
    public long steps() {
        return scheduler.steps();
    }

    /**
     * Random numbers that depend on the seed, for the test's own choices. Drawing from it does not
     * change the order of fibers by itself.
     *
     * @return the generator; for use inside the simulation, or between two runs
     */
    public RandomGenerator random() {
        return scheduler.random();
    }

    /**
     * The decisions taken: for each its virtual time in seconds, what was done and for whom. Two
     * runs of one seed have the same trace, byte for byte.
     *
     * @return a first line with the seed, the number of decisions and a digest of all of them, then
     *     a line for each of the last ones
     */
    public String trace() {
        return scheduler.trace();
    }

    /**
     * Cancels the fibers that are left, runs them to their end and ends the thread. Fibers that do
     * not end are abandoned. Idempotent.
     *
     * @throws IllegalStateException if called from inside
     */
    @Override
    public void close() {
        scheduler.close(0);
    }

    @Override
    public String toString() {
        return "SimulatedRuntime[seed " + seed + ", " + time() + "]";
    }
}
