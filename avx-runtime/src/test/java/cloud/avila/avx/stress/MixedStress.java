package cloud.avila.avx.stress;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.EnterGuard;
import cloud.avila.avx.FiberAccess;
import cloud.avila.avx.ReactorDriver;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.RuntimeMetrics;
import cloud.avila.avx.stress.Scenario.Context;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Uses every part of the runtime at once, at random, and checks the books: in each round one or two
 * runtimes with random settings are opened, a random choice of {@linkplain Scenario scenarios} runs
 * on them, they are closed, and then every task must have ended one way or another, every message
 * and permit be accounted for, every timer and descriptor be gone. A round that does not come to
 * its end dumps all threads. After all rounds the process must not have grown.
 *
 * <p>Runs as a program, {@code java -cp ... cloud.avila.avx.stress.MixedStress}, with {@code
 * -Davx.stress.duration=PT1H} and {@code -Davx.stress.seed=...}, and shortly as {@link
 * MixedStressTest}.
 */
public final class MixedStress {
    private static final Duration HANG = Duration.ofSeconds(120);
    private static final Duration REPORT = Duration.ofSeconds(30);
    private static final int WARM_UP_ROUNDS = 3;
    private static final long HEAP_TOLERANCE = 48L << 20;
    private static final int DESCRIPTOR_TOLERANCE = 4;
    private static final int THREAD_TOLERANCE = 4;

    private static final List<Supplier<Scenario>> SCENARIOS =
            List.of(
                    TaskScenarios.Spawning::new,
                    TaskScenarios.Jobs::new,
                    TaskScenarios.Sleeping::new,
                    TaskScenarios.TimingOut::new,
                    TaskScenarios.JdkBlocking::new,
                    ChannelScenarios.ManyToOne::new,
                    ChannelScenarios.OneToAll::new,
                    ChannelScenarios.Replies::new,
                    LockScenarios.Excluding::new,
                    LockScenarios.Permitting::new,
                    NetScenarios.Echo::new,
                    NetScenarios.Datagrams::new);

    private final Duration duration;
    private final long seed;
    private final PrintStream out;
    private final Progress progress = new Progress();
    private long tasks;
    private long timers;

    MixedStress(Duration duration, long seed, PrintStream out) {
        this.duration = duration;
        this.seed = seed;
        this.out = out;
    }

    /**
     * Runs for the time given by the system property {@code avx.stress.duration}, a minute without
     * it. Exits with status 1 when something is wrong.
     *
     * @param args none
     */
    public static void main(String[] args) {
        var stress = new MixedStress(duration(Duration.ofMinutes(1)), seed(), System.out);
        try {
            stress.run();
        } catch (Throwable t) {
            t.printStackTrace(System.out);
            System.exit(1);
        }
        System.exit(0);
    }

    static Duration duration(Duration otherwise) {
        String text = System.getProperty("avx.stress.duration");
        return text == null ? otherwise : Duration.parse(text);
    }

    static long seed() {
        return Long.getLong("avx.stress.seed", System.nanoTime());
    }

    /** The growth of these over the rounds is a leak. */
    private record Usage(long heap, int descriptors, int threads) {
        static Usage now() throws InterruptedException {
            var memory = ManagementFactory.getMemoryMXBean();
            for (int i = 0; i < 3; i++) {
                System.gc();
                Thread.sleep(100);
            }
            return new Usage(
                    memory.getHeapMemoryUsage().getUsed(),
                    openDescriptors(),
                    platformThreads().size());
        }

        private static int openDescriptors() {
            String[] names = new File("/proc/self/fd").list();
            return names == null ? 0 : names.length;
        }

        @Override
        public String toString() {
            return "heap %d KiB, %d descriptors, %d platform threads"
                    .formatted(heap >> 10, descriptors, threads);
        }
    }

    /** Returns the number of rounds. */
    int run() throws Exception {
        out.printf("MixedStress: %s, -Davx.stress.seed=%d%n", duration, seed);
        var random = new SplittableRandom(seed);
        long start = System.nanoTime();
        long reported = start;
        Usage before = Usage.now();
        int round = 0;
        for (; System.nanoTime() - start < duration.toNanos(); round++) {
            if (round == WARM_UP_ROUNDS) {
                before = Usage.now();
            }
            try {
                round(random.split(), round);
            } catch (Throwable t) {
                throw new AssertionError(
                        "round %d of a run with -Davx.stress.seed=%d".formatted(round, seed), t);
            }
            if (System.nanoTime() - reported > REPORT.toNanos()) {
                reported = System.nanoTime();
                report(round + 1, start);
            }
        }
        Usage after = Usage.now();
        report(round, start);
        out.printf("MixedStress: before %s%nMixedStress: after  %s%n", before, after);
        if (round > WARM_UP_ROUNDS) {
            Scenario.require(
                    after.heap - before.heap < HEAP_TOLERANCE
                            && after.descriptors - before.descriptors < DESCRIPTOR_TOLERANCE
                            && after.threads - before.threads < THREAD_TOLERANCE,
                    "the process has grown: before %s, after %s, with the threads %s",
                    before,
                    after,
                    platformThreads());
        }
        return round;
    }

    /** Without those that the JDK starts for its virtual threads when it needs them, for good. */
    private static List<String> platformThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> !name.startsWith("ForkJoinPool-1-"))
                .filter(name -> !name.startsWith("VirtualThread-"))
                .sorted()
                .toList();
    }

    private void report(int rounds, long start) {
        out.printf(
                "MixedStress: %d s, %d rounds, %d steps, %d tasks, %d timers%s%n",
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                rounds,
                progress.steps(),
                tasks,
                timers,
                residentMemory());
    }

    private static String residentMemory() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS")) {
                    return ", " + line.replaceAll("\\s+", " ");
                }
            }
        } catch (IOException e) {
            return ""; // not Linux
        }
        return "";
    }

    private void round(SplittableRandom random, int number) throws Exception {
        var play = new FutureTask<Void>(() -> play(random, number));
        Thread.ofPlatform().name("stress-round").start(play);
        try {
            play.get(HANG.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError(
                    "a round has not ended within " + HANG + "; all threads: " + dumpThreads(), e);
        }
    }

    private static Path dumpThreads() throws IOException {
        Path file = Files.createTempDirectory("avx-stress").resolve("threads.txt");
        var hotSpot = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
        hotSpot.dumpThreads(file.toString(), ThreadDumpFormat.TEXT_PLAIN);
        return file;
    }

    /** Opens one or two runtimes, lets scenarios run on them, closes them, checks the books. */
    private @Nullable Void play(SplittableRandom random, int number) throws Exception {
        long end = System.nanoTime() + random.nextLong(100_000_000, 2_500_000_000L);
        List<AvxRuntime> runtimes = new ArrayList<>();
        List<Scenario> scenarios = new ArrayList<>();
        List<Future<?>> running = new ArrayList<>();
        boolean strays = random.nextInt(5) == 0;
        try {
            for (int i = random.nextInt(4) == 0 ? 2 : 1; i > 0; i--) {
                runtimes.add(open(random, "stress-" + number + "-" + i, strays));
            }
            for (int i = random.nextInt(1, 9); i > 0; i--) {
                Scenario scenario = SCENARIOS.get(random.nextInt(SCENARIOS.size())).get();
                scenarios.add(scenario);
                AvxRuntime runtime = runtimes.get(random.nextInt(runtimes.size()));
                var cx = new Context(runtime, random.split(), end, progress);
                running.add(start(scenario, cx, random.nextInt(3) > 0));
            }
            for (int i = 0; i < running.size(); i++) {
                try {
                    running.get(i).get();
                } catch (ExecutionException e) {
                    throw new AssertionError("in " + scenarios.get(i), e.getCause());
                }
            }
            if (strays) {
                for (AvxRuntime runtime : runtimes) {
                    var scenario = new TaskScenarios.Strays();
                    scenarios.add(scenario);
                    scenario.run(new Context(runtime, random.split(), end, progress));
                }
            }
        } finally {
            for (AvxRuntime runtime : runtimes) {
                runtime.close();
            }
        }
        for (AvxRuntime runtime : runtimes) {
            checkBooks(runtime);
        }
        for (Scenario scenario : scenarios) {
            scenario.rethrow();
            scenario.verify();
        }
        return null;
    }

    private static AvxRuntime open(SplittableRandom random, String name, boolean strays) {
        int workers = random.nextInt(1, 5);
        return AvxRuntime.create(
                RuntimeConfig.builder()
                        .name(name)
                        .threadNamePrefix(name + "-worker-")
                        .workerThreads(workers)
                        .reactorGroupSize(random.nextInt(3) == 0 ? random.nextInt(workers + 1) : 0)
                        .reactorDriver(driver(random))
                        .localQueueCapacity(1 << random.nextInt(1, 9))
                        .injectionQueueCapacity(random.nextInt(3) == 0 ? 100 : 65_536)
                        .fiberAccess(random.nextInt(5) == 0 ? FiberAccess.JDK : FiberAccess.AUTO)
                        .maxBlockingThreads(random.nextInt(1, 20))
                        .blockingKeepAlive(Duration.ofMillis(random.nextInt(1, 200)))
                        // the machine may be busy with other things; a hang is found otherwise
                        .stallThreshold(Duration.ofSeconds(random.nextInt(2) * 20))
                        .shutdownTimeout(strays ? Duration.ofMillis(50) : Duration.ofSeconds(60))
                        .build());
    }

    /** On Linux sometimes io_uring, which gives way to epoll where it is refused. */
    private static ReactorDriver driver(SplittableRandom random) {
        boolean other = random.nextInt(3) == 0;
        return other && System.getProperty("os.name").equals("Linux")
                ? ReactorDriver.IO_URING
                : ReactorDriver.AUTO;
    }

    private static Future<?> start(Scenario scenario, Context cx, boolean onFiber)
            throws InterruptedException {
        if (onFiber) {
            return cx.spawn(
                    () -> {
                        scenario.run(cx);
                        return null;
                    });
        }
        var task =
                new FutureTask<Void>(
                        () -> {
                            try (EnterGuard g = cx.runtime().enter()) {
                                scenario.run(cx);
                            }
                            return null;
                        });
        Thread.ofPlatform().name(scenario.toString()).start(task);
        return task;
    }

    private void checkBooks(AvxRuntime runtime) {
        RuntimeMetrics m = runtime.metrics();
        String books = m.toString();
        Scenario.requireEqual(0, m.live(), "live tasks of " + books);
        Scenario.requireEqual(
                m.spawned(), m.completed() + m.failed() + m.cancelled(), "ended tasks of " + books);
        Scenario.requireEqual(
                m.timersScheduled(),
                m.timersFired() + m.timersCancelled() + m.timersPending(),
                "timers of " + books);
        Scenario.requireEqual(0, m.timersPending(), "pending timers of " + books);
        Scenario.requireEqual(0, m.registeredSockets(), "sockets of " + books);
        Scenario.requireEqual(0, m.injectionQueueDepth(), "tasks waiting in " + books);
        Scenario.requireEqual(0, m.blockingThreads(), "blocking threads of " + books);
        tasks += m.spawned();
        timers += m.timersScheduled();
    }
}
