package cloud.avila.avx.internal.reactor;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import cloud.avila.avx.internal.sys.Faults;
import cloud.avila.avx.internal.sys.LinuxErrno;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The C library with faults: chosen calls fail with a chosen error instead of being made, transfer
 * less than they could, and epoll reports what is not so.
 *
 * <p>What is made up must be possible. A call that "would block" or transfers less than it could
 * promises an event for the rest, so epoll is told to report the descriptor anew. A connect that a
 * signal interrupts goes on, and a descriptor is closed whatever close says.
 */
class FaultyLibc extends LinuxLibc {
    private static final int MOST_DESCRIPTORS = 1 << 14;

    /** What epoll was told about a descriptor. */
    private record Watch(int epoll, int mask, long tag) {}

    private final Faults faults;
    private final AtomicReferenceArray<@Nullable Watch> watches =
            new AtomicReferenceArray<>(MOST_DESCRIPTORS);
    private volatile @Nullable Random storm;
    private volatile int highest; // descriptor ever watched

    FaultyLibc() {
        this(new Faults());
    }

    FaultyLibc(Faults faults) {
        this.faults = faults;
    }

    /** Lets epoll report descriptors at random from now on. */
    final void storm(long seed) {
        storm = new Random(seed);
    }

    /** Lets epoll report a descriptor if it is ready, though it may have done so before. */
    private void rearm(int fd) {
        Watch watch = watches.get(fd);
        if (watch != null) {
            // not the scratch of the call in progress, whose arguments and result are in it
            var own = new NativeScratch();
            own.value().set(JAVA_INT_UNALIGNED, 0, watch.mask);
            own.value().set(JAVA_LONG_UNALIGNED, EPOLL_EVENT_DATA, watch.tag);
            int unused = super.epollCtl(own, watch.epoll, EPOLL_CTL_MOD, fd, own.value());
        }
    }

    /** The error to return instead of transferring, or 0. */
    private int fault(String function, int fd) {
        int fault = faults.next(function);
        if (fault == -LinuxErrno.EAGAIN) {
            rearm(fd);
        }
        return fault;
    }

    private int withSpuriousEvents(int count, MemorySegment events, int max) {
        Random random = storm;
        if (random == null || count < 0) {
            return count;
        }
        int filled = count;
        for (int i = random.nextInt(4); i > 0 && filled < max; i--) {
            Watch watch = watches.get(Math.max(highest - random.nextInt(16), 0));
            if (watch != null) {
                int unused = faults.next("spurious");
                long at = (long) filled++ * EPOLL_EVENT_BYTES;
                events.set(JAVA_INT_UNALIGNED, at, random.nextBoolean() ? EPOLLIN : EPOLLOUT);
                events.set(JAVA_LONG_UNALIGNED, at + EPOLL_EVENT_DATA, watch.tag);
            }
        }
        return filled;
    }

    /** The faults, to be changed at any time. */
    final Faults faults() {
        return faults;
    }

    /** Lets the next uses of a function fail. */
    final void fail(String function, int errno, int uses) {
        faults.fail(function, errno, uses);
    }

    /** Lets one use of a function fail, the n-th from the start. */
    final void failUse(String function, int errno, int use) {
        faults.failUse(function, errno, use);
    }

    final int calls(String function) {
        return faults.calls(function);
    }

    /** The error to return instead of calling, or 0. */
    private int fault(String function) {
        return faults.next(function);
    }

    @Override
    public int socket(NativeScratch scratch, int domain, int type, int protocol) {
        int fault = fault("socket");
        return fault != 0 ? fault : super.socket(scratch, domain, type, protocol);
    }

    @Override
    public int bind(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int fault = fault("bind");
        return fault != 0 ? fault : super.bind(scratch, fd, address, length);
    }

    @Override
    public int listen(NativeScratch scratch, int fd, int backlog) {
        int fault = fault("listen");
        return fault != 0 ? fault : super.listen(scratch, fd, backlog);
    }

    @Override
    public int accept4(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length, int flags) {
        int fault = fault("accept4", fd);
        return fault != 0 ? fault : super.accept4(scratch, fd, address, length, flags);
    }

    @Override
    public int connect(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int fault = fault("connect");
        if (fault == -LinuxErrno.EINTR) {
            int result = super.connect(scratch, fd, address, length);
            return result == -LinuxErrno.EINPROGRESS ? fault : result;
        }
        return fault != 0 ? fault : super.connect(scratch, fd, address, length);
    }

    @Override
    public int getsockname(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        int fault = fault("getsockname");
        return fault != 0 ? fault : super.getsockname(scratch, fd, address, length);
    }

    @Override
    public int setsockopt(
            NativeScratch scratch, int fd, int level, int option, MemorySegment value, int length) {
        int fault = fault("setsockopt");
        return fault != 0 ? fault : super.setsockopt(scratch, fd, level, option, value, length);
    }

    @Override
    public int poll(NativeScratch scratch, MemorySegment pollfds, long count, int timeoutMillis) {
        int fault = fault("poll");
        return fault != 0 ? fault : super.poll(scratch, pollfds, count, timeoutMillis);
    }

    @Override
    public int ioctl(NativeScratch scratch, int fd, long request, MemorySegment value) {
        int fault = fault("ioctl");
        return fault != 0 ? fault : super.ioctl(scratch, fd, request, value);
    }

    @Override
    public int shutdown(NativeScratch scratch, int fd, int how) {
        int fault = fault("shutdown");
        return fault != 0 ? fault : super.shutdown(scratch, fd, how);
    }

    @Override
    public long recv(NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        int fault = fault("recv", fd);
        if (fault != 0) {
            return fault;
        }
        long most = faults.length("recv", length);
        long result = super.recv(scratch, fd, buffer, most, flags);
        if (result == most && most < length) {
            rearm(fd);
        }
        return result;
    }

    @Override
    public long send(NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        int fault = fault("send", fd);
        if (fault != 0) {
            return fault;
        }
        long most = faults.length("send", length);
        long result = super.send(scratch, fd, buffer, most, flags);
        if (result == most && most < length) {
            rearm(fd);
        }
        return result;
    }

    @Override
    public int getsockopt(
            NativeScratch scratch,
            int fd,
            int level,
            int option,
            MemorySegment value,
            MemorySegment length) {
        int fault = fault("getsockopt");
        return fault != 0 ? fault : super.getsockopt(scratch, fd, level, option, value, length);
    }

    @Override
    public int close(NativeScratch scratch, int fd) {
        watches.set(fd, null);
        int result = super.close(scratch, fd);
        int fault = fault("close");
        return fault != 0 ? fault : result;
    }

    @Override
    public long recvfrom(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int flags,
            MemorySegment address,
            MemorySegment addressLength) {
        int fault = fault("recvfrom", fd);
        return fault != 0
                ? fault
                : super.recvfrom(scratch, fd, buffer, length, flags, address, addressLength);
    }

    @Override
    public long sendto(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int flags,
            MemorySegment address,
            int addressLength) {
        int fault = fault("sendto", fd);
        return fault != 0
                ? fault
                : super.sendto(scratch, fd, buffer, length, flags, address, addressLength);
    }

    @Override
    public int dup3(NativeScratch scratch, int from, int to, int flags) {
        int fault = fault("dup3");
        if (fault != 0) {
            return fault;
        }
        watches.set(to, null);
        return super.dup3(scratch, from, to, flags);
    }

    @Override
    public int eventfd(NativeScratch scratch, int initial, int flags) {
        int fault = fault("eventfd");
        return fault != 0 ? fault : super.eventfd(scratch, initial, flags);
    }

    @Override
    public int epollCreate(NativeScratch scratch, int flags) {
        int fault = fault("epollCreate");
        return fault != 0 ? fault : super.epollCreate(scratch, flags);
    }

    @Override
    public int epollCtl(
            NativeScratch scratch, int epoll, int operation, int fd, MemorySegment event) {
        int fault = fault("epollCtl");
        if (fault != 0) {
            return fault;
        }
        long tag = event.get(JAVA_LONG_UNALIGNED, EPOLL_EVENT_DATA);
        highest = Math.max(highest, fd);
        watches.set(
                fd,
                operation == EPOLL_CTL_DEL
                        ? null
                        : new Watch(epoll, event.get(JAVA_INT_UNALIGNED, 0), tag));
        return super.epollCtl(scratch, epoll, operation, fd, event);
    }

    @Override
    public int epollWait(
            NativeScratch scratch, int epoll, MemorySegment events, int max, int millis) {
        int fault = fault("epollWait");
        if (fault != 0) {
            return fault;
        }
        int wait = storm == null ? millis : Math.min(millis & Integer.MAX_VALUE, 1);
        return withSpuriousEvents(super.epollWait(scratch, epoll, events, max, wait), events, max);
    }

    @Override
    public int epollPwait2(
            NativeScratch scratch, int epoll, MemorySegment events, int max, MemorySegment t) {
        int fault = fault("epollPwait2");
        if (fault != 0) {
            return fault;
        }
        return storm == null
                ? super.epollPwait2(scratch, epoll, events, max, t)
                : withSpuriousEvents(super.epollWait(scratch, epoll, events, max, 1), events, max);
    }

    @Override
    public int socketpair(NativeScratch scratch, int domain, int type, MemorySegment pair) {
        int fault = fault("socketpair");
        return fault != 0 ? fault : super.socketpair(scratch, domain, type, pair);
    }

    @Override
    public long sendmsg(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        int fault = fault("sendmsg");
        return fault != 0 ? fault : super.sendmsg(scratch, fd, message, flags);
    }

    @Override
    public long recvmsg(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        int fault = fault("recvmsg");
        return fault != 0 ? fault : super.recvmsg(scratch, fd, message, flags);
    }

    @Override
    public int sendmmsg(
            NativeScratch scratch, int fd, MemorySegment messages, int count, int flags) {
        int fault = fault("sendmmsg");
        return fault != 0 ? fault : super.sendmmsg(scratch, fd, messages, count, flags);
    }

    @Override
    public int recvmmsg(
            NativeScratch scratch, int fd, MemorySegment messages, int count, int flags) {
        int fault = fault("recvmmsg");
        return fault != 0 ? fault : super.recvmmsg(scratch, fd, messages, count, flags);
    }

    @Override
    public long sendfile(NativeScratch scratch, int out, int in, MemorySegment offset, long count) {
        int fault = fault("sendfile");
        return fault != 0 ? fault : super.sendfile(scratch, out, in, offset, count);
    }

    @Override
    public int openPath(NativeScratch scratch, MemorySegment path, int flags) {
        int fault = fault("openPath");
        return fault != 0 ? fault : super.openPath(scratch, path, flags);
    }

    @Override
    public long lseek(NativeScratch scratch, int fd, long offset, int whence) {
        int fault = fault("lseek");
        return fault != 0 ? fault : super.lseek(scratch, fd, offset, whence);
    }

    @Override
    public long pread(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, long position) {
        int fault = fault("pread");
        return fault != 0 ? fault : super.pread(scratch, fd, buffer, length, position);
    }

    @Override
    public long read(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        int fault = fault("read");
        return fault != 0 ? fault : super.read(scratch, fd, buffer, length);
    }

    @Override
    public int fcntl(NativeScratch scratch, int fd, int command, int value) {
        int fault = fault("fcntl");
        return fault != 0 ? fault : super.fcntl(scratch, fd, command, value);
    }
}
