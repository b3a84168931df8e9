package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeAccess;
import cloud.avila.avx.testing.RequiresIoUring;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

@EnabledOnOs(OS.LINUX)
@RequiresIoUring
class UringDriverTest extends IoDriverContract {
    private static final long SECOND = 1_000_000_000L;
    private static final ListenSettings LISTEN = new ListenSettings(128, true, false, 0);
    private static final DatagramSettings DATAGRAM =
            new DatagramSettings(false, false, 0, 0, false);
    private static final int MODERN = UringDriver.OPTIONAL_FLAGS;

    /** Freed buffers are poisoned: a reader that is late sees the pattern. */
    private static UringDriver.Settings settings(
            int submissions, int completions, int buffers, int bufferBytes) {
        return new UringDriver.Settings(
                new UringQueues.Sizes(submissions, completions, MODERN),
                new UringBuffers.Sizes(buffers, bufferBytes, true));
    }

    @Override
    IoDriver open() throws IOException {
        return UringDriver.open(
                NativeAccess.linux(), NativeAccess.linuxUring(), settings(256, 4096, 512, 4096));
    }

    @Test
    void itIsThereByName() throws Exception {
        try (IoDriver driver = IoDrivers.open("io_uring", _ -> {})) {
            assertEquals("io_uring", driver.name());
        }
    }

    private record Pair(IoStream client, IoStream server) {
        static Pair connect(IoDriver driver) throws Exception {
            try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN)) {
                IoStream client = driver.connect(listener.localAddress(), 20 * SECOND);
                IoStream server = listener.accept(20 * SECOND);
                assertNotNull(client);
                assertNotNull(server);
                return new Pair(client, server);
            }
        }
    }

    private static void sendAll(IoStream to, String text) throws Exception {
        byte[] bytes = text.getBytes(US_ASCII);
        assertEquals(bytes.length, to.send(bytes, 0, bytes.length, 20 * SECOND));
    }

    private static String recvAll(IoStream from, int count) throws Exception {
        byte[] buffer = new byte[count];
        for (int done = 0; done < count; ) {
            int more = from.recv(buffer, done, count - done, 20 * SECOND);
            assertTrue(more > 0, () -> "received " + more);
            done += more;
        }
        return new String(buffer, US_ASCII);
    }

    private static ThreadKind.Running<Integer> reading(IoStream stream) throws Exception {
        return ThreadKind.VIRTUAL
                .run(() -> stream.recv(new byte[1], 0, 1, IoDriver.FOREVER))
                .awaitParked();
    }

    private static boolean isReceiving(IoStream stream) {
        return ((UringStream) stream).isReceiving();
    }

    /** With a system that can be made to fail, and rings of chosen sizes. */
    @Nested
    @Timeout(120)
    class WithChosenRings {
        private final FaultyUring uring = new FaultyUring();
        private final List<AutoCloseable> open = new ArrayList<>();
        private long descriptors;

        @BeforeEach
        void count() {
            descriptors = Descriptors.count();
        }

        @AfterEach
        void nothingIsLeft() throws Exception {
            uring.goOn.countDown();
            for (AutoCloseable each : open.reversed()) {
                each.close();
            }
            Descriptors.assertCount(descriptors);
            assertEquals(0, uring.mapped.get(), "bytes still mapped");
        }

        private UringDriver unpolled(UringDriver.Settings settings) throws IOException {
            UringDriver driver = UringDriver.open(NativeAccess.linux(), uring, settings);
            open.add(driver);
            return driver;
        }

        private IoDriver polled(UringDriver.Settings settings) throws IOException {
            var poller = new PollingThread(UringDriver.open(NativeAccess.linux(), uring, settings));
            open.add(poller);
            return poller.driver();
        }

        private IoDriver polled() throws IOException {
            return polled(settings(64, 256, 16, 4096));
        }

        // ---- refusals ----

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                textBlock =
                        """
                        setup    | 1  | EPERM from io_uring_setup (a seccomp filter, as container runtimes set, or kernel.io_uring_disabled)
                        setup    | 13 | EACCES from io_uring_setup (a seccomp filter, as container runtimes set, or kernel.io_uring_disabled)
                        setup    | 38 | ENOSYS from io_uring_setup (the kernel is built without it, or a seccomp filter)
                        setup    | 12 | ENOMEM from io_uring_setup (raise the limit of locked memory, ulimit -l)
                        setup    | 22 | EINVAL from io_uring_setup (the kernel is older than 5.19)
                        map      | 12 | ENOMEM from mmap of an io_uring (raise the limit of locked memory, ulimit -l)
                        pages    | 12 | ENOMEM from mmap of buffers (raise the limit of locked memory, ulimit -l)
                        register | 22 | EINVAL from registering buffers with io_uring (the kernel is older than 5.19)
                        """)
        void refusedItSaysWhyOnceAndUsesEpoll(String function, int errno, String why)
                throws Exception {
            uring.fail(function, errno, 1, 1000);
            List<String> said = Collections.synchronizedList(new ArrayList<>());
            List<String> reasons = new ArrayList<>();
            try (var unused = logOf(IoDrivers.class, said);
                    IoDriver driver = IoDrivers.uring(NativeAccess.linux(), uring, reasons::add)) {
                assertEquals("epoll", driver.name());
            }
            assertEquals(
                    List.of(
                            "io_uring unavailable: "
                                    + why
                                    + "; using epoll, set avx.reactor.driver=epoll to silence"
                                    + " this"),
                    said);
            assertEquals(List.of("io_uring unavailable: " + why), reasons);
        }

        @Test
        void aKernelWithoutWhatItTakesIsRefused() {
            uring.missingFeatures = LinuxUring.FEAT_NODROP;
            var e =
                    assertThrows(
                            UringUnavailableException.class,
                            () -> unpolled(settings(8, 16, 16, 4096)));
            assertTrue(String.valueOf(e.getMessage()).contains("Linux 5.19"), e::toString);
        }

        @Test
        void aFailureOfTheSecondMappingLeavesNothing() {
            uring.fail("map", LinuxErrno.ENOMEM, 2, 1);
            assertThrows(
                    UringUnavailableException.class, () -> unpolled(settings(8, 16, 16, 4096)));
        }

        @ParameterizedTest
        @ValueSource(strings = {"epollCreate", "eventfd", "epollCtl"})
        void aFailureOfTheRestLeavesNothing(String function) {
            var libc = new FaultyLibc();
            libc.failUse(function, LinuxErrno.EMFILE, 1);
            assertThrows(
                    SocketException.class,
                    () -> UringDriver.open(libc, uring, settings(8, 16, 16, 4096)));
        }

        @ParameterizedTest
        @ValueSource(ints = {0, LinuxUring.SETUP_NO_SQARRAY, MODERN})
        void olderKernelsDoWithout(int unknownFlags) throws Exception {
            uring.unknownFlags = unknownFlags;
            IoDriver driver = polled();
            Pair pair = Pair.connect(driver);
            for (int i = 0; i < 200; i++) {
                sendAll(pair.client, "ping");
                assertEquals("ping", recvAll(pair.server, 4));
                sendAll(pair.server, "pong");
                assertEquals("pong", recvAll(pair.client, 4));
            }
        }

        // ---- queues that are too small ----

        @Test
        void moreCompletionsThanTheQueueHoldsAreAllSeen() throws Exception {
            // the kernel makes the completion queue at least as large as the other
            UringDriver driver = unpolled(settings(2, 4, 64, 4096));
            var pairs = new ArrayList<Pair>();
            for (int i = 0; i < 32; i++) {
                pairs.add(connectPolling(driver));
            }
            var readers = new ArrayList<ThreadKind.Running<Integer>>();
            for (Pair pair : pairs) {
                readers.add(reading(pair.server));
            }
            driver.poll(0); // submits the rest
            for (Pair pair : pairs) {
                sendAll(pair.client, "x");
            }
            Thread.sleep(20);
            int events = 0;
            while (!readers.stream().allMatch(reader -> reader.future().isDone())) {
                int more = driver.poll(10_000_000);
                assertTrue(more <= 4, () -> more + " events from a queue of 4");
                events += more;
            }
            assertTrue(events >= pairs.size(), events + " events");
            for (var reader : readers) {
                assertEquals(1, reader.get());
            }
        }

        private Pair connectPolling(IoDriver driver) throws Exception {
            var connecting = ThreadKind.PLATFORM.run(() -> Pair.connect(driver));
            while (!connecting.future().isDone()) {
                driver.poll(1_000_000);
            }
            return connecting.get();
        }

        @Test
        void moreSubmissionsThanTheQueueHoldsAreMadeByWhoAddsThem() throws Exception {
            IoDriver driver = polled(settings(1, 64, 64, 4096));
            var pairs = new ArrayList<Pair>();
            var readers = new ArrayList<ThreadKind.Running<Integer>>();
            for (int i = 0; i < 32; i++) {
                pairs.add(Pair.connect(driver));
                readers.add(reading(pairs.getLast().server));
            }
            for (Pair pair : pairs) {
                sendAll(pair.client, "x");
            }
            for (var reader : readers) {
                assertEquals(1, reader.get());
            }
        }

        @Test
        void whatDoesNotFitAndCannotBeSubmittedIsSubmittedLater() throws Exception {
            UringDriver driver = unpolled(settings(1, 64, 64, 4096));
            Pair first = connectPolling(driver);
            Pair second = connectPolling(driver);
            driver.poll(0);
            var one = reading(first.server);
            uring.failNext("enter", LinuxErrno.EAGAIN, 3);
            var two = reading(second.server);
            sendAll(first.client, "x");
            sendAll(second.client, "y");
            for (int i = 0; !one.future().isDone() || !two.future().isDone(); i++) {
                driver.poll(1_000_000);
                assertTrue(i < 20_000, "a reader was forgotten");
            }
            assertEquals(1, one.get());
            assertEquals(1, two.get());
        }

        @Test
        void nothingToSubmitTakesNoSystemCall() throws Exception {
            UringDriver driver = unpolled(settings(8, 16, 16, 4096));
            driver.poll(0);
            int entered = uring.calls("enter");
            for (int i = 0; i < 100; i++) {
                assertEquals(0, driver.poll(0));
            }
            assertEquals(entered, uring.calls("enter"));
        }

        // ---- buffers ----

        @Test
        void withoutBuffersStreamsGoOnBySystemCall() throws Exception {
            // two buffers, and their owners read a byte only
            IoDriver driver = polled(settings(64, 256, 2, 4096));
            var slow = new ArrayList<Pair>();
            for (int i = 0; i < 4; i++) {
                Pair pair = Pair.connect(driver);
                slow.add(pair);
                var reader = reading(pair.server);
                sendAll(pair.client, "0123456789");
                assertEquals(1, reader.get());
            }
            Pair pair = Pair.connect(driver);
            for (int i = 0; i < 100; i++) {
                var reader = ThreadKind.VIRTUAL.run(() -> recvAll(pair.server, 4));
                reader.awaitParked();
                sendAll(pair.client, "ping");
                assertEquals("ping", reader.get());
            }
            for (Pair each : slow) {
                assertEquals("123456789", recvAll(each.server, 9));
            }
        }

        @Test
        void whatNobodyWaitsForKeepsNoBuffer() throws Exception {
            IoDriver driver = polled(settings(64, 256, 2, 4096));
            var pairs = new ArrayList<Pair>();
            for (int i = 0; i < 8; i++) {
                Pair pair = Pair.connect(driver);
                pairs.add(pair);
                byte[] one = new byte[1];
                assertEquals(IoDriver.TIMED_OUT, pair.server.recv(one, 0, 1, 2_000_000));
                assertTrue(isReceiving(pair.server), "the receive goes on");
            }
            for (int i = 0; i < 8; i++) {
                sendAll(pairs.get(i).client, "left " + i);
                while (isReceiving(pairs.get(i).server)) {
                    Thread.sleep(1);
                }
            }
            for (int i = 0; i < 8; i++) {
                assertEquals("left " + i, recvAll(pairs.get(i).server, 6));
            }
        }

        @Test
        void messagesLargerThanABufferComeWholeAndInOrder() throws Exception {
            for (int bytes : new int[] {256, 4096}) {
                IoDriver driver = polled(settings(64, 256, 16, bytes));
                Pair pair = Pair.connect(driver);
                byte[] data = new byte[1 << 20];
                new SplittableRandom(bytes).nextBytes(data);
                var writer =
                        ThreadKind.VIRTUAL.run(
                                () -> {
                                    for (int sent = 0; sent < data.length; ) {
                                        int part = Math.min(10_000, data.length - sent);
                                        sent += pair.client.send(data, sent, part, 20 * SECOND);
                                        if (sent % 70_000 == 0) {
                                            Thread.sleep(1);
                                        }
                                    }
                                    return true;
                                });
                byte[] got = new byte[data.length];
                for (int done = 0; done < got.length; ) {
                    int most = Math.min(1 + done % 9000, got.length - done);
                    int count = pair.server.recv(got, done, most, 20 * SECOND);
                    assertTrue(count > 0 && count <= most, () -> "received " + count);
                    done += count;
                }
                assertTrue(writer.get());
                assertArrayEquals(data, got);
            }
        }

        // ---- receives that outlive their reader ----

        @Test
        void dataThatComesAfterATimeoutOrAnInterruptIsNotLost() throws Exception {
            IoDriver driver = polled();
            Pair pair = Pair.connect(driver);
            byte[] buffer = new byte[64];
            for (int i = 0; i < 20; i++) {
                assertEquals(IoDriver.TIMED_OUT, pair.server.recv(buffer, 0, 64, 500_000));
                var interrupted = reading(pair.server);
                interrupted.thread().interrupt();
                assertThrows(InterruptedException.class, interrupted::get);
                sendAll(pair.client, "first ");
                if (i % 2 == 0) {
                    Thread.sleep(1);
                }
                sendAll(pair.client, "second");
                assertEquals("first second", recvAll(pair.server, 12));
            }
        }

        /** The receive has its data, but nobody knows yet: a system call would overtake it. */
        @Test
        void dataThatComesLaterDoesNotOvertake() throws Exception {
            IoDriver driver = polled();
            Pair pair = Pair.connect(driver);
            byte[] buffer = new byte[64];
            assertEquals(IoDriver.TIMED_OUT, pair.server.recv(buffer, 0, 64, 1_000_000));
            uring.stops = true;
            sendAll(pair.client, "first ");
            uring.stopped.await();
            sendAll(pair.client, "second");
            while (pair.server.available() < 6) {
                Thread.sleep(1);
            }
            for (int i = 0; i < 3; i++) {
                assertEquals(IoDriver.TIMED_OUT, pair.server.recv(buffer, 0, 64, i));
            }
            uring.goOn.countDown();
            assertEquals("first second", recvAll(pair.server, 12));
        }

        @Test
        void aReceivedPieceIsSeenByEveryOperation() throws Exception {
            IoDriver driver = polled();
            Pair pair = Pair.connect(driver);
            assertEquals(IoDriver.TIMED_OUT, pair.server.awaitReadable(1_000_000));
            assertTrue(isReceiving(pair.server));
            sendAll(pair.client, "abc");
            assertEquals(0, pair.server.awaitReadable(20 * SECOND));
            assertEquals(0, pair.server.awaitReadable(0));
            assertEquals(3, pair.server.available());
            sendAll(pair.client, "def");
            while (pair.server.available() < 6) {
                Thread.sleep(1);
            }
            ByteBuffer peeked = ByteBuffer.allocate(64);
            assertEquals(6, pair.server.peek(peeked, 0));
            assertEquals("abcdef", new String(peeked.array(), 0, 6, US_ASCII));
            assertEquals(2, pair.server.peek(ByteBuffer.allocate(2), 0));
            assertEquals("ab", recvAll(pair.server, 2));
            ByteBuffer direct = ByteBuffer.allocateDirect(2);
            assertEquals(1, pair.server.recv(direct, 0));
            ByteBuffer[] two = {ByteBuffer.allocate(1), ByteBuffer.allocate(9)};
            assertEquals(3, pair.server.recv(two, SECOND));
            assertEquals("d", new String(two[0].array(), US_ASCII));
            assertEquals("ef", new String(two[1].array(), 0, 2, US_ASCII));
            assertEquals(0, pair.server.available());
        }

        @Test
        void theEndAndAnErrorThatCameToNobodyAreToldToTheNext() throws Exception {
            IoDriver driver = polled();
            Pair ended = Pair.connect(driver);
            Pair reset = Pair.connect(driver);
            byte[] buffer = new byte[8];
            assertEquals(IoDriver.TIMED_OUT, ended.server.recv(buffer, 0, 8, 1_000_000));
            assertEquals(IoDriver.TIMED_OUT, reset.server.recv(buffer, 0, 8, 1_000_000));
            ended.client.close();
            reset.client.closeAbortively();
            while (isReceiving(ended.server) || isReceiving(reset.server)) {
                Thread.sleep(1);
            }
            for (int i = 0; i < 3; i++) {
                assertEquals(IoDriver.END_OF_STREAM, ended.server.recv(buffer, 0, 8, i * SECOND));
                assertThrows(SocketException.class, () -> reset.server.recv(buffer, 0, 8, SECOND));
            }
        }

        // ---- closing while a receive is under way ----

        @Test
        void closingEndsTheConnectionAtOnceAlthoughAReceiveKeepsTheFile() throws Exception {
            // nobody polls, so what is seen is the work of close alone
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            for (int linger : new int[] {-1, 0, 1}) {
                Pair pair = connectPolling(driver);
                byte[] buffer = new byte[1];
                assertEquals(IoDriver.TIMED_OUT, pair.server.recv(buffer, 0, 1, 1_000_000));
                driver.poll(0);
                assertTrue(isReceiving(pair.server));
                assertTrue(pair.server.setOption(StandardSocketOptions.SO_LINGER, linger));
                pair.server.close();
                assertFalse(isReceiving(pair.server), "close waits for the receive");
                var peer =
                        ThreadKind.PLATFORM.run(
                                () -> pair.client.recv(new byte[1], 0, 1, 10 * SECOND));
                while (!peer.future().isDone()) {
                    driver.poll(1_000_000);
                }
                if (linger == 0) {
                    var e = assertThrows(SocketException.class, peer::get);
                    assertTrue(String.valueOf(e.getMessage()).contains("ECONNRESET"), e::toString);
                } else {
                    assertEquals(IoDriver.END_OF_STREAM, peer.get());
                }
                pair.client.close();
            }
            assertEquals(0, driver.registered());
        }

        /** A submission names a descriptor by its number, and the kernel reads it later. */
        @Test
        void aSubmissionThatTheKernelReadsAfterClosingReachesNobodyElse() throws Exception {
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            Pair pair = connectPolling(driver);
            Pair other = connectPolling(driver);
            driver.poll(0);
            uring.failNext("enter", LinuxErrno.EAGAIN, Integer.MAX_VALUE / 2);
            assertEquals(IoDriver.TIMED_OUT, pair.server.recv(new byte[1], 0, 1, 1_000_000));
            assertTrue(isReceiving(pair.server));
            pair.server.close();
            pair.client.close();
            assertTrue(isReceiving(pair.server), "the kernel has not seen it");
            // so the number is not free for this one, whose datagram it would receive
            try (IoDatagram next = driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                next.sendTo(ByteBuffer.allocate(4), next.localAddress(), SECOND);
                uring.failNext("enter", LinuxErrno.EAGAIN, 0);
                sendAll(other.client, "hers");
                while (isReceiving(pair.server)) {
                    driver.poll(1_000_000);
                }
                assertNotNull(next.recvFrom(ByteBuffer.allocate(9), 0));
                assertEquals("hers", recvAll(other.server, 4));
            }
        }

        @Test
        void closingTheDriverWaitsForWhatIsUnderWay() throws Exception {
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            for (int i = 0; i < 20; i++) {
                Pair pair = connectPolling(driver);
                assertEquals(IoDriver.TIMED_OUT, pair.server.recv(new byte[1], 0, 1, 100_000));
                if (i % 2 == 0) {
                    driver.poll(0);
                }
            }
            driver.close();
            assertEquals(0, uring.mapped.get());
        }

        // ---- threads ----

        /** The kernel cancels what a thread has submitted when the thread ends. */
        @Test
        void aReceiveOutlivesTheThreadThatSubmittedIt() throws Exception {
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            Pair pair = connectPolling(driver);
            var reader = reading(pair.server);
            ThreadKind.PLATFORM.run(() -> driver.poll(0)).get();
            Thread.sleep(20);
            assertFalse(reader.future().isDone());
            for (int i = 0; i < 10 || !isReceiving(pair.server); i++) {
                driver.poll(1_000_000);
                assertTrue(i < 20_000, "not submitted again");
            }
            sendAll(pair.client, "x");
            for (int i = 0; !reader.future().isDone(); i++) {
                driver.poll(1_000_000);
                assertTrue(i < 20_000, "the reader was forgotten");
            }
            assertEquals(1, reader.get());
        }

        /** The kernel completes on the thread that submitted, here one that only computes. */
        @Test
        void aThreadThatComputesHoldsNothingUp() throws Exception {
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            Pair pair = connectPolling(driver);
            var reader = reading(pair.server);
            IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN);
            var acceptor =
                    ThreadKind.VIRTUAL.run(() -> listener.accept(IoDriver.FOREVER)).awaitParked();
            var stop = new AtomicBoolean();
            var submitted = new CountDownLatch(1);
            var computing =
                    ThreadKind.PLATFORM.run(
                            () -> {
                                driver.poll(0);
                                submitted.countDown();
                                long steps = 0;
                                do {
                                    steps++;
                                } while (!stop.get());
                                return steps;
                            });
            submitted.await();
            try {
                sendAll(pair.client, "x");
                for (int i = 0; !reader.future().isDone(); i++) {
                    driver.poll(10_000_000);
                    assertTrue(i < 500, "the event waits for the thread that computes");
                }
                assertEquals(1, reader.get());
                IoStream client = driver.connect(listener.localAddress(), 0);
                for (int i = 0; !acceptor.future().isDone(); i++) {
                    driver.poll(10_000_000);
                    if (client == null && i % 10 == 0) {
                        client = driver.connect(listener.localAddress(), 0);
                    }
                    assertTrue(i < 500, "the event waits for the thread that computes");
                }
                assertNotNull(acceptor.get());
            } finally {
                stop.set(true);
            }
            assertTrue(computing.get() > 0);
        }

        @Test
        void manyThreadsMayPollInTurn() throws Exception {
            UringDriver driver = unpolled(settings(64, 256, 16, 4096));
            Pair pair = connectPolling(driver);
            try (IoDatagram datagram = driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                for (int i = 0; i < 40; i++) {
                    var reader = reading(pair.server);
                    var receiver =
                            ThreadKind.VIRTUAL.run(
                                    () ->
                                            datagram.recvFrom(
                                                    ByteBuffer.allocate(8), IoDriver.FOREVER));
                    receiver.awaitParked();
                    sendAll(pair.client, "x");
                    datagram.sendTo(ByteBuffer.allocate(3), datagram.localAddress(), SECOND);
                    for (int tries = 0;
                            !reader.future().isDone() || !receiver.future().isDone();
                            tries++) {
                        ThreadKind.PLATFORM.run(() -> driver.poll(5_000_000)).get();
                        assertTrue(tries < 2000, "an event was lost");
                    }
                    assertEquals(1, reader.get());
                    assertNotNull(receiver.get());
                }
            }
        }

        // ---- faults ----

        @Test
        void aPollThatASignalInterruptsHasNoEvents() throws Exception {
            UringDriver driver = unpolled(settings(8, 16, 16, 4096));
            uring.failNext("enter", LinuxErrno.EINTR, 1);
            assertEquals(0, driver.poll(IoDriver.FOREVER));
        }

        @Test
        void aPollThatTheKernelRefusesIsAnError() throws Exception {
            UringDriver driver = unpolled(settings(8, 16, 16, 4096));
            uring.failNext("enter", LinuxErrno.EINVAL, 1);
            var e = assertThrows(IOException.class, () -> driver.poll(SECOND));
            assertTrue(String.valueOf(e.getMessage()).contains("EINVAL"), e::toString);
        }

        @Test
        void aWakeupThatCannotBeSubmittedGoesThroughTheEventfd() throws Exception {
            UringDriver driver = unpolled(settings(8, 16, 16, 4096));
            var poll =
                    ThreadKind.PLATFORM.run(
                            () -> {
                                while (driver.wakeups() == 0) {
                                    driver.poll(IoDriver.FOREVER);
                                }
                                return true;
                            });
            while (!driver.isWaiting() || uring.calls("enter") == 0) {
                Thread.sleep(1);
            }
            Thread.sleep(20);
            uring.failNext("enter", LinuxErrno.EAGAIN, 1);
            driver.wakeup();
            assertTrue(poll.get());
        }

        /**
         * Every call and every completion without data is made to fail at its n-th use, n rising
         * until a run passes untouched. Each run must end with every byte where it belongs, or with
         * the error, and leave nothing open.
         */
        @ParameterizedTest
        @CsvSource({
            "enter, 4",
            "enter, 11",
            "enter, 12",
            "enter, 16",
            "result, 4",
            "result, 11",
            "result, 12",
            "result, 105",
            "result, 125",
            "result, 104"
        })
        void whateverFailsNothingIsLostOrHangs(String function, int errno) throws Exception {
            for (int use = 1; ; use++) {
                var faulty = new FaultyUring();
                faulty.fail(function, errno, use, 1);
                try {
                    everyOperation(faulty);
                } catch (SocketException e) {
                    assertEquals(LinuxErrno.ECONNRESET, errno, e::toString);
                }
                Descriptors.assertCount(descriptors);
                assertEquals(0, faulty.mapped.get());
                if (faulty.calls(function) < use) {
                    break;
                }
                assertTrue(use < 300, "the scenario does not come to an end");
            }
        }

        private void everyOperation(FaultyUring faulty) throws Exception {
            try (var poller =
                    new PollingThread(
                            UringDriver.open(
                                    NativeAccess.linux(), faulty, settings(4, 8, 4, 1024)))) {
                IoDriver driver = poller.driver();
                try (IoListener listener = driver.listen(IoDriverContract.loopback(0), LISTEN);
                        IoStream client = driver.connect(listener.localAddress(), 20 * SECOND);
                        IoStream server = listener.accept(20 * SECOND);
                        IoDatagram datagram =
                                driver.datagram(IoDriverContract.loopback(0), DATAGRAM)) {
                    assertNotNull(client);
                    assertNotNull(server);
                    assertEquals(IoDriver.TIMED_OUT, server.recv(new byte[8], 0, 8, 1_000_000));
                    sendAll(client, "abcd");
                    assertEquals("abcd", recvAll(server, 4));
                    var reader = ThreadKind.VIRTUAL.run(() -> recvAll(server, 4)).awaitParked();
                    sendAll(client, "efgh");
                    assertEquals("efgh", reader.get());
                    assertEquals(IoDriver.TIMED_OUT, server.recv(new byte[8], 0, 8, 1_000_000));
                    client.shutdownOutput();
                    assertEquals(
                            IoDriver.END_OF_STREAM, server.recv(new byte[8], 0, 8, 20 * SECOND));
                    assertNull(datagram.recvFrom(ByteBuffer.allocate(8), 1_000_000));
                    datagram.sendTo(ByteBuffer.allocate(4), datagram.localAddress(), SECOND);
                    assertNotNull(datagram.recvFrom(ByteBuffer.allocate(8), 20 * SECOND));
                    var closed =
                            ThreadKind.VIRTUAL.run(
                                    () -> client.recv(new byte[1], 0, 1, IoDriver.FOREVER));
                    while (!isReceiving(client) && !closed.future().isDone()) {
                        Thread.sleep(1);
                    }
                    client.close();
                    int result = closed.get();
                    assertTrue(
                            result == IoDriver.CLOSED || result == IoDriver.END_OF_STREAM,
                            () -> "result " + result);
                }
            }
        }

        // ---- races ----

        /**
         * Streams are read with timeouts, interrupted and closed from the other side of everything,
         * with few buffers and short queues. Each byte says what position and stream it is of.
         */
        @Test
        void timeoutsInterruptsAndClosesAtRandomLoseAndMixNothing() throws Exception {
            long seed = Long.getLong("avx.stress.seed", System.nanoTime());
            System.err.println("UringDriverTest: -Davx.stress.seed=" + seed);
            IoDriver driver = polled(settings(8, 16, 4, 1024));
            long end = System.nanoTime() + 2 * SECOND;
            var workers = new ArrayList<ThreadKind.Running<Long>>();
            for (int i = 0; i < 8; i++) {
                var random = new SplittableRandom(seed + i);
                var kind = i % 4 == 0 ? ThreadKind.PLATFORM : ThreadKind.VIRTUAL;
                workers.add(
                        kind.run(
                                () -> {
                                    long exchanged = 0;
                                    while (System.nanoTime() < end) {
                                        exchanged += oneConnection(driver, random);
                                    }
                                    return exchanged;
                                }));
            }
            long total = 0;
            for (var worker : workers) {
                total += worker.get();
            }
            assertTrue(total > 0, "nothing was exchanged");
            for (int i = 0; i < 500 && driver.registered() > 0; i++) {
                Thread.sleep(10);
            }
            assertEquals(0, driver.registered());
        }

        private long oneConnection(IoDriver driver, SplittableRandom random) throws Exception {
            Pair pair = Pair.connect(driver);
            int key = random.nextInt();
            int size = random.nextInt(20_000);
            var sendRandom = random.split();
            var writer =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                for (int sent = 0; sent < size; ) {
                                    int part = Math.min(1 + sendRandom.nextInt(3000), size - sent);
                                    byte[] bytes = new byte[part];
                                    for (int i = 0; i < part; i++) {
                                        bytes[i] = (byte) (key + 31 * (sent + i));
                                    }
                                    int count = pair.client.send(bytes, 0, part, 20 * SECOND);
                                    if (count < 0) {
                                        return count;
                                    }
                                    sent += count;
                                    if (sendRandom.nextInt(4) == 0) {
                                        Thread.sleep(0, sendRandom.nextInt(500_000));
                                    }
                                }
                                return 0;
                            });
            int closeAt = random.nextInt(3) == 0 ? random.nextInt(size + 1) : Integer.MAX_VALUE;
            var progress = new int[1];
            byte[] buffer = new byte[4096];
            while (progress[0] < size) {
                int most = 1 + random.nextInt(buffer.length);
                long timeout = random.nextInt(300_000);
                int count;
                if (random.nextInt(6) == 0) {
                    var reader =
                            ThreadKind.VIRTUAL.run(
                                    () -> pair.server.recv(buffer, 0, most, IoDriver.FOREVER));
                    reader.thread().interrupt();
                    try {
                        count = reader.get();
                    } catch (InterruptedException e) {
                        count = IoDriver.TIMED_OUT;
                    }
                } else {
                    count = pair.server.recv(buffer, 0, most, timeout);
                }
                assertTrue(count > 0 || count == IoDriver.TIMED_OUT, "received " + count);
                for (int i = 0; i < count; i++) {
                    assertEquals((byte) (key + 31 * (progress[0] + i)), buffer[i], "a byte");
                }
                progress[0] += Math.max(count, 0);
                if (progress[0] >= closeAt) {
                    break;
                }
            }
            closeAtRandom(pair, random);
            int unused;
            try {
                unused = writer.get();
            } catch (IOException connectionReset) {
                assertTrue(closeAt < Integer.MAX_VALUE, connectionReset::toString);
            }
            pair.client.close();
            return progress[0];
        }

        private void closeAtRandom(Pair pair, SplittableRandom random) throws Exception {
            ThreadKind.@Nullable Running<Integer> last = null;
            if (random.nextBoolean()) {
                last =
                        ThreadKind.VIRTUAL.run(
                                () -> {
                                    byte[] rest = new byte[4096];
                                    int count;
                                    do {
                                        count = pair.server.recv(rest, 0, 4096, IoDriver.FOREVER);
                                    } while (count > 0);
                                    return count;
                                });
                Thread.sleep(0, random.nextInt(300_000));
            }
            if (random.nextInt(3) == 0) {
                pair.server.closeAbortively();
            } else {
                pair.server.close();
            }
            if (last != null) {
                assertEquals(IoDriver.CLOSED, last.get());
            }
        }
    }

    private interface Listening extends AutoCloseable {
        @Override
        void close();
    }

    /** Collects what a class logs, and keeps it from the console. */
    private static Listening logOf(Class<?> source, List<String> messages) {
        Logger log = Logger.getLogger(source.getName());
        Handler recorder =
                new Handler() {
                    @Override
                    public void publish(LogRecord record) {
                        messages.add(record.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        log.setUseParentHandlers(false);
        log.addHandler(recorder);
        return () -> {
            log.removeHandler(recorder);
            log.setUseParentHandlers(true);
        };
    }
}
