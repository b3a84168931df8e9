package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.Winsock.AF_INET;
import static cloud.avila.avx.internal.sys.Winsock.AF_INET6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_IPV6;
import static cloud.avila.avx.internal.sys.Winsock.IPPROTO_TCP;
import static cloud.avila.avx.internal.sys.Winsock.SOL_SOCKET;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.WindowsAddresses;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;
import cloud.avila.avx.metrics.SocketMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The driver on I/O completion ports of Windows. How an operation lives is told in {@link
 * IocpOperation}, how a call waits for it in {@link IocpSocket}; this class collects what has ended
 * and hands it on.
 *
 * <p>Fields and memory orders:
 *
 * <ul>
 *   <li>{@code wake}: NONE, WAITING (a thread is about to wait or waits), NOTIFIED (a wake-up is
 *       due). Changed by atomic read-modify-write only. The poller goes from NONE to WAITING before
 *       it waits; {@link #wakeup} puts NOTIFIED and posts to the port only when it found WAITING;
 *       found NONE, its mark stays and the next waiting poll does not wait. Whichever comes second
 *       in the order of the word sees the first, with all that the other thread had done before.
 *   <li>{@code polling}: set by compare-and-set while a thread is in {@link #poll}. It turns misuse
 *       into an error, and passes what only the poller uses from one poller to the next.
 *   <li>{@code lifetime}: held by the poller, by every waker while it posts, and by every socket.
 *       So port and memory are given up when nobody can use them any more.
 *   <li>{@code sockets}: for {@link #close}. A socket is in it from {@link #add} until it is
 *       destroyed.
 * </ul>
 */
final class IocpDriver implements IoDriver {
    private static final Logger LOG = System.getLogger(IocpDriver.class.getName());
    private static final BoundedLog TROUBLE = new BoundedLog(IocpDriver.class);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long NANOS_PER_MILLI = 1_000_000L;

    /** How long to wait at the end for operations that were cancelled. */
    private static final long LAST_WAIT_NANOS = 10_000_000_000L;

    private static final int MOST_EVENTS = 256;
    private static final int DEFAULT_EVENTS = 64;
    private static final int POSTS = 100;

    private static final int NONE = 0;
    private static final int WAITING = 1;
    private static final int NOTIFIED = 2;
    private static final VarHandle WAKE;
    private static final VarHandle POLLING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            WAKE = lookup.findVarHandle(IocpDriver.class, "wake", int.class);
            POLLING = lookup.findVarHandle(IocpDriver.class, "polling", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final Winsock winsock;
    final IocpMemory memory;

    /** The function AcceptEx. */
    final MemorySegment acceptEx;

    /** The function ConnectEx. */
    final MemorySegment connectEx;

    private final long port;
    private final Lifetime lifetime = new Lifetime();
    private final Set<IocpSocket> sockets = ConcurrentHashMap.newKeySet();
    private final MemorySegment entries;

    @SuppressWarnings("UnusedVariable") // through WAKE
    private volatile int wake;

    @SuppressWarnings("UnusedVariable") // through POLLING
    private volatile boolean polling;

    private volatile int maxEvents = DEFAULT_EVENTS;
    private volatile boolean hasIpv6 = true;
    private volatile Runnable firstRegistration = () -> {};

    private final ReentrantLock afdLock = new ReentrantLock();
    private volatile long afd;

    final SocketCounts counts = new SocketCounts();

    private final AtomicInteger registered = new AtomicInteger();
    private final AtomicLong registeredTotal = new AtomicLong();
    private final AtomicLong deregisteredTotal = new AtomicLong();
    private final AtomicLong wakeups = new AtomicLong();
    private final BoundedLog acceptTrouble =
            new BoundedLog(IocpDriver.class, 1, Duration.ofSeconds(10));
    private volatile long readyEvents;

    /** Gives up port and memory when neither a poller nor a waker nor a socket uses them. */
    private final class Lifetime extends Holds {
        @Override
        void destroy() {
            end();
        }

        @Override
        public String toString() {
            return "the iocp driver";
        }
    }

    private IocpDriver(Winsock winsock, IocpMemory memory, long port, MemorySegment[] functions) {
        this.winsock = winsock;
        this.memory = memory;
        this.port = port;
        acceptEx = functions[0];
        connectEx = functions[1];
        entries = Arena.ofAuto().allocate((long) MOST_EVENTS * Winsock.ENTRY_BYTES, 8);
    }

    /**
     * Opens a driver on a binding, which a test may have furnished with faults.
     *
     * @param poison whether memory that the system has given back is checked to stay untouched
     */
    static IocpDriver open(Winsock winsock, boolean poison) throws IOException {
        MemorySegment[] functions = extensions(winsock);
        long port = winsock.createPort(IocpSocket.scratch());
        if (port < 0) {
            throw WindowsError.exception("CreateIoCompletionPort", null, (int) -port);
        }
        return new IocpDriver(winsock, new IocpMemory(poison), port, functions);
    }

    private static MemorySegment[] extensions(Winsock winsock) throws IOException {
        NativeScratch scratch = IocpSocket.scratch();
        long socket = winsock.socket(scratch, AF_INET, Winsock.SOCK_STREAM, IPPROTO_TCP);
        if (socket < 0) {
            throw WindowsError.exception("opening a socket", null, (int) -socket);
        }
        try {
            var functions = new MemorySegment[2];
            for (int i = 0; i < functions.length; i++) {
                int result = winsock.extension(scratch, socket, i == 1);
                if (result < 0) {
                    throw WindowsError.exception(
                            "asking for " + (i == 1 ? "ConnectEx" : "AcceptEx"), null, -result);
                }
                functions[i] = scratch.value().get(ValueLayout.ADDRESS, 0);
            }
            return functions;
        } finally {
            int unused = winsock.closesocket(scratch, socket);
        }
    }

    @Override
    public String name() {
        return "iocp";
    }

    @Override
    public Set<IoCapability> capabilities() {
        return EnumSet.of(IoCapability.READINESS_CALLBACKS);
    }

    // ---- polling ----

    @Override
    public int poll(long timeoutNanos) throws IOException {
        if (!lifetime.hold()) {
            throw new IOException("the iocp driver is closed");
        }
        try {
            if (!POLLING.compareAndSet(this, false, true)) {
                throw new IllegalStateException("another thread polls this driver");
            }
            try {
                return dispatch(await(timeoutNanos));
            } finally {
                POLLING.setRelease(this, false);
            }
        } finally {
            lifetime.release();
        }
    }

    private int await(long timeoutNanos) throws IOException {
        boolean waits = timeoutNanos != 0;
        if (waits && !WAKE.compareAndSet(this, NONE, WAITING)) {
            int unused = (int) WAKE.getAndSet(this, NONE);
            waits = false;
        }
        int result;
        try {
            result = waits ? sleep(timeoutNanos) : dequeue(0);
        } finally {
            if (waits) {
                int unused = (int) WAKE.getAndSet(this, NONE);
            }
        }
        if (result < 0) {
            throw WindowsError.exception("GetQueuedCompletionStatusEx", null, -result);
        }
        return result;
    }

    /** Windows counts milliseconds, and may return a little before the last of them is over. */
    private int sleep(long timeoutNanos) {
        if (timeoutNanos < 0) {
            return dequeue(-1);
        }
        long deadline = IocpSocket.deadline(timeoutNanos);
        for (; ; ) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return dequeue(0);
            }
            long millis = (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
            int result = dequeue((int) Math.min(millis, Integer.MAX_VALUE));
            if (result != 0) {
                return result;
            }
        }
    }

    private int dequeue(int millis) {
        return winsock.dequeue(IocpSocket.scratch(), port, entries, maxEvents, millis);
    }

    private int dispatch(int count) {
        int dispatched = 0;
        for (int i = 0; i < count; i++) {
            long overlapped =
                    entries.get(LONG, (long) i * Winsock.ENTRY_BYTES + Winsock.ENTRY_OVERLAPPED);
            if (overlapped != 0) { // else somebody has woken us
                dispatched++;
                memory.owner(overlapped).completed();
            }
        }
        readyEvents = readyEvents + dispatched;
        return dispatched;
    }

    @Override
    public void wakeup() {
        if ((int) WAKE.getAndSet(this, NOTIFIED) != WAITING || !lifetime.hold()) {
            return;
        }
        try {
            wakeups.getAndIncrement();
            post();
        } finally {
            lifetime.release();
        }
    }

    /** A wake-up must not be lost, and fails only while the kernel is short of memory. */
    private void post() {
        int result = 0;
        for (int i = 0; i < POSTS; i++) {
            result = winsock.post(IocpSocket.scratch(), port);
            if (result == 0) {
                return;
            }
            Thread.yield();
        }
        WAKE.compareAndSet(this, NOTIFIED, WAITING); // so that the next one tries again
        TROUBLE.log(
                Level.ERROR,
                "the poller could not be woken: "
                        + WindowsError.exception("PostQueuedCompletionStatus", null, -result)
                                .getMessage());
    }

    @Override
    public void maxEvents(int events) {
        maxEvents = Math.clamp(events, 1, MOST_EVENTS);
    }

    @Override
    public void onFirstRegistration(Runnable action) {
        firstRegistration = action;
    }

    // ---- for sockets ----

    /**
     * Lets the port report a socket's operations.
     *
     * @return whether it will report also those that succeed at once
     */
    boolean register(IocpSocket socket) throws IOException {
        NativeScratch scratch = IocpSocket.scratch();
        int result = winsock.associate(scratch, socket.handle, port);
        if (result < 0) {
            throw WindowsError.exception("CreateIoCompletionPort for", socket, -result);
        }
        // a layered provider may hand out handles of its own, and then it reports in any case
        boolean skips =
                hasSystemHandle(socket)
                        && winsock.notificationModes(
                                        scratch,
                                        socket.handle,
                                        Winsock.FILE_SKIP_COMPLETION_PORT_ON_SUCCESS
                                                | Winsock.FILE_SKIP_SET_EVENT_ON_HANDLE)
                                == 0;
        registeredTotal.getAndIncrement();
        if (registered.getAndIncrement() == 0) {
            firstRegistration.run();
        }
        return !skips;
    }

    private boolean hasSystemHandle(IocpSocket socket) {
        NativeScratch scratch = IocpSocket.scratch();
        MemorySegment info = scratch.io();
        scratch.length().set(INT, 0, Winsock.PROTOCOL_INFO_BYTES);
        int result =
                winsock.getsockopt(
                        scratch,
                        socket.handle,
                        SOL_SOCKET,
                        Winsock.SO_PROTOCOL_INFOW,
                        info,
                        scratch.length());
        return result == 0 && (info.get(INT, 0) & Winsock.XP1_IFS_HANDLES) != 0;
    }

    /** The handle through which sockets are polled for room to send. */
    long afd() throws IOException {
        long known = afd;
        if (known != 0) {
            return known;
        }
        afdLock.lock();
        try {
            if (afd == 0) {
                long opened = winsock.afdOpen();
                if (opened < 0) {
                    throw WindowsError.exception("opening \\Device\\Afd", null, (int) -opened);
                }
                int result = winsock.associate(IocpSocket.scratch(), opened, port);
                if (result < 0) {
                    int unused = winsock.closeHandle(IocpSocket.scratch(), opened);
                    throw WindowsError.exception(
                            "CreateIoCompletionPort for \\Device\\Afd", null, -result);
                }
                afd = opened;
            }
            return afd;
        } finally {
            afdLock.unlock();
        }
    }

    /**
     * Takes care of a new socket, or closes it if the driver has been closed meanwhile.
     *
     * @param handle closed if the driver takes no more sockets
     */
    <S extends IocpSocket> S add(S socket, long handle) throws IOException {
        if (!lifetime.hold()) {
            discard(handle);
            throw closed();
        }
        sockets.add(socket);
        if (lifetime.isClosed()) {
            socket.close();
            throw closed();
        }
        return socket;
    }

    /** By a socket that is destroyed. */
    void remove(IocpSocket socket, boolean wasRegistered) {
        if (wasRegistered) {
            registered.getAndDecrement();
            deregisteredTotal.getAndIncrement();
        }
        sockets.remove(socket);
        lifetime.release();
    }

    /** Closes a handle that no socket owns. */
    void discard(long handle) {
        int unused = winsock.closesocket(IocpSocket.scratch(), handle);
    }

    void acceptFailed(IocpSocket listener, int error) {
        listener.counts.acceptFailed();
        acceptTrouble.log(
                Level.WARNING,
                () ->
                        WindowsError.exception("accept on", listener, error).getMessage()
                                + "; new connections wait until it can go on",
                null);
    }

    // ---- opening sockets ----

    @Override
    public IoListener listen(InetSocketAddress local, ListenSettings settings) throws IOException {
        refuseReusePort(settings.reusePort());
        IocpListener listener = open(local, false, "listen on", IocpListener::new);
        try {
            buffer(listener, Winsock.SO_RCVBUF, settings.receiveBuffer());
            // SO_REUSEADDR would not only ignore old connections, as it does elsewhere and as
            // Windows does anyway: it would let other programs take the port
            set(listener, SOL_SOCKET, Winsock.SO_EXCLUSIVEADDRUSE, 1);
            IoDriver.setOptions(listener, settings.options());
            bind(listener, local, "listen on");
            int result = winsock.listen(IocpSocket.scratch(), listener.handle, settings.backlog());
            if (result < 0) {
                throw WindowsError.exception("listen on", local, -result);
            }
            listener.learnLocalAddress();
            return listener;
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    @Override
    public IoDatagram datagram(InetSocketAddress local, DatagramSettings settings)
            throws IOException {
        refuseReusePort(settings.reusePort());
        IocpDatagram socket = open(local, true, "bind datagram socket to", IocpDatagram::new);
        try {
            buffer(socket, Winsock.SO_RCVBUF, settings.receiveBuffer());
            buffer(socket, Winsock.SO_SNDBUF, settings.sendBuffer());
            set(
                    socket,
                    SOL_SOCKET,
                    settings.reuseAddress() ? Winsock.SO_REUSEADDR : Winsock.SO_EXCLUSIVEADDRUSE,
                    1);
            if (settings.broadcast()) {
                set(socket, SOL_SOCKET, Winsock.SO_BROADCAST, 1);
            }
            IoDriver.setOptions(socket, settings.options());
            bind(socket, local, "bind datagram socket to");
            reportUnreachable(socket, false);
            socket.learnLocalAddress();
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Says whether receiving fails when an earlier datagram did not arrive. Of an unconnected
     * socket it must not: one peer that is gone would disturb the others.
     */
    void reportUnreachable(IocpSocket socket, boolean report) throws IOException {
        NativeScratch scratch = IocpSocket.scratch();
        for (int code : new int[] {Winsock.SIO_UDP_CONNRESET, Winsock.SIO_UDP_NETRESET}) {
            scratch.value().set(INT, 0, report ? 1 : 0);
            int result =
                    winsock.wsaIoctl(
                            scratch,
                            socket.handle,
                            code,
                            scratch.value(),
                            Integer.BYTES,
                            MemorySegment.NULL,
                            0);
            if (result < 0
                    && result != -WindowsError.WSAEOPNOTSUPP
                    && result != -WindowsError.WSAEINVAL) {
                throw WindowsError.exception("setting what " + socket + " reports", null, -result);
            }
        }
    }

    @Override
    public @Nullable IoStream connect(
            InetSocketAddress remote, ConnectSettings settings, long timeoutNanos)
            throws IOException, InterruptedException {
        IocpSocket.throwIfInterrupted();
        IocpStream stream =
                open(
                        remote,
                        false,
                        "connect to",
                        (driver, handle, family) -> new IocpStream(driver, handle, family, remote));
        try {
            set(stream, IPPROTO_TCP, Winsock.TCP_NODELAY, 1);
            if (settings.reuseAddress()) {
                set(stream, SOL_SOCKET, Winsock.SO_REUSEADDR, 1);
            }
            buffer(stream, Winsock.SO_RCVBUF, settings.receiveBuffer());
            buffer(stream, Winsock.SO_SNDBUF, settings.sendBuffer());
            IoDriver.setOptions(stream, settings.options());
            InetSocketAddress local = settings.local();
            // ConnectEx wants a bound socket
            bind(stream, local != null ? local : new InetSocketAddress(0), "bind, to connect from");
            if (stream.connect(reachable(remote), timeoutNanos)) {
                return stream;
            }
        } catch (Throwable e) {
            stream.close();
            throw e;
        }
        stream.close();
        if (lifetime.isClosed()) {
            throw closed();
        }
        return null;
    }

    /** Where an address leads that means this machine; Windows does not accept it as target. */
    static InetSocketAddress reachable(InetSocketAddress address) {
        InetAddress ip = address.getAddress();
        if (ip == null || !ip.isAnyLocalAddress()) {
            return address;
        }
        return new InetSocketAddress(
                InetAddress.ofLiteral(ip instanceof Inet4Address ? "127.0.0.1" : "::1"),
                address.getPort());
    }

    private static void refuseReusePort(boolean reusePort) {
        if (reusePort) {
            throw new UnsupportedOperationException(
                    "Windows has no SO_REUSEPORT: several sockets cannot share a port");
        }
    }

    private interface Maker<S> {
        S make(IocpDriver driver, long handle, int family);
    }

    private <S extends IocpSocket> S open(
            InetSocketAddress address, boolean datagrams, String operation, Maker<S> maker)
            throws IOException {
        if (lifetime.isClosed()) {
            throw closed();
        }
        int type = datagrams ? Winsock.SOCK_DGRAM : Winsock.SOCK_STREAM;
        int protocol = datagrams ? Winsock.IPPROTO_UDP : IPPROTO_TCP;
        boolean any = address.getAddress().isAnyLocalAddress();
        int family = WindowsAddresses.family(address.getAddress());
        if (family == AF_INET6 && any && !hasIpv6) {
            family = AF_INET;
        }
        long handle = winsock.socket(IocpSocket.scratch(), family, type, protocol);
        if (handle == -WindowsError.WSAEAFNOSUPPORT && any) {
            // a machine without IPv6: any address means any IPv4 address
            hasIpv6 = false;
            family = AF_INET;
            handle = winsock.socket(IocpSocket.scratch(), family, type, protocol);
        }
        if (handle < 0) {
            throw WindowsError.exception(operation, address, (int) -handle);
        }
        S socket = add(maker.make(this, handle, family), handle);
        try {
            NativeScratch scratch = IocpSocket.scratch();
            scratch.value().set(INT, 0, 1);
            int result = winsock.ioctlsocket(scratch, handle, Winsock.FIONBIO, scratch.value());
            if (result < 0) {
                throw WindowsError.exception(operation, address, -result);
            }
            if (family == AF_INET6) {
                set(socket, IPPROTO_IPV6, Winsock.IPV6_V6ONLY, 0);
            }
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    private void bind(IocpSocket socket, InetSocketAddress local, String operation)
            throws IOException {
        boolean any = local.getAddress().isAnyLocalAddress();
        InetSocketAddress address =
                socket.family == AF_INET && any
                        ? new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), local.getPort())
                        : local;
        NativeScratch scratch = IocpSocket.scratch();
        int length = WindowsAddresses.encode(scratch.address(), socket.family, address);
        int result = winsock.bind(scratch, socket.handle, scratch.address(), length);
        if (result < 0) {
            throw WindowsError.exception(operation, local, -result);
        }
    }

    private void buffer(IocpSocket socket, int option, int bytes) throws IOException {
        if (bytes > 0) {
            set(socket, SOL_SOCKET, option, bytes);
        }
    }

    private void set(IocpSocket socket, int level, int option, int value) throws IOException {
        NativeScratch scratch = IocpSocket.scratch();
        scratch.value().set(INT, 0, value);
        int result =
                winsock.setsockopt(
                        scratch, socket.handle, level, option, scratch.value(), Integer.BYTES);
        if (result < 0) {
            throw WindowsError.exception("setting option " + option + " of", socket, -result);
        }
    }

    private static IOException closed() {
        return new IOException("the runtime is closed, so it opens no sockets");
    }

    // ---- numbers ----

    @Override
    public int registered() {
        return registered.get();
    }

    @Override
    public long registeredTotal() {
        return registeredTotal.get();
    }

    @Override
    public long deregisteredTotal() {
        return deregisteredTotal.get();
    }

    @Override
    public long readyEvents() {
        return readyEvents;
    }

    @Override
    public long wakeups() {
        return wakeups.get();
    }

    @Override
    public List<OpenSocket> openSockets(int most) {
        return sockets.stream()
                .filter(socket -> !socket.isClosed())
                .limit(most)
                .map(IocpSocket::describe)
                .toList();
    }

    @Override
    public List<SocketMetrics> socketMetrics() {
        return counts.metrics();
    }

    // ---- the end ----

    @Override
    public void close() {
        Holds.Closing closing = lifetime.beginClose();
        if (closing == Holds.Closing.ALREADY) {
            return;
        }
        for (IocpSocket socket : sockets) {
            socket.close();
        }
        if (closing == Holds.Closing.HELD) {
            WAKE.setVolatile(this, NOTIFIED);
            post();
            lifetime.release();
        }
    }

    /** With every handle closed the system ends what was pending; then its memory may go. */
    private void end() {
        NativeScratch scratch = IocpSocket.scratch();
        long deadline = System.nanoTime() + LAST_WAIT_NANOS;
        while (memory.pending() > 0 && deadline - System.nanoTime() > 0) {
            int count = winsock.dequeue(scratch, port, entries, MOST_EVENTS, 100);
            dispatch(Math.max(count, 0));
        }
        int pending = memory.pending();
        if (pending == 0) {
            memory.free();
        } else {
            LOG.log(
                    Level.ERROR,
                    pending
                            + " operations have not ended although their sockets are closed;"
                            + " their memory is not freed, as the system may still write to it");
        }
        if (afd != 0) {
            int unused = winsock.closeHandle(scratch, afd);
        }
        int unused = winsock.closeHandle(scratch, port);
    }
}
