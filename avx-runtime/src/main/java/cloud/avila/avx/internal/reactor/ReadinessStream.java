package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeOption;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketKind;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;

/** A connection. For waiting see {@link ReadinessSocket}. */
class ReadinessStream extends ReadinessChannel implements IoStream {
    /** Result of sending a file: the system does not do it with this one. */
    private static final int COPY = -10;

    private final InetSocketAddress remote;

    ReadinessStream(ReadinessDriver driver, int fd, int family, InetSocketAddress remote) {
        super(
                driver,
                fd,
                family,
                family == SocketCalls.AF_UNIX ? SocketKind.UNIX_STREAM : SocketKind.TCP_STREAM);
        this.remote = remote;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }

    @Override
    Object peer() {
        return remote;
    }

    // ---- connecting ----

    /** Connects a new socket; false if the time is over. */
    boolean connect(long timeoutNanos) throws IOException, InterruptedException {
        if (!holdAlone(WRITER)) {
            return false;
        }
        try {
            boolean limited = timeoutNanos > 0;
            long deadline = limited ? deadline(timeoutNanos) : 0;
            for (boolean begun = false; ; begun = true) {
                long seen = writeEvents();
                NativeScratch scratch = scratch();
                MemorySegment address = scratch.address();
                int length = calls.encode(address, family, remote);
                int result =
                        begun
                                ? calls.connected(scratch, fd, address, length)
                                : calls.connect(scratch, fd, address, length);
                switch (-result) {
                    case 0 -> {
                        return true;
                    }
                    case LinuxErrno.EINPROGRESS, LinuxErrno.EALREADY, LinuxErrno.EINTR -> {
                        if (timeoutNanos == 0 || !awaitWritable(seen, deadline, limited)) {
                            return false;
                        }
                        if (isClosed()) {
                            throw failure("connect to", remote, LinuxErrno.ECONNABORTED);
                        }
                    }
                    default -> throw failure("connect to", remote, -result);
                }
            }
        } finally {
            releaseAlone(WRITER);
        }
    }

    // ---- files ----

    /** A part of a file on its way. */
    private record Part(ReadinessFile file, long position, long count) {}

    @Override
    public int send(IoFile file, long position, long count, long timeoutNanos)
            throws IOException, InterruptedException {
        if (!(file instanceof ReadinessFile own)) {
            return IoStream.super.send(file, position, count, timeoutNanos);
        }
        if (!own.hold()) {
            throw own.closed();
        }
        try {
            int result =
                    transmit(
                            (stream, part, _, _, seen) ->
                                    ((ReadinessStream) stream).sendFileNow(part, seen),
                            new Part(own, position, count),
                            0,
                            0,
                            timeoutNanos);
            return result == COPY
                    ? IoStream.super.send(file, position, count, timeoutNanos)
                    : result;
        } finally {
            own.release();
        }
    }

    private int sendFileNow(Part part, long seen) throws IOException {
        NativeScratch scratch = scratch();
        long result;
        do {
            result = calls.sendFile(scratch, fd, part.file.fd, part.position, part.count);
        } while (result == -LinuxErrno.EINTR);
        if (result > 0) {
            counts.sent(result);
            // fewer than asked for may be because the file ends, so it does not mean full
            return (int) result;
        }
        if (result == 0) {
            return IoDriver.END_OF_STREAM;
        }
        int errno = (int) -result;
        if (errno == LinuxErrno.EINVAL || errno == LinuxErrno.ENOSYS) {
            return COPY; // some file systems and special files do not take part
        }
        return sent(result, 1, seen);
    }

    // ---- ending ----

    @Override
    public int available() throws IOException {
        if (!hold()) {
            return IoDriver.CLOSED;
        }
        try {
            if (inputEnded) {
                return 0;
            }
            int result = calls.available(scratch(), fd);
            if (result < 0 && !isClosed()) {
                throw failure("asking what can be read from", peer(), -result);
            }
            return result < 0 ? IoDriver.CLOSED : result;
        } finally {
            release();
        }
    }

    @Override
    public boolean shutdownInput() throws IOException {
        inputEnded = true;
        return shutdown(SocketCalls.SHUT_RD, "shutting down input from");
    }

    @Override
    public boolean shutdownOutput() throws IOException {
        return shutdown(SocketCalls.SHUT_WR, "shutting down output to");
    }

    private boolean shutdown(int how, String operation) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            NativeScratch scratch = scratch();
            int result = calls.shutdown(scratch, fd, how);
            // the peer may have reset the connection, and then there is nothing left to end
            if (result < 0 && result != -LinuxErrno.ENOTCONN && !isClosed()) {
                throw failure(operation, peer(), -result);
            }
            if (how == SocketCalls.SHUT_RD) {
                wakeReader();
            }
            return true;
        } finally {
            release();
        }
    }

    @Override
    public void closeAbortively() {
        if (hold()) {
            try {
                NativeScratch scratch = scratch();
                scratch.value().set(INT, 0, 1);
                scratch.value().set(INT, Integer.BYTES, 0);
                // fails only for a connection that is broken already
                int unused =
                        calls.setsockopt(
                                scratch,
                                fd,
                                NativeOption.SO_LINGER,
                                scratch.value(),
                                2 * Integer.BYTES);
            } finally {
                release();
            }
        }
        close();
    }

    @Override
    int optionUse() {
        return StandardOption.STREAM;
    }

    @Override
    public String toString() {
        return "connection to " + peer() + " (fd " + fd + ")";
    }
}
