package cloud.avila.avx.internal.reactor;

import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLERR;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLET;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLHUP;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLIN;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLOUT;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLPRI;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLLRDHUP;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLL_EVENT_BYTES;
import static cloud.avila.avx.internal.sys.LinuxLibc.EPOLL_EVENT_DATA;

import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The driver on Linux epoll(7): one epoll instance, edge-triggered, and one eventfd to wake the
 * poller. The event memory is used by the poller alone.
 */
class EpollDriver extends ReadinessDriver {
    private static final ValueLayout.OfInt EVENT_MASK = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong EVENT_TAG = ValueLayout.JAVA_LONG_UNALIGNED;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final long NANOS_PER_MILLI = 1_000_000L;

    /** Events on which receiving may go on, or ends. */
    private static final int READ_EVENTS = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

    /** Events on which sending may go on, or ends. */
    private static final int WRITE_EVENTS = EPOLLOUT | EPOLLHUP | EPOLLERR;

    /** Events after which a short read proves nothing. */
    private static final int EXCEPTIONAL_EVENTS = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

    private final LinuxLibc libc;
    final int epoll;
    private final int eventfd;
    private final MemorySegment events;
    private final MemorySegment timespec;
    private final MemorySegment one;
    private volatile boolean hasPwait2 = true;

    EpollDriver(LinuxLibc libc, int epoll, int eventfd) {
        super(libc, eventfd);
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
        return open(libc, EpollDriver::new);
    }

    /** Makes a driver of what it owns. */
    interface Maker<D extends EpollDriver> {
        D make(LinuxLibc libc, int epoll, int eventfd);
    }

    static <D extends EpollDriver> D open(LinuxLibc libc, Maker<D> maker) throws IOException {
        int epoll = libc.epollCreate(ReadinessSocket.scratch(), LinuxLibc.EPOLL_CLOEXEC);
        if (epoll < 0) {
            throw LinuxErrno.exception("epoll_create1", null, -epoll);
        }
        int eventfd =
                libc.eventfd(
                        ReadinessSocket.scratch(),
                        0,
                        LinuxLibc.EFD_NONBLOCK | LinuxLibc.EFD_CLOEXEC);
        if (eventfd < 0) {
            libc.close(ReadinessSocket.scratch(), epoll);
            throw LinuxErrno.exception("eventfd", null, -eventfd);
        }
        D driver = maker.make(libc, epoll, eventfd);
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

    @Override
    int collect(int most, long timeoutNanos) {
        if (timeoutNanos <= 0) {
            return look(most, timeoutNanos == 0 ? 0 : -1);
        }
        if (hasPwait2) {
            timespec.set(ValueLayout.JAVA_LONG, 0, timeoutNanos / NANOS_PER_SECOND);
            timespec.set(ValueLayout.JAVA_LONG, 8, timeoutNanos % NANOS_PER_SECOND);
            int result = libc.epollPwait2(ReadinessSocket.scratch(), epoll, events, most, timespec);
            if (result != -LinuxErrno.ENOSYS && result != -LinuxErrno.EPERM) {
                return result;
            }
            // kernels before 5.11, or a seccomp filter older than the call
            hasPwait2 = false;
        }
        long millis = (timeoutNanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
        return look(most, (int) Math.min(millis, Integer.MAX_VALUE));
    }

    private int look(int most, int millis) {
        return libc.epollWait(ReadinessSocket.scratch(), epoll, events, most, millis);
    }

    @Override
    int dispatch(int count) {
        int dispatched = 0;
        for (int i = 0; i < count; i++) {
            long at = (long) i * EPOLL_EVENT_BYTES;
            long tag = events.get(EVENT_TAG, at + EPOLL_EVENT_DATA);
            if (tag != WAKEUP_TAG) {
                dispatched++;
                dispatch(tag, readiness(events.get(EVENT_MASK, at)));
            }
        }
        return dispatched;
    }

    private static int readiness(int events) {
        return ((events & READ_EVENTS) != 0 ? ReadinessSocket.READABLE : 0)
                | ((events & WRITE_EVENTS) != 0 ? ReadinessSocket.WRITABLE : 0)
                | ((events & EXCEPTIONAL_EVENTS) != 0 ? ReadinessSocket.EXCEPTIONAL : 0);
    }

    @Override
    int register(int fd, int present, int wanted, long tag) {
        int mask =
                EPOLLET
                        | ((wanted & ReadinessSocket.READABLE) != 0
                                ? EPOLLIN | EPOLLPRI | EPOLLRDHUP
                                : 0)
                        | ((wanted & ReadinessSocket.WRITABLE) != 0 ? EPOLLOUT : 0);
        return control(
                present == 0 ? LinuxLibc.EPOLL_CTL_ADD : LinuxLibc.EPOLL_CTL_MOD, fd, mask, tag);
    }

    @Override
    boolean canUnwatch() {
        return true;
    }

    @Override
    int deregister(int fd) {
        return control(LinuxLibc.EPOLL_CTL_DEL, fd, 0, 0);
    }

    final int control(int operation, int fd, int mask, long tag) {
        NativeScratch scratch = ReadinessSocket.scratch();
        scratch.value().set(EVENT_MASK, 0, mask);
        scratch.value().set(EVENT_TAG, EPOLL_EVENT_DATA, tag);
        return libc.epollCtl(scratch, epoll, operation, fd, scratch.value());
    }

    @Override
    void interruptPoll() {
        // fails only when the counter is at its end, and then the event is there already
        long unused = libc.write(ReadinessSocket.scratch(), eventfd, one, Long.BYTES);
    }

    @Override
    void destroy() {
        NativeScratch scratch = ReadinessSocket.scratch();
        libc.close(scratch, epoll);
        libc.close(scratch, eventfd);
    }
}
