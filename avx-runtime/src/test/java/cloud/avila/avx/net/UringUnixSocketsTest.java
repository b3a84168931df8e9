package cloud.avila.avx.net;

import cloud.avila.avx.ReactorDriver;

class UringUnixSocketsTest extends UnixSocketsTest {
    @Override
    ReactorDriver driver() {
        return ReactorDriver.IO_URING;
    }
}
