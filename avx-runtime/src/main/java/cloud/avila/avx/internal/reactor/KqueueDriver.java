package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_READ;
import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_USER;
import static cloud.avila.avx.internal.sys.DarwinLibc.EVFILT_WRITE;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_ADD;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_CLEAR;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_DELETE;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_EOF;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_ERROR;
import static cloud.avila.avx.internal.sys.DarwinLibc.EV_RECEIPT;
import static cloud.avila.avx.internal.sys.DarwinLibc.KEVENT_BYTES;
import static cloud.avila.avx.internal.sys.DarwinLibc.NOTE_TRIGGER;

import cloud.avila.avx.internal.sys.DarwinErrno;
import cloud.avila.avx.internal.sys.DarwinLibc;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The driver on kqueue(2) of macOS: one kqueue, {@code EV_CLEAR}, up to two filters a socket, and
 * an {@code EVFILT_USER} to wake the poller. The event memory is used by the poller alone.
 *
 * <p>What differs from epoll:
 *
 * <ul>
 *   <li>Each direction is registered by itself, so a change never touches the other's state.
 *       Changes are made with {@code EV_RECEIPT}: the answer is then how each of them went and
 *       never an event that the poller would miss.
 *   <li>An event is taken back if its cause has gone by the time it is collected, and the kernel
 *       reports what arrives later. So an operation that found nothing has its event still to come,
 *       as the proof in {@link ReadinessSocket} wants.
 *   <li>A short read never proves a socket empty: it ends at the mark of urgent data, too, and of
 *       that {@code EVFILT_READ} says nothing; and {@code EV_EOF} comes while data is left. So
 *       every event for reading counts as exceptional, which costs one more call that finds
 *       nothing.
 *   <li>The number of a descriptor that is replaced or closed loses its filters at once. The marker
 *       that takes the place of a socket is no socket, so that every call on it fails.
 *   <li>Registering to write to a pipe or socket whose reader is gone may be refused with EPIPE.
 *       Then writing does not wait, and that is what the waiter is told.
 * </ul>
 */
final class KqueueDriver extends ReadinessDriver {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** Longest wait that is asked of the kernel, whose clocks do not reach as far as ours. */
    private static final long LONGEST_WAIT_SECONDS = 24 * 60 * 60;

    private final DarwinLibc libc;
    private final int kqueue;
    private final int marker;
    private final MemorySegment events;
    private final MemorySegment timespec;
    private final MemorySegment trigger;

    private KqueueDriver(DarwinLibc libc, int kqueue, int marker) {
        super(libc, marker);
        this.libc = libc;
        this.kqueue = kqueue;
        this.marker = marker;
        Arena arena = Arena.ofAuto();
        events = arena.allocate((long) MOST_EVENTS * KEVENT_BYTES, 8);
        timespec = arena.allocate(DarwinLibc.TIMESPEC_BYTES, 8);
        trigger = arena.allocate(KEVENT_BYTES, 8);
        set(trigger, 0, 0, EVFILT_USER, 0, NOTE_TRIGGER, WAKEUP_TAG);
    }

    /** Opens a driver on a binding, which a test may have replaced by a model. */
    static KqueueDriver open(DarwinLibc libc) throws IOException {
        int kqueue = libc.openKqueue(ReadinessSocket.scratch());
        if (kqueue < 0) {
            throw libc.exception("kqueue", null, -kqueue);
        }
        int marker = libc.openMarker(ReadinessSocket.scratch());
        if (marker < 0) {
            libc.close(ReadinessSocket.scratch(), kqueue);
            throw libc.exception("pipe", null, -marker);
        }
        var driver = new KqueueDriver(libc, kqueue, marker);
        NativeScratch scratch = ReadinessSocket.scratch();
        set(scratch.value(), 0, 0, EVFILT_USER, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, WAKEUP_TAG);
        int result = driver.change(scratch, 1);
        if (result < 0) {
            driver.close();
            throw libc.exception("kevent for the wake-up", null, -result);
        }
        return driver;
    }

    @Override
    public String name() {
        return "kqueue";
    }

    @Override
    int collect(int most, long timeoutNanos) {
        MemorySegment timeout = MemorySegment.NULL;
        if (timeoutNanos >= 0) {
            timeout = timespec;
            long seconds = Math.min(timeoutNanos / NANOS_PER_SECOND, LONGEST_WAIT_SECONDS);
            timeout.set(LONG, 0, seconds);
            timeout.set(LONG, Long.BYTES, timeoutNanos % NANOS_PER_SECOND);
        }
        return libc.kevent(
                ReadinessSocket.scratch(), kqueue, MemorySegment.NULL, 0, events, most, timeout);
    }

    @Override
    int dispatch(int count) {
        int dispatched = 0;
        for (int i = 0; i < count; i++) {
            long at = (long) i * KEVENT_BYTES;
            short filter = events.get(SHORT, at + DarwinLibc.KEVENT_FILTER);
            if (filter != EVFILT_USER) {
                dispatched++;
                dispatch(
                        events.get(LONG, at + DarwinLibc.KEVENT_UDATA),
                        readiness(filter, events.get(SHORT, at + DarwinLibc.KEVENT_FLAGS)));
            }
        }
        return dispatched;
    }

    private static int readiness(short filter, short flags) {
        if (filter == EVFILT_READ) {
            return ReadinessSocket.READABLE | ReadinessSocket.EXCEPTIONAL;
        }
        return ReadinessSocket.WRITABLE | ((flags & EV_EOF) != 0 ? ReadinessSocket.EXCEPTIONAL : 0);
    }

    @Override
    int register(int fd, int present, int wanted, long tag) {
        NativeScratch scratch = ReadinessSocket.scratch();
        MemorySegment changes = scratch.value();
        int added = wanted & ~present;
        int count = 0;
        if ((added & ReadinessSocket.READABLE) != 0) {
            set(changes, count++, fd, EVFILT_READ, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, tag);
        }
        if ((added & ReadinessSocket.WRITABLE) != 0) {
            set(changes, count++, fd, EVFILT_WRITE, EV_ADD | EV_CLEAR | EV_RECEIPT, 0, tag);
        }
        int result = change(scratch, count);
        if (result == -LinuxErrno.EPIPE) {
            dispatch(tag, ReadinessSocket.WRITABLE | ReadinessSocket.EXCEPTIONAL);
            return 0;
        }
        return result;
    }

    @Override
    boolean canUnwatch() {
        return true;
    }

    @Override
    int deregister(int fd) {
        NativeScratch scratch = ReadinessSocket.scratch();
        MemorySegment changes = scratch.value();
        set(changes, 0, fd, EVFILT_READ, EV_DELETE | EV_RECEIPT, 0, 0);
        set(changes, 1, fd, EVFILT_WRITE, EV_DELETE | EV_RECEIPT, 0, 0);
        int result = change(scratch, 2);
        return result == -DarwinErrno.ENOENT ? 0 : result; // one direction was not watched
    }

    /** Makes the changes in the scratch's value; 0, else the negated error number of the first. */
    private int change(NativeScratch scratch, int count) {
        MemorySegment changes = scratch.value();
        int receipts;
        do {
            receipts =
                    libc.kevent(
                            scratch, kqueue, changes, count, changes, count, MemorySegment.NULL);
        } while (receipts == -LinuxErrno.EINTR);
        for (int i = 0; i < receipts; i++) {
            long at = (long) i * KEVENT_BYTES;
            long error = changes.get(LONG, at + DarwinLibc.KEVENT_DATA);
            if ((changes.get(SHORT, at + DarwinLibc.KEVENT_FLAGS) & EV_ERROR) != 0 && error != 0) {
                return -DarwinErrno.toLinux((int) error);
            }
        }
        return Math.min(receipts, 0);
    }

    private static void set(
            MemorySegment kevents,
            int index,
            int ident,
            short filter,
            int flags,
            int fflags,
            long udata) {
        long at = (long) index * KEVENT_BYTES;
        kevents.set(LONG, at + DarwinLibc.KEVENT_IDENT, ident);
        kevents.set(SHORT, at + DarwinLibc.KEVENT_FILTER, filter);
        kevents.set(SHORT, at + DarwinLibc.KEVENT_FLAGS, (short) flags);
        kevents.set(INT, at + DarwinLibc.KEVENT_FFLAGS, fflags);
        kevents.set(LONG, at + DarwinLibc.KEVENT_DATA, 0);
        kevents.set(LONG, at + DarwinLibc.KEVENT_UDATA, udata);
    }

    @Override
    void interruptPoll() {
        NativeScratch scratch = ReadinessSocket.scratch();
        int result;
        do {
            result =
                    libc.kevent(
                            scratch, kqueue, trigger, 1, MemorySegment.NULL, 0, MemorySegment.NULL);
        } while (result == -LinuxErrno.EINTR);
        // fails in another way only if there is no kqueue any more, and then nobody waits in it
    }

    @Override
    void destroy() {
        NativeScratch scratch = ReadinessSocket.scratch();
        libc.close(scratch, kqueue);
        libc.close(scratch, marker);
    }
}
