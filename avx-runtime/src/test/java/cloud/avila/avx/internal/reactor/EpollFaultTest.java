package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.LinuxErrno.EACCES;
import static cloud.avila.avx.internal.sys.LinuxErrno.EADDRINUSE;
import static cloud.avila.avx.internal.sys.LinuxErrno.EADDRNOTAVAIL;
import static cloud.avila.avx.internal.sys.LinuxErrno.EAGAIN;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNABORTED;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNREFUSED;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNRESET;
import static cloud.avila.avx.internal.sys.LinuxErrno.EHOSTUNREACH;
import static cloud.avila.avx.internal.sys.LinuxErrno.EINTR;
import static cloud.avila.avx.internal.sys.LinuxErrno.EMFILE;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENETDOWN;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENETUNREACH;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENFILE;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENOBUFS;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENOMEM;
import static cloud.avila.avx.internal.sys.LinuxErrno.EPERM;
import static cloud.avila.avx.internal.sys.LinuxErrno.EPIPE;
import static cloud.avila.avx.internal.sys.LinuxErrno.EPROTO;
import static cloud.avila.avx.internal.sys.LinuxErrno.ETIMEDOUT;

import cloud.avila.avx.internal.sys.Faults;

import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.util.stream.Stream;

/**
 * What the manual pages say each call may give; {@code write} to an eventfd can only be too full.
 */
@EnabledOnOs(OS.LINUX)
class EpollFaultTest extends ReadinessFaultContract {
    private static final int EIO = 5;
    private static final int EBUSY = 16;
    private static final int ENOSPC = 28;

    @Override
    Faulty system() {
        var libc = new FaultyLibc();
        return new Faulty() {
            @Override
            public Faults faults() {
                return libc.faults();
            }

            @Override
            public IoDriver open() throws IOException {
                return EpollDriver.open(libc);
            }

            @Override
            public void storm(long seed) {
                libc.storm(seed);
            }
        };
    }

    @Override
    Stream<Call> calls() {
        return Stream.of(
                        Call.of(Effect.FAILURE, "epollCreate", EMFILE, ENFILE, ENOMEM),
                        Call.of(Effect.FAILURE, "eventfd", EMFILE, ENFILE, ENOMEM),
                        Call.of(Effect.FAILURE, "epollCtl", ENOMEM, ENOSPC),
                        Call.of(Effect.NONE, "epollWait", EINTR),
                        Call.of(Effect.FAILURE, "socket", EMFILE, ENFILE, ENOMEM, ENOBUFS, EACCES),
                        Call.of(Effect.FAILURE, "bind", EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOMEM),
                        Call.of(Effect.FAILURE, "listen", EADDRINUSE),
                        Call.of(Effect.NONE, "accept4", EINTR, EAGAIN, ECONNABORTED, EPROTO),
                        Call.of(Effect.NONE, "accept4", EPERM, ENETDOWN, EHOSTUNREACH),
                        Call.of(Effect.NONE, "accept4", EMFILE, ENFILE, ENOBUFS, ENOMEM),
                        Call.of(Effect.NONE, "connect", EINTR),
                        Call.of(Effect.FAILURE, "connect", ECONNREFUSED, ETIMEDOUT, ENETUNREACH),
                        Call.of(Effect.FAILURE, "connect", EADDRNOTAVAIL, EPERM, ENOMEM),
                        Call.of(Effect.FAILURE, "getsockname", ENOBUFS),
                        Call.of(Effect.FAILURE, "setsockopt", ENOMEM),
                        Call.of(Effect.ONE_OPERATION, "getsockopt", ENOMEM),
                        Call.of(Effect.ONE_OPERATION, "shutdown", ENOBUFS),
                        Call.of(Effect.NONE, "poll", EINTR),
                        Call.of(Effect.ONE_OPERATION, "poll", ENOMEM),
                        Call.of(Effect.ONE_OPERATION, "ioctl", ENOMEM),
                        Call.of(Effect.NONE, "recv", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "recv", ENOMEM, ENOBUFS),
                        Call.of(Effect.FAILURE, "recv", ECONNRESET, ETIMEDOUT, EHOSTUNREACH),
                        Call.of(Effect.NONE, "send", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "send", ENOMEM, ENOBUFS),
                        Call.of(Effect.FAILURE, "send", ECONNRESET, EPIPE, ETIMEDOUT),
                        Call.of(Effect.NONE, "recvfrom", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "recvfrom", ENOMEM, ECONNREFUSED),
                        Call.of(Effect.NONE, "sendto", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "sendto", ENOMEM, ENOBUFS, EPERM),
                        Call.of(Effect.ONE_OPERATION, "sendto", ECONNREFUSED, ENETUNREACH),
                        Call.of(Effect.NONE, "dup3", EBUSY, EINTR, EMFILE),
                        Call.of(Effect.NONE, "close", EINTR, EIO))
                .flatMap(calls -> calls);
    }
}
