package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.WindowsAddresses;
import cloud.avila.avx.internal.sys.WindowsError;
import cloud.avila.avx.internal.sys.Winsock;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket that accepts connections. For waiting see {@link IocpSocket}; acceptors take turns.
 *
 * <p>AcceptEx wants the socket that becomes the connection beforehand. The operation keeps it until
 * an acceptor takes the connection, also one that came after the acceptor before had given up.
 */
final class IocpListener extends IocpSocket implements IoListener {
    private static final long FIRST_PAUSE_NANOS = 10_000_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000_000;

    private final ReentrantLock turn = new ReentrantLock();
    private final AtomicLong failures = new AtomicLong();
    private final IocpOperation accepting;

    /** For the pauses of an acceptor, which wait for nothing. */
    private final IocpOperation pausing;

    private final List<IocpOperation> operations;

    IocpListener(IocpDriver driver, long handle, int family) {
        super(driver, handle, family, SocketKind.TCP_LISTENER);
        accepting = new IocpOperation(driver);
        pausing = new IocpOperation(driver);
        operations = List.of(accepting, pausing);
    }

    @Override
    List<IocpOperation> operations() {
        return operations;
    }

    @Override
    public long acceptFailures() {
        return failures.get();
    }

    @Override
    public @Nullable IoStream accept(long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        boolean limited = timeoutNanos > 0;
        long deadline = limited ? deadline(timeoutNanos) : 0;
        if (timeoutNanos == 0 ? !turn.tryLock() : !awaitTurn(turn, deadline, limited)) {
            return null; // who has the turn takes what is there
        }
        try {
            return acceptInTurn(timeoutNanos, deadline, limited);
        } finally {
            turn.unlock();
        }
    }

    private @Nullable IoStream acceptInTurn(long timeoutNanos, long deadline, boolean limited)
            throws IOException, InterruptedException {
        long pause = FIRST_PAUSE_NANOS;
        for (; ; ) {
            if (!hold()) {
                return null;
            }
            int error;
            try {
                error = beginAccept();
                if (error == 0 && accepting.isDone()) {
                    IoStream accepted = takeAccepted();
                    if (accepted != null) {
                        counts.accepted();
                        return accepted;
                    }
                    continue; // it had ended before it was accepted
                }
            } finally {
                release();
            }
            if (error != 0) {
                if (!WindowsError.isWantOfMeans(error)) {
                    throw WindowsError.exception("accept on", localAddress(), error);
                }
                failures.getAndIncrement();
                driver.acceptFailed(this, error);
            }
            if (timeoutNanos == 0) {
                return null;
            }
            if (error != 0) {
                long until = System.nanoTime() + pause;
                pause(pausing, limited && deadline - until < 0 ? deadline : until);
                if (limited && deadline - System.nanoTime() <= 0) {
                    return null;
                }
                pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
            } else if (!await(accepting, deadline, limited)) {
                return null;
            }
        }
    }

    /** Sees to it that a connection is being accepted or has been; 0 or an error number. */
    private int beginAccept() throws IOException {
        for (; ; ) {
            if (!accepting.isFree()) {
                return 0;
            }
            long socket =
                    winsock.socket(scratch(), family, Winsock.SOCK_STREAM, Winsock.IPPROTO_TCP);
            if (socket < 0) {
                return (int) -socket;
            }
            int error;
            try {
                error =
                        begin(
                                accepting,
                                (scratch, block) -> {
                                    accepting.accepting(socket);
                                    int result =
                                            winsock.acceptEx(
                                                    scratch,
                                                    driver.acceptEx,
                                                    handle,
                                                    socket,
                                                    block.asSlice(IocpMemory.ADDRESSES),
                                                    IocpMemory.ACCEPT_BYTES,
                                                    block);
                                    if (result < 0 && result != -WindowsError.WSA_IO_PENDING) {
                                        accepting.takeAccepted();
                                    }
                                    return result;
                                });
            } catch (Throwable e) {
                driver.discard(socket);
                throw e;
            }
            if (error == 0) {
                return 0;
            }
            driver.discard(socket);
            if (!isOfOneConnection(error)) {
                return error;
            }
        }
    }

    /** Null if the connection ended before it was accepted. */
    private @Nullable IoStream takeAccepted() throws IOException {
        int error = error(accepting);
        long socket = accepting.takeAccepted();
        accepting.taken();
        if (error != 0) {
            driver.discard(socket);
            if (isOfOneConnection(error)) {
                return null;
            }
            throw WindowsError.exception("accept on", localAddress(), error);
        }
        InetSocketAddress remote;
        try {
            remote = complete(socket);
        } catch (Throwable e) {
            driver.discard(socket);
            throw e;
        }
        if (remote == null) {
            driver.discard(socket);
            return null;
        }
        return driver.add(new IocpStream(driver, socket, family, remote), socket);
    }

    /** Makes a usable socket of an accepted one; null if the peer has gone. */
    private @Nullable InetSocketAddress complete(long socket) throws IOException {
        NativeScratch scratch = scratch();
        scratch.value().set(LONG, 0, handle);
        int result =
                winsock.setsockopt(
                        scratch,
                        socket,
                        Winsock.SOL_SOCKET,
                        Winsock.SO_UPDATE_ACCEPT_CONTEXT,
                        scratch.value(),
                        Long.BYTES);
        if (result == 0) {
            scratch.value().set(INT, 0, 1);
            result = winsock.ioctlsocket(scratch, socket, Winsock.FIONBIO, scratch.value());
        }
        if (result == 0) {
            scratch.value().set(INT, 0, 1);
            result =
                    winsock.setsockopt(
                            scratch,
                            socket,
                            Winsock.IPPROTO_TCP,
                            Winsock.TCP_NODELAY,
                            scratch.value(),
                            Integer.BYTES);
        }
        if (result == 0) {
            scratch.length().set(INT, 0, SocketAddresses.MAX_BYTES);
            result = winsock.getpeername(scratch, socket, scratch.address(), scratch.length());
        }
        if (result < 0) {
            if (isOfOneConnection(-result)) {
                return null;
            }
            throw WindowsError.exception("completing a connection of", this, -result);
        }
        return WindowsAddresses.decode(scratch.address());
    }

    /** Errors of the connection at the head of the queue; the next one may be fine. */
    private static boolean isOfOneConnection(int error) {
        return switch (error) {
            case WindowsError.WSAECONNRESET,
                    WindowsError.WSAECONNABORTED,
                    WindowsError.WSAENOTCONN,
                    WindowsError.WSAENETRESET,
                    WindowsError.ERROR_NETNAME_DELETED ->
                    true;
            default -> false;
        };
    }

    @Override
    public int whenReadable(@Nullable Runnable action) throws IOException {
        return when(
                accepting,
                action,
                accepting::isDone,
                () -> {
                    int error = beginAccept();
                    if (error != 0) {
                        throw WindowsError.exception("accept on", localAddress(), error);
                    }
                });
    }

    @Override
    public Set<SocketOption<?>> supportedOptions() {
        return WindowsSocketOption.OF_LISTENER;
    }

    @Override
    public String toString() {
        return "listener on " + localAddress() + " (socket " + handle + ")";
    }
}
