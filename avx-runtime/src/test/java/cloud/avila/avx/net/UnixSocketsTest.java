package cloud.avila.avx.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.BindException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/** Sockets of the Unix domain and foreign descriptors, as users have them. */
@Timeout(300)
@EnabledOnOs(OS.LINUX)
class UnixSocketsTest extends RuntimeSockets {
    @TempDir Path directory;

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(US_ASCII));
    }

    private static String text(ByteBuffer filled) {
        return US_ASCII.decode(filled.flip()).toString();
    }

    @Test
    void fibersEchoOverAPathAndAnAbstractName() throws Exception {
        var abstractName = UnixAddress.ofAbstract("avx-echo-" + ProcessHandle.current().pid());
        for (UnixAddress address :
                new UnixAddress[] {UnixAddress.of(directory.resolve("echo")), abstractName}) {
            onFiber(
                    () -> {
                        try (var listener = UnixListener.bind(address, 64)) {
                            assertEquals(address, listener.localAddress());
                            spawn(
                                    () -> {
                                        while (true) {
                                            UnixStream c = listener.accept();
                                            spawn(
                                                    () -> {
                                                        try (c) {
                                                            c.copyTo(c);
                                                        }
                                                    });
                                        }
                                    });
                            try (var c = UnixStream.connect(address, PATIENCE)) {
                                assertEquals(address, c.remoteAddress());
                                assertTrue(c.localAddress().isUnnamed());
                                assertEquals("UnixStream[" + address + "]", c.toString());
                                for (int i = 0; i < 100; i++) {
                                    c.writeAll(bytes("ping"));
                                    byte[] reply = new byte[4];
                                    c.readFully(reply);
                                    assertEquals("ping", new String(reply, US_ASCII));
                                }
                                c.shutdownOutput();
                                assertEquals(-1, c.read(new byte[1]));
                            }
                        }
                    });
        }
    }

    @Test
    void aProxyJoinsTcpAndUnix() throws Exception {
        onFiber(
                () -> {
                    try (var tcp = Pair.connect();
                            var unix = UnixStream.pair()) {
                        var proxy =
                                spawn(
                                        () -> {
                                            var copied =
                                                    SocketStream.copyBidirectional(
                                                            tcp.server(), unix.first());
                                            assertEquals(new SocketStream.Copied(5, 3), copied);
                                        });
                        tcp.client().writeAll(bytes("there"));
                        tcp.client().shutdownOutput();
                        assertEquals(
                                "there",
                                new String(unix.second().inputStream().readAllBytes(), US_ASCII));
                        unix.second().writeAll(bytes("big"));
                        unix.second().shutdownOutput();
                        var reply = ByteBuffer.allocate(3);
                        tcp.client().readFully(reply);
                        assertEquals("big", text(reply));
                        proxy.join();
                    }
                });
    }

    @Test
    void errorsNameTheAddress() throws Exception {
        Path path = directory.resolve("errors");
        onFiber(
                () -> {
                    try (var listener = UnixListener.bind(path)) {
                        var e = assertThrows(BindException.class, () -> UnixListener.bind(path));
                        assertMessage("listen on unix:" + path + " failed: EADDRINUSE (98)", e);
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> listener.accept(Duration.ofMillis(20)));
                        var accepting = spawn(listener::accept);
                        Thread.sleep(5);
                        listener.close();
                        assertInstanceOf(
                                SocketClosedException.class,
                                assertThrows(CompletionException.class, accepting::join)
                                        .getCause());
                        assertTrue(listener.toString().endsWith(", closed]"));
                    }
                    assertTrue(Files.exists(path), "the file stays");
                    var e = assertThrows(ConnectException.class, () -> UnixStream.connect(path));
                    assertMessage("connect to unix:" + path + " failed: ECONNREFUSED", e);
                });
        assertThrows(IllegalArgumentException.class, () -> UnixAddress.of(Path.of("")));
        assertThrows(IllegalArgumentException.class, () -> UnixAddress.ofAbstract("x".repeat(107)));
        onFiber(
                () -> {
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> UnixStream.connect(UnixAddress.unnamed(), PATIENCE));
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> UnixListener.bind(UnixAddress.unnamed(), 1));
                });
        var e =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> UnixAddress.of(Path.of("x".repeat(108))));
        assertMessage("at most 107 bytes", e);
    }

    @Test
    void addressesAreValues() throws Exception {
        var path = UnixAddress.of(Path.of("a", "b"));
        assertEquals(path, UnixAddress.of(UnixDomainSocketAddress.of(Path.of("a", "b"))));
        assertEquals(path.hashCode(), UnixAddress.of(Path.of("a/b")).hashCode());
        assertEquals(Optional.of(Path.of("a/b")), path.path());
        assertEquals(Optional.empty(), path.abstractName());
        assertEquals("unix:a/b", path.toString());
        var name = UnixAddress.ofAbstract("a/b");
        assertNotEquals(path, name);
        assertEquals(Optional.of("a/b"), name.abstractName());
        assertEquals(Optional.empty(), name.path());
        assertEquals("unix:@a/b", name.toString());
        assertEquals("unix:@0x000a", UnixAddress.ofAbstract("\n").toString());
        assertEquals("unix:(unnamed)", UnixAddress.unnamed().toString());
        assertEquals(UnixAddress.unnamed(), UnixAddress.of(UnixDomainSocketAddress.of("")));
        for (UnixAddress address : new UnixAddress[] {path, name, UnixAddress.unnamed()}) {
            var out = new ByteArrayOutputStream();
            try (var objects = new ObjectOutputStream(out)) {
                objects.writeObject(address);
            }
            try (var objects = new ObjectInputStream(new ByteArrayInputStream(out.toByteArray()))) {
                assertEquals(address, objects.readObject());
            }
        }
    }

    @Test
    void thePeerIsKnownAndDescriptorsTravel() throws Exception {
        onFiber(
                () -> {
                    try (var pair = UnixStream.pair();
                            var carried = UnixStream.pair()) {
                        assertEquals(
                                ProcessHandle.current().pid(),
                                pair.first().peerCredentials().pid());
                        pair.first().sendDescriptors(bytes("none"));
                        var buffer = ByteBuffer.allocate(16);
                        try (var got = pair.second().recvDescriptors(buffer, 8)) {
                            assertEquals(4, got.length());
                            assertTrue(got.descriptors().isEmpty());
                            assertFalse(got.truncated());
                        }
                        int number;
                        try (var event = AsyncFd.owning(eventfd(5))) {
                            number = event.number();
                            pair.first().sendDescriptors(bytes("event"), number, number);
                        }
                        var got = pair.second().recvDescriptors(buffer.clear(), 8);
                        assertEquals("event", text(buffer));
                        assertEquals(2, got.descriptors().size());
                        OwnedFd owned = got.descriptors().getFirst();
                        try (var event = AsyncFd.owning(owned)) {
                            assertFalse(owned.isOpen());
                            assertThrows(IllegalStateException.class, owned::number);
                            assertThrows(IllegalStateException.class, owned::release);
                            var value = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
                            assertEquals(8, event.read(value));
                            assertEquals(5, value.getLong(0));
                        }
                        assertTrue(got.descriptors().getLast().isOpen());
                        got.close();
                        got.close();
                        assertFalse(got.descriptors().getLast().isOpen());
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> pair.first().sendDescriptors(ByteBuffer.allocate(0), 1));
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> pair.first().sendDescriptors(bytes("x"), new int[254]));
                        assertThrows(
                                IllegalArgumentException.class,
                                () -> pair.second().recvDescriptors(buffer, 254));
                        pair.second().readTimeout(Duration.ofMillis(20));
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> pair.second().recvDescriptors(buffer.clear(), 1));
                    }
                });
    }

    private static int eventfd(int value) {
        var libc = cloud.avila.avx.internal.sys.NativeAccess.linux();
        return libc.eventfd(new cloud.avila.avx.internal.sys.NativeScratch(), value, 0);
    }

    @Test
    void anyDescriptorCanBeWaitedFor() throws Exception {
        onFiber(
                () -> {
                    var eight = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
                    try (var event = AsyncFd.owning(eventfd(0))) {
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> event.awaitReadable(Duration.ofMillis(10)));
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> event.read(eight, Duration.ZERO));
                        event.awaitWritable();
                        event.awaitWritable(PATIENCE);
                        var called = new java.util.concurrent.CountDownLatch(1);
                        assertFalse(event.whenReadable(called::countDown));
                        assertReady(event::whenWritable);
                        var reading = runtime().spawn(() -> event.read(eight));
                        Thread.sleep(5);
                        assertEquals(8, event.write(number(1)));
                        assertEquals(8, reading.join());
                        called.await();
                        assertEquals(8, event.write(number(1), PATIENCE));
                        event.awaitReadable();
                        assertEquals(8, event.read(eight.clear(), PATIENCE));
                        assertEquals(0, event.read(ByteBuffer.allocate(0)));
                        var waiting = spawn(event::awaitReadable);
                        Thread.sleep(5);
                        event.close();
                        assertInstanceOf(
                                SocketClosedException.class,
                                assertThrows(CompletionException.class, waiting::join).getCause());
                        assertThrows(
                                SocketClosedException.class, () -> event.whenReadable(() -> {}));
                    }
                    int mine = eventfd(1);
                    try (var event = AsyncFd.of(mine)) {
                        assertEquals(8, event.read(eight.clear()));
                        assertTrue(event.isOpen());
                        assertEquals("AsyncFd[" + mine + "]", event.toString());
                    }
                    try (var again = AsyncFd.owning(mine)) {
                        assertEquals(mine, again.number());
                    }
                });
    }

    private static ByteBuffer number(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(value).flip();
    }

    @Test
    void datagramsTravelWithinTheMachine() throws Exception {
        onFiber(
                () -> {
                    Path path = directory.resolve("datagrams");
                    try (var receiver = UnixDatagram.bind(path);
                            var named = UnixDatagram.bind(directory.resolve("from"));
                            var unnamed = UnixDatagram.unbound()) {
                        var buffer = ByteBuffer.allocate(3);
                        named.sendTo(bytes("hello"), receiver.localAddress());
                        UnixDatagram.Received got = receiver.recvFrom(buffer);
                        assertEquals(named.localAddress(), got.address());
                        assertEquals(3, got.length());
                        assertTrue(got.truncated());
                        assertThrows(IllegalStateException.class, () -> unnamed.send(bytes("x")));
                        assertNull(unnamed.remoteAddress());
                        unnamed.connect(receiver.localAddress());
                        assertEquals(receiver.localAddress(), unnamed.remoteAddress());
                        unnamed.send(bytes("abc"));
                        got = receiver.recvFrom(buffer.clear(), PATIENCE);
                        assertTrue(got.address().isUnnamed());
                        assertEquals("abc", text(buffer));
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> receiver.recvFrom(buffer, Duration.ofMillis(10)));
                        var full = new ArrayList<Integer>();
                        assertThrows(
                                SocketTimeoutException.class,
                                () -> {
                                    while (true) {
                                        named.sendTo(
                                                bytes("x"),
                                                receiver.localAddress(),
                                                Duration.ofMillis(30));
                                        full.add(1);
                                    }
                                });
                        assertFalse(full.isEmpty());
                        receiver.close();
                        assertThrows(SocketClosedException.class, () -> receiver.recvFrom(buffer));
                    }
                });
    }

    @Test
    void manyConnectionsAreServedByAPausableListener() throws Exception {
        onFiber(
                () -> {
                    Path path = directory.resolve("pause");
                    try (var listener = UnixListener.bind(path)) {
                        listener.pause();
                        assertTrue(listener.isPaused());
                        var first = runtime().spawn(() -> listener.accept());
                        try (var c = UnixStream.connect(path)) {
                            Thread.sleep(30);
                            assertFalse(first.isDone());
                            listener.resume();
                            try (UnixStream s = first.join()) {
                                s.writeAll(bytes("x"));
                                assertEquals(1, c.read(new byte[4]));
                            }
                        }
                    }
                });
    }

    @Test
    void everyPathOfReadingAndWritingWorks() throws Exception {
        onFiber(
                () -> {
                    try (var pair = UnixStream.pair()) {
                        UnixStream a = pair.first().writeTimeout(PATIENCE);
                        UnixStream b = pair.second().readTimeout(PATIENCE);
                        a.writeAll(bytes("abcdef"));
                        b.awaitReadable();
                        assertEquals(6, b.available());
                        var two = ByteBuffer.allocateDirect(2);
                        assertEquals(2, b.peek(two));
                        assertEquals("ab", text(two));
                        ByteBuffer[] parts = {ByteBuffer.allocate(2), ByteBuffer.allocate(9)};
                        assertEquals(6, b.tryRead(parts));
                        assertEquals("cdef", text(parts[1]));
                        assertEquals(0, b.tryRead(ByteBuffer.allocate(1)));
                        assertEquals(4, a.tryWrite(bytes("xy"), bytes("zw")));
                        var halves = b.split();
                        var four = ByteBuffer.allocate(4);
                        halves.reader().readFully(four);
                        assertEquals("xyzw", text(four));
                        halves.writer().writeAll(bytes("back"));
                        byte[] back = new byte[4];
                        a.readFully(back);
                        assertArrayEquals("back".getBytes(US_ASCII), back);
                        halves.writer().close();
                        assertEquals(-1, a.read(back));
                        halves.reader().close();
                        assertFalse(b.isOpen());
                    }
                });
    }
}
