package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.CancellationToken;
import cloud.avila.avx.JoinHandle;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Timeouts of one call, files, callbacks, paused listeners, graceful ends, options, groups. */
@Timeout(300)
class SocketFeaturesTest extends RuntimeSockets {
    @TempDir Path directory;

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(US_ASCII));
    }

    // ---- timeouts of one call ----

    @Test
    void aTimeoutOfOneCallHoldsForThatCall() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        TcpStream s = pair.server();
                        var buffer = ByteBuffer.allocate(8);
                        var moment = Duration.ofMillis(20);
                        long start = System.nanoTime();
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class, () -> s.read(buffer, moment));
                        assertTrue(System.nanoTime() - start >= 20_000_000);
                        assertMessage("timed out after PT0.02S", e);
                        assertThrows(SocketTimeoutException.class, () -> s.awaitReadable(moment));
                        assertThrows(
                                SocketTimeoutException.class, () -> s.read(buffer, Duration.ZERO));
                        assertEquals(0, s.read(ByteBuffer.allocate(0), moment));
                        pair.client().writeAll(bytes("abc"));
                        while (s.available() < 3) {
                            Thread.sleep(1);
                        }
                        e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () -> s.readFully(buffer, Duration.ofMillis(50)));
                        assertEquals(3, e.bytesTransferred);
                        assertMessage("timed out after PT0.05S", e);
                        assertEquals(3, buffer.position());
                        pair.client().writeAll(bytes("defgh"), PATIENCE);
                        s.readFully(buffer, PATIENCE);
                        assertFalse(buffer.hasRemaining());
                        var large = ByteBuffer.allocate(64 << 20);
                        e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () ->
                                                pair.client()
                                                        .writeAll(large, Duration.ofMillis(100)));
                        assertEquals(large.position(), e.bytesTransferred);
                        // the system may find more room a moment later
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> {
                                    while (true) {
                                        pair.client().write(bytes("x"), Duration.ZERO);
                                    }
                                });
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> {
                                    while (true) {
                                        pair.client().awaitWritable(moment);
                                        pair.client().tryWrite(ByteBuffer.allocate(1 << 16));
                                    }
                                });
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> s.readFully(buffer, Duration.ZERO));
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> s.read(buffer, Duration.ofMillis(-1)));
                    }
                });
    }

    @Test
    void aTokenEndsWhateverWaits() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect();
                            var listener = TcpListener.bind(loopback(0));
                            var udp = UdpSocket.bind(loopback(0))) {
                        var token = CancellationToken.create();
                        var waiting = new ArrayList<JoinHandle<?>>();
                        waiting.add(
                                runtime()
                                        .spawn(
                                                () ->
                                                        token.callUntilCancelled(
                                                                () ->
                                                                        pair.server()
                                                                                .read(
                                                                                        new byte
                                                                                                [1]))));
                        waiting.add(
                                runtime().spawn(() -> token.callUntilCancelled(listener::accept)));
                        waiting.add(
                                runtime()
                                        .spawn(
                                                () ->
                                                        token.callUntilCancelled(
                                                                () -> udp.recvFrom(new byte[1]))));
                        Thread.sleep(20);
                        token.cancel();
                        for (JoinHandle<?> each : waiting) {
                            assertThrows(Exception.class, each::join);
                        }
                        // the sockets are usable as before
                        pair.client().writeAll(bytes("x"));
                        assertEquals(1, pair.server().read(new byte[9]));
                        Pair.connect(listener).close();
                    }
                });
    }

    // ---- files ----

    private byte[] file(Path path, int size) throws IOException {
        byte[] data = new byte[size];
        new Random(size).nextBytes(data);
        Files.write(path, data);
        return data;
    }

    @Test
    void filesGoToAConnectionAndComeFromOne() throws Exception {
        Path path = directory.resolve("file");
        byte[] data = file(path, 3_000_000);
        onFiber(
                () -> {
                    for (boolean byPath : new boolean[] {true, false}) {
                        try (var pair = Pair.connect();
                                var source = FileChannel.open(path);
                                var target =
                                        FileChannel.open(
                                                directory.resolve("copy-" + byPath),
                                                StandardOpenOption.CREATE,
                                                StandardOpenOption.READ,
                                                StandardOpenOption.WRITE)) {
                            long from = 1_234;
                            long count = data.length - from;
                            var sending =
                                    runtime()
                                            .spawn(
                                                    () ->
                                                            byPath
                                                                    ? pair.client()
                                                                            .transferFrom(
                                                                                    path,
                                                                                    from,
                                                                                    count + 99)
                                                                    : pair.client()
                                                                            .transferFrom(
                                                                                    source,
                                                                                    from,
                                                                                    count + 99));
                            assertEquals(count, pair.server().transferTo(target, 10, count));
                            assertEquals(count, sending.join(), "the file ends before");
                            var copied = ByteBuffer.allocate((int) count);
                            target.read(copied, 10);
                            assertArrayEquals(
                                    Arrays.copyOfRange(data, (int) from, data.length),
                                    copied.array());
                            assertEquals(0, source.position());
                            assertEquals(
                                    0,
                                    byPath
                                            ? pair.client().transferFrom(path, data.length, 5)
                                            : pair.client().transferFrom(source, data.length, 5));
                            assertEquals(0, pair.client().transferFrom(path, 0, 0));
                            pair.client().writeAll(bytes("end"));
                            pair.client().shutdownOutput();
                            assertEquals(3, pair.server().transferTo(target, 0, 100));
                            assertEquals(0, pair.server().transferTo(target, 0, 100));
                        }
                    }
                });
    }

    @Test
    void aTransferThatDoesNotEndTellsHowFarItGot() throws Exception {
        Path path = directory.resolve("large");
        file(path, 1 << 20);
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        pair.client().writeTimeout(Duration.ofMillis(50));
                        var e =
                                assertThrows(
                                        SocketTimeoutException.class,
                                        () -> {
                                            while (true) {
                                                pair.client().transferFrom(path, 0, 1 << 20);
                                            }
                                        });
                        assertTrue(e.bytesTransferred < 1 << 20);
                        pair.client().writeTimeout(Duration.ZERO);
                        var sending =
                                runtime()
                                        .spawn(
                                                () -> {
                                                    while (true) {
                                                        pair.client().transferFrom(path, 0, 9_999);
                                                    }
                                                });
                        Thread.sleep(20);
                        pair.client().close();
                        assertInstanceOf(
                                SocketClosedException.class,
                                assertThrows(CompletionException.class, sending::join).getCause());
                        assertThrows(
                                NoSuchFileException.class,
                                () -> pair.server().transferFrom(directory.resolve("no"), 0, 1));
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> pair.server().transferFrom(path, -1, 1));
                    }
                });
    }

    // ---- callbacks ----

    @Test
    void aServerCanLiveOnCallbacksAlone() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect()) {
                        var done = new CountDownLatch(1);
                        var handle = runtime().handle();
                        var buffer = ByteBuffer.allocate(64);
                        TcpStream s = pair.server();
                        Runnable echo =
                                new Runnable() {
                                    @Override
                                    public void run() {
                                        try {
                                            do {
                                                int count = s.tryRead(buffer.clear());
                                                while (count > 0) {
                                                    assertEquals(count, s.tryWrite(buffer.flip()));
                                                    count = s.tryRead(buffer.clear());
                                                }
                                                if (count < 0) {
                                                    done.countDown();
                                                    return;
                                                }
                                            } while (s.whenReadable(() -> handle.execute(this)));
                                        } catch (IOException e) {
                                            throw new AssertionError(e);
                                        }
                                    }
                                };
                        echo.run();
                        byte[] reply = new byte[5];
                        for (int i = 0; i < 200; i++) {
                            pair.client().writeAll(bytes("%05d".formatted(i)));
                            pair.client().readFully(reply);
                            assertEquals("%05d".formatted(i), new String(reply, US_ASCII));
                        }
                        pair.client().shutdownOutput();
                        assertTrue(done.await(60, TimeUnit.SECONDS));
                        var forgotten = new AtomicInteger();
                        pair.client().whenReadable(forgotten::incrementAndGet);
                        pair.client().forgetCallbacks();
                        s.writeAll(bytes("!"));
                        assertEquals(1, pair.client().read(new byte[9]));
                        assertEquals(0, forgotten.get());
                        assertReady(pair.client()::whenWritable);
                    }
                });
    }

    @Test
    void aCallbackThatThrowsHarmsNobody() throws Exception {
        onFiber(
                () -> {
                    try (var pair = Pair.connect();
                            var other = Pair.connect()) {
                        assertFalse(
                                pair.server()
                                        .whenReadable(
                                                () -> {
                                                    throw new IllegalStateException("on purpose");
                                                }));
                        pair.client().writeAll(bytes("x"));
                        assertEquals(1, pair.server().read(new byte[9]));
                        for (int i = 0; i < 50; i++) {
                            var reading = runtime().spawn(() -> other.server().read(new byte[9]));
                            other.client().writeAll(bytes("y"));
                            assertEquals(1, reading.join());
                        }
                    }
                });
    }

    // ---- listeners ----

    @Test
    void aPausedListenerHandsOutNothingAndLosesNothing() throws Exception {
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(loopback(0))) {
                        var accepted = new AtomicInteger();
                        for (int i = 0; i < 3; i++) {
                            spawn(
                                    () -> {
                                        while (true) {
                                            TcpStream c = listener.accept();
                                            accepted.incrementAndGet();
                                            c.close();
                                        }
                                    });
                        }
                        int connected = 0;
                        for (int round = 0; round < 20; round++) {
                            listener.pause();
                            listener.pause();
                            int before = accepted.get();
                            var clients = new ArrayList<TcpStream>();
                            for (int i = 0; i < 7; i++) {
                                clients.add(TcpStream.connect(listener.localAddress(), PATIENCE));
                                connected++;
                            }
                            Thread.sleep(5);
                            // one that was on its way when it was paused may count
                            assertTrue(accepted.get() <= before + 3, "accepted while paused");
                            listener.resume();
                            for (TcpStream c : clients) {
                                assertEquals(-1, c.read(new byte[1]));
                                c.close();
                            }
                        }
                        assertEquals(connected, accepted.get());
                        listener.pause();
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> listener.accept(Duration.ofMillis(20)));
                        assertThrows(
                                SocketTimeoutException.class, () -> listener.accept(Duration.ZERO));
                        var waiting = spawn(listener::accept);
                        Thread.sleep(10);
                        var started = new CountDownLatch(1);
                        var left = new CountDownLatch(1);
                        var interrupted =
                                spawn(
                                        () -> {
                                            started.countDown();
                                            try {
                                                listener.accept();
                                            } catch (InterruptedException e) {
                                                left.countDown();
                                            }
                                        });
                        started.await(); // cancelled before, it would never run
                        Thread.sleep(10);
                        interrupted.cancel(true);
                        assertTrue(left.await(60, TimeUnit.SECONDS));
                        listener.close();
                        assertInstanceOf(
                                SocketClosedException.class,
                                assertThrows(CompletionException.class, waiting::join).getCause());
                    }
                });
    }

    @Test
    void aListenerTellsWhenItCanAccept() throws Exception {
        onFiber(
                () -> {
                    try (var listener = TcpListener.bind(loopback(0))) {
                        var called = new CountDownLatch(1);
                        assertFalse(listener.whenAcceptable(called::countDown));
                        try (var c = TcpStream.connect(listener.localAddress())) {
                            assertTrue(called.await(60, TimeUnit.SECONDS));
                            assertTrue(listener.whenAcceptable(called::countDown));
                            try (var s = listener.accept(Duration.ZERO)) {
                                assertEquals(c.localAddress(), s.remoteAddress());
                            }
                        }
                    }
                });
    }

    // ---- ends ----

    @Test
    void aGracefulCloseWaitsForThePeer() throws Exception {
        onFiber(
                () -> {
                    byte[] data = new byte[2 << 20];
                    try (var pair = Pair.connect()) {
                        var closing =
                                runtime()
                                        .spawn(
                                                () -> {
                                                    pair.server().writeAll(data);
                                                    return pair.server().closeGracefully(PATIENCE);
                                                });
                        pair.client().writeAll(bytes("what nobody will read"));
                        assertEquals(
                                data.length, pair.client().inputStream().readAllBytes().length);
                        pair.client().close();
                        assertTrue(closing.join());
                        assertFalse(pair.server().isOpen());
                    }
                    try (var pair = Pair.connect()) {
                        assertFalse(pair.server().closeGracefully(Duration.ofMillis(30)));
                        assertFalse(pair.server().isOpen());
                    }
                    try (var pair = Pair.connect()) {
                        pair.client().closeAbortively();
                        assertFalse(pair.server().closeGracefully(PATIENCE));
                        assertThrows(
                                EOFException.class,
                                () -> {
                                    try (var other = Pair.connect()) {
                                        other.client().close();
                                        other.server().readFully(new byte[1]);
                                    }
                                });
                    }
                });
    }

    // ---- options ----

    @Test
    @SuppressWarnings("NullAway") // on purpose
    void optionsAreSetBeforeAndAfterOpening() throws Exception {
        onFiber(
                () -> {
                    var listening =
                            ListenOptions.defaults().with(StandardSocketOptions.SO_KEEPALIVE, true);
                    try (var listener = TcpListener.bind(loopback(0), listening)) {
                        assertEquals(true, listener.getOption(StandardSocketOptions.SO_KEEPALIVE));
                        var options =
                                ConnectOptions.defaults()
                                        .with(StandardSocketOptions.SO_KEEPALIVE, true);
                        try (var c = TcpStream.connect(listener.localAddress(), options, PATIENCE);
                                var s = listener.accept()) {
                            assertEquals(true, c.getOption(StandardSocketOptions.SO_KEEPALIVE));
                            for (var option : c.supportedOptions()) {
                                c.getOption(option);
                            }
                            if (c.supportedOptions().contains(SocketOptions.TCP_KEEPIDLE)) {
                                c.setOption(SocketOptions.TCP_KEEPIDLE, 42);
                                assertEquals(42, c.getOption(SocketOptions.TCP_KEEPIDLE));
                            }
                            var e =
                                    assertThrows(
                                            UnsupportedOperationException.class,
                                            () -> s.setOption(SocketOptions.TCP_FASTOPEN, 1));
                            assertMessage("has no option TCP_FASTOPEN", e);
                        }
                    }
                });
    }

    // ---- datagrams ----

    @Test
    void datagramsGoInBatches() throws Exception {
        onFiber(
                () -> {
                    try (var a = UdpSocket.bind(loopback(0));
                            var b = UdpSocket.bind(loopback(0))) {
                        var out = new ByteBuffer[100];
                        var to = new InetSocketAddress[out.length];
                        for (int i = 0; i < out.length; i++) {
                            out[i] = ByteBuffer.allocate(4).putInt(0, i);
                            to[i] = b.localAddress();
                        }
                        a.sendMany(out, to);
                        int got = 0;
                        while (got < out.length) {
                            var in = new ByteBuffer[32];
                            Arrays.setAll(in, i -> ByteBuffer.allocateDirect(8));
                            var received = b.recvMany(in, PATIENCE);
                            for (int i = 0; i < received.size(); i++) {
                                assertEquals(a.localAddress(), received.get(i).address());
                                assertEquals(got++, in[i].getInt(0));
                            }
                        }
                        assertThrows(IllegalStateException.class, () -> a.sendMany(bytes("x")));
                        a.connect(b.localAddress());
                        a.sendMany(bytes("one"), bytes("two"));
                        assertEquals(1, b.recvMany(ByteBuffer.allocate(9)).size());
                        b.awaitReadable();
                        b.awaitReadable(PATIENCE);
                        assertReady(b::whenReadable);
                        assertReady(b::whenWritable);
                        assertEquals(3, b.recvFrom(new byte[9]).length());
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> b.awaitReadable(Duration.ofMillis(5)));
                        assertThrows(
                                SocketTimeoutException.class,
                                () ->
                                        b.recvMany(
                                                new ByteBuffer[] {ByteBuffer.allocate(1)},
                                                Duration.ofMillis(5)));
                        assertThrows(IllegalArgumentException.class, () -> b.recvMany());
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> a.sendMany(out, new InetSocketAddress[1]));
                        a.sendTo(bytes("late"), b.localAddress(), PATIENCE);
                        assertEquals(4, b.recvFrom(new byte[9], PATIENCE).length());
                    }
                });
    }

    @Test
    void groupsAndBroadcastsAreReceived() throws Exception {
        onFiber(
                () -> {
                    InetAddress local = InetAddress.ofLiteral("127.0.0.1");
                    NetworkInterface on = NetworkInterface.getByInetAddress(local);
                    InetAddress group = InetAddress.ofLiteral("239.255.77.2");
                    var wildcard = new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0);
                    try (var receiver = UdpSocket.bind(wildcard);
                            var sender =
                                    UdpSocket.bind(
                                            loopback(0),
                                            UdpOptions.defaults()
                                                    .withBroadcast(true)
                                                    .with(
                                                            StandardSocketOptions.IP_MULTICAST_IF,
                                                            on))) {
                        int port = receiver.localAddress().getPort();
                        byte[] buffer = new byte[9];
                        receiver.join(group, on);
                        sender.sendTo(bytes("group"), new InetSocketAddress(group, port));
                        assertEquals(5, receiver.recvFrom(buffer, PATIENCE).length());
                        receiver.leave(group, on);
                        receiver.join(group, on, local);
                        sender.sendTo(bytes("one"), new InetSocketAddress(group, port));
                        assertEquals(3, receiver.recvFrom(buffer, PATIENCE).length());
                        receiver.leave(group, on, local);
                        // 127.255.255.255 is the broadcast address of the loopback network
                        var everybody =
                                new InetSocketAddress(
                                        InetAddress.ofLiteral("127.255.255.255"), port);
                        sender.sendTo(bytes("all"), everybody);
                        assertEquals(3, receiver.recvFrom(buffer, PATIENCE).length());
                        assertThrows(
                                IllegalArgumentException.class, () -> receiver.join(local, on));
                    }
                    try (var plain = UdpSocket.bind(loopback(0))) {
                        var everybody =
                                new InetSocketAddress(InetAddress.ofLiteral("127.255.255.255"), 9);
                        var e =
                                assertThrows(
                                        IOException.class,
                                        () -> plain.sendTo(bytes("x"), everybody));
                        assertMessage("EACCES (13)", e);
                    }
                });
    }

    @Test
    void ipv6WorksWhereTheMachineHasIt() throws Exception {
        onFiber(
                () -> {
                    if (!TcpListenerTest.hasIpv6()) {
                        return;
                    }
                    var six = new InetSocketAddress(InetAddress.ofLiteral("::1"), 0);
                    try (var a = UdpSocket.bind(six);
                            var b = UdpSocket.bind(0);
                            var four = UdpSocket.bind(loopback(0))) {
                        int port = b.localAddress().getPort();
                        a.sendMany(
                                new ByteBuffer[] {bytes("six")},
                                new InetSocketAddress[] {
                                    new InetSocketAddress(six.getAddress(), port)
                                });
                        four.sendTo(bytes("four"), loopback(port));
                        var in = new ByteBuffer[] {ByteBuffer.allocate(9)};
                        assertEquals(a.localAddress(), b.recvMany(in).getFirst().address());
                        in[0].clear();
                        assertEquals(four.localAddress(), b.recvMany(in).getFirst().address());
                        b.sendTo(bytes("back"), four.localAddress());
                        assertEquals(4, four.recvFrom(new byte[9], PATIENCE).length());
                        b.setOption(SocketOptions.IP_TTL, 9);
                        assertEquals(9, b.getOption(SocketOptions.IP_TTL));
                    }
                    var only = ListenOptions.defaults().with(SocketOptions.IPV6_V6ONLY, true);
                    try (var listener =
                            TcpListener.bind(
                                    new InetSocketAddress(InetAddress.ofLiteral("::"), 0), only)) {
                        int port = listener.localAddress().getPort();
                        assertThrows(
                                IOException.class,
                                () -> TcpStream.connect(loopback(port), PATIENCE));
                        try (var c = TcpStream.connect("::1", port, PATIENCE)) {
                            assertTrue(c.isOpen());
                        }
                    }
                });
    }
}
