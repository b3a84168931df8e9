package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * The calls of Windows that sockets and I/O completion ports need: {@code ws2_32}, {@code
 * kernel32}, {@code ntdll} and, by {@code WSAIoctl}, the extensions of {@code mswsock}. For 64-bit
 * Windows, where x86-64 and aarch64 share every layout.
 *
 * <p>As with {@link LinuxLibc}, every call takes the {@link NativeScratch} of the carrier for its
 * error code and returns what the function returns if it succeeds, else the negated error number;
 * functions that only tell success return 0 for it. A call that the system has begun and not ended
 * returns {@code -}{@link WindowsError#WSA_IO_PENDING}. The calls are instance methods so that a
 * test can put a subclass with faults underneath a driver.
 *
 * <p>Thread-safe. No call waits except {@link #dequeue}; sockets are non-blocking.
 */
@SuppressWarnings("restricted")
public class Winsock {
    // winsock2.h, ws2def.h, ws2ipdef.h

    /** IPv4. */
    public static final int AF_INET = 2;

    /** IPv6. */
    public static final int AF_INET6 = 23;

    /** TCP. */
    public static final int SOCK_STREAM = 1;

    /** UDP. */
    public static final int SOCK_DGRAM = 2;

    /** Level of IPv4 options. */
    public static final int IPPROTO_IP = 0;

    /** TCP, and the level of its options. */
    public static final int IPPROTO_TCP = 6;

    /** UDP. */
    public static final int IPPROTO_UDP = 17;

    /** Level of IPv6 options. */
    public static final int IPPROTO_IPV6 = 41;

    /** Level of socket options. */
    public static final int SOL_SOCKET = 0xFFFF;

    /** Let others bind to the same address, even if they did not agree. */
    public static final int SO_REUSEADDR = 0x4;

    /** Let nobody else bind to the same address: {@code ~SO_REUSEADDR}. */
    public static final int SO_EXCLUSIVEADDRUSE = ~SO_REUSEADDR;

    /** Probe idle connections. */
    public static final int SO_KEEPALIVE = 0x8;

    /** Allow datagrams to broadcast addresses. */
    public static final int SO_BROADCAST = 0x20;

    /** What close does with unsent data. */
    public static final int SO_LINGER = 0x80;

    /** Size of the send buffer. */
    public static final int SO_SNDBUF = 0x1001;

    /** Size of the receive buffer. */
    public static final int SO_RCVBUF = 0x1002;

    /** {@code WSAPROTOCOL_INFOW} of the socket. */
    public static final int SO_PROTOCOL_INFOW = 0x2005;

    /** Send small pieces at once. */
    public static final int TCP_NODELAY = 1;

    /** Type of service. */
    public static final int IP_TOS = 3;

    /** Keep IPv4 out of an IPv6 socket. */
    public static final int IPV6_V6ONLY = 27;

    /** Traffic class. */
    public static final int IPV6_TCLASS = 39;

    /** Idle seconds before the first keep-alive probe. */
    public static final int TCP_KEEPIDLE = 3;

    /** Probes without answer after which a connection is dead. */
    public static final int TCP_KEEPCNT = 16;

    /** Seconds between keep-alive probes. */
    public static final int TCP_KEEPINTVL = 17;

    // IPv4 and IPv6 agree on the numbers of the next ones

    /** Hops that packets may make; {@code IPV6_UNICAST_HOPS}. */
    public static final int IP_TTL = 4;

    /** Interface for multicast: for IPv4 one of its addresses, for IPv6 its index. */
    public static final int IP_MULTICAST_IF = 9;

    /** Hops that multicast may make; {@code IPV6_MULTICAST_HOPS}. */
    public static final int IP_MULTICAST_TTL = 10;

    /** Whether this machine hears its own multicast. */
    public static final int IP_MULTICAST_LOOP = 11;

    /** Refuse to split packets; {@code IPV6_DONTFRAG}. */
    public static final int IP_DONTFRAGMENT = 14;

    /** Flag of recv: leave the data where it is. */
    public static final int MSG_PEEK = 0x2;

    /** End receiving. */
    public static final int SD_RECEIVE = 0;

    /** End sending. */
    public static final int SD_SEND = 1;

    /** Bytes that can be received. */
    public static final int FIONREAD = 0x4004667F;

    /** Calls do not wait. */
    public static final int FIONBIO = 0x8004667E;

    /** The handle of the system beneath those of layered providers. */
    public static final int SIO_BASE_HANDLE = 0x48000022;

    /** The same, as a layered provider may give it that refuses the one above. */
    public static final int SIO_BSP_HANDLE_POLL = 0x4800001D;

    // mswsock.h, mstcpip.h

    /** Completes the socket of an AcceptEx. */
    public static final int SO_UPDATE_ACCEPT_CONTEXT = 0x700B;

    /** Completes the socket of a ConnectEx. */
    public static final int SO_UPDATE_CONNECT_CONTEXT = 0x7010;

    /** Whether a datagram that nobody received makes a later receive fail. */
    public static final int SIO_UDP_CONNRESET = 0x9800000C;

    /** The same for datagrams whose time to live was over. */
    public static final int SIO_UDP_NETRESET = 0x9800000F;

    /** Bytes that AcceptEx needs beyond the longest address, for each of the two. */
    public static final int ACCEPT_ADDRESS_EXTRA = 16;

    // winsock2.h: WSAPOLLFD, 16 bytes: socket at 0, wanted events at 8, events at 10

    /** Readable. */
    public static final int POLLIN = 0x300;

    /** Writable. */
    public static final int POLLOUT = 0x10;

    /** {@code WSAPROTOCOL_INFOW.dwServiceFlags1}, at 0: handles are those of the system. */
    public static final int XP1_IFS_HANDLES = 0x20000;

    /** Size of {@code WSAPROTOCOL_INFOW}. */
    public static final int PROTOCOL_INFO_BYTES = 628;

    /** Size of {@code WSABUF}: length at 0, address at 8. */
    public static final int WSABUF_BYTES = 16;

    // minwinbase.h, winbase.h

    /** Size of {@code OVERLAPPED}: status at 0, bytes at 8, offset at 16, event at 24. */
    public static final int OVERLAPPED_BYTES = 32;

    /** Size of {@code OVERLAPPED_ENTRY}: key at 0, OVERLAPPED at 8, status at 16, bytes at 24. */
    public static final int ENTRY_BYTES = 32;

    /** Offset of the pointer to the OVERLAPPED in {@code OVERLAPPED_ENTRY}. */
    public static final int ENTRY_OVERLAPPED = 8;

    /** What succeeds at once is not reported to the port. */
    public static final int FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1;

    /** The event inside the handle is not used. */
    public static final int FILE_SKIP_SET_EVENT_ON_HANDLE = 2;

    /** {@code ntstatus.h}: not ended yet. */
    public static final int STATUS_PENDING = 0x103;

    /**
     * {@code AFD_POLL_INFO} for one socket, 32 bytes: timeout at 0, number of sockets at 8,
     * exclusive at 12, socket at 16, events at 24, status at 28. Like everything of {@code
     * \Device\Afd} it is in no header; the JDK's selectors and the event loops of libuv, Tokio and
     * others on Windows rely on it.
     */
    public static final int AFD_POLL_INFO_BYTES = 32;

    /** There is room for data to be sent. */
    public static final int AFD_POLL_SEND = 0x4;

    /** The connection was reset. */
    public static final int AFD_POLL_ABORT = 0x10;

    /** The socket was closed on this side. */
    public static final int AFD_POLL_LOCAL_CLOSE = 0x20;

    private static final int IOCTL_AFD_POLL = 0x12024;

    private static final int SIO_GET_EXTENSION_FUNCTION_POINTER = 0xC8000006;
    private static final int WSA_FLAG_OVERLAPPED = 0x1;
    private static final int WSA_FLAG_NO_HANDLE_INHERIT = 0x80;
    private static final short VERSION_2_2 = 0x0202;
    private static final int WSADATA_BYTES = 408;
    private static final long INVALID = -1;

    /** mswsock.h: {@code WSAID_ACCEPTEX}. */
    private static final UUID ACCEPT_EX_ID =
            UUID.fromString("b5367df1-cbac-11cf-95ca-00805f48a192");

    /** mswsock.h: {@code WSAID_CONNECTEX}. */
    private static final UUID CONNECT_EX_ID =
            UUID.fromString("25a207b9-ddf3-4660-8ee9-76e58c74063e");

    private static final VarHandle LAST_ERROR = captured("GetLastError");
    private static final VarHandle SOCKET_ERROR = captured("WSAGetLastError");

    private static final SymbolLookup WS2_32 =
            SymbolLookup.libraryLookup("ws2_32.dll", Arena.global());
    private static final SymbolLookup KERNEL32 =
            SymbolLookup.libraryLookup("kernel32.dll", Arena.global());

    private static final MethodHandle SOCKET =
            ws2(
                    "WSASocketW",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSESOCKET =
            ws2("closesocket", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
    private static final MethodHandle BIND =
            ws2("bind", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT));
    private static final MethodHandle CONNECT =
            ws2("connect", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT));
    private static final MethodHandle LISTEN =
            ws2("listen", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle GETSOCKNAME =
            ws2("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    private static final MethodHandle GETPEERNAME =
            ws2("getpeername", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));
    private static final MethodHandle SETSOCKOPT =
            ws2(
                    "setsockopt",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle GETSOCKOPT =
            ws2(
                    "getsockopt",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle IOCTLSOCKET =
            ws2("ioctlsocket", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
    private static final MethodHandle SHUTDOWN =
            ws2("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle RECV =
            ws2("recv", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle SEND =
            ws2("send", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle RECVFROM =
            ws2(
                    "recvfrom",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle SENDTO =
            ws2(
                    "sendto",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle POLL =
            ws2("WSAPoll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle IOCTL =
            ws2(
                    "WSAIoctl",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT,
                            ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle OVERLAPPED_RECV =
            ws2(
                    "WSARecv",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS,
                            ADDRESS));
    private static final MethodHandle OVERLAPPED_RECVFROM =
            ws2(
                    "WSARecvFrom",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS,
                            ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle GET_OVERLAPPED_RESULT =
            ws2(
                    "WSAGetOverlappedResult",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS, JAVA_INT, ADDRESS));
    private static final MethodHandle ACCEPT_EX =
            pointer(
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT,
                            ADDRESS, ADDRESS));
    private static final MethodHandle CONNECT_EX =
            pointer(
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS,
                            ADDRESS));

    private static final MethodHandle CREATE_IO_COMPLETION_PORT =
            kernel32(
                    "CreateIoCompletionPort",
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle GET_QUEUED_COMPLETION_STATUS_EX =
            kernel32(
                    "GetQueuedCompletionStatusEx",
                    FunctionDescriptor.of(
                            JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle POST_QUEUED_COMPLETION_STATUS =
            kernel32(
                    "PostQueuedCompletionStatus",
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle SET_NOTIFICATION_MODES =
            kernel32(
                    "SetFileCompletionNotificationModes",
                    FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_BYTE));
    private static final MethodHandle CANCEL_IO_EX =
            kernel32("CancelIoEx", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle CLOSE_HANDLE =
            kernel32("CloseHandle", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));

    private static final Winsock INSTANCE = new Winsock();

    /** Calls of {@code ntdll}, bound when something first waits for room to send. */
    private static final class Nt {
        private static final int SYNCHRONIZE = 0x00100000;
        private static final int FILE_SHARE_READ_WRITE = 0x3;
        private static final int FILE_OPEN = 1;
        private static final int UNICODE_STRING_BYTES = 16;
        private static final int OBJECT_ATTRIBUTES_BYTES = 48;

        private static final SymbolLookup NTDLL =
                SymbolLookup.libraryLookup("ntdll.dll", Arena.global());
        private static final MethodHandle CREATE_FILE =
                handle(
                        NTDLL,
                        "NtCreateFile",
                        FunctionDescriptor.of(
                                JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT,
                                JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        private static final MethodHandle DEVICE_IO_CONTROL_FILE =
                handle(
                        NTDLL,
                        "NtDeviceIoControlFile",
                        FunctionDescriptor.of(
                                JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, JAVA_INT,
                                ADDRESS, JAVA_INT, ADDRESS, JAVA_INT));
        private static final MethodHandle STATUS_TO_ERROR =
                handle(NTDLL, "RtlNtStatusToDosError", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

        private Nt() {}

        static int error(int status) throws Throwable {
            return (int) STATUS_TO_ERROR.invokeExact(status);
        }
    }

    /** For {@link NativeAccess} and for tests that put faults underneath. */
    protected Winsock() {}

    static Winsock instance() {
        return INSTANCE;
    }

    static {
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle startup =
                    handle(
                            WS2_32,
                            "WSAStartup",
                            FunctionDescriptor.of(JAVA_INT, JAVA_SHORT, ADDRESS));
            int error;
            try {
                error = (int) startup.invokeExact(VERSION_2_2, arena.allocate(WSADATA_BYTES, 8));
            } catch (Throwable t) {
                throw rethrow(t);
            }
            if (error != 0) {
                throw new UnsatisfiedLinkError("WSAStartup failed with " + error);
            }
        }
    }

    private static VarHandle captured(String name) {
        return Linker.Option.captureStateLayout()
                .varHandle(MemoryLayout.PathElement.groupElement(name));
    }

    private static MethodHandle ws2(String name, FunctionDescriptor type) {
        return handle(WS2_32, name, type, Linker.Option.captureCallState("WSAGetLastError"));
    }

    private static MethodHandle kernel32(String name, FunctionDescriptor type) {
        return handle(KERNEL32, name, type, Linker.Option.captureCallState("GetLastError"));
    }

    /** A function whose address is the first argument. */
    private static MethodHandle pointer(FunctionDescriptor type) {
        return Linker.nativeLinker()
                .downcallHandle(type, Linker.Option.captureCallState("WSAGetLastError"));
    }

    private static MethodHandle handle(
            SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment symbol =
                library.find(name).orElseThrow(() -> new UnsatisfiedLinkError("no symbol " + name));
        return Linker.nativeLinker().downcallHandle(symbol, type, options);
    }

    private static RuntimeException rethrow(Throwable t) {
        if (t instanceof Error e) {
            throw e;
        }
        throw new IllegalStateException("a native call threw", t); // it cannot
    }

    private static int lastError(NativeScratch scratch) {
        return (int) LAST_ERROR.get(scratch.capture(), 0L);
    }

    private static int socketError(NativeScratch scratch) {
        return (int) SOCKET_ERROR.get(scratch.capture(), 0L);
    }

    /** What a Winsock function means that returns 0, or else SOCKET_ERROR. */
    private static int checked(NativeScratch scratch, int result) {
        return result >= 0 ? result : -socketError(scratch);
    }

    /** What a function means that returns whether it succeeded. */
    private static int checkedBoolean(NativeScratch scratch, int result) {
        return result != 0 ? 0 : -lastError(scratch);
    }

    // ---- sockets ----

    /**
     * {@code WSASocketW}, overlapped and not inherited by programs we start.
     *
     * @param scratch of the carrier
     * @param family {@link #AF_INET} or {@link #AF_INET6}
     * @param type {@link #SOCK_STREAM} or {@link #SOCK_DGRAM}
     * @param protocol {@link #IPPROTO_TCP} or {@link #IPPROTO_UDP}
     * @return the socket or the negated error number
     */
    public long socket(NativeScratch scratch, int family, int type, int protocol) {
        try {
            long socket =
                    (long)
                            SOCKET.invokeExact(
                                    scratch.capture(),
                                    family,
                                    type,
                                    protocol,
                                    MemorySegment.NULL,
                                    0,
                                    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
            return socket != INVALID ? socket : -socketError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code closesocket}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @return 0 or the negated error number
     */
    public int closesocket(NativeScratch scratch, long socket) {
        try {
            return checked(scratch, (int) CLOSESOCKET.invokeExact(scratch.capture(), socket));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code bind}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param address where
     * @param length bytes of the address
     * @return 0 or the negated error number
     */
    public int bind(NativeScratch scratch, long socket, MemorySegment address, int length) {
        try {
            return checked(
                    scratch, (int) BIND.invokeExact(scratch.capture(), socket, address, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code connect}, for datagram sockets.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param address the peer
     * @param length bytes of the address
     * @return 0 or the negated error number
     */
    public int connect(NativeScratch scratch, long socket, MemorySegment address, int length) {
        try {
            return checked(
                    scratch, (int) CONNECT.invokeExact(scratch.capture(), socket, address, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code listen}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param backlog connections that may wait
     * @return 0 or the negated error number
     */
    public int listen(NativeScratch scratch, long socket, int backlog) {
        try {
            return checked(scratch, (int) LISTEN.invokeExact(scratch.capture(), socket, backlog));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getsockname}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param address gets the address
     * @param length bytes there are and bytes written
     * @return 0 or the negated error number
     */
    public int getsockname(
            NativeScratch scratch, long socket, MemorySegment address, MemorySegment length) {
        try {
            return checked(
                    scratch,
                    (int) GETSOCKNAME.invokeExact(scratch.capture(), socket, address, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getpeername}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param address gets the address
     * @param length bytes there are and bytes written
     * @return 0 or the negated error number
     */
    public int getpeername(
            NativeScratch scratch, long socket, MemorySegment address, MemorySegment length) {
        try {
            return checked(
                    scratch,
                    (int) GETPEERNAME.invokeExact(scratch.capture(), socket, address, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code setsockopt}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param level {@link #SOL_SOCKET} or a protocol
     * @param option the option
     * @param value its value
     * @param length bytes of the value
     * @return 0 or the negated error number
     */
    public int setsockopt(
            NativeScratch scratch,
            long socket,
            int level,
            int option,
            MemorySegment value,
            int length) {
        try {
            return checked(
                    scratch,
                    (int)
                            SETSOCKOPT.invokeExact(
                                    scratch.capture(), socket, level, option, value, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code getsockopt}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param level {@link #SOL_SOCKET} or a protocol
     * @param option the option
     * @param value gets the value
     * @param length bytes there are and bytes written
     * @return 0 or the negated error number
     */
    public int getsockopt(
            NativeScratch scratch,
            long socket,
            int level,
            int option,
            MemorySegment value,
            MemorySegment length) {
        try {
            return checked(
                    scratch,
                    (int)
                            GETSOCKOPT.invokeExact(
                                    scratch.capture(), socket, level, option, value, length));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code ioctlsocket}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param command {@link #FIONBIO} or {@link #FIONREAD}
     * @param value 32 bits in and out
     * @return 0 or the negated error number
     */
    public int ioctlsocket(NativeScratch scratch, long socket, int command, MemorySegment value) {
        try {
            return checked(
                    scratch,
                    (int) IOCTLSOCKET.invokeExact(scratch.capture(), socket, command, value));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code WSAIoctl}, not overlapped.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param code what to do
     * @param in the argument
     * @param inBytes its bytes
     * @param out gets the result
     * @param outBytes bytes there are
     * @return 0 or the negated error number
     */
    public int wsaIoctl(
            NativeScratch scratch,
            long socket,
            int code,
            MemorySegment in,
            int inBytes,
            MemorySegment out,
            int outBytes) {
        try {
            return checked(
                    scratch,
                    (int)
                            IOCTL.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    code,
                                    in,
                                    inBytes,
                                    out,
                                    outBytes,
                                    scratch.length(),
                                    MemorySegment.NULL,
                                    MemorySegment.NULL));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code shutdown}.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param how {@link #SD_RECEIVE} or {@link #SD_SEND}
     * @return 0 or the negated error number
     */
    public int shutdown(NativeScratch scratch, long socket, int how) {
        try {
            return checked(scratch, (int) SHUTDOWN.invokeExact(scratch.capture(), socket, how));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recv}: what is there now.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer receives
     * @param length bytes there are
     * @param flags 0 or {@link #MSG_PEEK}
     * @return bytes or the negated error number
     */
    public int recv(
            NativeScratch scratch, long socket, MemorySegment buffer, int length, int flags) {
        try {
            return checked(
                    scratch,
                    (int) RECV.invokeExact(scratch.capture(), socket, buffer, length, flags));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code send}: what fits now.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer the data
     * @param length its bytes
     * @return bytes or the negated error number
     */
    public int send(NativeScratch scratch, long socket, MemorySegment buffer, int length) {
        try {
            return checked(
                    scratch, (int) SEND.invokeExact(scratch.capture(), socket, buffer, length, 0));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code recvfrom}: what is there now.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer receives
     * @param length bytes there are
     * @param address gets the sender
     * @param addressLength bytes there are and bytes written
     * @return bytes or the negated error number
     */
    public int recvfrom(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            int length,
            MemorySegment address,
            MemorySegment addressLength) {
        try {
            return checked(
                    scratch,
                    (int)
                            RECVFROM.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    buffer,
                                    length,
                                    0,
                                    address,
                                    addressLength));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code sendto}: if it fits now.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer the datagram
     * @param length its bytes
     * @param address where to
     * @param addressLength bytes of the address
     * @return bytes or the negated error number
     */
    public int sendto(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            int length,
            MemorySegment address,
            int addressLength) {
        try {
            return checked(
                    scratch,
                    (int)
                            SENDTO.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    buffer,
                                    length,
                                    0,
                                    address,
                                    addressLength));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code WSAPoll} of one socket, now.
     *
     * @param scratch of the carrier
     * @param pollfd one {@code WSAPOLLFD}
     * @return 0 if nothing is ready, 1 if something is, or the negated error number
     */
    public int poll(NativeScratch scratch, MemorySegment pollfd) {
        try {
            return checked(scratch, (int) POLL.invokeExact(scratch.capture(), pollfd, 1, 0));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    // ---- operations that the port reports ----

    /**
     * {@code WSARecv}, overlapped.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer one {@code WSABUF}; it and its memory must stay until the end
     * @param flags 32 bits, in and out
     * @param overlapped must stay until the end
     * @return 0 if it has ended already, or the negated error number
     */
    public int wsaRecv(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            MemorySegment flags,
            MemorySegment overlapped) {
        try {
            return checked(
                    scratch,
                    (int)
                            OVERLAPPED_RECV.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    buffer,
                                    1,
                                    MemorySegment.NULL,
                                    flags,
                                    overlapped,
                                    MemorySegment.NULL));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code WSARecvFrom}, overlapped.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param buffer one {@code WSABUF}; it and its memory must stay until the end
     * @param flags 32 bits, in and out
     * @param address gets the sender; must stay until the end
     * @param addressLength bytes there are and bytes written; must stay until the end
     * @param overlapped must stay until the end
     * @return 0 if it has ended already, or the negated error number
     */
    public int wsaRecvFrom(
            NativeScratch scratch,
            long socket,
            MemorySegment buffer,
            MemorySegment flags,
            MemorySegment address,
            MemorySegment addressLength,
            MemorySegment overlapped) {
        try {
            return checked(
                    scratch,
                    (int)
                            OVERLAPPED_RECVFROM.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    buffer,
                                    1,
                                    MemorySegment.NULL,
                                    flags,
                                    address,
                                    addressLength,
                                    overlapped,
                                    MemorySegment.NULL));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * The address of {@code AcceptEx}, or of {@code ConnectEx}, by {@code
     * SIO_GET_EXTENSION_FUNCTION_POINTER}.
     *
     * @param scratch of the carrier; its value gets the address
     * @param socket any TCP socket
     * @param connect whether ConnectEx is meant
     * @return 0 or the negated error number
     */
    public int extension(NativeScratch scratch, long socket, boolean connect) {
        UUID id = connect ? CONNECT_EX_ID : ACCEPT_EX_ID;
        long high = id.getMostSignificantBits();
        // guiddef.h: 32, 16 and 16 bits in host order, and 8 bytes
        MemorySegment guid = scratch.address();
        guid.set(JAVA_INT, 0, (int) (high >>> 32));
        guid.set(JAVA_SHORT, 4, (short) (high >>> 16));
        guid.set(JAVA_SHORT, 6, (short) high);
        guid.set(JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN), 8, id.getLeastSignificantBits());
        return wsaIoctl(
                scratch,
                socket,
                SIO_GET_EXTENSION_FUNCTION_POINTER,
                guid,
                16,
                scratch.value(),
                (int) ADDRESS.byteSize());
    }

    /**
     * {@code AcceptEx}, which waits for no data.
     *
     * @param scratch of the carrier
     * @param function its address, see {@link #extension}
     * @param listener a listening socket
     * @param socket a new socket, which becomes the connection
     * @param addresses gets both addresses; must stay until the end
     * @param addressBytes bytes for each of them
     * @param overlapped must stay until the end
     * @return 0 if it has ended already, or the negated error number
     */
    public int acceptEx(
            NativeScratch scratch,
            MemorySegment function,
            long listener,
            long socket,
            MemorySegment addresses,
            int addressBytes,
            MemorySegment overlapped) {
        try {
            int accepted =
                    (int)
                            ACCEPT_EX.invokeExact(
                                    function,
                                    scratch.capture(),
                                    listener,
                                    socket,
                                    addresses,
                                    0,
                                    addressBytes,
                                    addressBytes,
                                    scratch.length(),
                                    overlapped);
            return accepted != 0 ? 0 : -socketError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code ConnectEx}, which sends no data.
     *
     * @param scratch of the carrier
     * @param function its address, see {@link #extension}
     * @param socket a bound socket
     * @param address where to; must stay until the end
     * @param length bytes of the address
     * @param overlapped must stay until the end
     * @return 0 if it has ended already, or the negated error number
     */
    public int connectEx(
            NativeScratch scratch,
            MemorySegment function,
            long socket,
            MemorySegment address,
            int length,
            MemorySegment overlapped) {
        try {
            int connected =
                    (int)
                            CONNECT_EX.invokeExact(
                                    function,
                                    scratch.capture(),
                                    socket,
                                    address,
                                    length,
                                    MemorySegment.NULL,
                                    0,
                                    MemorySegment.NULL,
                                    overlapped);
            return connected != 0 ? 0 : -socketError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code WSAGetOverlappedResult} of an operation that has ended: its error as Winsock names it.
     *
     * @param scratch of the carrier
     * @param socket the socket
     * @param overlapped what the operation was begun with
     * @return 0 or the negated error number
     */
    public int overlappedResult(NativeScratch scratch, long socket, MemorySegment overlapped) {
        try {
            int succeeded =
                    (int)
                            GET_OVERLAPPED_RESULT.invokeExact(
                                    scratch.capture(),
                                    socket,
                                    overlapped,
                                    scratch.length(),
                                    0,
                                    scratch.value());
            return succeeded != 0 ? 0 : -socketError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code CancelIoEx} of everything that is pending on a handle.
     *
     * @param scratch of the carrier
     * @param handle the handle
     * @return 0 or the negated error number
     */
    public int cancel(NativeScratch scratch, long handle) {
        try {
            return checkedBoolean(
                    scratch,
                    (int) CANCEL_IO_EX.invokeExact(scratch.capture(), handle, MemorySegment.NULL));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    // ---- the port ----

    /**
     * {@code CreateIoCompletionPort}: a new port.
     *
     * @param scratch of the carrier
     * @return the port or the negated error number
     */
    public long createPort(NativeScratch scratch) {
        try {
            long port =
                    (long)
                            CREATE_IO_COMPLETION_PORT.invokeExact(
                                    scratch.capture(), INVALID, 0L, 0L, 1);
            return port != 0 ? port : -lastError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code CreateIoCompletionPort}: lets a port report the operations of a handle.
     *
     * @param scratch of the carrier
     * @param handle the handle, for good
     * @param port the port
     * @return 0 or the negated error number
     */
    public int associate(NativeScratch scratch, long handle, long port) {
        try {
            long result =
                    (long)
                            CREATE_IO_COMPLETION_PORT.invokeExact(
                                    scratch.capture(), handle, port, 0L, 0);
            return result != 0 ? 0 : -lastError(scratch);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code SetFileCompletionNotificationModes}.
     *
     * @param scratch of the carrier
     * @param handle the handle
     * @param modes {@link #FILE_SKIP_COMPLETION_PORT_ON_SUCCESS} and {@link
     *     #FILE_SKIP_SET_EVENT_ON_HANDLE}
     * @return 0 or the negated error number
     */
    public int notificationModes(NativeScratch scratch, long handle, int modes) {
        try {
            return checkedBoolean(
                    scratch,
                    (int)
                            SET_NOTIFICATION_MODES.invokeExact(
                                    scratch.capture(), handle, (byte) modes));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code GetQueuedCompletionStatusEx}: waits for operations that have ended.
     *
     * @param scratch of the carrier
     * @param port the port
     * @param entries gets an {@code OVERLAPPED_ENTRY} for each
     * @param most most entries
     * @param millis longest time to wait; -1 for ever
     * @return how many, 0 if the time was over, or the negated error number
     */
    public int dequeue(
            NativeScratch scratch, long port, MemorySegment entries, int most, int millis) {
        try {
            int dequeued =
                    (int)
                            GET_QUEUED_COMPLETION_STATUS_EX.invokeExact(
                                    scratch.capture(),
                                    port,
                                    entries,
                                    most,
                                    scratch.length(),
                                    millis,
                                    0);
            if (dequeued != 0) {
                return scratch.length().get(JAVA_INT, 0);
            }
            int error = lastError(scratch);
            return error == WindowsError.WAIT_TIMEOUT ? 0 : -error;
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code PostQueuedCompletionStatus} without an operation: makes {@link #dequeue} return.
     *
     * @param scratch of the carrier
     * @param port the port
     * @return 0 or the negated error number
     */
    public int post(NativeScratch scratch, long port) {
        try {
            return checkedBoolean(
                    scratch,
                    (int)
                            POST_QUEUED_COMPLETION_STATUS.invokeExact(
                                    scratch.capture(), port, 0, 0L, MemorySegment.NULL));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code CloseHandle}.
     *
     * @param scratch of the carrier
     * @param handle a handle that is no socket
     * @return 0 or the negated error number
     */
    public int closeHandle(NativeScratch scratch, long handle) {
        try {
            return checkedBoolean(
                    scratch, (int) CLOSE_HANDLE.invokeExact(scratch.capture(), handle));
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    // ---- polling through the driver of sockets ----

    /**
     * {@code NtCreateFile} of {@code \Device\Afd}: a handle through which sockets can be polled.
     *
     * @return the handle or the negated error number
     */
    public long afdOpen() {
        try (Arena arena = Arena.ofConfined()) {
            byte[] text = "\\Device\\Afd\\Avx".getBytes(StandardCharsets.UTF_16LE);
            MemorySegment name = arena.allocateFrom(JAVA_BYTE, text);
            // UNICODE_STRING: length, capacity, pointer at 8; OBJECT_ATTRIBUTES: length, name at 16
            MemorySegment string = arena.allocate(Nt.UNICODE_STRING_BYTES, 8);
            string.set(JAVA_SHORT, 0, (short) text.length);
            string.set(JAVA_SHORT, 2, (short) text.length);
            string.set(ADDRESS, 8, name);
            MemorySegment attributes = arena.allocate(Nt.OBJECT_ATTRIBUTES_BYTES, 8);
            attributes.set(JAVA_INT, 0, Nt.OBJECT_ATTRIBUTES_BYTES);
            attributes.set(ADDRESS, 16, string);
            MemorySegment handle = arena.allocate(JAVA_LONG);
            MemorySegment block = arena.allocate(16, 8);
            int status =
                    (int)
                            Nt.CREATE_FILE.invokeExact(
                                    handle,
                                    Nt.SYNCHRONIZE,
                                    attributes,
                                    block,
                                    MemorySegment.NULL,
                                    0,
                                    Nt.FILE_SHARE_READ_WRITE,
                                    Nt.FILE_OPEN,
                                    0,
                                    MemorySegment.NULL,
                                    0);
            return status == 0 ? handle.get(JAVA_LONG, 0) : -Nt.error(status);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }

    /**
     * {@code NtDeviceIoControlFile} with {@code IOCTL_AFD_POLL}: reports to the port when one of
     * the events of the socket is there, even if it is there already.
     *
     * @param afd a handle of {@link #afdOpen}, associated with the port
     * @param info {@code AFD_POLL_INFO}; must stay until the end
     * @param overlapped begins with the {@code IO_STATUS_BLOCK}; must stay until the end
     * @return 0 if the port will report it, or the negated error number
     */
    public int afdPoll(long afd, MemorySegment info, MemorySegment overlapped) {
        try {
            int status =
                    (int)
                            Nt.DEVICE_IO_CONTROL_FILE.invokeExact(
                                    afd,
                                    0L,
                                    MemorySegment.NULL,
                                    overlapped,
                                    overlapped,
                                    IOCTL_AFD_POLL,
                                    info,
                                    AFD_POLL_INFO_BYTES,
                                    info,
                                    AFD_POLL_INFO_BYTES);
            return status == 0 || status == STATUS_PENDING ? 0 : -Nt.error(status);
        } catch (Throwable t) {
            throw rethrow(t);
        }
    }
}
