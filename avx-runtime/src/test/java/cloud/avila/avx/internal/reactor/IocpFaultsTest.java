package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.reactor.IoDriver.ConnectSettings;
import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Future;

/** The driver with faults of the system underneath. */
@Tag("windows")
@Timeout(120)
class IocpFaultsTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int ALWAYS = Integer.MAX_VALUE - 100_000;
    private static final ListenSettings LISTEN = new ListenSettings(16, true, false, 16 << 10);
    private static final DatagramSettings DATAGRAM =
            new DatagramSettings(false, false, 0, 0, false);

    private final List<FaultyWinsock> bindings = new ArrayList<>();
    private final List<IocpDriver> drivers = new ArrayList<>();

    private FaultyWinsock winsock() {
        return kept(new FaultyWinsock());
    }

    private <W extends FaultyWinsock> W kept(W winsock) {
        bindings.add(winsock);
        return winsock;
    }

    private IocpDriver open(Winsock winsock) throws IOException {
        IocpDriver driver = IocpDriver.open(winsock, true);
        drivers.add(driver);
        return driver;
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        for (IocpDriver driver : drivers) {
            // who was in the middle of a call ends the driver
            for (int i = 0; i < 500 && driver.memory.inUse() > 0; i++) {
                Thread.sleep(10);
            }
            assertEquals(0, driver.memory.pending(), "operations with the system");
            assertEquals(0, driver.memory.inUse(), "blocks of operations");
        }
        drivers.clear();
        for (FaultyWinsock winsock : bindings) {
            winsock.assertBalanced();
        }
        bindings.clear();
    }

    /**
     * Every call is made to fail at its n-th use with each error, n rising until a run passes
     * untouched. Each run must end, as it may, and leave nothing open.
     */
    @ParameterizedTest
    @CsvSource({
        "socket, 10024 10055 10047, true",
        "bind, 10048 10049 10013, true",
        "listen, 10048 10024, true",
        "connect, 10051 10065, true",
        "getsockname, 10055, true",
        "getpeername, 10057 10055, true",
        "setsockopt, 10022 10055, true",
        "getsockopt, 10042, false",
        "ioctlsocket, 10022, true",
        "wsaIoctl, 10022 10045 10050, true",
        "extension, 10045, true",
        "shutdown, 10022 10050, true",
        "recv, 10035 10054 10053 10055 10060, true",
        "send, 10035 10054 10053 10055, true",
        "recvfrom, 10035 10052 10055, true",
        "sendto, 10035 10051 10055 10013, true",
        "poll, 10055, true",
        "wsaRecv, 10054 10053 10055, true",
        "wsaRecvFrom, 10052 10055, true",
        "acceptEx, 10054 10055 1450 10022, true",
        "connectEx, 10061 10060 10051 10065 10049, true",
        "cancel, 1168 6, false",
        "closesocket, 10050 10035, false",
        "closeHandle, 6, false",
        "createPort, 1450, true",
        "associate, 87 1450, true",
        "notificationModes, 87, false",
        "post, 1450, false",
        "afdOpen, 5, true",
        "afdPoll, 1450, true"
    })
    void whicheverCallFailsNothingStaysOpen(String function, String errors, boolean isTold)
            throws Exception {
        int failed = 0;
        for (String error : errors.split(" ", -1)) {
            for (int use = 1; ; use++) {
                FaultyWinsock faulty = winsock();
                faulty.failUse(function, Integer.parseInt(error), use);
                try {
                    everyOperation(faulty);
                } catch (IOException e) {
                    failed++;
                    assertTrue(String.valueOf(e.getMessage()).contains(error), e::toString);
                }
                nothingIsLeft();
                if (faulty.calls(function) < use) {
                    break;
                }
                assertTrue(use < 100, "the scenario does not come to an end");
            }
        }
        assertEquals(isTold, failed > 0);
    }

    private void everyOperation(FaultyWinsock faulty) throws Exception {
        try (var poller = new PollingThread(open(faulty))) {
            IoDriver driver = poller.driver();
            try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
                var connecting =
                        ThreadKind.VIRTUAL.run(
                                () ->
                                        driver.connect(
                                                listener.localAddress(),
                                                new ConnectSettings(null, false, 0, 16 << 10),
                                                20 * SECOND));
                // a connection that failed is not accepted, and one that did not may take its time
                IoStream accepted = null;
                for (boolean last = false; accepted == null && !last; ) {
                    last = connecting.future().isDone();
                    accepted =
                            listener.accept(
                                    connecting.future().state() == Future.State.SUCCESS
                                            ? 20 * SECOND
                                            : 100_000_000);
                }
                try (IoStream server = accepted;
                        IoStream client = connecting.get()) {
                    assertNotNull(client);
                    if (server != null) {
                        exchange(client, server);
                    }
                }
            }
            try (IoDatagram datagram = driver.datagram(IoDriverContract.loopback(0), DATAGRAM);
                    IoDatagram peer = driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                ByteBuffer buffer = ByteBuffer.allocate(8);
                assertNull(datagram.recvFrom(buffer, 1_000_000));
                peer.sendTo(ByteBuffer.allocate(4), datagram.localAddress(), SECOND);
                assertNotNull(datagram.recvFrom(buffer.clear(), 20 * SECOND));
                peer.sendTo(ByteBuffer.allocate(4), datagram.localAddress(), SECOND);
                assertNotNull(datagram.recvFrom(buffer.clear(), 20 * SECOND));
                assertTrue(peer.connect(datagram.localAddress()));
                peer.sendTo(ByteBuffer.allocate(4), null, SECOND);
                assertEquals(0, datagram.awaitReadable(20 * SECOND));
            }
        }
    }

    private static void exchange(IoStream client, IoStream server) throws Exception {
        byte[] buffer = new byte[64 << 10];
        assertEquals(4, client.send(new byte[4], 0, 4, SECOND));
        assertEquals(4, server.recv(buffer, 0, 8, 20 * SECOND));
        assertEquals(IoDriver.TIMED_OUT, server.recv(buffer, 0, 8, 1_000_000));
        assertEquals(2, client.send(new byte[2], 0, 2, SECOND));
        assertEquals(0, server.awaitReadable(20 * SECOND));
        assertEquals(1, server.peek(ByteBuffer.allocate(1), 20 * SECOND));
        assertEquals(2, server.recv(buffer, 0, 8, 20 * SECOND));
        assertEquals(IoDriver.TIMED_OUT, client.awaitReadable(1_000_000));
        assertEquals(0, client.awaitWritable(20 * SECOND));
        long sent = 0;
        int count;
        while ((count = client.send(buffer, 0, buffer.length, 2_000_000)) > 0) {
            sent += count;
        }
        assertEquals(IoDriver.TIMED_OUT, count);
        assertTrue(client.awaitWritable(1_000_000) <= 0);
        for (long got = 0; got < sent; got += count) {
            count = server.recv(buffer, 0, buffer.length, 20 * SECOND);
            assertTrue(count > 0, "received " + count);
        }
        assertEquals(0, client.awaitWritable(20 * SECOND));
        client.shutdownOutput();
        assertEquals(IoDriver.END_OF_STREAM, server.recv(buffer, 0, 8, 20 * SECOND));
        var reader = ThreadKind.VIRTUAL.run(() -> client.recv(new byte[1], 0, 1, IoDriver.FOREVER));
        for (int i = 0; i < 50 && reader.thread().getState() != Thread.State.WAITING; i++) {
            Thread.sleep(1);
        }
        client.close();
        int result = reader.get();
        assertEquals(IoDriver.CLOSED, result);
    }

    /** Receives and sends bring and take at most so many bytes. */
    private static final class ShortTransfers extends FaultyWinsock {
        private final int most;

        ShortTransfers(int most) {
            this.most = most;
        }

        @Override
        public int recv(NativeScratch s, long socket, MemorySegment to, int length, int flags) {
            return super.recv(s, socket, to, Math.min(length, most), flags);
        }

        @Override
        public int send(NativeScratch s, long socket, MemorySegment from, int length) {
            return super.send(s, socket, from, Math.min(length, most));
        }

        @Override
        public int wsaRecv(
                NativeScratch s,
                long socket,
                MemorySegment buffer,
                MemorySegment flags,
                MemorySegment overlapped) {
            int length = buffer.get(ValueLayout.JAVA_INT, 0);
            buffer.set(ValueLayout.JAVA_INT, 0, Math.min(length, most));
            return super.wsaRecv(s, socket, buffer, flags, overlapped);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64, 4095, 4096, 4097})
    void shortTransfersLoseNothing(int most) throws Exception {
        echoes(kept(new ShortTransfers(most)), most < 64 ? 300 : 40_000);
    }

    /** As with a provider that does not hand out the system's handles. */
    @Test
    void whatSucceedsAtOnceMayBeReportedToo() throws Exception {
        FaultyWinsock faulty = winsock();
        faulty.fail("notificationModes", 87, ALWAYS);
        echoes(faulty, 40_000);
        everyOperation(faulty);
        faulty = winsock();
        faulty.fail("getsockopt", WindowsError.WSAENOPROTOOPT, ALWAYS);
        echoes(faulty, 40_000);
    }

    /** Operations are begun although there is something to take already. */
    @Test
    void operationsThatEndAtOnceAreTaken() throws Exception {
        FaultyWinsock faulty = winsock();
        faulty.fail("recv", WindowsError.WSAEWOULDBLOCK, ALWAYS);
        echoes(faulty, 40_000);
    }

    private void echoes(FaultyWinsock faulty, int bytes) throws Exception {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        try (var poller = new PollingThread(open(faulty));
                IoListener listener = poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                IoStream client = poller.driver().connect(listener.localAddress(), 20 * SECOND);
                IoStream server = listener.accept(20 * SECOND)) {
            assertNotNull(client);
            assertNotNull(server);
            var echo =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                ByteBuffer buffer = ByteBuffer.allocateDirect(5000);
                                while (server.recv(buffer.clear(), 20 * SECOND) > 0) {
                                    buffer.flip();
                                    while (buffer.hasRemaining()) {
                                        server.send(buffer, 20 * SECOND);
                                    }
                                }
                                server.shutdownOutput();
                                return true;
                            });
            var writing =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                for (int at = 0; at < bytes; ) {
                                    at += client.send(data, at, bytes - at, 20 * SECOND);
                                }
                                client.shutdownOutput();
                                return true;
                            });
            byte[] got = new byte[bytes];
            int at = 0;
            for (int count; (count = client.recv(got, at, bytes - at, 20 * SECOND)) > 0; ) {
                at += count;
                if (at == bytes) {
                    break;
                }
            }
            assertTrue(writing.get());
            assertArrayEquals(data, Arrays.copyOf(got, at));
            assertEquals(IoDriver.END_OF_STREAM, client.recv(new byte[1], 0, 1, 20 * SECOND));
            assertTrue(echo.get());
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                WindowsError.WSAEMFILE,
                WindowsError.WSAENOBUFS,
                WindowsError.ERROR_NOT_ENOUGH_MEMORY,
                WindowsError.ERROR_NO_SYSTEM_RESOURCES
            })
    void acceptingWaitsForSocketsAndMemoryAndCounts(int error) throws Exception {
        FaultyWinsock faulty = winsock();
        try (var poller = new PollingThread(open(faulty));
                IoListener listener = poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                IoStream client = poller.driver().connect(listener.localAddress(), 20 * SECOND)) {
            assertNotNull(client);
            faulty.fail("socket", error, 2);
            faulty.fail("acceptEx", error, 2);
            try (IoStream server = listener.accept(60 * SECOND)) {
                assertNotNull(server);
            }
            assertEquals(4, listener.acceptFailures());
        }
    }

    @Test
    void anAcceptorThatWaitsForSocketsCanTimeOutBeInterruptedAndClosed() throws Exception {
        FaultyWinsock faulty = winsock();
        try (var poller = new PollingThread(open(faulty));
                IoListener listener =
                        poller.driver().listen(IoDriverContract.loopback(0), LISTEN)) {
            faulty.fail("acceptEx", WindowsError.WSAENOBUFS, ALWAYS);
            assertNull(listener.accept(0));
            assertNull(listener.accept(50_000_000));
            assertTrue(listener.isOpen());
            var interrupted = ThreadKind.VIRTUAL.run(() -> listener.accept(IoDriver.FOREVER));
            interrupted.awaitParked().thread().interrupt();
            assertThrows(InterruptedException.class, interrupted::get);
            var closed = ThreadKind.VIRTUAL.run(() -> listener.accept(IoDriver.FOREVER));
            closed.awaitParked();
            listener.close();
            assertNull(closed.get());
        }
    }

    @Test
    void acceptingFailsForGoodWithWhatTheSystemSays() throws Exception {
        FaultyWinsock faulty = winsock();
        try (IoDriver driver = open(faulty);
                IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
            faulty.fail("acceptEx", WindowsError.WSAEINVAL, 1);
            var e = assertThrows(SocketException.class, () -> listener.accept(SECOND));
            assertEquals(
                    "accept on "
                            + listener.localAddress()
                            + " failed: WSAEINVAL (10022), invalid argument",
                    e.getMessage());
        }
    }

    @Test
    void aConnectionThatComesAfterTheAcceptorGaveUpIsThereForTheNext() throws Exception {
        try (var poller = new PollingThread(open(winsock()));
                IoListener listener =
                        poller.driver().listen(IoDriverContract.loopback(0), LISTEN)) {
            assertNull(listener.accept(1_000_000));
            try (IoStream client = poller.driver().connect(listener.localAddress(), 20 * SECOND);
                    IoStream server = listener.accept(20 * SECOND)) {
                assertNotNull(client);
                assertNotNull(server);
                assertEquals(client.localAddress(), server.remoteAddress());
            }
            assertNull(listener.accept(1_000_000));
            // one that nobody takes is closed with the listener
            try (IoStream client = poller.driver().connect(listener.localAddress(), 20 * SECOND)) {
                assertNotNull(client);
                listener.close();
                int count;
                try {
                    count = client.recv(new byte[1], 0, 1, 20 * SECOND);
                } catch (SocketException e) {
                    count = IoDriver.END_OF_STREAM;
                }
                assertEquals(IoDriver.END_OF_STREAM, count);
            }
        }
    }

    @Test
    void aFailedWaitIsToldToThePoller() throws Exception {
        FaultyWinsock faulty = winsock();
        try (IoDriver driver = open(faulty)) {
            faulty.fail("dequeue", WindowsError.ERROR_INVALID_HANDLE, 1);
            var e = assertThrows(IOException.class, () -> driver.poll(SECOND));
            assertEquals(
                    "GetQueuedCompletionStatusEx failed: ERROR_INVALID_HANDLE (6), not an open"
                            + " handle",
                    e.getMessage());
            assertEquals(0, driver.poll(0));
        }
    }

    @Test
    void aWakeupIsTriedUntilItSucceeds() throws Exception {
        FaultyWinsock faulty = winsock();
        try (IoDriver driver = open(faulty)) {
            var poller =
                    ThreadKind.PLATFORM.run(
                            () -> {
                                while (driver.wakeups() == 0) {
                                    driver.poll(IoDriver.FOREVER);
                                }
                                return true;
                            });
            faulty.fail("post", WindowsError.ERROR_NO_SYSTEM_RESOURCES, 10);
            while (driver.wakeups() == 0) {
                driver.wakeup();
            }
            assertTrue(poller.get());
            assertEquals(11, faulty.calls("post"));
        }
    }

    @Test
    void theBaseHandleOfALayeredProviderIsAskedForTwice() throws Exception {
        FaultyWinsock faulty = winsock();
        try (var poller = new PollingThread(open(faulty));
                IoListener listener = poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                IoStream client = poller.driver().connect(listener.localAddress(), 20 * SECOND)) {
            assertNotNull(client);
            faulty.fail("wsaIoctl", WindowsError.WSAEOPNOTSUPP, ALWAYS);
            byte[] chunk = new byte[64 << 10];
            var e =
                    assertThrows(
                            IOException.class,
                            () -> {
                                while (client.send(chunk, 0, chunk.length, SECOND) > 0) {
                                    Thread.onSpinWait();
                                }
                            });
            assertTrue(
                    String.valueOf(e.getMessage()).contains("asking for the base handle of"),
                    e::toString);
        }
    }

    /** Nobody polls, so the system's reports stay in the queue. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsPendingKeepsItsMemoryUntilItIsReported(boolean poll) throws Exception {
        IocpDriver driver = open(winsock());
        IoDatagram datagram = driver.datagram(IoDriverContract.loopback(0), DATAGRAM);
        var receiving =
                ThreadKind.VIRTUAL.run(
                        () -> datagram.recvFrom(ByteBuffer.allocate(9), IoDriver.FOREVER));
        receiving.awaitParked();
        assertEquals(1, driver.memory.pending());
        datagram.close();
        assertNull(receiving.get(), "closing wakes although nobody polls");
        assertEquals(0, driver.registered());
        assertEquals(1, driver.memory.pending());
        assertEquals(1, driver.memory.inUse());
        while (poll && driver.memory.pending() > 0) {
            driver.poll(SECOND);
        }
        driver.close();
        assertEquals(0, driver.memory.inUse());
    }

    /** What is written to an operation's memory after its end is found. */
    @Test
    void poisonedMemoryTellsWhoWritesToItLater() {
        var memory = new IocpMemory(true);
        try {
            MemorySegment page = memory.takeBuffer(IocpMemory.PAGE_BYTES);
            memory.giveBuffer(page);
            page.set(ValueLayout.JAVA_BYTE, 17, (byte) 1);
            var e =
                    assertThrows(
                            IllegalStateException.class,
                            () -> memory.takeBuffer(IocpMemory.PAGE_BYTES));
            assertTrue(String.valueOf(e.getMessage()).contains("byte 17 of 4096"), e::toString);
        } finally {
            memory.free();
        }
    }
}
