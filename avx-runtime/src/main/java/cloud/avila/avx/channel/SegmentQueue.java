package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;
import cloud.avila.avx.task.WakerCell;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * The queue of messages and its sending side, which {@link Mpsc} and {@link Mpmc} have in common:
 * claiming places, reserving them, waiting for them, closing. What takes messages out is a
 * subclass.
 *
 * @param <T> the type of messages
 */
abstract class SegmentQueue<T> extends QueueHeadPadding {
    /*
     * Overview
     *
     * Messages have positions 0, 1, 2, ... and live in a linked list of segments of equal size, a
     * power of two. A sender claims a position with one read-modify-write of `tail` and then writes
     * its message into the slot; slots are filled in any order and taken in the order of positions.
     * A slot is used once, segments are never reused.
     *
     *   tail = next position (40 bits) | places set apart (22 bits) | WAITING | CLOSED
     *
     * `head` and the segments' bases are written in the same way, with the low 24 bits zero, so that
     * they can be subtracted. Positions count modulo 2^40: only differences are compared, and these
     * are far smaller, since a difference is at most what fits into memory.
     *
     *   field        written by                                   mode
     *   tail         senders, permits, servers, whoever closes    compare-and-set, getAndAdd, getAndOr
     *   slot         the sender that claimed it: the message      release, read by acquire
     *                whoever takes it                             see the subclasses
     *   tailSegment  senders and receivers, only forward          compare-and-set
     *   headSegment  receivers, only forward                      see the subclasses
     *   segment.next anybody: the next segment                    compare-and-set
     *                who leaves the segment: itself               volatile
     *   head         receivers; the next position to take         see the subclasses
     *   holes        who makes a SKIP: +1, who passes it: -1      getAndAdd
     *   limit        senders                                      opaque: only a hint, see below
     *   setAside     server: +1, senders and selects: -1          getAndAdd, compare-and-set
     *
     * Invariant of a bounded channel: next position + places set apart <= head + capacity + holes.
     *
     * Publication: the message is released by the write of its slot and acquired by the read.
     *
     * Room: Reading `head` costs a cache miss, so senders keep the last sum of head, capacity and
     * holes in `limit` and read `head` only when that is used up. An old limit, or one overwritten
     * by an older one, is too low and never too high, for the sum only grows: head does, and a hole
     * that is passed is taken out of `holes` before it is added to head. For the same reason who
     * adds them up reads head first.
     *
     * A place set apart is room that a permit holds. It has no position yet: the message gets one,
     * in exchange for the place, when it is sent, with one getAndAdd that never fails, not even when
     * the channel has been closed. The end of the channel is therefore where the bit is set, head
     * has reached the next position and nothing is set apart.
     *
     * In a rendezvous (capacity 0) the places set apart are those that waiting receivers offer, and a
     * claim uses one up: see MpmcQueue.
     *
     * Senders that find no room queue (WaitQueue), with their message or with the number of places
     * they want, and whoever serves the queue does it for them. The server claims the position, or
     * sets the places apart, first and grants the waiter second; in between the waiter may withdraw.
     * Then a position gets the message of the next waiter, or is made a hole: SKIP is written and
     * `holes` grows, so that its room is there again. So a message is either withdrawn or sent.
     * A select is not served but told: a place is set apart for it, noted in `setAside`, and
     * whoever finds the channel full may take one of these.
     *
     * While somebody waits, WAITING is set, and nobody claims or sets apart except the server and
     * those who hold a place: newcomers queue behind. The server sets the bit, reads head again and
     * leaves if there is still no room. No wake-up is lost, as WaitQueue says: who makes room writes
     * head, holes or tail (volatile or read-modify-write) and then looks at the queue.
     *
     * Closing sets the low bit of tail, so each claim is either before or after it. In an unbounded
     * channel a getAndAdd that turns out to come after it has claimed a position in vain and makes
     * it a hole; it looks at `closed` first so that this happens only in the race.
     *
     * Segments: a sender reads tailSegment before it claims, so that segment is at or before the
     * claimed position, and walks on from there, adding segments at the end. Whoever writes into a
     * segment has moved tailSegment up to it. A segment that receivers leave links to itself, lest
     * dead segments in the old generation keep new ones alive. A slow sender that walks into such a
     * one starts again at headSegment, which is never past a position that is not yet filled,
     * because head passes filled slots only.
     */

    /** The capacity of an unbounded channel. */
    static final int UNBOUNDED = Integer.MAX_VALUE;

    /** The most places that may be set apart at a time. */
    static final int MOST_RESERVED = (1 << 22) - 1;

    static final long CLOSED_BIT = 1;
    static final long WAITING_BIT = 2;
    static final long RESERVED_ONE = 4;
    static final int PLACE_SHIFT = 24;
    static final long PLACE = 1L << PLACE_SHIFT;
    static final long POSITION_MASK = -PLACE;
    static final long RESERVED_MASK = PLACE - RESERVED_ONE;
    private static final int RESERVED_TO_PLACE = 22;

    static final Object SKIP = new Object();
    static final Object END = new Object();
    private static final int SENT = Waiter.GRANTED;
    private static final int REFUSED = Waiter.GRANTED + 1;
    private static final int NO_SENDER_LEFT = -1;

    static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    static final VarHandle TAIL;
    private static final VarHandle TAIL_SEGMENT;
    private static final VarHandle LIMIT;
    private static final VarHandle HOLES;
    private static final VarHandle SET_ASIDE;
    private static final VarHandle SENDERS;
    static final VarHandle HEAD;
    static final VarHandle HEAD_SEGMENT;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(QueueTail.class, "tail", long.class);
            TAIL_SEGMENT = lookup.findVarHandle(QueueTail.class, "tailSegment", Segment.class);
            LIMIT = lookup.findVarHandle(QueueShared.class, "limit", long.class);
            HOLES = lookup.findVarHandle(QueueShared.class, "holes", long.class);
            SET_ASIDE = lookup.findVarHandle(QueueShared.class, "setAside", int.class);
            SENDERS = lookup.findVarHandle(QueueShared.class, "senders", int.class);
            HEAD = lookup.findVarHandle(QueueHead.class, "head", long.class);
            HEAD_SEGMENT = lookup.findVarHandle(QueueHead.class, "headSegment", Segment.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final int capacity; // places; UNBOUNDED, or 0 for a rendezvous
    final int segmentSize;
    final Blocked blocked = new Blocked();
    private final long baseMask;
    private final long claim; // what a claim adds to tail

    /** A queue whose first position is the first of a segment. */
    SegmentQueue(int capacity, int segmentSize, long firstSegment) {
        super(new Segment(firstSegment * segmentSize << PLACE_SHIFT, segmentSize));
        this.capacity = capacity;
        this.segmentSize = segmentSize;
        this.baseMask = -((long) segmentSize << PLACE_SHIFT);
        this.claim = capacity == 0 ? PLACE - RESERVED_ONE : PLACE;
        this.tail = tailSegment.base;
        this.head = tailSegment.base;
        this.limit = head + capacity * PLACE;
    }

    /** Called after each message, and when the end may have been reached: wakes receivers. */
    abstract void arrived();

    /** What this is, for users. */
    abstract String kind();

    /** The most messages, or {@link #UNBOUNDED}; what users are told. */
    int capacity() {
        return capacity;
    }

    int length() {
        long h = (long) HEAD.getOpaque(this);
        long n = (position(tail) - h >> PLACE_SHIFT) - holes;
        return (int) Math.clamp(n, 0, capacity());
    }

    public final boolean isClosed() {
        return (tail & CLOSED_BIT) != 0;
    }

    public void close() {
        closed = true;
        TAIL.getAndBitwiseOr(this, CLOSED_BIT);
        blocked.service();
        arrived();
    }

    @Override
    public String toString() {
        int c = capacity();
        return kind()
                + "[length="
                + length()
                + ", capacity="
                + (c == UNBOUNDED ? "unbounded" : c)
                + (isClosed() ? ", closed]" : "]");
    }

    // ---- words

    static long position(long word) {
        return word & POSITION_MASK;
    }

    static int reserved(long tailWord) {
        return (int) (tailWord & RESERVED_MASK) >>> 2;
    }

    final int index(long word) {
        return (int) (word >>> PLACE_SHIFT) & segmentSize - 1;
    }

    final long base(long word) {
        return word & baseMask;
    }

    /** The next position and the places set apart, added up. */
    private static long filled(long tailWord) {
        return position(tailWord) + ((tailWord & RESERVED_MASK) << RESERVED_TO_PLACE);
    }

    // ---- senders

    final Sender<T> newSender() {
        Sender<T> s = tryNewSender();
        if (s == null) {
            throw new ChannelClosedException(
                    "no sender can be added to " + this + ", it is closed");
        }
        return s;
    }

    final @Nullable Sender<T> tryNewSender() {
        for (; ; ) {
            int n = senders;
            if (n == NO_SENDER_LEFT || isClosed()) {
                return null;
            }
            if (SENDERS.compareAndSet(this, n, n + 1)) {
                return new ChannelSender<>(this);
            }
        }
    }

    final void senderClosed() {
        for (; ; ) {
            int n = senders;
            int left = n == 1 ? NO_SENDER_LEFT : n - 1;
            if (SENDERS.compareAndSet(this, n, left)) {
                if (left == NO_SENDER_LEFT) {
                    close();
                }
                return;
            }
        }
    }

    final void send(T message) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        SendResult result = offerOrDrop(message);
        if (result == SendResult.FULL) {
            Pending pending = new Pending(message, null);
            blocked.add(pending);
            if (blocked.await(pending, this) == REFUSED) {
                throw refused(message);
            }
        } else if (result == SendResult.CLOSED) {
            throw refused(message);
        }
    }

    final void send(T message, Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        SendResult result = offerOrDrop(message);
        if (result == SendResult.FULL) {
            int outcome = Waiter.WITHDRAWN;
            if (timeout.isPositive()) {
                Pending pending = new Pending(message, null);
                blocked.add(pending);
                outcome = blocked.awaitUntil(pending, this, Deadline.after(timeout));
            }
            if (outcome == Waiter.WITHDRAWN) {
                throw new TimeoutException("no room in " + this + " within " + timeout);
            }
            if (outcome == REFUSED) {
                throw refused(message);
            }
        } else if (result == SendResult.CLOSED) {
            throw refused(message);
        }
    }

    /** As offer, but a channel that drops messages rather than wait says that it was sent. */
    SendResult offerOrDrop(T message) {
        return offer(message);
    }

    /** Called when a claimed position was made a hole. */
    void claimedInVain() {}

    /** Sends if there is room. */
    final SendResult offer(T message) {
        if (capacity == UNBOUNDED) {
            return offerUnbounded(message);
        }
        if (capacity == 0) {
            return offerToReceiver(message);
        }
        for (; ; ) {
            Segment s = tailSegment;
            long t = tail;
            if ((t & (CLOSED_BIT | WAITING_BIT)) != 0) {
                return (t & CLOSED_BIT) != 0 ? SendResult.CLOSED : offerIntoPlaceSetAside(message);
            }
            long filled = filled(t);
            if (filled - (long) LIMIT.getOpaque(this) >= 0) {
                if (!raiseLimit(filled)) {
                    return offerIntoPlaceSetAside(message);
                }
            } else if (TAIL.weakCompareAndSet(this, t, t + PLACE)) {
                put(s, t, message);
                return SendResult.SENT;
            }
        }
    }

    private SendResult offerUnbounded(T message) {
        if (closed && isClosed()) {
            return SendResult.CLOSED;
        }
        if (!mayClaimInVain()) {
            return offerWhileOpen(message);
        }
        Segment s = tailSegment;
        long t = (long) TAIL.getAndAdd(this, PLACE);
        if ((t & CLOSED_BIT) != 0) {
            putHole(s, t);
            return SendResult.CLOSED;
        }
        put(s, t, message);
        return SendResult.SENT;
    }

    /** Whether a position may be claimed after the end, to be made a hole then. */
    boolean mayClaimInVain() {
        return true;
    }

    private SendResult offerWhileOpen(T message) {
        for (; ; ) {
            Segment s = tailSegment;
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                return SendResult.CLOSED;
            }
            if (TAIL.weakCompareAndSet(this, t, t + PLACE)) {
                put(s, t, message);
                return SendResult.SENT;
            }
        }
    }

    private SendResult offerToReceiver(T message) {
        for (; ; ) {
            Segment s = tailSegment;
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                return SendResult.CLOSED;
            }
            if (reserved(t) == 0) {
                return SendResult.FULL;
            }
            if (TAIL.weakCompareAndSet(this, t, t + claim)) {
                put(s, t, message);
                return SendResult.SENT;
            }
        }
    }

    private SendResult offerIntoPlaceSetAside(T message) {
        if (!takeSetAside()) {
            return SendResult.FULL;
        }
        sendReserved(message);
        return SendResult.SENT;
    }

    private boolean raiseLimit(long filled) {
        long room = room();
        if (filled - room >= 0) {
            return false;
        }
        LIMIT.setOpaque(this, room);
        return true;
    }

    /** Where the places end, read anew. */
    private long room() {
        long h = (long) HEAD.getVolatile(this);
        return h + (capacity + holes) * PLACE;
    }

    private boolean hasRoom(long t, int places) {
        return capacity == 0
                ? reserved(t) >= places
                : capacity == UNBOUNDED || filled(t) + (places - 1) * PLACE - room() < 0;
    }

    private boolean canReserve(long t, int places) {
        return reserved(t) + places <= MOST_RESERVED && hasRoom(t, places);
    }

    /** Writes into a claimed position; {@code s} was the tail segment before the claim. */
    final void put(Segment s, long t, Object message) {
        long base = base(t);
        if (s.base != base) {
            s = findSegment(s, base);
        }
        SLOT.setRelease(s.slots, index(t), message);
        arrived();
    }

    final void putHole(Segment s, long t) {
        HOLES.getAndAdd(this, 1L);
        put(s, t, SKIP);
    }

    /** Called before head passes a hole; if it then does not, {@link #addHole} takes it back. */
    final void removeHole() {
        HOLES.getAndAdd(this, -1L);
    }

    final void addHole() {
        HOLES.getAndAdd(this, 1L);
        serveSenders();
    }

    private Segment findSegment(Segment s, long base) {
        while (s.base != base) {
            Segment n = s.next;
            s = n == s ? (Segment) HEAD_SEGMENT.getAcquire(this) : n == null ? append(s) : n;
        }
        advanceTailSegment(s);
        return s;
    }

    /** The sender is running and about to write, unless the system has just preempted it. */
    final void awaitSlot(Segment s, long position) {
        int i = index(position);
        for (int n = 0; SLOT.getAcquire(s.slots, i) == null; n++) {
            if (n < 100) {
                Thread.onSpinWait();
            } else if (n < 200) {
                Thread.yield();
            } else {
                Parker.parkNanos(this, 50_000);
            }
        }
    }

    /** The segment after one that has not been left, or where to start again if it has. */
    final Segment append(Segment s) {
        Segment created = new Segment(s.base + ((long) segmentSize << PLACE_SHIFT), segmentSize);
        Segment seen = (Segment) Segment.NEXT.compareAndExchange(s, null, created);
        return seen == null ? created : seen == s ? (Segment) HEAD_SEGMENT.getAcquire(this) : seen;
    }

    final void advanceTailSegment(Segment s) {
        for (Segment t; (t = tailSegment).base - s.base < 0; ) {
            if (TAIL_SEGMENT.compareAndSet(this, t, s)) {
                return;
            }
        }
    }

    final void serveSenders() {
        if (!blocked.isEmpty()) {
            blocked.service();
        }
    }

    // ---- places set apart

    final void reserve(int places) throws InterruptedException {
        checkPlaces(places);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!tryReserve(places)) {
            var r = new Reserving(places, null);
            blocked.add(r);
            if (blocked.await(r, this) == REFUSED) {
                throw refusedToReserve();
            }
        }
    }

    final void reserve(int places, Duration timeout) throws InterruptedException, TimeoutException {
        checkPlaces(places);
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        if (!tryReserve(places)) {
            int outcome = Waiter.WITHDRAWN;
            if (timeout.isPositive()) {
                var r = new Reserving(places, null);
                blocked.add(r);
                outcome = blocked.awaitUntil(r, this, Deadline.after(timeout));
            }
            if (outcome == Waiter.WITHDRAWN) {
                throw new TimeoutException(
                        "no room for " + places + " in " + this + " within " + timeout);
            }
            if (outcome == REFUSED) {
                throw refusedToReserve();
            }
        }
    }

    /** Sets places apart if there is room and nobody waits. */
    final boolean tryReserve(int places) {
        checkPlaces(places);
        for (; ; ) {
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                throw refusedToReserve();
            }
            if ((t & WAITING_BIT) != 0 || !canReserve(t, places)) {
                return false;
            }
            if (TAIL.weakCompareAndSet(this, t, t + places * RESERVED_ONE)) {
                return true;
            }
        }
    }

    final void checkPlaces(int places) {
        if (capacity == 0) {
            throw new UnsupportedOperationException(
                    "a rendezvous has no places to reserve: a message goes from hand to hand; use"
                            + " send or trySend");
        }
        int most = Math.min(capacity, MOST_RESERVED);
        if (places < 1 || places > most) {
            throw new IllegalArgumentException(
                    "places: " + places + " (expected: 1 to " + most + " for " + this + ")");
        }
    }

    /** Sends into a place that was set apart. */
    final void sendReserved(Object message) {
        Segment s = tailSegment;
        long t = (long) TAIL.getAndAdd(this, PLACE - RESERVED_ONE);
        put(s, t, message);
        serveSenders(); // who waits because no more places can be set apart, not for room
    }

    /** Gives places back. */
    final void unreserve(int places) {
        long t = (long) TAIL.getAndAdd(this, -places * RESERVED_ONE);
        serveSenders();
        if ((t & CLOSED_BIT) != 0) {
            arrived();
        }
    }

    private boolean takeSetAside() {
        for (int n; (n = setAside) > 0; ) {
            if (SET_ASIDE.compareAndSet(this, n, n - 1)) {
                return true;
            }
        }
        return false;
    }

    final ChannelClosedException refused(T message) {
        return new ChannelClosedException(
                "nothing can be sent to " + this + ", it is closed", message);
    }

    final ChannelClosedException refusedToReserve() {
        return new ChannelClosedException("nothing can be reserved in " + this + ", it is closed");
    }

    // ---- waiting for room

    /** Takes a select, which was told or not, out of those who wait for room. */
    final void withdraw(SelectWaiter waiter) {
        if (!blocked.withdraw(waiter)) {
            if (takeSetAside()) {
                unreserve(1);
            } else {
                serveSenders();
            }
        }
    }

    /** Somebody who waits for room; a poll task if there is a cell, else a thread. */
    abstract static class Blocking extends Waiter {
        private final @Nullable WakerCell task;

        Blocking(@Nullable WakerCell task) {
            this.task = task;
        }

        final boolean isDone() {
            return outcome() != WAITING;
        }

        final boolean isRefused() {
            return outcome() == REFUSED;
        }

        @Override
        public final void wake() {
            if (task == null) {
                super.wake();
            } else {
                task.wake();
            }
        }

        @Override
        protected final boolean needsWaking() {
            return task != null || super.needsWaking();
        }
    }

    static final class Pending extends Blocking {
        final Object message;

        Pending(Object message, @Nullable WakerCell task) {
            super(task);
            this.message = message;
        }
    }

    static final class Reserving extends Blocking {
        final int places;

        Reserving(int places, @Nullable WakerCell task) {
            super(task);
            this.places = places;
        }
    }

    /** Those who wait for room. */
    final class Blocked extends WaitQueue<Waiter> {
        @Override
        protected void serve() {
            int told = 0; // in this turn, of places that cannot be set apart for them
            for (; ; ) {
                Waiter w = first();
                Segment s = tailSegment;
                long t = tail;
                if (w == null) {
                    if ((t & WAITING_BIT) == 0 || replaceTail(t, t & ~WAITING_BIT)) {
                        return;
                    }
                } else if ((t & CLOSED_BIT) != 0) {
                    grant(w, w instanceof SelectWaiter ? SelectWaiter.TOLD : REFUSED);
                } else if (!canServe(w, t, told)) {
                    if (capacity == 0 || (t & WAITING_BIT) != 0) {
                        break;
                    }
                    replaceTail(t, t | WAITING_BIT);
                } else if (w instanceof Pending) {
                    send(s, t);
                } else if (w instanceof Reserving r) {
                    reserve(r, t);
                } else if (capacity != 0) {
                    setAside(w, t);
                } else if (grant(w, SelectWaiter.TOLD)) {
                    told++;
                }
            }
            if (capacity == 0) {
                arrived(); // selects that want to receive can do so from those who wait
            }
        }

        private boolean canServe(Waiter w, long t, int told) {
            return w instanceof Pending
                    ? hasRoom(t, 1)
                    : w instanceof Reserving r
                            ? canReserve(t, r.places)
                            : capacity == 0 ? hasRoom(t, 1 + told) : canReserve(t, 1);
        }

        private void send(Segment s, long t) {
            if (replaceTail(t, t + claim)) {
                Object message = takeFirst();
                if (message == null) {
                    putHole(s, t);
                    claimedInVain();
                } else {
                    put(s, t, message);
                }
            }
        }

        private void reserve(Reserving r, long t) {
            if (replaceTail(t, t + r.places * RESERVED_ONE) && !grant(r, SENT)) {
                unreserve(r.places);
            }
        }

        private void setAside(Waiter w, long t) {
            if (replaceTail(t, t + RESERVED_ONE)) {
                SET_ASIDE.getAndAdd(SegmentQueue.this, 1);
                if (!grant(w, SelectWaiter.TOLD) && takeSetAside()) {
                    unreserve(1);
                }
            }
        }

        private boolean replaceTail(long expected, long next) {
            return TAIL.compareAndSet(SegmentQueue.this, expected, next);
        }

        private @Nullable Object takeFirst() {
            while (first() instanceof Pending p) {
                if (grant(p, SENT)) {
                    return p.message;
                }
            }
            return null;
        }
    }

    /** A stretch of positions. */
    static final class Segment {
        static final VarHandle NEXT;

        static {
            try {
                NEXT = MethodHandles.lookup().findVarHandle(Segment.class, "next", Segment.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        final long base;
        final @Nullable Object[] slots;
        volatile @Nullable Segment next;

        Segment(long base, int size) {
            this.base = base;
            this.slots = new @Nullable Object[size];
        }
    }
}

// The fields of SegmentQueue, those of senders, of both sides and of receivers on cache lines of
// their own. The JVM lays out a superclass before its subclass.

@SuppressWarnings("unused")
abstract class QueuePadding {
    private long p0, p1, p2, p3, p4, p5, p6, p7;
}

abstract class QueueTail extends QueuePadding {
    volatile long tail;
    volatile SegmentQueue.Segment tailSegment;

    QueueTail(SegmentQueue.Segment first) {
        tailSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class QueueTailPadding extends QueueTail {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    QueueTailPadding(SegmentQueue.Segment first) {
        super(first);
    }
}

abstract class QueueShared extends QueueTailPadding {
    long limit;
    volatile long holes;
    volatile @Nullable Object sleeper; // Mpsc: its receiver's Thread or SelectWaiter
    volatile int setAside;
    volatile int senders;
    volatile boolean closed;

    QueueShared(SegmentQueue.Segment first) {
        super(first);
    }
}

@SuppressWarnings("unused")
abstract class QueueSharedPadding extends QueueShared {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    QueueSharedPadding(SegmentQueue.Segment first) {
        super(first);
    }
}

abstract class QueueHead extends QueueSharedPadding {
    long head;
    SegmentQueue.Segment headSegment;

    QueueHead(SegmentQueue.Segment first) {
        super(first);
        headSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class QueueHeadPadding extends QueueHead {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    QueueHeadPadding(SegmentQueue.Segment first) {
        super(first);
    }
}
