package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.LinuxErrno.EACCES;
import static cloud.avila.avx.internal.sys.LinuxErrno.EADDRINUSE;
import static cloud.avila.avx.internal.sys.LinuxErrno.EADDRNOTAVAIL;
import static cloud.avila.avx.internal.sys.LinuxErrno.EAGAIN;
import static cloud.avila.avx.internal.sys.LinuxErrno.EBADF;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNABORTED;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNREFUSED;
import static cloud.avila.avx.internal.sys.LinuxErrno.ECONNRESET;
import static cloud.avila.avx.internal.sys.LinuxErrno.EINTR;
import static cloud.avila.avx.internal.sys.LinuxErrno.EMFILE;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENETUNREACH;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENFILE;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENOBUFS;
import static cloud.avila.avx.internal.sys.LinuxErrno.ENOMEM;
import static cloud.avila.avx.internal.sys.LinuxErrno.EPIPE;
import static cloud.avila.avx.internal.sys.LinuxErrno.ETIMEDOUT;

import cloud.avila.avx.internal.sys.Faults;
import cloud.avila.avx.internal.sys.KqueueModel;

import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.util.stream.Stream;

/** What the manual pages of macOS say each call may give, made to happen in the model. */
@EnabledOnOs(OS.LINUX)
class KqueueFaultTest extends ReadinessFaultContract {
    private static final int EIO = 5;

    @Override
    Faulty system() {
        var model = new KqueueModel();
        return new Faulty() {
            @Override
            public Faults faults() {
                return model.faults();
            }

            @Override
            public IoDriver open() throws IOException {
                return KqueueDriver.open(model);
            }

            @Override
            public void storm(long seed) {
                model.storm(seed);
            }
        };
    }

    @Override
    Stream<Call> calls() {
        return Stream.of(
                        Call.of(Effect.FAILURE, "kqueue", EMFILE, ENFILE, ENOMEM),
                        Call.of(Effect.FAILURE, "pipe", EMFILE, ENFILE),
                        Call.of(Effect.NONE, "kevent", EINTR),
                        Call.of(Effect.NONE, "keventChange", EINTR),
                        Call.of(Effect.FAILURE, "keventReceipt", ENOMEM),
                        Call.of(Effect.FAILURE, "socket", EMFILE, ENFILE, ENOMEM, ENOBUFS, EACCES),
                        Call.of(Effect.FAILURE, "fcntl", EBADF),
                        Call.of(Effect.FAILURE, "bind", EADDRINUSE, EACCES, EADDRNOTAVAIL),
                        Call.of(Effect.FAILURE, "listen", EADDRINUSE),
                        Call.of(Effect.NONE, "accept", EINTR, EAGAIN, ECONNABORTED),
                        Call.of(Effect.NONE, "accept", EMFILE, ENFILE, ENOMEM),
                        Call.of(Effect.NONE, "connect", EINTR),
                        Call.of(Effect.FAILURE, "connect", ECONNREFUSED, ETIMEDOUT, ENETUNREACH),
                        Call.of(Effect.FAILURE, "connect", EADDRNOTAVAIL, ENOBUFS),
                        Call.of(Effect.FAILURE, "getsockname", ENOBUFS),
                        Call.of(Effect.FAILURE, "setsockopt", ENOMEM),
                        Call.of(Effect.FAILURE, "getsockopt", ENOMEM),
                        Call.of(Effect.NONE, "poll", EINTR),
                        Call.of(Effect.ONE_OPERATION, "poll", ENOMEM, EAGAIN),
                        Call.of(Effect.NONE, "recv", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "recv", ENOMEM, ENOBUFS),
                        Call.of(Effect.FAILURE, "recv", ECONNRESET, ETIMEDOUT),
                        Call.of(Effect.NONE, "send", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "send", ENOMEM, ENOBUFS),
                        Call.of(Effect.FAILURE, "send", ECONNRESET, EPIPE),
                        Call.of(Effect.NONE, "recvmsg", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "recvmsg", ENOMEM, ECONNREFUSED),
                        Call.of(Effect.NONE, "sendto", EINTR, EAGAIN),
                        Call.of(Effect.ONE_OPERATION, "sendto", ENOBUFS, ENETUNREACH),
                        Call.of(Effect.NONE, "dup2", EINTR, EBADF),
                        Call.of(Effect.NONE, "close", EINTR, EIO))
                .flatMap(calls -> calls);
    }
}
