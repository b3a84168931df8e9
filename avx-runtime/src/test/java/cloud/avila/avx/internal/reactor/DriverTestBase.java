package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Opens drivers for tests, and checks afterwards that no descriptor is left open. */
abstract class DriverTestBase {
    static final long SECOND = 1_000_000_000L;
    static final ListenSettings LISTEN = new ListenSettings(128, true, false, 0);
    static final DatagramSettings DATAGRAM = new DatagramSettings(false, false, 0, 0, false);

    @TempDir Path directory;

    final List<AutoCloseable> open = new ArrayList<>();
    private long descriptors;

    /** Opens the driver to test. */
    abstract IoDriver open() throws IOException;

    /** How the system names and numbers an error that Linux knows by this name. */
    String error(String name) {
        return switch (name) {
            case "EBADF" -> "EBADF (9)";
            case "ECONNREFUSED" -> "ECONNREFUSED (111)";
            case "ECONNRESET" -> "ECONNRESET (104)";
            case "EINVAL" -> "EINVAL (22)";
            case "EMSGSIZE" -> "EMSGSIZE (90)";
            case "EPIPE" -> "EPIPE (32)";
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** The longest path that the system takes as the name of a Unix socket. */
    int mostPathBytes() {
        return UnixName.MOST_BYTES;
    }

    @BeforeAll
    static void settle() throws Exception {
        try (var first = new Socket()) { // once one has been closed, the JDK keeps a descriptor
            first.bind(loopback(0));
        }
        Descriptors.settle();
    }

    @BeforeEach
    void countDescriptors() {
        descriptors = Descriptors.count();
    }

    @AfterEach
    void nothingIsLeftOpen() throws Exception {
        for (AutoCloseable each : open.reversed()) {
            each.close();
        }
        Descriptors.assertCount(descriptors);
        nothingIsLeftBelow();
    }

    /** What else has to hold once everything is closed. */
    void nothingIsLeftBelow() throws Exception {}

    final IoDriver polled() throws IOException {
        var poller = new PollingThread(open());
        open.add(poller);
        return poller.driver();
    }

    final IoDriver unpolled() throws IOException {
        IoDriver driver = open();
        open.add(driver);
        return driver;
    }

    /** A thread that has begun to poll for ever: a second poll is refused. */
    static ThreadKind.Running<Integer> polling(IoDriver driver) throws Exception {
        var poll =
                ThreadKind.PLATFORM.run(
                        () -> {
                            for (; ; ) {
                                try {
                                    return driver.poll(IoDriver.FOREVER);
                                } catch (IllegalStateException whileTheOtherPolls) {
                                    Thread.yield();
                                }
                            }
                        });
        for (; ; ) {
            try {
                driver.poll(0);
                Thread.sleep(1);
            } catch (IllegalStateException e) {
                assertEquals("another thread polls this driver", e.getMessage());
                return poll;
            }
        }
    }

    static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    record Pair(IoStream client, IoStream server) {}

    static Pair connect(IoDriver driver) throws Exception {
        try (IoListener listener = driver.listen(loopback(0), LISTEN)) {
            IoStream client = driver.connect(listener.localAddress(), 10 * SECOND);
            IoStream server = listener.accept(10 * SECOND);
            assertNotNull(client);
            assertNotNull(server);
            assertEquals(client.localAddress(), server.remoteAddress());
            assertEquals(server.localAddress(), client.remoteAddress());
            return new Pair(client, server);
        }
    }

    static void assertMessage(String part, Throwable thrown) {
        assertTrue(String.valueOf(thrown.getMessage()).contains(part), thrown::toString);
    }

    static void send(IoStream to, String text) throws Exception {
        assertEquals(
                text.length(),
                to.send(text.getBytes(US_ASCII), 0, text.length(), IoDriver.FOREVER));
    }

    static String recv(IoStream from, int most) throws Exception {
        byte[] buffer = new byte[most];
        int count = from.recv(buffer, 0, most, 20 * SECOND);
        assertTrue(count > 0, () -> "received " + count);
        return new String(buffer, 0, count, US_ASCII);
    }

    static long fill(IoStream stream) throws Exception {
        byte[] chunk = new byte[64 << 10];
        long sent = 0;
        for (int quiet = 0; quiet < 3; ) {
            int count = stream.send(chunk, 0, chunk.length, 20_000_000);
            if (count == IoDriver.TIMED_OUT) {
                quiet++;
            } else {
                sent += count;
                quiet = 0;
            }
        }
        // what is too little for a piece may be enough for a byte
        for (int count = 1; count > 0; sent += Math.max(count, 0)) {
            count = stream.send(chunk, 0, 1, 20_000_000);
        }
        return sent;
    }

    /** Sends until that ends: {@link #fill} may be followed by a little more room. */
    static int sendUntilItEnds(IoStream stream) throws Exception {
        int count;
        do {
            count = stream.send(new byte[1], 0, 1, IoDriver.FOREVER);
        } while (count > 0);
        return count;
    }

    static long drain(IoStream stream, long bytes) throws Exception {
        byte[] chunk = new byte[64 << 10];
        long got = 0;
        while (got < bytes) {
            int count =
                    stream.recv(chunk, 0, (int) Math.min(chunk.length, bytes - got), 20 * SECOND);
            assertTrue(count > 0, () -> "received " + count);
            got += count;
        }
        return got;
    }
}
