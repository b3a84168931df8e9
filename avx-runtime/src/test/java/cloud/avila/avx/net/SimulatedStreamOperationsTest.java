package cloud.avila.avx.net;

import cloud.avila.avx.simulation.SimulatedRuntime;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("simulation")
class SimulatedStreamOperationsTest {
    @Test
    void theSimulatedNetworkDoesWhatTheRealOneDoes() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            SimulatedRuntime.seeded(seed)
                    .run(
                            () -> {
                                StreamOperationsTest.basics(RuntimeSockets.Pair.connect());
                                return true;
                            });
        }
    }
}
