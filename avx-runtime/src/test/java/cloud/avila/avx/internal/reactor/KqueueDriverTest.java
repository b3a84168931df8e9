package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import cloud.avila.avx.internal.sys.KqueueModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;

/** On macOS the driver itself; on Linux on a model of the system calls. */
@DisabledOnOs(OS.WINDOWS)
class KqueueDriverTest extends IoDriverContract {
    @Override
    IoDriver open() throws IOException {
        return OS.MAC.isCurrentOs()
                ? IoDrivers.open("kqueue", _ -> {})
                : KqueueDriver.open(new KqueueModel());
    }

    @Override
    String error(String name) {
        return switch (name) {
            case "ECONNREFUSED" -> "ECONNREFUSED (61)";
            case "ECONNRESET" -> "ECONNRESET (54)";
            case "EMSGSIZE" -> "EMSGSIZE (40)";
            default -> super.error(name);
        };
    }

    @Override
    int mostPathBytes() {
        return 103; // struct sockaddr_un of sys/un.h
    }

    @Test
    void autoMeansItOnMacOsOnly() throws Exception {
        assertEquals("kqueue", IoDrivers.best("Mac OS X"));
        assertEquals("epoll", IoDrivers.best("Linux"));
        if (OS.MAC.isCurrentOs()) {
            try (IoDriver driver = IoDrivers.open("auto", _ -> {})) {
                assertEquals("kqueue", driver.name());
            }
        }
    }
}
