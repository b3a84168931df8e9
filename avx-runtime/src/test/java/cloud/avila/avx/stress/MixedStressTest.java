package cloud.avila.avx.stress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;

class MixedStressTest {
    @Test
    void everythingAtOnce() throws Exception {
        var stress =
                new MixedStress(
                        MixedStress.duration(Duration.ofSeconds(20)),
                        MixedStress.seed(),
                        System.out);
        assertTrue(stress.run() > 0, "no round was run");
    }
}
