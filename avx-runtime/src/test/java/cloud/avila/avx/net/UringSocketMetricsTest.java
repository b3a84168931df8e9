package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class UringSocketMetricsTest extends SocketMetricsTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
