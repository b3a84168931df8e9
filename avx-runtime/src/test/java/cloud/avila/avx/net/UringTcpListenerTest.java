package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringTcpListenerTest extends TcpListenerTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
