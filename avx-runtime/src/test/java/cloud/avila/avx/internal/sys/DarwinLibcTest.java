package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.lang.foreign.MemorySegment;
import java.net.BindException;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.TreeSet;

/**
 * The binding to macOS. Numbers and layouts are compared with the headers of xnu, release 11417
 * (macOS 15); calls go to macOS where this is one, else to the model.
 */
@DisabledOnOs(OS.WINDOWS)
@Timeout(60)
class DarwinLibcTest {
    private final Faults faults = new Faults();
    private final DarwinLibc libc =
            OS.MAC.isCurrentOs() ? NativeAccess.darwin() : new KqueueModel(faults);
    private final NativeScratch scratch = new NativeScratch();
    private final List<Integer> open = new ArrayList<>();

    @AfterEach
    void close() {
        open.forEach(fd -> libc.close(scratch, fd));
    }

    private static InetSocketAddress address(String ip, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(ip), port);
    }

    private int opened(int fd) {
        assertTrue(fd >= 0, () -> LinuxErrno.name(-fd));
        open.add(fd);
        return fd;
    }

    // ---- numbers ----

    @Test
    void constantsOfKqueueAreThoseOfSysEventH() {
        assertEquals(-1, DarwinLibc.EVFILT_READ);
        assertEquals(-2, DarwinLibc.EVFILT_WRITE);
        assertEquals(-10, DarwinLibc.EVFILT_USER);
        assertEquals(0x0001, DarwinLibc.EV_ADD);
        assertEquals(0x0002, DarwinLibc.EV_DELETE);
        assertEquals(0x0020, DarwinLibc.EV_CLEAR);
        assertEquals(0x0040, DarwinLibc.EV_RECEIPT);
        assertEquals(0x4000, DarwinLibc.EV_ERROR);
        assertEquals(0x8000, DarwinLibc.EV_EOF & 0xffff);
        assertEquals(0x01000000, DarwinLibc.NOTE_TRIGGER);
    }

    /** {@code #pragma pack(4)} around it, but on 64 bits nothing would be padded anyway. */
    @Test
    void structKeventIsThatOfSysEventH() {
        assertEquals(0, DarwinLibc.KEVENT_IDENT); // uintptr_t
        assertEquals(8, DarwinLibc.KEVENT_FILTER); // int16_t
        assertEquals(10, DarwinLibc.KEVENT_FLAGS); // uint16_t
        assertEquals(12, DarwinLibc.KEVENT_FFLAGS); // uint32_t
        assertEquals(16, DarwinLibc.KEVENT_DATA); // intptr_t
        assertEquals(24, DarwinLibc.KEVENT_UDATA); // void *
        assertEquals(32, DarwinLibc.KEVENT_BYTES);
        assertEquals(16, DarwinLibc.TIMESPEC_BYTES);
    }

    @Test
    void constantsOfSocketsAreThoseOfSysSocketH() {
        assertEquals(30, DarwinLibc.DARWIN_AF_INET6);
        assertEquals(2, SocketCalls.AF_INET);
        assertEquals(1, SocketCalls.AF_UNIX);
        assertEquals(1, SocketCalls.SOCK_STREAM);
        assertEquals(2, SocketCalls.SOCK_DGRAM);
        assertEquals(0, SocketCalls.SHUT_RD);
        assertEquals(1, SocketCalls.SHUT_WR);
        assertEquals(0x2, SocketCalls.MSG_PEEK);
        assertEquals(0x10, DarwinLibc.DARWIN_MSG_TRUNC);
        assertEquals(0x20, DarwinLibc.DARWIN_MSG_CTRUNC);
        assertEquals(1, DarwinLibc.SCM_RIGHTS);
        assertEquals(12, DarwinLibc.CMSG_BYTES); // socklen_t, int, int
        assertEquals(0xffff, DarwinLibc.SOL_SOCKET);
        assertEquals(0x1007, DarwinLibc.SO_ERROR);
        assertEquals(0x1022, DarwinLibc.SO_NOSIGPIPE);
        // sys/poll.h, sys/fcntl.h, sys/filio.h
        assertEquals(0x1, DarwinLibc.POLLIN);
        assertEquals(0x4, DarwinLibc.POLLOUT);
        assertEquals(2, DarwinLibc.F_SETFD);
        assertEquals(3, DarwinLibc.F_GETFL);
        assertEquals(4, DarwinLibc.F_SETFL);
        assertEquals(1, DarwinLibc.FD_CLOEXEC);
        assertEquals(0x4, DarwinLibc.O_NONBLOCK);
        int out = 0x40000000; // IOC_OUT | (sizeof(int) & IOCPARM_MASK) << 16 | group << 8 | number
        assertEquals(out | 4 << 16 | 'f' << 8 | 127, DarwinLibc.FIONREAD);
    }

    /** sys/un.h, and {@code struct xucred} of sys/ucred.h, which has room for 16 groups. */
    @Test
    void constantsOfTheUnixDomainAreThoseOfSysUnH() {
        assertEquals(0, DarwinLibc.SOL_LOCAL);
        assertEquals(0x001, DarwinLibc.LOCAL_PEERCRED);
        assertEquals(0x002, DarwinLibc.LOCAL_PEERPID);
        assertEquals(104 - 1, DarwinLibc.MOST_PATH_BYTES);
        assertEquals(4, DarwinLibc.XUCRED_UID); // behind u_int cr_version
        assertEquals(12, DarwinLibc.XUCRED_GROUPS); // behind short cr_ngroups, and padding
        assertEquals(12 + 16 * 4, DarwinLibc.XUCRED_BYTES);
    }

    /** netinet/in.h: {@code #pragma pack(4)}, a {@code struct sockaddr_storage} has 128 bytes. */
    @Test
    void structGroupReqIsThatOfNetinetInH() {
        assertEquals(80, DarwinLibc.MCAST_JOIN_GROUP);
        assertEquals(81, DarwinLibc.MCAST_LEAVE_GROUP);
        assertEquals(82, DarwinLibc.MCAST_JOIN_SOURCE_GROUP);
        assertEquals(83, DarwinLibc.MCAST_LEAVE_SOURCE_GROUP);
        assertEquals(4, DarwinLibc.GROUP_AT);
        assertEquals(4 + 128, DarwinLibc.SOURCE_AT);
        assertEquals(4 + 2 * 128, DarwinLibc.GROUP_SOURCE_BYTES);
    }

    @Test
    void aUnixNameHasTheBytesOfSysUnH() {
        byte[] name = {'/', 'a'};
        int length = libc.encodeUnix(scratch.address(), name);
        assertArrayEquals(
                new byte[] {(byte) length, 1, '/', 'a', 0},
                scratch.address().asSlice(0, 5).toArray(JAVA_BYTE));
        assertArrayEquals(name, libc.decodeUnix(scratch.address(), length));
        scratch.address().fill((byte) 0);
        assertEquals(0, libc.decodeUnix(scratch.address(), 16).length, "a socket without name");
        assertThrows(
                IllegalArgumentException.class,
                () -> libc.encodeUnix(scratch.address(), new byte[104]));
    }

    /** {@code struct msghdr} of sys/socket.h and {@code struct iovec} of sys/_types/_iovec_t.h. */
    @Test
    void structMsghdrIsThatOfSysSocketH() {
        assertEquals(0, DarwinLibc.MSGHDR_NAME); // void *
        assertEquals(8, DarwinLibc.MSGHDR_NAMELEN); // socklen_t, 4 bytes and 4 of padding
        assertEquals(16, DarwinLibc.MSGHDR_IOV); // struct iovec *
        assertEquals(24, DarwinLibc.MSGHDR_IOVLEN); // int and 4 of padding
        assertEquals(32, DarwinLibc.MSGHDR_CONTROL); // void *
        assertEquals(40, DarwinLibc.MSGHDR_CONTROLLEN); // socklen_t
        assertEquals(44, DarwinLibc.MSGHDR_FLAGS); // int
        assertEquals(48, DarwinLibc.MSGHDR_BYTES);
        assertEquals(8, DarwinLibc.IOVEC_LEN);
        assertEquals(16, DarwinLibc.IOVEC_BYTES);
    }

    @ParameterizedTest
    @CsvSource({
        // sys/socket.h
        "SO_REUSEADDR, 0xffff, 0x0004",
        "SO_KEEPALIVE, 0xffff, 0x0008",
        "SO_BROADCAST, 0xffff, 0x0020",
        "SO_REUSEPORT, 0xffff, 0x0200",
        "SO_SNDBUF, 0xffff, 0x1001",
        "SO_RCVBUF, 0xffff, 0x1002",
        "SO_LINGER, 0xffff, 0x1080", // SO_LINGER_SEC
        // netinet/in.h, netinet/tcp.h, netinet6/in6.h
        "TCP_NODELAY, 6, 1",
        "IP_TOS, 0, 3",
        "IPV6_V6ONLY, 41, 27",
        "IPV6_TCLASS, 41, 36",
    })
    void optionsHaveTheNumbersOfTheHeaders(NativeOption option, String level, String number) {
        assertEquals(Integer.decode(level), option.darwinLevel());
        assertEquals(Integer.decode(number), option.darwinNumber());
    }

    /** sys/errno.h of xnu, beside asm-generic/errno.h of Linux. */
    @ParameterizedTest
    @CsvSource({
        "1, 1",
        "2, 2",
        "4, 4",
        "9, 9",
        "12, 12",
        "13, 13",
        "22, 22",
        "23, 23",
        "24, 24",
        "32, 32",
        "11, 35",
        "35, 11",
        "36, 115",
        "37, 114",
        "38, 88",
        "40, 90",
        "42, 92",
        "45, 95",
        "47, 97",
        "48, 98",
        "49, 99",
        "50, 100",
        "51, 101",
        "53, 103",
        "54, 104",
        "55, 105",
        "56, 106",
        "57, 107",
        "58, 108",
        "60, 110",
        "61, 111",
        "62, 40",
        "63, 36",
        "64, 112",
        "65, 113",
        "66, 39",
        "77, 37",
        "78, 38",
        "84, 75",
        "89, 125",
        "92, 84",
        "100, 71",
        "105, 130",
    })
    void errorNumbersAreTranslatedBothWays(int darwin, int linux) {
        assertEquals(linux, DarwinErrno.toLinux(darwin));
        assertEquals(darwin, DarwinErrno.fromLinux(linux));
    }

    @Test
    void noTwoErrorsBecomeOneButThoseThatMeanTheSame() {
        var seen = new TreeSet<Integer>();
        for (int errno = 1; errno <= 106; errno++) {
            int linux = DarwinErrno.toLinux(errno);
            boolean twice = errno == 102 || errno == 106; // EOPNOTSUPP and ENOTSUP; EQFULL
            assertEquals(!twice, seen.add(linux), "errno " + errno);
            if (!twice) {
                assertEquals(errno, DarwinErrno.fromLinux(linux));
            }
        }
        assertEquals("errno 65615", LinuxErrno.name(DarwinErrno.toLinux(79)), "EFTYPE");
    }

    @Test
    void anErrorIsToldWithItsNumberOnMacOs() {
        var e = libc.exception("read from", "/10.0.0.1:80", LinuxErrno.ECONNRESET);
        assertEquals(
                "read from /10.0.0.1:80 failed: ECONNRESET (54), connection reset by the peer",
                e.getMessage());
        assertEquals(
                "read from failed: errno 79",
                libc.exception("read from", null, DarwinErrno.toLinux(79)).getMessage());
        assertInstanceOf(
                ConnectException.class, libc.exception("connect to", "x", DarwinErrno.toLinux(61)));
        assertInstanceOf(BindException.class, libc.exception("bind", "x", DarwinErrno.toLinux(48)));
    }

    // ---- addresses ----

    @Test
    void anIpv4AddressHasTheBytesOfNetinetInH() {
        assertEquals(
                16,
                libc.encode(scratch.address(), SocketCalls.AF_INET, address("1.2.3.4", 0x1234)));
        assertArrayEquals(
                new byte[] {16, 2, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0},
                scratch.address().asSlice(0, 16).toArray(JAVA_BYTE));
        assertEquals(address("1.2.3.4", 0x1234), libc.decode(scratch.address()));
    }

    @Test
    void anIpv6AddressHasTheBytesOfNetinet6In6H() {
        assertEquals(
                28,
                libc.encode(scratch.address(), SocketCalls.AF_INET6, address("102::f", 0xabcd)));
        byte[] bytes = scratch.address().asSlice(0, 28).toArray(JAVA_BYTE);
        assertArrayEquals(
                new byte[] {28, 30, (byte) 0xab, (byte) 0xcd, 0, 0, 0, 0, 1, 2},
                Arrays.copyOf(bytes, 10));
        assertArrayEquals(new byte[] {15, 0, 0, 0, 0}, Arrays.copyOfRange(bytes, 23, 28));
        assertEquals(address("102::f", 0xabcd), libc.decode(scratch.address()));
        libc.encode(scratch.address(), SocketCalls.AF_INET6, address("1.2.3.4", 5));
        assertInstanceOf(Inet4Address.class, libc.decode(scratch.address()).getAddress());
    }

    // ---- calls ----

    private InetSocketAddress bound(int fd) {
        int length = libc.encode(scratch.address(), SocketCalls.AF_INET, address("127.0.0.1", 0));
        assertEquals(0, libc.bind(scratch, fd, scratch.address(), length));
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        assertEquals(0, libc.getsockname(scratch, fd, scratch.address(), scratch.length()));
        return libc.decode(scratch.address());
    }

    private int listener() {
        int fd = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM));
        bound(fd);
        assertEquals(0, libc.listen(scratch, fd, 8));
        return fd;
    }

    private InetSocketAddress name(int fd) {
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        assertEquals(0, libc.getsockname(scratch, fd, scratch.address(), scratch.length()));
        return libc.decode(scratch.address());
    }

    private int connecting(InetSocketAddress to) {
        int fd = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM));
        int length = libc.encode(scratch.address(), SocketCalls.AF_INET, to);
        int result = libc.connect(scratch, fd, scratch.address(), length);
        assertTrue(result == 0 || result == -LinuxErrno.EINPROGRESS, () -> "connect " + result);
        return fd;
    }

    private int awaitConnected(int fd, InetSocketAddress to) throws InterruptedException {
        for (; ; ) {
            int length = libc.encode(scratch.address(), SocketCalls.AF_INET, to);
            int result = libc.connected(scratch, fd, scratch.address(), length);
            if (result != -LinuxErrno.EALREADY) {
                return result;
            }
            Thread.sleep(1);
        }
    }

    private int accept(int listener) {
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        return libc.accept(scratch, listener, scratch.address(), scratch.length());
    }

    @Test
    void everyFunctionDoesWhatItsNameSays() throws Exception {
        int listener = listener();
        assertEquals(-LinuxErrno.EAGAIN, accept(listener), "it does not block");
        InetSocketAddress to = name(listener);
        int client = connecting(to);
        assertEquals(0, awaitConnected(client, to));
        int server = opened(accept(listener));
        assertEquals(name(client), libc.decode(peer(server)));

        assertEquals(0, libc.isReadable(scratch, server));
        assertEquals(1, libc.isWritable(scratch, server));
        assertEquals(-LinuxErrno.EAGAIN, libc.recv(scratch, server, scratch.io(), 8, 0));
        scratch.io().set(JAVA_BYTE, 0, (byte) 42);
        assertEquals(3, libc.send(scratch, client, scratch.io(), 3));
        while (libc.isReadable(scratch, server) == 0) {
            Thread.sleep(1);
        }
        assertEquals(3, libc.available(scratch, server));
        assertEquals(3, libc.recv(scratch, server, scratch.io(), 8, SocketCalls.MSG_PEEK));
        scratch.io().set(JAVA_BYTE, 0, (byte) 0);
        assertEquals(3, libc.recv(scratch, server, scratch.io(), 8, 0));
        assertEquals(42, scratch.io().get(JAVA_BYTE, 0));
        assertEquals(0, libc.shutdown(scratch, client, SocketCalls.SHUT_WR));
        while (libc.isReadable(scratch, server) == 0) {
            Thread.sleep(1);
        }
        assertEquals(0, libc.recv(scratch, server, scratch.io(), 8, 0));

        int marker = opened(libc.openMarker(scratch));
        assertTrue(libc.replace(scratch, marker, server) >= 0);
        assertEquals(-LinuxErrno.ENOTSOCK, libc.recv(scratch, server, scratch.io(), 1, 0));
        assertEquals(-LinuxErrno.ENOTSOCK, libc.send(scratch, server, scratch.io(), 1));
        assertEquals(0, libc.close(scratch, open.removeLast()));
        assertEquals(-LinuxErrno.EBADF, libc.close(scratch, marker));
    }

    private MemorySegment peer(int fd) {
        scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
        assertEquals(0, libc.getpeername0(scratch, fd, scratch.address(), scratch.length()));
        return scratch.address();
    }

    @Test
    void everyOptionCanBeSetAndRead() {
        int tcp = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM));
        int udp = opened(libc.open(scratch, SocketCalls.AF_INET6, SocketCalls.SOCK_DGRAM));
        for (NativeOption option :
                EnumSet.range(NativeOption.SO_REUSEADDR, NativeOption.IPV6_TCLASS)) {
            int fd =
                    option.name().startsWith("IPV6") || option == NativeOption.SO_BROADCAST
                            ? udp
                            : tcp;
            int value = // bytes, a class of traffic, or a flag
                    option.name().endsWith("BUF") ? 20_000 : option.name().endsWith("S") ? 8 : 1;
            int bytes = option == NativeOption.SO_LINGER ? 8 : 4;
            scratch.value().set(JAVA_INT, 0, value);
            scratch.value().set(JAVA_INT, 4, 7);
            assertEquals(
                    0, libc.setsockopt(scratch, fd, option, scratch.value(), bytes), option.name());
            scratch.value().fill((byte) 0);
            scratch.length().set(JAVA_INT, 0, 8);
            assertEquals(
                    0, libc.getsockopt(scratch, fd, option, scratch.value(), scratch.length()));
            assertTrue(scratch.value().get(JAVA_INT, 0) != 0, option.name());
            if (option == NativeOption.SO_LINGER) {
                assertEquals(7, scratch.value().get(JAVA_INT, 4));
            }
        }
    }

    @Test
    void aRefusedConnectionIsToldOnceItIsKnown() throws Exception {
        int listener = listener();
        InetSocketAddress nobody = name(listener);
        libc.close(scratch, open.removeLast());
        int fd = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM));
        int length = libc.encode(scratch.address(), SocketCalls.AF_INET, nobody);
        int result = libc.connect(scratch, fd, scratch.address(), length);
        if (result == -LinuxErrno.EINPROGRESS) {
            result = awaitConnected(fd, nobody);
        }
        assertEquals(-LinuxErrno.ECONNREFUSED, result);
    }

    @Test
    void aTruncatedDatagramIsToldInItsWholeLength() throws Exception {
        int udp = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_DGRAM));
        InetSocketAddress self = bound(udp);
        for (int length : new int[] {0, 3, 4, 5, 1000, 60_000}) {
            int to = libc.encode(scratch.address(), SocketCalls.AF_INET, self);
            assertEquals(
                    length, libc.sendto(scratch, udp, scratch.io(), length, scratch.address(), to));
            while (libc.isReadable(scratch, udp) == 0) {
                Thread.sleep(1);
            }
            scratch.length().set(JAVA_INT, 0, SocketAddresses.MAX_BYTES);
            assertEquals(
                    length,
                    libc.recvfrom(
                            scratch, udp, scratch.io(), 4, scratch.address(), scratch.length()));
            assertEquals(16, scratch.length().get(JAVA_INT, 0));
            assertEquals(self, libc.decode(scratch.address()));
        }
    }

    // ---- what the system does differently, as far as only a model can show it ----

    @Test
    void nothingStaysOpenIfPreparingADescriptorFails() {
        if (OS.MAC.isCurrentOs()) {
            return;
        }
        int next = libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_DGRAM);
        libc.close(scratch, next);
        for (String function : new String[] {"fcntl", "setsockopt"}) {
            for (int use = 1; use <= 2; use++) {
                faults.failUse(function, LinuxErrno.EINVAL, faults.calls(function) + use);
                assertEquals(
                        -LinuxErrno.EINVAL,
                        libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_DGRAM));
            }
        }
        faults.fail("fcntl", LinuxErrno.EINVAL, 1);
        assertEquals(-LinuxErrno.EINVAL, libc.openKqueue(scratch));
        faults.fail("fcntl", LinuxErrno.EINVAL, 1);
        assertEquals(-LinuxErrno.EINVAL, libc.openMarker(scratch));
        faults.fail("pipe", LinuxErrno.EMFILE, 1);
        assertEquals(-LinuxErrno.EMFILE, libc.openMarker(scratch));
        assertEquals(
                next,
                opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_DGRAM)),
                "the same number is free");
    }

    @Test
    void aConnectionThatWasResetBeforeItWasAcceptedIsAborted() throws Exception {
        if (OS.MAC.isCurrentOs()) {
            return;
        }
        int listener = listener();
        InetSocketAddress to = name(listener);
        int client = connecting(to);
        assertEquals(0, awaitConnected(client, to));
        faults.fail("acceptNoName", 1, 1);
        assertEquals(-LinuxErrno.ECONNABORTED, accept(listener));
        while (libc.isReadable(scratch, client) == 0) {
            Thread.sleep(1);
        }
        assertEquals(0, libc.recv(scratch, client, scratch.io(), 1, 0), "it was closed");
    }

    @Test
    void aBufferAboveTheLimitIsHalvedUntilItFits() {
        if (OS.MAC.isCurrentOs()) {
            return;
        }
        int tcp = opened(libc.open(scratch, SocketCalls.AF_INET, SocketCalls.SOCK_STREAM));
        faults.fail("setsockopt", LinuxErrno.ENOBUFS, 3);
        scratch.value().set(JAVA_INT, 0, 64_000);
        assertEquals(0, libc.setsockopt(scratch, tcp, NativeOption.SO_RCVBUF, scratch.value(), 4));
        scratch.length().set(JAVA_INT, 0, 4);
        libc.getsockopt(scratch, tcp, NativeOption.SO_RCVBUF, scratch.value(), scratch.length());
        assertEquals(2 * 8000, scratch.value().get(JAVA_INT, 0), "Linux doubles it");
    }

    @Test
    void onAnotherSystemTheBindingSaysWhereItWorks() {
        var e =
                assertThrows(
                        UnsupportedOperationException.class,
                        () -> NativeAccess.darwin("Linux", "amd64"));
        assertEquals(
                "kqueue needs macOS on x86_64 or aarch64; this is Linux on amd64", e.getMessage());
    }
}
