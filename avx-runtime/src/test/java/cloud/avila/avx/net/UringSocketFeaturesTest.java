package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringSocketFeaturesTest extends SocketFeaturesTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
