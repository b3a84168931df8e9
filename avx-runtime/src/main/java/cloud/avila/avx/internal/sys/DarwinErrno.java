package cloud.avila.avx.internal.sys;

/**
 * Error numbers of Darwin, sys/errno.h of xnu, and the numbers of {@link LinuxErrno} that mean the
 * same.
 */
public final class DarwinErrno {
    /** Not there; both systems have the number. */
    public static final int ENOENT = 2;

    /** Added to a number that Linux has nothing for, so that it meets none of Linux's. */
    static final int WITHOUT_COUNTERPART = 1 << 16;

    // up to 34 (ERANGE) both systems have the numbers of old Unix, but for EDEADLK
    private static final int SHARED = 34;
    private static final int EDEADLK = 11;
    private static final int LINUX_EDEADLK = 35;

    /** From 35 on, the number of Linux; 0 where it has none. */
    private static final int[] LINUX = {
        LinuxErrno.EAGAIN, // 35 EAGAIN
        LinuxErrno.EINPROGRESS, // 36
        LinuxErrno.EALREADY, // 37
        LinuxErrno.ENOTSOCK, // 38
        89, // 39 EDESTADDRREQ
        LinuxErrno.EMSGSIZE, // 40
        91, // 41 EPROTOTYPE
        LinuxErrno.ENOPROTOOPT, // 42
        93, // 43 EPROTONOSUPPORT
        94, // 44 ESOCKTNOSUPPORT
        LinuxErrno.EOPNOTSUPP, // 45 ENOTSUP
        96, // 46 EPFNOSUPPORT
        LinuxErrno.EAFNOSUPPORT, // 47
        LinuxErrno.EADDRINUSE, // 48
        LinuxErrno.EADDRNOTAVAIL, // 49
        LinuxErrno.ENETDOWN, // 50
        LinuxErrno.ENETUNREACH, // 51
        102, // 52 ENETRESET
        LinuxErrno.ECONNABORTED, // 53
        LinuxErrno.ECONNRESET, // 54
        LinuxErrno.ENOBUFS, // 55
        LinuxErrno.EISCONN, // 56
        LinuxErrno.ENOTCONN, // 57
        108, // 58 ESHUTDOWN
        109, // 59 ETOOMANYREFS
        LinuxErrno.ETIMEDOUT, // 60
        LinuxErrno.ECONNREFUSED, // 61
        40, // 62 ELOOP
        36, // 63 ENAMETOOLONG
        LinuxErrno.EHOSTDOWN, // 64
        LinuxErrno.EHOSTUNREACH, // 65
        39, // 66 ENOTEMPTY
        0, // 67 EPROCLIM
        87, // 68 EUSERS
        122, // 69 EDQUOT
        116, // 70 ESTALE
        66, // 71 EREMOTE
        0, // 72 EBADRPC
        0, // 73 ERPCMISMATCH
        0, // 74 EPROGUNAVAIL
        0, // 75 EPROGMISMATCH
        0, // 76 EPROCUNAVAIL
        37, // 77 ENOLCK
        LinuxErrno.ENOSYS, // 78
        0, // 79 EFTYPE
        0, // 80 EAUTH
        0, // 81 ENEEDAUTH
        0, // 82 EPWROFF
        0, // 83 EDEVERR
        75, // 84 EOVERFLOW
        0, // 85 EBADEXEC
        0, // 86 EBADARCH
        0, // 87 ESHLIBVERS
        0, // 88 EBADMACHO
        125, // 89 ECANCELED
        43, // 90 EIDRM
        42, // 91 ENOMSG
        84, // 92 EILSEQ
        0, // 93 ENOATTR
        74, // 94 EBADMSG
        72, // 95 EMULTIHOP
        61, // 96 ENODATA
        67, // 97 ENOLINK
        63, // 98 ENOSR
        60, // 99 ENOSTR
        LinuxErrno.EPROTO, // 100
        62, // 101 ETIME
        LinuxErrno.EOPNOTSUPP, // 102 EOPNOTSUPP
        0, // 103 ENOPOLICY
        131, // 104 ENOTRECOVERABLE
        130, // 105 EOWNERDEAD
        LinuxErrno.ENOBUFS, // 106 EQFULL: the queue of the network interface is full
    };

    private DarwinErrno() {}

    /**
     * The number of Linux for a number of Darwin.
     *
     * @param errno a positive error number of Darwin
     * @return the number of {@link LinuxErrno} that means the same, or one above all of them
     */
    public static int toLinux(int errno) {
        if (errno <= SHARED) {
            return errno == EDEADLK ? LINUX_EDEADLK : errno;
        }
        int index = errno - SHARED - 1;
        return index < LINUX.length && LINUX[index] != 0
                ? LINUX[index]
                : WITHOUT_COUNTERPART + errno;
    }

    /**
     * The number of Darwin for a number of Linux: the inverse of {@link #toLinux}.
     *
     * @param errno a positive error number of Linux, or what {@link #toLinux} made
     * @return the number of Darwin, the smallest if there are several; the number itself if Darwin
     *     has none
     */
    public static int fromLinux(int errno) {
        if (errno >= WITHOUT_COUNTERPART) {
            return errno - WITHOUT_COUNTERPART;
        }
        if (errno == LINUX_EDEADLK) {
            return EDEADLK;
        }
        for (int i = 0; i < LINUX.length; i++) {
            if (LINUX[i] == errno) {
                return SHARED + 1 + i;
            }
        }
        return errno;
    }
}
