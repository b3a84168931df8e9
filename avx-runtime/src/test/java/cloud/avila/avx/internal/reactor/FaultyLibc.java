package cloud.avila.avx.internal.reactor;

import cloud.avila.avx.internal.sys.Faults;
import cloud.avila.avx.internal.sys.LinuxLibc;
import cloud.avila.avx.internal.sys.NativeScratch;

import java.lang.foreign.MemorySegment;

/** The C library with faults: chosen calls fail with a chosen error instead of being made. */
class FaultyLibc extends LinuxLibc {
    private final Faults faults = new Faults();

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
        int fault = fault("accept4");
        return fault != 0 ? fault : super.accept4(scratch, fd, address, length, flags);
    }

    @Override
    public int connect(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int fault = fault("connect");
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
        int fault = fault("recv");
        return fault != 0
                ? fault
                : super.recv(scratch, fd, buffer, faults.length("recv", length), flags);
    }

    @Override
    public long send(NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        int fault = fault("send");
        return fault != 0
                ? fault
                : super.send(scratch, fd, buffer, faults.length("send", length), flags);
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
        int fault = fault("recvfrom");
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
        int fault = fault("sendto");
        return fault != 0
                ? fault
                : super.sendto(scratch, fd, buffer, length, flags, address, addressLength);
    }

    @Override
    public int dup3(NativeScratch scratch, int from, int to, int flags) {
        int fault = fault("dup3");
        return fault != 0 ? fault : super.dup3(scratch, from, to, flags);
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
        return fault != 0 ? fault : super.epollCtl(scratch, epoll, operation, fd, event);
    }

    @Override
    public int epollWait(
            NativeScratch scratch, int epoll, MemorySegment events, int max, int millis) {
        int fault = fault("epollWait");
        return fault != 0 ? fault : super.epollWait(scratch, epoll, events, max, millis);
    }

    @Override
    public int epollPwait2(
            NativeScratch scratch, int epoll, MemorySegment events, int max, MemorySegment t) {
        int fault = fault("epollPwait2");
        return fault != 0 ? fault : super.epollPwait2(scratch, epoll, events, max, t);
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
