package cloud.avila.avx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.function.Consumer;

/** Runtimes whose books must balance when they are closed. */
final class Books {
    /** A test's code. */
    interface Body {
        void run(AvxRuntime rt) throws Exception;
    }

    private Books() {}

    /** Runs a test with a runtime and checks that no accepted task was lost. */
    static void balanced(Body body) throws Exception {
        balanced(config -> {}, body);
    }

    static void balanced(Consumer<RuntimeConfig.Builder> settings, Body body) throws Exception {
        var config =
                RuntimeConfig.builder()
                        .name("balanced")
                        .workerThreads(2)
                        .shutdownTimeout(Duration.ofSeconds(20));
        settings.accept(config);
        AvxRuntime rt = AvxRuntime.create(config.build());
        try (rt) {
            body.run(rt);
        }
        assertTrue(rt.isClosed());
        var m = rt.metrics();
        assertEquals(
                m.spawned(),
                m.completed() + m.failed() + m.cancelled(),
                () -> "tasks were lost: " + m);
    }
}
