package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketAddresses;
import cloud.avila.avx.internal.sys.SocketCalls;
import cloud.avila.avx.metrics.SocketKind;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A socket that accepts connections. For waiting see {@link ReadinessSocket}.
 *
 * <p>Every acceptor tries first. Those that find nothing line up for {@code turn}; its holder waits
 * for the event, and after the event tries again with the turn still held. Whoever gets the turn
 * tries before it waits, so a connection left behind by the one before is found.
 */
class ReadinessListener extends ReadinessSocket implements IoListener {
    private static final long FIRST_PAUSE_NANOS = 10_000_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000_000;

    private final ReentrantLock turn = new ReentrantLock();
    private final AtomicLong failures = new AtomicLong();

    ReadinessListener(ReadinessDriver driver, int fd, int family) {
        super(
                driver,
                fd,
                family,
                family == SocketCalls.AF_UNIX ? SocketKind.UNIX_LISTENER : SocketKind.TCP_LISTENER);
    }

    @Override
    public long acceptFailures() {
        return failures.get();
    }

    /** Where it listens, for messages. */
    Object address() {
        return localAddress();
    }

    /** The connection of a descriptor that was accepted; its peer's address is in the scratch. */
    ReadinessStream accepted(ReadinessDriver home, NativeScratch scratch, int descriptor) {
        InetSocketAddress remote = calls.decode(scratch.address());
        return home.stream(descriptor, family, remote);
    }

    @Override
    public @Nullable IoStream accept(long timeoutNanos) throws IOException, InterruptedException {
        begin(timeoutNanos);
        if (!hold()) {
            return null;
        }
        boolean limited = timeoutNanos > 0;
        boolean waited = false;
        boolean hasTurn = false;
        long deadline = 0;
        long pause = FIRST_PAUSE_NANOS;
        try {
            while (!isClosed()) {
                long seen = readEvents();
                NativeScratch scratch = scratch();
                scratch.length().set(INT, 0, SocketAddresses.UNIX_BYTES);
                int result = calls.accept(scratch, fd, scratch.address(), scratch.length());
                if (result >= 0) {
                    counts.accepted();
                    ReadinessDriver home = driver.home();
                    return home.add(accepted(home, scratch, result));
                }
                int errno = -result;
                if (isClosed()) {
                    break;
                }
                if (isOfOneConnection(errno)) {
                    continue;
                }
                boolean wantOfMeans = isWantOfMeans(errno);
                if (wantOfMeans) {
                    failures.getAndIncrement();
                    driver.acceptFailed(this, errno);
                } else if (errno != LinuxErrno.EAGAIN) {
                    throw failure("accept on", address(), errno);
                }
                if (timeoutNanos == 0) {
                    return null;
                }
                if (!waited) {
                    waited = true;
                    deadline = limited ? deadline(timeoutNanos) : 0;
                }
                if (!hasTurn) {
                    if (!awaitTurn(turn, deadline, limited)) {
                        return null;
                    }
                    hasTurn = true;
                } else if (wantOfMeans) {
                    // what waits to be accepted gives no event again, so time has to
                    long until = System.nanoTime() + pause;
                    pause(limited && deadline - until < 0 ? deadline : until);
                    if (limited && deadline - System.nanoTime() <= 0) {
                        return null;
                    }
                    pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
                } else if (!awaitReadable(seen, deadline, limited)) {
                    return null;
                }
            }
            return null;
        } finally {
            if (hasTurn) {
                turn.unlock();
            }
            release();
        }
    }

    /** Errors of the connection at the head of the queue, accept(2); the next one may be fine. */
    private static boolean isOfOneConnection(int errno) {
        return switch (errno) {
            case LinuxErrno.EINTR,
                    LinuxErrno.ECONNABORTED,
                    LinuxErrno.EPERM,
                    LinuxErrno.EPROTO,
                    LinuxErrno.ENOPROTOOPT,
                    LinuxErrno.ENETDOWN,
                    LinuxErrno.EHOSTDOWN,
                    LinuxErrno.ENONET,
                    LinuxErrno.EHOSTUNREACH,
                    LinuxErrno.ENETUNREACH ->
                    true;
            default -> false;
        };
    }

    private static boolean isWantOfMeans(int errno) {
        return errno == LinuxErrno.EMFILE
                || errno == LinuxErrno.ENFILE
                || errno == LinuxErrno.ENOBUFS
                || errno == LinuxErrno.ENOMEM;
    }

    @Override
    int optionUse() {
        return StandardOption.LISTENER;
    }

    @Override
    public String toString() {
        return "listener on " + address() + " (fd " + fd + ")";
    }
}
