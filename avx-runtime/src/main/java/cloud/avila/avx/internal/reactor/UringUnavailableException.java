package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;

import java.io.IOException;

/** The system does not let this process have an io_uring that is good for sockets. */
final class UringUnavailableException extends IOException {
    private static final long serialVersionUID = 1;

    UringUnavailableException(String call, int errno) {
        super("io_uring unavailable: " + LinuxErrno.name(errno) + " from " + call + cause(errno));
    }

    UringUnavailableException(int features) {
        super(
                "io_uring unavailable: the kernel has not what it takes (features 0x"
                        + Integer.toHexString(features)
                        + "); Linux 5.19 has");
    }

    private static String cause(int errno) {
        return switch (errno) {
            case LinuxErrno.EPERM, LinuxErrno.EACCES ->
                    " (a seccomp filter, as container runtimes set, or kernel.io_uring_disabled)";
            case LinuxErrno.ENOSYS -> " (the kernel is built without it, or a seccomp filter)";
            case LinuxErrno.EINVAL -> " (the kernel is older than 5.19)";
            case LinuxErrno.ENOMEM -> " (raise the limit of locked memory, ulimit -l)";
            default -> "";
        };
    }
}
