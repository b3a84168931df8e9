package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketKind;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * A byte stream: a connection, or a descriptor of somebody else. For waiting see {@link
 * ReadinessSocket}.
 *
 * <p>{@code drainedAt} is the reader's own, {@code fullAt} the writer's: the count of events at
 * which the socket was known to hold nothing, or to take nothing. While the count is the same the
 * system call is left out, unless the caller does not want to wait and the system does not watch
 * the socket yet: then nobody counts. They pass from one reader to the next through the atomic word
 * of {@link Holds}.
 */
abstract class ReadinessChannel extends ReadinessSocket {
    private long drainedAt = -1;
    private long fullAt = -1;

    /** Receiving was ended on this side. */
    volatile boolean inputEnded;

    /** Error with which the connection broke; the kernel tells it once, we tell it every time. */
    private volatile int broken;

    ReadinessChannel(ReadinessDriver driver, int fd, int family, SocketKind kind) {
        super(driver, fd, family, kind);
    }

    /** What is at the other end, for messages. */
    abstract Object peer();

    /** Notes that sending found no room. */
    final void full(long seen) {
        fullAt = seen;
    }

    // ---- receiving ----

    /**
     * Tries once to receive or send; TIMED_OUT for "not now". Only an array uses the range. Each
     * operation passes a constant, so the compiler inlines it with the loop.
     */
    interface Attempt<B> {
        int now(ReadinessChannel stream, B buffer, int offset, int length, long seen)
                throws IOException;
    }

    public final int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return receive(ReadinessChannel::recvNow, to, offset, length, timeoutNanos);
    }

    public final int recv(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        return receive((s, b, _, _, seen) -> s.recvNow(b, seen), to, 0, 0, timeoutNanos);
    }

    public final int recv(ByteBuffer[] to, long timeoutNanos)
            throws IOException, InterruptedException {
        return receive((s, b, _, _, seen) -> s.scatterNow(b, seen), to, 0, 0, timeoutNanos);
    }

    public final int peek(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        return receive((s, b, _, _, seen) -> s.peekNow(b, seen), to, 0, 0, timeoutNanos);
    }

    public final int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        return receive((s, _, _, _, _) -> s.isReady(READABLE), this, 0, 0, timeoutNanos);
    }

    final <B> int receive(Attempt<B> attempt, B to, int offset, int length, long timeoutNanos)
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
                    int result = attempt.now(this, to, offset, length, seen);
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

    private int recvNow(byte[] to, int offset, int length, long seen) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        int wanted = (int) Math.min(length, io.byteSize());
        int result = received(recv(scratch, io, wanted, 0), wanted, seen);
        if (result > 0) {
            MemorySegment.copy(io, JAVA_BYTE, 0, to, offset, result);
        }
        return result;
    }

    private int recvNow(ByteBuffer to, long seen) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(to);
        NativeScratch scratch = scratch();
        int result;
        if (to.isDirect()) {
            int wanted = to.remaining();
            result = received(recv(scratch, memory, wanted, 0), wanted, seen);
        } else {
            MemorySegment io = scratch.io();
            int wanted = (int) Math.min(to.remaining(), io.byteSize());
            result = received(recv(scratch, io, wanted, 0), wanted, seen);
            if (result > 0) {
                MemorySegment.copy(io, 0, memory, 0, result);
            }
        }
        if (result > 0) {
            to.position(to.position() + result);
        }
        return result;
    }

    /** Through the scratch: one call and one copy, whatever the buffers are. */
    private int scatterNow(ByteBuffer[] to, long seen) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        int wanted = (int) Math.min(remaining(to), io.byteSize());
        int result = received(recv(scratch, io, wanted, 0), wanted, seen);
        int done = 0;
        for (int i = 0; done < result; i++) {
            int part = Math.min(to[i].remaining(), result - done);
            MemorySegment.copy(io, done, MemorySegment.ofBuffer(to[i]), 0, part);
            to[i].position(to[i].position() + part);
            done += part;
        }
        return result;
    }

    private int peekNow(ByteBuffer to, long seen) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        int wanted = (int) Math.min(to.remaining(), io.byteSize());
        long peeked = recv(scratch, io, wanted, SocketCalls.MSG_PEEK);
        if (peeked > 0) { // what was peeked is still there, so it says nothing of being drained
            MemorySegment.copy(io, 0, MemorySegment.ofBuffer(to), 0, peeked);
            to.position(to.position() + (int) peeked);
            return (int) peeked;
        }
        return received(peeked, wanted, seen);
    }

    private static long remaining(ByteBuffer[] buffers) {
        long sum = 0;
        for (ByteBuffer buffer : buffers) {
            sum += buffer.remaining();
        }
        return sum;
    }

    /** What the result of recv means; TIMED_OUT for "nothing there now". */
    final int received(long result, int wanted, long seen) throws IOException {
        if (result > 0) {
            if (result < wanted && shortReadMeansDrained()) {
                drainedAt = seen;
            }
            counts.received(result);
            return (int) result;
        }
        if (result == 0) {
            if (broken != 0 && !isClosed()) {
                throw failure("read from", peer(), broken);
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
        breaks(errno);
        throw failure("read from", peer(), errno);
    }

    /** Keeps the error for whoever finds the end, unless the connection lives on after it. */
    private void breaks(int errno) {
        if (errno != LinuxErrno.ENOMEM && errno != LinuxErrno.ENOBUFS) {
            broken = errno;
        }
    }

    // ---- sending ----

    public final int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return transmit(ReadinessChannel::sendNow, from, offset, length, timeoutNanos);
    }

    public final int send(ByteBuffer from, long timeoutNanos)
            throws IOException, InterruptedException {
        return transmit((s, b, _, _, seen) -> s.sendNow(b, seen), from, 0, 0, timeoutNanos);
    }

    public final int send(ByteBuffer[] from, long timeoutNanos)
            throws IOException, InterruptedException {
        return transmit((s, b, _, _, seen) -> s.gatherNow(b, seen), from, 0, 0, timeoutNanos);
    }

    public final int awaitWritable(long timeoutNanos) throws IOException, InterruptedException {
        return transmit((s, _, _, _, _) -> s.isReady(WRITABLE), this, 0, 0, timeoutNanos);
    }

    final <B> int transmit(Attempt<B> attempt, B from, int offset, int length, long timeoutNanos)
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
                    int result = attempt.now(this, from, offset, length, seen);
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

    private int sendNow(byte[] from, int offset, int length, long seen) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        int count = (int) Math.min(length, io.byteSize());
        MemorySegment.copy(from, offset, io, JAVA_BYTE, 0, count);
        return sent(send(scratch, io, count), count, seen);
    }

    /** Through the scratch: one copy and one call, whatever the buffers are. */
    private int gatherNow(ByteBuffer[] from, long seen) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        int count = 0;
        for (int i = 0; i < from.length && count < io.byteSize(); i++) {
            int part = (int) Math.min(from[i].remaining(), io.byteSize() - count);
            MemorySegment.copy(MemorySegment.ofBuffer(from[i]), 0, io, count, part);
            count += part;
        }
        int result = sent(send(scratch, io, count), count, seen);
        int left = result;
        for (int i = 0; left > 0; i++) {
            int part = Math.min(from[i].remaining(), left);
            from[i].position(from[i].position() + part);
            left -= part;
        }
        return result;
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
    final int sent(long result, int count, long seen) throws IOException {
        if (result >= 0) {
            if (result < count) {
                fullAt = seen;
            }
            counts.sent(result);
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
            breaks(errno);
        }
        throw failure("write to", peer(), errno);
    }
}
