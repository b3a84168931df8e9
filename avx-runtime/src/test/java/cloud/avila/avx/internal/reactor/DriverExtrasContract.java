package cloud.avila.avx.internal.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.nio.charset.StandardCharsets.US_ASCII;

import cloud.avila.avx.internal.reactor.IoDriver.ConnectSettings;
import cloud.avila.avx.internal.reactor.IoDriver.DatagramSettings;
import cloud.avila.avx.internal.reactor.IoDriver.ListenSettings;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeAccess;
import cloud.avila.avx.internal.sys.NativeScratch;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.BindException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What not every driver has: sockets of the Unix domain, batches, multicast, callbacks, any
 * descriptor, options of the system. Each test asks the driver, and where the driver lacks it
 * checks that it says so.
 */
@Timeout(120)
abstract class DriverExtrasContract extends DriverTestBase {
    private static final ThreadKind[] KINDS = ThreadKind.values();

    /** Whether to test; if not, checks that the driver refuses with its name. */
    private static boolean has(IoDriver driver, IoCapability capability, Executable use) {
        if (driver.capabilities().contains(capability)) {
            return true;
        }
        assertThrows(UnsupportedOperationException.class, use, capability::name);
        return false;
    }

    private boolean hasUnix(IoDriver driver) {
        return has(
                driver,
                IoCapability.UNIX_STREAMS,
                () -> driver.listenUnix(UnixName.of(directory.resolve("s")), 1));
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(US_ASCII));
    }

    private static String text(ByteBuffer filled) {
        return US_ASCII.decode(filled.flip()).toString();
    }

    // ---- streams of the Unix domain ----

    private record UnixPair(IoUnixStream client, IoUnixStream server) {}

    private static UnixPair connect(IoDriver driver, IoUnixListener listener) throws Exception {
        IoUnixStream client = driver.connectUnix(listener.localName(), 10 * SECOND);
        IoUnixStream server = listener.accept(10 * SECOND);
        assertNotNull(client);
        assertNotNull(server);
        return new UnixPair(client, server);
    }

    private List<UnixName> names(IoDriver driver) {
        var names = new ArrayList<UnixName>();
        names.add(UnixName.of(directory.resolve("socket")));
        names.add(UnixName.of(directory.resolve("s".repeat(mostPathBytes() - pathBytes() - 1))));
        if (driver.capabilities().contains(IoCapability.ABSTRACT_NAMES)) {
            names.add(UnixName.ofAbstract("avx-test-" + ProcessHandle.current().pid()));
        }
        return names;
    }

    private int pathBytes() {
        return directory.toString().length();
    }

    @Test
    void unixStreamsCarryBytesUnderEveryKindOfName() throws Exception {
        IoDriver driver = polled();
        if (!hasUnix(driver)) {
            return;
        }
        for (UnixName name : names(driver)) {
            IoUnixListener listener = driver.listenUnix(name, 16);
            assertEquals(name, listener.localName());
            assertThrows(BindException.class, () -> driver.listenUnix(name, 16), name::toString);
            UnixPair pair = connect(driver, listener);
            assertEquals(name, pair.client().remoteName());
            assertEquals(name, pair.server().localName());
            assertTrue(pair.client().localName().isUnnamed());
            assertTrue(pair.server().remoteName().isUnnamed());
            assertThrows(UnsupportedOperationException.class, pair.client()::localAddress);
            assertThrows(UnsupportedOperationException.class, pair.client()::remoteAddress);
            assertThrows(UnsupportedOperationException.class, listener::localAddress);
            for (int i = 0; i < 50; i++) {
                send(pair.client(), "ping " + i);
                assertEquals("ping " + i, recv(pair.server(), 64));
                send(pair.server(), "pong " + i);
                assertEquals("pong " + i, recv(pair.client(), 64));
            }
            var into = ByteBuffer.allocateDirect(9);
            assertEquals(4, pair.client().send(bytes("file"), 10 * SECOND));
            assertEquals(4, pair.server().peek(into, 10 * SECOND));
            assertEquals("file", recv(pair.server(), 9));
            assertTrue(pair.client().shutdownOutput());
            assertEquals(
                    IoDriver.END_OF_STREAM, pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
            send(pair.server(), "still");
            assertEquals("still", recv(pair.client(), 9));
            for (ThreadKind kind : KINDS) {
                UnixPair other = connect(driver, listener);
                var reader =
                        kind.run(() -> other.server().recv(new byte[1], 0, 1, IoDriver.FOREVER));
                reader.awaitParked();
                other.server().close();
                assertEquals(IoDriver.CLOSED, reader.get());
                assertEquals(
                        IoDriver.END_OF_STREAM,
                        other.client().recv(new byte[1], 0, 1, 10 * SECOND));
                other.client().close();
            }
            listener.close();
            assertNull(listener.accept(IoDriver.FOREVER));
            pair.client().close();
            pair.server().close();
        }
        if (!driver.capabilities().contains(IoCapability.ABSTRACT_NAMES)) {
            assertThrows(
                    UnsupportedOperationException.class,
                    () -> driver.listenUnix(UnixName.ofAbstract("x"), 1));
        }
    }

    @Test
    void connectingToNobodyIsRefused() throws Exception {
        IoDriver driver = polled();
        if (!hasUnix(driver)) {
            return;
        }
        UnixName name = UnixName.of(directory.resolve("left"));
        driver.listenUnix(name, 1).close();
        var e = assertThrows(ConnectException.class, () -> driver.connectUnix(name, 10 * SECOND));
        assertMessage("connect to " + name + " failed: ECONNREFUSED", e);
        UnixName none = UnixName.of(directory.resolve("none"));
        var missing = assertThrows(IOException.class, () -> driver.connectUnix(none, 10 * SECOND));
        assertMessage("connect to " + none + " failed: ENOENT", missing);
    }

    @Test
    void connectingWaitsForRoomInTheBacklog() throws Exception {
        IoDriver driver = polled();
        if (!hasUnix(driver)) {
            return;
        }
        IoUnixListener listener = driver.listenUnix(UnixName.of(directory.resolve("full")), 1);
        IoUnixStream last;
        int connected = -1;
        do {
            last = driver.connectUnix(listener.localName(), 100_000_000);
            connected++;
        } while (last != null);
        assertTrue(connected >= 1 && connected <= 4, connected + " in a backlog of 1");
        assertNull(driver.connectUnix(listener.localName(), 0));
        var waiting =
                ThreadKind.VIRTUAL.run(
                        () -> driver.connectUnix(listener.localName(), IoDriver.FOREVER));
        waiting.awaitParked();
        for (int i = 0; i <= connected; i++) {
            assertNotNull(listener.accept(10 * SECOND));
        }
        assertNotNull(waiting.get());
    }

    @Test
    void aPairIsConnected() throws Exception {
        IoDriver driver = polled();
        if (!has(driver, IoCapability.UNIX_STREAMS, driver::unixPair)) {
            return;
        }
        IoUnixStream[] pair = driver.unixPair();
        send(pair[0], "one");
        assertEquals("one", recv(pair[1], 9));
        pair[0].closeAbortively();
        assertEquals(IoDriver.END_OF_STREAM, pair[1].recv(new byte[1], 0, 1, 10 * SECOND));
    }

    @Test
    void muchGoesThroughAUnixStreamInBothDirections() throws Exception {
        IoDriver driver = polled();
        if (!has(driver, IoCapability.UNIX_STREAMS, driver::unixPair)) {
            return;
        }
        IoUnixStream[] pair = driver.unixPair();
        long bytes = 16 << 20;
        var writers = new ArrayList<ThreadKind.Running<Boolean>>();
        for (int side = 0; side < 2; side++) {
            int s = side;
            writers.add(
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                byte[] chunk = new byte[100_000];
                                for (long done = 0; done < bytes; ) {
                                    for (int i = 0; i < chunk.length; i++) {
                                        chunk[i] = (byte) ((done + i) * 31 + s);
                                    }
                                    int wanted = (int) Math.min(chunk.length, bytes - done);
                                    done += pair[s].send(chunk, 0, wanted, 30 * SECOND);
                                }
                                return pair[s].shutdownOutput();
                            }));
        }
        for (int side = 0; side < 2; side++) {
            byte[] chunk = new byte[70_000];
            long at = 0;
            int count;
            while ((count = pair[1 - side].recv(chunk, 0, chunk.length, 30 * SECOND)) > 0) {
                for (int i = 0; i < count; i++) {
                    if (chunk[i] != (byte) ((at + i) * 31 + side)) {
                        throw new AssertionError("wrong byte at " + (at + i));
                    }
                }
                at += count;
            }
            assertEquals(IoDriver.END_OF_STREAM, count);
            assertEquals(bytes, at);
            assertTrue(writers.get(side).get());
        }
    }

    @Test
    void thePeerIsKnown() throws Exception {
        IoDriver driver = polled();
        if (!driver.capabilities().contains(IoCapability.PEER_CREDENTIALS)) {
            return;
        }
        IoUnixListener listener = driver.listenUnix(UnixName.of(directory.resolve("who")), 1);
        UnixPair pair = connect(driver, listener);
        int uid = (Integer) Files.getAttribute(directory, "unix:uid");
        for (IoUnixStream end : List.of(pair.client(), pair.server())) {
            var known = end.peerCredentials();
            assertEquals(ProcessHandle.current().pid(), known.pid());
            assertEquals(uid, known.uid());
        }
        pair.client().close();
        assertThrows(IOException.class, pair.client()::peerCredentials);
    }

    // ---- descriptors ----

    /** An eventfd that the test owns; only where the driver can watch descriptors. */
    private static int eventfd(int initial) {
        LinuxLibc libc = NativeAccess.linux();
        int fd = libc.eventfd(new NativeScratch(), initial, LinuxLibc.EFD_CLOEXEC);
        assertTrue(fd >= 0, () -> "eventfd: " + fd);
        return fd;
    }

    private static int close(int fd) {
        return NativeAccess.linux().close(new NativeScratch(), fd);
    }

    private static int dup(int fd) {
        int to = eventfd(0);
        NativeAccess.linux().dup3(new NativeScratch(), fd, to, LinuxLibc.O_CLOEXEC);
        return to;
    }

    private static ByteBuffer number(long value) {
        return ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).putLong(value).flip();
    }

    @Test
    void descriptorsTravelOverUnixStreams() throws Exception {
        IoDriver driver = polled();
        if (!driver.capabilities().contains(IoCapability.DESCRIPTOR_PASSING)) {
            return;
        }
        IoUnixStream[] pair = driver.unixPair();
        int a = eventfd(3);
        int b = eventfd(4);
        for (boolean direct : new boolean[] {false, true}) {
            var from = direct ? ByteBuffer.allocateDirect(5) : ByteBuffer.allocate(5);
            from.put(bytes("hello")).flip();
            assertEquals(5, pair[0].send(from, new int[] {a, b}, 10 * SECOND));
            assertFalse(from.hasRemaining());
            var to = direct ? ByteBuffer.allocateDirect(99) : ByteBuffer.allocate(99);
            IoUnixStream.Message got = pair[1].recv(to, 253, 10 * SECOND);
            assertEquals(5, got.count());
            assertEquals("hello", text(to));
            assertFalse(got.truncated());
            assertEquals(2, got.descriptors().length);
            for (int i = 0; i < 2; i++) {
                assertTrue(got.descriptors()[i] > 2);
                driver.closeDescriptor(got.descriptors()[i]);
            }
        }
        // as many as there can be
        int[] many = new int[IoUnixStream.MOST_DESCRIPTORS];
        Arrays.fill(many, a);
        assertEquals(1, pair[0].send(bytes("m"), many, 10 * SECOND));
        IoUnixStream.Message got = pair[1].recv(ByteBuffer.allocate(1), many.length, 10 * SECOND);
        assertEquals(many.length, got.descriptors().length);
        assertFalse(got.truncated());
        for (int fd : got.descriptors()) {
            driver.closeDescriptor(fd);
        }
        // no room for some, and none wanted
        for (int most = 0; most < 3; most++) {
            assertEquals(1, pair[0].send(bytes("x"), new int[] {a, b, a}, 10 * SECOND));
            got = pair[1].recv(ByteBuffer.allocate(9), most, 10 * SECOND);
            assertEquals(most, got.descriptors().length);
            assertTrue(got.truncated());
            for (int fd : got.descriptors()) {
                driver.closeDescriptor(fd);
            }
        }
        // another way of receiving discards them
        assertEquals(1, pair[0].send(bytes("y"), new int[] {a}, 10 * SECOND));
        assertEquals("y", recv(pair[1], 9));
        // bytes of two messages with descriptors do not mix
        pair[0].send(bytes("1"), new int[] {a}, 10 * SECOND);
        pair[0].send(bytes("2"), new int[] {b}, 10 * SECOND);
        for (int i = 0; i < 2; i++) {
            got = pair[1].recv(ByteBuffer.allocate(9), 8, 10 * SECOND);
            assertEquals(1, got.count());
            assertEquals(1, got.descriptors().length);
            driver.closeDescriptor(got.descriptors()[0]);
        }
        // none
        pair[0].send(bytes("z"), new int[0], 10 * SECOND);
        got = pair[1].recv(ByteBuffer.allocate(9), 8, 10 * SECOND);
        assertEquals(0, got.descriptors().length);
        assertEquals(IoDriver.TIMED_OUT, pair[1].recv(ByteBuffer.allocate(1), 1, 0).count());
        assertEquals(
                IoDriver.TIMED_OUT, pair[1].recv(ByteBuffer.allocate(1), 1, 20_000_000).count());
        var e =
                assertThrows(
                        IOException.class,
                        () -> pair[0].send(bytes("x"), new int[] {987_654}, 10 * SECOND));
        assertMessage("sending descriptors [987654]", e);
        assertMessage(error("EBADF"), e);
        var waiting =
                ThreadKind.VIRTUAL.run(
                        () -> pair[1].recv(ByteBuffer.allocate(1), 1, IoDriver.FOREVER));
        waiting.awaitParked();
        pair[1].close();
        assertEquals(IoDriver.CLOSED, waiting.get().count());
        assertThrows(IOException.class, () -> driver.closeDescriptor(987_654));
        assertEquals(0, close(a));
        assertEquals(0, close(b));
    }

    private static boolean hasDescriptors(IoDriver driver) {
        return has(driver, IoCapability.DESCRIPTORS, () -> driver.descriptor(0, false));
    }

    @Test
    void anyDescriptorIsReadAndWritten() throws Exception {
        IoDriver driver = polled();
        if (!hasDescriptors(driver)) {
            return;
        }
        int fd = eventfd(0);
        IoDescriptor event = driver.descriptor(fd, true);
        assertEquals(fd, event.number());
        assertEquals(IoDriver.TIMED_OUT, event.read(ByteBuffer.allocate(8), 0));
        assertEquals(IoDriver.TIMED_OUT, event.awaitReadable(20_000_000));
        assertEquals(0, event.awaitWritable(10 * SECOND));
        for (ThreadKind kind : KINDS) {
            var reader =
                    kind.run(
                            () -> {
                                var got = ByteBuffer.allocateDirect(8);
                                assertEquals(8, event.read(got, IoDriver.FOREVER));
                                return got.flip().order(ByteOrder.nativeOrder()).getLong();
                            });
            reader.awaitParked();
            assertEquals(8, event.write(number(7), 10 * SECOND));
            assertEquals(7, reader.get());
            var waiting = kind.run(() -> event.awaitReadable(IoDriver.FOREVER));
            waiting.awaitParked();
            assertEquals(8, event.write(number(1), 10 * SECOND));
            assertEquals(0, waiting.get());
            assertEquals(8, event.read(ByteBuffer.allocate(8), 0));
        }
        // full: a write waits until somebody reads
        assertEquals(8, event.write(number(0xffff_ffff_ffff_fffeL), 10 * SECOND));
        var writer = ThreadKind.VIRTUAL.run(() -> event.write(number(5), IoDriver.FOREVER));
        writer.awaitParked();
        assertEquals(8, event.read(ByteBuffer.allocate(8), 10 * SECOND));
        assertEquals(8, writer.get());
        assertEquals(8, event.read(ByteBuffer.allocate(8), 10 * SECOND));
        // what the descriptor itself refuses
        assertEquals(8, event.write(number(1), 10 * SECOND));
        var e =
                assertThrows(
                        IOException.class, () -> event.read(ByteBuffer.allocate(4), 10 * SECOND));
        assertMessage(error("EINVAL"), e);
        assertThrows(
                UnsupportedOperationException.class,
                () -> event.getOption(StandardSocketOptions.SO_RCVBUF));
        assertEquals(8, event.read(ByteBuffer.allocate(8), 10 * SECOND));
        for (ThreadKind kind : KINDS) {
            int other = eventfd(0);
            IoDescriptor closed = driver.descriptor(other, true);
            var reader = kind.run(() -> closed.read(ByteBuffer.allocate(8), IoDriver.FOREVER));
            reader.awaitParked();
            closed.close();
            closed.close();
            assertEquals(IoDriver.CLOSED, reader.get());
            assertEquals(IoDriver.CLOSED, closed.awaitReadable(IoDriver.FOREVER));
            assertEquals(-9, close(other), "an owned descriptor is closed");
        }
    }

    @Test
    void aDescriptorThatIsNotOwnedStaysOpen() throws Exception {
        IoDriver driver = polled();
        if (!hasDescriptors(driver)) {
            return;
        }
        int fd = eventfd(1);
        long before = driver.registered();
        for (int i = 0; i < 3; i++) {
            IoDescriptor event = driver.descriptor(fd, false);
            var e = assertThrows(IOException.class, () -> driver.descriptor(fd, false));
            assertMessage("descriptor " + fd + " is watched by this driver already", e);
            assertEquals(0, event.awaitReadable(10 * SECOND));
            assertEquals(8, event.read(ByteBuffer.allocate(8), 10 * SECOND));
            var reader =
                    ThreadKind.VIRTUAL.run(
                            () -> event.read(ByteBuffer.allocate(8), IoDriver.FOREVER));
            reader.awaitParked();
            event.close();
            assertEquals(IoDriver.CLOSED, reader.get());
            assertEquals(before, driver.registered());
            assertEquals(
                    8,
                    NativeAccess.linux()
                            .write(new NativeScratch(), fd, MemorySegment.ofBuffer(number(1)), 8),
                    "still open");
        }
        assertEquals(0, close(fd));
    }

    @Test
    void aDescriptorOfASharedFileIsNotReportedAfterItWasClosed() throws Exception {
        IoDriver driver = unpolled();
        if (!hasDescriptors(driver)) {
            return;
        }
        int fd = eventfd(0);
        int shared = dup(fd);
        IoDescriptor event = driver.descriptor(fd, true);
        event.close();
        long events = driver.readyEvents();
        assertEquals(
                8,
                NativeAccess.linux()
                        .write(new NativeScratch(), shared, MemorySegment.ofBuffer(number(1)), 8));
        driver.poll(20_000_000);
        assertEquals(events, driver.readyEvents());
        assertEquals(0, close(shared));
    }

    @Test
    void whatCannotBeWatchedIsRefusedAndStaysTheCallers() throws Exception {
        IoDriver driver = polled();
        if (!hasDescriptors(driver)) {
            return;
        }
        var e = assertThrows(IOException.class, () -> driver.descriptor(987_654, true));
        assertMessage("descriptor 987654", e);
        assertMessage(error("EBADF"), e);
        Path path = Files.writeString(directory.resolve("regular"), "text");
        LinuxLibc libc = NativeAccess.linux();
        int fd = libc.openFile(new NativeScratch(), path.toString().getBytes(US_ASCII));
        assertTrue(fd >= 0);
        e = assertThrows(IOException.class, () -> driver.descriptor(fd, true));
        assertMessage("descriptor " + fd + " cannot be watched; is it a file?", e);
        assertEquals(0, close(fd));
    }

    // ---- callbacks ----

    private static boolean hasCallbacks(IoDriver driver) throws Exception {
        if (driver.capabilities().contains(IoCapability.READINESS_CALLBACKS)) {
            return true;
        }
        try (IoListener listener = driver.listen(loopback(0), LISTEN)) {
            assertThrows(
                    UnsupportedOperationException.class, () -> listener.whenReadable(() -> {}));
        }
        return false;
    }

    /** An action that counts its runs. */
    private static final class Counter implements Runnable {
        final AtomicInteger runs = new AtomicInteger();
        final CountDownLatch first = new CountDownLatch(1);

        @Override
        public void run() {
            runs.incrementAndGet();
            first.countDown();
        }

        void await() throws InterruptedException {
            assertTrue(first.await(30, TimeUnit.SECONDS), "did not run");
        }
    }

    /** {@link IoSocket#whenReadable} or the like. */
    private interface Asking {
        int when(Runnable action) throws IOException;
    }

    /** Ready now; but an event on its way may have run the action before that was found out. */
    private static void assertReady(Asking asking) throws Exception {
        var action = new Counter();
        int result = asking.when(action);
        if (result == IoDriver.TIMED_OUT) {
            action.await();
        } else {
            assertEquals(0, result);
            assertEquals(0, action.runs.get());
        }
    }

    /** Waits until the poller has handed on what came before: on its way it may run an action. */
    private static void letEventsArrive(IoDriver driver) throws Exception {
        for (int i = 0; i < 2; i++) { // the first may share a batch with what came before
            Pair pair = connect(driver);
            var arrived = new Counter();
            assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(arrived));
            send(pair.client(), "x");
            arrived.await();
            pair.client().close();
            pair.server().close();
        }
    }

    @Test
    void aCallbackRunsOnceWhenThereIsSomething() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        Pair pair = connect(driver);
        var first = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(first));
        assertEquals(0, first.runs.get());
        send(pair.client(), "x");
        first.await();
        // there is something already: not kept
        var unused = new Counter();
        assertEquals(0, pair.server().whenReadable(unused));
        assertEquals("x", recv(pair.server(), 9));
        send(pair.client(), "y");
        assertEquals("y", recv(pair.server(), 9));
        letEventsArrive(driver);
        assertEquals(0, unused.runs.get());
        assertEquals(1, first.runs.get());
        // replaced and forgotten
        var replaced = new Counter();
        var second = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(replaced));
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(second));
        send(pair.client(), "z");
        second.await();
        assertEquals("z", recv(pair.server(), 9));
        letEventsArrive(driver);
        assertEquals(0, replaced.runs.get());
        var forgotten = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(forgotten));
        pair.server().whenReadable(null);
        send(pair.client(), "!");
        assertEquals("!", recv(pair.server(), 9));
        letEventsArrive(driver);
        assertEquals(0, forgotten.runs.get());
        // a thread that waits beside it is not disturbed
        var beside = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(beside));
        var reader = ThreadKind.VIRTUAL.run(() -> recv(pair.server(), 9));
        reader.awaitParked();
        send(pair.client(), "both");
        assertEquals("both", reader.get());
        beside.await();
        // the end of the stream
        var end = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.server().whenReadable(end));
        pair.client().close();
        end.await();
        assertReady(pair.server()::whenReadable);
        assertEquals(IoDriver.END_OF_STREAM, pair.server().recv(new byte[1], 0, 1, 10 * SECOND));
    }

    @Test
    void aCallbackOfSendingRunsWhenThereIsRoom() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        Pair pair = connect(driver);
        assertReady(pair.client()::whenWritable);
        long sent = fill(pair.client());
        var room = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.client().whenWritable(room));
        drain(pair.server(), sent);
        room.await();
        assertReady(pair.client()::whenWritable);
    }

    @Test
    void closingRunsCallbacksOfEveryKindOfSocket() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        Pair pair = connect(driver);
        fill(pair.client());
        var sockets = new ArrayList<IoSocket>();
        sockets.add(pair.server());
        sockets.add(driver.listen(loopback(0), LISTEN));
        sockets.add(driver.datagram(loopback(0), DATAGRAM));
        Pair idle = connect(driver);
        sockets.set(0, idle.server());
        for (IoSocket socket : sockets) {
            var closed = new Counter();
            assertEquals(IoDriver.TIMED_OUT, socket.whenReadable(closed), socket::toString);
            socket.close();
            closed.await();
            assertEquals(IoDriver.CLOSED, socket.whenReadable(new Counter()));
            assertEquals(IoDriver.CLOSED, socket.whenReadable(null));
        }
        var full = new Counter();
        assertEquals(IoDriver.TIMED_OUT, pair.client().whenWritable(full));
        pair.client().close();
        full.await();
    }

    @Test
    void listenersAndDatagramSocketsTellWhenThereIsSomething() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        IoListener listener = driver.listen(loopback(0), LISTEN);
        var acceptable = new Counter();
        assertEquals(IoDriver.TIMED_OUT, listener.whenReadable(acceptable));
        IoStream client = driver.connect(listener.localAddress(), 10 * SECOND);
        assertNotNull(client);
        acceptable.await();
        assertNotNull(listener.accept(0));
        IoDatagram datagram = driver.datagram(loopback(0), DATAGRAM);
        var readable = new Counter();
        assertEquals(IoDriver.TIMED_OUT, datagram.whenReadable(readable));
        assertEquals(IoDriver.TIMED_OUT, datagram.awaitReadable(1_000_000));
        var waiting = ThreadKind.VIRTUAL.run(() -> datagram.awaitReadable(IoDriver.FOREVER));
        waiting.awaitParked();
        datagram.sendTo(bytes("x"), datagram.localAddress(), 10 * SECOND);
        readable.await();
        assertEquals(0, waiting.get());
        assertEquals(0, datagram.awaitReadable(0));
        assertNotNull(datagram.recvFrom(ByteBuffer.allocate(9), 0));
        datagram.close();
        assertEquals(IoDriver.CLOSED, datagram.awaitReadable(IoDriver.FOREVER));
    }

    /** No byte waits without its callback, whatever the moment at which it arrives. */
    @Test
    void noArrivalIsMissedByCallbacks() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.out.println("noArrivalIsMissedByCallbacks: -Davx.stress.seed=" + seed);
        var random = new SplittableRandom(seed);
        Pair pair = connect(driver);
        int rounds = 5_000;
        var received = new AtomicLong();
        var done = new CountDownLatch(1);
        var failed = new AtomicReference<@Nullable Throwable>();
        var buffer = ByteBuffer.allocate(16);
        Runnable pump =
                new Runnable() {
                    @Override
                    public void run() {
                        try {
                            do {
                                int count = pair.server().recv(buffer.clear(), 0);
                                if (count > 0 && received.addAndGet(count) >= rounds) {
                                    done.countDown();
                                    return;
                                }
                            } while (pair.server().whenReadable(this) == 0);
                        } catch (IOException | InterruptedException | RuntimeException e) {
                            failed.set(e);
                            done.countDown();
                        }
                    }
                };
        pump.run();
        for (int i = 0; i < rounds; i++) {
            send(pair.client(), "x");
            for (int spin = random.nextInt(2_000); spin > 0; spin--) {
                Thread.onSpinWait();
            }
        }
        assertTrue(done.await(60, TimeUnit.SECONDS), () -> received + " of " + rounds);
        assertNull(failed.get());
    }

    @Test
    void aCallbackRunsAtMostOnceUnderRaces() throws Exception {
        IoDriver driver = polled();
        if (!hasCallbacks(driver)) {
            return;
        }
        for (int i = 0; i < 300; i++) {
            Pair pair = connect(driver);
            var action = new Counter();
            var closer =
                    ThreadKind.PLATFORM.run(
                            () -> {
                                pair.server().close();
                                return true;
                            });
            var sender = ThreadKind.VIRTUAL.run(() -> pair.client().send(bytes("x"), 10 * SECOND));
            int result = pair.server().whenReadable(action);
            closer.get();
            try {
                sender.get();
            } catch (IOException reset) {
                assertNotNull(reset.getMessage());
            }
            if (result == IoDriver.TIMED_OUT) {
                action.await();
                assertEquals(1, action.runs.get());
            } else {
                assertEquals(0, action.runs.get());
            }
            pair.client().close();
        }
    }

    // ---- datagrams of the Unix domain ----

    @Test
    void unixDatagramsAreNeitherLostNorOvertaken() throws Exception {
        IoDriver driver = polled();
        UnixName name = UnixName.of(directory.resolve("datagrams"));
        if (!has(driver, IoCapability.UNIX_DATAGRAMS, () -> driver.datagramUnix(name))) {
            return;
        }
        IoUnixDatagram receiver = driver.datagramUnix(name);
        assertEquals(name, receiver.localName());
        assertThrows(BindException.class, () -> driver.datagramUnix(name));
        IoUnixDatagram named = driver.datagramUnix(UnixName.of(directory.resolve("sender")));
        IoUnixDatagram unnamed = driver.datagramUnix(UnixName.UNNAMED);
        var into = ByteBuffer.allocate(4);
        assertEquals(6, named.sendTo(bytes("abcdef"), name, 10 * SECOND));
        IoUnixDatagram.Received got = receiver.recvFrom(into, 10 * SECOND);
        assertEquals(new IoUnixDatagram.Received(named.localName(), 4, 6), got);
        assertEquals("abcd", text(into));
        assertEquals(0, unnamed.sendTo(ByteBuffer.allocate(0), name, 10 * SECOND));
        got = receiver.recvFrom(into.clear(), 10 * SECOND);
        assertEquals(new IoUnixDatagram.Received(UnixName.UNNAMED, 0, 0), got);
        assertNull(receiver.recvFrom(into, 0));
        assertNull(receiver.recvFrom(into, 20_000_000));
        // many more than the receiver has room for, from a connected and an unconnected sender
        assertTrue(named.connect(name));
        for (boolean connected : new boolean[] {true, false}) {
            int count = 2_000;
            var sender =
                    ThreadKind.VIRTUAL.run(
                            () -> {
                                for (int i = 0; i < count; i++) {
                                    var datagram = ByteBuffer.allocate(4).putInt(0, i);
                                    int result =
                                            connected
                                                    ? named.sendTo(datagram, null, 60 * SECOND)
                                                    : unnamed.sendTo(datagram, name, 60 * SECOND);
                                    assertEquals(4, result);
                                }
                                return true;
                            });
            sender.awaitParked();
            for (int i = 0; i < count; i++) {
                assertNotNull(receiver.recvFrom(into.clear(), 30 * SECOND));
                assertEquals(i, into.getInt(0));
            }
            assertTrue(sender.get());
        }
        // a full receiver: a limited wait ends, and closing does
        int result;
        do {
            result = unnamed.sendTo(ByteBuffer.allocate(4), name, 30_000_000);
        } while (result >= 0);
        assertEquals(IoDriver.TIMED_OUT, result);
        assertEquals(IoDriver.TIMED_OUT, named.sendTo(ByteBuffer.allocate(4), null, 0));
        var waiting =
                List.of(
                        ThreadKind.VIRTUAL.run(
                                () -> named.sendTo(ByteBuffer.allocate(4), null, -1)),
                        ThreadKind.PLATFORM.run(
                                () -> unnamed.sendTo(ByteBuffer.allocate(4), name, -1)));
        for (var each : waiting) {
            each.awaitParked();
        }
        named.close();
        unnamed.close();
        for (var each : waiting) {
            assertEquals(IoDriver.CLOSED, each.get());
        }
        receiver.close();
        IoUnixDatagram late = driver.datagramUnix(UnixName.UNNAMED);
        assertThrows(ConnectException.class, () -> late.connect(name));
        var e = assertThrows(IOException.class, () -> late.sendTo(bytes("x"), name, 10 * SECOND));
        assertMessage("send 1 bytes to " + name, e);
    }

    // ---- batches ----

    @Test
    void batchesOfEverySizeArriveWhole() throws Exception {
        IoDriver driver = polled();
        IoDatagram a = driver.datagram(loopback(0), DATAGRAM);
        IoDatagram b =
                driver.datagram(loopback(0), new DatagramSettings(false, false, 4 << 20, 0, false));
        assertTrue(a.connect(b.localAddress()));
        long seed = Long.getLong("avx.stress.seed", System.nanoTime());
        System.out.println("batchesOfEverySizeArriveWhole: -Davx.stress.seed=" + seed);
        var random = new SplittableRandom(seed);
        int number = 0;
        int expected = 0;
        for (int round = 0; round < 60; round++) {
            var from = new ByteBuffer[1 + random.nextInt(round % 3 == 0 ? 150 : 8)];
            for (int i = 0; i < from.length; i++) {
                int size =
                        switch (random.nextInt(8)) {
                            case 0 -> 0;
                            case 1 -> from.length < 9 ? random.nextInt(65_508) : 4;
                            default -> random.nextInt(400);
                        };
                ByteBuffer datagram =
                        random.nextBoolean()
                                ? ByteBuffer.allocate(size + 4)
                                : ByteBuffer.allocateDirect(size + 4);
                size = Math.min(size, 65_503);
                from[i] = datagram.putInt(0, number++).limit(size + 4);
            }
            var sizes = Arrays.stream(from).mapToInt(ByteBuffer::remaining).toArray();
            for (int sent = 0; sent < from.length; ) {
                int count =
                        a.sendMany(Arrays.copyOfRange(from, sent, from.length), null, 20 * SECOND);
                assertTrue(count > 0, "sent " + count);
                for (int i = sent; i < sent + count; i++) {
                    assertFalse(from[i].hasRemaining());
                }
                sent += count;
            }
            for (int got = 0; got < from.length; ) {
                var to = new ByteBuffer[1 + random.nextInt(100)];
                for (int i = 0; i < to.length; i++) {
                    int room = random.nextInt(4) == 0 ? 70_000 : 1_000;
                    to[i] =
                            random.nextBoolean()
                                    ? ByteBuffer.allocate(room)
                                    : ByteBuffer.allocateDirect(room);
                }
                var received = new IoDatagram.@Nullable Received[to.length];
                int count = b.recvMany(to, received, 20 * SECOND);
                assertTrue(count > 0, "received " + count + " of " + from.length + ", " + got);
                for (int i = 0; i < count; i++) {
                    IoDatagram.Received each = received[i];
                    assertNotNull(each);
                    assertEquals(a.localAddress(), each.sender());
                    assertEquals(sizes[got], each.datagramLength());
                    assertEquals(Math.min(sizes[got], to[i].capacity()), each.length());
                    assertEquals(each.length(), to[i].position());
                    assertEquals(expected++, to[i].getInt(0));
                    got++;
                }
            }
        }
    }

    // ---- multicast ----

    private static @Nullable NetworkInterface loopbackInterface() throws IOException {
        return NetworkInterface.getByInetAddress(InetAddress.ofLiteral("127.0.0.1"));
    }

    @Test
    void groupsAreJoinedAndLeft() throws Exception {
        IoDriver driver = polled();
        NetworkInterface on = loopbackInterface();
        InetAddress group = InetAddress.ofLiteral("239.255.77.1");
        IoDatagram sender = driver.datagram(loopback(0), DATAGRAM);
        var all = new IoDatagram.Membership(group, on, null);
        if (!has(driver, IoCapability.MULTICAST, () -> sender.join(all))) {
            return;
        }
        assertNotNull(on);
        assertTrue(sender.setOption(StandardSocketOptions.IP_MULTICAST_IF, on));
        assertEquals(on, sender.getOption(StandardSocketOptions.IP_MULTICAST_IF));
        assertTrue(sender.setOption(StandardSocketOptions.IP_MULTICAST_TTL, 0));
        assertEquals(0, sender.getOption(StandardSocketOptions.IP_MULTICAST_TTL));
        assertTrue(sender.setOption(StandardSocketOptions.IP_MULTICAST_LOOP, true));
        assertSame(true, sender.getOption(StandardSocketOptions.IP_MULTICAST_LOOP));
        // receivers on an IPv4 socket, and on one of both families
        for (String any : List.of("0.0.0.0", "::")) {
            IoDatagram receiver =
                    driver.datagram(new InetSocketAddress(InetAddress.ofLiteral(any), 0), DATAGRAM);
            var to = new InetSocketAddress(group, receiver.localAddress().getPort());
            var into = ByteBuffer.allocate(9);
            assertTrue(receiver.join(all));
            assertThrows(IOException.class, () -> receiver.join(all), "joined twice");
            sender.sendTo(bytes("group"), to, 10 * SECOND);
            assertNotNull(receiver.recvFrom(into, 10 * SECOND), any);
            assertEquals("group", text(into));
            assertTrue(receiver.leave(all));
            var e = assertThrows(IOException.class, () -> receiver.leave(all));
            assertMessage("leave " + group, e);
            if (driver.capabilities().contains(IoCapability.SOURCE_MULTICAST)) {
                var self = new IoDatagram.Membership(group, on, InetAddress.ofLiteral("127.0.0.1"));
                var other =
                        new IoDatagram.Membership(group, on, InetAddress.ofLiteral("192.0.2.1"));
                assertTrue(receiver.join(self));
                sender.sendTo(bytes("self"), to, 10 * SECOND);
                assertNotNull(receiver.recvFrom(into.clear(), 10 * SECOND));
                assertEquals("self", text(into));
                assertTrue(receiver.leave(self));
                assertTrue(receiver.join(other));
                sender.sendTo(bytes("nobody"), to, 10 * SECOND);
                assertNull(receiver.recvFrom(into.clear(), 50_000_000));
                assertTrue(receiver.leave(other));
            }
            receiver.close();
            assertFalse(receiver.join(all));
        }
    }

    // ---- options ----

    @Test
    void everyOptionThatASocketNamesCanBeRead() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        List<IoSocket> sockets =
                List.of(
                        pair.client(),
                        pair.server(),
                        driver.listen(loopback(0), LISTEN),
                        driver.listen(any(), LISTEN),
                        driver.datagram(loopback(0), DATAGRAM),
                        driver.datagram(any(), DATAGRAM));
        for (IoSocket socket : sockets) {
            assertFalse(socket.supportedOptions().isEmpty());
            for (SocketOption<?> option : socket.supportedOptions()) {
                if (option == StandardSocketOptions.IP_MULTICAST_IF) {
                    continue; // not known until it was set
                }
                try {
                    Object value = socket.getOption(option);
                    assertInstanceOf(option.type(), value, option::name);
                } catch (IOException e) {
                    // IPv4 sockets do not have it
                    assertEquals("IPV6_V6ONLY", option.name(), e::toString);
                }
            }
        }
    }

    private static InetSocketAddress any() {
        return new InetSocketAddress(InetAddress.ofLiteral("::"), 0);
    }

    private record Sample(SocketOption<?> option, Object value) {}

    @SuppressWarnings("unchecked")
    private static void check(IoSocket socket, Sample sample) throws IOException {
        if (socket.supportedOptions().contains(sample.option)) {
            var option = (SocketOption<Object>) sample.option;
            assertTrue(socket.setOption(option, sample.value), option::name);
            assertEquals(sample.value, socket.getOption(option), option::name);
        } else {
            var e =
                    assertThrows(
                            UnsupportedOperationException.class,
                            () -> socket.getOption(sample.option));
            assertMessage("has no option " + sample.option.name(), e);
        }
    }

    @Test
    void optionsOfTheSystemAreKept() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        for (Sample sample :
                List.of(
                        new Sample(StandardSocketOptions.SO_KEEPALIVE, true),
                        new Sample(ExtendedOptions.TCP_KEEPIDLE, 77),
                        new Sample(ExtendedOptions.TCP_KEEPINTVL, 7),
                        new Sample(ExtendedOptions.TCP_KEEPCNT, 5),
                        new Sample(ExtendedOptions.TCP_QUICKACK, true),
                        new Sample(ExtendedOptions.TCP_CORK, true),
                        new Sample(ExtendedOptions.TCP_CORK, false),
                        new Sample(ExtendedOptions.TCP_USER_TIMEOUT, 12_345),
                        new Sample(ExtendedOptions.TCP_NOTSENT_LOWAT, 16_384),
                        new Sample(ExtendedOptions.TCP_SYNCNT, 3),
                        new Sample(ExtendedOptions.SO_PRIORITY, 4),
                        new Sample(ExtendedOptions.SO_RCVLOWAT, 1),
                        new Sample(ExtendedOptions.IP_TTL, 33),
                        new Sample(StandardSocketOptions.IP_TOS, 0x20))) {
            check(pair.client(), sample);
        }
        IoListener listener = driver.listen(loopback(0), LISTEN);
        for (Sample sample :
                List.of(
                        new Sample(ExtendedOptions.TCP_FASTOPEN, 16),
                        new Sample(ExtendedOptions.TCP_KEEPIDLE, 99))) {
            check(listener, sample);
        }
        for (var local : List.of(loopback(0), any())) {
            IoDatagram datagram = driver.datagram(local, DATAGRAM);
            for (Sample sample :
                    List.of(
                            new Sample(StandardSocketOptions.SO_BROADCAST, true),
                            new Sample(ExtendedOptions.IP_TTL, 12),
                            new Sample(StandardSocketOptions.IP_TOS, 0x20),
                            new Sample(ExtendedOptions.IP_DONTFRAGMENT, true),
                            new Sample(ExtendedOptions.IP_DONTFRAGMENT, false),
                            new Sample(StandardSocketOptions.IP_MULTICAST_TTL, 3),
                            new Sample(StandardSocketOptions.IP_MULTICAST_LOOP, false))) {
                check(datagram, sample);
            }
        }
        assertThrows(
                UnsupportedOperationException.class,
                () -> listener.setOption(ExtendedOptions.TCP_CORK, true));
    }

    /** As {@code jdk.net.ExtendedSocketOptions} and others have them: known by name and type. */
    private record Foreign<T>(String name, Class<T> type) implements SocketOption<T> {}

    @Test
    void optionsAreKnownByName() throws Exception {
        IoDriver driver = polled();
        Pair pair = connect(driver);
        if (pair.client().supportedOptions().contains(ExtendedOptions.TCP_KEEPCNT)) {
            var foreign = new Foreign<>("TCP_KEEPCNT", Integer.class);
            assertTrue(pair.client().setOption(foreign, 9));
            assertEquals(9, pair.client().getOption(ExtendedOptions.TCP_KEEPCNT));
            assertEquals(9, pair.client().getOption(foreign));
        }
        for (Foreign<?> wrong :
                List.of(
                        new Foreign<>("TCP_KEEPCNT", String.class),
                        new Foreign<>("SO_NO_SUCH", Integer.class))) {
            var e =
                    assertThrows(
                            UnsupportedOperationException.class,
                            () -> pair.client().getOption(wrong));
            assertMessage("has no option " + wrong.name(), e);
        }
    }

    @Test
    void optionsAreSetBeforeBinding() throws Exception {
        IoDriver driver = polled();
        var keep = Map.<SocketOption<?>, Object>of(StandardSocketOptions.SO_KEEPALIVE, true);
        IoStream client;
        try (IoListener listener = driver.listen(loopback(0), LISTEN)) {
            client =
                    driver.connect(
                            listener.localAddress(),
                            new ConnectSettings(null, false, 0, 0, keep),
                            10 * SECOND);
            assertNotNull(client);
            assertSame(true, client.getOption(StandardSocketOptions.SO_KEEPALIVE));
            var noPort =
                    Map.<SocketOption<?>, Object>of(ExtendedOptions.IP_BIND_ADDRESS_NO_PORT, true);
            if (client.supportedOptions().contains(ExtendedOptions.IP_BIND_ADDRESS_NO_PORT)) {
                IoStream bound =
                        driver.connect(
                                listener.localAddress(),
                                new ConnectSettings(loopback(0), false, 0, 0, noPort),
                                10 * SECOND);
                assertNotNull(bound);
                assertTrue(bound.localAddress().getPort() > 0);
            }
        }
        var wrong = Map.<SocketOption<?>, Object>of(new Foreign<>("SO_NO_SUCH", Integer.class), 1);
        assertThrows(
                UnsupportedOperationException.class,
                () -> driver.listen(loopback(0), new ListenSettings(1, true, false, 0, wrong)));
        assertThrows(
                UnsupportedOperationException.class,
                () ->
                        driver.datagram(
                                loopback(0),
                                new DatagramSettings(false, false, 0, 0, false, wrong)));
        IoListener both = driver.listen(any(), LISTEN);
        if (!hasIpv6() || !both.supportedOptions().contains(ExtendedOptions.IPV6_V6ONLY)) {
            return;
        }
        assertSame(false, both.getOption(ExtendedOptions.IPV6_V6ONLY));
        var only = Map.<SocketOption<?>, Object>of(ExtendedOptions.IPV6_V6ONLY, true);
        IoListener one = driver.listen(any(), new ListenSettings(8, true, false, 0, only));
        assertSame(true, one.getOption(ExtendedOptions.IPV6_V6ONLY));
        int port = one.localAddress().getPort();
        assertThrows(ConnectException.class, () -> driver.connect(loopback(port), 10 * SECOND));
        IoStream six =
                driver.connect(
                        new InetSocketAddress(InetAddress.ofLiteral("::1"), port), 10 * SECOND);
        assertNotNull(six);
        assertInstanceOf(Inet6Address.class, six.remoteAddress().getAddress());
    }

    private boolean hasIpv6() throws IOException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .anyMatch(address -> address.equals(InetAddress.ofLiteral("::1")));
    }
}
