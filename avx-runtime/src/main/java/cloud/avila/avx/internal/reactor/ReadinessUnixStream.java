package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.SocketCalls;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A connection of the Unix domain. For waiting see {@link ReadinessSocket}. */
final class ReadinessUnixStream extends ReadinessStream implements IoUnixStream {
    private static final InetSocketAddress NO_ADDRESS = new InetSocketAddress(0);
    private static final long FIRST_PAUSE_NANOS = 500_000;
    private static final long LONGEST_PAUSE_NANOS = 20_000_000;

    private final UnixName local;
    private final UnixName remote;

    ReadinessUnixStream(ReadinessDriver driver, int fd, UnixName local, UnixName remote) {
        super(driver, fd, SocketCalls.AF_UNIX, NO_ADDRESS);
        this.local = local;
        this.remote = remote;
    }

    @Override
    public UnixName localName() {
        return local;
    }

    @Override
    public UnixName remoteName() {
        return remote;
    }

    @Override
    public InetSocketAddress localAddress() {
        return IoUnixStream.super.localAddress();
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return IoUnixStream.super.remoteAddress();
    }

    @Override
    Object peer() {
        return remote.isUnnamed() ? local : remote;
    }

    /**
     * Connects a new socket; false if the time is over. It never goes on in the background: either
     * there is room in the backlog or not, and room makes no event, so time has to.
     */
    @Override
    boolean connect(long timeoutNanos) throws IOException, InterruptedException {
        if (!holdAlone(WRITER)) {
            return false;
        }
        try {
            boolean limited = timeoutNanos > 0;
            long deadline = limited ? deadline(timeoutNanos) : 0;
            long pause = FIRST_PAUSE_NANOS;
            for (; ; ) {
                NativeScratch scratch = scratch();
                int length = calls.encodeUnix(scratch.address(), remote.bytes());
                int result = calls.connect(scratch, fd, scratch.address(), length);
                switch (-result) {
                    case 0 -> {
                        return true;
                    }
                    case LinuxErrno.EINTR -> {}
                    case LinuxErrno.EAGAIN -> {
                        long until = System.nanoTime() + pause;
                        if (timeoutNanos == 0 || limited && deadline - until < 0) {
                            return false;
                        }
                        pause(until);
                        if (isClosed()) {
                            throw failure("connect to", remote, LinuxErrno.ECONNABORTED);
                        }
                        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
                    }
                    default -> throw failure("connect to", remote, -result);
                }
            }
        } finally {
            releaseAlone(WRITER);
        }
    }

    @Override
    public Credentials peerCredentials() throws IOException {
        if (!hold()) {
            throw new SocketException("asking who the peer is: " + this + " is closed");
        }
        try {
            NativeScratch scratch = scratch();
            int result = calls.peerCredentials(scratch, fd);
            if (result < 0) {
                throw failure("asking who the peer is of", this, -result);
            }
            MemorySegment value = scratch.value();
            return new Credentials(
                    value.get(INT, 0),
                    value.get(INT, Integer.BYTES),
                    value.get(INT, 2 * Integer.BYTES));
        } finally {
            release();
        }
    }

    // ---- descriptors ----

    private record Outgoing(ByteBuffer from, int[] descriptors) {}

    @Override
    public int send(ByteBuffer from, int[] descriptors, long timeoutNanos)
            throws IOException, InterruptedException {
        return transmit(
                (stream, message, _, _, seen) ->
                        ((ReadinessUnixStream) stream).sendDescriptorsNow(message, seen),
                new Outgoing(from, descriptors),
                0,
                0,
                timeoutNanos);
    }

    private int sendDescriptorsNow(Outgoing message, long seen) throws IOException {
        ByteBuffer from = message.from;
        MemorySegment memory = MemorySegment.ofBuffer(from);
        NativeScratch scratch = scratch();
        int count = from.remaining();
        if (!from.isDirect()) {
            MemorySegment io = scratch.io();
            count = (int) Math.min(count, io.byteSize());
            MemorySegment.copy(memory, 0, io, 0, count);
            memory = io;
        }
        long result;
        do {
            result = calls.sendDescriptors(scratch, fd, memory, count, message.descriptors);
        } while (result == -LinuxErrno.EINTR);
        if (result == -LinuxErrno.EBADF && !isClosed()) {
            throw failure(
                    "sending descriptors " + Arrays.toString(message.descriptors) + " to",
                    peer(),
                    LinuxErrno.EBADF);
        }
        int sent = sent(result, count, seen);
        if (sent > 0) {
            from.position(from.position() + sent);
        }
        return sent;
    }

    /** What is to come, and what came beside the bytes. */
    private static final class Incoming {
        final ByteBuffer to;
        final int[] descriptors;
        final int[] told = new int[2];

        Incoming(ByteBuffer to, int most) {
            this.to = to;
            this.descriptors = new int[most];
        }
    }

    @Override
    public Message recv(ByteBuffer to, int most, long timeoutNanos)
            throws IOException, InterruptedException {
        var message = new Incoming(to, most);
        int count =
                receive(
                        (stream, incoming, _, _, seen) ->
                                ((ReadinessUnixStream) stream).recvDescriptorsNow(incoming, seen),
                        message,
                        0,
                        0,
                        timeoutNanos);
        return new Message(
                count, Arrays.copyOf(message.descriptors, message.told[0]), message.told[1] != 0);
    }

    private int recvDescriptorsNow(Incoming message, long seen) throws IOException {
        ByteBuffer to = message.to;
        MemorySegment memory = MemorySegment.ofBuffer(to);
        NativeScratch scratch = scratch();
        MemorySegment io = to.isDirect() ? memory : scratch.io();
        int wanted = (int) Math.min(to.remaining(), io.byteSize());
        long result;
        do {
            result =
                    calls.recvDescriptors(
                            scratch, fd, io, wanted, message.descriptors, message.told);
        } while (result == -LinuxErrno.EINTR);
        // the kernel does not go on behind descriptors, so a short read does not mean drained
        int received = received(result, result > 0 ? (int) result : wanted, seen);
        if (received > 0) {
            if (!to.isDirect()) {
                MemorySegment.copy(io, 0, memory, 0, received);
            }
            to.position(to.position() + received);
        }
        return received;
    }

    @Override
    int optionUse() {
        return StandardOption.UNIX_STREAM;
    }

    static UnixName decode(SocketCalls calls, NativeScratch scratch) {
        int length = Math.min(scratch.length().get(INT, 0), SocketAddresses.UNIX_BYTES);
        return UnixName.ofBytes(calls.decodeUnix(scratch.address(), length));
    }
}
