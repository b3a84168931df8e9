package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.Set;

/**
 * A connection. For waiting see {@link EpollSocket}.
 *
 * <p>{@code drainedAt} is the reader's own, {@code fullAt} the writer's: the count of events at
 * which the socket was known to hold nothing, or to take nothing. While the count is the same the
 * system call is left out, unless the caller does not want to wait and epoll does not watch the
 * socket yet: then nobody counts. They pass from one reader to the next through the atomic word of
 * {@link Holds}.
 */
final class EpollStream extends EpollSocket implements IoStream {
    private final InetSocketAddress remote;
    private long drainedAt = -1;
    private long fullAt = -1;
    private volatile boolean inputEnded;

    /** Error with which the connection broke; the kernel tells it once, we tell it every time. */
    private volatile int broken;

    EpollStream(EpollDriver driver, int fd, int family, InetSocketAddress remote) {
        super(driver, fd, family);
        this.remote = remote;
    }

    @Override
    public InetSocketAddress remoteAddress() {
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
            for (; ; ) {
                long seen = writeEvents();
                NativeScratch scratch = scratch();
                int length = SocketAddresses.encode(scratch.address(), family, remote);
                int result = libc.connect(scratch, fd, scratch.address(), length);
                switch (-result) {
                    case 0, LinuxErrno.EISCONN -> {
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

    // ---- receiving ----

    @Override
    public int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!holdAlone(READER)) {
            return IoDriver.CLOSED;
        }
        try {
            boolean waited = false;
            long deadline = 0;
            for (; ; ) {
                long seen = readEvents();
                if (inputEnded) {
                    return IoDriver.END_OF_STREAM;
                }
                if (seen != drainedAt || timeoutNanos == 0 && !isWatchedForReading()) {
                    NativeScratch scratch = scratch();
                    MemorySegment io = scratch.io();
                    int wanted = (int) Math.min(length, io.byteSize());
                    int result = received(recv(scratch, io, wanted), wanted, seen);
                    if (result > 0) {
                        MemorySegment.copy(io, JAVA_BYTE, 0, to, offset, result);
                    }
                    if (result != IoDriver.TIMED_OUT) {
                        return result;
                    }
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
                if (!waited) {
                    waited = true;
                    deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
                }
                if (!awaitReadable(seen, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
                if (isClosed()) {
                    return IoDriver.CLOSED;
                }
            }
        } finally {
            releaseAlone(READER);
        }
    }

    @Override
    public int recv(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!holdAlone(READER)) {
            return IoDriver.CLOSED;
        }
        try {
            boolean waited = false;
            long deadline = 0;
            for (; ; ) {
                long seen = readEvents();
                if (inputEnded) {
                    return IoDriver.END_OF_STREAM;
                }
                if (seen != drainedAt || timeoutNanos == 0 && !isWatchedForReading()) {
                    int result = recvNow(to, seen);
                    if (result != IoDriver.TIMED_OUT) {
                        return result;
                    }
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
                if (!waited) {
                    waited = true;
                    deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
                }
                if (!awaitReadable(seen, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
                if (isClosed()) {
                    return IoDriver.CLOSED;
                }
            }
        } finally {
            releaseAlone(READER);
        }
    }

    private int recvNow(ByteBuffer to, long seen) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(to);
        NativeScratch scratch = scratch();
        int result;
        if (to.isDirect()) {
            int wanted = to.remaining();
            result = received(recv(scratch, memory, wanted), wanted, seen);
        } else {
            MemorySegment io = scratch.io();
            int wanted = (int) Math.min(to.remaining(), io.byteSize());
            result = received(recv(scratch, io, wanted), wanted, seen);
            if (result > 0) {
                MemorySegment.copy(io, 0, memory, 0, result);
            }
        }
        if (result > 0) {
            to.position(to.position() + result);
        }
        return result;
    }

    /** What the result of recv means; TIMED_OUT for "nothing there now". */
    private int received(long result, int wanted, long seen) throws IOException {
        if (result > 0) {
            if (result < wanted && shortReadMeansDrained()) {
                drainedAt = seen;
            }
            return (int) result;
        }
        if (result == 0) {
            if (broken != 0 && !isClosed()) {
                throw failure("read from", remote, broken);
            }
            return isClosed() ? IoDriver.CLOSED : IoDriver.END_OF_STREAM;
        }
        int errno = (int) -result;
        if (errno == LinuxErrno.EAGAIN) {
            drainedAt = seen;
            return IoDriver.TIMED_OUT;
        }
        if (isClosed()) {
            return IoDriver.CLOSED;
        }
        broken = errno;
        throw failure("read from", remote, errno);
    }

    @Override
    public int available() throws IOException {
        if (!hold()) {
            return IoDriver.CLOSED;
        }
        try {
            if (inputEnded) {
                return 0;
            }
            NativeScratch scratch = scratch();
            int result = libc.ioctl(scratch, fd, LinuxLibc.FIONREAD, scratch.value());
            if (result < 0 && !isClosed()) {
                throw failure("asking what can be read from", remote, -result);
            }
            return result < 0 ? IoDriver.CLOSED : scratch.value().get(EpollDriver.INT, 0);
        } finally {
            release();
        }
    }

    // ---- sending ----

    @Override
    public int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!holdAlone(WRITER)) {
            return IoDriver.CLOSED;
        }
        try {
            boolean waited = false;
            long deadline = 0;
            for (; ; ) {
                long seen = writeEvents();
                if (seen != fullAt || timeoutNanos == 0 && !isWatchedForWriting()) {
                    NativeScratch scratch = scratch();
                    MemorySegment io = scratch.io();
                    int count = (int) Math.min(length, io.byteSize());
                    MemorySegment.copy(from, offset, io, JAVA_BYTE, 0, count);
                    int result = sent(send(scratch, io, count), count, seen);
                    if (result != IoDriver.TIMED_OUT) {
                        return result;
                    }
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
                if (!waited) {
                    waited = true;
                    deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
                }
                if (!awaitWritable(seen, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
                if (isClosed()) {
                    return IoDriver.CLOSED;
                }
            }
        } finally {
            releaseAlone(WRITER);
        }
    }

    @Override
    public int send(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!holdAlone(WRITER)) {
            return IoDriver.CLOSED;
        }
        try {
            boolean waited = false;
            long deadline = 0;
            for (; ; ) {
                long seen = writeEvents();
                if (seen != fullAt || timeoutNanos == 0 && !isWatchedForWriting()) {
                    int result = sendNow(from, seen);
                    if (result != IoDriver.TIMED_OUT) {
                        return result;
                    }
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
                if (!waited) {
                    waited = true;
                    deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
                }
                if (!awaitWritable(seen, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
                if (isClosed()) {
                    return IoDriver.CLOSED;
                }
            }
        } finally {
            releaseAlone(WRITER);
        }
    }

    private int sendNow(ByteBuffer from, long seen) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(from);
        NativeScratch scratch = scratch();
        int count = from.remaining();
        if (!from.isDirect()) {
            MemorySegment io = scratch.io();
            count = (int) Math.min(count, io.byteSize());
            MemorySegment.copy(memory, 0, io, 0, count);
            memory = io;
        }
        int result = sent(send(scratch, memory, count), count, seen);
        if (result > 0) {
            from.position(from.position() + result);
        }
        return result;
    }

    /** What the result of send means; TIMED_OUT for "no room now". */
    private int sent(long result, int count, long seen) throws IOException {
        if (result >= 0) {
            if (result < count) {
                fullAt = seen;
            }
            return (int) result;
        }
        int errno = (int) -result;
        if (errno == LinuxErrno.EAGAIN) {
            fullAt = seen;
            return IoDriver.TIMED_OUT;
        }
        if (isClosed()) {
            return IoDriver.CLOSED;
        }
        if (errno != LinuxErrno.EPIPE) {
            broken = errno;
        }
        throw failure("write to", remote, errno);
    }

    // ---- ending ----

    @Override
    public boolean shutdownInput() throws IOException {
        inputEnded = true;
        return shutdown(LinuxLibc.SHUT_RD, "shutting down input from");
    }

    @Override
    public boolean shutdownOutput() throws IOException {
        return shutdown(LinuxLibc.SHUT_WR, "shutting down output to");
    }

    private boolean shutdown(int how, String operation) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            NativeScratch scratch = scratch();
            int result = libc.shutdown(scratch, fd, how);
            // the peer may have reset the connection, and then there is nothing left to end
            if (result < 0 && result != -LinuxErrno.ENOTCONN && !isClosed()) {
                throw failure(operation, remote, -result);
            }
            if (how == LinuxLibc.SHUT_RD) {
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
                scratch.value().set(EpollDriver.INT, 0, 1);
                scratch.value().set(EpollDriver.INT, Integer.BYTES, 0);
                // fails only for a connection that is broken already
                int unused =
                        libc.setsockopt(
                                scratch,
                                fd,
                                LinuxLibc.SOL_SOCKET,
                                LinuxLibc.SO_LINGER,
                                scratch.value(),
                                2 * Integer.BYTES);
            } finally {
                release();
            }
        }
        close();
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return LinuxSocketOption.OF_STREAM;
    }

    @Override
    public String toString() {
        return "connection to " + remote + " (fd " + fd + ")";
    }
}
