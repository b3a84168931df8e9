package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.AvxRuntime;
import cloud.avila.avx.JoinHandle;
import cloud.avila.avx.RuntimeConfig;
import cloud.avila.avx.internal.reactor.ThreadKind;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.EOFException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32C;

@Timeout(300)
class TcpStreamTest extends RuntimeSockets {
    @Test
    void fibersEchoInBlockingStyle() throws Exception {
        onFiber(
                () -> {
                    try (var server = TcpListener.bind("127.0.0.1", 0)) {
                        var serving =
                                spawn(
                                        () -> {
                                            try (TcpStream c = server.accept()) {
                                                assertEquals(5000, c.copyTo(c));
                                            }
                                        });
                        int port = server.localAddress().getPort();
                        try (var c = TcpStream.connect("127.0.0.1", port)) {
                            byte[] reply = new byte[5];
                            for (int i = 0; i < 1000; i++) {
                                byte[] ping = String.format("%05d", i).getBytes(US_ASCII);
                                c.writeAll(ping);
                                c.readFully(reply);
                                assertArrayEquals(ping, reply);
                            }
                            c.shutdownOutput();
                            serving.join();
                            assertEquals(-1, c.read(reply));
                        }
                    }
                });
    }

    /** Both directions of one connection at the same time, with arrays or direct buffers. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void muchDataArrivesAsItWasSentInBothDirectionsAtOnce(boolean direct) throws Exception {
        long bytes = 48L << 20;
        long seed = System.nanoTime();
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        JoinHandle<Long> up =
                                runtime().spawn(() -> send(pair.client(), bytes, seed, direct));
                        JoinHandle<Long> down =
                                runtime().spawn(() -> send(pair.server(), bytes, ~seed, direct));
                        JoinHandle<Long> atServer =
                                runtime().spawn(() -> receive(pair.server(), direct));
                        JoinHandle<Long> atClient =
                                runtime().spawn(() -> receive(pair.client(), direct));
                        assertEquals(up.join(), atServer.join(), () -> "seed " + seed);
                        assertEquals(down.join(), atClient.join(), () -> "seed " + seed);
                        assertNotEquals(up.join(), down.join());
                    }
                });
    }

    private static ByteBuffer buffer(int size, boolean direct) {
        return direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
    }

    private static long send(TcpStream to, long bytes, long seed, boolean direct) throws Exception {
        var random = new SplittableRandom(seed);
        var crc = new CRC32C();
        byte[] data = new byte[200_000];
        ByteBuffer buffer = buffer(data.length, direct);
        for (long left = bytes; left > 0; ) {
            random.nextBytes(data);
            int count = (int) Math.min(left, 1 + random.nextInt(data.length));
            crc.update(data, 0, count);
            buffer.clear().put(data, 0, count).flip();
            to.writeAll(buffer);
            left -= count;
        }
        to.shutdownOutput();
        return crc.getValue() + bytes;
    }

    private static long receive(TcpStream from, boolean direct) throws Exception {
        var crc = new CRC32C();
        ByteBuffer buffer = buffer(100_000, direct);
        long bytes = 0;
        int count;
        while ((count = from.read(buffer.clear())) >= 0) {
            bytes += count;
            crc.update(buffer.flip());
        }
        return crc.getValue() + bytes;
    }

    @ParameterizedTest
    @EnumSource
    void everyKindOfThreadMayUseASocketOnceItIsOpen(ThreadKind kind) throws Exception {
        AtomicReference<@Nullable Pair> opened = new AtomicReference<>();
        onFiber(() -> opened.set(Pair.connect()));
        try (Pair pair = opened.get()) {
            assertTrue(pair != null);
            var echo = kind.run(() -> pair.server().copyTo(pair.server()));
            assertTrue(
                    kind.run(
                                    () -> {
                                        byte[] one = new byte[1];
                                        for (int i = 0; i < 200; i++) {
                                            pair.client().writeAll(new byte[] {(byte) i});
                                            pair.client().readFully(one);
                                            assertEquals((byte) i, one[0]);
                                        }
                                        return true;
                                    })
                            .get());
            pair.client().shutdownOutput();
            assertEquals(200, echo.get());
        }
    }

    // ---- opening ----

    @Test
    void openingNeedsACurrentRuntimeAndSaysHow() throws Exception {
        var e = assertThrows(IllegalStateException.class, () -> TcpStream.connect(loopback(1)));
        assertMessage("rt.spawn", e);
        assertMessage("rt.enter()", e);
        try (var entered = enter();
                var listener = TcpListener.bind(loopback(0))) {
            assertTrue(listener.isOpen());
        }
    }

    @Test
    void aHostNameIsLookedUpAndItsAddressesTried() throws Exception {
        onFiber(
                () -> {
                    // localhost may mean ::1 first, where nobody listens
                    try (var listener = TcpListener.bind("127.0.0.1", 0);
                            var c =
                                    TcpStream.connect(
                                            "localhost",
                                            listener.localAddress().getPort(),
                                            PATIENCE);
                            var server = listener.accept(PATIENCE)) {
                        assertEquals(c.localAddress(), server.remoteAddress());
                    }
                    assertThrows(
                            UnknownHostException.class,
                            () -> TcpStream.connect("no-such-host.invalid", 80));
                });
    }

    @Test
    void aRefusedConnectionIsAConnectException() throws Exception {
        onFiber(
                () -> {
                    int port;
                    try (var listener = TcpListener.bind(loopback(0))) {
                        port = listener.localAddress().getPort();
                    }
                    var e =
                            assertThrows(
                                    ConnectException.class,
                                    () -> TcpStream.connect("127.0.0.1", port));
                    assertMessage(
                            "connect to /127.0.0.1:" + port + " failed: ECONNREFUSED (111)", e);
                });
    }

    @Test
    void connectingTimesOut() throws Exception {
        onFiber(
                () -> {
                    var full = ListenOptions.defaults().withBacklog(1);
                    try (var listener = TcpListener.bind(loopback(0), full)) {
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class, () -> fillBacklog(listener));
                        assertMessage("timed out after PT0.3S", e);
                    }
                });
    }

    private static void fillBacklog(TcpListener listener) throws Exception {
        var waiting = new ArrayList<TcpStream>();
        try {
            while (waiting.size() < 10) {
                waiting.add(TcpStream.connect(listener.localAddress(), Duration.ofMillis(300)));
            }
        } finally {
            waiting.forEach(TcpStream::close);
        }
    }

    @Test
    void timeoutsAreChecked() throws Exception {
        onFiber(
                () -> {
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> TcpStream.connect(loopback(1), Duration.ZERO));
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> TcpStream.connect("127.0.0.1", 70_000));
                    try (Pair pair = Pair.connect()) {
                        TcpStream c = pair.client();
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> c.readTimeout(Duration.ofMillis(-1)));
                        assertEquals(Duration.ZERO, c.readTimeout());
                        assertEquals(Duration.ZERO, c.writeTimeout());
                        c.readTimeout(Duration.ofSeconds(3)).writeTimeout(Duration.ofDays(200_000));
                        assertEquals(Duration.ofSeconds(3), c.readTimeout());
                        assertTrue(c.writeTimeout().toDays() >= 100_000);
                        assertThrows(
                                IndexOutOfBoundsException.class, () -> c.read(new byte[3], 2, 2));
                        assertEquals(0, c.read(new byte[0]));
                        assertEquals(0, c.write(ByteBuffer.allocate(0)));
                    }
                });
    }

    // ---- timeouts ----

    @Test
    void aReadTimesOutSaysSoAndGoesOn() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        TcpStream c = pair.client().readTimeout(Duration.ofMillis(20));
                        long start = System.nanoTime();
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class, () -> c.read(new byte[9]));
                        assertTrue(System.nanoTime() - start >= 20_000_000);
                        assertEquals(
                                "read from " + c.remoteAddress() + " timed out after PT0.02S",
                                e.getMessage());
                        pair.server().writeAll("abc".getBytes(US_ASCII));
                        while (c.available() < 3) {
                            Thread.sleep(1);
                        }
                        e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () -> c.readFully(new byte[9]));
                        assertEquals(3, e.bytesTransferred);
                        pair.server().writeAll("de".getBytes(US_ASCII));
                        assertEquals(2, c.readTimeout(Duration.ZERO).read(new byte[9]));
                    }
                });
    }

    @Test
    void aWriteTimesOutAndTellsHowMuchIsWritten() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        TcpStream c = pair.client().writeTimeout(Duration.ofMillis(100));
                        byte[] much = new byte[64 << 20];
                        var e = assertThrows(SocketTimeoutException.class, () -> c.writeAll(much));
                        int written = e.bytesTransferred;
                        assertTrue(0 < written && written < much.length, () -> "" + written);
                        ByteBuffer sink = ByteBuffer.allocate(written);
                        pair.server().readFully(sink);
                        assertEquals(0, pair.server().tryRead(ByteBuffer.allocate(1)));
                    }
                });
    }

    // ---- interrupt and close ----

    @Test
    void anInterruptedFiberStopsWaitingAndNothingIsLost() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        var started = new CountDownLatch(1);
                        var outcome = new AtomicReference<@Nullable Throwable>();
                        var ended = new CountDownLatch(1);
                        var reading =
                                spawn(
                                        () -> {
                                            ByteBuffer buffer = ByteBuffer.allocate(10);
                                            try {
                                                started.countDown();
                                                pair.client().readFully(buffer);
                                            } catch (InterruptedException e) {
                                                outcome.set(e);
                                                // goes on where it was
                                                pair.client().readFully(buffer);
                                                assertEquals(
                                                        "0123456789",
                                                        new String(buffer.array(), US_ASCII));
                                            } finally {
                                                ended.countDown();
                                            }
                                        });
                        started.await();
                        pair.server().writeAll("0123".getBytes(US_ASCII));
                        Thread.sleep(50);
                        reading.cancel(true);
                        while (outcome.get() == null) {
                            Thread.sleep(5);
                        }
                        assertInstanceOf(InterruptedException.class, outcome.get());
                        pair.server().writeAll("456789".getBytes(US_ASCII));
                        ended.await();
                    }
                });
    }

    @Test
    void closingWhileReadingAndWritingWakesBoth() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        var reading = spawn(() -> pair.client().read(new byte[1]));
                        var writing = spawn(() -> pair.client().writeAll(new byte[64 << 20]));
                        Thread.sleep(50);
                        pair.client().close();
                        for (var each : new JoinHandle<?>[] {reading, writing}) {
                            var e = assertThrows(CompletionException.class, each::join);
                            var cause = assertInstanceOf(SocketClosedException.class, e.getCause());
                            assertMessage("the socket is closed", cause);
                        }
                        assertFalse(pair.client().isOpen());
                        assertThrows(
                                SocketClosedException.class,
                                () -> pair.client().tryRead(ByteBuffer.allocate(1)));
                        assertThrows(
                                SocketClosedException.class,
                                () -> pair.client().tryWrite(ByteBuffer.allocate(1)));
                        assertThrows(
                                SocketClosedException.class, () -> pair.client().tcpNoDelay(true));
                        assertThrows(
                                SocketClosedException.class, () -> pair.client().shutdownOutput());
                        assertMessage("closed", new Exception(pair.client().toString()));
                        // the peer sees the end
                        while (pair.server().read(new byte[1 << 16]) >= 0) {
                            continue;
                        }
                    }
                });
    }

    @Test
    void closingTheRuntimeClosesItsSockets() throws Exception {
        var other =
                AvxRuntime.create(
                        RuntimeConfig.builder()
                                .name("other")
                                .workerThreads(1)
                                .shutdownTimeout(Duration.ofMillis(50))
                                .build());
        var listener = new AtomicReference<@Nullable TcpListener>();
        var accepting =
                other.spawn(
                        () -> {
                            try (var l = TcpListener.bind(loopback(0))) {
                                listener.set(l);
                                return l.accept();
                            }
                        });
        while (listener.get() == null) {
            Thread.sleep(5);
        }
        other.close();
        TcpListener closed = listener.get();
        assertTrue(closed != null && !closed.isOpen());
        assertTrue(accepting.isDone());
    }

    @Test
    void anAbortiveCloseIsAnErrorForThePeer() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        pair.client().closeAbortively();
                        var e =
                                assertThrows(
                                        SocketException.class,
                                        () -> pair.server().read(new byte[1]));
                        assertMessage("ECONNRESET", e);
                    }
                });
    }

    @Test
    void eachDirectionEndsByItself() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        pair.client().writeAll("last".getBytes(US_ASCII));
                        pair.client().shutdownOutput();
                        var e =
                                assertThrows(
                                        EOFException.class,
                                        () -> pair.server().readFully(new byte[5]));
                        assertMessage("ended after 4 of 5 bytes", e);
                        pair.server().writeAll("reply".getBytes(US_ASCII));
                        byte[] reply = new byte[5];
                        pair.client().readFully(reply);
                        assertArrayEquals("reply".getBytes(US_ASCII), reply);
                        pair.client().shutdownInput();
                        assertEquals(-1, pair.client().read(reply));
                    }
                });
    }

    @Test
    void aSecondReaderIsToldWhoseFaultItIs() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        var reading = spawn(() -> pair.client().read(new byte[1]));
                        Throwable thrown = null;
                        while (thrown == null) {
                            try {
                                pair.client().tryRead(ByteBuffer.allocate(1));
                                Thread.sleep(1);
                            } catch (IllegalStateException e) {
                                thrown = e;
                            }
                        }
                        assertMessage("another thread is reading from connection to", thrown);
                        pair.server().writeAll(new byte[1]);
                        reading.join();
                    }
                });
    }

    // ---- without waiting, views, options ----

    @Test
    void tryingNeverWaits() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
                        assertEquals(0, pair.client().tryRead(buffer));
                        long written = 0;
                        int count;
                        while ((count = pair.server().tryWrite(buffer.clear())) > 0) {
                            written += count;
                        }
                        long read = 0;
                        while (read < written) {
                            count = pair.client().tryRead(buffer.clear());
                            assertTrue(count >= 0);
                            if (count == 0) {
                                Thread.sleep(1);
                            }
                            read += count;
                        }
                        pair.server().close();
                        while (pair.client().tryRead(buffer.clear()) == 0) {
                            Thread.sleep(1);
                        }
                        assertEquals(-1, pair.client().tryRead(buffer));
                        Thread.currentThread().interrupt();
                        assertEquals(-1, pair.client().tryRead(buffer));
                        assertTrue(Thread.interrupted());
                    }
                });
    }

    @Test
    void streamViewsReadWriteAndClose() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        try (var out = pair.client().outputStream()) {
                            out.write('a');
                            out.write("bcdef".getBytes(US_ASCII), 1, 3);
                        }
                        assertFalse(pair.client().isOpen());
                        var in = pair.server().inputStream();
                        assertEquals('a', in.read());
                        assertArrayEquals("cde".getBytes(US_ASCII), in.readAllBytes());
                        assertEquals(-1, in.read());
                        Thread.currentThread().interrupt();
                        assertThrows(InterruptedIOException.class, in::read);
                        assertTrue(Thread.interrupted());
                        in.close();
                        assertFalse(pair.server().isOpen());
                    }
                });
    }

    @Test
    void optionsReachTheSystem() throws Exception {
        onFiber(
                () -> {
                    try (Pair pair = Pair.connect()) {
                        TcpStream c = pair.client();
                        assertTrue(c.getOption(StandardSocketOptions.TCP_NODELAY));
                        c.tcpNoDelay(false).keepAlive(true);
                        assertFalse(c.getOption(StandardSocketOptions.TCP_NODELAY));
                        assertTrue(c.getOption(StandardSocketOptions.SO_KEEPALIVE));
                        c.setOption(StandardSocketOptions.SO_SNDBUF, 50_000);
                        assertTrue(c.getOption(StandardSocketOptions.SO_SNDBUF) >= 50_000);
                        assertTrue(c.supportedOptions().contains(StandardSocketOptions.SO_LINGER));
                        assertThrows(
                                UnsupportedOperationException.class,
                                () -> c.getOption(StandardSocketOptions.IP_MULTICAST_TTL));
                    }
                });
    }

    /** A timeout that is over before the fiber could park must let others run all the same. */
    @Test
    void readingWithTinyTimeoutsDoesNotKeepTheWorker() throws Exception {
        try (var single =
                AvxRuntime.create(
                        RuntimeConfig.builder().name("single").workerThreads(1).build())) {
            try (var pair = single.spawn(Pair::connect).join()) {
                var reader =
                        single.spawn(
                                () -> {
                                    pair.client().readTimeout(Duration.ofNanos(1));
                                    byte[] answer = new byte[1];
                                    for (; ; ) {
                                        try {
                                            return pair.client().read(answer);
                                        } catch (SocketTimeoutException e) {
                                            assertTrue(pair.client().isOpen());
                                        }
                                    }
                                });
                Thread.sleep(50);
                var writer =
                        single.spawn(
                                () -> {
                                    pair.server().writeAll(new byte[1]);
                                    return null;
                                });
                writer.join(PATIENCE);
                assertEquals(1, reader.join(PATIENCE));
            }
        }
    }

    /** A fiber whose socket always has data must let others run, even with a single worker. */
    @Test
    void aFloodedReaderDoesNotKeepItsWorker() throws Exception {
        try (var single =
                AvxRuntime.create(
                        RuntimeConfig.builder().name("single").workerThreads(1).build())) {
            var stop = new AtomicBoolean();
            var pair = single.spawn(Pair::connect).join();
            try (pair) {
                Thread flood =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            try {
                                                while (true) {
                                                    pair.server().writeAll(new byte[1 << 16]);
                                                }
                                            } catch (SocketException expected) {
                                                stop.set(true);
                                            } catch (Exception e) {
                                                throw new AssertionError(e);
                                            }
                                        });
                var read = new AtomicLong();
                var reader =
                        single.spawn(
                                () -> {
                                    // so small that the socket never runs dry
                                    byte[] few = new byte[16];
                                    while (!stop.get()) {
                                        read.addAndGet(pair.client().read(few));
                                    }
                                    return null;
                                });
                for (int i = 0; i < 50; i++) {
                    assertTrue(single.spawn(() -> true).join(PATIENCE));
                }
                assertTrue(read.get() > 0 || !reader.isDone());
                pair.server().close();
                flood.join();
                reader.join(PATIENCE);
            }
        }
    }
}
