package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.WindowsAddresses;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;

/**
 * A connection. For waiting see {@link IocpSocket}.
 *
 * <p>A receive first takes what the last operation has brought, else what is there now, which goes
 * straight into a direct buffer or through the scratch; if there is nothing it begins an operation
 * with a page of memory. So an operation brings at most a page, and what comes in bulk is taken
 * without one. While an operation is pending nobody else receives, or the bytes would come out of
 * order.
 *
 * <p>A send is never left to the system: of a pending one that is cancelled nobody knows how much
 * was sent, and one that is not cancelled cannot be taken back for who gave up on it. It is tried,
 * and tried again when there is room.
 *
 * <p>{@code taken} and {@code drained} are the reader's own: how much of the operation's page has
 * been handed out, and whether the last receive left nothing, so that the try can be left out.
 * {@code roles} is a word of two bits, changed by atomic operations, which pass what belongs to a
 * reader from one to the next.
 */
final class IocpStream extends IocpSocket implements IoStream {
    private static final int READER = 1;
    private static final int WRITER = 2;
    private static final VarHandle ROLES;

    static {
        try {
            ROLES = MethodHandles.lookup().findVarHandle(IocpStream.class, "roles", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final InetSocketAddress remote;
    private final IocpOperation receiving;

    /** Connecting, later waiting for room. */
    private final IocpOperation sending;

    private final List<IocpOperation> operations;

    @SuppressWarnings("UnusedVariable") // through ROLES
    private volatile int roles;

    private int taken;
    private boolean drained;
    private volatile boolean inputEnded;

    /** Error with which the connection broke, which we tell every time. */
    private volatile int broken;

    IocpStream(IocpDriver driver, long handle, int family, InetSocketAddress remote) {
        super(driver, handle, family, SocketKind.TCP_STREAM);
        this.remote = remote;
        receiving = new IocpOperation(driver);
        sending = new IocpOperation(driver);
        operations = List.of(receiving, sending);
    }

    @Override
    List<IocpOperation> operations() {
        return operations;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }

    private void enter(int role) {
        if (((int) ROLES.getAndBitwiseOr(this, role) & role) != 0) {
            throw new IllegalStateException(
                    "another thread is "
                            + (role == READER ? "reading from " : "writing to ")
                            + this
                            + "; one may read while one writes, more must take turns");
        }
    }

    private void leave(int role) {
        int unused = (int) ROLES.getAndBitwiseAnd(this, ~role);
    }

    // ---- connecting ----

    /** Connects a new, bound socket; false if the time is over. */
    boolean connect(InetSocketAddress to, long timeoutNanos)
            throws IOException, InterruptedException {
        boolean limited = timeoutNanos > 0;
        long deadline = limited ? deadline(timeoutNanos) : 0;
        if (hold()) {
            try {
                int error =
                        begin(
                                sending,
                                (scratch, block) -> {
                                    MemorySegment address = block.asSlice(IocpMemory.ADDRESS);
                                    int length = WindowsAddresses.encode(address, family, to);
                                    return winsock.connectEx(
                                            scratch,
                                            driver.connectEx,
                                            handle,
                                            address,
                                            length,
                                            block);
                                });
                if (error != 0) {
                    throw WindowsError.exception("connect to", remote, error);
                }
            } finally {
                release();
            }
        }
        if (sending.isPending() && (timeoutNanos == 0 || !await(sending, deadline, limited))) {
            return false;
        }
        if (!hold()) {
            throw WindowsError.exception("connect to", remote, WindowsError.WSAECONNABORTED);
        }
        try {
            int error = error(sending);
            if (error == 0) {
                error =
                        -winsock.setsockopt(
                                scratch(),
                                handle,
                                Winsock.SOL_SOCKET,
                                Winsock.SO_UPDATE_CONNECT_CONTEXT,
                                MemorySegment.NULL,
                                0);
            }
            if (error != 0) {
                throw WindowsError.exception("connect to", remote, error);
            }
            sending.taken();
            return true;
        } finally {
            release();
        }
    }

    // ---- receiving ----

    @Override
    public int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return recv(ByteBuffer.wrap(to, offset, length), timeoutNanos);
    }

    @Override
    public int recv(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(new ByteBuffer[] {to}, false, timeoutNanos);
    }

    @Override
    public int recv(ByteBuffer[] to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(to, false, timeoutNanos);
    }

    @Override
    public int peek(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(new ByteBuffer[] {to}, true, timeoutNanos);
    }

    private int receive(ByteBuffer[] to, boolean peek, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        enter(READER);
        try {
            long deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
            for (; ; ) {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                int result;
                try {
                    result =
                            inputEnded
                                    ? IoDriver.END_OF_STREAM
                                    : receiveNow(to, peek, timeoutNanos != 0);
                } finally {
                    release();
                }
                if (result != IoDriver.TIMED_OUT
                        || timeoutNanos == 0
                        || !await(receiving, deadline, timeoutNanos > 0)) {
                    return result;
                }
            }
        } finally {
            leave(READER);
        }
    }

    /** TIMED_OUT if there is nothing; then an operation is pending if it was wished to wait. */
    private int receiveNow(ByteBuffer[] to, boolean peek, boolean wait) throws IOException {
        for (; ; ) {
            if (receiving.isPending()) {
                return IoDriver.TIMED_OUT;
            }
            if (receiving.isDone()) {
                int result = takeReceived(to, peek);
                if (result != IoDriver.TIMED_OUT) {
                    return result;
                }
            }
            if (!drained || !wait || peek) {
                int result = tryReceive(to, peek);
                if (result != IoDriver.TIMED_OUT || !wait) {
                    return result;
                }
            }
            beginReceive(peek ? 0 : IocpMemory.PAGE_BYTES);
        }
    }

    /** With no bytes it only tells that there is something. */
    private void beginReceive(int bytes) throws IOException {
        int error =
                begin(
                        receiving,
                        (scratch, block) -> {
                            taken = 0;
                            block.set(INT, IocpMemory.BUFFER, bytes);
                            block.set(
                                    LONG,
                                    IocpMemory.BUFFER_ADDRESS,
                                    bytes == 0
                                            ? block.address() + IocpMemory.ADDRESS
                                            : receiving.buffer(bytes).address());
                            block.set(INT, IocpMemory.FLAGS, 0);
                            return winsock.wsaRecv(
                                    scratch,
                                    handle,
                                    block.asSlice(IocpMemory.BUFFER, Winsock.WSABUF_BYTES),
                                    block.asSlice(IocpMemory.FLAGS, Integer.BYTES),
                                    block);
                        });
        if (error != 0) {
            throw failedToReceive(error);
        }
    }

    /** What the operation brought; TIMED_OUT if it only told that there is something. */
    private int takeReceived(ByteBuffer[] to, boolean peek) throws IOException {
        int error = error(receiving);
        if (error != 0) {
            receiving.taken();
            throw failedToReceive(error);
        }
        int wanted = receiving.doneBlock().get(INT, IocpMemory.BUFFER);
        int got = receiving.bytes();
        if (wanted == 0) {
            drained = false;
            receiving.taken();
            return IoDriver.TIMED_OUT;
        }
        if (got == 0) {
            drained = false;
            receiving.taken();
            return endOfStream();
        }
        int count = put(receiving.doneBuffer(), taken, got - taken, to);
        if (!peek) {
            counts.received(count);
            taken += count;
            if (taken == got) {
                drained = got < wanted;
                receiving.taken();
            }
        }
        return count;
    }

    private int tryReceive(ByteBuffer[] to, boolean peek) throws IOException {
        NativeScratch scratch = scratch();
        boolean direct = to.length == 1 && to[0].isDirect();
        MemorySegment memory = direct ? MemorySegment.ofBuffer(to[0]) : scratch.io();
        int wanted = (int) Math.min(remaining(to), memory.byteSize());
        int result = winsock.recv(scratch, handle, memory, wanted, peek ? Winsock.MSG_PEEK : 0);
        if (result > 0) {
            if (direct) {
                to[0].position(to[0].position() + result);
            } else {
                put(memory, 0, result, to);
            }
            if (!peek) { // what was peeked is still there
                counts.received(result);
                drained = result < wanted;
            }
            return result;
        }
        if (result == 0) {
            drained = false;
            return endOfStream();
        }
        if (result == -WindowsError.WSAEWOULDBLOCK) {
            return IoDriver.TIMED_OUT;
        }
        throw failedToReceive(-result);
    }

    private int endOfStream() throws IOException {
        if (broken != 0) {
            throw WindowsError.exception("read from", remote, broken);
        }
        return IoDriver.END_OF_STREAM;
    }

    private IOException failedToReceive(int error) {
        drained = false;
        // the first one tells more than those that follow
        if (broken == 0) {
            broken =
                    error == WindowsError.ERROR_NETNAME_DELETED
                            ? WindowsError.WSAECONNRESET
                            : error;
        }
        return WindowsError.exception("read from", remote, broken);
    }

    /** Copies into the buffers, as much as fits, and moves their positions. */
    private static int put(MemorySegment from, long offset, int count, ByteBuffer[] to) {
        int done = 0;
        for (ByteBuffer buffer : to) {
            int part = Math.min(buffer.remaining(), count - done);
            if (part > 0) {
                MemorySegment.copy(from, offset + done, MemorySegment.ofBuffer(buffer), 0, part);
                buffer.position(buffer.position() + part);
                done += part;
            }
        }
        return done;
    }

    private static long remaining(ByteBuffer[] buffers) {
        long sum = 0;
        for (ByteBuffer buffer : buffers) {
            sum += buffer.remaining();
        }
        return sum;
    }

    @Override
    public int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        enter(READER);
        try {
            long deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
            for (; ; ) {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                try {
                    if (inputEnded) {
                        return IoDriver.END_OF_STREAM;
                    }
                    if (isReadable()) {
                        return 0;
                    }
                    if (timeoutNanos == 0) {
                        return IoDriver.TIMED_OUT;
                    }
                    beginReceive(0);
                } finally {
                    release();
                }
                if (!await(receiving, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
            }
        } finally {
            leave(READER);
        }
    }

    /** Whether receiving would not wait; under a hold. */
    private boolean isReadable() throws IOException {
        return receiving.isDone()
                || receiving.isFree() && pollNow(Winsock.POLLIN) != IoDriver.TIMED_OUT;
    }

    @Override
    public int whenReadable(@Nullable Runnable action) throws IOException {
        return when(receiving, action, () -> inputEnded || isReadable(), () -> beginReceive(0));
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
            int result = winsock.ioctlsocket(scratch, handle, Winsock.FIONREAD, scratch.value());
            if (result < 0) {
                throw WindowsError.exception("asking what can be read from", remote, -result);
            }
            int waiting = scratch.value().get(INT, 0);
            boolean brought =
                    receiving.isDone()
                            && receiving.status() >= 0
                            && receiving.doneBlock().get(INT, IocpMemory.BUFFER) > 0;
            return brought ? waiting + receiving.bytes() - taken : waiting;
        } finally {
            release();
        }
    }

    // ---- sending ----

    @Override
    public int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return send(ByteBuffer.wrap(from, offset, length), timeoutNanos);
    }

    @Override
    public int send(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException {
        return transmit(new ByteBuffer[] {from}, timeoutNanos);
    }

    @Override
    public int send(ByteBuffer[] from, long timeoutNanos) throws IOException, InterruptedException {
        return transmit(from, timeoutNanos);
    }

    private int transmit(ByteBuffer[] from, long timeoutNanos)
            throws IOException, InterruptedException {
        begin(timeoutNanos);
        enter(WRITER);
        try {
            long deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
            for (; ; ) {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                try {
                    sending.taken(); // told that there was room
                    int result = trySend(from);
                    if (result != IoDriver.TIMED_OUT || timeoutNanos == 0) {
                        return result;
                    }
                    beginWaitingForRoom();
                } finally {
                    release();
                }
                if (!await(sending, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
            }
        } finally {
            leave(WRITER);
        }
    }

    private int trySend(ByteBuffer[] from) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment memory;
        int count;
        if (from.length == 1 && from[0].isDirect()) {
            memory = MemorySegment.ofBuffer(from[0]);
            count = from[0].remaining();
        } else {
            memory = scratch.io();
            count = 0;
            for (int i = 0; i < from.length && count < memory.byteSize(); i++) {
                int part = (int) Math.min(from[i].remaining(), memory.byteSize() - count);
                MemorySegment.copy(MemorySegment.ofBuffer(from[i]), 0, memory, count, part);
                count += part;
            }
        }
        int result = winsock.send(scratch, handle, memory, count);
        if (result == -WindowsError.WSAEWOULDBLOCK) {
            return IoDriver.TIMED_OUT;
        }
        if (result < 0) {
            if (result != -WindowsError.WSAESHUTDOWN && broken == 0) {
                broken = -result;
            }
            throw WindowsError.exception("write to", remote, -result);
        }
        counts.sent(result);
        int left = result;
        for (int i = 0; left > 0; i++) {
            int part = Math.min(from[i].remaining(), left);
            from[i].position(from[i].position() + part);
            left -= part;
        }
        return result;
    }

    private void beginWaitingForRoom() throws IOException {
        int error = beginWritable(sending);
        if (error != 0) {
            throw WindowsError.exception("waiting for room to write to", remote, error);
        }
    }

    @Override
    public int awaitWritable(long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        enter(WRITER);
        try {
            long deadline = timeoutNanos > 0 ? deadline(timeoutNanos) : 0;
            for (; ; ) {
                if (!hold()) {
                    return IoDriver.CLOSED;
                }
                try {
                    sending.taken();
                    int result = pollNow(Winsock.POLLOUT);
                    if (result != IoDriver.TIMED_OUT || timeoutNanos == 0) {
                        return result;
                    }
                    beginWaitingForRoom();
                } finally {
                    release();
                }
                if (!await(sending, deadline, timeoutNanos > 0)) {
                    return IoDriver.TIMED_OUT;
                }
            }
        } finally {
            leave(WRITER);
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

    // ---- ending ----

    @Override
    public boolean shutdownInput() throws IOException {
        inputEnded = true;
        boolean done = shutdown(Winsock.SD_RECEIVE, "shutting down input from");
        receiving.nudge();
        return done;
    }

    @Override
    public boolean shutdownOutput() throws IOException {
        return shutdown(Winsock.SD_SEND, "shutting down output to");
    }

    private boolean shutdown(int how, String operation) throws IOException {
        if (!hold()) {
            return false;
        }
        try {
            int result = winsock.shutdown(scratch(), handle, how);
            // the peer may have reset the connection, and then there is nothing left to end
            if (result < 0
                    && result != -WindowsError.WSAENOTCONN
                    && result != -WindowsError.WSAECONNRESET
                    && result != -WindowsError.WSAECONNABORTED) {
                throw WindowsError.exception(operation, remote, -result);
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
                scratch.value().set(SHORT, 0, (short) 1);
                scratch.value().set(SHORT, Short.BYTES, (short) 0);
                // fails only for a connection that is broken already
                int unused =
                        winsock.setsockopt(
                                scratch,
                                handle,
                                Winsock.SOL_SOCKET,
                                Winsock.SO_LINGER,
                                scratch.value(),
                                2 * Short.BYTES);
            } finally {
                release();
            }
        }
        close();
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return WindowsSocketOption.OF_STREAM;
    }

    @Override
    public String toString() {
        return "connection to " + remote + " (socket " + handle + ")";
    }
}
