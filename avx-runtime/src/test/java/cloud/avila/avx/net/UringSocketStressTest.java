package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringSocketStressTest extends SocketStressTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
