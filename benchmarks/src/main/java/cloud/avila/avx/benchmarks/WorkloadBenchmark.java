package cloud.avila.avx.benchmarks;

import cloud.avila.avx.benchmarks.workload.Workload;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;

/** Any case of the comparison, for a look inside: one score is the time of a whole run. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
        value = 5,
        jvmArgsAppend = {
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED"
        })
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class WorkloadBenchmark {
    /** Group and case, as in the comparison. */
    @Param({"spawn/fiber-spawn", "spawn/fiber-ping-pong", "spawn/job-local"})
    public String workload = "";

    /** Who runs it. */
    @Param("avx")
    public String contestant = "";

    @SuppressWarnings("NullAway.Init")
    private Workload opened;

    /** Starts the contestant. */
    @Setup
    public void open() {
        String[] words = workload.split("/", 2);
        int workers = Runtime.getRuntime().availableProcessors();
        opened = Workload.open(words[0], words[1], contestant, workers);
    }

    /** Stops it. */
    @TearDown
    public void close() {
        opened.close();
    }

    /**
     * One run.
     *
     * @return its values
     * @throws Exception if the run goes wrong
     */
    @Benchmark
    public double[] run() throws Exception {
        return opened.run();
    }
}
