package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringUdpSocketTest extends UdpSocketTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
