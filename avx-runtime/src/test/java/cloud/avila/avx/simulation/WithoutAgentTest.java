package cloud.avila.avx.simulation;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WithoutAgentTest {
    @Test
    void aJvmWithoutTheAgentIsToldWhatToAdd() {
        var e = assertThrows(IllegalStateException.class, () -> SimulatedRuntime.seeded(1));
        assertTrue(String.valueOf(e.getMessage()).contains("-javaagent:"), e::toString);
    }
}
