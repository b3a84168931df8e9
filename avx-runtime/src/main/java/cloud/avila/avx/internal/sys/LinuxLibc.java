package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Locale;

/**
 * The calls of the C library on Linux, x86-64 and aarch64, that sockets and epoll need.
 *
 * <p>Every call takes the {@link NativeScratch} of the carrier for its {@code errno} and returns
 * what the C function returns when that is not negative, else the negated error number, so that
 * nobody reads {@code errno} at a wrong moment. The calls are instance methods in order that a test
 * can put a subclass with faults underneath a driver: it overrides the calls of the C library, not
 * what {@link SocketCalls} makes of them. Production loads no subclass.
 *
 * <p>Thread-safe. No call here waits except {@link #epollWait} and {@link #epollPwait2}; sockets
 * are non-blocking.
 */
@SuppressWarnings("restricted")
public class LinuxLibc extends SocketCalls {
    // sys/socket.h, bits/socket.h

    /** Flag of socket and accept4: calls do not wait. */
    public static final int SOCK_NONBLOCK = 0x800;

    /** Flag of socket and accept4: not inherited by programs we start. */
    public static final int SOCK_CLOEXEC = 0x80000;

    /** Flag of recv: return the length of the whole datagram. */
    public static final int MSG_TRUNC = 0x20;

    /** Flag of send: no SIGPIPE. */
    public static final int MSG_NOSIGNAL = 0x4000;

    /** Request of ioctl: how many bytes can be received, an int. */
    public static final long FIONREAD = 0x541B;

    // bits/poll.h

    /** Readable. */
    public static final int POLLIN = 0x1;

    /** Writable. */
    public static final int POLLOUT = 0x4;

    /** The peer has ended its direction. */
    public static final int POLLRDHUP = 0x2000;

    // sys/epoll.h

    /** Not inherited by programs we start. */
    public static final int EPOLL_CLOEXEC = 0x80000;

    /** Begin to watch. */
    public static final int EPOLL_CTL_ADD = 1;

    /** End watching. */
    public static final int EPOLL_CTL_DEL = 2;

    /** Watch for something else. */
    public static final int EPOLL_CTL_MOD = 3;

    /** Readable. */
    public static final int EPOLLIN = 0x1;

    /** Urgent data. */
    public static final int EPOLLPRI = 0x2;

    /** Writable. */
    public static final int EPOLLOUT = 0x4;

    /** Error. */
    public static final int EPOLLERR = 0x8;

    /** Both directions ended. */
    public static final int EPOLLHUP = 0x10;

    /** The peer has ended its direction. */
    public static final int EPOLLRDHUP = 0x2000;

    /** Edge-triggered. */
    public static final int EPOLLET = 1 << 31;

    // sys/eventfd.h

    /** Calls do not wait. */
    public static final int EFD_NONBLOCK = 0x800;

    /** Not inherited by programs we start. */
    public static final int EFD_CLOEXEC = 0x80000;

    // fcntl.h

    /** Not inherited by programs we start. */
    public static final int O_CLOEXEC = 0x80000;

    /** Open for reading. */
    private static final int O_RDONLY = 0;

    private static final int O_NONBLOCK = 0x800;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;

    // unistd.h, bits/socket.h, linux/in.h

    private static final int SEEK_END = 2;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SCM_RIGHTS = 1;

    /** {@code struct ucred}: process, user and group, an int each. */
    private static final int UCRED_BYTES = 12;

    /** Flag of recvmsg: descriptors that come are not inherited by programs we start. */
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    /** Flag that recvmsg gives: control data did not fit. */
    private static final int MSG_CTRUNC = 0x8;

    /** {@code struct cmsghdr}: length at 0 (8 bytes), level at 8, type at 12; data at 16. */
    private static final int CMSG_BYTES = 16;

    /** Where {@link #message} has its control data. */
    private static final int CONTROL = DatagramBatch.MSGHDR_BYTES + DatagramBatch.IOVEC_BYTES;

    private static final int IPPROTO_IP = 0;
    private static final int IPPROTO_IPV6 = 41;
    private static final int MCAST_JOIN_GROUP = 42;
    private static final int MCAST_LEAVE_GROUP = 45;
    private static final int MCAST_JOIN_SOURCE_GROUP = 46;
    private static final int MCAST_LEAVE_SOURCE_GROUP = 47;

    /** {@code struct group_req}: the interface, an int, at 0, the group at 8. */
    private static final int GROUP_AT = 8;

    /** {@code struct group_source_req}: besides the source at 136. */
    private static final int SOURCE_AT = GROUP_AT + 128;

    /** Most bytes of a sendfile: what one call takes. */
    private static final long MOST_SEND_FILE = 0x7ffff000L;

    /** {@code epoll_pwait2}: asm/unistd_64.h of x86-64 and asm-generic/unistd.h agree. */
    private static final long SYS_EPOLL_PWAIT2 = 441;

    /**
     * {@code struct epoll_event}, sys/epoll.h: a 32-bit mask and 64 bits of data. Packed on x86-64
     * only, so there the data is at 4 and the whole takes 12 bytes, elsewhere at 8 and 16.
     */
    private static final boolean PACKED_EVENT = isX86();

    /** Offset of the data in {@code struct epoll_event}. */
    public static final int EPOLL_EVENT_DATA = PACKED_EVENT ? 4 : 8;

    /** Size of {@code struct epoll_event}. */
    public static final int EPOLL_EVENT_BYTES = PACKED_EVENT ? 12 : 16;

    /** {@code struct timespec} with 64-bit time: seconds at 0, nanoseconds at 8. */
    public static final int TIMESPEC_BYTES = 16;

    private static final MethodHandle SOCKET =
            handle("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle BIND =
            handle("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle LISTEN =
            handle("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle ACCEPT4 =
            handle(
                    "accept4",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    private static final MethodHandle GETSOCKNAME =
            handle("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle SETSOCKOPT =
            handle(
                    "setsockopt",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle RECV =
            handle(
                    "recv",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle SEND =
            handle(
                    "send",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle CLOSE =
            handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle WRITE =
            handle("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle EVENTFD =
            handle("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle EPOLL_CREATE1 =
            handle("epoll_create1", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle EPOLL_CTL =
            handle(
                    "epoll_ctl",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle EPOLL_WAIT =
            handle(
                    "epoll_wait",
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));

    /*
     * To link a function takes a few milliseconds, so those that a server of streams does without
     * are linked at their first use, each in a class of its own: a constant to the compiler all the
     * same.
     */

    private static final class Ioctl {
        static final MethodHandle HANDLE =
                handle(
                        "ioctl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS),
                        Linker.Option.firstVariadicArg(2));
    }

    private static final class Recvfrom {
        static final MethodHandle HANDLE =
                handle(
                        "recvfrom",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS,
                                ADDRESS));
    }

    private static final class Sendto {
        static final MethodHandle HANDLE =
                handle(
                        "sendto",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS,
                                JAVA_INT));
    }

    private static final class Dup3 {
        static final MethodHandle HANDLE =
                handle("dup3", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    }

    private static final class Poll {
        static final MethodHandle HANDLE =
                handle("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    }

    private static final class Socketpair {
        static final MethodHandle HANDLE =
                handle(
                        "socketpair",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    }

    private static final class Sendmsg {
        static final MethodHandle HANDLE =
                handle("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static final class Recvmsg {
        static final MethodHandle HANDLE =
                handle("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static final class Sendmmsg {
        static final MethodHandle HANDLE =
                handle(
                        "sendmmsg",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    }

    private static final class Recvmmsg {
        static final MethodHandle HANDLE =
                handle(
                        "recvmmsg",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    }

    private static final class Sendfile {
        static final MethodHandle HANDLE =
                handle(
                        "sendfile",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG));
    }

    private static final class Open {
        static final MethodHandle HANDLE =
                handle(
                        "open",
                        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
    }

    private static final class Lseek {
        static final MethodHandle HANDLE =
                handle("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    }

    private static final class Pread {
        static final MethodHandle HANDLE =
                handle(
                        "pread",
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
    }

    private static final class Read {
        static final MethodHandle HANDLE =
                handle("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    }

    private static final class Fcntl {
        static final MethodHandle HANDLE =
                handle(
                        "fcntl",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT),
                        Linker.Option.firstVariadicArg(2));
    }

    private static final class SchedGetaffinity {
        static final MethodHandle HANDLE =
                handle(
                        "sched_getaffinity",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    }

    private static final class SchedSetaffinity {
        static final MethodHandle HANDLE =
                handle(
                        "sched_setaffinity",
                        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    }

    private static final class Getsockopt {
        static final MethodHandle HANDLE =
                handle(
                        "getsockopt",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    }

    private static final class Connect {
        static final MethodHandle HANDLE =
                handle("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    }

    private static final class Shutdown {
        static final MethodHandle HANDLE =
                handle("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    }

    private static final class EpollPwait2 {
        // glibc has a function for it since 2.35 only, so by its number
        static final MethodHandle HANDLE =
                handle(
                        "syscall",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS,
                                ADDRESS, JAVA_LONG),
                        Linker.Option.firstVariadicArg(1));
    }

    private static final LinuxLibc INSTANCE = new LinuxLibc();

    /** For subclasses that inject faults. */
    protected LinuxLibc() {}

    /** The binding; {@link NativeAccess#linux()} is the way to it. */
    static LinuxLibc instance() {
        return INSTANCE;
    }

    static boolean isX86() {
        String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return arch.equals("amd64") || arch.equals("x86_64");
    }

    /**
     * {@code sched_getaffinity(2)} of the calling thread.
     *
     * @param scratch the thread's scratch
     * @param bytes length of the mask
     * @param mask filled with a bit for each processor
     * @return 0, else the negated error number
     */
    public int schedGetaffinity(NativeScratch scratch, long bytes, MemorySegment mask) {
        try {
            int result =
                    (int) SchedGetaffinity.HANDLE.invokeExact(scratch.capture(), 0, bytes, mask);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sched_setaffinity(2)} of the calling thread.
     *
     * @param scratch the thread's scratch
     * @param bytes length of the mask
     * @param mask a bit for each processor
     * @return 0, else the negated error number
     */
    public int schedSetaffinity(NativeScratch scratch, long bytes, MemorySegment mask) {
        try {
            int result =
                    (int) SchedSetaffinity.HANDLE.invokeExact(scratch.capture(), 0, bytes, mask);
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
     * @return a new descriptor, else the negated error number
     */
    public int socket(NativeScratch scratch, int domain, int type, int protocol) {
        try {
            int result = (int) SOCKET.invokeExact(scratch.capture(), domain, type, protocol);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public int bind(NativeScratch scratch, int fd, MemorySegment address, int length) {
        try {
            int result = (int) BIND.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public int listen(NativeScratch scratch, int fd, int backlog) {
        try {
            int result = (int) LISTEN.invokeExact(scratch.capture(), fd, backlog);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code accept4(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param address receives the peer's address
     * @param length bytes of address, before and after
     * @param flags {@code SOCK_NONBLOCK}, {@code SOCK_CLOEXEC}
     * @return a new descriptor, else the negated error number
     */
    public int accept4(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length, int flags) {
        try {
            int result = (int) ACCEPT4.invokeExact(scratch.capture(), fd, address, length, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public int connect(NativeScratch scratch, int fd, MemorySegment address, int length) {
        try {
            int result = (int) Connect.HANDLE.invokeExact(scratch.capture(), fd, address, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public int getsockname(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        try {
            int result = (int) GETSOCKNAME.invokeExact(scratch.capture(), fd, address, length);
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
     * @param length bytes of the value
     * @return 0, else the negated error number
     */
    public int setsockopt(
            NativeScratch scratch, int fd, int level, int option, MemorySegment value, int length) {
        try {
            int result =
                    (int)
                            SETSOCKOPT.invokeExact(
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
     * @param value receives its value
     * @param length bytes of the value, before and after
     * @return 0, else the negated error number
     */
    public int getsockopt(
            NativeScratch scratch,
            int fd,
            int level,
            int option,
            MemorySegment value,
            MemorySegment length) {
        try {
            int result =
                    (int)
                            Getsockopt.HANDLE.invokeExact(
                                    scratch.capture(), fd, level, option, value, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public int shutdown(NativeScratch scratch, int fd, int how) {
        try {
            int result = (int) Shutdown.HANDLE.invokeExact(scratch.capture(), fd, how);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code poll(2)}.
     *
     * @param scratch the carrier's scratch
     * @param pollfds an array of {@code struct pollfd}: an int, two shorts
     * @param count its length
     * @param timeoutMillis longest time to wait, 0 not to wait
     * @return how many are ready, else the negated error number
     */
    public int poll(NativeScratch scratch, MemorySegment pollfds, long count, int timeoutMillis) {
        try {
            int result =
                    (int) Poll.HANDLE.invokeExact(scratch.capture(), pollfds, count, timeoutMillis);
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
     * @param value what the request reads or writes
     * @return not negative, else the negated error number
     */
    public int ioctl(NativeScratch scratch, int fd, long request, MemorySegment value) {
        try {
            int result = (int) Ioctl.HANDLE.invokeExact(scratch.capture(), fd, request, value);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public long recv(NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        try {
            long result = (long) RECV.invokeExact(scratch.capture(), fd, buffer, length, flags);
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
     * @param buffer the data; native memory
     * @param length its bytes
     * @param flags {@code MSG_*}
     * @return the bytes taken, else the negated error number
     */
    public long send(NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        try {
            long result = (long) SEND.invokeExact(scratch.capture(), fd, buffer, length, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recvfrom(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @param flags {@code MSG_*}
     * @param address receives the sender's address
     * @param addressLength bytes of address, before and after
     * @return the bytes received, with {@code MSG_TRUNC} the bytes of the whole datagram, else the
     *     negated error number
     */
    public long recvfrom(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int flags,
            MemorySegment address,
            MemorySegment addressLength) {
        try {
            long result =
                    (long)
                            Recvfrom.HANDLE.invokeExact(
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
     * {@code sendto(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer the data; native memory
     * @param length its bytes
     * @param flags {@code MSG_*}
     * @param address the receiver's address
     * @param addressLength its bytes
     * @return the bytes taken, else the negated error number
     */
    public long sendto(
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
                            Sendto.HANDLE.invokeExact(
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

    @Override
    public int close(NativeScratch scratch, int fd) {
        try {
            int result = (int) CLOSE.invokeExact(scratch.capture(), fd);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code dup3(2)}.
     *
     * @param scratch the carrier's scratch
     * @param from an open descriptor
     * @param to the number that shall mean the same; what it meant is closed
     * @param flags 0 or {@code O_CLOEXEC}
     * @return the number {@code to}, else the negated error number
     */
    public int dup3(NativeScratch scratch, int from, int to, int flags) {
        try {
            int result = (int) Dup3.HANDLE.invokeExact(scratch.capture(), from, to, flags);
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
     * @param buffer the data; native memory
     * @param length its bytes
     * @return the bytes written, else the negated error number
     */
    public long write(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        try {
            long result = (long) WRITE.invokeExact(scratch.capture(), fd, buffer, length);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code eventfd(2)}.
     *
     * @param scratch the carrier's scratch
     * @param initial its first value
     * @param flags {@code EFD_*}
     * @return a new descriptor, else the negated error number
     */
    public int eventfd(NativeScratch scratch, int initial, int flags) {
        try {
            int result = (int) EVENTFD.invokeExact(scratch.capture(), initial, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code epoll_create1(2)}.
     *
     * @param scratch the carrier's scratch
     * @param flags 0 or {@code EPOLL_CLOEXEC}
     * @return a new descriptor, else the negated error number
     */
    public int epollCreate(NativeScratch scratch, int flags) {
        try {
            int result = (int) EPOLL_CREATE1.invokeExact(scratch.capture(), flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code epoll_ctl(2)}.
     *
     * @param scratch the carrier's scratch
     * @param epoll the epoll descriptor
     * @param operation {@code EPOLL_CTL_*}
     * @param fd the descriptor
     * @param event a {@code struct epoll_event}
     * @return 0, else the negated error number
     */
    public int epollCtl(
            NativeScratch scratch, int epoll, int operation, int fd, MemorySegment event) {
        try {
            int result =
                    (int) EPOLL_CTL.invokeExact(scratch.capture(), epoll, operation, fd, event);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code epoll_wait(2)}.
     *
     * @param scratch the carrier's scratch
     * @param epoll the epoll descriptor
     * @param events receives the events
     * @param max most events
     * @param millis how long to wait, negative for ever
     * @return the number of events, else the negated error number
     */
    public int epollWait(
            NativeScratch scratch, int epoll, MemorySegment events, int max, int millis) {
        try {
            int result =
                    (int) EPOLL_WAIT.invokeExact(scratch.capture(), epoll, events, max, millis);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code epoll_pwait2(2)} without a signal mask.
     *
     * @param scratch the carrier's scratch
     * @param epoll the epoll descriptor
     * @param events receives the events
     * @param max most events
     * @param timeout a {@code struct timespec}, or {@link MemorySegment#NULL} to wait for ever
     * @return the number of events, else the negated error number
     */
    public int epollPwait2(
            NativeScratch scratch,
            int epoll,
            MemorySegment events,
            int max,
            MemorySegment timeout) {
        try {
            long result =
                    (long)
                            EpollPwait2.HANDLE.invokeExact(
                                    scratch.capture(),
                                    SYS_EPOLL_PWAIT2,
                                    (long) epoll,
                                    events,
                                    (long) max,
                                    timeout,
                                    MemorySegment.NULL,
                                    0L);
            return result >= 0 ? (int) result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public final int open(NativeScratch scratch, int family, int type) {
        return socket(scratch, family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }

    @Override
    public final int accept(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        return accept4(scratch, fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }

    @Override
    public final int connected(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int result = connect(scratch, fd, address, length);
        return result == -LinuxErrno.EISCONN ? 0 : result;
    }

    @Override
    public final int setsockopt(
            NativeScratch scratch, int fd, NativeOption option, MemorySegment value, int length) {
        return setsockopt(scratch, fd, option.linuxLevel(), option.linuxNumber(), value, length);
    }

    @Override
    public final int getsockopt(
            NativeScratch scratch,
            int fd,
            NativeOption option,
            MemorySegment value,
            MemorySegment length) {
        return getsockopt(scratch, fd, option.linuxLevel(), option.linuxNumber(), value, length);
    }

    @Override
    public final long send(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return send(scratch, fd, buffer, length, MSG_NOSIGNAL);
    }

    @Override
    public final long recvfrom(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            MemorySegment addressLength) {
        return recvfrom(scratch, fd, buffer, length, MSG_TRUNC, address, addressLength);
    }

    @Override
    public final long sendto(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            MemorySegment address,
            int addressLength) {
        return sendto(scratch, fd, buffer, length, MSG_NOSIGNAL, address, addressLength);
    }

    @Override
    public final int isReadable(NativeScratch scratch, int fd) {
        return isReady(scratch, fd, POLLIN | POLLRDHUP);
    }

    @Override
    public final int isWritable(NativeScratch scratch, int fd) {
        return isReady(scratch, fd, POLLOUT);
    }

    /** {@code struct pollfd}, poll.h: an int, then two shorts for what is asked and answered. */
    private int isReady(NativeScratch scratch, int fd, int events) {
        MemorySegment pollfd = scratch.value();
        pollfd.set(JAVA_INT, 0, fd);
        pollfd.set(JAVA_SHORT, Integer.BYTES, (short) events);
        pollfd.set(JAVA_SHORT, Integer.BYTES + Short.BYTES, (short) 0);
        return poll(scratch, pollfd, 1, 0);
    }

    @Override
    public final int available(NativeScratch scratch, int fd) {
        int result = ioctl(scratch, fd, FIONREAD, scratch.value());
        return result < 0 ? result : scratch.value().get(JAVA_INT, 0);
    }

    @Override
    public final int replace(NativeScratch scratch, int from, int to) {
        return dup3(scratch, from, to, O_CLOEXEC);
    }

    @Override
    public final int encode(MemorySegment to, int family, InetSocketAddress address) {
        return SocketAddresses.encode(to, family, address);
    }

    @Override
    public final InetSocketAddress decode(MemorySegment from) {
        return SocketAddresses.decode(from);
    }

    // ---- messages, files and other descriptors ----

    /**
     * {@code socketpair(2)}.
     *
     * @param scratch the carrier's scratch
     * @param domain {@code AF_UNIX}
     * @param type {@code SOCK_*}
     * @param pair gets two descriptors
     * @return 0, else the negated error number
     */
    public int socketpair(NativeScratch scratch, int domain, int type, MemorySegment pair) {
        try {
            int result =
                    (int) Socketpair.HANDLE.invokeExact(scratch.capture(), domain, type, 0, pair);
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
     * @return the bytes taken, else the negated error number
     */
    public long sendmsg(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        try {
            long result = (long) Sendmsg.HANDLE.invokeExact(scratch.capture(), fd, message, flags);
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
     * @return the bytes received, else the negated error number
     */
    public long recvmsg(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        try {
            long result = (long) Recvmsg.HANDLE.invokeExact(scratch.capture(), fd, message, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sendmmsg(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param messages an array of {@code struct mmsghdr}
     * @param count its length
     * @param flags {@code MSG_*}
     * @return how many were taken, else the negated error number
     */
    public int sendmmsg(
            NativeScratch scratch, int fd, MemorySegment messages, int count, int flags) {
        try {
            int result =
                    (int)
                            Sendmmsg.HANDLE.invokeExact(
                                    scratch.capture(), fd, messages, count, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recvmmsg(2)} without a timeout.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param messages an array of {@code struct mmsghdr}
     * @param count its length
     * @param flags {@code MSG_*}
     * @return how many came, else the negated error number
     */
    public int recvmmsg(
            NativeScratch scratch, int fd, MemorySegment messages, int count, int flags) {
        try {
            int result =
                    (int)
                            Recvmmsg.HANDLE.invokeExact(
                                    scratch.capture(),
                                    fd,
                                    messages,
                                    count,
                                    flags,
                                    MemorySegment.NULL);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sendfile(2)}.
     *
     * @param scratch the carrier's scratch
     * @param out the socket
     * @param in the file
     * @param offset a long, where to begin, moved by what was sent
     * @param count most bytes
     * @return the bytes taken, else the negated error number
     */
    public long sendfile(NativeScratch scratch, int out, int in, MemorySegment offset, long count) {
        try {
            long result =
                    (long) Sendfile.HANDLE.invokeExact(scratch.capture(), out, in, offset, count);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code open(2)} of what exists.
     *
     * @param scratch the carrier's scratch
     * @param path a string that ends with a zero
     * @param flags {@code O_*}
     * @return a new descriptor, else the negated error number
     */
    public int openPath(NativeScratch scratch, MemorySegment path, int flags) {
        try {
            int result = (int) Open.HANDLE.invokeExact(scratch.capture(), path, flags);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code lseek(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param offset how far
     * @param whence from where
     * @return the new position, else the negated error number
     */
    public long lseek(NativeScratch scratch, int fd, long offset, int whence) {
        try {
            long result = (long) Lseek.HANDLE.invokeExact(scratch.capture(), fd, offset, whence);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code pread(2)}.
     *
     * @param scratch the carrier's scratch
     * @param fd the descriptor
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @param position where in the file
     * @return the bytes read, else the negated error number
     */
    public long pread(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, long position) {
        try {
            long result =
                    (long)
                            Pread.HANDLE.invokeExact(
                                    scratch.capture(), fd, buffer, length, position);
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
     * @param buffer receives the data; native memory
     * @param length most bytes
     * @return the bytes read, else the negated error number
     */
    public long read(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        try {
            long result = (long) Read.HANDLE.invokeExact(scratch.capture(), fd, buffer, length);
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
     * @param value its argument
     * @return not negative, else the negated error number
     */
    public int fcntl(NativeScratch scratch, int fd, int command, int value) {
        try {
            int result = (int) Fcntl.HANDLE.invokeExact(scratch.capture(), fd, command, value);
            return result >= 0 ? result : -scratch.errno();
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    @Override
    public boolean hasUnixDomain() {
        return true;
    }

    @Override
    public boolean hasAbstractNames() {
        return true;
    }

    @Override
    public boolean hasBatches() {
        return true;
    }

    @Override
    public boolean hasMulticast() {
        return true;
    }

    @Override
    public boolean hasSendFile() {
        return true;
    }

    @Override
    public boolean hasDescriptors() {
        return true;
    }

    @Override
    public int encodeUnix(MemorySegment to, byte[] name) {
        return SocketAddresses.encodeUnix(to, name);
    }

    @Override
    public byte[] decodeUnix(MemorySegment from, int length) {
        return SocketAddresses.decodeUnix(from, length);
    }

    @Override
    public int openPair(NativeScratch scratch, int type) {
        return socketpair(scratch, AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, scratch.value());
    }

    @Override
    public int peerCredentials(NativeScratch scratch, int fd) {
        scratch.length().set(JAVA_INT, 0, UCRED_BYTES);
        return getsockopt(scratch, fd, SOL_SOCKET, SO_PEERCRED, scratch.value(), scratch.length());
    }

    /** One {@code msghdr} at 0, its {@code iovec} at 56, control data at 72. */
    private static MemorySegment message(
            NativeScratch scratch, MemorySegment buffer, long length, int control) {
        MemorySegment message = scratch.message();
        int iovec = DatagramBatch.MSGHDR_BYTES;
        message.asSlice(0, iovec + DatagramBatch.IOVEC_BYTES + CMSG_BYTES).fill((byte) 0);
        message.set(JAVA_LONG, 16, message.address() + iovec);
        message.set(JAVA_LONG, 24, 1);
        if (control > 0) {
            message.set(JAVA_LONG, 32, message.address() + iovec + DatagramBatch.IOVEC_BYTES);
            message.set(JAVA_LONG, 40, control);
        }
        message.set(JAVA_LONG, iovec, buffer.address());
        message.set(JAVA_LONG, iovec + 8, length);
        return message;
    }

    @Override
    public long sendDescriptors(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int[] descriptors) {
        int control = CMSG_BYTES + Integer.BYTES * descriptors.length;
        MemorySegment message =
                message(scratch, buffer, length, descriptors.length == 0 ? 0 : aligned(control));
        message.set(JAVA_LONG, CONTROL, control);
        message.set(JAVA_INT, CONTROL + 8, SOL_SOCKET);
        message.set(JAVA_INT, CONTROL + 12, SCM_RIGHTS);
        MemorySegment.copy(
                descriptors, 0, message, JAVA_INT, CONTROL + CMSG_BYTES, descriptors.length);
        return sendmsg(scratch, fd, message, MSG_NOSIGNAL);
    }

    @Override
    public long recvDescriptors(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int[] descriptors,
            int[] told) {
        // not rounded up: the kernel would fill the padding with one more descriptor
        int control = descriptors.length == 0 ? 0 : CMSG_BYTES + Integer.BYTES * descriptors.length;
        MemorySegment message = message(scratch, buffer, length, control);
        long result = recvmsg(scratch, fd, message, MSG_CMSG_CLOEXEC);
        told[0] = 0;
        told[1] = 0;
        if (result >= 0) {
            told[1] = (message.get(JAVA_INT, 48) & MSG_CTRUNC) != 0 ? 1 : 0;
            if (message.get(JAVA_LONG, 40) >= CMSG_BYTES
                    && message.get(JAVA_INT, CONTROL + 8) == SOL_SOCKET
                    && message.get(JAVA_INT, CONTROL + 12) == SCM_RIGHTS) {
                long bytes = message.get(JAVA_LONG, CONTROL) - CMSG_BYTES;
                told[0] = (int) (bytes / Integer.BYTES);
                MemorySegment.copy(
                        message, JAVA_INT, CONTROL + CMSG_BYTES, descriptors, 0, told[0]);
            }
        }
        return result;
    }

    private static int aligned(int bytes) {
        return bytes + 7 & ~7;
    }

    @Override
    public int recvBatch(NativeScratch scratch, int fd, DatagramBatch batch, int count) {
        return recvmmsg(scratch, fd, batch.headers(), count, MSG_TRUNC);
    }

    @Override
    public int sendBatch(NativeScratch scratch, int fd, DatagramBatch batch, int count) {
        return sendmmsg(scratch, fd, batch.headers(), count, MSG_NOSIGNAL);
    }

    @Override
    public int membership(
            NativeScratch scratch,
            int fd,
            boolean join,
            InetAddress group,
            int index,
            @Nullable InetAddress source) {
        MemorySegment request = scratch.message();
        int family = SocketAddresses.family(group);
        request.asSlice(0, SOURCE_AT + 128).fill((byte) 0);
        request.set(JAVA_INT, 0, index);
        SocketAddresses.encode(request.asSlice(GROUP_AT), family, new InetSocketAddress(group, 0));
        int option = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
        if (source != null) {
            option = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
            SocketAddresses.encode(
                    request.asSlice(SOURCE_AT), family, new InetSocketAddress(source, 0));
        }
        return setsockopt(
                scratch,
                fd,
                family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                option,
                request,
                source == null ? SOURCE_AT : SOURCE_AT + 128);
    }

    @Override
    public int openFile(NativeScratch scratch, byte[] path) {
        MemorySegment text = scratch.io();
        MemorySegment.copy(path, 0, text, JAVA_BYTE, 0, path.length);
        text.set(JAVA_BYTE, path.length, (byte) 0);
        return openPath(scratch, text, O_RDONLY | O_CLOEXEC);
    }

    @Override
    public long fileSize(NativeScratch scratch, int fd) {
        return lseek(scratch, fd, 0, SEEK_END);
    }

    @Override
    public long readAt(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, long position) {
        return pread(scratch, fd, buffer, length, position);
    }

    @Override
    public long sendFile(NativeScratch scratch, int socket, int file, long position, long count) {
        scratch.value().set(JAVA_LONG, 0, position);
        return sendfile(scratch, socket, file, scratch.value(), Math.min(count, MOST_SEND_FILE));
    }

    @Override
    public int makeNonBlocking(NativeScratch scratch, int fd) {
        int flags = fcntl(scratch, fd, F_GETFL, 0);
        return flags < 0 || (flags & O_NONBLOCK) != 0
                ? flags
                : fcntl(scratch, fd, F_SETFL, flags | O_NONBLOCK);
    }

    @Override
    public long readFrom(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return read(scratch, fd, buffer, length);
    }

    @Override
    public long writeTo(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        return write(scratch, fd, buffer, length);
    }

    /** A segment that is closed or of another thread is the caller's error; nothing is checked. */
    static RuntimeException rethrow(Throwable thrown) {
        if (thrown instanceof RuntimeException e) {
            return e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
        throw new AssertionError("a native call threw a checked exception", thrown);
    }
}
