package cloud.avila.avx.internal.reactor;

import java.io.IOException;

class EpollDriverTest extends IoDriverContract {
    @Override
    IoDriver open() throws IOException {
        return IoDrivers.open("epoll");
    }
}
