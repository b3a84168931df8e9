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

/** Jobs: run to completion on a worker, go on by callbacks. */
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
public class JobBenchmark {
    /** Who runs the jobs. */
    @Param({"avx", "forkjoin"})
    public String contestant = "";

    @SuppressWarnings("NullAway.Init")
    private Contestant running;

    /** Starts the contestant. */
    @Setup
    public void open() {
        running = Contestant.open(contestant, true, Runtime.getRuntime().availableProcessors());
    }

    /** Stops it. */
    @TearDown
    public void close() {
        running.close();
    }

    /**
     * One operation of {@link SpawnCase#JOB_LOCAL}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.SPAWNS)
    public void local() throws InterruptedException {
        SpawnCase.JOB_LOCAL.run(running);
    }

    /**
     * One operation of {@link SpawnCase#JOB_REMOTE}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.SPAWNS)
    public void remote() throws InterruptedException {
        SpawnCase.JOB_REMOTE.run(running);
    }

    /**
     * One operation of {@link SpawnCase#JOB_CHAINED}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.LINKS)
    public void chained() throws InterruptedException {
        SpawnCase.JOB_CHAINED.run(running);
    }

    /**
     * One operation of {@link SpawnCase#JOB_PING_PONG}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.PINGS)
    public void pingPong() throws InterruptedException {
        SpawnCase.JOB_PING_PONG.run(running);
    }
}
