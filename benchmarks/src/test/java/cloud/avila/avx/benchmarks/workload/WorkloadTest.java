package cloud.avila.avx.benchmarks.workload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

class WorkloadTest {
    @ParameterizedTest
    @EnumSource
    void everySpawnCaseEndsOnAvxAndOnItsPeer(SpawnCase c) throws InterruptedException {
        for (String name : new String[] {"avx", c.usesJobs() ? "forkjoin" : "jdk-virtual"}) {
            try (Contestant contestant = Contestant.open(name, c.usesJobs(), 2)) {
                c.run(contestant);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "avx, MPSC_BOUNDED",
        "avx, MPSC_UNBOUNDED",
        "linked-queue, MPSC_BOUNDED",
        "linked-queue, MPSC_UNBOUNDED",
    })
    void everyChannelCaseEnds(String contestant, ChannelCase c) throws InterruptedException {
        try (Contestant fibers = Pipe.Factory.openFibers(contestant, 2)) {
            c.run(fibers, Pipe.Factory.of(contestant));
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
                        Thread.startVirtualThread(task);
                    }
                };
        var e = assertThrows(IllegalStateException.class, () -> c.run(doubling));
        assertTrue(e.toString().contains("expected 10000 events"), e.toString());
    }

    @ParameterizedTest
    @EnumSource
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
