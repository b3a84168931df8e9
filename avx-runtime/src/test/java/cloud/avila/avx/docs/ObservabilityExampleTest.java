package cloud.avila.avx.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.metrics.Deadlock;
import cloud.avila.avx.metrics.FiberDump;
import cloud.avila.avx.metrics.TaskState;
import cloud.avila.avx.sync.Mutex;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;

class ObservabilityExampleTest {
    private final List<String> alerts = new ArrayList<>();

    /** What a health check or an operator's command would do. */
    private String inspect(AvxRuntime rt) {
        FiberDump dump =
                rt.dumpFibers(
                        FiberDump.Options.defaults()
                                .withNameContaining("transfer")
                                .withStates(TaskState.WAITING)
                                .withMaxStacks(10));
        for (Deadlock deadlock : dump.deadlocks()) {
            alerts.add(deadlock.toString());
        }
        return dump.toText();
    }

    @Test
    void twoTransfersThatLockInOppositeOrderAreFound() throws Exception {
        var config = RuntimeConfig.builder().shutdownTimeout(Duration.ZERO).build();
        try (var rt = AvxRuntime.create(config)) {
            var from = new Mutex();
            var to = new Mutex();
            var both = new CyclicBarrier(2);
            rt.spawn("transfer-1", () -> transfer(from, to, both));
            rt.spawn("transfer-2", () -> transfer(to, from, both));
            String text = inspect(rt);
            while (alerts.isEmpty()) {
                Thread.sleep(5);
                text = inspect(rt);
            }
            assertEquals(1, alerts.size());
            assertTrue(text.contains("held by \"transfer-2\""), text);
        }
    }

    private static int transfer(Mutex first, Mutex second, CyclicBarrier both) throws Exception {
        try (var a = first.acquire()) {
            both.await();
            try (var b = second.acquire()) {
                return 1;
            }
        }
    }
}
