package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A non-blocking socket whose readiness the system reports, edge-triggered.
 *
 * <h2>How waiting for readiness works</h2>
 *
 * <p>An edge-triggered event says "since you were last told, something has arrived" and is not
 * repeated. Each direction has a counter, {@code readEvents} and {@code writeEvents}, which the
 * poller adds to for each event. An operation reads the counter, <em>then</em> tries the system
 * call, and on "would block" waits until the counter differs from what it had read.
 *
 * <p>Invariant: if the call found nothing and the counter has not changed, no event is lost: one
 * will come for whatever arrives after the call. Proof: let data arrive after the call. Its event
 * is dispatched after it arrived, so after the call, so after the counter was read: the counter
 * changes. If the dispatch of an event is what the counter's value already includes, then its data
 * had arrived before the counter was read and the call, made later, has seen it.
 *
 * <p>The socket is registered lazily, when an operation first waits, and for sending only when
 * sending first waits; adding or changing a registration makes the kernel report the state as it is
 * then, so what happened between the call and the registration is reported too. It stays registered
 * until it is closed.
 *
 * <p>A flag that the operation clears before the call would need a store-load fence between the
 * two; a counter that only the poller writes needs none.
 *
 * <h2>Fields and memory orders</h2>
 *
 * <ul>
 *   <li>{@code readEvents}, {@code writeEvents}: written by the poller, and by who learns in
 *       another way that there is something, with a fully fenced add; read by operations, volatile.
 *       The read is an acquire, so the system call after it cannot come before it; what the poller
 *       wrote before, {@code exceptional}, is visible with it.
 *   <li>{@code reader}, {@code writer}: the thread that waits; written by it, volatile, before it
 *       reads the counter once more; read by the poller after its add. Both pairs are sequentially
 *       consistent, so either the waiter sees the new count or the poller sees the waiter. The same
 *       holds for closing: the closer sets the closed bit with an atomic operation, then reads the
 *       waiters. Clearing needs no order: a wake-up too many is harmless.
 *   <li>{@code exceptional}: set by the poller before its add, never cleared: hang-up, error or
 *       urgent data was reported. A short read normally proves the socket empty. With an end of
 *       stream or urgent data behind the last byte it does not, and their event may have been
 *       consumed together with that of the data; so then only "would block" proves it.
 *   <li>{@code whenReadable}, {@code whenWritable}: actions to run once; set by who asks, volatile,
 *       before it asks the system; taken by the poller, after its add, or by the closer, after the
 *       closed bit, with an atomic swap, so that each runs at most once.
 *   <li>{@code interest}: what the system watches; written under {@code registration} or by {@code
 *       destroy}, when nobody else is left; read optimistically.
 * </ul>
 *
 * <h2>The scratch memory</h2>
 *
 * <p>System calls use the {@link NativeScratch} of the carrier. Between {@link #scratch()} and the
 * last use of what it returned there must be no park, lock, monitor or yield, because a fiber may
 * continue on another carrier after it; see there.
 */
abstract class ReadinessSocket extends Holds implements IoSocket {
    /** An event: receiving may go on, or ends. An interest: receiving waits. */
    static final int READABLE = 1;

    /** An event: sending may go on, or ends. An interest: sending waits. */
    static final int WRITABLE = 2;

    /** Part of an event after which a short read proves nothing. */
    static final int EXCEPTIONAL = 4;

    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private static final int OPERATIONS_IN_A_ROW = 128;

    private static final VarHandle READ_EVENT_COUNT;
    private static final VarHandle WRITE_EVENT_COUNT;
    private static final VarHandle WHEN_READABLE;
    private static final VarHandle WHEN_WRITABLE;

    static {
        try {
            var lookup = MethodHandles.lookup();
            READ_EVENT_COUNT =
                    lookup.findVarHandle(ReadinessSocket.class, "readEvents", long.class);
            WRITE_EVENT_COUNT =
                    lookup.findVarHandle(ReadinessSocket.class, "writeEvents", long.class);
            WHEN_READABLE =
                    lookup.findVarHandle(ReadinessSocket.class, "whenReadable", Runnable.class);
            WHEN_WRITABLE =
                    lookup.findVarHandle(ReadinessSocket.class, "whenWritable", Runnable.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final ReadinessDriver driver;
    final SocketCalls calls;
    final int fd;
    final int family;
    final SocketCounts.Of counts;

    /** Tells this owner of the descriptor number from the ones before and after it. */
    final int generation;

    private volatile long readEvents;
    private volatile long writeEvents;
    private volatile @Nullable Thread reader;
    private volatile @Nullable Thread writer;
    private volatile @Nullable Runnable whenReadable;
    private volatile @Nullable Runnable whenWritable;
    private boolean exceptional;

    /** Only a hint, so races between the reader and the writer do not matter. */
    private int operationsInARow;

    private final ReentrantLock registration = new ReentrantLock();
    private volatile int interest;
    private volatile @Nullable InetSocketAddress local;

    ReadinessSocket(ReadinessDriver driver, int fd, int family, SocketKind kind) {
        this.driver = driver;
        this.calls = driver.calls;
        this.fd = fd;
        this.family = family;
        this.generation = driver.nextGeneration();
        this.counts = driver.counts.of(kind);
        counts.opened();
    }

    /** The scratch of the carrier; see the overview for how long it may be used. */
    static NativeScratch scratch() {
        return NativeScratch.of(Carrier.current());
    }

    // ---- readiness ----

    /** Called by the poller. */
    final void dispatch(int events) {
        if ((events & EXCEPTIONAL) != 0) {
            exceptional = true;
        }
        if ((events & READABLE) != 0) {
            long unused = (long) READ_EVENT_COUNT.getAndAdd(this, 1L);
            Parker.unpark(reader);
            runOnce(WHEN_READABLE);
        }
        if ((events & WRITABLE) != 0) {
            long unused = (long) WRITE_EVENT_COUNT.getAndAdd(this, 1L);
            Parker.unpark(writer);
            runOnce(WHEN_WRITABLE);
        }
    }

    /** Runs the action of {@link #WHEN_READABLE} or {@link #WHEN_WRITABLE}, if there is one. */
    private void runOnce(VarHandle callback) {
        if (callback.getVolatile(this) != null) {
            Runnable action = (Runnable) callback.getAndSet(this, (Runnable) null);
            if (action != null) {
                action.run();
            }
        }
    }

    /** What it is, and who waits in it. */
    final OpenSocket describe() {
        return new OpenSocket(counts.kind(), this, reader, writer);
    }

    /** Whether a thread waits for data. */
    final boolean hasReader() {
        return reader != null;
    }

    /** Makes a thread that waits for data try again. */
    final void wakeReader() {
        long unused = (long) READ_EVENT_COUNT.getAndAdd(this, 1L);
        Parker.unpark(reader);
        runOnce(WHEN_READABLE);
    }

    /**
     * Begins an operation: gives way now and then, since an operation that never has to wait would
     * keep its fiber on the worker for as long as the peer likes, and notices an interrupt.
     */
    final void begin(long timeoutNanos) throws InterruptedException {
        if (++operationsInARow >= OPERATIONS_IN_A_ROW) {
            operationsInARow = 0;
            Thread.yield();
        }
        if (timeoutNanos != 0) {
            throwIfInterrupted();
        }
    }

    /** To be read before a call that receives. */
    final long readEvents() {
        return readEvents;
    }

    /** To be read before a call that sends. */
    final long writeEvents() {
        return writeEvents;
    }

    /** Whether receiving less than asked for proves that nothing is left; after readEvents(). */
    boolean shortReadMeansDrained() {
        return !exceptional;
    }

    /**
     * Waits until the socket may be readable again or is closed.
     *
     * @param seen what {@link #readEvents()} said before the call that would have blocked
     * @param deadline {@link System#nanoTime()} at which to give up
     * @param limited whether the deadline counts
     * @return whether to try again; false if the time is over
     */
    final boolean awaitReadable(long seen, long deadline, boolean limited)
            throws IOException, InterruptedException {
        watch(READABLE);
        reader = Thread.currentThread();
        try {
            while (readEvents == seen && !isClosed()) {
                if (!park(deadline, limited)) {
                    return false;
                }
            }
            return true;
        } finally {
            reader = null;
        }
    }

    /** The same for sending. */
    final boolean awaitWritable(long seen, long deadline, boolean limited)
            throws IOException, InterruptedException {
        watch(WRITABLE);
        writer = Thread.currentThread();
        try {
            while (writeEvents == seen && !isClosed()) {
                if (!park(deadline, limited)) {
                    return false;
                }
            }
            return true;
        } finally {
            writer = null;
        }
    }

    @Override
    public final int whenReadable(@Nullable Runnable action) throws IOException {
        return when(WHEN_READABLE, READABLE, action);
    }

    @Override
    public final int whenWritable(@Nullable Runnable action) throws IOException {
        return when(WHEN_WRITABLE, WRITABLE, action);
    }

    /**
     * Keeps an action, and only then asks: what arrives after the question makes an event, whose
     * dispatch finds the action.
     */
    private int when(VarHandle callback, int direction, @Nullable Runnable action)
            throws IOException {
        if (action == null) {
            callback.setVolatile(this, (Runnable) null);
            return isClosed() ? IoDriver.CLOSED : IoDriver.TIMED_OUT;
        }
        if (!hold()) {
            return IoDriver.CLOSED;
        }
        try {
            callback.setVolatile(this, action);
            int result;
            try {
                register(direction);
                result = isReady(direction);
            } catch (Throwable e) {
                boolean unused = callback.compareAndSet(this, action, (Runnable) null);
                throw e;
            }
            if (result == IoDriver.TIMED_OUT) {
                return result;
            }
            return callback.compareAndSet(this, action, (Runnable) null)
                    ? result
                    : IoDriver.TIMED_OUT; // it has run already
        } finally {
            release();
        }
    }

    /** 0 if an operation of the direction would not wait, TIMED_OUT or CLOSED. */
    int isReady(int direction) throws IOException {
        NativeScratch scratch = scratch();
        int result;
        do {
            result =
                    direction == READABLE
                            ? calls.isReadable(scratch, fd)
                            : calls.isWritable(scratch, fd);
        } while (result == -LinuxErrno.EINTR);
        if (isClosed()) { // what was asked may be another file by now
            return IoDriver.CLOSED;
        }
        if (result < 0) {
            throw failure("polling", this, -result);
        }
        return result == 0 ? IoDriver.TIMED_OUT : ready(direction);
    }

    /**
     * Counts that there is something as an event, which may not have been dispatched yet: the next
     * try must not be left out because nothing is known to have happened since the last one.
     *
     * @return 0
     */
    final int ready(int direction) {
        VarHandle events = direction == READABLE ? READ_EVENT_COUNT : WRITE_EVENT_COUNT;
        long unused = (long) events.getAndAdd(this, 1L);
        return 0;
    }

    /** Waits until a point in time, with nothing to wait for but interrupt and closing. */
    final void pause(long deadline) throws InterruptedException {
        reader = Thread.currentThread();
        try {
            while (!isClosed()) {
                if (!park(deadline, true)) {
                    return;
                }
            }
        } finally {
            reader = null;
        }
    }

    /** The same in a direction that sends. */
    final void pauseWriter(long deadline) throws InterruptedException {
        writer = Thread.currentThread();
        try {
            if (!isClosed()) {
                boolean unused = park(deadline, true);
            }
        } finally {
            writer = null;
        }
    }

    /** False if the time is over. */
    private boolean park(long deadline, boolean limited) throws InterruptedException {
        if (limited) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false; // perhaps without having parked: counts as an operation in a row
            }
            operationsInARow = 0;
            Parker.parkNanos(this, left);
        } else {
            operationsInARow = 0;
            Parker.park(this);
        }
        throwIfInterrupted();
        return true;
    }

    static void throwIfInterrupted() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    /** The point in time at which a timeout that begins now ends. */
    static long deadline(long timeoutNanos) {
        return System.nanoTime() + Math.min(timeoutNanos, Long.MAX_VALUE / 2);
    }

    /**
     * Waits for the turn among the threads that want the same direction of a shared socket: one
     * waits for the event, the others for the lock.
     */
    static boolean awaitTurn(ReentrantLock turn, long deadline, boolean limited)
            throws InterruptedException {
        if (limited) {
            return turn.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
        turn.lockInterruptibly();
        return true;
    }

    final boolean isWatchedForReading() {
        return (interest & READABLE) != 0;
    }

    final boolean isWatchedForWriting() {
        return (interest & WRITABLE) != 0;
    }

    /** Makes sure that the poller will be told; for a direction in which something waits. */
    void watch(int events) throws IOException {
        register(events);
    }

    /** Registers with the driver, unless it is registered already. */
    final void register(int events) throws IOException {
        if ((interest & events) == events) {
            return;
        }
        registration.lock();
        try {
            int wanted = interest | events;
            if (wanted == interest || isClosed()) {
                return;
            }
            driver.watch(this, interest, wanted);
            interest = wanted;
        } finally {
            registration.unlock();
        }
    }

    // ---- life ----

    @Override
    public final boolean isOpen() {
        return !isClosed();
    }

    @Override
    public void close() {
        Closing closing = beginClose();
        if (closing == Closing.HELD) {
            disconnect();
            Parker.unpark(reader);
            Parker.unpark(writer);
            release();
        }
        if (closing != Closing.ALREADY) {
            counts.closed();
            runOnce(WHEN_READABLE);
            runOnce(WHEN_WRITABLE);
        }
    }

    /**
     * Ends the connection now although the number is still in use: another file takes the number's
     * place, so the peer and the port do not wait until the last operation has noticed.
     */
    void disconnect() {
        registration.lock();
        try {
            endFile();
            forgetRegistration();
        } finally {
            registration.unlock();
        }
    }

    /** Ends what the number means, and keeps the number taken. Under {@code registration}. */
    void endFile() {
        driver.replaceByMarker(this);
    }

    /** Gives the number back to the system. Nobody holds the socket any more. */
    void releaseNumber() {
        int result = calls.close(scratch(), fd);
        if (result == -LinuxErrno.EBADF) {
            throw new IllegalStateException(
                    "descriptor " + fd + " of " + this + " was closed by someone else");
        }
    }

    final boolean isRegistered() {
        return interest != 0;
    }

    void forgetRegistration() {
        if (interest != 0) {
            interest = 0;
            driver.deregistered();
        }
    }

    @Override
    final void destroy() {
        beforeRelease();
        forgetRegistration();
        driver.remove(this);
        releaseNumber();
        destroyed();
    }

    /** Runs before the registration is forgotten. Nobody holds the socket any more. */
    void beforeRelease() {}

    /** The number has been released, nobody holds this any more. */
    void destroyed() {}

    // ---- addresses and options ----

    @Override
    public InetSocketAddress localAddress() {
        InetSocketAddress known = local;
        if (known != null) {
            return known;
        }
        if (!hold()) {
            return new InetSocketAddress(0);
        }
        try {
            NativeScratch scratch = scratch();
            scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
            int result = calls.getsockname(scratch, fd, scratch.address(), scratch.length());
            return result < 0 ? new InetSocketAddress(0) : learnt(scratch);
        } finally {
            release();
        }
    }

    /** Finds out the address of a socket that was just bound. */
    final void learnLocalAddress() throws IOException {
        NativeScratch scratch = scratch();
        scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
        int result = calls.getsockname(scratch, fd, scratch.address(), scratch.length());
        if (result < 0) {
            throw calls.exception("asking for the address of descriptor", fd, -result);
        }
        learnt(scratch);
    }

    private InetSocketAddress learnt(NativeScratch scratch) {
        InetSocketAddress address = calls.decode(scratch.address());
        local = address;
        return address;
    }

    /** After connecting a datagram socket its address is another. */
    final void forgetLocalAddress() {
        local = null;
    }

    @Override
    public final <T> boolean setOption(SocketOption<T> option, T value) throws IOException {
        StandardOption known = knownOption(option);
        if (!hold()) {
            return false;
        }
        try {
            known.set(calls, this, value);
            return true;
        } finally {
            release();
        }
    }

    @Override
    public final <T> T getOption(SocketOption<T> option) throws IOException {
        StandardOption known = knownOption(option);
        if (!hold()) {
            throw new SocketException("reading " + option.name() + ": " + this + " is closed");
        }
        try {
            return Objects.requireNonNull(option.type().cast(known.get(calls, this)));
        } finally {
            release();
        }
    }

    private StandardOption knownOption(SocketOption<?> option) {
        StandardOption known = StandardOption.of(option);
        if (known == null || !known.isOf(optionUse()) || !known.isOn(calls)) {
            throw new UnsupportedOperationException(
                    this + " has no option " + option.name() + ", only " + supportedOptions());
        }
        return known;
    }

    /** Which options it has: a constant of {@link StandardOption}. */
    abstract int optionUse();

    @Override
    public final Set<SocketOption<?>> supportedOptions() {
        return StandardOption.supported(optionUse(), calls);
    }

    long recv(NativeScratch scratch, MemorySegment memory, long length, int flags) {
        long result;
        do {
            result = calls.recv(scratch, fd, memory, length, flags);
        } while (result == -LinuxErrno.EINTR);
        return result;
    }

    long send(NativeScratch scratch, MemorySegment memory, long length) {
        long result;
        do {
            result = calls.send(scratch, fd, memory, length);
        } while (result == -LinuxErrno.EINTR);
        return result;
    }

    final IOException failure(String operation, @Nullable Object target, int errno) {
        return calls.exception(operation, target, errno);
    }
}
