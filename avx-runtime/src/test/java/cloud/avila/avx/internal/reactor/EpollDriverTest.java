package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.metrics.SocketKind;
import cloud.avila.avx.metrics.SocketMetrics;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

@EnabledOnOs(OS.LINUX)
class EpollDriverTest extends IoDriverContract {
    private static final long SECOND = 1_000_000_000L;
    private static final ListenSettings LISTEN = new ListenSettings(16, true, false, 0);
    private static final DatagramSettings DATAGRAM =
            new DatagramSettings(false, false, 0, 0, false);

    @Override
    IoDriver open() throws IOException {
        return IoDrivers.open("epoll", _ -> {});
    }

    @Test
    void autoOpensItOnLinux() throws Exception {
        try (IoDriver driver = IoDrivers.open("auto", _ -> {})) {
            assertEquals("epoll", driver.name());
        }
    }

    @Test
    void anUnknownDriverIsAnErrorThatNamesTheKnownOnes() {
        var e = assertThrows(IllegalArgumentException.class, () -> IoDrivers.open("poll", _ -> {}));
        assertEquals(
                "there is no I/O driver \"poll\"; there are \"auto\", \"epoll\", \"io_uring\","
                        + " \"kqueue\" and \"iocp\"",
                e.getMessage());
    }

    /** With faults of the system underneath. */
    @Nested
    @Timeout(120)
    class WithFaults {
        private final FaultyLibc libc = new FaultyLibc();

        @Test
        void withoutNanosecondWaitsItRoundsUpToMilliseconds() throws Exception {
            libc.fail("epollPwait2", LinuxErrno.ENOSYS, Integer.MAX_VALUE - 1);
            try (IoDriver driver = EpollDriver.open(libc)) {
                for (long nanos : new long[] {1, 2_500_000}) {
                    long start = System.nanoTime();
                    assertEquals(0, driver.poll(nanos));
                    assertTrue(System.nanoTime() - start >= nanos);
                }
                assertEquals(1, libc.calls("epollPwait2"), "tried once only");
            }
        }

        @Test
        void aPollThatASignalInterruptsHasNoEvents() throws Exception {
            libc.fail("epollWait", LinuxErrno.EINTR, 1);
            try (IoDriver driver = EpollDriver.open(libc)) {
                assertEquals(0, driver.poll(IoDriver.FOREVER));
            }
        }

        @Test
        void signalsAreNotSeenByOperations() throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(libc));
                    IoListener listener =
                            poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                    IoDatagram datagram =
                            poller.driver().datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                libc.fail("accept4", LinuxErrno.EINTR, 2);
                libc.fail("connect", LinuxErrno.EINTR, 1);
                libc.fail("recv", LinuxErrno.EINTR, 2);
                libc.fail("send", LinuxErrno.EINTR, 2);
                libc.fail("recvfrom", LinuxErrno.EINTR, 2);
                libc.fail("sendto", LinuxErrno.EINTR, 2);
                var connecting =
                        ThreadKind.VIRTUAL.run(
                                () ->
                                        poller.driver()
                                                .connect(listener.localAddress(), 20 * SECOND));
                try (IoStream server = listener.accept(20 * SECOND);
                        IoStream client = connecting.get()) {
                    assertNotNull(server);
                    assertNotNull(client);
                    assertEquals(3, server.send(new byte[] {1, 2, 3}, 0, 3, SECOND));
                    byte[] got = new byte[3];
                    assertEquals(3, client.recv(got, 0, 3, 20 * SECOND));
                    assertArrayEquals(new byte[] {1, 2, 3}, got);
                }
                assertEquals(
                        5,
                        datagram.sendTo(ByteBuffer.allocate(5), datagram.localAddress(), SECOND));
                assertNotNull(datagram.recvFrom(ByteBuffer.allocate(9), 20 * SECOND));
            }
        }

        @ParameterizedTest
        @ValueSource(
                ints = {
                    LinuxErrno.EMFILE,
                    LinuxErrno.ENFILE,
                    LinuxErrno.ENOBUFS,
                    LinuxErrno.ENOMEM
                })
        void acceptingWaitsForDescriptorsAndCounts(int errno) throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(libc));
                    IoListener listener =
                            poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                    IoStream client =
                            poller.driver().connect(listener.localAddress(), 20 * SECOND)) {
                assertNotNull(client);
                libc.fail("accept4", errno, 4);
                try (IoStream server = listener.accept(60 * SECOND)) {
                    assertNotNull(server);
                }
                assertEquals(4, listener.acceptFailures());
                SocketMetrics counted =
                        poller.driver().socketMetrics().get(SocketKind.TCP_LISTENER.ordinal());
                assertEquals(4, counted.acceptFailures());
                assertEquals(1, counted.accepted());
            }
        }

        @Test
        void anAcceptorThatWaitsForDescriptorsCanTimeOutBeInterruptedAndClosed() throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(libc));
                    IoListener listener =
                            poller.driver().listen(IoDriverContract.loopback(0), LISTEN)) {
                libc.fail("accept4", LinuxErrno.EMFILE, Integer.MAX_VALUE - 1000);
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
        void connectionsThatFailBeforeTheyAreAcceptedAreSkipped() throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(libc));
                    IoListener listener =
                            poller.driver().listen(IoDriverContract.loopback(0), LISTEN);
                    IoStream client =
                            poller.driver().connect(listener.localAddress(), 20 * SECOND)) {
                assertNotNull(client);
                libc.fail("accept4", LinuxErrno.ECONNABORTED, 5);
                try (IoStream server = listener.accept(20 * SECOND)) {
                    assertNotNull(server);
                }
                assertEquals(0, listener.acceptFailures());
            }
        }

        @Test
        void acceptingFailsForGoodWithWhatTheSystemSays() throws Exception {
            try (IoDriver driver = EpollDriver.open(libc);
                    IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
                libc.fail("accept4", LinuxErrno.EINVAL, 1);
                var e = assertThrows(SocketException.class, () -> listener.accept(SECOND));
                assertEquals(
                        "accept on "
                                + listener.localAddress()
                                + " failed: EINVAL (22), invalid argument",
                        e.getMessage());
            }
        }

        @Test
        void aRefusedRegistrationFailsTheOperationOnly() throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(libc));
                    IoDatagram datagram =
                            poller.driver().datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                libc.fail("epollCtl", 28, 1);
                ByteBuffer buffer = ByteBuffer.allocate(9);
                assertThrows(SocketException.class, () -> datagram.recvFrom(buffer, SECOND));
                assertEquals(0, poller.driver().registered());
                assertNull(datagram.recvFrom(buffer, 1_000_000));
                assertEquals(1, poller.driver().registered());
            }
        }

        /**
         * Every call is made to fail at its n-th use, n rising until a run passes untouched. Each
         * run must end, as it may, and leave nothing open.
         */
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "epollCreate",
                    "eventfd",
                    "epollCtl",
                    "socket",
                    "bind",
                    "listen",
                    "accept4",
                    "connect",
                    "getsockname",
                    "setsockopt",
                    "shutdown",
                    "recv",
                    "send",
                    "recvfrom",
                    "sendto",
                    "dup3"
                })
        void whicheverCallFailsNothingStaysOpen(String function) throws Exception {
            long before = Descriptors.count();
            int failed = 0;
            for (int use = 1; ; use++) {
                var faulty = new FaultyLibc();
                faulty.failUse(function, LinuxErrno.EINVAL, use);
                try {
                    everyOperation(faulty);
                } catch (IOException e) {
                    failed++;
                }
                Descriptors.assertCount(before);
                if (faulty.calls(function) < use) {
                    break;
                }
                assertTrue(use < 100, "the scenario does not come to an end");
            }
            // a failing dup3 only delays the end of a connection; the others are told
            assertEquals(function.equals("dup3"), failed == 0);
        }

        private void everyOperation(FaultyLibc faulty) throws Exception {
            try (var poller = new PollingThread(EpollDriver.open(faulty))) {
                IoDriver driver = poller.driver();
                try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN);
                        IoStream client = driver.connect(listener.localAddress(), 20 * SECOND);
                        IoStream server = listener.accept(20 * SECOND);
                        IoDatagram datagram =
                                driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                    assertNotNull(client);
                    assertNotNull(server);
                    assertEquals(4, client.send(new byte[4], 0, 4, SECOND));
                    assertEquals(4, server.recv(new byte[8], 0, 8, 20 * SECOND));
                    assertEquals(IoDriver.TIMED_OUT, server.recv(new byte[8], 0, 8, 1_000_000));
                    client.shutdownOutput();
                    assertEquals(
                            IoDriver.END_OF_STREAM, server.recv(new byte[8], 0, 8, 20 * SECOND));
                    assertNull(datagram.recvFrom(ByteBuffer.allocate(8), 1_000_000));
                    datagram.sendTo(ByteBuffer.allocate(4), datagram.localAddress(), SECOND);
                    assertNotNull(datagram.recvFrom(ByteBuffer.allocate(8), 20 * SECOND));
                    var reader =
                            ThreadKind.VIRTUAL.run(
                                    () -> client.recv(new byte[1], 0, 1, IoDriver.FOREVER));
                    // a failing recv ends it at once
                    while (driver.registered() < 3 && !reader.future().isDone()) {
                        Thread.sleep(1);
                    }
                    client.close();
                    int result = reader.get();
                    assertTrue(
                            result == IoDriver.CLOSED || result == IoDriver.END_OF_STREAM,
                            () -> "result " + result);
                }
            }
        }
    }

    /** An event of a former owner of a descriptor number must not reach the next one. */
    @Test
    void aStaleEventDoesNotReachTheNextOwnerOfTheNumber() throws Exception {
        var libc = new StaleEvents();
        try (var poller = new PollingThread(EpollDriver.open(libc))) {
            IoDriver driver = poller.driver();
            IoDatagram first = driver.datagram(IoDriverContract.loopback(0), DATAGRAM);
            assertNull(first.recvFrom(ByteBuffer.allocate(1), 1_000_000));
            long stale = libc.lastTag.get();
            first.close();
            IoDatagram next = driver.datagram(IoDriverContract.loopback(0), DATAGRAM);
            var receiving =
                    ThreadKind.VIRTUAL.run(
                            () -> next.recvFrom(ByteBuffer.allocate(1), IoDriver.FOREVER));
            receiving.awaitParked();
            assertEquals((int) stale, (int) libc.lastTag.get(), "the number was reused");
            int tries = libc.calls("recvfrom");

            long events = driver.readyEvents();
            libc.extra.set(stale);
            driver.wakeup();
            while (driver.readyEvents() == events) {
                Thread.sleep(1);
            }
            Thread.sleep(50);
            assertEquals(tries, libc.calls("recvfrom"), "the stale event was taken for real");

            libc.extra.set(libc.lastTag.get());
            driver.wakeup();
            while (libc.calls("recvfrom") == tries) {
                Thread.sleep(1);
            }
            assertFalse(receiving.future().isDone(), "a spurious event is no datagram");
            next.close();
            assertNull(receiving.get());
        }
    }

    /** Adds an event of choice to those of the kernel. */
    private static final class StaleEvents extends FaultyLibc {
        private static final long NOTHING = -2;

        final AtomicLong lastTag = new AtomicLong();
        final AtomicLong extra = new AtomicLong(NOTHING);

        @Override
        public int epollCtl(
                NativeScratch scratch, int epoll, int operation, int fd, MemorySegment event) {
            lastTag.set(event.get(ValueLayout.JAVA_LONG_UNALIGNED, LinuxLibc.EPOLL_EVENT_DATA));
            return super.epollCtl(scratch, epoll, operation, fd, event);
        }

        @Override
        public int epollWait(
                NativeScratch scratch, int epoll, MemorySegment events, int max, int millis) {
            int count = super.epollWait(scratch, epoll, events, max - 1, millis);
            long tag = extra.getAndSet(NOTHING);
            if (tag == NOTHING || count < 0) {
                return count;
            }
            long at = (long) count * LinuxLibc.EPOLL_EVENT_BYTES;
            events.set(ValueLayout.JAVA_INT_UNALIGNED, at, LinuxLibc.EPOLLIN);
            events.set(ValueLayout.JAVA_LONG_UNALIGNED, at + LinuxLibc.EPOLL_EVENT_DATA, tag);
            return count + 1;
        }
    }
}
