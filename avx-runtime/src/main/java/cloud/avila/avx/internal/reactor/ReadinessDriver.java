package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.SocketCalls.AF_INET;
import static cloud.avila.avx.internal.sys.SocketCalls.AF_INET6;

import cloud.avila.avx.internal.log.BoundedLog;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeOption;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketMetrics;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * What drivers have in common to which the system reports readiness, edge-triggered: the sockets,
 * how they are opened, and the protocol of waking the poller. How an operation waits for readiness
 * is told in {@link ReadinessSocket}. A subclass asks its system for the events and hands them on.
 *
 * <p>Fields and memory orders:
 *
 * <ul>
 *   <li>{@code wake}: NONE, WAITING (a thread is about to wait or waits), NOTIFIED (a wake-up is
 *       due). Changed by atomic read-modify-write only. The poller goes from NONE to WAITING before
 *       it waits; {@link #wakeup} puts NOTIFIED and interrupts the poll only when it found WAITING;
 *       found NONE, its mark stays and the next waiting poll does not wait. Whichever operation
 *       comes second in the order of the word sees the first, with all that the other thread had
 *       done before it: no wake-up and no work published before a wake-up is lost.
 *   <li>{@code polling}: set by compare-and-set while a thread is in {@link #poll}. It turns misuse
 *       into an error, and passes what only the poller uses (the subclass's event memory, {@code
 *       readyEvents}) from one poller to the next.
 *   <li>{@code lifetime}: holds the driver's own descriptors, so that no number is used after
 *       release.
 *   <li>{@code sockets}: entry set before the descriptor can be registered and removed before its
 *       number is released. An event carries the generation and the number; an event of a former
 *       owner still in a batch finds another generation and is dropped.
 * </ul>
 */
abstract class ReadinessDriver implements IoDriver {
    private static final int DEFAULT_EVENTS = 64;

    /** Most events of a poll. */
    static final int MOST_EVENTS = 256;

    /** Tag of the event that ends a poll; the lower half of a socket's tag is never negative. */
    static final long WAKEUP_TAG = -1;

    private static final int NONE = 0;
    private static final int WAITING = 1;
    private static final int NOTIFIED = 2;
    private static final VarHandle WAKE;
    private static final VarHandle POLLING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            WAKE = lookup.findVarHandle(ReadinessDriver.class, "wake", int.class);
            POLLING = lookup.findVarHandle(ReadinessDriver.class, "polling", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final SocketCalls calls;

    /** A descriptor that takes the place of a socket's which is closed while it is used. */
    private final int marker;

    private final Lifetime lifetime = new Lifetime();
    private final SocketTable sockets = new SocketTable();

    @SuppressWarnings("UnusedVariable") // through WAKE
    private volatile int wake;

    @SuppressWarnings("UnusedVariable") // through POLLING
    private volatile boolean polling;

    private volatile int maxEvents = DEFAULT_EVENTS;
    private volatile boolean hasIpv6 = true;
    private volatile Runnable firstRegistration = () -> {};
    private volatile Supplier<? extends @Nullable IoDriver> homes = () -> this;

    final SocketCounts counts = new SocketCounts();

    private final AtomicInteger generations = new AtomicInteger();
    private final AtomicInteger registered = new AtomicInteger();
    private final AtomicLong registeredTotal = new AtomicLong();
    private final AtomicLong deregisteredTotal = new AtomicLong();
    private final AtomicLong wakeups = new AtomicLong();
    private final BoundedLog acceptTrouble =
            new BoundedLog(ReadinessDriver.class, 1, Duration.ofSeconds(10));
    private volatile long readyEvents;

    /** Releases the driver's own descriptors when neither a poller nor a waker uses them. */
    private final class Lifetime extends Holds {
        @Override
        void destroy() {
            ReadinessDriver.this.destroy();
        }

        @Override
        public String toString() {
            return "the " + name() + " driver";
        }
    }

    ReadinessDriver(SocketCalls calls, int marker) {
        this.calls = calls;
        this.marker = marker;
        // loaded now: without a descriptor left no class file can be opened to say so
        String unused = LinuxErrno.name(LinuxErrno.EMFILE);
    }

    @Override
    public final void acceptInto(Supplier<? extends @Nullable IoDriver> drivers) {
        homes = drivers;
    }

    /** The driver for an accepted connection. */
    final ReadinessDriver home() {
        return homes.get() instanceof ReadinessDriver d && d.getClass() == getClass() ? d : this;
    }

    // ---- what a system does in its own way ----

    /**
     * Waits for events and keeps them for {@link #dispatch(int)}. Called by the poller.
     *
     * @param most how many events to take at most
     * @param timeoutNanos longest time to wait, as for {@link #poll}; ending earlier is allowed
     * @return how many events there are, else the negated error number
     */
    abstract int collect(int most, long timeoutNanos);

    /** Hands on the events collected; says how many concerned sockets. Called by the poller. */
    abstract int dispatch(int count);

    /**
     * Begins to watch a descriptor, or watches it for more: the state as it is then must be
     * reported as well. Every event of the descriptor brings the tag.
     *
     * @param present what it is watched for already, 0 for nothing; bits of {@link
     *     ReadinessSocket#READABLE} and {@link ReadinessSocket#WRITABLE}
     * @param wanted what to watch it for, all of {@code present} and more
     * @return not negative, else the negated error number
     */
    abstract int register(int fd, int present, int wanted, long tag);

    /** Makes a connection of TCP from its descriptor. */
    ReadinessStream stream(int fd, int family, InetSocketAddress remote) {
        return new ReadinessStream(this, fd, family, remote);
    }

    /** After all sockets were closed, before the driver is: time to wait for what must be over. */
    void awaitSockets(List<ReadinessSocket> closed) {}

    /** Whether there is {@link #deregister}. */
    boolean canUnwatch() {
        return false;
    }

    /**
     * Ends watching a descriptor that stays open.
     *
     * @return not negative, else the negated error number
     */
    int deregister(int fd) {
        return -LinuxErrno.ENOSYS;
    }

    /** Makes {@link #collect} return, the present one or else the next. Called by any thread. */
    abstract void interruptPoll();

    /** Releases the driver's own descriptors. */
    abstract void destroy();

    // ---- polling ----

    @Override
    public final int poll(long timeoutNanos) throws IOException {
        if (!lifetime.hold()) {
            throw new IOException(lifetime + " is closed");
        }
        try {
            if (!POLLING.compareAndSet(this, false, true)) {
                throw new IllegalStateException("another thread polls this driver");
            }
            try {
                int dispatched = dispatch(await(timeoutNanos));
                readyEvents = readyEvents + dispatched;
                return dispatched;
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
            result = collect(maxEvents, waits ? timeoutNanos : 0);
        } finally {
            if (waits) {
                int unused = (int) WAKE.getAndSet(this, NONE);
            }
        }
        if (result < 0 && result != -LinuxErrno.EINTR) {
            throw calls.exception("waiting for events of " + name(), null, -result);
        }
        return Math.max(result, 0);
    }

    /** Tells a socket, if the tag is still of its owner. */
    final void dispatch(long tag, int readiness) {
        ReadinessSocket socket = socket(tag);
        if (socket != null) {
            socket.dispatch(readiness);
        }
    }

    /** The socket of a tag, if the tag is still of its owner. */
    final @Nullable ReadinessSocket socket(long tag) {
        ReadinessSocket socket = sockets.get((int) tag);
        return socket != null && socket.generation == (int) (tag >>> 32) ? socket : null;
    }

    /** Whether a thread is in {@link #poll}. */
    final boolean isPolled() {
        return polling;
    }

    /** Whether a thread in {@link #poll} waits, or is about to, and nobody has woken it. */
    final boolean isWaiting() {
        return wake == WAITING;
    }

    /** Keeps the driver's own descriptors; false if it is closed. */
    final boolean hold() {
        return lifetime.hold();
    }

    /** Gives back what {@link #hold} took. */
    final void release() {
        lifetime.release();
    }

    @Override
    public final void wakeup() {
        if ((int) WAKE.getAndSet(this, NOTIFIED) != WAITING || !lifetime.hold()) {
            return;
        }
        try {
            wakeups.getAndIncrement();
            interruptPoll();
        } finally {
            lifetime.release();
        }
    }

    @Override
    public final void maxEvents(int events) {
        maxEvents = Math.clamp(events, 1, MOST_EVENTS);
    }

    @Override
    public final void onFirstRegistration(Runnable action) {
        firstRegistration = action;
    }

    // ---- registration, for sockets ----

    final int nextGeneration() {
        return generations.getAndIncrement();
    }

    /** Takes care of a new socket, or closes it if the driver has been closed meanwhile. */
    final <S extends ReadinessSocket> S add(S socket) throws IOException {
        if (socket.fd >= SocketTable.CAPACITY) {
            socket.close();
            throw calls.exception("opening descriptor " + socket.fd, null, LinuxErrno.EMFILE);
        }
        sockets.set(socket);
        if (lifetime.isClosed()) {
            socket.close();
            throw closed();
        }
        return socket;
    }

    final void remove(ReadinessSocket socket) {
        if (socket.fd < SocketTable.CAPACITY) {
            sockets.remove(socket);
        }
    }

    /** Begins to watch a socket, or watches it for more. */
    final void watch(ReadinessSocket socket, int present, int wanted) throws IOException {
        if (!lifetime.hold()) {
            return;
        }
        try {
            long tag = (long) socket.generation << 32 | socket.fd;
            int result = register(socket.fd, present, wanted, tag);
            if (result < 0) {
                throw calls.exception("registering with " + name(), socket, -result);
            }
        } finally {
            lifetime.release();
        }
        if (present == 0) {
            countRegistration();
        }
    }

    /** A descriptor is watched that was not before. */
    final void countRegistration() {
        registeredTotal.getAndIncrement();
        if (registered.getAndIncrement() == 0) {
            firstRegistration.run();
        }
    }

    /** Ends watching a descriptor that stays open. */
    final void unwatch(ReadinessSocket socket) {
        if (!lifetime.hold()) {
            return;
        }
        try {
            // fails only if somebody has closed the number, and then there is nothing to end
            int unused = deregister(socket.fd);
        } finally {
            lifetime.release();
        }
    }

    final void deregistered() {
        registered.getAndDecrement();
        deregisteredTotal.getAndIncrement();
    }

    /** Lets the number mean the marker, which ends the socket and keeps the number taken. */
    final void replaceByMarker(ReadinessSocket socket) {
        if (!lifetime.hold()) {
            return;
        }
        try {
            // fails only under a race with the system's limits; then the last operation closes it
            int unused = calls.replace(ReadinessSocket.scratch(), marker, socket.fd);
        } finally {
            lifetime.release();
        }
    }

    final void acceptFailed(ReadinessSocket listener, int errno) {
        listener.counts.acceptFailed();
        acceptTrouble.log(
                Level.WARNING,
                () ->
                        calls.exception("accept on", listener, errno).getMessage()
                                + "; new connections wait until it can go on",
                null);
    }

    // ---- opening sockets ----

    @Override
    public final IoListener listen(InetSocketAddress local, ListenSettings settings)
            throws IOException {
        ReadinessListener listener =
                add(open(local, SocketCalls.SOCK_STREAM, "listen on", ReadinessListener::new));
        try {
            // accepted connections inherit both
            set(listener, NativeOption.TCP_NODELAY, 1);
            buffer(listener, NativeOption.SO_RCVBUF, settings.receiveBuffer());
            flag(listener, NativeOption.SO_REUSEADDR, settings.reuseAddress());
            flag(listener, NativeOption.SO_REUSEPORT, settings.reusePort());
            bind(listener, local, settings.options(), "listen on");
            int result = calls.listen(ReadinessSocket.scratch(), listener.fd, settings.backlog());
            if (result < 0) {
                throw calls.exception("listen on", local, -result);
            }
            listener.learnLocalAddress();
            return listener;
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    @Override
    public final IoDatagram datagram(InetSocketAddress local, DatagramSettings settings)
            throws IOException {
        ReadinessDatagram socket =
                add(
                        open(
                                local,
                                SocketCalls.SOCK_DGRAM,
                                "bind datagram socket to",
                                ReadinessDatagram::new));
        try {
            buffer(socket, NativeOption.SO_RCVBUF, settings.receiveBuffer());
            buffer(socket, NativeOption.SO_SNDBUF, settings.sendBuffer());
            flag(socket, NativeOption.SO_REUSEADDR, settings.reuseAddress());
            flag(socket, NativeOption.SO_REUSEPORT, settings.reusePort());
            flag(socket, NativeOption.SO_BROADCAST, settings.broadcast());
            bind(socket, local, settings.options(), "bind datagram socket to");
            socket.learnLocalAddress();
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public final @Nullable IoStream connect(
            InetSocketAddress remote, ConnectSettings settings, long timeoutNanos)
            throws IOException, InterruptedException {
        ReadinessSocket.throwIfInterrupted();
        ReadinessStream stream =
                add(
                        open(
                                remote,
                                SocketCalls.SOCK_STREAM,
                                "connect to",
                                (driver, fd, family) -> driver.stream(fd, family, remote)));
        try {
            set(stream, NativeOption.TCP_NODELAY, 1);
            flag(stream, NativeOption.SO_REUSEADDR, settings.reuseAddress());
            buffer(stream, NativeOption.SO_RCVBUF, settings.receiveBuffer());
            buffer(stream, NativeOption.SO_SNDBUF, settings.sendBuffer());
            if (settings.local() == null) {
                IoDriver.setOptions(stream, settings.options());
            } else {
                bind(stream, settings.local(), settings.options(), "bind, to connect from");
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

    // ---- what not every system has ----

    @Override
    public final Set<IoCapability> capabilities() {
        var all = EnumSet.of(IoCapability.READINESS_CALLBACKS);
        if (calls.hasUnixDomain()) {
            all.add(IoCapability.UNIX_STREAMS);
            all.add(IoCapability.UNIX_DATAGRAMS);
            all.add(IoCapability.PEER_CREDENTIALS);
            all.add(IoCapability.DESCRIPTOR_PASSING);
        }
        if (calls.hasAbstractNames()) {
            all.add(IoCapability.ABSTRACT_NAMES);
        }
        if (calls.hasMulticast()) {
            all.add(IoCapability.MULTICAST);
            all.add(IoCapability.SOURCE_MULTICAST);
        }
        if (canUnwatch() && calls.hasDescriptors()) {
            all.add(IoCapability.DESCRIPTORS);
        }
        if (calls.hasSendFile()) {
            all.add(IoCapability.SEND_FILE);
        }
        return all;
    }

    private void require(IoCapability capability) {
        if (!capabilities().contains(capability)) {
            throw capability.missing(name());
        }
    }

    /** Checks a name, and that the driver is open. */
    private void requireUnix(IoCapability capability, UnixName name) throws IOException {
        require(capability);
        if (name.isAbstract()) {
            require(IoCapability.ABSTRACT_NAMES);
        }
        if (lifetime.isClosed()) {
            throw closed();
        }
    }

    private int openUnix(int type, String operation, UnixName name) throws IOException {
        int fd = calls.open(ReadinessSocket.scratch(), SocketCalls.AF_UNIX, type);
        if (fd < 0) {
            throw calls.exception(operation, name, -fd);
        }
        return fd;
    }

    private void bind(ReadinessSocket socket, UnixName local, String operation) throws IOException {
        NativeScratch scratch = ReadinessSocket.scratch();
        int length = calls.encodeUnix(scratch.address(), local.bytes());
        int result = calls.bind(scratch, socket.fd, scratch.address(), length);
        if (result < 0) {
            throw calls.exception(operation, local, -result);
        }
    }

    @Override
    public final IoUnixListener listenUnix(UnixName local, int backlog) throws IOException {
        requireUnix(IoCapability.UNIX_STREAMS, local);
        int fd = openUnix(SocketCalls.SOCK_STREAM, "listen on", local);
        ReadinessUnixListener listener = add(new ReadinessUnixListener(this, fd, local));
        try {
            bind(listener, local, "listen on");
            int result = calls.listen(ReadinessSocket.scratch(), listener.fd, backlog);
            if (result < 0) {
                throw calls.exception("listen on", local, -result);
            }
            return listener;
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    @Override
    public final @Nullable IoUnixStream connectUnix(UnixName remote, long timeoutNanos)
            throws IOException, InterruptedException {
        ReadinessSocket.throwIfInterrupted();
        requireUnix(IoCapability.UNIX_STREAMS, remote);
        int fd = openUnix(SocketCalls.SOCK_STREAM, "connect to", remote);
        ReadinessUnixStream stream =
                add(new ReadinessUnixStream(this, fd, UnixName.UNNAMED, remote));
        try {
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

    @Override
    public final IoUnixStream[] unixPair() throws IOException {
        requireUnix(IoCapability.UNIX_STREAMS, UnixName.UNNAMED);
        NativeScratch scratch = ReadinessSocket.scratch();
        int result = calls.openPair(scratch, SocketCalls.SOCK_STREAM);
        if (result < 0) {
            throw calls.exception("open a pair of Unix sockets", null, -result);
        }
        int first = scratch.value().get(ReadinessSocket.INT, 0);
        int second = scratch.value().get(ReadinessSocket.INT, Integer.BYTES);
        var a = new ReadinessUnixStream(this, first, UnixName.UNNAMED, UnixName.UNNAMED);
        var b = new ReadinessUnixStream(this, second, UnixName.UNNAMED, UnixName.UNNAMED);
        try {
            return new IoUnixStream[] {add(a), add(b)};
        } catch (Throwable e) {
            a.close();
            b.close();
            throw e;
        }
    }

    @Override
    public final IoUnixDatagram datagramUnix(UnixName local) throws IOException {
        requireUnix(IoCapability.UNIX_DATAGRAMS, local);
        int fd = openUnix(SocketCalls.SOCK_DGRAM, "bind datagram socket to", local);
        ReadinessUnixDatagram socket = add(new ReadinessUnixDatagram(this, fd, local));
        try {
            if (!local.isUnnamed()) {
                bind(socket, local, "bind datagram socket to");
            }
            return socket;
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    @Override
    public final IoDescriptor descriptor(int number, boolean owned) throws IOException {
        require(IoCapability.DESCRIPTORS);
        if (lifetime.isClosed()) {
            throw closed();
        }
        int result = calls.makeNonBlocking(ReadinessSocket.scratch(), number);
        if (result < 0) {
            throw calls.exception("watching descriptor", number, -result);
        }
        if (sockets.get(number) != null) {
            throw new IOException("descriptor " + number + " is watched by this driver already");
        }
        var descriptor = add(new ReadinessDescriptor(this, number));
        try {
            descriptor.register(ReadinessSocket.READABLE);
        } catch (IOException e) {
            descriptor.close();
            throw new IOException("descriptor " + number + " cannot be watched; is it a file?", e);
        }
        if (owned) {
            descriptor.own();
        }
        return descriptor;
    }

    @Override
    public final void closeDescriptor(int number) throws IOException {
        require(IoCapability.DESCRIPTOR_PASSING);
        int result = calls.close(ReadinessSocket.scratch(), number);
        if (result == -LinuxErrno.EBADF) {
            throw calls.exception("close descriptor", number, -result);
        }
    }

    @Override
    public final IoFile openFile(Path path) throws IOException {
        IoFile file = calls.hasSendFile() ? ReadinessFile.open(calls, path) : null;
        return file == null ? IoDriver.super.openFile(path) : file;
    }

    private interface Maker<S> {
        S make(ReadinessDriver driver, int fd, int family);
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
        int fd = calls.open(ReadinessSocket.scratch(), family, type);
        if (fd == -LinuxErrno.EAFNOSUPPORT && address.getAddress().isAnyLocalAddress()) {
            // a machine without IPv6: any address means any IPv4 address
            hasIpv6 = false;
            family = AF_INET;
            fd = calls.open(ReadinessSocket.scratch(), family, type);
        }
        if (fd < 0) {
            throw calls.exception(operation, address, -fd);
        }
        return maker.make(this, fd, family);
    }

    private void bind(
            ReadinessSocket socket,
            InetSocketAddress local,
            Map<SocketOption<?>, Object> options,
            String operation)
            throws IOException {
        if (socket.family == AF_INET6) {
            set(socket, NativeOption.IPV6_V6ONLY, 0);
        }
        IoDriver.setOptions(socket, options);
        InetSocketAddress address =
                socket.family == AF_INET && local.getAddress().isAnyLocalAddress()
                        ? new InetSocketAddress("0.0.0.0", local.getPort())
                        : local;
        NativeScratch scratch = ReadinessSocket.scratch();
        int length = calls.encode(scratch.address(), socket.family, address);
        int result = calls.bind(scratch, socket.fd, scratch.address(), length);
        if (result < 0) {
            throw calls.exception(operation, local, -result);
        }
    }

    private void flag(ReadinessSocket socket, NativeOption option, boolean value)
            throws IOException {
        if (value) {
            set(socket, option, 1);
        }
    }

    private void buffer(ReadinessSocket socket, NativeOption option, int bytes) throws IOException {
        if (bytes > 0) {
            set(socket, option, bytes);
        }
    }

    private void set(ReadinessSocket socket, NativeOption option, int value) throws IOException {
        NativeScratch scratch = ReadinessSocket.scratch();
        scratch.value().set(ReadinessSocket.INT, 0, value);
        int result = calls.setsockopt(scratch, socket.fd, option, scratch.value(), Integer.BYTES);
        if (result < 0) {
            throw calls.exception("setting " + option + " of", socket, -result);
        }
    }

    private static IOException closed() {
        return new IOException("the runtime is closed, so it opens no sockets");
    }

    // ---- numbers ----

    @Override
    public final int registered() {
        return registered.get();
    }

    @Override
    public final long registeredTotal() {
        return registeredTotal.get();
    }

    @Override
    public final long deregisteredTotal() {
        return deregisteredTotal.get();
    }

    @Override
    public final long readyEvents() {
        return readyEvents;
    }

    @Override
    public final long wakeups() {
        return wakeups.get();
    }

    @Override
    public final List<SocketMetrics> socketMetrics() {
        return counts.metrics();
    }

    @Override
    public final List<OpenSocket> openSockets(int most) {
        return sockets.first(most, socket -> !socket.isClosed()).stream()
                .map(ReadinessSocket::describe)
                .toList();
    }

    @Override
    public final void close() {
        Holds.Closing closing = lifetime.beginClose();
        if (closing == Holds.Closing.ALREADY) {
            return;
        }
        List<ReadinessSocket> all = sockets.all();
        for (ReadinessSocket socket : all) {
            socket.close();
        }
        if (closing == Holds.Closing.HELD) {
            WAKE.setVolatile(this, NOTIFIED);
            interruptPoll();
            awaitSockets(all);
            lifetime.release();
        }
    }
}
