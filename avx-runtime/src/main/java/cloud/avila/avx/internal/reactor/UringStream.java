package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxUring;
import cloud.avila.avx.internal.sys.NativeOption;
import cloud.avila.avx.internal.sys.NativeScratch;
import cloud.avila.avx.internal.sys.SocketCalls;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;

/**
 * A connection whose waiting for data is a receive in the ring: where {@link ReadinessSocket} would
 * register with epoll, it submits one, and where the readiness protocol then repeats the system
 * call, it takes what the receive has brought. All else is as there, the counting of events too:
 * the completion counts as an event.
 *
 * <h2>The receive</h2>
 *
 * <p>There is at most one, from submitting to completion, whoever waits for it. A reader that times
 * out or is interrupted leaves it: what it receives later is kept for the next reader, so that
 * nothing is lost and the order is kept. While it is under way nobody makes the system call, which
 * could overtake it. It owns no memory of the reader's: the kernel takes a buffer of {@link
 * UringBuffers} when the data is there. If nobody waits at that moment the data moves to the heap,
 * so that streams nobody reads do not keep the buffers from the others; and if there is no buffer,
 * the completion says so and the reader receives by system call.
 *
 * <p>The receive holds the socket, so the number is not released, and its entry in the driver's
 * table not removed, before the completion. Closing ends the connection (which completes the
 * receive) before the number gets another meaning; should the receive begin in between, it is
 * cancelled, and a submission that the kernel reads afterwards fails, for the number then means
 * what is no socket.
 *
 * <h2>Fields and memory orders</h2>
 *
 * <ul>
 *   <li>{@code state}: IDLE to RECEIVING by the reader, which is one thread; RECEIVING to RECEIVED
 *       or IDLE by who takes the completion; RECEIVED to IDLE by the reader. Volatile. The fields
 *       {@code result} to {@code copied} belong to the taker while RECEIVING, to the reader
 *       otherwise; the write of the state hands them on.
 *   <li>{@code counted}: whether the driver counts it as registered; changed atomically, since
 *       closing and the first receive may meet.
 * </ul>
 */
final class UringStream extends ReadinessStream {
    private static final int IDLE = 0;
    private static final int RECEIVING = 1;
    private static final int RECEIVED = 2;

    /** sys/socket.h: end both directions. */
    private static final int SHUT_RDWR = 2;

    private static final int NEVER = 0;
    private static final int COUNTED = 1;
    private static final int NO_MORE = 2;

    private static final VarHandle COUNT;

    static {
        try {
            COUNT = MethodHandles.lookup().findVarHandle(UringStream.class, "counted", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final UringDriver ring;

    /** Whether it keeps the driver's memory; if not, the driver was closed before it was opened. */
    private final boolean holdsDriver;

    private final UringQueues.Submission submission;

    private volatile int state;

    /** Bytes received, 0 for the end of the stream, or a negated error number. */
    private int result;

    /** How many of the bytes have been taken. */
    private int taken;

    private boolean mayHoldMore;
    private int buffer = UringBuffers.NONE;
    private byte @Nullable [] copied;

    @SuppressWarnings("UnusedVariable") // through COUNT
    private volatile int counted;

    UringStream(UringDriver driver, int fd, int family, InetSocketAddress remote) {
        super(driver, fd, family, remote);
        ring = driver;
        holdsDriver = driver.hold();
        submission = UringQueues.Submission.receive(fd, UringBuffers.GROUP, tag());
    }

    long tag() {
        return (long) generation << 32 | fd;
    }

    boolean isReceiving() {
        return state == RECEIVING;
    }

    // ---- the reader's ----

    @Override
    void watch(int events) throws IOException {
        int left = events;
        if ((events & READABLE) != 0 && !isWatchedForReading()) {
            receive();
            left &= ~READABLE;
        }
        if (left != 0) {
            super.watch(left);
        }
    }

    /** Begins to receive if that is needed. */
    private void receive() {
        if (state != IDLE || !hold()) {
            return;
        }
        state = RECEIVING;
        ring.receive(submission);
        if (counted == NEVER && COUNT.compareAndSet(this, NEVER, COUNTED)) {
            ring.countRegistration();
        }
    }

    @Override
    long recv(NativeScratch scratch, MemorySegment memory, long length, int flags) {
        if (state == RECEIVING) {
            ring.help();
        }
        return switch (state) {
            case IDLE -> super.recv(scratch, memory, length, flags);
            case RECEIVING -> -LinuxErrno.EAGAIN;
            default ->
                    flags == 0
                            ? taken(scratch, memory, length)
                            : peeked(scratch, memory, length, flags);
        };
    }

    private long taken(NativeScratch scratch, MemorySegment memory, long length) {
        if (result <= 0) {
            state = IDLE;
            return result;
        }
        int count = copied(memory, length);
        taken += count;
        if (taken < result) {
            return count;
        }
        giveBuffer();
        long more = 0;
        if (mayHoldMore && count < length) {
            more = super.recv(scratch, memory.asSlice(count, length - count), length - count, 0);
        }
        if (more < 0 && more != -LinuxErrno.EAGAIN) {
            result = (int) more;
            wakeReader(); // for there is something to be seen next time
            return count;
        }
        state = IDLE;
        return count + Math.max(more, 0);
    }

    private long peeked(NativeScratch scratch, MemorySegment memory, long length, int flags) {
        if (result <= 0) {
            return result;
        }
        int count = copied(memory, length);
        long more = 0;
        if (count < length) {
            more =
                    super.recv(
                            scratch, memory.asSlice(count, length - count), length - count, flags);
        }
        return count + Math.max(more, 0);
    }

    private int copied(MemorySegment memory, long length) {
        int count = (int) Math.min(result - taken, length);
        byte[] heap = copied;
        if (heap != null) {
            MemorySegment.copy(MemorySegment.ofArray(heap), taken, memory, 0, count);
        } else {
            ring.buffers.copy(buffer, taken, memory, count);
        }
        return count;
    }

    private void giveBuffer() {
        copied = null;
        if (buffer != UringBuffers.NONE) {
            ring.buffers.give(buffer);
            buffer = UringBuffers.NONE;
        }
    }

    @Override
    int isReady(int direction) throws IOException {
        int now = state;
        if (direction != READABLE || now == IDLE) {
            return super.isReady(direction);
        }
        if (isClosed()) {
            return IoDriver.CLOSED;
        }
        return now == RECEIVING ? IoDriver.TIMED_OUT : ready(direction);
    }

    @Override
    public int available() throws IOException {
        int further = super.available();
        if (further < 0 || state != RECEIVED) {
            return further;
        }
        return Math.max(result - taken, 0) + further;
    }

    // ---- the taker's ----

    /** The receive has completed. */
    void received(int completed, int flags) {
        int used =
                (flags & LinuxUring.CQE_F_BUFFER) != 0
                        ? flags >>> LinuxUring.CQE_BUFFER_SHIFT
                        : UringBuffers.NONE;
        if (completed <= 0 && used != UringBuffers.NONE) {
            ring.buffers.give(used);
            used = UringBuffers.NONE;
        }
        if (isToBeRepeated(completed)) {
            state = IDLE;
        } else {
            result = completed;
            taken = 0;
            mayHoldMore = (flags & LinuxUring.CQE_F_SOCK_NONEMPTY) != 0;
            buffer = used;
            if (used != UringBuffers.NONE && !hasReader()) {
                copied = ring.buffers.copy(used, completed);
                ring.buffers.give(used);
                buffer = UringBuffers.NONE;
            }
            state = RECEIVED;
        }
        dispatch(READABLE);
        release();
    }

    /**
     * No buffer was left, or the receive was ended although nobody wanted it: because the thread
     * that had submitted it has ended, for one.
     */
    private static boolean isToBeRepeated(int completed) {
        return switch (-completed) {
            case LinuxErrno.ENOBUFS,
                    LinuxErrno.ECANCELED,
                    LinuxErrno.EAGAIN,
                    LinuxErrno.EINTR,
                    LinuxErrno.ENOMEM ->
                    true;
            default -> false;
        };
    }

    // ---- the end ----

    @Override
    void disconnect() {
        if (state == RECEIVING) {
            endReceive();
        }
        super.disconnect();
        if (state == RECEIVING) {
            ring.settle(this);
        }
    }

    /**
     * Ends the connection in a way that completes the receive: its hold on the file would delay
     * what closing has to do.
     */
    private void endReceive() {
        NativeScratch scratch = scratch();
        scratch.length().set(INT, 0, 2 * Integer.BYTES);
        int known =
                calls.getsockopt(
                        scratch, fd, NativeOption.SO_LINGER, scratch.value(), scratch.length());
        boolean lingers = known >= 0 && scratch.value().get(INT, 0) != 0;
        int seconds = scratch.value().get(INT, Integer.BYTES);
        if (!lingers) {
            int unused = calls.shutdown(scratch, fd, SHUT_RDWR);
        } else if (seconds == 0) {
            // connecting to no address is how TCP is reset without closing, connect(2)
            scratch.address().fill((byte) 0);
            int unused = calls.connect(scratch, fd, scratch.address(), 16);
        } else {
            // closing will wait for the peer, which must be this thread and not the poller
            int unused = calls.shutdown(scratch, fd, SocketCalls.SHUT_RD);
            ring.settle(this);
        }
    }

    @Override
    void forgetRegistration() {
        super.forgetRegistration();
        if ((int) COUNT.getAndSet(this, NO_MORE) == COUNTED) {
            ring.deregistered();
        }
    }

    /** The driver is closed and does not wait for the receive any longer. */
    void abandon() {
        state = IDLE;
        release();
    }

    @Override
    void destroyed() {
        if (state == RECEIVED) {
            giveBuffer();
        }
        if (holdsDriver) {
            ring.release();
        }
    }
}
