package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;

class RuntimeConfigTest {
    record Bad(String part, UnaryOperator<RuntimeConfig.Builder> change) {}

    static List<Bad> badValues() {
        return List.of(
                new Bad(
                        "workerThreads must be between 1 and 1024, but is 0",
                        b -> b.workerThreads(0)),
                new Bad(
                        "workerThreads must be between 1 and 1024, but is 1025",
                        b -> b.workerThreads(1025)),
                new Bad("workerStackSize must be between", b -> b.workerStackSize(1)),
                new Bad("workerStackSize must be between", b -> b.workerStackSize(-1)),
                new Bad("name must not be blank", b -> b.name(" ")),
                new Bad("threadNamePrefix must not be blank", b -> b.threadNamePrefix(" ")),
                new Bad(
                        "localQueueCapacity must be a power of two, but is 100",
                        b -> b.localQueueCapacity(100)),
                new Bad("localQueueCapacity must be between", b -> b.localQueueCapacity(1)),
                new Bad("injectionQueueCapacity must be between", b -> b.injectionQueueCapacity(0)),
                new Bad("maxBlockingThreads must be between", b -> b.maxBlockingThreads(0)),
                new Bad("blockingQueueCapacity must be between", b -> b.blockingQueueCapacity(0)),
                new Bad(
                        "blockingKeepAlive must not be negative, but is PT-1S",
                        b -> b.blockingKeepAlive(Duration.ofSeconds(-1))),
                new Bad(
                        "stallThreshold must not be negative",
                        b -> b.stallThreshold(Duration.ofSeconds(-1))),
                new Bad(
                        "shutdownTimeout must not be negative",
                        b -> b.shutdownTimeout(Duration.ofSeconds(-1))));
    }

    @ParameterizedTest
    @MethodSource("badValues")
    void aBadValueIsRefusedWithItsNameAndRange(Bad bad) {
        var builder = bad.change.apply(RuntimeConfig.builder());
        var error = assertThrows(IllegalArgumentException.class, builder::build);
        assertTrue(String.valueOf(error.getMessage()).startsWith(bad.part), error.getMessage());
    }

    @Test
    void theDefaultsFollowTheMachine() {
        var config = RuntimeConfig.defaults();
        assertEquals(Runtime.getRuntime().availableProcessors(), config.workerThreads());
        assertEquals("avx-worker-", config.threadNamePrefix());
        assertEquals(Duration.ofMillis(100), config.stallThreshold());
    }

    @Test
    void veryLongDurationsAreAccepted() {
        try (var rt =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .workerThreads(1)
                                .shutdownTimeout(Duration.ofSeconds(Long.MAX_VALUE))
                                .stallThreshold(Duration.ofDays(1_000_000))
                                .build())) {
            assertEquals(Duration.ofSeconds(Long.MAX_VALUE), rt.config().shutdownTimeout());
        }
    }
}
