package cloud.avila.avx.internal.sys;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.SocketException;
import java.util.Map;

/**
 * Error numbers of Linux, from {@code asm-generic/errno-base.h} and {@code asm-generic/errno.h},
 * which x86-64 and aarch64 share.
 */
public final class LinuxErrno {
    /** Not permitted, perhaps by a firewall rule. */
    public static final int EPERM = 1;

    /** No such file or directory. */
    public static final int ENOENT = 2;

    /** Interrupted by a signal. */
    public static final int EINTR = 4;

    /** Input or output error. */
    public static final int EIO = 5;

    /** Not an open descriptor. */
    public static final int EBADF = 9;

    /** Would block. */
    public static final int EAGAIN = 11;

    /** The system is out of memory. */
    public static final int ENOMEM = 12;

    /** Permission denied; ports below 1024 need privileges. */
    public static final int EACCES = 13;

    /** Not now: somebody else uses it. */
    public static final int EBUSY = 16;

    /** Not a directory. */
    public static final int ENOTDIR = 20;

    /** Is a directory. */
    public static final int EISDIR = 21;

    /** Exists already. */
    public static final int EEXIST = 17;

    /** Invalid argument. */
    public static final int EINVAL = 22;

    /** The system has no descriptor left. */
    public static final int ENFILE = 23;

    /** The process has no descriptor left; raise its limit (ulimit -n). */
    public static final int EMFILE = 24;

    /** This side was shut down or the peer has closed. */
    public static final int EPIPE = 32;

    /** The kernel does not have this call. */
    public static final int ENOSYS = 38;

    /** The time is over. */
    public static final int ETIME = 62;

    /** No network. */
    public static final int ENONET = 64;

    /** Protocol error. */
    public static final int EPROTO = 71;

    /** Not a socket. */
    public static final int ENOTSOCK = 88;

    /** Message too long. */
    public static final int EMSGSIZE = 90;

    /** Option not supported. */
    public static final int ENOPROTOOPT = 92;

    /** Operation not supported. */
    public static final int EOPNOTSUPP = 95;

    /** Address family not supported. */
    public static final int EAFNOSUPPORT = 97;

    /** Address already in use. */
    public static final int EADDRINUSE = 98;

    /** Address not available here, or no free port left. */
    public static final int EADDRNOTAVAIL = 99;

    /** Network is down. */
    public static final int ENETDOWN = 100;

    /** Network is unreachable. */
    public static final int ENETUNREACH = 101;

    /** Connection aborted. */
    public static final int ECONNABORTED = 103;

    /** Connection reset by the peer. */
    public static final int ECONNRESET = 104;

    /** No buffer space left. */
    public static final int ENOBUFS = 105;

    /** Connected already. */
    public static final int EISCONN = 106;

    /** Not connected. */
    public static final int ENOTCONN = 107;

    /** The peer did not answer. */
    public static final int ETIMEDOUT = 110;

    /** Connection refused. */
    public static final int ECONNREFUSED = 111;

    /** Host is down. */
    public static final int EHOSTDOWN = 112;

    /** No route to host. */
    public static final int EHOSTUNREACH = 113;

    /** Already in progress. */
    public static final int EALREADY = 114;

    /** In progress. */
    public static final int EINPROGRESS = 115;

    /** Cancelled. */
    public static final int ECANCELED = 125;

    private record Meaning(String name, String text) {}

    private static final Map<Integer, Meaning> MEANINGS =
            Map.ofEntries(
                    meaning(EPERM, "EPERM", "not permitted, perhaps by a firewall rule"),
                    meaning(ENOENT, "ENOENT", "no such file or directory"),
                    meaning(EIO, "EIO", "input or output error"),
                    meaning(ENOTDIR, "ENOTDIR", "not a directory"),
                    meaning(EISDIR, "EISDIR", "is a directory"),
                    meaning(EINTR, "EINTR", "interrupted by a signal"),
                    meaning(EBADF, "EBADF", "not an open descriptor"),
                    meaning(EAGAIN, "EAGAIN", "would block"),
                    meaning(ENOMEM, "ENOMEM", "the system is out of memory"),
                    meaning(
                            EACCES,
                            "EACCES",
                            "permission denied; ports below 1024 need privileges"),
                    meaning(EEXIST, "EEXIST", "exists already"),
                    meaning(EINVAL, "EINVAL", "invalid argument"),
                    meaning(ENFILE, "ENFILE", "the system has no descriptor left"),
                    meaning(
                            EMFILE,
                            "EMFILE",
                            "the process has no descriptor left; raise its limit (ulimit -n)"),
                    meaning(EPIPE, "EPIPE", "this side was shut down or the peer has closed"),
                    meaning(ENOSYS, "ENOSYS", "the kernel does not have this call"),
                    meaning(ENONET, "ENONET", "no network"),
                    meaning(EPROTO, "EPROTO", "protocol error"),
                    meaning(ENOTSOCK, "ENOTSOCK", "not a socket"),
                    meaning(EMSGSIZE, "EMSGSIZE", "message too long"),
                    meaning(ENOPROTOOPT, "ENOPROTOOPT", "option not supported"),
                    meaning(EOPNOTSUPP, "EOPNOTSUPP", "operation not supported"),
                    meaning(EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported"),
                    meaning(EADDRINUSE, "EADDRINUSE", "address already in use"),
                    meaning(
                            EADDRNOTAVAIL,
                            "EADDRNOTAVAIL",
                            "address not available here, or no free port left"),
                    meaning(ENETDOWN, "ENETDOWN", "network is down"),
                    meaning(ENETUNREACH, "ENETUNREACH", "network is unreachable"),
                    meaning(ECONNABORTED, "ECONNABORTED", "connection aborted"),
                    meaning(ECONNRESET, "ECONNRESET", "connection reset by the peer"),
                    meaning(ENOBUFS, "ENOBUFS", "no buffer space left"),
                    meaning(EISCONN, "EISCONN", "connected already"),
                    meaning(ENOTCONN, "ENOTCONN", "not connected"),
                    meaning(ETIMEDOUT, "ETIMEDOUT", "the peer did not answer"),
                    meaning(ECONNREFUSED, "ECONNREFUSED", "connection refused"),
                    meaning(EHOSTDOWN, "EHOSTDOWN", "host is down"),
                    meaning(EHOSTUNREACH, "EHOSTUNREACH", "no route to host"),
                    meaning(EALREADY, "EALREADY", "already in progress"),
                    meaning(EINPROGRESS, "EINPROGRESS", "in progress"));

    private LinuxErrno() {}

    private static Map.Entry<Integer, Meaning> meaning(int errno, String name, String text) {
        return Map.entry(errno, new Meaning(name, text));
    }

    /**
     * The name of an error number.
     *
     * @param errno a positive error number
     * @return for example {@code ECONNRESET}, or {@code errno 123} for one that sockets do not give
     */
    public static String name(int errno) {
        Meaning meaning = MEANINGS.get(errno);
        return meaning == null ? "errno " + errno : meaning.name;
    }

    /**
     * The exception for a call that failed.
     *
     * @param operation what was tried, for example {@code connect}
     * @param target the address or socket it was tried on, or null
     * @param errno why it failed
     * @return an exception of the type that {@code java.net} gives to this failure
     */
    public static IOException exception(String operation, @Nullable Object target, int errno) {
        return exception(operation, target, errno, errno);
    }

    /** The same for a system that has another number for it, which its users know. */
    static IOException exception(
            String operation, @Nullable Object target, int errno, int systemNumber) {
        Meaning meaning = MEANINGS.get(errno);
        String message =
                operation
                        + (target == null ? "" : " " + target)
                        + " failed: "
                        + (meaning == null
                                ? "errno " + systemNumber
                                : meaning.name + " (" + systemNumber + "), " + meaning.text);
        return switch (errno) {
            case ECONNREFUSED ->
                    operation.startsWith("connect")
                            ? new ConnectException(message)
                            : new PortUnreachableException(message);
            case EHOSTUNREACH, EHOSTDOWN, ENETUNREACH -> new NoRouteToHostException(message);
            case EADDRINUSE, EADDRNOTAVAIL, EACCES ->
                    operation.startsWith("bind") || operation.startsWith("listen")
                            ? new BindException(message)
                            : new ConnectException(message);
            case ETIMEDOUT ->
                    operation.startsWith("connect")
                            ? new ConnectException(message)
                            : new SocketException(message);
            default -> new SocketException(message);
        };
    }
}
