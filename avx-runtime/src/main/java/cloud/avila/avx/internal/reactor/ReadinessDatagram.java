package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A datagram socket. For waiting see {@link ReadinessSocket}; several threads in one direction line
 * up as in {@link ReadinessListener}.
 */
final class ReadinessDatagram extends ReadinessSocket implements IoDatagram {
    /** An address as the kernel wrote it and as we gave it out: senders come in runs. */
    private record Sender(byte[] raw, InetSocketAddress address) {}

    private final ReentrantLock receiveTurn = new ReentrantLock();
    private final ReentrantLock sendTurn = new ReentrantLock();
    private volatile @Nullable Sender lastSender;
    private volatile @Nullable InetSocketAddress peer;

    ReadinessDatagram(ReadinessDriver driver, int fd, int family) {
        super(driver, fd, family);
    }

    @Override
    public @Nullable Received recvFrom(ByteBuffer to, long timeoutNanos)
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
                Received received = recvNow(to);
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
    private @Nullable Received recvNow(ByteBuffer to) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(to);
        NativeScratch scratch = scratch();
        MemorySegment io = to.isDirect() ? memory : scratch.io();
        long room = Math.min(to.remaining(), io.byteSize());
        scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
        // the result is the length of the datagram even if it did not fit
        long result;
        do {
            result = calls.recvfrom(scratch, fd, io, room, scratch.address(), scratch.length());
        } while (result == -LinuxErrno.EINTR);
        if (result < 0) {
            int errno = (int) -result;
            if (errno == LinuxErrno.EAGAIN || isClosed()) {
                return null;
            }
            throw failure("receive on", localAddress(), errno);
        }
        int length = (int) Math.min(result, room);
        if (!to.isDirect()) {
            MemorySegment.copy(io, 0, memory, 0, length);
        }
        InetSocketAddress sender = sender(scratch);
        to.position(to.position() + length);
        return new Received(sender, length, (int) result);
    }

    private InetSocketAddress sender(NativeScratch scratch) {
        int length = scratch.length().get(INT, 0);
        Sender last = lastSender;
        if (last != null && SocketAddresses.matches(scratch.address(), length, last.raw)) {
            return last.address;
        }
        byte[] raw = new byte[length];
        MemorySegment.copy(scratch.address(), JAVA_BYTE, 0, raw, 0, length);
        var made = new Sender(raw, calls.decode(scratch.address()));
        lastSender = made;
        return made.address;
    }

    @Override
    public int sendTo(ByteBuffer from, @Nullable InetSocketAddress to, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!hold()) {
            return IoDriver.CLOSED;
        }
        boolean limited = timeoutNanos > 0;
        boolean waited = false;
        boolean hasTurn = false;
        long deadline = 0;
        try {
            while (!isClosed()) {
                long seen = writeEvents();
                int result = sendNow(from, to);
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
    private int sendNow(ByteBuffer from, @Nullable InetSocketAddress to) throws IOException {
        MemorySegment memory = MemorySegment.ofBuffer(from);
        NativeScratch scratch = scratch();
        int count = from.remaining();
        if (!from.isDirect()) {
            MemorySegment io = scratch.io();
            if (count > io.byteSize()) {
                throw failure("send " + count + " bytes to", target(to), LinuxErrno.EMSGSIZE);
            }
            MemorySegment.copy(memory, 0, io, 0, count);
            memory = io;
        }
        long result;
        if (to == null) {
            result = send(scratch, memory, count);
        } else {
            int length = calls.encode(scratch.address(), family, to);
            do {
                result = calls.sendto(scratch, fd, memory, count, scratch.address(), length);
            } while (result == -LinuxErrno.EINTR);
        }
        if (result >= 0) {
            from.position(from.position() + (int) result);
            return (int) result;
        }
        int errno = (int) -result;
        if (errno == LinuxErrno.EAGAIN || isClosed()) {
            return IoDriver.TIMED_OUT;
        }
        throw failure("send " + count + " bytes to", target(to), errno);
    }

    private @Nullable Object target(@Nullable InetSocketAddress to) {
        return to == null ? peer : to;
    }

    @Override
    public boolean connect(InetSocketAddress remote) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            NativeScratch scratch = scratch();
            int length = calls.encode(scratch.address(), family, remote);
            int result = calls.connect(scratch, fd, scratch.address(), length);
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
    public Set<SocketOption<?>> supportedOptions() {
        return StandardOption.OF_DATAGRAM;
    }

    @Override
    public String toString() {
        return "datagram socket on " + localAddress() + " (fd " + fd + ")";
    }
}
