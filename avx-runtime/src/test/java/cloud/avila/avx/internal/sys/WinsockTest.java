package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/** Each call once, with the layouts that it needs. */
@Tag("windows")
class WinsockTest {
    private final Winsock winsock = NativeAccess.windows();
    private final NativeScratch scratch = new NativeScratch();
    private final Arena arena = Arena.ofShared();
    private final List<Long> sockets = new ArrayList<>();
    private long port;

    @BeforeEach
    void openPort() {
        port = winsock.createPort(scratch);
        assertTrue(port > 0, () -> "error " + -port);
    }

    @AfterEach
    void closeEverything() {
        for (long socket : sockets) {
            assertEquals(0, winsock.closesocket(scratch, socket));
        }
        while (dequeue(50) > 0) {
            Thread.onSpinWait();
        }
        assertEquals(0, winsock.closeHandle(scratch, port));
        assertEquals(-WindowsError.ERROR_INVALID_HANDLE, winsock.closeHandle(scratch, port));
        arena.close();
    }

    private MemorySegment entries() {
        return arena.allocate(8 * Winsock.ENTRY_BYTES, 8);
    }

    private int dequeue(int millis) {
        return winsock.dequeue(scratch, port, entries(), 8, millis);
    }

    /** The OVERLAPPED that the port reports next. */
    private void awaitEnd(MemorySegment overlapped) {
        MemorySegment entries = entries();
        assertEquals(1, winsock.dequeue(scratch, port, entries, 1, 20_000));
        assertEquals(overlapped.address(), entries.get(JAVA_LONG, Winsock.ENTRY_OVERLAPPED));
        // status and bytes are the same in the entry and in the OVERLAPPED
        assertEquals(overlapped.get(JAVA_INT, 0), entries.get(JAVA_INT, 16));
        assertEquals((int) overlapped.get(JAVA_LONG, 8), entries.get(JAVA_INT, 24));
    }

    private long socket(boolean datagrams) {
        long socket =
                winsock.socket(
                        scratch,
                        Winsock.AF_INET,
                        datagrams ? Winsock.SOCK_DGRAM : Winsock.SOCK_STREAM,
                        datagrams ? Winsock.IPPROTO_UDP : Winsock.IPPROTO_TCP);
        assertTrue(socket > 0, () -> "error " + -socket);
        sockets.add(socket);
        scratch.value().set(JAVA_INT, 0, 1);
        assertEquals(0, winsock.ioctlsocket(scratch, socket, Winsock.FIONBIO, scratch.value()));
        return socket;
    }

    private long bound(boolean datagrams, int portNumber) {
        long socket = socket(datagrams);
        int length = address(portNumber);
        assertEquals(0, winsock.bind(scratch, socket, scratch.address(), length));
        return socket;
    }

    private int address(int portNumber) {
        return WindowsAddresses.encode(
                scratch.address(),
                Winsock.AF_INET,
                new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), portNumber));
    }

    private InetSocketAddress name(long socket, boolean peer) {
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        int result =
                peer
                        ? winsock.getpeername(scratch, socket, scratch.address(), scratch.length())
                        : winsock.getsockname(scratch, socket, scratch.address(), scratch.length());
        assertEquals(0, result);
        assertEquals(16, scratch.length().get(JAVA_INT, 0));
        return WindowsAddresses.decode(scratch.address());
    }

    private MemorySegment overlapped() {
        return arena.allocate(Winsock.OVERLAPPED_BYTES, 8);
    }

    private static int begun(int result) {
        return result == -WindowsError.WSA_IO_PENDING ? 0 : result;
    }

    private MemorySegment function(long socket, boolean connect) {
        assertEquals(0, winsock.extension(scratch, socket, connect));
        MemorySegment function = scratch.value().get(ADDRESS, 0);
        assertNotEquals(0, function.address());
        return function;
    }

    @Test
    void structuresAreAsTheHeadersSay() {
        StructLayout overlapped =
                MemoryLayout.structLayout(
                        JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS); // minwinbase.h
        assertEquals(overlapped.byteSize(), Winsock.OVERLAPPED_BYTES);
        StructLayout entry =
                MemoryLayout.structLayout(
                        JAVA_LONG,
                        ADDRESS.withName("overlapped"),
                        JAVA_LONG,
                        JAVA_INT,
                        MemoryLayout.paddingLayout(4)); // minwinbase.h
        assertEquals(entry.byteSize(), Winsock.ENTRY_BYTES);
        assertEquals(
                entry.byteOffset(MemoryLayout.PathElement.groupElement("overlapped")),
                Winsock.ENTRY_OVERLAPPED);
        StructLayout buffer =
                MemoryLayout.structLayout(JAVA_INT, MemoryLayout.paddingLayout(4), ADDRESS);
        assertEquals(buffer.byteSize(), Winsock.WSABUF_BYTES); // ws2def.h
        StructLayout poll =
                MemoryLayout.structLayout(
                        JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
        assertEquals(poll.byteSize(), Winsock.AFD_POLL_INFO_BYTES);
        // winsock2.h: five 32-bit flags, a GUID, an id, a chain of 8 ids, 11 ints, 256 characters
        assertEquals(5 * 4 + 16 + 4 + (1 + 7) * 4 + 11 * 4 + 256 * 2, Winsock.PROTOCOL_INFO_BYTES);
    }

    @Test
    void addressesAreThoseOfSockets() throws Exception {
        InetSocketAddress four = name(bound(false, 0), false);
        assertEquals("127.0.0.1", four.getAddress().getHostAddress());
        assertTrue(four.getPort() > 0);
        long six =
                winsock.socket(scratch, Winsock.AF_INET6, Winsock.SOCK_STREAM, Winsock.IPPROTO_TCP);
        if (six == -WindowsError.WSAEAFNOSUPPORT) {
            return;
        }
        sockets.add(six);
        int length =
                WindowsAddresses.encode(
                        scratch.address(),
                        WindowsAddresses.family(InetAddress.ofLiteral("::1")),
                        new InetSocketAddress(InetAddress.ofLiteral("::1"), 0));
        assertEquals(28, length);
        if (winsock.bind(scratch, six, scratch.address(), length) == 0) {
            scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
            assertEquals(0, winsock.getsockname(scratch, six, scratch.address(), scratch.length()));
            assertEquals(
                    InetAddress.ofLiteral("::1"),
                    WindowsAddresses.decode(scratch.address()).getAddress());
        }
    }

    @Test
    void optionsAreKnown() {
        long socket = socket(false);
        long datagrams = socket(true);
        record Option(int level, int number, int value) {}
        for (Option option :
                List.of(
                        new Option(Winsock.IPPROTO_TCP, Winsock.TCP_NODELAY, 1),
                        new Option(Winsock.IPPROTO_TCP, Winsock.TCP_KEEPIDLE, 77),
                        new Option(Winsock.IPPROTO_TCP, Winsock.TCP_KEEPINTVL, 7),
                        new Option(Winsock.IPPROTO_TCP, Winsock.TCP_KEEPCNT, 5),
                        new Option(Winsock.SOL_SOCKET, Winsock.SO_KEEPALIVE, 1),
                        new Option(Winsock.SOL_SOCKET, Winsock.SO_EXCLUSIVEADDRUSE, 1),
                        new Option(Winsock.IPPROTO_IP, Winsock.IP_TTL, 33))) {
            assertEquals(
                    option.value, setAndGet(socket, option.level, option.number, option.value));
        }
        assertEquals(1, setAndGet(datagrams, Winsock.SOL_SOCKET, Winsock.SO_BROADCAST, 1));
        assertEquals(1, setAndGet(datagrams, Winsock.SOL_SOCKET, Winsock.SO_REUSEADDR, 1));
        assertTrue(setAndGet(socket, Winsock.SOL_SOCKET, Winsock.SO_SNDBUF, 50_000) >= 50_000);
        assertTrue(setAndGet(socket, Winsock.SOL_SOCKET, Winsock.SO_RCVBUF, 50_000) >= 50_000);
        scratch.length().set(JAVA_INT, 0, Winsock.PROTOCOL_INFO_BYTES);
        assertEquals(
                0,
                winsock.getsockopt(
                        scratch,
                        socket,
                        Winsock.SOL_SOCKET,
                        Winsock.SO_PROTOCOL_INFOW,
                        scratch.io(),
                        scratch.length()));
        assertNotEquals(0, scratch.io().get(JAVA_INT, 0) & Winsock.XP1_IFS_HANDLES);
        scratch.value().set(JAVA_INT, 0, 0);
        assertEquals(
                0,
                winsock.wsaIoctl(
                        scratch,
                        datagrams,
                        Winsock.SIO_UDP_CONNRESET,
                        scratch.value(),
                        Integer.BYTES,
                        MemorySegment.NULL,
                        0));
        assertEquals(
                0,
                winsock.wsaIoctl(
                        scratch,
                        socket,
                        Winsock.SIO_BASE_HANDLE,
                        MemorySegment.NULL,
                        0,
                        scratch.value(),
                        Long.BYTES));
        assertEquals(socket, scratch.value().get(JAVA_LONG, 0));
    }

    private int setAndGet(long socket, int level, int option, int value) {
        scratch.value().set(JAVA_INT, 0, value);
        assertEquals(
                0,
                winsock.setsockopt(scratch, socket, level, option, scratch.value(), Integer.BYTES),
                () -> "option " + option);
        scratch.length().set(JAVA_INT, 0, Integer.BYTES);
        scratch.value().set(JAVA_INT, 0, 0);
        assertEquals(
                0,
                winsock.getsockopt(
                        scratch, socket, level, option, scratch.value(), scratch.length()),
                () -> "option " + option);
        return scratch.value().get(JAVA_INT, 0);
    }

    @Test
    void aConnectionLivesThroughThePort() {
        long listener = bound(false, 0);
        assertEquals(0, winsock.listen(scratch, listener, 8));
        assertEquals(0, winsock.associate(scratch, listener, port));
        long server = socket(false);
        MemorySegment accepting = overlapped();
        assertEquals(
                -WindowsError.WSA_IO_PENDING,
                winsock.acceptEx(
                        scratch,
                        function(listener, false),
                        listener,
                        server,
                        arena.allocate(2 * 44),
                        28 + Winsock.ACCEPT_ADDRESS_EXTRA,
                        accepting));
        assertEquals(Winsock.STATUS_PENDING, accepting.get(JAVA_INT, 0));

        long client = bound(false, 0);
        assertEquals(0, winsock.associate(scratch, client, port));
        assertEquals(
                0,
                winsock.notificationModes(
                        scratch,
                        client,
                        Winsock.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
                                | Winsock.FILE_SKIP_SET_EVENT_ON_HANDLE));
        MemorySegment connecting = overlapped();
        MemorySegment target = arena.allocate(SocketAddresses.MAX_BYTES, 8);
        int length = WindowsAddresses.encode(target, Winsock.AF_INET, name(listener, false));
        int connected =
                winsock.connectEx(
                        scratch, function(client, true), client, target, length, connecting);
        assertEquals(0, begun(connected));
        for (int ended = connected == 0 ? 1 : 0; ended < 2; ) {
            int count = dequeue(20_000);
            assertTrue(count > 0);
            ended += count;
        }
        scratch.value().set(JAVA_LONG, 0, listener);
        assertEquals(
                0,
                winsock.setsockopt(
                        scratch,
                        server,
                        Winsock.SOL_SOCKET,
                        Winsock.SO_UPDATE_ACCEPT_CONTEXT,
                        scratch.value(),
                        Long.BYTES));
        assertEquals(
                0,
                winsock.setsockopt(
                        scratch,
                        client,
                        Winsock.SOL_SOCKET,
                        Winsock.SO_UPDATE_CONNECT_CONTEXT,
                        MemorySegment.NULL,
                        0));
        assertEquals(name(client, false), name(server, true));

        // a receive that waits
        assertEquals(0, winsock.associate(scratch, server, port));
        MemorySegment memory = arena.allocate(16, 8);
        MemorySegment receiving = overlapped();
        assertEquals(
                -WindowsError.WSA_IO_PENDING,
                winsock.wsaRecv(
                        scratch, server, buffer(memory), arena.allocate(JAVA_INT), receiving));
        memory.asSlice(8).fill((byte) 7);
        assertEquals(3, winsock.send(scratch, client, memory.asSlice(8), 3));
        awaitEnd(receiving);
        assertEquals(0, winsock.overlappedResult(scratch, server, receiving));
        assertEquals(3, receiving.get(JAVA_LONG, 8));
        assertEquals(7, memory.get(JAVA_BYTE, 2));

        // and one that is cancelled
        assertEquals(
                -WindowsError.WSA_IO_PENDING,
                winsock.wsaRecv(
                        scratch, server, buffer(memory), arena.allocate(JAVA_INT), receiving));
        assertEquals(0, winsock.cancel(scratch, server));
        awaitEnd(receiving);
        assertEquals(
                -WindowsError.WSA_OPERATION_ABORTED,
                winsock.overlappedResult(scratch, server, receiving));
        assertEquals(-WindowsError.ERROR_NOT_FOUND, winsock.cancel(scratch, server));

        // what is there now
        assertEquals(-WindowsError.WSAEWOULDBLOCK, winsock.recv(scratch, server, memory, 16, 0));
        assertEquals(0, poll(server, Winsock.POLLIN));
        assertEquals(2, winsock.send(scratch, client, memory, 2));
        long end = System.nanoTime() + 20_000_000_000L;
        while (poll(server, Winsock.POLLIN) == 0 && System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
        assertEquals(2, winsock.recv(scratch, server, memory, 16, Winsock.MSG_PEEK));
        assertEquals(0, winsock.ioctlsocket(scratch, server, Winsock.FIONREAD, scratch.value()));
        assertEquals(2, scratch.value().get(JAVA_INT, 0));
        assertEquals(2, winsock.recv(scratch, server, memory, 16, 0));

        // room to send
        assertEquals(1, poll(client, Winsock.POLLOUT));
        long afd = winsock.afdOpen();
        assertTrue(afd > 0, () -> "error " + -afd);
        assertEquals(0, winsock.associate(scratch, afd, port));
        MemorySegment polling = overlapped();
        MemorySegment info = arena.allocate(Winsock.AFD_POLL_INFO_BYTES, 8);
        info.set(JAVA_LONG, 0, Long.MAX_VALUE);
        info.set(JAVA_INT, 8, 1);
        info.set(JAVA_LONG, 16, client);
        info.set(JAVA_INT, 24, Winsock.AFD_POLL_SEND);
        assertEquals(0, winsock.afdPoll(afd, info, polling));
        awaitEnd(polling);
        assertEquals(Winsock.AFD_POLL_SEND, info.get(JAVA_INT, 24));
        assertEquals(0, winsock.closeHandle(scratch, afd));

        // the end
        assertEquals(0, winsock.shutdown(scratch, client, Winsock.SD_SEND));
        assertEquals(-WindowsError.WSAESHUTDOWN, winsock.send(scratch, client, memory, 1));
        int last;
        do {
            last = winsock.recv(scratch, server, memory, 16, 0);
        } while (last == -WindowsError.WSAEWOULDBLOCK);
        assertEquals(0, last);
    }

    private MemorySegment buffer(MemorySegment memory) {
        MemorySegment buffer = arena.allocate(Winsock.WSABUF_BYTES, 8);
        buffer.set(JAVA_INT, 0, (int) memory.byteSize());
        buffer.set(ADDRESS, 8, memory);
        return buffer;
    }

    private int poll(long socket, int events) {
        MemorySegment pollfd = arena.allocate(16, 8);
        pollfd.set(JAVA_LONG, 0, socket);
        pollfd.set(JAVA_SHORT, 8, (short) events);
        return winsock.poll(scratch, pollfd);
    }

    @Test
    void datagramsAreSentAndReceived() {
        long a = bound(true, 0);
        long b = bound(true, 0);
        MemorySegment memory = arena.allocate(64, 8);
        MemorySegment from = arena.allocate(32, 8);
        MemorySegment length = arena.allocate(JAVA_INT);
        length.set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        assertEquals(
                -WindowsError.WSAEWOULDBLOCK,
                winsock.recvfrom(scratch, b, memory, 64, from, length));
        assertEquals(0, winsock.associate(scratch, b, port));
        MemorySegment receiving = overlapped();
        assertEquals(
                -WindowsError.WSA_IO_PENDING,
                winsock.wsaRecvFrom(
                        scratch,
                        b,
                        buffer(memory),
                        arena.allocate(JAVA_INT),
                        from,
                        length,
                        receiving));
        int bytes = WindowsAddresses.encode(scratch.address(), Winsock.AF_INET, name(b, false));
        assertEquals(5, winsock.sendto(scratch, a, memory, 5, scratch.address(), bytes));
        awaitEnd(receiving);
        assertEquals(5, receiving.get(JAVA_LONG, 8));
        assertEquals(name(a, false), WindowsAddresses.decode(from));
        bytes = WindowsAddresses.encode(scratch.address(), Winsock.AF_INET, name(b, false));
        assertEquals(0, winsock.connect(scratch, a, scratch.address(), bytes));
        assertEquals(4, winsock.send(scratch, a, memory, 4));
        int got;
        do {
            length.set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
            got = winsock.recvfrom(scratch, b, memory, 64, from, length);
        } while (got == -WindowsError.WSAEWOULDBLOCK);
        assertEquals(4, got);
    }

    @Test
    void thePortReportsWakeUpsAndTimeouts() {
        assertEquals(0, dequeue(1));
        assertEquals(0, winsock.post(scratch, port));
        MemorySegment entries = entries();
        assertEquals(1, winsock.dequeue(scratch, port, entries, 8, 20_000));
        assertEquals(0, entries.get(JAVA_LONG, Winsock.ENTRY_OVERLAPPED));
    }

    @Test
    void failuresHaveTheErrorOfWinsock() {
        long taken = bound(false, 0);
        scratch.value().set(JAVA_INT, 0, 1);
        int number = name(taken, false).getPort();
        long other = socket(false);
        int length = address(number);
        assertEquals(
                -WindowsError.WSAEADDRINUSE,
                winsock.bind(scratch, other, scratch.address(), length));
        assertEquals(-WindowsError.WSAENOTSOCK, winsock.listen(scratch, port, 1));
        assertEquals(-WindowsError.WSAENOTCONN, winsock.shutdown(scratch, other, Winsock.SD_SEND));
    }

    @Test
    void errorsBecomeTheExceptionsOfJavaNet() {
        LongFunction<Exception> connecting =
                error -> WindowsError.exception("connect to", "there", (int) error);
        assertInstanceOf(ConnectException.class, connecting.apply(WindowsError.WSAECONNREFUSED));
        assertInstanceOf(ConnectException.class, connecting.apply(WindowsError.WSAETIMEDOUT));
        assertInstanceOf(
                NoRouteToHostException.class, connecting.apply(WindowsError.WSAEHOSTUNREACH));
        assertInstanceOf(
                BindException.class,
                WindowsError.exception("listen on", null, WindowsError.WSAEADDRINUSE));
        assertInstanceOf(
                BindException.class, WindowsError.exception("bind", null, WindowsError.WSAEACCES));
        assertInstanceOf(
                PortUnreachableException.class,
                WindowsError.exception("receive on", null, WindowsError.WSAECONNREFUSED));
        var e = WindowsError.exception("read from", "x", WindowsError.WSAECONNRESET);
        assertInstanceOf(SocketException.class, e);
        assertEquals(
                "read from x failed: WSAECONNRESET (10054), connection reset by the peer",
                e.getMessage());
        assertEquals(
                "op failed: error 4711", WindowsError.exception("op", null, 4711).getMessage());
        assertEquals("WSAENOBUFS", WindowsError.name(WindowsError.WSAENOBUFS));
        assertTrue(WindowsError.isWantOfMeans(WindowsError.WSAENOBUFS));
    }

    @Test
    void elsewhereItIsAClearError() {
        var e =
                assertThrows(
                        UnsupportedOperationException.class,
                        () -> NativeAccess.windows("Linux", "amd64"));
        assertEquals(
                "I/O completion ports are of Windows on amd64 and aarch64, this is Linux on amd64",
                e.getMessage());
    }
}
