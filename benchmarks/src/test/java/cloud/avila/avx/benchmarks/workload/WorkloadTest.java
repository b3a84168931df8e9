package cloud.avila.avx.benchmarks.workload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class WorkloadTest {
    @ParameterizedTest
    @EnumSource
    void everySpawnCaseEndsOnAvx(SpawnCase c) throws Exception {
        run(c, "avx");
    }

    /** All but those with a load that keeps a ForkJoinPool from taking tasks from outside. */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.MATCH_NONE,
            names = {"JOB_REMOTE_BUSY", "FIBER_JOINED_BUSY_.*", "POLL_.*"})
    void everySpawnCaseEndsOnItsPeer(SpawnCase c) throws Exception {
        run(c, c.kind() == Contestant.Kind.JOB ? "forkjoin" : "jdk-virtual");
    }

    private static void run(SpawnCase c, String name) throws Exception {
        try (Contestant contestant = Contestant.open(name, c.kind(), 2)) {
            c.run(contestant, c == SpawnCase.FIBER_SKYNET ? 11_111 : c.operations());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "channel, mpsc-bounded, avx",
        "channel, mpsc-bounded, linked-queue",
        "channel, mpsc-bounded, array-queue",
        "channel, mpsc-unbounded, avx",
        "channel, mpsc-unbounded, linked-queue",
        "channel, mpsc-full, avx",
        "channel, mpsc-create, avx",
        "channel, mpsc-create, linked-queue",
        "channel, mpsc-create, jox",
        "channel, mpsc-alone-bounded, avx",
        "channel, mpsc-alone-bounded, array-queue",
        "channel, mpsc-alone-unbounded, avx",
        "channel, mpmc-bounded, avx",
        "channel, mpmc-bounded, linked-queue",
        "channel, mpmc-bounded, jox",
        "channel, rendezvous, avx",
        "channel, rendezvous, synchronous-queue",
        "channel, rendezvous, jox",
        "channel, buffered-16, avx",
        "channel, buffered-16, array-queue",
        "channel, buffered-16, jox",
        "channel, buffered-100, avx",
        "channel, chained-0, avx",
        "channel, chained-0, synchronous-queue",
        "channel, chained-0, jox",
        "channel, chained-16, avx",
        "channel, chained-16, array-queue",
        "channel, chained-16, jox",
        "channel, broadcast-10, avx",
        "channel, broadcast-10, linked-queue",
        "channel, watch-10, avx",
        "channel, oneshot, avx",
        "channel, oneshot, completable-future",
        "channel, select, avx",
        "channel, select, jox",
        "latency, among-yields, avx",
        "latency, among-yields, jdk-virtual",
        "latency, among-spawns, avx",
        "latency, among-spawns, jdk-virtual",
    })
    void everyOtherCaseEndsAndHasAValueForEachRow(String group, String id, String contestant)
            throws Exception {
        check(Workload.open(group, id, contestant, 2));
    }

    @ParameterizedTest
    @CsvSource({
        "pending, avx",
        "pending, scheduled-pool",
        "pending, hashed-wheel",
        "fire, avx",
        "fire, scheduled-pool",
        "fire, hashed-wheel",
        "fiber-timeout, avx",
        "fiber-timeout, jdk-virtual",
        "fiber-sleep, avx",
        "fiber-sleep, jdk-virtual",
    })
    void everyTimerCaseEndsAndHasAValueForEachRow(String id, String contestant) throws Exception {
        check(TimerCase.open(id, contestant, 2, 10_000));
    }

    @ParameterizedTest
    @EnumSource
    void everySyncCaseEndsOnEveryContestant(SyncCase c) throws Exception {
        for (String contestant : List.of("avx", "jdk-virtual", "juc-fibers")) {
            check(c.open(contestant, 2));
        }
    }

    private static void check(Workload opened) throws Exception {
        try (Workload workload = opened) {
            double[] values = workload.run();
            assertEquals(workload.rows().size(), values.length);
            for (double value : values) {
                assertTrue(value > 0, workload.rows() + " " + Arrays.toString(values));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = SpawnCase.class,
            names = {"JOB_LOCAL", "JOB_REMOTE", "FIBER_SPAWN", "FIBER_SPAWN_REMOTE"})
    void aTaskThatRunsTwiceIsNoticed(SpawnCase c) {
        var started = new AtomicInteger();
        Spawner doubling =
                task -> {
                    Thread.startVirtualThread(task);
                    if (started.incrementAndGet() == 5_000) {
                        task.run(); // here: as the last of all it would go unnoticed
                    }
                };
        var e = assertThrows(IllegalStateException.class, () -> c.run(doubling, c.operations()));
        assertTrue(e.toString().contains("expected 10000 events"), e.toString());
    }

    @ParameterizedTest
    @EnumSource(
            value = ChannelCase.class,
            names = {"MPSC_BOUNDED", "MPSC_UNBOUNDED", "MPMC_BOUNDED", "BUFFERED_16"})
    void aMessageThatIsReplacedIsNoticed(ChannelCase c) {
        var sent = new AtomicInteger();
        Pipe.Factory faulty =
                capacity -> {
                    Pipe sound = new Pipe.LinkedQueue(capacity);
                    return new Pipe() {
                        @Override
                        public void send(Integer message) throws InterruptedException {
                            sound.send(sent.incrementAndGet() == 7_000 ? message + 1 : message);
                        }

                        @Override
                        public Integer receive() throws InterruptedException {
                            return sound.receive();
                        }
                    };
                };
        assertThrows(
                IllegalStateException.class,
                () -> c.run(task -> Thread.startVirtualThread(task), faulty));
    }

    @Test
    void aLostEventIsNoticed() {
        var tally = new Tally(3, 6, Duration.ofMillis(20));
        tally.add(1);
        tally.add(2);
        var e = assertThrows(IllegalStateException.class, tally::await);
        assertEquals(
                "expected 3 events with the sum 6, but got 2 with the sum 3 after PT0.02S",
                e.getMessage());
    }
}
