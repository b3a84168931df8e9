package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.fiber.Carrier;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.WindowsAddresses;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.SocketOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket whose operations a completion port reports.
 *
 * <h2>How waiting works</h2>
 *
 * <p>A call tries what needs no waiting with a non-blocking call of the system. If that would
 * block, it begins an {@link IocpOperation} and parks until the operation has ended: a receive, the
 * acceptance of a connection, the wish to be told that there is room. How the operation and its
 * memory live on when the call times out is told there.
 *
 * <h2>Holds</h2>
 *
 * <p>Other than with readiness drivers, a thread has a hold only for the stretch in which it uses
 * the handle or an operation's memory, never while it is parked. So {@code close} closes the handle
 * at once, or the thread in such a stretch does when it leaves: Windows has nothing that could take
 * a handle's place meanwhile. Each socket in turn holds the driver.
 *
 * <h2>The scratch memory</h2>
 *
 * <p>It belongs to the carrier, see {@link NativeScratch}, so only calls that have ended when they
 * return get it, never an operation.
 */
abstract class IocpSocket extends Holds implements IoSocket {
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    private static final int OPERATIONS_IN_A_ROW = 128;

    final IocpDriver driver;
    final Winsock winsock;
    final long handle;
    final int family;
    final SocketCounts.Of counts;

    /** Only a hint, so races between the reader and the writer do not matter. */
    private int operationsInARow;

    /** {@code IP_TOS} as it was set. */
    volatile int trafficClass;

    /** {@code IP_MULTICAST_IF} as it was set. */
    volatile @Nullable NetworkInterface multicastInterface;

    private final ReentrantLock registration = new ReentrantLock();
    private volatile boolean registered;
    private boolean reportsSuccess = true;
    private long baseHandle;
    private volatile @Nullable InetSocketAddress local;

    /** Has taken a hold of the driver, which destroying the socket gives back. */
    IocpSocket(IocpDriver driver, long handle, int family, SocketKind kind) {
        this.driver = driver;
        this.winsock = driver.winsock;
        this.handle = handle;
        this.family = family;
        this.counts = driver.counts.of(kind);
        counts.opened();
    }

    /** The scratch of the carrier; see the overview for how long it may be used. */
    static NativeScratch scratch() {
        return NativeScratch.of(Carrier.current());
    }

    abstract List<IocpOperation> operations();

    /** What it is, and who waits in it: the first operation receives or accepts, a second sends. */
    final OpenSocket describe() {
        List<IocpOperation> operations = operations();
        return new OpenSocket(
                counts.kind(),
                this,
                operations.isEmpty() ? null : operations.getFirst().waiter(),
                counts.kind().isListener() || operations.size() < 2
                        ? null
                        : operations.get(1).waiter());
    }

    // ---- waiting ----

    /**
     * Begins a call: gives way now and then, since one that never has to wait would keep its fiber
     * on the worker for as long as the peer likes, and notices an interrupt.
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

    /**
     * Waits until an operation has ended, the socket is closed, or somebody nudges.
     *
     * @param deadline {@link System#nanoTime()} at which to give up
     * @param limited whether the deadline counts
     * @return whether to look again; false if the time is over
     */
    final boolean await(IocpOperation operation, long deadline, boolean limited)
            throws InterruptedException {
        operation.waiter(Thread.currentThread());
        try {
            while (operation.isPending() && !isClosed() && !operation.takeNudge()) {
                if (!park(deadline, limited)) {
                    return false;
                }
            }
            return true;
        } finally {
            operation.waiter(null);
        }
    }

    /** Waits until a point in time, with nothing to wait for but interrupt and closing. */
    final void pause(IocpOperation operation, long deadline) throws InterruptedException {
        operation.waiter(Thread.currentThread());
        try {
            while (!isClosed()) {
                if (!park(deadline, true)) {
                    return;
                }
            }
        } finally {
            operation.waiter(null);
        }
    }

    /** False if the time is over. */
    private boolean park(long deadline, boolean limited) throws InterruptedException {
        if (limited) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
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

    /** Waits for the turn among the threads that want the same direction of a shared socket. */
    static boolean awaitTurn(ReentrantLock turn, long deadline, boolean limited)
            throws InterruptedException {
        if (limited) {
            return turn.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
        turn.lockInterruptibly();
        return true;
    }

    // ---- operations, all under a hold ----

    /** Calls the system; 0, or a negated error number. */
    interface Begin {
        int begin(NativeScratch scratch, MemorySegment block);
    }

    /**
     * Begins an operation of this socket's handle, unless somebody else does.
     *
     * @return 0, or the error number with which the system refused
     */
    final int begin(IocpOperation operation, Begin begin) throws IOException {
        register();
        return begin(operation, begin, reportsSuccess);
    }

    private static int begin(IocpOperation operation, Begin begin, boolean reportsSuccess) {
        if (!operation.tryBegin()) {
            return 0;
        }
        int result;
        try {
            result = begin.begin(scratch(), operation.block());
        } catch (Throwable e) {
            operation.refused();
            throw e;
        }
        if (result < 0 && result != -WindowsError.WSA_IO_PENDING) {
            operation.refused();
            return -result;
        }
        operation.begun(result < 0 || reportsSuccess);
        return 0;
    }

    /** Lets the port report this socket's operations. */
    private void register() throws IOException {
        if (registered) {
            return;
        }
        registration.lock();
        try {
            if (!registered) {
                reportsSuccess = driver.register(this);
                registered = true;
            }
        } finally {
            registration.unlock();
        }
    }

    /** Begins to wait for room to send; 0, or the error number with which the system refused. */
    final int beginWritable(IocpOperation operation) throws IOException {
        register();
        long base = baseHandle();
        long afd = driver.afd();
        return begin(
                operation,
                (_, block) -> {
                    MemorySegment info = block.asSlice(IocpMemory.POLL_INFO);
                    info.set(LONG, 0, Long.MAX_VALUE); // no timeout
                    info.set(INT, 8, 1);
                    info.set(INT, 12, 0);
                    info.set(LONG, 16, base);
                    info.set(
                            INT,
                            24,
                            Winsock.AFD_POLL_SEND
                                    | Winsock.AFD_POLL_ABORT
                                    | Winsock.AFD_POLL_LOCAL_CLOSE);
                    info.set(INT, 28, 0);
                    return winsock.afdPoll(afd, info, block);
                },
                true);
    }

    /** The handle below those of layered providers, as the kernel knows it. */
    private long baseHandle() throws IOException {
        if (baseHandle == 0) {
            NativeScratch scratch = scratch();
            int first = 0;
            for (int code : new int[] {Winsock.SIO_BASE_HANDLE, Winsock.SIO_BSP_HANDLE_POLL}) {
                int result =
                        winsock.wsaIoctl(
                                scratch,
                                handle,
                                code,
                                MemorySegment.NULL,
                                0,
                                scratch.value(),
                                Long.BYTES);
                if (result == 0) {
                    baseHandle = scratch.value().get(LONG, 0);
                    return baseHandle;
                }
                first = first == 0 ? -result : first;
            }
            throw WindowsError.exception("asking for the base handle of", this, first);
        }
        return baseHandle;
    }

    /** The error with which a finished operation failed, as Winsock names it; 0 for none. */
    final int error(IocpOperation operation) {
        if (operation.status() >= 0) {
            return 0;
        }
        int result = winsock.overlappedResult(scratch(), handle, operation.doneBlock());
        return result < 0 ? -result : 0;
    }

    /** 0 if the socket is ready now, or else TIMED_OUT. */
    final int pollNow(int events) throws IOException {
        NativeScratch scratch = scratch();
        MemorySegment pollfd = scratch.value();
        pollfd.set(LONG, 0, handle);
        pollfd.set(SHORT, 8, (short) events);
        pollfd.set(SHORT, 10, (short) 0);
        int result = winsock.poll(scratch, pollfd);
        if (result < 0) {
            throw WindowsError.exception("polling", this, -result);
        }
        return result > 0 ? 0 : IoDriver.TIMED_OUT;
    }

    /** Asks the system whether a call would wait. */
    interface Check {
        boolean isReady() throws IOException;
    }

    /** Begins the operation that tells when a call would not wait. */
    interface Start {
        void begin() throws IOException;
    }

    /** {@link IoSocket#whenReadable} and its like. */
    final int when(IocpOperation operation, @Nullable Runnable action, Check check, Start start)
            throws IOException {
        for (; ; ) {
            if (!hold()) {
                return IoDriver.CLOSED;
            }
            try {
                operation.action(null);
                if (check.isReady()) {
                    return 0;
                }
                if (action == null) {
                    return IoDriver.TIMED_OUT;
                }
                start.begin();
                operation.action(action);
            } finally {
                release();
            }
            // what ended before the action was there has not run it
            if (operation.isPending() && !isClosed() || !operation.withdraw(action)) {
                return IoDriver.TIMED_OUT;
            }
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
        if (closing == Closing.ALREADY) {
            return;
        }
        counts.closed();
        if (closing == Closing.HELD) {
            release();
        }
        for (IocpOperation operation : operations()) {
            operation.wake();
        }
    }

    @Override
    final void destroy() {
        NativeScratch scratch = scratch();
        for (IocpOperation operation : operations()) {
            if (operation.isPending()) {
                // a program that inherited the handle would otherwise keep them pending
                int unused = winsock.cancel(scratch, handle);
                break;
            }
        }
        int result = winsock.closesocket(scratch, handle);
        for (IocpOperation operation : operations()) {
            operation.abandon();
        }
        driver.remove(this, registered);
        if (result == -WindowsError.WSAENOTSOCK) {
            throw new IllegalStateException(
                    "handle " + handle + " of " + this + " was closed by someone else");
        }
    }

    // ---- addresses and options ----

    @Override
    public final InetSocketAddress localAddress() {
        InetSocketAddress known = local;
        if (known != null) {
            return known;
        }
        if (!hold()) {
            return new InetSocketAddress(0);
        }
        try {
            learnLocalAddress();
        } catch (IOException e) {
            return new InetSocketAddress(0);
        } finally {
            release();
        }
        known = local;
        return known != null ? known : new InetSocketAddress(0);
    }

    /** Finds out the address of a socket that was just bound. */
    final void learnLocalAddress() throws IOException {
        NativeScratch scratch = scratch();
        scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
        int result = winsock.getsockname(scratch, handle, scratch.address(), scratch.length());
        if (result < 0) {
            throw WindowsError.exception("asking for the address of socket", handle, -result);
        }
        local = WindowsAddresses.decode(scratch.address());
    }

    /** After connecting a datagram socket its address is another. */
    final void forgetLocalAddress() {
        local = null;
    }

    @Override
    public final <T> boolean setOption(SocketOption<T> option, T value) throws IOException {
        WindowsSocketOption known = knownOption(option);
        if (!hold()) {
            return false;
        }
        try {
            known.set(this, value);
            return true;
        } finally {
            release();
        }
    }

    @Override
    public final <T> T getOption(SocketOption<T> option) throws IOException {
        WindowsSocketOption known = knownOption(option);
        if (!hold()) {
            throw new SocketException("reading " + option.name() + ": " + this + " is closed");
        }
        try {
            return option.type().cast(known.get(this));
        } finally {
            release();
        }
    }

    private WindowsSocketOption knownOption(SocketOption<?> option) {
        WindowsSocketOption known = WindowsSocketOption.of(option, supportedOptions());
        if (known == null) {
            throw new UnsupportedOperationException(
                    this + " has no option " + option.name() + ", only " + supportedOptions());
        }
        return known;
    }

    @Override
    public abstract Set<SocketOption<?>> supportedOptions();
}
