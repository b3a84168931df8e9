package cloud.avila.avx.internal.fiber;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JdkBuildTest {
    @ParameterizedTest
    @CsvSource({"25, 2", "25.0.2+10, 2", "25.0.3+9-LTS, 1", "25.0.4, 0", "26, 0", "27.0.1, 0"})
    void knowsTheFaultyBuilds(String version, int faults) {
        assertEquals(faults, JdkBuild.faultsOf(Runtime.Version.parse(version)).size());
    }

    @Test
    void saysWhatToUpdateTo() {
        var fault = JdkBuild.faultsOf(Runtime.Version.parse("25.0.3")).getFirst();
        assertTrue(fault.contains("JDK-8373120"), fault);
        assertTrue(fault.endsWith("update to 25.0.4 or later"), fault);
    }
}
