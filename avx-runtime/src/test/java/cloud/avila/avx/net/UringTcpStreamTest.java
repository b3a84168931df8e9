package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringTcpStreamTest extends TcpStreamTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
