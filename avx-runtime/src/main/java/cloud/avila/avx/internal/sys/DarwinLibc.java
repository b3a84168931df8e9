package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * The calls of the C library on macOS, x86-64 and arm64, that sockets and kqueue need. Constants
 * and layouts are those of xnu, whose headers are named; both architectures share them. On arm64
 * the variable arguments of a function are passed another way than its fixed ones, so {@code fcntl}
 * and {@code ioctl} are bound as what they are.
 *
 * <p>The protected methods, with a 0 at the end of their names, are the functions of the library
 * with the constants of Darwin; they return what the function returns when that is not negative,
 * else the negated error number of Darwin. The public ones are what {@link SocketCalls} says, with
 * the error numbers of {@link LinuxErrno}; {@link #kevent} is of that kind, too. A test overrides
 * the protected ones.
 *
 * <p>How Darwin differs, and what is done about it:
 *
 * <ul>
 *   <li>There are no flags to open a socket non-blocking and closed on exec; both are set by {@code
 *       fcntl} afterwards. A program started by another thread in between inherits the descriptor.
 *   <li>No SIGPIPE is an option of the socket, which accepted connections inherit.
 *   <li>A connection that the peer has reset before it is accepted comes without an address; it is
 *       told as aborted, as Linux does.
 *   <li>A second {@code connect} does not tell how the first one ended; {@code SO_ERROR} does.
 *   <li>Receiving does not tell the length of a datagram that was truncated, so a second buffer
 *       takes the rest.
 *   <li>A buffer size above the system's limit is refused, where Linux takes the limit; it is
 *       halved until it is accepted.
 *   <li>Datagrams may have as many bytes as the send buffer, 9216 by default; it is raised to the
 *       greatest that UDP can send.
 * </ul>
 *
 * <p>Thread-safe. No call here waits except {@link #kevent}. The functions are looked up when the
 * first is called. None of this has been run on macOS yet, only on a model of it.
 */
@SuppressWarnings("restricted")
public class DarwinLibc extends SocketCalls {
    // sys/event.h

    /** Data, a connection to accept, or the end. */
    public static final short EVFILT_READ = -1;

    /** Room to send, or the end. */
    public static final short EVFILT_WRITE = -2;

    /** An event that programs trigger. */
    public static final short EVFILT_USER = -10;

    /** Begin to watch, or change how. */
    public static final short EV_ADD = 0x0001;

    /** Do not watch any more. */
    public static final short EV_DELETE = 0x0002;

    /** Report each change once. */
    public static final short EV_CLEAR = 0x0020;

    /** Report how the change went, as an event with {@code EV_ERROR}, and no other events. */
    public static final short EV_RECEIPT = 0x0040;

    /** The data is an error number, perhaps 0. */
    public static final short EV_ERROR = 0x4000;

    /** The direction has ended, though data may be left. */
    public static final short EV_EOF = (short) 0x8000;

    /** Trigger an {@code EVFILT_USER}. */
    public static final int NOTE_TRIGGER = 0x01000000;

    /** Size of {@code struct kevent}, which is packed to 4 bytes. */
    public static final int KEVENT_BYTES = 32;

    /** Offset of {@code uintptr_t ident}: the descriptor. */
    public static final int KEVENT_IDENT = 0;

    /** Offset of {@code int16_t filter}. */
    public static final int KEVENT_FILTER = 8;

    /** Offset of {@code uint16_t flags}. */
    public static final int KEVENT_FLAGS = 10;

    /** Offset of {@code uint32_t fflags}. */
    public static final int KEVENT_FFLAGS = 12;

    /** Offset of {@code intptr_t data}. */
    public static final int KEVENT_DATA = 16;

    /** Offset of {@code void *udata}: comes back with each event. */
    public static final int KEVENT_UDATA = 24;

    /** {@code struct timespec}, sys/_types/_timespec.h: seconds at 0, nanoseconds at 8. */
    public static final int TIMESPEC_BYTES = 16;

    // sys/socket.h
    static final int DARWIN_AF_INET6 = 30;
    static final int SOL_SOCKET = 0xffff;
    static final int SO_ERROR = 0x1007;
    static final int SO_NOSIGPIPE = 0x1022;
    static final int DARWIN_MSG_TRUNC = 0x10;
    static final int DARWIN_MSG_CTRUNC = 0x20;
    static final int SCM_RIGHTS = 1;

    // struct cmsghdr, sys/socket.h: length, level and type, an int each; the data is behind it
    static final int CMSG_BYTES = 12;

    // sys/un.h; struct xucred, sys/ucred.h
    static final int SOL_LOCAL = 0;
    static final int LOCAL_PEERCRED = 1;
    static final int LOCAL_PEERPID = 2;
    static final int MOST_PATH_BYTES = 103;
    static final int XUCRED_BYTES = 76;
    static final int XUCRED_UID = 4;
    static final int XUCRED_GROUPS = 12;

    // netinet/in.h; struct group_req and group_source_req are packed to 4 bytes
    static final int MCAST_JOIN_GROUP = 80;
    static final int MCAST_LEAVE_GROUP = 81;
    static final int MCAST_JOIN_SOURCE_GROUP = 82;
    static final int MCAST_LEAVE_SOURCE_GROUP = 83;
    static final int IPPROTO_IP = 0;
    static final int IPPROTO_IPV6 = 41;
    static final int GROUP_AT = 4;
    static final int SOURCE_AT = 132;
    static final int GROUP_SOURCE_BYTES = 260;

    // struct msghdr, sys/socket.h
    static final int MSGHDR_BYTES = 48;
    static final int MSGHDR_NAME = 0;
    static final int MSGHDR_NAMELEN = 8;
    static final int MSGHDR_IOV = 16;
    static final int MSGHDR_IOVLEN = 24;
    static final int MSGHDR_CONTROL = 32;
    static final int MSGHDR_CONTROLLEN = 40;
    static final int MSGHDR_FLAGS = 44;

    // struct iovec, sys/_types/_iovec_t.h
    static final int IOVEC_BYTES = 16;
    static final int IOVEC_LEN = 8;

    // sys/poll.h
    static final int POLLIN = 0x1;
    static final int POLLOUT = 0x4;

    // sys/fcntl.h
    static final int F_SETFD = 2;
    static final int F_GETFL = 3;
    static final int F_SETFL = 4;
    static final int FD_CLOEXEC = 1;
    static final int O_NONBLOCK = 0x4;

    /** {@code _IOR('f', 127, int)}, sys/filio.h and sys/ioccom.h. */
    static final long FIONREAD = 0x4004667fL;

    /** The greatest datagram of UDP over IPv4 with its header, as a send buffer. */
    private static final int MOST_DATAGRAM_BYTES = 65_527;

    /** Where the control data of a message is in the scratch: behind the header and one vector. */
    private static final int CONTROL_AT = MSGHDR_BYTES + IOVEC_BYTES;

    private static final int LEAST_BUFFER_BYTES = 4096;

    /** Where {@link #recvfrom} puts what does not fit; written by all, read by none. */
    private static final MemorySegment REST = Arena.global().allocate(64 << 10);

    /** Bound when the first is called, so that this class can be loaded on other systems. */
    private static final class Functions {
        static final MethodHandle SOCKET =
                handle("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
        static final MethodHandle BIND =
                handle("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle LISTEN =
                handle("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
        static final MethodHandle ACCEPT =
                handle("accept", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        static final MethodHandle CONNECT =
                handle("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle GETSOCKNAME =
                handle("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        static final MethodHandle GETPEERNAME =
                handle("getpeername", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        static final MethodHandle SETSOCKOPT =
                handle(
                        "setsockopt",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle GETSOCKOPT =
                handle(
                        "getsockopt",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
        static final MethodHandle SHUTDOWN =
                handle("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
        static final MethodHandle RECV =
                handle(
                        "recv",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        static final MethodHandle SEND =
                handle(
                        "send",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
        static final MethodHandle RECVMSG =
                handle("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle SENDTO =
                handle(
                        "sendto",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS,
                                JAVA_INT));
        static final MethodHandle POLL =
                handle("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
        static final MethodHandle IOCTL =
                handle(
                        "ioctl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
                        Linker.Option.firstVariadicArg(2));
        static final MethodHandle FCNTL =
                handle(
                        "fcntl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
        static final MethodHandle CLOSE =
                handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
        static final MethodHandle DUP2 =
                handle("dup2", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
        static final MethodHandle PIPE = handle("pipe", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        static final MethodHandle READ =
                handle("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
        static final MethodHandle WRITE =
                handle("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
        static final MethodHandle SENDMSG =
                handle("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
        static final MethodHandle SOCKETPAIR =
                handle(
                        "socketpair",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    }

    /** Apart from the others, because a model on another system can use those but not these. */
    private static final class Kqueue {
        static final MethodHandle KQUEUE = handle("kqueue", FunctionDescriptor.of(JAVA_INT));
        static final MethodHandle KEVENT =
                handle(
                        "kevent",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
    }

    private static final DarwinLibc INSTANCE = new DarwinLibc();

    /** For subclasses that stand in for the system. */
    protected DarwinLibc() {}

    /**
     * The binding; {@link NativeAccess#darwin()} is the way to it.
     *
     * @throws LinkageError if the functions cannot be bound
     */
    static DarwinLibc instance() {
        MethodHandle first = Functions.SOCKET;
        MethodHandle second = Kqueue.KQUEUE;
        Objects.requireNonNull(first);
        Objects.requireNonNull(second);
        return INSTANCE;
    }

    // ---- kqueue ----

    /**
     * Opens a kqueue that programs we start do not inherit.
     *
     * @param scratch the carrier's scratch
     * @return a new descriptor, else the negated error number
     */
    public final int openKqueue(NativeScratch scratch) {
        return closedOnExec(scratch, kqueue0(scratch));
    }

    /**
     * {@code kevent(2)}: makes changes, then takes events.
     *
     * @param scratch the carrier's scratch
     * @param kqueue the kqueue
     * @param changes an array of {@code struct kevent}
     * @param changeCount its length
     * @param events receives the events; may be {@code changes}
     * @param most how many at most; 0 to take none and not to wait
     * @param timeout a {@code struct timespec}, or {@link MemorySegment#NULL} to wait for ever
     * @return the number of events, else the negated error number
     */
    public final int kevent(
            NativeScratch scratch,
            int kqueue,
            MemorySegment changes,
            int changeCount,
            MemorySegment events,
            int most,
            MemorySegment timeout) {
        return translated(kevent0(scratch, kqueue, changes, changeCount, events, most, timeout));
    }

    /**
     * Opens a descriptor that is no socket and always ready, to put in the place of sockets.
     *
     * @param scratch the carrier's scratch
     * @return a new descriptor, else the negated error number
     */
    public final int openMarker(NativeScratch scratch) {
        int result = pipe0(scratch, scratch.value());
        if (result < 0) {
            return translated(result);
        }
        int reading = scratch.value().get(JAVA_INT, 0);
        close(scratch, scratch.value().get(JAVA_INT, Integer.BYTES));
        return closedOnExec(scratch, reading);
    }

    // ---- what SocketCalls asks for ----

    @Override
    public final int open(NativeScratch scratch, int family, int type) {
        int fd = prepared(scratch, socket0(scratch, family(family), type, 0));
        if (fd >= 0 && type == SOCK_DGRAM && family != AF_UNIX) {
            NativeOption size = NativeOption.SO_SNDBUF;
            int level = size.darwinLevel();
            int result = setInt(scratch, fd, level, size.darwinNumber(), MOST_DATAGRAM_BYTES);
            return openOrClosed(scratch, fd, result);
        }
        return fd;
    }

    /** A new socket that does not block, is closed on exec, and raises no SIGPIPE. */
    private int prepared(NativeScratch scratch, int socket) {
        int fd = closedOnExec(scratch, socket);
        if (fd < 0) {
            return fd;
        }
        int result = fcntl0(scratch, fd, F_SETFL, O_NONBLOCK);
        if (result >= 0) {
            result = setInt(scratch, fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
        }
        return openOrClosed(scratch, fd, result);
    }

    private int closedOnExec(NativeScratch scratch, int fd) {
        return fd < 0
                ? translated(fd)
                : openOrClosed(scratch, fd, fcntl0(scratch, fd, F_SETFD, FD_CLOEXEC));
    }

    /** The descriptor, or closed if a call that was to prepare it has failed. */
    private int openOrClosed(NativeScratch scratch, int fd, int result) {
        if (result >= 0) {
            return fd;
        }
        close(scratch, fd);
        return translated(result);
    }

    private int setInt(NativeScratch scratch, int fd, int level, int option, int value) {
        scratch.value().set(JAVA_INT, 0, value);
        return setsockopt0(scratch, fd, level, option, scratch.value(), Integer.BYTES);
    }

    @Override
    public final int bind(NativeScratch scratch, int fd, MemorySegment address, int length) {
        return translated(bind0(scratch, fd, address, length));
    }

    @Override
    public final int listen(NativeScratch scratch, int fd, int backlog) {
        return translated(listen0(scratch, fd, backlog));
    }

    @Override
    public final int accept(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        int accepted = closedOnExec(scratch, accept0(scratch, fd, address, length));
        if (accepted < 0) {
            return accepted;
        }
        if (length.get(JAVA_INT, 0) == 0) {
            close(scratch, accepted);
            return -LinuxErrno.ECONNABORTED;
        }
        return openOrClosed(scratch, accepted, fcntl0(scratch, accepted, F_SETFL, O_NONBLOCK));
    }

    @Override
    public final int connect(NativeScratch scratch, int fd, MemorySegment address, int length) {
        return translated(connect0(scratch, fd, address, length));
    }

    @Override
    public final int connected(NativeScratch scratch, int fd, MemorySegment address, int length) {
        scratch.value().set(JAVA_INT, 0, 0);
        scratch.length().set(JAVA_INT, 0, Integer.BYTES);
        int result =
                getsockopt0(scratch, fd, SOL_SOCKET, SO_ERROR, scratch.value(), scratch.length());
        if (result < 0) {
            return translated(result);
        }
        int error = scratch.value().get(JAVA_INT, 0);
        if (error != 0) {
            return -DarwinErrno.toLinux(error);
        }
        scratch.length().set(JAVA_INT, 0, (int) address.byteSize());
        result = translated(getpeername0(scratch, fd, address, scratch.length()));
        return switch (result) {
            case -LinuxErrno.ENOTCONN -> -LinuxErrno.EALREADY;
            // was connected, and both sides have ended since: whoever receives will see
            case -LinuxErrno.EINVAL -> 0;
            default -> result;
        };
    }

    @Override
    public final int getsockname(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        return translated(getsockname0(scratch, fd, address, length));
    }

    @Override
    public final boolean has(NativeOption option) {
        return option.isOnDarwin();
    }

    @Override
    public final int setsockopt(
            NativeScratch scratch, int fd, NativeOption option, MemorySegment value, int length) {
        int level = option.darwinLevel();
        int number = option.darwinNumber();
        int result = setsockopt0(scratch, fd, level, number, value, length);
        if (option == NativeOption.SO_RCVBUF || option == NativeOption.SO_SNDBUF) {
            int size = value.get(JAVA_INT, 0);
            while (DarwinErrno.toLinux(-result) == LinuxErrno.ENOBUFS
                    && size > LEAST_BUFFER_BYTES) {
                size /= 2;
                result = setInt(scratch, fd, level, number, size);
            }
        }
        return translated(result);
    }

    @Override
    public final int getsockopt(
            NativeScratch scratch,
            int fd,
            NativeOption option,
            MemorySegment value,
            MemorySegment length) {
        return translated(
                getsockopt0(
                        scratch, fd, option.darwinLevel(), option.darwinNumber(), value, length));
    }

    @Override
    public final int shutdown(NativeScratch scratch, int fd, int how) {
        return translated(shutdown0(scratch, fd, how));
    }

    @Override
    public final long recv(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        return translated(recv0(scratch, fd, buffer, length, flags));
    }

    @Override
    public final long send(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return translated(send0(scratch, fd, buffer, length, 0));
    }

    /** Uses {@link NativeScratch#value()} and what lies behind the length in its segment. */
    @Override
    public final long recvfrom(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            MemorySegment addressLength) {
        MemorySegment vectors = scratch.length().asSlice(IOVEC_BYTES, 2 * IOVEC_BYTES);
        vectors.set(ADDRESS, 0, buffer);
        vectors.set(JAVA_LONG, IOVEC_LEN, length);
        vectors.set(ADDRESS, IOVEC_BYTES, REST);
        vectors.set(JAVA_LONG, IOVEC_BYTES + IOVEC_LEN, REST.byteSize());
        MemorySegment message = scratch.value();
        message.set(ADDRESS, MSGHDR_NAME, address);
        message.set(JAVA_INT, MSGHDR_NAMELEN, addressLength.get(JAVA_INT, 0));
        message.set(ADDRESS, MSGHDR_IOV, vectors);
        message.set(JAVA_INT, MSGHDR_IOVLEN, 2);
        message.set(ADDRESS, MSGHDR_CONTROL, MemorySegment.NULL);
        message.set(JAVA_INT, MSGHDR_CONTROLLEN, 0);
        message.set(JAVA_INT, MSGHDR_FLAGS, 0);
        long result = recvmsg0(scratch, fd, message, 0);
        if (result < 0) {
            return translated(result);
        }
        addressLength.set(JAVA_INT, 0, message.get(JAVA_INT, MSGHDR_NAMELEN));
        boolean truncated = (message.get(JAVA_INT, MSGHDR_FLAGS) & DARWIN_MSG_TRUNC) != 0;
        return truncated
                ? result + 1
                : result; // even the rest did not fit: longer, unknown by what
    }

    @Override
    public final long sendto(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            int addressLength) {
        return translated(sendto0(scratch, fd, buffer, length, 0, address, addressLength));
    }

    @Override
    public final int isReadable(NativeScratch scratch, int fd) {
        return isReady(scratch, fd, POLLIN);
    }

    @Override
    public final int isWritable(NativeScratch scratch, int fd) {
        return isReady(scratch, fd, POLLOUT);
    }

    /**
     * {@code struct pollfd}, sys/poll.h: an int, then two shorts for what is asked and answered.
     */
    private int isReady(NativeScratch scratch, int fd, int events) {
        MemorySegment pollfd = scratch.value();
        pollfd.set(JAVA_INT, 0, fd);
        pollfd.set(JAVA_SHORT, Integer.BYTES, (short) events);
        pollfd.set(JAVA_SHORT, Integer.BYTES + Short.BYTES, (short) 0);
        return translated(poll0(scratch, pollfd, 1, 0));
    }

    @Override
    public final int available(NativeScratch scratch, int fd) {
        int result = ioctl0(scratch, fd, FIONREAD, scratch.value());
        return result < 0 ? translated(result) : scratch.value().get(JAVA_INT, 0);
    }

    @Override
    public final int close(NativeScratch scratch, int fd) {
        return translated(close0(scratch, fd));
    }

    @Override
    public final int replace(NativeScratch scratch, int from, int to) {
        int result = duplicate0(scratch, from, to);
        return translated(result < 0 ? result : fcntl0(scratch, to, F_SETFD, FD_CLOEXEC));
    }

    // ---- Unix domain, foreign descriptors, multicast ----

    @Override
    public final boolean hasUnixDomain() {
        return true;
    }

    @Override
    public final boolean hasMulticast() {
        return true;
    }

    @Override
    public final boolean hasDescriptors() {
        return true;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the path is longer than macOS takes, 103 bytes
     */
    @Override
    public final int encodeUnix(MemorySegment to, byte[] name) {
        if (name.length > MOST_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "a name of "
                            + name.length
                            + " bytes; macOS takes paths of at most "
                            + MOST_PATH_BYTES);
        }
        int length = SocketAddresses.encodeUnix(to, name);
        to.set(JAVA_BYTE, 0, (byte) length);
        to.set(JAVA_BYTE, 1, (byte) AF_UNIX);
        return length;
    }

    @Override
    public final byte[] decodeUnix(MemorySegment from, int length) {
        byte[] name = SocketAddresses.decodeUnix(from, length);
        return name.length > 0 && name[0] == 0 ? new byte[0] : name;
    }

    @Override
    public final int openPair(NativeScratch scratch, int type) {
        MemorySegment pair = scratch.value();
        int result = socketpair0(scratch, AF_UNIX, type, 0, pair);
        if (result < 0) {
            return translated(result);
        }
        int first = pair.get(JAVA_INT, 0);
        int second = pair.get(JAVA_INT, Integer.BYTES);
        int one = prepared(scratch, first);
        int other = prepared(scratch, second);
        if (one < 0 || other < 0) {
            close(scratch, one < 0 ? second : first);
            return Math.min(one, other);
        }
        pair.set(JAVA_INT, 0, first);
        pair.set(JAVA_INT, Integer.BYTES, second);
        return 0;
    }

    @Override
    public final int peerCredentials(NativeScratch scratch, int fd) {
        MemorySegment credentials = scratch.message();
        scratch.length().set(JAVA_INT, 0, XUCRED_BYTES);
        int result =
                getsockopt0(scratch, fd, SOL_LOCAL, LOCAL_PEERCRED, credentials, scratch.length());
        if (result >= 0) {
            scratch.length().set(JAVA_INT, 0, Integer.BYTES);
            result =
                    getsockopt0(
                            scratch,
                            fd,
                            SOL_LOCAL,
                            LOCAL_PEERPID,
                            scratch.value(),
                            scratch.length());
        }
        scratch.value().set(JAVA_INT, Integer.BYTES, credentials.get(JAVA_INT, XUCRED_UID));
        scratch.value().set(JAVA_INT, 2 * Integer.BYTES, credentials.get(JAVA_INT, XUCRED_GROUPS));
        return translated(result);
    }

    /** A {@code msghdr}, behind it one {@code iovec}, behind that control data. */
    private static MemorySegment message(
            NativeScratch scratch, MemorySegment buffer, long length, int control) {
        MemorySegment message = scratch.message();
        message.asSlice(0, CONTROL_AT + CMSG_BYTES).fill((byte) 0);
        message.set(JAVA_LONG, MSGHDR_IOV, message.address() + MSGHDR_BYTES);
        message.set(JAVA_INT, MSGHDR_IOVLEN, 1);
        message.set(JAVA_LONG, MSGHDR_BYTES, buffer.address());
        message.set(JAVA_LONG, MSGHDR_BYTES + IOVEC_LEN, length);
        if (control > 0) {
            message.set(JAVA_LONG, MSGHDR_CONTROL, message.address() + CONTROL_AT);
            message.set(JAVA_INT, MSGHDR_CONTROLLEN, control);
        }
        return message;
    }

    @Override
    public final long sendDescriptors(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int[] descriptors) {
        int count = descriptors.length;
        int control = count == 0 ? 0 : CMSG_BYTES + Integer.BYTES * count;
        MemorySegment message = message(scratch, buffer, length, control);
        message.set(JAVA_INT, CONTROL_AT, control);
        message.set(JAVA_INT, CONTROL_AT + 4, SOL_SOCKET);
        message.set(JAVA_INT, CONTROL_AT + 8, SCM_RIGHTS);
        MemorySegment.copy(descriptors, 0, message, JAVA_INT, CONTROL_AT + CMSG_BYTES, count);
        return translated(sendmsg0(scratch, fd, message, 0));
    }

    @Override
    public final long recvDescriptors(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int[] descriptors,
            int[] told) {
        int room = descriptors.length == 0 ? 0 : CMSG_BYTES + Integer.BYTES * descriptors.length;
        MemorySegment message = message(scratch, buffer, length, room);
        long result = recvmsg0(scratch, fd, message, 0);
        told[0] = 0;
        told[1] = 0;
        if (result < 0) {
            return translated(result);
        }
        told[1] = (message.get(JAVA_INT, MSGHDR_FLAGS) & DARWIN_MSG_CTRUNC) != 0 ? 1 : 0;
        if (message.get(JAVA_INT, MSGHDR_CONTROLLEN) >= CMSG_BYTES
                && message.get(JAVA_INT, CONTROL_AT + 4) == SOL_SOCKET
                && message.get(JAVA_INT, CONTROL_AT + 8) == SCM_RIGHTS) {
            int bytes = message.get(JAVA_INT, CONTROL_AT) - CMSG_BYTES;
            told[0] = Math.min(bytes / Integer.BYTES, descriptors.length);
            MemorySegment.copy(message, JAVA_INT, CONTROL_AT + CMSG_BYTES, descriptors, 0, told[0]);
            for (int i = 0; i < told[0]; i++) {
                // fails only for a number that is not open, and the kernel has just opened it
                int unused = fcntl0(scratch, descriptors[i], F_SETFD, FD_CLOEXEC);
            }
        }
        return result;
    }

    @Override
    public final int membership(
            NativeScratch scratch,
            int fd,
            boolean join,
            InetAddress group,
            int index,
            @Nullable InetAddress source) {
        MemorySegment request = scratch.message();
        int family = SocketAddresses.family(group);
        request.asSlice(0, GROUP_SOURCE_BYTES).fill((byte) 0);
        request.set(JAVA_INT, 0, index);
        encode(request.asSlice(GROUP_AT), family, new InetSocketAddress(group, 0));
        int option = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
        if (source != null) {
            option = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
            encode(request.asSlice(SOURCE_AT), family, new InetSocketAddress(source, 0));
        }
        int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
        int length = source == null ? SOURCE_AT : GROUP_SOURCE_BYTES;
        return translated(setsockopt0(scratch, fd, level, option, request, length));
    }

    @Override
    public final int makeNonBlocking(NativeScratch scratch, int fd) {
        int flags = fcntl0(scratch, fd, F_GETFL, 0);
        return translated(
                flags < 0 || (flags & O_NONBLOCK) != 0
                        ? flags
                        : fcntl0(scratch, fd, F_SETFL, flags | O_NONBLOCK));
    }

    @Override
    public final long readFrom(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return translated(read0(scratch, fd, buffer, length));
    }

    @Override
    public final long writeTo(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return translated(write0(scratch, fd, buffer, length));
    }

    // ---- addresses: as on Linux, but the family is one byte, behind one for the length ----

    private static int family(int family) {
        return family == AF_INET6 ? DARWIN_AF_INET6 : family;
    }

    @Override
    public final int encode(MemorySegment to, int family, InetSocketAddress address) {
        int length = SocketAddresses.encode(to, family, address);
        to.set(JAVA_BYTE, 0, (byte) length);
        to.set(JAVA_BYTE, 1, (byte) family(family));
        return length;
    }

    @Override
    public final InetSocketAddress decode(MemorySegment from) {
        int family = from.get(JAVA_BYTE, 1);
        return SocketAddresses.decodeAs(from, family == DARWIN_AF_INET6 ? AF_INET6 : family);
    }

    // ---- errors ----

    @Override
    public final IOException exception(String operation, @Nullable Object target, int errno) {
        return LinuxErrno.exception(operation, target, errno, DarwinErrno.fromLinux(errno));
    }

    private static int translated(int result) {
        return result >= 0 ? result : -DarwinErrno.toLinux(-result);
    }

    private static long translated(long result) {
        return result >= 0 ? result : -DarwinErrno.toLinux((int) -result);
    }

    // ---- the functions ----
    /**
     * {@code kqueue(2)}.
     *
     * @param scratch the carrier's scratch
     * @return a new descriptor, else the negated error number of Darwin
     */
    protected int kqueue0(NativeScratch scratch) {
        try {
            int result = (int) Kqueue.KQUEUE.invokeExact(scratch.capture());
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code kevent(2)}.
     *
     * @param scratch the carrier's scratch
     * @param kqueue the kqueue
     * @param changes an array of {@code struct kevent}
     * @param changeCount its length
     * @param events receives the events
     * @param most how many at most
     * @param timeout a {@code struct timespec}, or NULL
     * @return the number of events, else the negated error number of Darwin
     */
    protected int kevent0(
            NativeScratch scratch,
            int kqueue,
            MemorySegment changes,
            int changeCount,
            MemorySegment events,
            int most,
            MemorySegment timeout) {
        try {
            int result =
                    (int)
                            Kqueue.KEVENT.invokeExact(
                                    scratch.capture(),
                                    kqueue,
                                    changes,
                                    changeCount,
                                    events,
                                    most,
                                    timeout);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code socket(2)}.
     *
     * @param scratch the carrier's scratch
     * @param domain {@code AF_*}
     * @param type {@code SOCK_*}
     * @param protocol 0 for the usual one
     * @return a new descriptor, else the negated error number of Darwin
     */
    protected int socket0(NativeScratch scratch, int domain, int type, int protocol) {
        try {
            int result =
                    (int) Functions.SOCKET.invokeExact(scratch.capture(), domain, type, protocol);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code bind(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int bind0(NativeScratch scratch, int fd, MemorySegment address, int length) {
        try {
            int result = (int) Functions.BIND.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code listen(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param backlog most connections that wait to be accepted
     * @return 0, else the negated error number of Darwin
     */
    protected int listen0(NativeScratch scratch, int fd, int backlog) {
        try {
            int result = (int) Functions.LISTEN.invokeExact(scratch.capture(), fd, backlog);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code accept(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address
     * @param length its bytes
     * @return a new descriptor, else the negated error number of Darwin
     */
    protected int accept0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        try {
            int result = (int) Functions.ACCEPT.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code connect(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int connect0(NativeScratch scratch, int fd, MemorySegment address, int length) {
        try {
            int result =
                    (int) Functions.CONNECT.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getsockname(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int getsockname0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        try {
            int result =
                    (int) Functions.GETSOCKNAME.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getpeername(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address a socket address
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int getpeername0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        try {
            int result =
                    (int) Functions.GETPEERNAME.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code setsockopt(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param level {@code SOL_SOCKET} or a protocol
     * @param option the option
     * @param value its value
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int setsockopt0(
            NativeScratch scratch, int fd, int level, int option, MemorySegment value, int length) {
        try {
            int result =
                    (int)
                            Functions.SETSOCKOPT.invokeExact(
                                    scratch.capture(), fd, level, option, value, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getsockopt(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param level {@code SOL_SOCKET} or a protocol
     * @param option the option
     * @param value its value
     * @param length its bytes
     * @return 0, else the negated error number of Darwin
     */
    protected int getsockopt0(
            NativeScratch scratch,
            int fd,
            int level,
            int option,
            MemorySegment value,
            MemorySegment length) {
        try {
            int result =
                    (int)
                            Functions.GETSOCKOPT.invokeExact(
                                    scratch.capture(), fd, level, option, value, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code shutdown(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param how {@code SHUT_RD} or {@code SHUT_WR}
     * @return 0, else the negated error number of Darwin
     */
    protected int shutdown0(NativeScratch scratch, int fd, int how) {
        try {
            int result = (int) Functions.SHUTDOWN.invokeExact(scratch.capture(), fd, how);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recv(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data
     * @param length its bytes
     * @param flags {@code MSG_*}
     * @return the bytes received, 0 at the end of a stream, else the negated error number of Darwin
     */
    protected long recv0(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        try {
            long result =
                    (long) Functions.RECV.invokeExact(scratch.capture(), fd, buffer, length, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code send(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data
     * @param length its bytes
     * @param flags {@code MSG_*}
     * @return the bytes taken, else the negated error number of Darwin
     */
    protected long send0(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        try {
            long result =
                    (long) Functions.SEND.invokeExact(scratch.capture(), fd, buffer, length, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recvmsg(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param message a {@code struct msghdr}
     * @param flags {@code MSG_*}
     * @return the bytes received, else the negated error number of Darwin
     */
    protected long recvmsg0(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        try {
            long result =
                    (long) Functions.RECVMSG.invokeExact(scratch.capture(), fd, message, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sendto(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data
     * @param length its bytes
     * @param flags {@code MSG_*}
     * @param address a socket address
     * @param addressLength its bytes
     * @return the bytes taken, else the negated error number of Darwin
     */
    protected long sendto0(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int flags,
            MemorySegment address,
            int addressLength) {
        try {
            long result =
                    (long)
                            Functions.SENDTO.invokeExact(
                                    scratch.capture(),
                                    fd,
                                    buffer,
                                    length,
                                    flags,
                                    address,
                                    addressLength);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code poll(2)}.
     *
     * @param scratch the carrier's scratch
     * @param pollfds an array of {@code struct pollfd}
     * @param count its length
     * @param timeoutMillis longest time to wait
     * @return how many are ready, else the negated error number of Darwin
     */
    protected int poll0(
            NativeScratch scratch, MemorySegment pollfds, int count, int timeoutMillis) {
        try {
            int result =
                    (int)
                            Functions.POLL.invokeExact(
                                    scratch.capture(), pollfds, count, timeoutMillis);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code ioctl(2)} with a pointer.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param request what to do
     * @param value its value
     * @return not negative, else the negated error number of Darwin
     */
    protected int ioctl0(NativeScratch scratch, int fd, long request, MemorySegment value) {
        try {
            int result = (int) Functions.IOCTL.invokeExact(scratch.capture(), fd, request, value);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code fcntl(2)} with an int.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param command {@code F_*}
     * @param argument its argument
     * @return not negative, else the negated error number of Darwin
     */
    protected int fcntl0(NativeScratch scratch, int fd, int command, int argument) {
        try {
            int result =
                    (int) Functions.FCNTL.invokeExact(scratch.capture(), fd, command, argument);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code close(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @return 0, else the negated error number of Darwin
     */
    protected int close0(NativeScratch scratch, int fd) {
        try {
            int result = (int) Functions.CLOSE.invokeExact(scratch.capture(), fd);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code dup2(2)}.
     *
     * @param scratch the carrier's scratch
     * @param from an open descriptor
     * @param to the number that shall mean the same
     * @return the number {@code to}, else the negated error number of Darwin
     */
    protected int duplicate0(NativeScratch scratch, int from, int to) {
        try {
            int result = (int) Functions.DUP2.invokeExact(scratch.capture(), from, to);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code pipe(2)}.
     *
     * @param scratch the carrier's scratch
     * @param ends receives two descriptors
     * @return 0, else the negated error number of Darwin
     */
    protected int pipe0(NativeScratch scratch, MemorySegment ends) {
        try {
            int result = (int) Functions.PIPE.invokeExact(scratch.capture(), ends);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code read(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data
     * @param length its bytes
     * @return the bytes read, 0 at the end, else the negated error number of Darwin
     */
    protected long read0(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        try {
            long result = (long) Functions.READ.invokeExact(scratch.capture(), fd, buffer, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code write(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data
     * @param length its bytes
     * @return the bytes taken, else the negated error number of Darwin
     */
    protected long write0(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        try {
            long result = (long) Functions.WRITE.invokeExact(scratch.capture(), fd, buffer, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sendmsg(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param message a {@code struct msghdr}
     * @param flags {@code MSG_*}
     * @return the bytes taken, else the negated error number of Darwin
     */
    protected long sendmsg0(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        try {
            long result =
                    (long) Functions.SENDMSG.invokeExact(scratch.capture(), fd, message, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code socketpair(2)}.
     *
     * @param scratch the carrier's scratch
     * @param domain {@code AF_*}
     * @param type {@code SOCK_*}
     * @param protocol 0 for the usual one
     * @param ends receives two descriptors
     * @return 0, else the negated error number of Darwin
     */
    protected int socketpair0(
            NativeScratch scratch, int domain, int type, int protocol, MemorySegment ends) {
        try {
            int result =
                    (int)
                            Functions.SOCKETPAIR.invokeExact(
                                    scratch.capture(), domain, type, protocol, ends);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }
}
