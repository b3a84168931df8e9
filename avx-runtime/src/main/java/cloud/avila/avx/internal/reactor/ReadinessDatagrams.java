package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What datagram sockets of every domain have in common. For waiting see {@link ReadinessSocket};
 * several threads in one direction line up as in {@link ReadinessListener}.
 *
 * @param <A> addresses
 * @param <R> what is told about a datagram that came
 */
abstract class ReadinessDatagrams<A, R> extends ReadinessSocket {
    private static final long FIRST_PAUSE_NANOS = 500_000;
    private static final long LONGEST_PAUSE_NANOS = 20_000_000;

    private final ReentrantLock receiveTurn = new ReentrantLock();
    private final ReentrantLock sendTurn = new ReentrantLock();
    private volatile @Nullable A peer;

    ReadinessDatagrams(ReadinessDriver driver, int fd, int family, SocketKind kind) {
        super(driver, fd, family, kind);
    }

    /** What is told about a datagram, whose sender's address is in the scratch. */
    abstract R received(NativeScratch scratch, int length, int datagramLength);

    /** Writes an address; its length. */
    abstract int encode(MemorySegment to, A address);

    /** The address of this end, for messages. */
    abstract Object address();

    // ---- receiving ----

    /** Tries once to receive; null for "nothing there now", or closed. */
    interface Receiving<S, B, T> {
        @Nullable T now(S socket, B buffers) throws IOException;
    }

    /**
     * Receives one datagram and moves the buffer's position.
     *
     * @param to the buffer that receives; what does not fit is lost
     * @param timeoutNanos longest time to wait
     * @return what came, or null if the time was over or the socket is closed
     */
    public final @Nullable R recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        return receive(ReadinessDatagrams<A, R>::recvNow, this, to, timeoutNanos);
    }

    /** Null if the time is over or the socket closed. */
    final <S, B, T> @Nullable T receive(Receiving<S, B, T> attempt, S self, B to, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!hold()) {
            return null;
        }
        boolean limited = timeoutNanos > 0;
        boolean waited = false;
        boolean hasTurn = false;
        long deadline = 0;
        try {
            while (!isClosed()) {
                long seen = readEvents();
                T received = attempt.now(self, to);
                if (received != null) {
                    return received;
                }
                if (timeoutNanos == 0) {
                    return null;
                }
                if (!waited) {
                    waited = true;
                    deadline = limited ? deadline(timeoutNanos) : 0;
                }
                if (!hasTurn) {
                    if (!awaitTurn(receiveTurn, deadline, limited)) {
                        return null;
                    }
                    hasTurn = true;
                } else if (!awaitReadable(seen, deadline, limited)) {
                    return null;
                }
            }
            return null;
        } finally {
            if (hasTurn) {
                receiveTurn.unlock();
            }
            release();
        }
    }

    /** Null if there is nothing now, or the socket was closed meanwhile. */
    final @Nullable R recvNow(ByteBuffer to) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(to);
        NativeScratch scratch = scratch();
        MemorySegment io = to.isDirect() ? memory : scratch.io();
        long room = Math.min(to.remaining(), io.byteSize());
        scratch.length().set(INT, 0, SocketAddresses.UNIX_BYTES);
        // the result is the length of the datagram even if it did not fit
        long result;
        do {
            result = calls.recvfrom(scratch, fd, io, room, scratch.address(), scratch.length());
        } while (result == -LinuxErrno.EINTR);
        if (nothing(result)) {
            return null;
        }
        int length = (int) Math.min(result, room);
        if (!to.isDirect()) {
            MemorySegment.copy(io, 0, memory, 0, length);
        }
        R received = received(scratch, length, (int) result);
        counts.receivedDatagram(length, (int) result);
        to.position(to.position() + length);
        return received;
    }

    /** Whether the result of receiving means "nothing there now", or closed. */
    final boolean nothing(long result) throws IOException {
        if (result >= 0) {
            return false;
        }
        int errno = (int) -result;
        if (errno == LinuxErrno.EAGAIN || isClosed()) {
            return true;
        }
        throw failure("receive on", address(), errno);
    }

    /**
     * Waits until there is a datagram or an error.
     *
     * @param timeoutNanos longest time to wait
     * @return 0, TIMED_OUT or CLOSED
     */
    public final int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        Boolean ready =
                receive(
                        (self, direction) -> self.isReady(direction) == 0 ? Boolean.TRUE : null,
                        this,
                        READABLE,
                        timeoutNanos);
        if (ready != null) {
            return 0;
        }
        return isClosed() ? IoDriver.CLOSED : IoDriver.TIMED_OUT;
    }

    // ---- sending ----

    /** Tries once to send; negative for "no room now", or closed. */
    interface Sending<S, B> {
        int now(S socket, B datagrams) throws IOException;
    }

    /** A datagram on its way. */
    private record Outgoing<A>(ByteBuffer from, @Nullable A to) {}

    /**
     * Sends one datagram, the whole rest of the buffer, and moves the buffer's position.
     *
     * @param from the datagram
     * @param to where to, or null for the peer it is connected to
     * @param timeoutNanos longest time to wait for room
     * @return the bytes sent, TIMED_OUT or CLOSED
     */
    public final int sendTo(ByteBuffer from, @Nullable A to, long timeoutNanos)
            throws IOException, InterruptedException {
        return transmit(
                ReadinessDatagrams<A, R>::sendNow,
                this,
                new Outgoing<>(from, to),
                to == null || !waitsForReceiver(),
                timeoutNanos);
    }

    /** Whether sending waits for room at the receiver, of which only connected sockets are told. */
    boolean waitsForReceiver() {
        return false;
    }

    final <S, B> int transmit(
            Sending<S, B> attempt, S self, B datagrams, boolean events, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!hold()) {
            return IoDriver.CLOSED;
        }
        boolean limited = timeoutNanos > 0;
        boolean waited = false;
        boolean hasTurn = false;
        long deadline = 0;
        long pause = FIRST_PAUSE_NANOS;
        try {
            while (!isClosed()) {
                long seen = writeEvents();
                int result = attempt.now(self, datagrams);
                if (result >= 0) {
                    return result;
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
                if (!waited) {
                    waited = true;
                    deadline = limited ? deadline(timeoutNanos) : 0;
                }
                if (!hasTurn) {
                    if (!awaitTurn(sendTurn, deadline, limited)) {
                        return IoDriver.TIMED_OUT;
                    }
                    hasTurn = true;
                } else if (!events) {
                    long now = System.nanoTime();
                    if (limited && deadline - now <= 0) {
                        return IoDriver.TIMED_OUT;
                    }
                    pauseWriter(limited && deadline - now < pause ? deadline : now + pause);
                    pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
                } else if (!awaitWritable(seen, deadline, limited)) {
                    return IoDriver.TIMED_OUT;
                }
            }
            return IoDriver.CLOSED;
        } finally {
            if (hasTurn) {
                sendTurn.unlock();
            }
            release();
        }
    }

    /** Negative if there is no room now, or the socket was closed meanwhile. */
    private int sendNow(Outgoing<A> datagram) throws IOException {
        ByteBuffer from = datagram.from;
        A to = datagram.to;
        MemorySegment memory = MemorySegment.ofBuffer(from);
        NativeScratch scratch = scratch();
        int count = from.remaining();
        if (!from.isDirect()) {
            MemorySegment io = scratch.io();
            if (count > io.byteSize()) {
                throw notSent(count, to, LinuxErrno.EMSGSIZE);
            }
            MemorySegment.copy(memory, 0, io, 0, count);
            memory = io;
        }
        long result;
        if (to == null) {
            result = send(scratch, memory, count);
        } else {
            int length = encode(scratch.address(), to);
            do {
                result = calls.sendto(scratch, fd, memory, count, scratch.address(), length);
            } while (result == -LinuxErrno.EINTR);
        }
        if (result >= 0) {
            counts.sentDatagrams(1, result);
            from.position(from.position() + (int) result);
            return (int) result;
        }
        return noRoom(result, count, to);
    }

    /** TIMED_OUT if the result of sending means "no room now", or closed. */
    final int noRoom(long result, int count, @Nullable A to) throws IOException {
        int errno = (int) -result;
        if (errno == LinuxErrno.EAGAIN || isClosed()) {
            return IoDriver.TIMED_OUT;
        }
        throw notSent(count, to, errno);
    }

    private IOException notSent(int count, @Nullable A to, int errno) {
        return failure("send " + count + " bytes to", to == null ? peer : to, errno);
    }

    // ---- connecting ----

    /**
     * Fixes the peer: only its datagrams are received.
     *
     * @param remote the peer
     * @return whether it was done; false if the socket is closed
     */
    public final boolean connect(A remote) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            NativeScratch scratch = scratch();
            int length = encode(scratch.address(), remote);
            int result;
            do {
                result = calls.connect(scratch, fd, scratch.address(), length);
            } while (result == -LinuxErrno.EINTR);
            if (result < 0) {
                throw failure("connect datagrams to", remote, -result);
            }
            peer = remote;
            forgetLocalAddress();
            return true;
        } finally {
            release();
        }
    }

    @Override
    public String toString() {
        return "datagram socket on " + address() + " (fd " + fd + ")";
    }
}
