package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringStreamOperationsTest extends StreamOperationsTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
