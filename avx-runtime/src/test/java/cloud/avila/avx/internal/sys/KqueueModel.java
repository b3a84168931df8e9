package cloud.avila.avx.internal.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Darwin on Linux: the functions of the C library take Darwin's constants and layouts, do their
 * work with Linux's, and answer with Darwin's; {@code kqueue} and {@code kevent} are a model of
 * what xnu does (bsd/kern/kern_event.c, bsd/kern/uipc_socket.c). What the driver does not use is
 * not modelled and fails loudly.
 *
 * <p>A knote becomes active by an edge: it is added or changed while its condition holds, or data,
 * room, the end or an error arrives afterwards. Edges come from two epoll instances, one for
 * reading and one for writing, because one registration for both would report more than kqueue
 * does. An active knote is reported if its condition still holds when it is collected, and taken
 * from the queue silently if it does not. {@code EV_CLEAR} takes it from the queue when it is
 * reported; others stay and are reported again. {@code EV_EOF} stays set once it was. Closing or
 * replacing a descriptor drops its knotes.
 *
 * <p>All state is guarded by a spin lock: a system call must not unmount a virtual thread, as a
 * monitor or a lock might.
 */
public class KqueueModel extends DarwinLibc {
    private static final int KNOWN_FLAGS = EV_ADD | EV_DELETE | EV_CLEAR | EV_RECEIPT;
    private static final int NOTE_FFLAGSMASK = 0x00ff_ffff;
    private static final int ENOENT = DarwinErrno.ENOENT;

    // the numbers of Linux: bits/socket.h, bits/poll.h, bits/fcntl.h, sys/epoll.h
    private static final int LINUX_MSGHDR_BYTES = 56;
    private static final int LINUX_MSGHDR_FLAGS = 48;
    private static final int LINUX_O_NONBLOCK = 0x800;
    private static final int LINUX_SO_ERROR = 4;
    private static final int LINUX_SOL_SOCKET = 1;
    private static final int LINUX_SO_PEERCRED = 17;
    private static final int LINUX_CMSG_BYTES = 16;
    private static final int LINUX_MSG_CTRUNC = 0x8;
    private static final int LINUX_GROUP_AT = 8;
    private static final int LINUX_SOURCE_AT = 136;
    private static final int POLLERR = 0x8;
    private static final int POLLHUP = 0x10;
    private static final int EPOLL_CTL_DEL = 2;

    private final LinuxLibc linux = NativeAccess.linux();
    private final Faults faults;

    private final AtomicBoolean locked = new AtomicBoolean();
    private final NativeScratch inner = new NativeScratch(); // with the lock only
    private final Map<Integer, Queue> queues = new HashMap<>();
    private final Set<Integer> withoutSigpipe = new HashSet<>();
    private int generations;
    private volatile @Nullable Random storm;

    /** Without faults. */
    public KqueueModel() {
        this(new Faults());
    }

    /** With faults; functions have the names of the C library. */
    public KqueueModel(Faults faults) {
        this.faults = faults;
    }

    /** The faults, to be changed at any time. */
    public Faults faults() {
        return faults;
    }

    /** Lets kevent report descriptors at random from now on. */
    public void storm(long seed) {
        storm = new Random(seed);
    }

    private void lock() {
        while (!locked.compareAndSet(false, true)) {
            Thread.onSpinWait();
        }
    }

    private void unlock() {
        locked.set(false);
    }

    // ---- kqueue ----

    private record Key(long ident, short filter) {}

    /** What is so when the condition of a knote holds. */
    private record State(boolean eof, int fflags, long data) {}

    private static final class Knote {
        final Key key;
        final int generation;
        final boolean clear;
        long udata;
        boolean eof;
        boolean triggered;
        int fflags;

        Knote(Key key, int generation, boolean clear) {
            this.key = key;
            this.generation = generation;
            this.clear = clear;
        }

        int fd() {
            return (int) key.ident;
        }
    }

    private final class Queue {
        final int reads; // its number is that of the kqueue
        final int writes;
        final int signal;
        final NativeScratch waiting = new NativeScratch(); // of the one thread that waits
        final Map<Key, Knote> knotes = new HashMap<>();
        final LinkedHashSet<Knote> active = new LinkedHashSet<>();

        Queue(int reads, int writes, int signal) {
            this.reads = reads;
            this.writes = writes;
            this.signal = signal;
        }

        /** Makes a change; 0 or the error number of Darwin. */
        int change(Key key, int flags, int fflags, long udata) {
            if ((flags & ~KNOWN_FLAGS) != 0) {
                throw new AssertionError("not modelled: flags 0x" + Integer.toHexString(flags));
            }
            Knote knote = knotes.get(key);
            if (knote == null && (flags & EV_ADD) == 0) {
                return ENOENT;
            }
            if (knote != null && (flags & EV_DELETE) != 0) {
                drop(knote);
                return 0;
            }
            if (knote == null) {
                knote = new Knote(key, ++generations, (flags & EV_CLEAR) != 0);
                int result = attach(knote);
                if (result < 0) {
                    return DarwinErrno.fromLinux(-result);
                }
                knotes.put(key, knote);
            }
            knote.udata = udata;
            if (key.filter == EVFILT_USER) {
                knote.triggered |= (fflags & NOTE_TRIGGER) != 0;
                if ((fflags & ~NOTE_TRIGGER) != 0) {
                    throw new AssertionError("not modelled: fflags of EVFILT_USER");
                }
            }
            if (state(knote) != null && active.add(knote)) {
                wake();
            }
            return 0;
        }

        private int attach(Knote knote) {
            return switch (knote.key.filter) {
                case EVFILT_READ -> control(reads, 1, knote, LinuxLibc.EPOLLIN | 0x2000);
                case EVFILT_WRITE -> control(writes, 1, knote, LinuxLibc.EPOLLOUT);
                case EVFILT_USER -> 0;
                default -> throw new AssertionError("not modelled: filter " + knote.key.filter);
            };
        }

        private int control(int epoll, int operation, Knote knote, int mask) {
            MemorySegment event = inner.value();
            event.set(JAVA_INT_UNALIGNED, 0, mask | LinuxLibc.EPOLLET);
            event.set(
                    JAVA_LONG_UNALIGNED,
                    LinuxLibc.EPOLL_EVENT_DATA,
                    (long) knote.generation << 32 | knote.fd());
            return linux.epollCtl(inner, epoll, operation, knote.fd(), event);
        }

        void drop(Knote knote) {
            knotes.remove(knote.key);
            active.remove(knote);
            if (knote.key.filter != EVFILT_USER) {
                int epoll = knote.key.filter == EVFILT_READ ? reads : writes;
                int unused = control(epoll, EPOLL_CTL_DEL, knote, 0);
            }
        }

        void descriptorCloses(int fd) {
            for (short filter : new short[] {EVFILT_READ, EVFILT_WRITE}) {
                Knote knote = knotes.get(new Key(fd, filter));
                if (knote != null) {
                    drop(knote);
                }
            }
        }

        void activate(int fd) {
            for (short filter : new short[] {EVFILT_READ, EVFILT_WRITE}) {
                Knote knote = knotes.get(new Key(fd, filter));
                if (knote != null && active.add(knote)) {
                    wake();
                }
            }
        }

        /** Reports knotes at random. */
        int spurious(MemorySegment events, int count, int most, Random random) {
            int filled = count;
            for (Knote knote : knotes.values()) {
                if (filled < most && knote.key.filter != EVFILT_USER && random.nextInt(4) == 0) {
                    int unused = faults.next("spurious");
                    put(events, filled++, knote.key, EV_ADD | EV_CLEAR, 0, 0, knote.udata);
                }
            }
            return filled;
        }

        void wake() {
            inner.value().set(JAVA_LONG, 0, 1L);
            long unused = linux.write(inner, signal, inner.value(), Long.BYTES);
        }

        /** Activates the knotes for which something has arrived. */
        void collectEdges() {
            collectEdges(reads, EVFILT_READ);
            collectEdges(writes, EVFILT_WRITE);
        }

        private void collectEdges(int epoll, short filter) {
            MemorySegment events = inner.io();
            int count;
            do {
                count = linux.epollWait(inner, epoll, events, 1024, 0);
                for (int i = 0; i < count; i++) {
                    long at = (long) i * LinuxLibc.EPOLL_EVENT_BYTES;
                    long tag = events.get(JAVA_LONG_UNALIGNED, at + LinuxLibc.EPOLL_EVENT_DATA);
                    Knote knote = knotes.get(new Key((int) tag, filter));
                    if (knote != null && knote.generation == (int) (tag >>> 32)) {
                        active.add(knote);
                    }
                }
            } while (count == 1024);
        }

        /** Reports active knotes whose condition still holds. */
        int report(MemorySegment events, int most) {
            int count = 0;
            for (Knote knote : new ArrayList<>(active)) {
                if (count == most) {
                    break;
                }
                State state = state(knote);
                active.remove(knote);
                if (state == null) {
                    continue;
                }
                knote.eof |= state.eof;
                int flags =
                        EV_ADD | (knote.clear ? EV_CLEAR : 0) | (knote.eof ? EV_EOF & 0xffff : 0);
                put(events, count++, knote.key, flags, state.fflags, state.data, knote.udata);
                if (!knote.clear) {
                    active.add(knote);
                } else {
                    knote.triggered = false;
                }
            }
            return count;
        }

        /** Null if the condition does not hold. */
        private @Nullable State state(Knote knote) {
            if (knote.key.filter == EVFILT_USER) {
                return knote.triggered ? new State(false, knote.fflags, 0) : null;
            }
            boolean reads = knote.key.filter == EVFILT_READ;
            MemorySegment pollfd = inner.value();
            pollfd.set(JAVA_INT, 0, knote.fd());
            pollfd.set(
                    JAVA_INT,
                    Integer.BYTES,
                    reads ? LinuxLibc.POLLIN | LinuxLibc.POLLRDHUP : LinuxLibc.POLLOUT);
            if (linux.poll(inner, pollfd, 1, 0) <= 0) {
                return null;
            }
            int found = pollfd.get(JAVA_INT, Integer.BYTES) >>> 16;
            boolean eof =
                    (found & (reads ? POLLHUP | LinuxLibc.POLLRDHUP : POLLHUP | POLLERR)) != 0;
            int available = reads ? linux.ioctl(inner, knote.fd(), LinuxLibc.FIONREAD, pollfd) : -1;
            return new State(eof, 0, available < 0 ? 0 : pollfd.get(JAVA_INT, 0));
        }

        /** Sleeps until an edge may have come or the time is over. */
        void sleep(int millis) {
            MemorySegment pollfds = waiting.value();
            pollfds.set(JAVA_INT, 0, reads);
            pollfds.set(JAVA_INT, 4, LinuxLibc.POLLIN);
            pollfds.set(JAVA_INT, 8, writes);
            pollfds.set(JAVA_INT, 12, LinuxLibc.POLLIN);
            int unused = linux.poll(waiting, pollfds, 2, millis);
        }
    }

    @Override
    protected int kqueue0(NativeScratch scratch) {
        int fault = fault("kqueue");
        if (fault != 0) {
            return fault;
        }
        lock();
        try {
            int reads = linux.epollCreate(inner, LinuxLibc.EPOLL_CLOEXEC);
            int writes = linux.epollCreate(inner, LinuxLibc.EPOLL_CLOEXEC);
            int signal = linux.eventfd(inner, 0, LinuxLibc.EFD_NONBLOCK | LinuxLibc.EFD_CLOEXEC);
            inner.value().set(JAVA_INT_UNALIGNED, 0, LinuxLibc.EPOLLIN | LinuxLibc.EPOLLET);
            inner.value().set(JAVA_LONG_UNALIGNED, LinuxLibc.EPOLL_EVENT_DATA, 0L);
            if (linux.epollCtl(inner, reads, LinuxLibc.EPOLL_CTL_ADD, signal, inner.value()) != 0) {
                throw new AssertionError("the model cannot be set up");
            }
            queues.put(reads, new Queue(reads, writes, signal));
            return reads;
        } finally {
            unlock();
        }
    }

    @Override
    protected int kevent0(
            NativeScratch scratch,
            int kqueue,
            MemorySegment changes,
            int changeCount,
            MemorySegment events,
            int most,
            MemorySegment timeout) {
        // without room for events it does not wait, so that no signal can interrupt it
        int fault =
                changeCount > 0 && most == 0
                        ? 0
                        : fault(changeCount == 0 ? "kevent" : "keventChange");
        if (fault != 0) {
            return fault;
        }
        Queue queue;
        lock();
        try {
            queue = queues.get(kqueue);
            if (queue == null) {
                return -LinuxErrno.EBADF;
            }
            int receipts = 0;
            for (int i = 0; i < changeCount; i++) {
                long at = (long) i * KEVENT_BYTES;
                var key =
                        new Key(
                                changes.get(JAVA_LONG, at + KEVENT_IDENT),
                                changes.get(JAVA_SHORT, at + KEVENT_FILTER));
                int flags = changes.get(JAVA_SHORT, at + KEVENT_FLAGS) & 0xffff;
                int fflags = changes.get(JAVA_INT, at + KEVENT_FFLAGS);
                long udata = changes.get(JAVA_LONG, at + KEVENT_UDATA);
                int error = (flags & EV_RECEIPT) != 0 ? -fault("keventReceipt") : 0;
                if (error == 0) {
                    error = queue.change(key, flags, fflags, udata);
                }
                if (error != 0 || (flags & EV_RECEIPT) != 0) {
                    if (receipts == most) {
                        if (error != 0) {
                            return -error;
                        }
                        continue;
                    }
                    put(events, receipts++, key, flags | EV_ERROR, fflags, error, udata);
                }
            }
            if (receipts > 0 || most == 0) {
                return receipts;
            }
        } finally {
            unlock();
        }
        return scan(queue, events, most, timeout);
    }

    private int scan(Queue queue, MemorySegment events, int most, MemorySegment timeout) {
        long start = System.nanoTime();
        Random random = storm;
        long limit = Long.MAX_VALUE;
        if (timeout.address() != 0) {
            long seconds = timeout.get(JAVA_LONG, 0);
            limit = seconds * 1_000_000_000L + timeout.get(JAVA_LONG, 8);
        }
        for (; ; ) {
            lock();
            try {
                queue.collectEdges();
                int count = queue.report(events, most);
                if (random != null) {
                    count = queue.spurious(events, count, most, random);
                }
                if (count > 0) {
                    return count;
                }
            } finally {
                unlock();
            }
            long left = limit == Long.MAX_VALUE ? limit : limit - (System.nanoTime() - start);
            if (left <= 0) {
                return 0;
            }
            long millis = (left - 1) / 1_000_000 + 1;
            queue.sleep((int) Math.min(random == null ? 10_000 : 1, millis));
        }
    }

    private static void put(
            MemorySegment kevents,
            int index,
            Key key,
            int flags,
            int fflags,
            long data,
            long udata) {
        long at = (long) index * KEVENT_BYTES;
        kevents.set(JAVA_LONG, at + KEVENT_IDENT, key.ident);
        kevents.set(JAVA_SHORT, at + KEVENT_FILTER, key.filter);
        kevents.set(JAVA_SHORT, at + KEVENT_FLAGS, (short) flags);
        kevents.set(JAVA_INT, at + KEVENT_FFLAGS, fflags);
        kevents.set(JAVA_LONG, at + KEVENT_DATA, data);
        kevents.set(JAVA_LONG, at + KEVENT_UDATA, udata);
    }

    /** How many knotes there are for a descriptor. */
    final int knotes(int kqueue, int fd) {
        lock();
        try {
            return (int)
                    Objects.requireNonNull(queues.get(kqueue)).knotes.keySet().stream()
                            .filter(key -> key.ident == fd && key.filter != EVFILT_USER)
                            .count();
        } finally {
            unlock();
        }
    }

    // ---- the functions, in the order of DarwinLibc ----

    /** A negated error number of Darwin, or 0. */
    private int fault(String function) {
        return darwin(faults.next(function));
    }

    /** The same for a transfer: one that "would block" promises an event. */
    private int fault(String function, int fd) {
        int fault = faults.next(function);
        if (fault == -LinuxErrno.EAGAIN) {
            activate(fd);
        }
        return darwin(fault);
    }

    /** What a call has transferred, perhaps less than it could, which promises an event. */
    private long transferred(long result, long most, long length, int fd) {
        if (result == most && most < length) {
            activate(fd);
        }
        return darwin(result);
    }

    private void activate(int fd) {
        lock();
        try {
            queues.values().forEach(queue -> queue.activate(fd));
        } finally {
            unlock();
        }
    }

    private static int darwin(int result) {
        return result >= 0 ? result : -DarwinErrno.fromLinux(-result);
    }

    private static long darwin(long result) {
        return result >= 0 ? result : -DarwinErrno.fromLinux((int) -result);
    }

    /** Makes an address of Darwin one of Linux, in its place. */
    private static void toLinux(MemorySegment address, int length) {
        if (address.get(JAVA_BYTE, 0) != length) {
            throw new AssertionError("sa_len is " + address.get(JAVA_BYTE, 0) + ", not " + length);
        }
        int family = address.get(JAVA_BYTE, 1);
        address.set(JAVA_SHORT, 0, (short) (family == DARWIN_AF_INET6 ? AF_INET6 : family));
    }

    /** Makes an address of Linux one of Darwin, in its place. */
    private static void toDarwin(MemorySegment address, int length) {
        int family = address.get(JAVA_SHORT, 0);
        address.set(JAVA_BYTE, 0, (byte) length);
        address.set(JAVA_BYTE, 1, (byte) (family == AF_INET6 ? DARWIN_AF_INET6 : family));
    }

    @Override
    protected int socket0(NativeScratch scratch, int domain, int type, int protocol) {
        int fault = fault("socket");
        if (fault != 0) {
            return fault;
        }
        int family = domain == DARWIN_AF_INET6 ? AF_INET6 : domain;
        return darwin(super.socket0(scratch, family, type, protocol));
    }

    @Override
    protected int bind0(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int fault = fault("bind");
        if (fault != 0) {
            return fault;
        }
        toLinux(address, length);
        int result = darwin(super.bind0(scratch, fd, address, length));
        toDarwin(address, length);
        return result;
    }

    @Override
    protected int listen0(NativeScratch scratch, int fd, int backlog) {
        int fault = fault("listen");
        return fault != 0 ? fault : darwin(super.listen0(scratch, fd, backlog));
    }

    /** The new socket inherits what it inherits on Darwin, O_NONBLOCK excepted. */
    @Override
    protected int accept0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        int fault = fault("accept", fd);
        if (fault != 0) {
            return fault;
        }
        int accepted = darwin(super.accept0(scratch, fd, address, length));
        if (accepted >= 0) {
            toDarwin(address, length.get(JAVA_INT, 0));
            lock();
            if (withoutSigpipe.contains(fd)) {
                withoutSigpipe.add(accepted);
            }
            unlock();
            if (faults.next("acceptNoName") != 0) {
                length.set(JAVA_INT, 0, 0);
            }
        }
        return accepted;
    }

    @Override
    protected int connect0(NativeScratch scratch, int fd, MemorySegment address, int length) {
        int fault = fault("connect");
        if (fault != 0 && fault != -LinuxErrno.EINTR) {
            return fault;
        }
        toLinux(address, length);
        int result = darwin(super.connect0(scratch, fd, address, length));
        toDarwin(address, length);
        boolean goesOn = result == -DarwinErrno.fromLinux(LinuxErrno.EINPROGRESS);
        return fault != 0 && goesOn ? fault : result;
    }

    @Override
    protected int getsockname0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        int fault = fault("getsockname");
        if (fault != 0) {
            return fault;
        }
        int result = darwin(super.getsockname0(scratch, fd, address, length));
        toDarwin(address, length.get(JAVA_INT, 0));
        return result;
    }

    @Override
    protected int getpeername0(
            NativeScratch scratch, int fd, MemorySegment address, MemorySegment length) {
        int fault = fault("getpeername");
        if (fault != 0) {
            return fault;
        }
        int result = darwin(super.getpeername0(scratch, fd, address, length));
        toDarwin(address, length.get(JAVA_INT, 0));
        return result;
    }

    private static NativeOption option(int level, int number) {
        for (NativeOption option : NativeOption.values()) {
            if (option.darwinLevel() == level && option.darwinNumber() == number) {
                return option;
            }
        }
        throw new AssertionError("not modelled: option " + number + " of level " + level);
    }

    @Override
    protected int setsockopt0(
            NativeScratch scratch, int fd, int level, int number, MemorySegment value, int length) {
        int fault = fault("setsockopt");
        if (fault != 0) {
            return fault;
        }
        if (level == SOL_SOCKET && number == SO_NOSIGPIPE) {
            lock();
            withoutSigpipe.add(fd);
            unlock();
            return 0;
        }
        if (number >= MCAST_JOIN_GROUP && number <= MCAST_LEAVE_SOURCE_GROUP) {
            return membership(scratch, fd, level, number, value, length);
        }
        NativeOption option = option(level, number);
        return darwin(
                super.setsockopt0(
                        scratch, fd, option.linuxLevel(), option.linuxNumber(), value, length));
    }

    @Override
    protected int getsockopt0(
            NativeScratch scratch,
            int fd,
            int level,
            int number,
            MemorySegment value,
            MemorySegment length) {
        int fault = fault("getsockopt");
        if (fault != 0) {
            return fault;
        }
        if (level == SOL_SOCKET && number == SO_ERROR) {
            int result =
                    super.getsockopt0(scratch, fd, LINUX_SOL_SOCKET, LINUX_SO_ERROR, value, length);
            int error = value.get(JAVA_INT, 0);
            value.set(JAVA_INT, 0, error == 0 ? 0 : DarwinErrno.fromLinux(error));
            return darwin(result);
        }
        if (level == SOL_LOCAL && (number == LOCAL_PEERCRED || number == LOCAL_PEERPID)) {
            return peer(scratch, fd, number, value, length);
        }
        NativeOption option = option(level, number);
        return darwin(
                super.getsockopt0(
                        scratch, fd, option.linuxLevel(), option.linuxNumber(), value, length));
    }

    /** {@code struct group_req} and {@code group_source_req}, which Linux does not pack. */
    private int membership(
            NativeScratch scratch, int fd, int level, int number, MemorySegment value, int length) {
        boolean source = number >= MCAST_JOIN_SOURCE_GROUP;
        if (length != (source ? GROUP_SOURCE_BYTES : SOURCE_AT)) {
            throw new AssertionError("length of option " + number + ": " + length);
        }
        int[] numbers = {42, 45, 46, 47}; // join, leave, join source, leave source
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = arena.allocate(LINUX_SOURCE_AT + 128, 8);
            own.set(JAVA_INT, 0, value.get(JAVA_INT, 0));
            MemorySegment.copy(value, GROUP_AT, own, LINUX_GROUP_AT, 128);
            toLinux(own.asSlice(LINUX_GROUP_AT), own.get(JAVA_BYTE, LINUX_GROUP_AT));
            if (source) {
                MemorySegment.copy(value, SOURCE_AT, own, LINUX_SOURCE_AT, 128);
                toLinux(own.asSlice(LINUX_SOURCE_AT), own.get(JAVA_BYTE, LINUX_SOURCE_AT));
            }
            return darwin(
                    super.setsockopt0(
                            scratch,
                            fd,
                            level,
                            numbers[number - MCAST_JOIN_GROUP],
                            own,
                            LINUX_SOURCE_AT + (source ? 128 : 0)));
        }
    }

    /** {@code struct ucred} of Linux is process, user and group. */
    private int peer(
            NativeScratch scratch, int fd, int number, MemorySegment value, MemorySegment length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ucred = arena.allocate(12, 4);
            int given = length.get(JAVA_INT, 0);
            length.set(JAVA_INT, 0, 12);
            int result =
                    super.getsockopt0(
                            scratch, fd, LINUX_SOL_SOCKET, LINUX_SO_PEERCRED, ucred, length);
            length.set(JAVA_INT, 0, given);
            if (number == LOCAL_PEERPID) {
                value.set(JAVA_INT, 0, ucred.get(JAVA_INT, 0));
            } else {
                if (given != XUCRED_BYTES) {
                    throw new AssertionError("room for xucred: " + given);
                }
                value.set(JAVA_INT, XUCRED_UID, ucred.get(JAVA_INT, 4));
                value.set(JAVA_INT, XUCRED_GROUPS, ucred.get(JAVA_INT, 8));
            }
            return darwin(result);
        }
    }

    @Override
    protected int shutdown0(NativeScratch scratch, int fd, int how) {
        int fault = fault("shutdown");
        return fault != 0 ? fault : darwin(super.shutdown0(scratch, fd, how));
    }

    @Override
    protected long recv0(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        int fault = fault("recv", fd);
        if (fault != 0) {
            return fault;
        }
        if ((flags & ~MSG_PEEK) != 0) {
            throw new AssertionError("not modelled: flags of recv " + flags);
        }
        long most = faults.length("recv", length);
        return transferred(super.recv0(scratch, fd, buffer, most, flags), most, length, fd);
    }

    private void mustNotRaiseSigpipe(int fd) {
        lock();
        boolean safe = withoutSigpipe.contains(fd);
        unlock();
        if (!safe) {
            throw new AssertionError("writing to descriptor " + fd + " may raise SIGPIPE");
        }
    }

    @Override
    protected long send0(
            NativeScratch scratch, int fd, MemorySegment buffer, long length, int flags) {
        int fault = fault("send", fd);
        if (fault != 0) {
            return fault;
        }
        mustNotRaiseSigpipe(fd);
        long most = faults.length("send", length);
        return transferred(
                super.send0(scratch, fd, buffer, most, flags | LinuxLibc.MSG_NOSIGNAL),
                most,
                length,
                fd);
    }

    @Override
    protected long recvmsg0(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        int fault = fault("recvmsg", fd);
        if (fault != 0) {
            return fault;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = linuxMessage(message, arena);
            long result = super.recvmsg0(scratch, fd, own, flags);
            if (result < 0) {
                return darwin(result);
            }
            int length = own.get(JAVA_INT, MSGHDR_NAMELEN);
            message.set(JAVA_INT, MSGHDR_NAMELEN, length);
            int found = own.get(JAVA_INT, LINUX_MSGHDR_FLAGS);
            message.set(
                    JAVA_INT,
                    MSGHDR_FLAGS,
                    ((found & LinuxLibc.MSG_TRUNC) != 0 ? DARWIN_MSG_TRUNC : 0)
                            | ((found & LINUX_MSG_CTRUNC) != 0 ? DARWIN_MSG_CTRUNC : 0));
            MemorySegment name = message.get(ADDRESS, MSGHDR_NAME);
            if (length > 0) {
                toDarwin(name.reinterpret(length), length);
            }
            int room = message.get(JAVA_INT, MSGHDR_CONTROLLEN);
            if (room > 0) {
                int came = (int) own.get(JAVA_LONG, MSGHDR_CONTROLLEN);
                MemorySegment to = message.get(ADDRESS, MSGHDR_CONTROL).reinterpret(room);
                MemorySegment from =
                        own.get(ADDRESS, MSGHDR_CONTROL).reinterpret(Math.max(came, 0));
                int bytes = came == 0 ? 0 : (int) from.get(JAVA_LONG, 0) - LINUX_CMSG_BYTES;
                message.set(JAVA_INT, MSGHDR_CONTROLLEN, came == 0 ? 0 : CMSG_BYTES + bytes);
                if (came > 0) {
                    to.set(JAVA_INT, 0, CMSG_BYTES + bytes);
                    to.set(JAVA_INT, 4, SOL_SOCKET);
                    to.set(JAVA_INT, 8, from.get(JAVA_INT, 12));
                    MemorySegment.copy(from, LINUX_CMSG_BYTES, to, CMSG_BYTES, bytes);
                }
            }
            return result;
        }
    }

    /** The same up to the control data, but for wider lengths. */
    private static MemorySegment linuxMessage(MemorySegment message, Arena arena) {
        MemorySegment own = arena.allocate(LINUX_MSGHDR_BYTES, 8);
        MemorySegment.copy(message, 0, own, 0, MSGHDR_IOVLEN + Integer.BYTES);
        int control = message.get(JAVA_INT, MSGHDR_CONTROLLEN);
        if (control > 0) {
            int bytes = LINUX_CMSG_BYTES + control - CMSG_BYTES;
            own.set(ADDRESS, MSGHDR_CONTROL, arena.allocate(bytes + 8, 8));
            own.set(JAVA_LONG, MSGHDR_CONTROLLEN, bytes);
        }
        return own;
    }

    @Override
    protected long sendmsg0(NativeScratch scratch, int fd, MemorySegment message, int flags) {
        int fault = fault("sendmsg", fd);
        if (fault != 0) {
            return fault;
        }
        mustNotRaiseSigpipe(fd);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = linuxMessage(message, arena);
            int control = message.get(JAVA_INT, MSGHDR_CONTROLLEN);
            if (control > 0) {
                MemorySegment from = message.get(ADDRESS, MSGHDR_CONTROL).reinterpret(control);
                if (from.get(JAVA_INT, 0) != control || from.get(JAVA_INT, 4) != SOL_SOCKET) {
                    throw new AssertionError("not modelled: control data");
                }
                int bytes = LINUX_CMSG_BYTES + control - CMSG_BYTES;
                MemorySegment to = own.get(ADDRESS, MSGHDR_CONTROL).reinterpret(bytes);
                to.set(JAVA_LONG, 0, bytes);
                to.set(JAVA_INT, 8, LINUX_SOL_SOCKET);
                to.set(JAVA_INT, 12, from.get(JAVA_INT, 8));
                MemorySegment.copy(from, CMSG_BYTES, to, LINUX_CMSG_BYTES, control - CMSG_BYTES);
            }
            return darwin(super.sendmsg0(scratch, fd, own, flags | LinuxLibc.MSG_NOSIGNAL));
        }
    }

    @Override
    protected int socketpair0(
            NativeScratch scratch, int domain, int type, int protocol, MemorySegment ends) {
        int fault = fault("socketpair");
        return fault != 0
                ? fault
                : darwin(super.socketpair0(scratch, domain, type, protocol, ends));
    }

    @Override
    protected long read0(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        int fault = fault("read", fd);
        return fault != 0 ? fault : darwin(super.read0(scratch, fd, buffer, length));
    }

    @Override
    protected long write0(NativeScratch scratch, int fd, MemorySegment buffer, long length) {
        int fault = fault("write", fd);
        return fault != 0 ? fault : darwin(super.write0(scratch, fd, buffer, length));
    }

    @Override
    protected long sendto0(
            NativeScratch scratch,
            int fd,
            MemorySegment buffer,
            long length,
            int flags,
            MemorySegment address,
            int addressLength) {
        int fault = fault("sendto", fd);
        if (fault != 0) {
            return fault;
        }
        toLinux(address, addressLength);
        long result =
                darwin(super.sendto0(scratch, fd, buffer, length, flags, address, addressLength));
        toDarwin(address, addressLength);
        return result;
    }

    @Override
    protected int poll0(NativeScratch scratch, MemorySegment pollfds, int count, int millis) {
        int fault = fault("poll");
        return fault != 0 ? fault : darwin(super.poll0(scratch, pollfds, count, millis));
    }

    @Override
    protected int ioctl0(NativeScratch scratch, int fd, long request, MemorySegment value) {
        int fault = fault("ioctl");
        if (fault != 0) {
            return fault;
        }
        if (request != FIONREAD) {
            throw new AssertionError("not modelled: ioctl " + request);
        }
        return darwin(super.ioctl0(scratch, fd, LinuxLibc.FIONREAD, value));
    }

    @Override
    protected int fcntl0(NativeScratch scratch, int fd, int command, int argument) {
        int fault = fault("fcntl");
        if (fault != 0) {
            return fault;
        }
        return switch (command) {
            case F_SETFD -> darwin(super.fcntl0(scratch, fd, command, argument));
            case F_GETFL -> {
                int flags = super.fcntl0(scratch, fd, command, argument);
                yield flags < 0 ? darwin(flags) : (flags & LINUX_O_NONBLOCK) != 0 ? O_NONBLOCK : 0;
            }
            case F_SETFL -> {
                if (argument != O_NONBLOCK) {
                    throw new AssertionError("not modelled: F_SETFL " + argument);
                }
                yield darwin(super.fcntl0(scratch, fd, command, LINUX_O_NONBLOCK));
            }
            default -> throw new AssertionError("not modelled: fcntl " + command);
        };
    }

    private void descriptorCloses(int fd) {
        withoutSigpipe.remove(fd);
        queues.values().forEach(queue -> queue.descriptorCloses(fd));
    }

    @Override
    protected int close0(NativeScratch scratch, int fd) {
        lock();
        try {
            descriptorCloses(fd);
            Queue queue = queues.remove(fd);
            if (queue != null) {
                int unused = linux.close(inner, queue.writes);
                unused = linux.close(inner, queue.signal);
            }
            int result = darwin(super.close0(scratch, fd));
            int fault = fault("close"); // the number is free whatever it says
            return fault != 0 ? fault : result;
        } finally {
            unlock();
        }
    }

    @Override
    protected int duplicate0(NativeScratch scratch, int from, int to) {
        int fault = fault("dup2");
        if (fault != 0) {
            return fault;
        }
        lock();
        try {
            descriptorCloses(to);
            withoutSigpipe.add(to); // what takes its place is no socket and refuses to send
            return darwin(super.duplicate0(scratch, from, to));
        } finally {
            unlock();
        }
    }

    @Override
    protected int pipe0(NativeScratch scratch, MemorySegment ends) {
        int fault = fault("pipe");
        return fault != 0 ? fault : darwin(super.pipe0(scratch, ends));
    }
}
