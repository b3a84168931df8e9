package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.WindowsAddresses;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A datagram socket. For waiting see {@link IocpSocket}; several threads in one direction take
 * turns.
 *
 * <p>Windows tells that a datagram did not fit, and not how long it was. So each is received into
 * memory that any datagram fits into, and copied.
 */
final class IocpDatagram extends IocpSocket implements IoDatagram {
    /** An address as the system wrote it and as we gave it out: senders come in runs. */
    private record Sender(byte[] raw, InetSocketAddress address) {}

    private final ReentrantLock receiveTurn = new ReentrantLock();
    private final ReentrantLock sendTurn = new ReentrantLock();
    private final IocpOperation receiving;
    private final IocpOperation sending;
    private final List<IocpOperation> operations;
    private volatile @Nullable Sender lastSender;
    private volatile @Nullable InetSocketAddress peer;

    IocpDatagram(IocpDriver driver, long handle, int family) {
        super(driver, handle, family, SocketKind.UDP);
        receiving = new IocpOperation(driver);
        sending = new IocpOperation(driver);
        operations = List.of(receiving, sending);
    }

    @Override
    List<IocpOperation> operations() {
        return operations;
    }

    // ---- receiving ----

    @Override
    public @Nullable Received recvFrom(ByteBuffer to, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        boolean limited = timeoutNanos > 0;
        long deadline = limited ? deadline(timeoutNanos) : 0;
        if (timeoutNanos == 0
                ? !receiveTurn.tryLock()
                : !awaitTurn(receiveTurn, deadline, limited)) {
            return null; // who has the turn takes what is there
        }
        try {
            for (; ; ) {
                if (!hold()) {
                    return null;
                }
                try {
                    Received received = receiveNow(to);
                    if (received != null || timeoutNanos == 0) {
                        return received;
                    }
                    beginReceive();
                } finally {
                    release();
                }
                if (!await(receiving, deadline, limited)) {
                    return null;
                }
            }
        } finally {
            receiveTurn.unlock();
        }
    }

    private @Nullable Received receiveNow(ByteBuffer to) throws IOException {
        if (receiving.isPending()) {
            return null;
        }
        if (receiving.isDone()) {
            int error = error(receiving);
            if (error != 0) {
                receiving.taken();
                throw failedToReceive(error);
            }
            MemorySegment block = receiving.doneBlock();
            Received received =
                    received(
                            receiving.doneBuffer(),
                            receiving.bytes(),
                            block.asSlice(IocpMemory.ADDRESS),
                            block.get(INT, IocpMemory.ADDRESS_LENGTH),
                            to);
            receiving.taken();
            return received;
        }
        NativeScratch scratch = scratch();
        MemorySegment io = scratch.io();
        scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
        int result =
                winsock.recvfrom(
                        scratch,
                        handle,
                        io,
                        (int) io.byteSize(),
                        scratch.address(),
                        scratch.length());
        if (result >= 0) {
            return received(io, result, scratch.address(), scratch.length().get(INT, 0), to);
        }
        if (result == -WindowsError.WSAEWOULDBLOCK) {
            return null;
        }
        throw failedToReceive(-result);
    }

    private void beginReceive() throws IOException {
        int error =
                begin(
                        receiving,
                        (scratch, block) -> {
                            MemorySegment buffer = receiving.buffer(IocpMemory.DATAGRAM_BYTES);
                            block.set(INT, IocpMemory.BUFFER, IocpMemory.DATAGRAM_BYTES);
                            block.set(LONG, IocpMemory.BUFFER_ADDRESS, buffer.address());
                            block.set(INT, IocpMemory.FLAGS, 0);
                            block.set(INT, IocpMemory.ADDRESS_LENGTH, SocketAddresses.MAX_BYTES);
                            return winsock.wsaRecvFrom(
                                    scratch,
                                    handle,
                                    block.asSlice(IocpMemory.BUFFER, Winsock.WSABUF_BYTES),
                                    block.asSlice(IocpMemory.FLAGS, Integer.BYTES),
                                    block.asSlice(IocpMemory.ADDRESS),
                                    block.asSlice(IocpMemory.ADDRESS_LENGTH, Integer.BYTES),
                                    block);
                        });
        if (error != 0) {
            throw failedToReceive(error);
        }
    }

    private Received received(
            MemorySegment from,
            int count,
            MemorySegment address,
            int addressLength,
            ByteBuffer to) {
        int length = Math.min(count, to.remaining());
        InetSocketAddress sender = sender(address, addressLength);
        MemorySegment.copy(from, 0, MemorySegment.ofBuffer(to), 0, length);
        to.position(to.position() + length);
        counts.receivedDatagram(length, count);
        return new Received(sender, length, count);
    }

    private InetSocketAddress sender(MemorySegment address, int length) {
        Sender last = lastSender;
        if (last != null && SocketAddresses.matches(address, length, last.raw)) {
            return last.address;
        }
        byte[] raw = new byte[length];
        MemorySegment.copy(address, JAVA_BYTE, 0, raw, 0, length);
        var made = new Sender(raw, WindowsAddresses.decode(address));
        lastSender = made;
        return made.address;
    }

    private IOException failedToReceive(int error) {
        IOException failure = WindowsError.exception("receive on", localAddress(), error);
        // how Windows reports that nobody received an earlier datagram
        return error == WindowsError.WSAECONNRESET
                ? new PortUnreachableException(failure.getMessage())
                : failure;
    }

    @Override
    public int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        boolean limited = timeoutNanos > 0;
        long deadline = limited ? deadline(timeoutNanos) : 0;
        for (; ; ) {
            if (!hold()) {
                return IoDriver.CLOSED;
            }
            try {
                if (isReadable()) {
                    return 0;
                }
                if (timeoutNanos == 0) {
                    return IoDriver.TIMED_OUT;
                }
            } finally {
                release();
            }
            if (!awaitTurn(receiveTurn, deadline, limited)) {
                return IoDriver.TIMED_OUT;
            }
            try {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                try {
                    beginReceive();
                } finally {
                    release();
                }
                if (!await(receiving, deadline, limited)) {
                    return IoDriver.TIMED_OUT;
                }
            } finally {
                receiveTurn.unlock();
            }
        }
    }

    private boolean isReadable() throws IOException {
        return receiving.isDone()
                || receiving.isFree() && pollNow(Winsock.POLLIN) != IoDriver.TIMED_OUT;
    }

    @Override
    public int whenReadable(@Nullable Runnable action) throws IOException {
        return when(receiving, action, this::isReadable, this::beginReceive);
    }

    // ---- sending ----

    @Override
    public int sendTo(ByteBuffer from, @Nullable InetSocketAddress to, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        boolean limited = timeoutNanos > 0;
        boolean hasTurn = false;
        long deadline = limited ? deadline(timeoutNanos) : 0;
        try {
            for (; ; ) {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                try {
                    if (hasTurn) {
                        sending.taken(); // told that there was room
                    }
                    int result = sendNow(from, to);
                    if (result >= 0 || timeoutNanos == 0) {
                        return result;
                    }
                    if (hasTurn) {
                        beginWaitingForRoom();
                    }
                } finally {
                    release();
                }
                if (!hasTurn) {
                    if (!awaitTurn(sendTurn, deadline, limited)) {
                        return IoDriver.TIMED_OUT;
                    }
                    hasTurn = true;
                } else if (!await(sending, deadline, limited)) {
                    return IoDriver.TIMED_OUT;
                }
            }
        } finally {
            if (hasTurn) {
                sendTurn.unlock();
            }
        }
    }

    /** TIMED_OUT if there is no room now. */
    private int sendNow(ByteBuffer from, @Nullable InetSocketAddress to) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment memory = MemorySegment.ofBuffer(from);
        int count = from.remaining();
        if (!from.isDirect()) {
            MemorySegment io = scratch.io();
            if (count > io.byteSize()) {
                throw failedToSend(count, to, WindowsError.WSAEMSGSIZE);
            }
            MemorySegment.copy(memory, 0, io, 0, count);
            memory = io;
        }
        int result;
        if (to == null) {
            result = winsock.send(scratch, handle, memory, count);
        } else {
            InetSocketAddress target = IocpDriver.reachable(to);
            int length = WindowsAddresses.encode(scratch.address(), family, target);
            result = winsock.sendto(scratch, handle, memory, count, scratch.address(), length);
        }
        if (result >= 0) {
            counts.sentDatagrams(1, result);
            from.position(from.position() + result);
            return result;
        }
        if (result == -WindowsError.WSAEWOULDBLOCK) {
            return IoDriver.TIMED_OUT;
        }
        throw failedToSend(count, to, -result);
    }

    private IOException failedToSend(int count, @Nullable InetSocketAddress to, int error) {
        return WindowsError.exception("send " + count + " bytes to", to == null ? peer : to, error);
    }

    private void beginWaitingForRoom() throws IOException {
        int error = beginWritable(sending);
        if (error != 0) {
            throw WindowsError.exception("waiting for room to send on", localAddress(), error);
        }
    }

    @Override
    public int whenWritable(@Nullable Runnable action) throws IOException {
        return when(
                sending,
                action,
                () -> {
                    sending.taken();
                    return pollNow(Winsock.POLLOUT) != IoDriver.TIMED_OUT;
                },
                this::beginWaitingForRoom);
    }

    @Override
    public boolean connect(InetSocketAddress remote) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            NativeScratch scratch = scratch();
            int length =
                    WindowsAddresses.encode(
                            scratch.address(), family, IocpDriver.reachable(remote));
            int result = winsock.connect(scratch, handle, scratch.address(), length);
            if (result < 0) {
                throw WindowsError.exception("connect datagrams to", remote, -result);
            }
            peer = remote;
            forgetLocalAddress();
            // of one peer only, it is of interest that nobody receives there
            driver.reportUnreachable(this, true);
            return true;
        } finally {
            release();
        }
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return WindowsSocketOption.OF_DATAGRAM;
    }

    @Override
    public String toString() {
        return "datagram socket on " + localAddress() + " (socket " + handle + ")";
    }
}
