package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** Runs on Windows and under Wine only, see docs/networking.md. */
@Tag("windows")
class IocpDriverTest extends IoDriverContract {
    private final List<FaultyWinsock> opened = new ArrayList<>();

    @Override
    IoDriver open() throws IOException {
        var winsock = new FaultyWinsock();
        opened.add(winsock);
        return IocpDriver.open(winsock, true);
    }

    @Override
    String error(String name) {
        return switch (name) {
            case "ECONNREFUSED" -> "WSAECONNREFUSED (10061)";
            case "ECONNRESET" -> "WSAECONNRESET (10054)";
            case "EMSGSIZE" -> "WSAEMSGSIZE (10040)";
            case "EPIPE" -> "WSAESHUTDOWN (10058)";
            default -> super.error(name);
        };
    }

    /** Windows refuses when a backlog is full; Wine leaves that to Linux, which drops. */
    @Override
    InetSocketAddress whereNobodyAnswers(IoDriver driver) throws Exception {
        return WindowsHandles.isWine()
                ? super.whereNobodyAnswers(driver)
                : new InetSocketAddress("192.0.2.1", 9); // RFC 5737: in no network
    }

    /** Wine frees a port when the thread that has begun to accept there has run again. */
    @Override
    IoListener listenAgain(IoDriver driver, InetSocketAddress address) throws Exception {
        long end = System.nanoTime() + 20 * SECOND;
        for (; ; ) {
            try {
                return super.listenAgain(driver, address);
            } catch (BindException e) {
                if (!WindowsHandles.isWine() || System.nanoTime() - end >= 0) {
                    throw e;
                }
                Thread.sleep(1);
            }
        }
    }

    @Override
    void nothingIsLeftBelow() throws Exception {
        for (FaultyWinsock winsock : opened) {
            winsock.assertBalanced();
        }
    }

    @Test
    void autoOpensItOnWindows() throws Exception {
        try (IoDriver driver = IoDrivers.open("auto", _ -> {})) {
            assertEquals("iocp", driver.name());
        }
    }
}
