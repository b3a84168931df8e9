package cloud.avila.avx.internal.sys;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.util.Map;

/** Error numbers of Windows that sockets and ports give, from {@code winerror.h}. */
public final class WindowsError {
    /** Access denied. */
    public static final int ERROR_ACCESS_DENIED = 5;

    /** Not an open handle. */
    public static final int ERROR_INVALID_HANDLE = 6;

    /** The system is out of memory. */
    public static final int ERROR_NOT_ENOUGH_MEMORY = 8;

    /** The connection was reset, as the kernel says it. */
    public static final int ERROR_NETNAME_DELETED = 64;

    /** The time to wait is over. */
    public static final int WAIT_TIMEOUT = 258;

    /** The port was closed while a thread waited at it. */
    public static final int ERROR_ABANDONED_WAIT_0 = 735;

    /** The operation was cancelled. */
    public static final int WSA_OPERATION_ABORTED = 995;

    /** The operation has begun and will be reported. */
    public static final int WSA_IO_PENDING = 997;

    /** Nothing to cancel. */
    public static final int ERROR_NOT_FOUND = 1168;

    /** The system has no resources left. */
    public static final int ERROR_NO_SYSTEM_RESOURCES = 1450;

    /** Interrupted. */
    public static final int WSAEINTR = 10004;

    /** Permission denied, or the port is reserved or used by somebody exclusively. */
    public static final int WSAEACCES = 10013;

    /** Invalid argument. */
    public static final int WSAEINVAL = 10022;

    /** No sockets left. */
    public static final int WSAEMFILE = 10024;

    /** Would block. */
    public static final int WSAEWOULDBLOCK = 10035;

    /** Not a socket. */
    public static final int WSAENOTSOCK = 10038;

    /** Message too long. */
    public static final int WSAEMSGSIZE = 10040;

    /** Option not supported. */
    public static final int WSAENOPROTOOPT = 10042;

    /** Operation not supported. */
    public static final int WSAEOPNOTSUPP = 10045;

    /** Address family not supported. */
    public static final int WSAEAFNOSUPPORT = 10047;

    /** Address already in use. */
    public static final int WSAEADDRINUSE = 10048;

    /** Address not available here. */
    public static final int WSAEADDRNOTAVAIL = 10049;

    /** Network is down. */
    public static final int WSAENETDOWN = 10050;

    /** Network is unreachable. */
    public static final int WSAENETUNREACH = 10051;

    /** The time to live of a datagram was over, or keep-alive failed. */
    public static final int WSAENETRESET = 10052;

    /** Connection aborted on this side. */
    public static final int WSAECONNABORTED = 10053;

    /** Connection reset by the peer. */
    public static final int WSAECONNRESET = 10054;

    /** No buffer space left. */
    public static final int WSAENOBUFS = 10055;

    /** Connected already. */
    public static final int WSAEISCONN = 10056;

    /** Not connected. */
    public static final int WSAENOTCONN = 10057;

    /** This side was shut down. */
    public static final int WSAESHUTDOWN = 10058;

    /** The peer did not answer. */
    public static final int WSAETIMEDOUT = 10060;

    /** Connection refused. */
    public static final int WSAECONNREFUSED = 10061;

    /** Host is down. */
    public static final int WSAEHOSTDOWN = 10064;

    /** No route to host. */
    public static final int WSAEHOSTUNREACH = 10065;

    private record Meaning(String name, String text) {}

    private static final Map<Integer, Meaning> MEANINGS =
            Map.ofEntries(
                    meaning(ERROR_ACCESS_DENIED, "ERROR_ACCESS_DENIED", "access denied"),
                    meaning(ERROR_INVALID_HANDLE, "ERROR_INVALID_HANDLE", "not an open handle"),
                    meaning(
                            ERROR_NOT_ENOUGH_MEMORY,
                            "ERROR_NOT_ENOUGH_MEMORY",
                            "the system is out of memory"),
                    meaning(
                            ERROR_NETNAME_DELETED,
                            "ERROR_NETNAME_DELETED",
                            "connection reset by the peer"),
                    meaning(WAIT_TIMEOUT, "WAIT_TIMEOUT", "the time is over"),
                    meaning(ERROR_ABANDONED_WAIT_0, "ERROR_ABANDONED_WAIT_0", "the port is closed"),
                    meaning(
                            WSA_OPERATION_ABORTED,
                            "WSA_OPERATION_ABORTED",
                            "the operation was cancelled"),
                    meaning(WSA_IO_PENDING, "WSA_IO_PENDING", "in progress"),
                    meaning(ERROR_NOT_FOUND, "ERROR_NOT_FOUND", "nothing to cancel"),
                    meaning(
                            ERROR_NO_SYSTEM_RESOURCES,
                            "ERROR_NO_SYSTEM_RESOURCES",
                            "the system has no resources left"),
                    meaning(WSAEINTR, "WSAEINTR", "interrupted"),
                    meaning(
                            WSAEACCES,
                            "WSAEACCES",
                            "permission denied, or the port is reserved or in exclusive use"),
                    meaning(WSAEINVAL, "WSAEINVAL", "invalid argument"),
                    meaning(WSAEMFILE, "WSAEMFILE", "no sockets left"),
                    meaning(WSAEWOULDBLOCK, "WSAEWOULDBLOCK", "would block"),
                    meaning(WSAENOTSOCK, "WSAENOTSOCK", "not a socket"),
                    meaning(WSAEMSGSIZE, "WSAEMSGSIZE", "message too long"),
                    meaning(WSAENOPROTOOPT, "WSAENOPROTOOPT", "option not supported"),
                    meaning(WSAEOPNOTSUPP, "WSAEOPNOTSUPP", "operation not supported"),
                    meaning(WSAEAFNOSUPPORT, "WSAEAFNOSUPPORT", "address family not supported"),
                    meaning(WSAEADDRINUSE, "WSAEADDRINUSE", "address already in use"),
                    meaning(
                            WSAEADDRNOTAVAIL,
                            "WSAEADDRNOTAVAIL",
                            "address not available here, or no free port left"),
                    meaning(WSAENETDOWN, "WSAENETDOWN", "network is down"),
                    meaning(WSAENETUNREACH, "WSAENETUNREACH", "network is unreachable"),
                    meaning(
                            WSAENETRESET,
                            "WSAENETRESET",
                            "the connection is dead, or a datagram came too far"),
                    meaning(WSAECONNABORTED, "WSAECONNABORTED", "connection aborted"),
                    meaning(WSAECONNRESET, "WSAECONNRESET", "connection reset by the peer"),
                    meaning(WSAENOBUFS, "WSAENOBUFS", "no buffer space left"),
                    meaning(WSAEISCONN, "WSAEISCONN", "connected already"),
                    meaning(WSAENOTCONN, "WSAENOTCONN", "not connected"),
                    meaning(WSAESHUTDOWN, "WSAESHUTDOWN", "this side was shut down"),
                    meaning(WSAETIMEDOUT, "WSAETIMEDOUT", "the peer did not answer"),
                    meaning(WSAECONNREFUSED, "WSAECONNREFUSED", "connection refused"),
                    meaning(WSAEHOSTDOWN, "WSAEHOSTDOWN", "host is down"),
                    meaning(WSAEHOSTUNREACH, "WSAEHOSTUNREACH", "no route to host"));

    private WindowsError() {}

    private static Map.Entry<Integer, Meaning> meaning(int error, String name, String text) {
        return Map.entry(error, new Meaning(name, text));
    }

    /**
     * The name of an error number.
     *
     * @param error a positive error number
     * @return for example {@code WSAECONNRESET}, or {@code error 123} for one that is not known
     */
    public static String name(int error) {
        Meaning meaning = MEANINGS.get(error);
        return meaning == null ? "error " + error : meaning.name;
    }

    /**
     * Whether the system had no sockets or no memory for it, so that it may go well later.
     *
     * @param error a positive error number
     * @return whether trying again later makes sense
     */
    public static boolean isWantOfMeans(int error) {
        return switch (error) {
            case WSAEMFILE, WSAENOBUFS, ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES -> true;
            default -> false;
        };
    }

    /**
     * The exception for a call that failed.
     *
     * @param operation what was tried, for example {@code connect}
     * @param target the address or socket it was tried on, or null
     * @param error why it failed
     * @return an exception of the type that {@code java.net} gives to this failure
     */
    public static IOException exception(String operation, @Nullable Object target, int error) {
        Meaning meaning = MEANINGS.get(error);
        String message =
                operation
                        + (target == null ? "" : " " + target)
                        + " failed: "
                        + (meaning == null
                                ? "error " + error
                                : meaning.name + " (" + error + "), " + meaning.text);
        boolean connects = operation.startsWith("connect");
        return switch (error) {
            case WSAECONNREFUSED ->
                    connects
                            ? new ConnectException(message)
                            : new PortUnreachableException(message);
            case WSAEHOSTUNREACH, WSAEHOSTDOWN, WSAENETUNREACH ->
                    new NoRouteToHostException(message);
            case WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEACCES ->
                    operation.startsWith("bind") || operation.startsWith("listen")
                            ? new BindException(message)
                            : new ConnectException(message);
            case WSAETIMEDOUT ->
                    connects ? new ConnectException(message) : new SocketException(message);
            default -> new SocketException(message);
        };
    }
}
