package cloud.avila.avx.benchmarks;

import cloud.avila.avx.benchmarks.workload.Contestant;
import cloud.avila.avx.benchmarks.workload.Operations;
import cloud.avila.avx.benchmarks.workload.SpawnCase;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;

/** Fibers: may park and yield. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 5,
        jvmArgsAppend = {
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED"
        })
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class FiberBenchmark {
    /** Who runs the fibers. */
    @Param({"avx", "jdk-virtual"})
    public String contestant = "";

    @SuppressWarnings("NullAway.Init")
    private Contestant running;

    /** Starts the contestant. */
    @Setup
    public void open() {
        running = Contestant.open(contestant, false, Runtime.getRuntime().availableProcessors());
    }

    /** Stops it. */
    @TearDown
    public void close() {
        running.close();
    }

    /**
     * One operation of {@link SpawnCase#FIBER_SPAWN}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.SPAWNS)
    public void spawn() throws InterruptedException {
        SpawnCase.FIBER_SPAWN.run(running);
    }

    /**
     * One operation of {@link SpawnCase#FIBER_SPAWN_REMOTE}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.SPAWNS)
    public void spawnRemote() throws InterruptedException {
        SpawnCase.FIBER_SPAWN_REMOTE.run(running);
    }

    /**
     * One operation of {@link SpawnCase#FIBER_CHAINED}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.LINKS)
    public void chained() throws InterruptedException {
        SpawnCase.FIBER_CHAINED.run(running);
    }

    /**
     * One operation of {@link SpawnCase#FIBER_PING_PONG}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.PINGS)
    public void pingPong() throws InterruptedException {
        SpawnCase.FIBER_PING_PONG.run(running);
    }

    /**
     * One operation of {@link SpawnCase#FIBER_TOKEN}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.TURNS)
    public void token() throws InterruptedException {
        SpawnCase.FIBER_TOKEN.run(running);
    }

    /**
     * One operation of {@link SpawnCase#FIBER_YIELD}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.YIELDS)
    public void yield() throws InterruptedException {
        SpawnCase.FIBER_YIELD.run(running);
    }
}
