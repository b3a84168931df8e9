package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.DatagramBatch;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/** A UDP socket. */
final class ReadinessDatagram extends ReadinessDatagrams<InetSocketAddress, IoDatagram.Received>
        implements IoDatagram {
    /** Most datagrams of one call: beyond, a call costs less than what it carries. */
    private static final int MOST_IN_BATCH = 64;

    /** Bytes of scratch for each datagram of a batch: an eighth for headers, the rest for data. */
    private static final int BYTES_IN_BATCH = 8 * DatagramBatch.BYTES_EACH;

    /** An address as the kernel wrote it and as we gave it out: senders come in runs. */
    private record Sender(byte[] raw, InetSocketAddress address) {}

    private volatile @Nullable Sender lastSender;

    ReadinessDatagram(ReadinessDriver driver, int fd, int family) {
        super(driver, fd, family, SocketKind.UDP);
    }

    @Override
    Received received(NativeScratch scratch, int length, int datagramLength) {
        int bytes = scratch.length().get(INT, 0);
        return new Received(sender(scratch.address(), bytes), length, datagramLength);
    }

    private InetSocketAddress sender(MemorySegment address, int length) {
        Sender last = lastSender;
        if (last != null && SocketAddresses.matches(address, length, last.raw)) {
            return last.address;
        }
        byte[] raw = new byte[length];
        MemorySegment.copy(address, JAVA_BYTE, 0, raw, 0, length);
        var made = new Sender(raw, calls.decode(address));
        lastSender = made;
        return made.address;
    }

    @Override
    int encode(MemorySegment to, InetSocketAddress address) {
        return calls.encode(to, family, address);
    }

    @Override
    Object address() {
        return localAddress();
    }

    // ---- batches ----

    /** Headers and, behind them, room for the data of heap buffers. */
    private static final class Batch {
        final MemorySegment io;
        final int capacity;
        final DatagramBatch headers;
        private long used;

        Batch(MemorySegment io, int wanted) {
            this.io = io;
            this.capacity =
                    (int) Math.min(wanted, Math.min(MOST_IN_BATCH, io.byteSize() / BYTES_IN_BATCH));
            this.headers = new DatagramBatch(io, capacity);
            this.used = (long) capacity * DatagramBatch.BYTES_EACH;
        }

        /** The memory for a buffer; null if there is no room for one on the heap. */
        @Nullable MemorySegment room(ByteBuffer buffer) {
            if (buffer.isDirect()) {
                return MemorySegment.ofBuffer(buffer);
            }
            long begin = used;
            if (begin + buffer.remaining() > io.byteSize()) {
                return null;
            }
            used = begin + buffer.remaining();
            return io.asSlice(begin, buffer.remaining());
        }
    }

    private record Into(ByteBuffer[] buffers, @Nullable Received[] received) {}

    @Override
    public int recvMany(ByteBuffer[] to, @Nullable Received[] received, long timeoutNanos)
            throws IOException, InterruptedException {
        if (!calls.hasBatches()) {
            return IoDatagram.super.recvMany(to, received, timeoutNanos);
        }
        Integer count =
                receive(ReadinessDatagram::recvManyNow, this, new Into(to, received), timeoutNanos);
        if (count != null) {
            return count;
        }
        return isClosed() ? IoDriver.CLOSED : IoDriver.TIMED_OUT;
    }

    /** Null if there is nothing now, or the socket was closed meanwhile. */
    private @Nullable Integer recvManyNow(Into into) throws IOException {
        NativeScratch scratch = scratch();
        ByteBuffer[] to = into.buffers;
        var batch = new Batch(scratch.io(), to.length);
        var memory = new MemorySegment[batch.capacity];
        int count = 0;
        while (count < batch.capacity) {
            MemorySegment room = batch.room(to[count]);
            if (room == null) {
                break;
            }
            batch.headers.buffer(count, room, room.byteSize());
            memory[count] = room;
            count++;
        }
        if (count == 0) { // a single large one, which has all of the scratch for itself
            into.received[0] = recvNow(to[0]);
            return into.received[0] == null ? null : 1;
        }
        int result;
        do {
            result = calls.recvBatch(scratch, fd, batch.headers, count);
        } while (result == -LinuxErrno.EINTR);
        Reference.reachabilityFence(to);
        if (nothing(result)) {
            return null;
        }
        long bytes = 0;
        int truncated = 0;
        for (int i = 0; i < result; i++) {
            ByteBuffer buffer = to[i];
            int datagramLength = batch.headers.transferred(i);
            int length = Math.min(datagramLength, buffer.remaining());
            if (!buffer.isDirect()) {
                MemorySegment.copy(memory[i], 0, MemorySegment.ofBuffer(buffer), 0, length);
            }
            buffer.position(buffer.position() + length);
            bytes += length;
            truncated += datagramLength > length ? 1 : 0;
            MemorySegment address = batch.headers.address(i);
            into.received[i] =
                    new Received(
                            sender(address, batch.headers.addressLength(i)),
                            length,
                            datagramLength);
        }
        counts.receivedDatagrams(result, bytes, truncated);
        return result;
    }

    private record From(ByteBuffer[] buffers, InetSocketAddress @Nullable [] to) {}

    @Override
    public int sendMany(ByteBuffer[] from, InetSocketAddress @Nullable [] to, long timeoutNanos)
            throws IOException, InterruptedException {
        if (!calls.hasBatches()) {
            return IoDatagram.super.sendMany(from, to, timeoutNanos);
        }
        int result =
                transmit(
                        ReadinessDatagram::sendManyNow,
                        this,
                        new From(from, to),
                        true,
                        timeoutNanos);
        return result == 0 ? sendOne(from, to, timeoutNanos) : result;
    }

    /** One that is too large for a batch, or that nobody can send. */
    private int sendOne(ByteBuffer[] from, InetSocketAddress @Nullable [] to, long timeoutNanos)
            throws IOException, InterruptedException {
        int result = sendTo(from[0], to == null ? null : to[0], timeoutNanos);
        return result < 0 ? result : 1;
    }

    /** Negative if there is no room now or closed; 0 if the first does not fit into a batch. */
    private int sendManyNow(From datagrams) throws IOException {
        NativeScratch scratch = scratch();
        ByteBuffer[] from = datagrams.buffers;
        InetSocketAddress[] to = datagrams.to;
        var batch = new Batch(scratch.io(), from.length);
        int count = 0;
        while (count < batch.capacity) {
            ByteBuffer buffer = from[count];
            MemorySegment room = batch.room(buffer);
            if (room == null) {
                break;
            }
            if (!buffer.isDirect()) {
                MemorySegment.copy(MemorySegment.ofBuffer(buffer), 0, room, 0, room.byteSize());
            }
            batch.headers.buffer(count, room, room.byteSize());
            int length = to == null ? 0 : encode(batch.headers.address(count), to[count]);
            batch.headers.addressLength(count, length);
            count++;
        }
        if (count == 0) {
            return 0;
        }
        int result;
        do {
            result = calls.sendBatch(scratch, fd, batch.headers, count);
        } while (result == -LinuxErrno.EINTR);
        Reference.reachabilityFence(from);
        if (result < 0) {
            return noRoom(result, from[0].remaining(), to == null ? null : to[0]);
        }
        long bytes = 0;
        for (int i = 0; i < result; i++) {
            bytes += from[i].remaining();
            from[i].position(from[i].limit());
        }
        counts.sentDatagrams(result, bytes);
        return result;
    }

    // ---- multicast ----

    @Override
    public boolean join(Membership membership) throws IOException {
        return membership(membership, true);
    }

    @Override
    public boolean leave(Membership membership) throws IOException {
        return membership(membership, false);
    }

    private boolean membership(Membership membership, boolean join) throws IOException {
        if (!calls.hasMulticast()) {
            throw IoCapability.MULTICAST.missing(driver.name());
        }
        if (!hold()) {
            return false;
        }
        try {
            int index = membership.on() == null ? 0 : membership.on().getIndex();
            int result =
                    calls.membership(
                            scratch(), fd, join, membership.group(), index, membership.source());
            if (result < 0) {
                throw failure(
                        (join ? "join " : "leave ") + membership.group() + " with",
                        address(),
                        -result);
            }
            return true;
        } finally {
            release();
        }
    }

    @Override
    int optionUse() {
        return StandardOption.DATAGRAM;
    }
}
