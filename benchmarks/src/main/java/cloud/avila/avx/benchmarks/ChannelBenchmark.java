package cloud.avila.avx.benchmarks;

import cloud.avila.avx.benchmarks.workload.ChannelCase;
import cloud.avila.avx.benchmarks.workload.Contestant;
import cloud.avila.avx.benchmarks.workload.Operations;
import cloud.avila.avx.benchmarks.workload.Pipe;

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

/** Channels between fibers. */
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
public class ChannelBenchmark {
    /** Who runs the fibers and makes the channel. */
    @Param({"avx", "linked-queue"})
    public String contestant = "";

    @SuppressWarnings("NullAway.Init")
    private Contestant running;

    @SuppressWarnings("NullAway.Init")
    private Pipe.Factory pipes;

    /** Starts the contestant. */
    @Setup
    public void open() {
        pipes = Pipe.Factory.of(contestant);
        running = Pipe.Factory.openFibers(contestant, Runtime.getRuntime().availableProcessors());
    }

    /** Stops it. */
    @TearDown
    public void close() {
        running.close();
    }

    /**
     * One operation of {@link ChannelCase#MPSC_BOUNDED}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.MESSAGES)
    public void mpscBounded() throws InterruptedException {
        ChannelCase.MPSC_BOUNDED.run(running, pipes);
    }

    /**
     * One operation of {@link ChannelCase#MPSC_UNBOUNDED}.
     *
     * @throws InterruptedException if interrupted while waiting for the end
     */
    @Benchmark
    @OperationsPerInvocation(Operations.MESSAGES)
    public void mpscUnbounded() throws InterruptedException {
        ChannelCase.MPSC_UNBOUNDED.run(running, pipes);
    }
}
