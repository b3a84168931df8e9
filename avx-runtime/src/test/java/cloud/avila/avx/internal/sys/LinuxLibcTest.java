package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Modifier;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.TreeSet;

/** Calls every function of the binding once, with a result that shows that it was that function. */
@EnabledOnOs(OS.LINUX)
class LinuxLibcTest {
    @TempDir Path directory;

    private final LinuxLibc libc = NativeAccess.linux();
    private final NativeScratch scratch = new NativeScratch();
    private final TreeSet<String> called = new TreeSet<>();

    private int ok(String handle, long result) {
        called.add(handle);
        assertTrue(result >= 0, () -> handle + ": " + LinuxErrno.name((int) -result));
        return (int) result;
    }

    @Test
    void everyFunctionDoesWhatItsNameSays() throws Exception {
        int tcp = LinuxLibc.SOCK_STREAM | LinuxLibc.SOCK_NONBLOCK | LinuxLibc.SOCK_CLOEXEC;
        int listener = ok("SOCKET", libc.socket(scratch, LinuxLibc.AF_INET, tcp, 0));
        var any = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
        int length = SocketAddresses.encode(scratch.address(), LinuxLibc.AF_INET, any);
        assertEquals(0, ok("BIND", libc.bind(scratch, listener, scratch.address(), length)));
        assertEquals(0, ok("LISTEN", libc.listen(scratch, listener, 8)));
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        ok("GETSOCKNAME", libc.getsockname(scratch, listener, scratch.address(), scratch.length()));
        assertEquals(SocketAddresses.IN_BYTES, scratch.length().get(JAVA_INT, 0));
        InetSocketAddress bound = SocketAddresses.decode(scratch.address());
        assertEquals(any.getAddress(), bound.getAddress());
        assertTrue(bound.getPort() > 0);

        int client = ok("SOCKET", libc.socket(scratch, LinuxLibc.AF_INET, tcp, 0));
        length = SocketAddresses.encode(scratch.address(), LinuxLibc.AF_INET, bound);
        int connecting = libc.connect(scratch, client, scratch.address(), length);
        called.add("CONNECT");
        assertTrue(connecting == 0 || connecting == -LinuxErrno.EINPROGRESS);

        int epoll = ok("EPOLL_CREATE1", libc.epollCreate(scratch, LinuxLibc.EPOLL_CLOEXEC));
        scratch.value().set(JAVA_INT_UNALIGNED, 0, LinuxLibc.EPOLLIN);
        scratch.value()
                .set(JAVA_LONG_UNALIGNED, LinuxLibc.EPOLL_EVENT_DATA, 0x1234_5678_9abc_def0L);
        ok(
                "EPOLL_CTL",
                libc.epollCtl(scratch, epoll, LinuxLibc.EPOLL_CTL_ADD, listener, scratch.value()));
        MemorySegment events = Arena.ofAuto().allocate(4L * LinuxLibc.EPOLL_EVENT_BYTES, 8);
        assertEquals(1, ok("EPOLL_WAIT", libc.epollWait(scratch, epoll, events, 4, 5000)));
        assertEquals(LinuxLibc.EPOLLIN, events.get(JAVA_INT_UNALIGNED, 0));
        assertEquals(
                0x1234_5678_9abc_def0L,
                events.get(JAVA_LONG_UNALIGNED, LinuxLibc.EPOLL_EVENT_DATA));
        MemorySegment timespec = Arena.ofAuto().allocate(LinuxLibc.TIMESPEC_BYTES, 8);
        timespec.set(JAVA_LONG, 0, 5L);
        assertEquals(1, ok("EPOLL_PWAIT2", libc.epollPwait2(scratch, epoll, events, 4, timespec)));

        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        int server =
                ok(
                        "ACCEPT4",
                        libc.accept4(
                                scratch,
                                listener,
                                scratch.address(),
                                scratch.length(),
                                LinuxLibc.SOCK_CLOEXEC));
        assertEquals(any.getAddress(), SocketAddresses.decode(scratch.address()).getAddress());

        scratch.value().set(JAVA_INT, 0, 1);
        ok(
                "SETSOCKOPT",
                libc.setsockopt(scratch, client, NativeOption.TCP_NODELAY, scratch.value(), 4));
        scratch.value().set(JAVA_INT, 0, 0);
        scratch.length().set(JAVA_INT, 0, 4);
        ok(
                "GETSOCKOPT",
                libc.getsockopt(
                        scratch,
                        client,
                        NativeOption.TCP_NODELAY,
                        scratch.value(),
                        scratch.length()));
        assertEquals(1, scratch.value().get(JAVA_INT, 0));

        scratch.io().set(JAVA_BYTE, 0, (byte) 42);
        assertEquals(
                1, ok("SEND", libc.send(scratch, client, scratch.io(), 1, LinuxLibc.MSG_NOSIGNAL)));
        scratch.io().set(JAVA_BYTE, 0, (byte) 0);
        scratch.value().set(JAVA_INT, 0, server);
        scratch.value().set(JAVA_INT, Integer.BYTES, LinuxLibc.POLLIN);
        assertEquals(1, ok("POLL", libc.poll(scratch, scratch.value(), 1, 5000)));
        assertEquals(LinuxLibc.POLLIN, scratch.value().get(JAVA_INT, Integer.BYTES) >>> 16);
        ok("IOCTL", libc.ioctl(scratch, server, LinuxLibc.FIONREAD, scratch.value()));
        assertEquals(1, scratch.value().get(JAVA_INT, 0));
        assertEquals(1, libc.recv(scratch, server, scratch.io(), 10, LinuxLibc.MSG_PEEK));
        assertEquals(1, ok("RECV", libc.recv(scratch, server, scratch.io(), 10, 0)));
        assertEquals(42, scratch.io().get(JAVA_BYTE, 0));
        ok("SHUTDOWN", libc.shutdown(scratch, client, LinuxLibc.SHUT_WR));
        assertEquals(0, libc.recv(scratch, server, scratch.io(), 10, 0));

        int eventfd =
                ok(
                        "EVENTFD",
                        libc.eventfd(scratch, 0, LinuxLibc.EFD_CLOEXEC | LinuxLibc.EFD_NONBLOCK));
        scratch.value().set(JAVA_LONG, 0, 1L);
        assertEquals(8, ok("WRITE", libc.write(scratch, eventfd, scratch.value(), 8)));
        assertEquals(server, ok("DUP3", libc.dup3(scratch, eventfd, server, LinuxLibc.O_CLOEXEC)));
        assertEquals(-LinuxErrno.ENOTSOCK, libc.recv(scratch, server, scratch.io(), 1, 0));

        int udp = ok("SOCKET", libc.socket(scratch, LinuxLibc.AF_INET, LinuxLibc.SOCK_DGRAM, 0));
        length = SocketAddresses.encode(scratch.address(), LinuxLibc.AF_INET, any);
        ok("BIND", libc.bind(scratch, udp, scratch.address(), length));
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        ok("GETSOCKNAME", libc.getsockname(scratch, udp, scratch.address(), scratch.length()));
        InetSocketAddress self = SocketAddresses.decode(scratch.address());
        assertEquals(
                7,
                ok(
                        "SENDTO",
                        libc.sendto(
                                scratch,
                                udp,
                                scratch.io(),
                                7,
                                LinuxLibc.MSG_NOSIGNAL,
                                scratch.address(),
                                length)));
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        assertEquals(
                7,
                ok(
                        "RECVFROM",
                        libc.recvfrom(
                                scratch,
                                udp,
                                scratch.io(),
                                3,
                                LinuxLibc.MSG_TRUNC,
                                scratch.address(),
                                scratch.length())));
        assertEquals(self, SocketAddresses.decode(scratch.address()));

        MemorySegment mask = Arena.ofAuto().allocate(1024, 8);
        ok("SCHED_GETAFFINITY", libc.schedGetaffinity(scratch, 1024, mask));
        assertTrue(mask.mismatch(zeros(1024)) >= 0);
        ok("SCHED_SETAFFINITY", libc.schedSetaffinity(scratch, 1024, mask));

        ok(
                "SOCKETPAIR",
                libc.socketpair(
                        scratch, LinuxLibc.AF_UNIX, LinuxLibc.SOCK_STREAM, scratch.value()));
        int left = scratch.value().get(JAVA_INT, 0);
        int right = scratch.value().get(JAVA_INT, 4);
        called.add("SENDMSG");
        scratch.io().set(JAVA_BYTE, 0, (byte) 9);
        assertEquals(1, libc.sendDescriptors(scratch, left, scratch.io(), 1, new int[] {udp}));
        scratch.io().set(JAVA_BYTE, 0, (byte) 0);
        called.add("RECVMSG");
        int[] came = new int[4];
        int[] told = new int[2];
        assertEquals(1, libc.recvDescriptors(scratch, right, scratch.io(), 1, came, told));
        assertArrayEquals(new int[] {1, 0}, told);
        assertEquals(9, scratch.io().get(JAVA_BYTE, 0));
        libc.encode(scratch.address(), LinuxLibc.AF_INET, self);
        ok("CONNECT", libc.connect(scratch, udp, scratch.address(), SocketAddresses.IN_BYTES));
        var batch = new DatagramBatch(scratch.io(), 2);
        MemorySegment data = Arena.ofAuto().allocate(16, 8);
        batch.buffer(0, data, 3);
        batch.addressLength(0, 0);
        batch.buffer(1, data, 5);
        batch.addressLength(1, 0);
        called.add("SENDMMSG");
        assertEquals(2, libc.sendBatch(scratch, came[0], batch, 2));
        batch.buffer(0, data, 2);
        batch.buffer(1, data.asSlice(8), 8);
        called.add("RECVMMSG");
        assertEquals(2, libc.recvBatch(scratch, udp, batch, 2));
        assertEquals(3, batch.transferred(0));
        assertEquals(5, batch.transferred(1));
        assertEquals(self, SocketAddresses.decode(batch.address(1)));
        assertEquals(SocketAddresses.IN_BYTES, batch.addressLength(1));

        Path path = Files.writeString(directory.resolve("file"), "contents");
        int file = ok("OPEN", libc.openFile(scratch, path.toString().getBytes(UTF_8)));
        assertEquals(8, ok("LSEEK", (int) libc.fileSize(scratch, file)));
        assertEquals(4, ok("PREAD", (int) libc.readAt(scratch, file, data, 9, 4)));
        assertEquals('e', data.get(JAVA_BYTE, 0));
        assertEquals(3, ok("SENDFILE", (int) libc.sendFile(scratch, left, file, 5, 99)));
        ok("FCNTL", libc.makeNonBlocking(scratch, right));
        assertEquals(3, ok("READ", (int) libc.readFrom(scratch, right, data, 9)));
        assertEquals('n', data.get(JAVA_BYTE, 0));
        assertEquals(-LinuxErrno.EAGAIN, libc.readFrom(scratch, right, data, 9));
        libc.close(scratch, left);
        libc.close(scratch, right);
        libc.close(scratch, file);
        libc.close(scratch, came[0]);

        for (int fd : new int[] {listener, client, server, epoll, eventfd, udp}) {
            ok("CLOSE", libc.close(scratch, fd));
        }
        assertEquals(-LinuxErrno.EBADF, libc.close(scratch, udp));
        assertEquals(handles(), called, "functions bound and functions called here");
    }

    private static MemorySegment zeros(int bytes) {
        return Arena.ofAuto().allocate(bytes, 8);
    }

    private static TreeSet<String> handles() {
        var names = new TreeSet<String>();
        Arrays.stream(LinuxLibc.class.getDeclaredFields())
                .filter(field -> Modifier.isStatic(field.getModifiers()))
                .filter(field -> field.getType() == MethodHandle.class)
                .forEach(field -> names.add(field.getName()));
        Arrays.stream(LinuxLibc.class.getDeclaredClasses()) // those that are linked when used
                .map(type -> type.getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "_"))
                .forEach(name -> names.add(name.toUpperCase(Locale.ROOT)));
        return names;
    }

    /**
     * Sizes and offsets as a C compiler gives them with the headers of glibc 2.36 and Linux 6.1, on
     * x86-64; and on aarch64, where only epoll_event differs, for it is not packed there.
     */
    @Test
    void layoutsAreThoseOfTheHeaders() {
        boolean packed = System.getProperty("os.arch").equals("amd64");
        assertEquals(packed ? 12 : 16, LinuxLibc.EPOLL_EVENT_BYTES);
        assertEquals(packed ? 4 : 8, LinuxLibc.EPOLL_EVENT_DATA);
        assertEquals(16, LinuxLibc.TIMESPEC_BYTES);
        assertEquals(16, SocketAddresses.IN_BYTES);
        assertEquals(28, SocketAddresses.MAX_BYTES);
        assertEquals(110, SocketAddresses.UNIX_BYTES);
        assertEquals(56, DatagramBatch.MSGHDR_BYTES);
        assertEquals(64, DatagramBatch.MMSGHDR_BYTES);
        assertEquals(16, DatagramBatch.IOVEC_BYTES);
    }

    @Test
    void errorsBecomeTheExceptionsOfJavaNet() {
        assertInstanceOf(
                ConnectException.class,
                LinuxErrno.exception("connect to", "x", LinuxErrno.ECONNREFUSED));
        assertInstanceOf(
                ConnectException.class,
                LinuxErrno.exception("connect to", "x", LinuxErrno.ETIMEDOUT));
        assertInstanceOf(
                PortUnreachableException.class,
                LinuxErrno.exception("receive on", "x", LinuxErrno.ECONNREFUSED));
        assertInstanceOf(
                NoRouteToHostException.class,
                LinuxErrno.exception("connect to", "x", LinuxErrno.EHOSTUNREACH));
        assertInstanceOf(
                BindException.class, LinuxErrno.exception("listen on", "x", LinuxErrno.EADDRINUSE));
        var e = LinuxErrno.exception("read from", "/10.0.0.1:80", LinuxErrno.ECONNRESET);
        assertEquals(SocketException.class, e.getClass());
        assertEquals(
                "read from /10.0.0.1:80 failed: ECONNRESET (104), connection reset by the peer",
                e.getMessage());
        assertEquals(
                "read from failed: errno 4711",
                LinuxErrno.exception("read from", null, 4711).getMessage());
        assertEquals("errno 4711", LinuxErrno.name(4711));
        assertEquals("EMFILE", LinuxErrno.name(24));
    }

    @Test
    void anUnsupportedSystemIsNamed() {
        var e =
                assertThrows(
                        UnsupportedOperationException.class,
                        () -> NativeAccess.linux("Plan 9", "amd64"));
        assertTrue(String.valueOf(e.getMessage()).endsWith("not for Plan 9 on amd64"));
        assertThrows(
                UnsupportedOperationException.class, () -> NativeAccess.linux("Linux", "riscv64"));
    }

    @Test
    void deniedNativeAccessNamesTheFlag() throws Exception {
        var process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "--illegal-native-access=deny",
                                "-cp",
                                System.getProperty("java.class.path"),
                                OpensTwice.class.getName())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes());
        assertEquals(0, process.waitFor(), output);
        assertEquals(2, output.split("--enable-native-access=ALL-UNNAMED", -1).length - 1, output);
    }

    /** Run in a JVM that denies native access: the second attempt must be as clear as the first. */
    static final class OpensTwice {
        private OpensTwice() {}

        public static void main(String[] args) {
            for (int i = 0; i < 2; i++) {
                try {
                    NativeAccess.linux();
                } catch (UnsupportedOperationException e) {
                    IO.println(e.getMessage());
                }
            }
        }
    }
}
