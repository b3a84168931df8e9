package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What every driver has to do. A driver's test is a subclass that opens it; with real sockets of
 * the loopback interface.
 */
@Timeout(120)
abstract class IoDriverContract extends DriverExtrasContract {
    // ---- polling and waking ----

    @Test
    void aPollThatDoesNotWaitReturnsAtOnce() throws Exception {
        assertEquals(0, unpolled().poll(0));
    }

    @Test
    void aPollReturnsWhenItsTimeIsOverAndNotBefore() throws Exception {
        IoDriver driver = unpolled();
        for (long nanos : new long[] {50_000, 1_500_000, 20_000_000}) {
            long start = System.nanoTime();
            driver.poll(nanos);
            long took = System.nanoTime() - start;
            assertTrue(took >= nanos, () -> "waited " + took + " ns, not " + nanos);
        }
    }

    @Test
    void aWakeupEndsAPoll() throws Exception {
        IoDriver driver = unpolled();
        var poll = ThreadKind.PLATFORM.run(() -> driver.poll(IoDriver.FOREVER));
        Thread.sleep(50);
        driver.wakeup();
        assertEquals(0, poll.get());
    }

    @Test
    void aWakeupBeforeAPollCountsForItAndForNoOther() throws Exception {
        IoDriver driver = unpolled();
        driver.wakeup();
        driver.wakeup();
        assertEquals(0, driver.poll(IoDriver.FOREVER));
        assertEquals(0, driver.wakeups(), "nobody waited, so no system call was due");
        long start = System.nanoTime();
        driver.poll(30_000_000);
        assertTrue(System.nanoTime() - start >= 30_000_000, "the wake-ups counted twice");
    }

    @Test
    void manyWakeupsOfOnePollCostOneSystemCall() throws Exception {
        IoDriver driver = unpolled();
        var poller =
                ThreadKind.PLATFORM.run(
                        () -> {
                            while (driver.wakeups() == 0) {
                                driver.poll(IoDriver.FOREVER);
                            }
                            return true;
                        });
        while (driver.wakeups() == 0) {
            driver.wakeup();
        }
        for (int i = 0; i < 100; i++) {
            driver.wakeup();
        }
        assertTrue(poller.get());
        assertEquals(1, driver.wakeups());
    }

    @Test
    void wakeupsAreNeverLost() throws Exception {
        IoDriver driver = unpolled();
        var published = new AtomicInteger();
        int rounds = 20_000;
        var consumer =
                ThreadKind.PLATFORM.run(
                        () -> {
                            for (int seen = 0; seen < rounds; ) {
                                int now = published.get();
                                if (now == seen) {
                                    driver.poll(IoDriver.FOREVER);
                                } else {
                                    seen = now;
                                }
                            }
                            return true;
                        });
        for (int i = 0; i < rounds; i++) {
            published.getAndIncrement();
            driver.wakeup();
            if (i % 64 == 0) {
                Thread.yield();
            }
        }
        assertTrue(consumer.get());
    }

    @Test
    void twoThreadsMustNotPollAtOnce() throws Exception {
        IoDriver driver = unpolled();
        var poll = polling(driver);
        driver.wakeup();
        poll.get();
    }

    @Test
    void closingTheDriverEndsThePollAndEverySocket() throws Exception {
        IoDriver driver = unpolled();
        IoListener listener = driver.listen(loopback(0), LISTEN);
        var poll = polling(driver);
        Thread.sleep(20);
        driver.close();
        driver.close();
        poll.get();
        assertFalse(listener.isOpen());
        assertNull(listener.accept(IoDriver.FOREVER));
        assertThrows(IOException.class, () -> driver.poll(0));
        assertThrows(IOException.class, () -> driver.listen(loopback(0), LISTEN));
        driver.wakeup();
    }

    @Test
    void aDescriptorIsRegisteredWhenAnOperationWaitsAndUntilItIsClosed() throws Exception {
        var poller = new PollingThread(open());
        open.add(poller);
        IoDriver driver = poller.driver();
        var firsts = new AtomicInteger();
        driver.onFirstRegistration(firsts::incrementAndGet);
        Pair pair = connect(driver);
        long before = driver.registeredTotal();
        assertEquals(IoDriver.TIMED_OUT, pair.server().recv(new byte[1], 0, 1, 0));
        assertEquals(before, driver.registeredTotal(), "not waiting needs no registration");
        assertEquals(IoDriver.TIMED_OUT, pair.server().recv(new byte[1], 0, 1, 1_000_000));
        assertEquals(before + 1, driver.registeredTotal());
        pair.client().close();
        pair.server().close();
        assertEquals(0, driver.registered());
        assertEquals(driver.registeredTotal(), driver.deregisteredTotal());
        assertTrue(firsts.get() >= 1);
    }

    @Test
    void eventsBeyondTheBatchComeWithTheNextPoll() throws Exception {
        IoDriver driver = unpolled();
        driver.maxEvents(2);
        var pairs = new ArrayList<Pair>();
        var readers = new ArrayList<ThreadKind.Running<Integer>>();
        var feeder = new PollingThreadFeeder(driver);
        for (int i = 0; i < 5; i++) {
            pairs.add(feeder.connect());
        }
        for (Pair pair : pairs) {
            readers.add(
                    ThreadKind.PLATFORM.run(
                            () -> pair.server().recv(new byte[8], 0, 8, 60 * SECOND)));
        }
        for (var reader : readers) {
            reader.awaitParked();
        }
        for (Pair pair : pairs) {
            send(pair.client(), "x");
        }
        int events = 0;
        while (!readers.stream().allMatch(reader -> reader.future().isDone())) {
            int got = driver.poll(10_000_000);
            assertTrue(got <= 2, () -> got + " events in one batch");
            events += got;
        }
        assertTrue(events >= 5, events + " events for 5 connections");
        for (var reader : readers) {
            assertEquals(1, reader.get());
        }
    }

    /** Connects while nobody else polls. */
    private record PollingThreadFeeder(IoDriver driver) {
        Pair connect() throws Exception {
            var connecting = ThreadKind.PLATFORM.run(() -> IoDriverContract.connect(driver));
            while (!connecting.future().isDone()) {
                driver.poll(1_000_000);
            }
            return connecting.get();
        }
    }

    // ---- streams ----

    @ParameterizedTest
    @EnumSource
    void bytesGoBothWays(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        assertTrue(
                kind.run(
                                () -> {
                                    Pair pair = connect(driver);
                                    for (int i = 0; i < 100; i++) {
                                        send(pair.client(), "ping " + i);
                                        assertEquals("ping " + i, recv(pair.server(), 64));
                                        send(pair.server(), "pong " + i);
                                        assertEquals("pong " + i, recv(pair.client(), 64));
                                    }
                                    return true;
                                })
                        .get());
    }

    @Test
    void everyKindOfBufferWorks() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        byte[] data = "0123456789".getBytes(US_ASCII);
        List<ByteBuffer> sources =
                List.of(
                        ByteBuffer.wrap(data),
                        ByteBuffer.wrap(data).asReadOnlyBuffer(),
                        ByteBuffer.allocateDirect(10).put(data).flip(),
                        ByteBuffer.wrap(("xx0123456789").getBytes(US_ASCII), 2, 10).slice());
        List<ByteBuffer> targets =
                List.of(
                        ByteBuffer.allocate(20).position(3),
                        ByteBuffer.allocateDirect(20).position(3),
                        ByteBuffer.wrap(new byte[30], 5, 20).slice().position(3));
        for (ByteBuffer source : sources) {
            for (ByteBuffer target : targets) {
                ByteBuffer from = source.duplicate();
                ByteBuffer to = target.duplicate();
                assertEquals(10, pair.client().send(from, 10 * SECOND));
                assertFalse(from.hasRemaining());
                assertEquals(10, pair.server().recv(to, 10 * SECOND));
                assertEquals(13, to.position());
                byte[] got = new byte[10];
                to.get(3, got);
                assertArrayEquals(data, got);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void receivingWaitsForWhatComesLater(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        var reader = kind.run(() -> recv(pair.server(), 64)).awaitParked();
        send(pair.client(), "late");
        assertEquals("late", reader.get());
    }

    @ParameterizedTest
    @EnumSource
    void sendingWaitsForRoom(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        long sent = fill(pair.client());
        var drained = new AtomicBoolean();
        var writer =
                kind.run(
                        () -> {
                            int count;
                            do { // there may be a little more room than was found before
                                count = pair.client().send(new byte[10], 0, 10, 60 * SECOND);
                            } while (count > 0 && !drained.get());
                            return count;
                        });
        writer.awaitParked();
        drained.set(true);
        assertEquals(sent, drain(pair.server(), sent));
        assertTrue(writer.get() > 0);
    }

    @ParameterizedTest
    @EnumSource
    void receivingTimesOutAndGoesOn(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        assertTrue(
                kind.run(
                                () -> {
                                    long start = System.nanoTime();
                                    assertEquals(
                                            IoDriver.TIMED_OUT,
                                            pair.server().recv(new byte[1], 0, 1, 30_000_000));
                                    assertTrue(System.nanoTime() - start >= 30_000_000);
                                    send(pair.client(), "x");
                                    assertEquals("x", recv(pair.server(), 1));
                                    return true;
                                })
                        .get());
    }

    @Test
    void theEndOfTheStreamIsSeenBehindTheDataAndStays() throws Exception {
        IoDriver driver = polled();
        for (int i = 0; i < 200; i++) {
            Pair pair = connect(driver);
            var reader =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                var text = new StringBuilder();
                                byte[] buffer = new byte[64];
                                int count;
                                while ((count = pair.server().recv(buffer, 0, 64, 30 * SECOND))
                                        > 0) {
                                    text.append(new String(buffer, 0, count, US_ASCII));
                                }
                                assertEquals(IoDriver.END_OF_STREAM, count);
                                return text.toString();
                            });
            send(pair.client(), "short");
            pair.client().close();
            assertEquals("short", reader.get());
            assertEquals(
                    IoDriver.END_OF_STREAM, pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
            assertEquals(
                    IoDriver.END_OF_STREAM,
                    pair.server().recv(ByteBuffer.allocate(1), 10 * SECOND));
            pair.server().close();
        }
    }

    /** What a call that does not wait has learnt must not make the next one blind. */
    @Test
    void tryingAgainAndAgainSeesWhatComesLater() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        byte[] buffer = new byte[64];
        for (int i = 0; i < 50; i++) {
            assertEquals(IoDriver.TIMED_OUT, pair.server().recv(buffer, 0, 64, 0));
            send(pair.client(), "later");
            int count;
            while ((count = pair.server().recv(buffer, 0, 64, 0)) == IoDriver.TIMED_OUT) {
                Thread.onSpinWait();
            }
            assertEquals(5, count);
            if (i == 25) {
                assertEquals(IoDriver.TIMED_OUT, pair.server().recv(buffer, 0, 64, 1_000_000));
            }
        }
        for (int i = 0; i < 3; i++) {
            long sent = 0;
            int count;
            while ((count = pair.client().send(new byte[1 << 16], 0, 1 << 16, 0)) > 0) {
                sent += count;
            }
            assertEquals(IoDriver.TIMED_OUT, count);
            drain(pair.server(), sent);
            while ((count = pair.client().send(buffer, 0, 1, 0)) == IoDriver.TIMED_OUT) {
                Thread.onSpinWait();
            }
            assertEquals(1, count);
            drain(pair.server(), 1);
        }
    }

    @Test
    void halfCloseEndsOneDirectionOnly() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        assertTrue(pair.client().shutdownOutput());
        assertEquals(IoDriver.END_OF_STREAM, pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
        send(pair.server(), "still here");
        assertEquals("still here", recv(pair.client(), 64));
        var e =
                assertThrows(
                        SocketException.class,
                        () -> pair.client().send(new byte[1], 0, 1, 10 * SECOND));
        assertMessage(error("EPIPE"), e);
    }

    @ParameterizedTest
    @EnumSource
    void shuttingDownInputWakesTheReader(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        var reader = kind.run(() -> pair.server().recv(new byte[1], 0, 1, IoDriver.FOREVER));
        reader.awaitParked();
        assertTrue(pair.server().shutdownInput());
        assertEquals(IoDriver.END_OF_STREAM, reader.get());
        send(pair.server(), "output goes on");
        assertEquals("output goes on", recv(pair.client(), 64));
    }

    @Test
    void anAbortiveCloseIsAResetForThePeerEveryTime() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        var reader =
                ThreadKind.VIRTUAL.run(
                        () -> pair.server().recv(new byte[1], 0, 1, IoDriver.FOREVER));
        reader.awaitParked();
        pair.client().closeAbortively();
        for (int i = 0; i < 3; i++) {
            var e =
                    assertThrows(
                            SocketException.class,
                            i == 0
                                    ? reader::get
                                    : () -> pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
            assertMessage(error("ECONNRESET"), e);
            assertMessage(pair.server().remoteAddress().toString(), e);
        }
    }

    @Test
    void aSecondReaderOrWriterIsAnErrorThatSaysSo() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        var reader =
                ThreadKind.VIRTUAL.run(
                        () -> pair.server().recv(new byte[1], 0, 1, IoDriver.FOREVER));
        reader.awaitParked();
        var e =
                assertThrows(
                        IllegalStateException.class,
                        () -> pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
        assertMessage("another thread is reading from", e);
        send(pair.server(), "writing beside reading");
        send(pair.client(), "x");
        assertEquals(1, reader.get());
        fill(pair.server());
        var writer = ThreadKind.VIRTUAL.run(() -> sendUntilItEnds(pair.server()));
        writer.awaitParked();
        e =
                assertThrows(
                        IllegalStateException.class,
                        () -> pair.server().send(new byte[1], 0, 1, 10 * SECOND));
        assertMessage("another thread is writing to", e);
        pair.server().close();
        assertEquals(IoDriver.CLOSED, writer.get());
    }

    @Test
    void aRefusedConnectionSaysWhatAndWhere() throws Exception {
        IoDriver driver = polled();
        try (var silent = new Socket()) { // keeps the port, so that nobody comes to listen there
            silent.bind(loopback(0));
            var nobody = (InetSocketAddress) silent.getLocalSocketAddress();
            var e = assertThrows(ConnectException.class, () -> driver.connect(nobody, 10 * SECOND));
            assertEquals(
                    "connect to "
                            + nobody
                            + " failed: "
                            + error("ECONNREFUSED")
                            + ", connection refused",
                    e.getMessage());
        }
    }

    @Test
    void connectingTimesOutAndCanBeInterrupted() throws Exception {
        IoDriver driver = polled();
        InetSocketAddress silent = whereNobodyAnswers(driver);
        var waiting = new ArrayList<@Nullable IoStream>();
        IoStream last;
        do {
            last = driver.connect(silent, 300_000_000);
            waiting.add(last);
        } while (last != null);
        assertTrue(waiting.size() <= 10, () -> waiting.size() + " connections in a backlog of 1");
        // a slow one may have timed out before the backlog was full
        ThreadKind.Running<IoStream> connecting =
                ThreadKind.VIRTUAL.run(
                        () -> {
                            while (true) {
                                assertNotNull(driver.connect(silent, IoDriver.FOREVER));
                            }
                        });
        connecting.awaitParked().thread().interrupt();
        assertThrows(InterruptedException.class, connecting::get);
    }

    /**
     * An address that answers no connection request, or not any more after a few: a listener whose
     * backlog is full, where the system drops requests then.
     */
    InetSocketAddress whereNobodyAnswers(IoDriver driver) throws Exception {
        return driver.listen(loopback(0), new ListenSettings(1, true, false, 0)).localAddress();
    }

    // ---- closing and interrupting what waits ----

    /** Something that waits until it is closed or interrupted. */
    private interface Waiting {
        @Nullable Object run() throws Exception;
    }

    private record Blocked(IoSocket socket, Waiting operation, @Nullable Object whenClosed) {}

    private List<Blocked> everythingThatBlocks(IoDriver driver) throws Exception {
        Pair reading = connect(driver);
        Pair readingToo = connect(driver);
        Pair writing = connect(driver);
        fill(writing.client());
        IoListener listener = driver.listen(loopback(0), LISTEN);
        IoDatagram datagram = driver.datagram(loopback(0), DATAGRAM);
        ByteBuffer buffer = ByteBuffer.allocateDirect(10);
        return List.of(
                new Blocked(
                        reading.server(),
                        () -> reading.server().recv(new byte[1], 0, 1, IoDriver.FOREVER),
                        IoDriver.CLOSED),
                new Blocked(
                        readingToo.client(),
                        () -> readingToo.client().recv(buffer.duplicate(), 60 * SECOND),
                        IoDriver.CLOSED),
                new Blocked(
                        writing.client(), () -> sendUntilItEnds(writing.client()), IoDriver.CLOSED),
                new Blocked(listener, () -> listener.accept(IoDriver.FOREVER), null),
                new Blocked(
                        datagram,
                        () -> datagram.recvFrom(buffer.duplicate(), IoDriver.FOREVER),
                        null));
    }

    @ParameterizedTest
    @EnumSource
    void closingWakesWhateverWaits(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        for (Blocked blocked : everythingThatBlocks(driver)) {
            ThreadKind.Running<@Nullable Object> running = kind.run(blocked.operation::run);
            running.awaitParked();
            blocked.socket.close();
            assertEquals(blocked.whenClosed, running.get(), blocked.socket::toString);
            assertFalse(blocked.socket.isOpen());
            assertEquals(blocked.whenClosed, blocked.operation.run(), "after closing");
            blocked.socket.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void closingTheDriverWakesWhateverWaits(ThreadKind kind) throws Exception {
        var poller = new PollingThread(open());
        open.add(poller);
        IoDriver driver = poller.driver();
        var running = new ArrayList<ThreadKind.Running<@Nullable Object>>();
        List<Blocked> all = everythingThatBlocks(driver);
        for (Blocked blocked : all) {
            running.add(kind.run(blocked.operation::run).awaitParked());
        }
        poller.close();
        for (int i = 0; i < all.size(); i++) {
            // the other end belongs to the same driver and may have been closed first, and if it
            // had
            // not read everything, with a reset
            try {
                Object result = running.get(i).get();
                if (!Objects.equals(result, IoDriver.END_OF_STREAM)) {
                    assertEquals(all.get(i).whenClosed, result);
                }
            } catch (SocketException e) {
                assertMessage(error("ECONNRESET"), e);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptEndsWhateverWaitsAndHarmsNothing(ThreadKind kind) throws Exception {
        IoDriver driver = polled();
        for (Blocked blocked : everythingThatBlocks(driver)) {
            ThreadKind.Running<@Nullable Object> running = kind.run(blocked.operation::run);
            running.awaitParked().thread().interrupt();
            assertThrows(InterruptedException.class, running::get, blocked.socket::toString);
            assertTrue(blocked.socket.isOpen());
            ThreadKind.Running<@Nullable Object> again = kind.run(blocked.operation::run);
            again.awaitParked();
            blocked.socket.close();
            assertEquals(blocked.whenClosed, again.get());
        }
    }

    @Test
    void anInterruptBeforeTheOperationCountsAndTakesNothing() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        send(pair.client(), "here");
        Thread.currentThread().interrupt();
        assertThrows(
                InterruptedException.class,
                () -> pair.server().recv(new byte[9], 0, 9, IoDriver.FOREVER));
        assertFalse(Thread.interrupted());
        assertEquals("here", recv(pair.server(), 9));
    }

    @Test
    void aClosedPortIsFreeAtOnceAlthoughAnAcceptorHasNotNoticed() throws Exception {
        IoDriver driver = unpolled();
        IoListener listener = driver.listen(loopback(0), LISTEN);
        InetSocketAddress address = listener.localAddress();
        var acceptor = ThreadKind.PLATFORM.run(() -> listener.accept(IoDriver.FOREVER));
        acceptor.awaitParked();
        listener.close();
        try (IoListener next = listenAgain(driver, address)) {
            assertEquals(address, next.localAddress());
        }
        assertNull(acceptor.get());
    }

    /** Listens where another listener has been closed. */
    IoListener listenAgain(IoDriver driver, InetSocketAddress address) throws Exception {
        return driver.listen(address, new ListenSettings(1, false, false, 0));
    }

    // ---- listeners ----

    @Test
    void severalAcceptorsShareAListener() throws Exception {
        IoDriver driver = polled();
        IoListener listener = driver.listen(loopback(0), LISTEN);
        var acceptors = new ArrayList<ThreadKind.Running<Integer>>();
        for (int i = 0; i < 4; i++) {
            acceptors.add(
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                int count = 0;
                                IoStream accepted;
                                while ((accepted = listener.accept(IoDriver.FOREVER)) != null) {
                                    accepted.close();
                                    count++;
                                }
                                return count;
                            }));
        }
        for (int i = 0; i < 200; i++) {
            try (IoStream client = driver.connect(listener.localAddress(), 10 * SECOND)) {
                assertNotNull(client);
                assertEquals(IoDriver.END_OF_STREAM, client.recv(new byte[1], 0, 1, 30 * SECOND));
            }
        }
        listener.close();
        int total = 0;
        for (var acceptor : acceptors) {
            total += acceptor.get();
        }
        assertEquals(200, total);
    }

    @Test
    void acceptingTimesOut() throws Exception {
        IoDriver driver = polled();
        IoListener listener = driver.listen(loopback(0), LISTEN);
        assertNull(listener.accept(0));
        long start = System.nanoTime();
        assertNull(listener.accept(30_000_000));
        assertTrue(System.nanoTime() - start >= 30_000_000);
        assertTrue(listener.isOpen());
    }

    // ---- datagrams ----

    @Test
    void datagramsKeepTheirBoundsAndTellWhenTheyAreCut() throws Exception {
        IoDriver driver = polled();
        IoDatagram a = driver.datagram(loopback(0), DATAGRAM);
        IoDatagram b = driver.datagram(loopback(0), DATAGRAM);
        for (ByteBuffer target : List.of(ByteBuffer.allocate(8), ByteBuffer.allocateDirect(8))) {
            for (int size : new int[] {0, 1, 8, 9, 65_507}) {
                assertEquals(
                        size, a.sendTo(ByteBuffer.allocate(size), b.localAddress(), 10 * SECOND));
                var received = b.recvFrom(target.clear(), 10 * SECOND);
                assertNotNull(received);
                assertEquals(a.localAddress(), received.sender());
                assertEquals(Math.min(size, 8), received.length());
                assertEquals(size, received.datagramLength());
                assertEquals(received.length(), target.position());
            }
        }
    }

    @Test
    void aDatagramThatIsTooLongIsRefused() throws Exception {
        IoDriver driver = polled();
        IoDatagram socket = driver.datagram(loopback(0), DATAGRAM);
        for (ByteBuffer tooLong :
                List.of(ByteBuffer.allocate(70_000), ByteBuffer.allocateDirect(70_000))) {
            var e =
                    assertThrows(
                            SocketException.class,
                            () -> socket.sendTo(tooLong, socket.localAddress(), 10 * SECOND));
            assertMessage(error("EMSGSIZE"), e);
            assertEquals(0, tooLong.position());
        }
    }

    @Test
    void severalThreadsReceiveFromOneDatagramSocket() throws Exception {
        IoDriver driver = polled();
        IoDatagram to = driver.datagram(loopback(0), DATAGRAM);
        IoDatagram from = driver.datagram(loopback(0), DATAGRAM);
        var receivers = new ArrayList<ThreadKind.Running<Integer>>();
        for (int i = 0; i < 4; i++) {
            receivers.add(
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                int count = 0;
                                while (to.recvFrom(ByteBuffer.allocate(8), IoDriver.FOREVER)
                                        != null) {
                                    from.sendTo(
                                            ByteBuffer.allocate(1),
                                            from.localAddress(),
                                            10 * SECOND);
                                    count++;
                                }
                                return count;
                            }));
        }
        for (int i = 0; i < 200; i++) {
            from.sendTo(ByteBuffer.allocate(4), to.localAddress(), 10 * SECOND);
            assertNotNull(from.recvFrom(ByteBuffer.allocate(8), 30 * SECOND));
        }
        to.close();
        int total = 0;
        for (var receiver : receivers) {
            total += receiver.get();
        }
        assertEquals(200, total);
    }

    // ---- options ----

    @Test
    void optionsAreKept() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        for (IoStream stream : List.of(pair.client(), pair.server())) {
            assertSame(true, stream.getOption(StandardSocketOptions.TCP_NODELAY));
            assertTrue(stream.setOption(StandardSocketOptions.TCP_NODELAY, false));
            assertSame(false, stream.getOption(StandardSocketOptions.TCP_NODELAY));
            assertTrue(stream.setOption(StandardSocketOptions.SO_KEEPALIVE, true));
            assertSame(true, stream.getOption(StandardSocketOptions.SO_KEEPALIVE));
            assertEquals(-1, stream.getOption(StandardSocketOptions.SO_LINGER));
            assertTrue(stream.setOption(StandardSocketOptions.SO_LINGER, 7));
            assertEquals(7, stream.getOption(StandardSocketOptions.SO_LINGER));
            assertTrue(stream.setOption(StandardSocketOptions.SO_LINGER, -1));
            assertEquals(-1, stream.getOption(StandardSocketOptions.SO_LINGER));
            assertTrue(stream.setOption(StandardSocketOptions.SO_RCVBUF, 100_000));
            assertTrue(stream.getOption(StandardSocketOptions.SO_RCVBUF) >= 100_000);
            assertTrue(stream.setOption(StandardSocketOptions.IP_TOS, 0x10));
            assertEquals(0x10, stream.getOption(StandardSocketOptions.IP_TOS));
        }
        var e =
                assertThrows(
                        UnsupportedOperationException.class,
                        () -> pair.client().setOption(StandardSocketOptions.SO_BROADCAST, true));
        assertMessage("has no option SO_BROADCAST", e);
        pair.client().close();
        assertFalse(pair.client().setOption(StandardSocketOptions.TCP_NODELAY, true));
        assertInstanceOf(
                SocketException.class,
                assertThrows(
                        IOException.class,
                        () -> pair.client().getOption(StandardSocketOptions.TCP_NODELAY)));
    }

    // ---- what not every driver has ----

    @Test
    void whatADriverLacksIsAnErrorThatNamesIt() throws Exception {
        IoDriver driver = polled();
        var uses = new EnumMap<IoCapability, Executable>(IoCapability.class);
        UnixName name = UnixName.of(Path.of("no-such-directory/socket"));
        uses.put(IoCapability.UNIX_STREAMS, () -> driver.connectUnix(name, 10 * SECOND));
        uses.put(IoCapability.UNIX_DATAGRAMS, () -> driver.datagramUnix(name));
        uses.put(IoCapability.DESCRIPTORS, () -> driver.descriptor(-1, false));
        uses.put(IoCapability.DESCRIPTOR_PASSING, () -> driver.closeDescriptor(-1));
        uses.forEach(
                (capability, use) -> {
                    if (driver.capabilities().contains(capability)) {
                        assertThrows(IOException.class, use, capability::name);
                    } else {
                        var e =
                                assertThrows(
                                        UnsupportedOperationException.class, use, capability::name);
                        assertMessage("the I/O driver " + driver.name() + " has no ", e);
                    }
                });
    }

    @Test
    void datagramsAreSentAndReceivedInBatches() throws Exception {
        IoDriver driver = polled();
        IoDatagram a = driver.datagram(loopback(0), DATAGRAM);
        IoDatagram b = driver.datagram(loopback(0), DATAGRAM);
        var from = new ByteBuffer[10];
        var to = new InetSocketAddress[from.length];
        for (int i = 0; i < from.length; i++) {
            ByteBuffer buffer =
                    i % 2 == 0 ? ByteBuffer.allocate(i + 1) : ByteBuffer.allocateDirect(i + 1);
            while (buffer.hasRemaining()) {
                buffer.put((byte) i);
            }
            from[i] = buffer.flip();
            to[i] = b.localAddress();
        }
        int sent = 0;
        while (sent < from.length) {
            int count =
                    a.sendMany(
                            Arrays.copyOfRange(from, sent, from.length),
                            Arrays.copyOfRange(to, sent, to.length),
                            10 * SECOND);
            assertTrue(count > 0, "sent " + count);
            sent += count;
        }
        int got = 0;
        while (got < from.length) {
            // room for 8 bytes each, heap and direct, and behind what was there before
            var buffers = new ByteBuffer[7];
            Arrays.setAll(
                    buffers,
                    i ->
                            i % 3 == 0
                                    ? ByteBuffer.allocate(9).position(1)
                                    : ByteBuffer.allocateDirect(9).position(1));
            var received = new IoDatagram.@Nullable Received[buffers.length];
            int count = b.recvMany(buffers, received, 10 * SECOND);
            assertTrue(count > 0, "received " + count);
            for (int i = 0; i < count; i++) {
                IoDatagram.Received each = received[i];
                assertNotNull(each);
                assertEquals(a.localAddress(), each.sender());
                assertEquals(got + 1, each.datagramLength());
                assertEquals(Math.min(got + 1, 8), each.length());
                assertEquals(1 + each.length(), buffers[i].position());
                for (int at = 1; at <= each.length(); at++) {
                    assertEquals(got, buffers[i].get(at));
                }
                got++;
            }
        }
        var none = new IoDatagram.@Nullable Received[1];
        assertEquals(
                IoDriver.TIMED_OUT,
                b.recvMany(new ByteBuffer[] {ByteBuffer.allocate(1)}, none, 20_000_000));
        b.close();
        assertEquals(
                IoDriver.CLOSED,
                b.recvMany(new ByteBuffer[] {ByteBuffer.allocate(1)}, none, IoDriver.FOREVER));
        a.close();
        assertEquals(IoDriver.CLOSED, a.sendMany(from, to, IoDriver.FOREVER));
    }

    @Test
    void aBatchStopsBeforeADatagramThatCannotBeSent() throws Exception {
        IoDriver driver = polled();
        IoDatagram a = driver.datagram(loopback(0), DATAGRAM);
        IoDatagram b = driver.datagram(loopback(0), DATAGRAM);
        assertTrue(a.connect(b.localAddress()));
        ByteBuffer[] from = {ByteBuffer.allocate(1), ByteBuffer.allocate(70_000)};
        assertEquals(1, a.sendMany(from, null, 10 * SECOND));
        assertFalse(from[0].hasRemaining());
        ByteBuffer[] rest = {from[1]};
        var e = assertThrows(SocketException.class, () -> a.sendMany(rest, null, 10 * SECOND));
        assertMessage(error("EMSGSIZE"), e);
        assertNotNull(b.recvFrom(ByteBuffer.allocate(8), 10 * SECOND));
    }

    @Test
    void aFileIsSentFromAnyPosition() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        byte[] data = new byte[1 << 20];
        new Random(1).nextBytes(data);
        Path path = Files.write(directory.resolve("file"), data);
        try (IoFile file = driver.openFile(path)) {
            assertEquals(data.length, file.size());
            for (int[] part : new int[][] {{0, 1}, {0, data.length}, {12_345, 300_000}}) {
                var reader =
                        ThreadKind.VIRTUAL.run(
                                () -> {
                                    byte[] got = new byte[part[1]];
                                    for (int at = 0; at < got.length; ) {
                                        int count =
                                                pair.server()
                                                        .recv(
                                                                got,
                                                                at,
                                                                got.length - at,
                                                                20 * SECOND);
                                        assertTrue(count > 0, "received " + count);
                                        at += count;
                                    }
                                    return got;
                                });
                for (int sent = 0; sent < part[1]; ) {
                    int count =
                            pair.client().send(file, part[0] + sent, part[1] - sent, 20 * SECOND);
                    assertTrue(count > 0, "sent " + count);
                    sent += count;
                }
                assertArrayEquals(
                        Arrays.copyOfRange(data, part[0], part[0] + part[1]), reader.get());
            }
            assertEquals(
                    IoDriver.END_OF_STREAM, pair.client().send(file, data.length, 1, 20 * SECOND));
            // without a reader it waits for room, then until it is closed
            var sender =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                for (; ; ) {
                                    int count =
                                            pair.client()
                                                    .send(file, 0, data.length, IoDriver.FOREVER);
                                    if (count <= 0) {
                                        return count;
                                    }
                                }
                            });
            sender.awaitParked();
            pair.client().close();
            assertEquals(IoDriver.CLOSED, sender.get());
        }
        assertThrows(IOException.class, () -> driver.openFile(directory.resolve("none")));
    }
}
