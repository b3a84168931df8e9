package cloud.avila.avx.internal.simulation;

import cloud.avila.avx.internal.reactor.IoDriver;
import cloud.avila.avx.internal.reactor.IoStream;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.timer.Timer;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Set;
import java.util.function.IntSupplier;

/**
 * One end of a connection.
 *
 * <p>What it sends are segments, each with the time at which it arrives at the other end, not
 * before the one sent before it. At most {@value #WINDOW} bytes are on their way or not yet read;
 * then sending waits. Now and then a send takes only a part, or is cut into several segments, as
 * TCP may at any time.
 */
final class HostStream extends HostSocket implements IoStream {
    private static final int WINDOW = 64 << 10;
    private static final long SECOND = 1_000_000_000L;
    private static final int RETRIES = 6;
    private static final int SELDOM = 4;

    private static final Map<SocketOption<?>, Object> OPTIONS =
            Map.of(
                    StandardSocketOptions.TCP_NODELAY,
                    true,
                    StandardSocketOptions.SO_KEEPALIVE,
                    false,
                    StandardSocketOptions.SO_LINGER,
                    -1,
                    StandardSocketOptions.SO_RCVBUF,
                    WINDOW,
                    StandardSocketOptions.SO_SNDBUF,
                    WINDOW,
                    StandardSocketOptions.SO_REUSEADDR,
                    false,
                    StandardSocketOptions.IP_TOS,
                    0);

    private enum Kind {
        /** The answer to a request for a connection. */
        ACCEPTED,
        /** Bytes. */
        DATA,
        /** The end of the stream. */
        END,
        /** The sender knows of no connection. */
        RESET
    }

    private record Segment(Kind kind, ByteBuffer data, long arrival) {}

    final Host peerHost;
    private final InetSocketAddress remote;
    private @Nullable HostStream peer; // set when the request for the connection has arrived
    private boolean established;
    private int broken; // error number, 0 for none

    private final ArrayDeque<Segment> underWay = new ArrayDeque<>();
    private int bytesUnderWay;
    private long lastArrival = Long.MIN_VALUE;
    private boolean outputEnded;
    private @Nullable Timer givingUp;

    private final ArrayDeque<ByteBuffer> received = new ArrayDeque<>();
    private int bytesReceived;
    private boolean endReceived;
    private boolean inputEnded;

    private boolean reading;
    private boolean writing;

    HostStream(
            Network network,
            Host host,
            InetSocketAddress local,
            Host peerHost,
            InetSocketAddress remote) {
        super(network, host, local);
        this.peerHost = peerHost;
        this.remote = remote;
    }

    @Override
    public InetSocketAddress remoteAddress() {
        return remote;
    }

    // --- connecting ---

    /** Connects; false if the time is over, and then it is closed. */
    boolean connect(long timeoutNanos) throws IOException, InterruptedException {
        boolean connected = false;
        try {
            request(0);
            await(() -> established || broken != 0 || !isOpen(), timeoutNanos);
            if (broken != 0) {
                throw LinuxErrno.exception("connect to", remote, broken);
            }
            if (!isOpen()) {
                throw LinuxErrno.exception("connect to", remote, LinuxErrno.ECONNABORTED);
            }
            connected = established;
            return connected;
        } finally {
            if (!connected && isOpen()) {
                shut();
            }
        }
    }

    private boolean isConnecting() {
        return !established && broken == 0 && isOpen();
    }

    private void request(int tried) {
        network.send(host, peerHost, this::requestArrives);
        Timer _ = network.after(SECOND << tried, host, host, () -> requestAgain(tried));
    }

    private void requestAgain(int tried) {
        if (!isConnecting()) {
            return;
        }
        if (tried < RETRIES) {
            request(tried + 1);
        } else {
            fail(LinuxErrno.ETIMEDOUT);
        }
    }

    @SuppressWarnings("ArgumentSelectionDefectChecker") // seen from the other end
    private HostStream otherEnd() {
        var other = new HostStream(network, peerHost, remote, host, localAddress());
        other.established = true;
        other.peer = this;
        return other;
    }

    private void refused() {
        if (isConnecting()) {
            fail(LinuxErrno.ECONNREFUSED);
        }
    }

    private void requestArrives() {
        if (!isConnecting()
                || network.isBlocked(host, peerHost)
                || network.isBlocked(peerHost, host)) {
            return;
        }
        if (peer != null) {
            return; // its answer is under way
        }
        HostListener listener = peerHost.listeners.get(remote.getPort());
        if (listener == null || !listener.isBoundTo(remote.getAddress())) {
            network.send(peerHost, host, this::refused);
        } else if (listener.hasRoom()) {
            HostStream other = otherEnd();
            peer = other;
            other.transmit(Kind.ACCEPTED, ByteBuffer.allocate(0));
            listener.arrived(other);
        }
    }

    private void fail(int errno) {
        broken = errno;
        underWay.clear();
        bytesUnderWay = 0;
        cancelGivingUp();
        wake();
    }

    // --- sending ---

    @Override
    public int send(byte[] from, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return send(ByteBuffer.wrap(from, offset, length), timeoutNanos);
    }

    @Override
    public int send(ByteBuffer from, long timeoutNanos) throws IOException, InterruptedException {
        int result = awaitRoom(timeoutNanos);
        if (result < 0) {
            return result;
        }
        if (broken != 0 || outputEnded) {
            throw LinuxErrno.exception("send to", remote, broken != 0 ? broken : LinuxErrno.EPIPE);
        }
        return transmitSome(from);
    }

    /** One piece of the first buffer: a receiver cannot tell. */
    @Override
    public int send(ByteBuffer[] from, long timeoutNanos) throws IOException, InterruptedException {
        for (ByteBuffer buffer : from) {
            if (buffer.hasRemaining()) {
                return send(buffer, timeoutNanos);
            }
        }
        return 0;
    }

    @Override
    public int awaitWritable(long timeoutNanos) throws IOException, InterruptedException {
        return awaitRoom(timeoutNanos);
    }

    private int awaitRoom(long timeoutNanos) throws IOException, InterruptedException {
        if (writing) {
            throw busy("writing to");
        }
        writing = true;
        try {
            boolean ready = await(this::isWritable, timeoutNanos);
            return !isOpen() || !ready ? closedOrTimedOut(isOpen()) : 0;
        } finally {
            writing = false;
        }
    }

    @Override
    boolean isWritable() {
        return !isOpen() || broken != 0 || outputEnded || room() > 0;
    }

    private int room() {
        HostStream other = peer;
        return WINDOW - bytesUnderWay - (other == null ? 0 : other.bytesReceived);
    }

    private int transmitSome(ByteBuffer from) {
        SeededRandom random = network.random();
        int count = Math.min(from.remaining(), room());
        if (count > 1 && random.nextInt(SELDOM) == 0) {
            count = 1 + random.nextInt(count);
        }
        byte[] bytes = new byte[count];
        from.get(bytes);
        int first =
                count > 1 && random.nextInt(SELDOM) == 0 ? 1 + random.nextInt(count - 1) : count;
        transmit(Kind.DATA, ByteBuffer.wrap(bytes, 0, first));
        if (first < count) {
            transmit(Kind.DATA, ByteBuffer.wrap(bytes, first, count - first));
        }
        return count;
    }

    private void transmit(Kind kind, ByteBuffer data) {
        long now = network.scheduler.nanoTime();
        long arrival = Math.max(lastArrival, now + network.latency(host, peerHost));
        lastArrival = arrival;
        bytesUnderWay += data.remaining();
        underWay.add(new Segment(kind, data, arrival));
        Timer _ = network.after(arrival - now, host, peerHost, this::deliver);
    }

    /** Hands over what is due. */
    private void deliver() {
        for (Segment next; (next = underWay.peek()) != null; underWay.remove()) {
            if (next.arrival - network.scheduler.nanoTime() > 0) {
                return;
            }
            if (network.isBlocked(host, peerHost)) {
                if (givingUp == null) {
                    givingUp =
                            network.after(
                                    Network.GIVE_UP_NANOS,
                                    host,
                                    host,
                                    () -> fail(LinuxErrno.ETIMEDOUT));
                }
                return;
            }
            cancelGivingUp();
            bytesUnderWay -= next.data.remaining();
            HostStream other = peer;
            if (other != null) {
                other.arrived(next);
            }
        }
    }

    /** What was held back goes on its way again. */
    void resume() {
        if (!underWay.isEmpty()) {
            cancelGivingUp();
            network.send(host, peerHost, this::deliver);
        }
    }

    private void cancelGivingUp() {
        if (givingUp != null) {
            givingUp.cancel(false);
            givingUp = null;
        }
    }

    // --- arriving ---

    private void arrived(Segment segment) {
        if (segment.kind == Kind.RESET) {
            if (broken == 0) {
                fail(LinuxErrno.ECONNRESET);
            }
            return;
        }
        if (!isOpen() || broken != 0) {
            if (segment.kind != Kind.END) {
                transmit(Kind.RESET, ByteBuffer.allocate(0));
            }
            return;
        }
        switch (segment.kind) {
            case ACCEPTED -> established = true;
            case DATA -> {
                if (!inputEnded) {
                    received.add(segment.data);
                    bytesReceived += segment.data.remaining();
                }
            }
            default -> endReceived = true;
        }
        wake();
    }

    @Override
    public int recv(byte[] to, int offset, int length, long timeoutNanos)
            throws IOException, InterruptedException {
        return recv(ByteBuffer.wrap(to, offset, length), timeoutNanos);
    }

    @Override
    public int recv(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(timeoutNanos, () -> take(to));
    }

    @Override
    public int recv(ByteBuffer[] to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(
                timeoutNanos,
                () -> {
                    int count = 0;
                    for (int i = 0; i < to.length && bytesReceived > 0; i++) {
                        count += take(to[i]);
                    }
                    return count;
                });
    }

    @Override
    public int peek(ByteBuffer to, long timeoutNanos) throws IOException, InterruptedException {
        return receive(
                timeoutNanos,
                () -> {
                    int before = to.position();
                    for (ByteBuffer part : received) {
                        to.put(part.slice().limit(Math.min(part.remaining(), to.remaining())));
                    }
                    return to.position() - before;
                });
    }

    @Override
    public int awaitReadable(long timeoutNanos) throws IOException, InterruptedException {
        if (reading) {
            throw busy("reading from");
        }
        reading = true;
        try {
            boolean ready = await(this::isReadable, timeoutNanos);
            return !isOpen() || !ready ? closedOrTimedOut(isOpen()) : 0;
        } finally {
            reading = false;
        }
    }

    @Override
    boolean isReadable() {
        return !isOpen() || bytesReceived > 0 || endReceived || inputEnded || broken != 0;
    }

    private int receive(long timeoutNanos, IntSupplier taking)
            throws IOException, InterruptedException {
        if (reading) {
            throw busy("reading from");
        }
        reading = true;
        try {
            boolean ready = await(this::isReadable, timeoutNanos);
            if (!isOpen() || !ready) {
                return closedOrTimedOut(isOpen());
            }
            if (inputEnded) {
                return IoDriver.END_OF_STREAM;
            }
            if (bytesReceived > 0) {
                return taking.getAsInt();
            }
            if (broken != 0) {
                throw LinuxErrno.exception("receive from", remote, broken);
            }
            return IoDriver.END_OF_STREAM;
        } finally {
            reading = false;
        }
    }

    private int take(ByteBuffer to) {
        int count = 0;
        for (ByteBuffer first; to.hasRemaining() && (first = received.peek()) != null; ) {
            int part = Math.min(first.remaining(), to.remaining());
            to.put(first.slice().limit(part));
            first.position(first.position() + part);
            count += part;
            if (!first.hasRemaining()) {
                received.remove();
            }
        }
        bytesReceived -= count;
        HostStream other = peer;
        if (other != null) {
            other.wake();
        }
        return count;
    }

    private IllegalStateException busy(String doing) {
        return new IllegalStateException(
                "another thread is "
                        + doing
                        + " "
                        + this
                        + "; one may read while one writes, more must take turns");
    }

    @Override
    public int available() {
        return isOpen() ? bytesReceived : IoDriver.CLOSED;
    }

    // --- ending ---

    @Override
    public boolean shutdownInput() {
        if (isOpen()) {
            inputEnded = true;
            received.clear();
            bytesReceived = 0;
            wake();
        }
        return isOpen();
    }

    @Override
    public boolean shutdownOutput() throws IOException {
        if (isOpen() && broken != 0) {
            throw LinuxErrno.exception("shutdown of", remote, LinuxErrno.ENOTCONN);
        }
        if (isOpen() && !outputEnded) {
            outputEnded = true;
            transmit(Kind.END, ByteBuffer.allocate(0));
            wake();
        }
        return isOpen();
    }

    @Override
    void closing() {
        if (broken == 0 && peer != null) {
            if (bytesReceived > 0) {
                transmit(Kind.RESET, ByteBuffer.allocate(0));
            } else if (!outputEnded) {
                transmit(Kind.END, ByteBuffer.allocate(0));
            }
        }
        received.clear();
        bytesReceived = 0;
    }

    @Override
    public void closeAbortively() {
        if (mayClose()) {
            if (broken == 0 && peer != null) {
                transmit(Kind.RESET, ByteBuffer.allocate(0));
                broken = LinuxErrno.ECONNRESET;
            }
            shut();
        }
    }

    /** The connection is gone, on this side. */
    void breakDown() {
        received.clear();
        bytesReceived = 0;
        fail(LinuxErrno.ECONNRESET);
    }

    // --- options ---

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return OPTIONS.keySet();
    }

    @Override
    @Nullable Object initial(SocketOption<?> option) {
        return OPTIONS.get(option);
    }

    @Override
    public String toString() {
        return "connection of " + host + " to " + peerHost + " " + remote;
    }
}
