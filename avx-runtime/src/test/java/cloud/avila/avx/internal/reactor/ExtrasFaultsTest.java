package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** Every call behind Unix sockets, batches, files and descriptors fails at its n-th use. */
@Timeout(120)
@EnabledOnOs(OS.LINUX)
class ExtrasFaultsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int[] ERRORS = {
        LinuxErrno.EINTR,
        LinuxErrno.EINVAL,
        LinuxErrno.ENOMEM,
        LinuxErrno.EMFILE,
        LinuxErrno.ENFILE,
        LinuxErrno.ENOBUFS,
        LinuxErrno.ECONNRESET
    };

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "socketpair",
                "sendmsg",
                "recvmsg",
                "sendmmsg",
                "recvmmsg",
                "sendfile",
                "openPath",
                "lseek",
                "pread",
                "read",
                "fcntl",
                "socket",
                "bind",
                "listen",
                "accept4",
                "connect",
                "recvfrom",
                "sendto",
                "setsockopt",
                "epollCtl"
            })
    void whicheverCallFailsNothingStaysOpen(String function) throws Exception {
        Path file = Files.write(directory.resolve("file"), new byte[100_000]);
        long before = Descriptors.count();
        for (int errno : ERRORS) {
            int failed = 0;
            int round = 0;
            for (int use = 1; ; use++) {
                var faulty = new FaultyLibc();
                faulty.failUse(function, errno, use);
                try {
                    everyOperation(faulty, file, directory.resolve("s" + errno + "-" + round++));
                } catch (IOException e) {
                    failed++;
                }
                Descriptors.assertCount(before);
                if (faulty.calls(function) < use) {
                    break;
                }
                assertTrue(use < 100, "the scenario does not come to an end");
            }
            boolean repeated =
                    switch (function) {
                        case "sendmsg",
                                "recvmsg",
                                "sendmmsg",
                                "recvmmsg",
                                "sendfile",
                                "openPath",
                                "pread",
                                "read",
                                "recvfrom",
                                "sendto",
                                "connect",
                                "accept4" ->
                                true;
                        default -> false;
                    };
            if (errno == LinuxErrno.EINTR && repeated) {
                assertEquals(0, failed, "a signal is nobody's business");
            }
            boolean waited = function.equals("accept4") && errno != LinuxErrno.ECONNRESET;
            boolean copied = function.equals("sendfile") && errno == LinuxErrno.EINVAL;
            if (errno != LinuxErrno.EINTR && !copied && !(waited && errno != LinuxErrno.EINVAL)) {
                assertTrue(failed > 0, function + " failed with " + errno + " unnoticed");
            }
        }
    }

    private static void everyOperation(FaultyLibc faulty, Path file, Path name) throws Exception {
        try (var poller = new PollingThread(EpollDriver.open(faulty))) {
            IoDriver driver = poller.driver();
            UnixName path = UnixName.of(name);
            try (IoUnixListener listener = driver.listenUnix(path, 4);
                    IoUnixStream client = driver.connectUnix(path, 20 * SECOND);
                    IoUnixStream server = listener.accept(20 * SECOND);
                    IoUnixDatagram datagram =
                            driver.datagramUnix(UnixName.of(name.resolveSibling(name + "d")));
                    IoFile opened = driver.openFile(file)) {
                assertNotNull(client);
                assertNotNull(server);
                assertEquals(1, client.send(ByteBuffer.allocate(1), new int[] {0}, SECOND));
                IoUnixStream.Message got = server.recv(ByteBuffer.allocate(9), 1, 20 * SECOND);
                for (int fd : got.descriptors()) {
                    driver.closeDescriptor(fd);
                }
                assertEquals(100_000, opened.size());
                assertEquals(5, opened.read(ByteBuffer.allocate(5), 10));
                assertTrue(client.send(opened, 0, 1_000, 20 * SECOND) > 0);
                assertTrue(server.recv(new byte[2_000], 0, 2_000, 20 * SECOND) > 0);
                assertEquals(
                        3, datagram.sendTo(ByteBuffer.allocate(3), datagram.localName(), SECOND));
                assertNotNull(datagram.recvFrom(ByteBuffer.allocate(3), 20 * SECOND));
            }
            try (IoDatagram udp =
                    driver.datagram(
                            IoDriverContract.loopback(0),
                            new DatagramSettings(false, false, 0, 0, false))) {
                udp.connect(udp.localAddress());
                ByteBuffer[] out = {ByteBuffer.allocate(1), ByteBuffer.allocateDirect(2)};
                assertEquals(2, udp.sendMany(out, null, 20 * SECOND));
                ByteBuffer[] in = {ByteBuffer.allocate(9), ByteBuffer.allocateDirect(9)};
                assertEquals(
                        2, udp.recvMany(in, new IoDatagram.@Nullable Received[2], 20 * SECOND));
                var group =
                        new IoDatagram.Membership(
                                InetAddress.ofLiteral("239.255.77.3"),
                                NetworkInterface.getByInetAddress(
                                        InetAddress.ofLiteral("127.0.0.1")),
                                null);
                udp.join(group);
                udp.leave(group);
            }
            IoUnixStream[] pair = driver.unixPair();
            pair[0].close();
            pair[1].close();
            int eventfd = faulty.eventfd(new NativeScratch(), 1, 0);
            IoDescriptor descriptor;
            try {
                descriptor = driver.descriptor(eventfd, true);
            } catch (IOException e) {
                faulty.close(new NativeScratch(), eventfd); // it stayed ours
                throw e;
            }
            try (descriptor) {
                assertEquals(8, descriptor.read(ByteBuffer.allocate(8), 20 * SECOND));
            }
        }
    }
}
