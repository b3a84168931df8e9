package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.LinuxLibc.AF_INET;
import static cloud.avila.avx.internal.sys.LinuxLibc.AF_INET6;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLET;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLIN;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLL_EVENT_BYTES;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLL_EVENT_DATA;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPPROTO_IPV6;
import static cloud.avila.avx.internal.sys.LinuxLibc.IPPROTO_TCP;
import static cloud.avila.avx.internal.sys.LinuxLibc.SOL_SOCKET;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The driver on Linux epoll(7): one epoll instance, edge-triggered, and one eventfd to wake the
 * poller. How an operation waits for readiness is told in {@link EpollSocket}; this class collects
 * the events and hands them on.
 *
 * <p>Fields and memory orders:
 *
 * <ul>
 *   <li>{@code wake}: NONE, WAITING (a thread is about to wait or waits), NOTIFIED (a wake-up is
 *       due). Changed by atomic read-modify-write only. The poller goes from NONE to WAITING before
 *       it waits; {@link #wakeup} puts NOTIFIED and writes to the eventfd only when it found
 *       WAITING; found NONE, its mark stays and the next waiting poll does not wait. Whichever
 *       operation comes second in the order of the word sees the first, with all that the other
 *       thread had done before it: no wake-up and no work published before a wake-up is lost.
 *   <li>{@code polling}: set by compare-and-set while a thread is in {@link #poll}. It turns misuse
 *       into an error, and passes what only the poller uses (event memory, {@code readyEvents})
 *       from one poller to the next.
 *   <li>{@code lifetime}: holds the two descriptors, so that neither number is used after release.
 *   <li>{@code sockets}: entry set before the descriptor can be registered and removed before its
 *       number is released. The event's data is the generation and the number; an event of a former
 *       owner still in a batch finds another generation and is dropped.
 * </ul>
 */
final class EpollDriver implements IoDriver {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    private static final ValueLayout.OfInt EVENT_MASK = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong EVENT_TAG = ValueLayout.JAVA_LONG_UNALIGNED;

    private static final Logger LOG = System.getLogger(EpollDriver.class.getName());
    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final long NANOS_PER_MILLI = 1_000_000L;
    private static final long WARNING_INTERVAL_NANOS = 10 * NANOS_PER_SECOND;
    private static final int MOST_EVENTS = 256;
    private static final int DEFAULT_EVENTS = 64;

    /** Data of the eventfd's events; a descriptor number is never negative. */
    private static final long WAKEUP_TAG = -1;

    private static final int NONE = 0;
    private static final int WAITING = 1;
    private static final int NOTIFIED = 2;
    private static final VarHandle WAKE;
    private static final VarHandle POLLING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            WAKE = lookup.findVarHandle(EpollDriver.class, "wake", int.class);
            POLLING = lookup.findVarHandle(EpollDriver.class, "polling", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final LinuxLibc libc;
    private final int epoll;
    private final int eventfd;
    private final Lifetime lifetime = new Lifetime();
    private final SocketTable sockets = new SocketTable();
    private final MemorySegment events;
    private final MemorySegment timespec;
    private final MemorySegment one;

    @SuppressWarnings("UnusedVariable") // through WAKE
    private volatile int wake;

    @SuppressWarnings("UnusedVariable") // through POLLING
    private volatile boolean polling;

    private volatile int maxEvents = DEFAULT_EVENTS;
    private volatile boolean hasPwait2 = true;
    private volatile boolean hasIpv6 = true;
    private volatile Runnable firstRegistration = () -> {};

    private final AtomicInteger generations = new AtomicInteger();
    private final AtomicInteger registered = new AtomicInteger();
    private final AtomicLong registeredTotal = new AtomicLong();
    private final AtomicLong deregisteredTotal = new AtomicLong();
    private final AtomicLong wakeups = new AtomicLong();
    private final AtomicLong acceptFailures = new AtomicLong();
    private final AtomicLong nextWarning = new AtomicLong(System.nanoTime());
    private volatile long readyEvents;

    /** Releases the driver's own descriptors when neither a poller nor a waker uses them. */
    private final class Lifetime extends Holds {
        @Override
        void destroy() {
            NativeScratch scratch = EpollSocket.scratch();
            libc.close(scratch, epoll);
            libc.close(scratch, eventfd);
        }

        @Override
        public String toString() {
            return "the epoll driver";
        }
    }

    private EpollDriver(LinuxLibc libc, int epoll, int eventfd) {
        this.libc = libc;
        this.epoll = epoll;
        this.eventfd = eventfd;
        Arena arena = Arena.ofAuto();
        events = arena.allocate((long) MOST_EVENTS * EPOLL_EVENT_BYTES, 8);
        timespec = arena.allocate(LinuxLibc.TIMESPEC_BYTES, 8);
        one = arena.allocate(Long.BYTES, 8);
        one.set(ValueLayout.JAVA_LONG, 0, 1L);
    }

    /** Opens a driver on a binding, which a test may have furnished with faults. */
    static EpollDriver open(LinuxLibc libc) throws IOException {
        int epoll = libc.epollCreate(EpollSocket.scratch(), LinuxLibc.EPOLL_CLOEXEC);
        if (epoll < 0) {
            throw LinuxErrno.exception("epoll_create1", null, -epoll);
        }
        int eventfd =
                libc.eventfd(
                        EpollSocket.scratch(), 0, LinuxLibc.EFD_NONBLOCK | LinuxLibc.EFD_CLOEXEC);
        if (eventfd < 0) {
            libc.close(EpollSocket.scratch(), epoll);
            throw LinuxErrno.exception("eventfd", null, -eventfd);
        }
        var driver = new EpollDriver(libc, epoll, eventfd);
        int result =
                driver.control(LinuxLibc.EPOLL_CTL_ADD, eventfd, EPOLLIN | EPOLLET, WAKEUP_TAG);
        if (result < 0) {
            driver.close();
            throw LinuxErrno.exception("epoll_ctl for the eventfd", null, -result);
        }
        return driver;
    }

    @Override
    public String name() {
        return "epoll";
    }

    // ---- polling ----

    @Override
    public int poll(long timeoutNanos) throws IOException {
        if (!lifetime.hold()) {
            throw new IOException("the epoll driver is closed");
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
            result = waits ? sleep(timeoutNanos) : look(0);
        } finally {
            if (waits) {
                int unused = (int) WAKE.getAndSet(this, NONE);
            }
        }
        if (result < 0 && result != -LinuxErrno.EINTR) {
            throw LinuxErrno.exception("epoll_wait", null, -result);
        }
        return Math.max(result, 0);
    }

    private int look(int millis) {
        return libc.epollWait(EpollSocket.scratch(), epoll, events, maxEvents, millis);
    }

    private int sleep(long timeoutNanos) {
        if (timeoutNanos < 0) {
            return look(-1);
        }
        if (hasPwait2) {
            timespec.set(ValueLayout.JAVA_LONG, 0, timeoutNanos / NANOS_PER_SECOND);
            timespec.set(ValueLayout.JAVA_LONG, 8, timeoutNanos % NANOS_PER_SECOND);
            int result =
                    libc.epollPwait2(EpollSocket.scratch(), epoll, events, maxEvents, timespec);
            if (result != -LinuxErrno.ENOSYS && result != -LinuxErrno.EPERM) {
                return result;
            }
            // kernels before 5.11, or a seccomp filter older than the call
            hasPwait2 = false;
        }
        long millis = (timeoutNanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
        return look((int) Math.min(millis, Integer.MAX_VALUE));
    }

    private int dispatch(int count) {
        int dispatched = 0;
        for (int i = 0; i < count; i++) {
            long at = (long) i * EPOLL_EVENT_BYTES;
            long tag = events.get(EVENT_TAG, at + EPOLL_EVENT_DATA);
            if (tag == WAKEUP_TAG) {
                continue;
            }
            dispatched++;
            EpollSocket socket = sockets.get((int) tag);
            if (socket != null && socket.generation == (int) (tag >>> 32)) {
                socket.dispatch(events.get(EVENT_MASK, at));
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
            // fails only when the counter is at its end, and then the event is there already
            long unused = libc.write(EpollSocket.scratch(), eventfd, one, Long.BYTES);
        } finally {
            lifetime.release();
        }
    }

    @Override
    public void maxEvents(int events) {
        maxEvents = Math.clamp(events, 1, MOST_EVENTS);
    }

    @Override
    public void onFirstRegistration(Runnable action) {
        firstRegistration = action;
    }

    // ---- registration, for sockets ----

    int nextGeneration() {
        return generations.getAndIncrement();
    }

    /** Takes care of a new socket, or closes it if the driver has been closed meanwhile. */
    <S extends EpollSocket> S add(S socket) throws IOException {
        if (socket.fd >= SocketTable.CAPACITY) {
            socket.close();
            throw LinuxErrno.exception("opening descriptor " + socket.fd, null, LinuxErrno.EMFILE);
        }
        sockets.set(socket);
        if (lifetime.isClosed()) {
            socket.close();
            throw closed();
        }
        return socket;
    }

    void remove(EpollSocket socket) {
        if (socket.fd < SocketTable.CAPACITY) {
            sockets.remove(socket);
        }
    }

    /** Begins to watch a socket, or watches it for more. */
    void watch(EpollSocket socket, int interest, boolean first) throws IOException {
        if (!lifetime.hold()) {
            return;
        }
        try {
            int result =
                    control(
                            first ? LinuxLibc.EPOLL_CTL_ADD : LinuxLibc.EPOLL_CTL_MOD,
                            socket.fd,
                            interest | EPOLLET,
                            (long) socket.generation << 32 | socket.fd);
            if (result < 0) {
                throw LinuxErrno.exception("epoll_ctl for", socket, -result);
            }
        } finally {
            lifetime.release();
        }
        if (first) {
            registeredTotal.getAndIncrement();
            if (registered.getAndIncrement() == 0) {
                firstRegistration.run();
            }
        }
    }

    private int control(int operation, int fd, int interest, long tag) {
        NativeScratch scratch = EpollSocket.scratch();
        scratch.value().set(EVENT_MASK, 0, interest);
        scratch.value().set(EVENT_TAG, EPOLL_EVENT_DATA, tag);
        return libc.epollCtl(scratch, epoll, operation, fd, scratch.value());
    }

    void deregistered() {
        registered.getAndDecrement();
        deregisteredTotal.getAndIncrement();
    }

    /** Lets the number mean the eventfd, which ends the socket and keeps the number taken. */
    void replaceByMarker(EpollSocket socket) {
        if (!lifetime.hold()) {
            return;
        }
        try {
            // fails only under a race with the system's limits; then the last operation closes it
            int unused = libc.dup3(EpollSocket.scratch(), eventfd, socket.fd, LinuxLibc.O_CLOEXEC);
        } finally {
            lifetime.release();
        }
    }

    void acceptFailed(EpollSocket listener, int errno) {
        acceptFailures.getAndIncrement();
        long now = System.nanoTime();
        long next = nextWarning.get();
        if (now - next >= 0 && nextWarning.compareAndSet(next, now + WARNING_INTERVAL_NANOS)) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            LinuxErrno.exception("accept on", listener, errno).getMessage()
                                    + "; new connections wait until it can go on ("
                                    + acceptFailures
                                    + " failures so far)");
        }
    }

    // ---- opening sockets ----

    @Override
    public IoListener listen(InetSocketAddress local, ListenSettings settings) throws IOException {
        EpollListener listener =
                add(open(local, LinuxLibc.SOCK_STREAM, "listen on", EpollListener::new));
        try {
            // accepted connections inherit both
            set(listener, IPPROTO_TCP, LinuxLibc.TCP_NODELAY, 1);
            buffer(listener, LinuxLibc.SO_RCVBUF, settings.receiveBuffer());
            flag(listener, LinuxLibc.SO_REUSEADDR, settings.reuseAddress());
            flag(listener, LinuxLibc.SO_REUSEPORT, settings.reusePort());
            bind(listener, local, "listen on");
            int result = libc.listen(EpollSocket.scratch(), listener.fd, settings.backlog());
            if (result < 0) {
                throw LinuxErrno.exception("listen on", local, -result);
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
        EpollDatagram socket =
                add(
                        open(
                                local,
                                LinuxLibc.SOCK_DGRAM,
                                "bind datagram socket to",
                                EpollDatagram::new));
        try {
            buffer(socket, LinuxLibc.SO_RCVBUF, settings.receiveBuffer());
            buffer(socket, LinuxLibc.SO_SNDBUF, settings.sendBuffer());
            flag(socket, LinuxLibc.SO_REUSEADDR, settings.reuseAddress());
            flag(socket, LinuxLibc.SO_REUSEPORT, settings.reusePort());
            flag(socket, LinuxLibc.SO_BROADCAST, settings.broadcast());
            bind(socket, local, "bind datagram socket to");
            socket.learnLocalAddress();
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public @Nullable IoStream connect(
            InetSocketAddress remote, ConnectSettings settings, long timeoutNanos)
            throws IOException, InterruptedException {
        EpollSocket.throwIfInterrupted();
        EpollStream stream =
                add(
                        open(
                                remote,
                                LinuxLibc.SOCK_STREAM,
                                "connect to",
                                (driver, fd, family) ->
                                        new EpollStream(driver, fd, family, remote)));
        try {
            set(stream, IPPROTO_TCP, LinuxLibc.TCP_NODELAY, 1);
            flag(stream, LinuxLibc.SO_REUSEADDR, settings.reuseAddress());
            buffer(stream, LinuxLibc.SO_RCVBUF, settings.receiveBuffer());
            buffer(stream, LinuxLibc.SO_SNDBUF, settings.sendBuffer());
            if (settings.local() != null) {
                bind(stream, settings.local(), "bind, to connect from");
            }
            if (stream.connect(timeoutNanos)) {
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

    private interface Maker<S> {
        S make(EpollDriver driver, int fd, int family);
    }

    private <S> S open(InetSocketAddress address, int type, String operation, Maker<S> maker)
            throws IOException {
        if (lifetime.isClosed()) {
            throw closed();
        }
        int family = SocketAddresses.family(address.getAddress());
        if (family == AF_INET6 && address.getAddress().isAnyLocalAddress() && !hasIpv6) {
            family = AF_INET;
        }
        int flags = type | LinuxLibc.SOCK_NONBLOCK | LinuxLibc.SOCK_CLOEXEC;
        int fd = libc.socket(EpollSocket.scratch(), family, flags, 0);
        if (fd == -LinuxErrno.EAFNOSUPPORT && address.getAddress().isAnyLocalAddress()) {
            // a machine without IPv6: any address means any IPv4 address
            hasIpv6 = false;
            family = AF_INET;
            fd = libc.socket(EpollSocket.scratch(), family, flags, 0);
        }
        if (fd < 0) {
            throw LinuxErrno.exception(operation, address, -fd);
        }
        return maker.make(this, fd, family);
    }

    private void bind(EpollSocket socket, InetSocketAddress local, String operation)
            throws IOException {
        if (socket.family == AF_INET6) {
            set(socket, IPPROTO_IPV6, LinuxLibc.IPV6_V6ONLY, 0);
        }
        InetSocketAddress address =
                socket.family == AF_INET && local.getAddress().isAnyLocalAddress()
                        ? new InetSocketAddress("0.0.0.0", local.getPort())
                        : local;
        NativeScratch scratch = EpollSocket.scratch();
        int length = SocketAddresses.encode(scratch.address(), socket.family, address);
        int result = libc.bind(scratch, socket.fd, scratch.address(), length);
        if (result < 0) {
            throw LinuxErrno.exception(operation, local, -result);
        }
    }

    private void flag(EpollSocket socket, int option, boolean value) throws IOException {
        if (value) {
            set(socket, SOL_SOCKET, option, 1);
        }
    }

    private void buffer(EpollSocket socket, int option, int bytes) throws IOException {
        if (bytes > 0) {
            set(socket, SOL_SOCKET, option, bytes);
        }
    }

    private void set(EpollSocket socket, int level, int option, int value) throws IOException {
        NativeScratch scratch = EpollSocket.scratch();
        scratch.value().set(INT, 0, value);
        int result =
                libc.setsockopt(scratch, socket.fd, level, option, scratch.value(), Integer.BYTES);
        if (result < 0) {
            throw LinuxErrno.exception("setting option " + option + " of", socket, -result);
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
    public long acceptFailures() {
        return acceptFailures.get();
    }

    @Override
    public void close() {
        Holds.Closing closing = lifetime.beginClose();
        if (closing == Holds.Closing.ALREADY) {
            return;
        }
        for (EpollSocket socket : sockets.all()) {
            socket.close();
        }
        if (closing == Holds.Closing.HELD) {
            WAKE.setVolatile(this, NOTIFIED);
            long unused = libc.write(EpollSocket.scratch(), eventfd, one, Long.BYTES);
            lifetime.release();
        }
    }
}
