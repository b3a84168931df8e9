package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Collection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

/** What {@link Mpsc} is made of: the queue, its one receiving end, and the count of senders. */
final class MpscQueue<T> extends MpscHeadPadding implements Receiver<T> {
    /*
     * Overview
     *
     * Messages have positions 0, 1, 2, ... and live in a linked list of segments of equal size, a
     * power of two; position p is slot p % size of the segment with number p / size. A sender
     * claims a position with one read-modify-write of `tail` and then writes its message into the
     * slot; the receiver takes the slots in order. A slot is written once and taken once, segments
     * are never reused.
     *
     *   field        written by                                   mode
     *   tail         senders (claim), whoever closes              compare-and-set, getAndAdd, getAndOr
     *                twice the next position, plus 1 when closed
     *   slot         the sender that claimed it: the message      release, read by acquire
     *                receiver: null, for the garbage collector    plain, nobody reads it again
     *   tailSegment  senders and receiver, only forward           compare-and-set
     *   headSegment  receiver                                     release, read by acquire
     *   segment.next senders and receiver: the next segment       compare-and-set
     *                receiver: itself, when it leaves the segment release
     *   head         receiver; the next position to take          bounded: volatile, else opaque
     *   limit        senders, server                              opaque: only a hint, see below
     *   sleeper      receiver: itself, before it parks            volatile
     *                whoever wakes it, and the receiver: null     compare-and-set
     *
     * Invariant: 2 * head <= tail, and in a bounded channel tail / 2 <= head + capacity.
     *
     * Publication: the message is released by the write of its slot and acquired by the read.
     *
     * Waking the receiver: it writes `sleeper` (volatile), then reads `tail`. A sender has changed
     * `tail` by a read-modify-write, then reads `sleeper` (volatile). One of the two sees the
     * other; the slot need not take part. When the receiver finds a position claimed but its slot
     * still empty, the sender is between the two writes, and the receiver spins, yields and naps
     * until the slot is filled.
     *
     * Room: a sender may claim below head + capacity. Reading `head` costs a cache miss, so senders
     * keep the last sum in `limit` and read `head` only when that is used up. `head` only grows, so
     * an old limit, or one overwritten by an older one, is too low and never too high.
     *
     * Senders that find no room queue with their message (WaitQueue), and whoever serves the queue
     * claims the position for them and writes their message, so a message is either withdrawn or
     * sent, never both. The position is claimed first and the waiter granted second; should all of
     * them have withdrawn, the position is filled with SKIP. While anybody waits nobody raises
     * `limit`, so newcomers queue behind. No wake-up is lost, as WaitQueue says: the receiver writes
     * `head` (volatile) and then looks at the queue.
     *
     * Closing sets the low bit of `tail`, so each claim is either before or after it. A getAndAdd
     * that turns out to come after it has claimed a position in vain and fills it with SKIP; it
     * checks `closed` first so that this happens only in the race. The end of the channel is where
     * the bit is set and head has reached tail.
     *
     * Segments: a sender reads tailSegment before it claims, so that segment is at or before the
     * claimed position, and walks on from there, adding segments at the end. Whoever writes into a
     * segment has moved tailSegment up to it. A segment that the receiver leaves links to itself,
     * lest dead segments in the old generation keep new ones alive. A slow sender that walks into
     * such a one starts again at headSegment, which is never past a position not yet taken.
     */

    /** The capacity of an unbounded channel. */
    static final int UNBOUNDED = Integer.MAX_VALUE;

    private static final long CLOSED_BIT = 1;
    private static final Object SKIP = new Object();
    private static final Object END = new Object();
    private static final int SENT = Waiter.GRANTED;
    private static final int REFUSED = Waiter.GRANTED + 1;
    private static final int NO_SENDER_LEFT = -1;

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
    private static final VarHandle TAIL;
    private static final VarHandle TAIL_SEGMENT;
    private static final VarHandle LIMIT;
    private static final VarHandle SLEEPER;
    private static final VarHandle SENDERS;
    private static final VarHandle HEAD;
    private static final VarHandle HEAD_SEGMENT;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(MpscTail.class, "tail", long.class);
            TAIL_SEGMENT = lookup.findVarHandle(MpscTail.class, "tailSegment", Segment.class);
            LIMIT = lookup.findVarHandle(MpscShared.class, "limit", long.class);
            SLEEPER = lookup.findVarHandle(MpscShared.class, "sleeper", Thread.class);
            SENDERS = lookup.findVarHandle(MpscShared.class, "senders", int.class);
            HEAD = lookup.findVarHandle(MpscHead.class, "head", long.class);
            HEAD_SEGMENT = lookup.findVarHandle(MpscHead.class, "headSegment", Segment.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int capacity;
    private final int segmentSize;
    private final int segmentShift;
    private final Blocked blocked = new Blocked();

    MpscQueue(int capacity, int segmentSize) {
        super(new Segment(0, segmentSize));
        this.capacity = capacity;
        this.segmentSize = segmentSize;
        this.segmentShift = Integer.numberOfTrailingZeros(segmentSize);
        this.limit = 2L * capacity;
    }

    // ---- senders

    int capacity() {
        return capacity;
    }

    int length() {
        long taken = (long) HEAD.getOpaque(this);
        return (int) Math.clamp((tail >>> 1) - taken, 0, capacity);
    }

    Sender<T> newSender() {
        for (; ; ) {
            int n = senders;
            if (n == NO_SENDER_LEFT || isClosed()) {
                throw new ChannelClosedException(
                        "no sender can be added to " + this + ", it is closed");
            }
            if (SENDERS.compareAndSet(this, n, n + 1)) {
                return new MpscSender<>(this);
            }
        }
    }

    void senderClosed() {
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

    void send(T message) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        SendResult result = offer(message);
        if (result == SendResult.FULL) {
            Pending pending = new Pending(message);
            blocked.add(pending);
            if (blocked.await(pending, this) == REFUSED) {
                throw refused(message);
            }
        } else if (result == SendResult.CLOSED) {
            throw refused(message);
        }
    }

    void send(T message, Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        SendResult result = offer(message);
        if (result == SendResult.FULL) {
            int outcome = Waiter.WITHDRAWN;
            if (timeout.isPositive()) {
                Pending pending = new Pending(message);
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

    SendResult offer(T message) {
        if (capacity == UNBOUNDED) {
            if (closed && isClosed()) {
                return SendResult.CLOSED;
            }
            Segment s = tailSegment;
            long t = (long) TAIL.getAndAdd(this, 2L);
            if ((t & CLOSED_BIT) != 0) {
                put(s, t >>> 1, SKIP);
                return SendResult.CLOSED;
            }
            put(s, t >>> 1, message);
            return SendResult.SENT;
        }
        for (; ; ) {
            Segment s = tailSegment;
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                return SendResult.CLOSED;
            }
            if (t >= (long) LIMIT.getOpaque(this)) {
                if (!raiseLimit(t)) {
                    return SendResult.FULL;
                }
            } else if (TAIL.weakCompareAndSet(this, t, t + 2)) {
                put(s, t >>> 1, message);
                return SendResult.SENT;
            }
        }
    }

    private boolean raiseLimit(long t) {
        if (!blocked.isEmpty()) {
            return false;
        }
        long room = 2 * (head() + capacity);
        if (t >= room) {
            return false;
        }
        LIMIT.setOpaque(this, room);
        return true;
    }

    private long head() {
        return (long) HEAD.getVolatile(this);
    }

    /** Writes into a claimed position; {@code s} was the tail segment before the claim. */
    private void put(Segment s, long position, Object message) {
        long id = position >>> segmentShift;
        if (s.id != id) {
            s = findSegment(s, id);
        }
        SLOT.setRelease(s.slots, (int) position & segmentSize - 1, message);
        wakeReceiver();
    }

    private Segment findSegment(Segment s, long id) {
        while (s.id != id) {
            Segment n = s.next;
            s = n == s ? (Segment) HEAD_SEGMENT.getAcquire(this) : n == null ? append(s) : n;
        }
        advanceTailSegment(s);
        return s;
    }

    private Segment append(Segment s) {
        Segment created = new Segment(s.id + 1, segmentSize);
        Segment seen = (Segment) Segment.NEXT.compareAndExchange(s, null, created);
        return seen == null ? created : seen == s ? (Segment) HEAD_SEGMENT.getAcquire(this) : seen;
    }

    private void advanceTailSegment(Segment s) {
        for (Segment t; (t = tailSegment).id < s.id; ) {
            if (TAIL_SEGMENT.compareAndSet(this, t, s)) {
                return;
            }
        }
    }

    private void wakeReceiver() {
        Thread t = sleeper;
        if (t != null && SLEEPER.compareAndSet(this, t, null)) {
            Parker.unpark(t);
        }
    }

    private ChannelClosedException refused(T message) {
        return new ChannelClosedException(
                "nothing can be sent to " + this + ", it is closed", message);
    }

    private static final class Pending extends Waiter {
        final Object message;

        Pending(Object message) {
            this.message = message;
        }
    }

    private final class Blocked extends WaitQueue<Pending> {
        @Override
        protected void serve() {
            for (Pending p; (p = first()) != null; ) {
                Segment s = tailSegment;
                long t = tail;
                if ((t & CLOSED_BIT) != 0) {
                    grant(p, REFUSED);
                } else if (t >= 2 * (head() + capacity)) {
                    return;
                } else if (TAIL.compareAndSet(MpscQueue.this, t, t + 2)) {
                    put(s, t >>> 1, takeFirst());
                }
            }
        }

        private Object takeFirst() {
            for (Pending p; (p = first()) != null; ) {
                if (grant(p, SENT)) {
                    return p.message;
                }
            }
            return SKIP;
        }
    }

    // ---- the receiver

    @Override
    public T recv() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object m = peek();
        if (m == null) {
            m = await();
        }
        if (m == END) {
            throw ended();
        }
        return take(m);
    }

    @Override
    public T recv(Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object m = peek();
        if (m == null) {
            m = awaitUntil(true, Deadline.after(timeout));
        }
        if (m == null) {
            throw new TimeoutException("no message in " + this + " within " + timeout);
        }
        if (m == END) {
            throw ended();
        }
        return take(m);
    }

    @Override
    public RecvResult<T> tryRecv() {
        Object m = peekClaimed();
        if (m == null) {
            return new RecvResult.Empty<>();
        }
        return m == END ? new RecvResult.Closed<>() : new RecvResult.Received<>(take(m));
    }

    @Override
    public int recvMany(Collection<? super T> into, int max) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("max: " + max + " (expected: >= 1)");
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object m = peek();
        if (m == null) {
            m = await();
        }
        if (m == END) {
            return 0;
        }
        int n = 0;
        do {
            @SuppressWarnings("unchecked") // senders put T only
            T message = (T) m;
            into.add(message); // may throw, so the message is taken afterwards
            take(m);
        } while (++n < max && (m = peek()) != null);
        return n;
    }

    @Override
    public Iterator<T> iterator() {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                Object m = peek();
                if (m == null) {
                    try {
                        m = await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        var c =
                                new CancellationException(
                                        "interrupted while waiting for a message");
                        c.initCause(e);
                        throw c;
                    }
                }
                return m != END;
            }

            @Override
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException(MpscQueue.this + " is closed and drained");
                }
                return take(requireNonNull(peek()));
            }
        };
    }

    @Override
    public boolean isClosed() {
        return (tail & CLOSED_BIT) != 0;
    }

    @Override
    public void close() {
        closed = true;
        TAIL.getAndBitwiseOr(this, CLOSED_BIT);
        blocked.service();
        wakeReceiver();
    }

    @Override
    public String toString() {
        return "Mpsc[length="
                + length()
                + ", capacity="
                + (capacity == UNBOUNDED ? "unbounded" : capacity)
                + (isClosed() ? ", closed]" : "]");
    }

    /** The message at the head, which stays there, or null if its slot is empty. */
    private @Nullable Object peek() {
        for (; ; ) {
            Object m = SLOT.getAcquire(headSegment.slots, (int) head & segmentSize - 1);
            if (m != SKIP) {
                return m;
            }
            advance();
        }
    }

    /** As peek, but waits for a sender that has claimed the position; END at the end. */
    private @Nullable Object peekClaimed() {
        for (; ; ) {
            Object m = peek();
            if (m != null) {
                return m;
            }
            long t = tail;
            if (t >>> 1 == head) {
                return (t & CLOSED_BIT) != 0 ? END : null;
            }
            awaitSlot();
        }
    }

    /** The sender is running and about to write, unless the system has just preempted it. */
    private void awaitSlot() {
        @Nullable Object[] slots = headSegment.slots;
        int i = (int) head & segmentSize - 1;
        for (int n = 0; SLOT.getAcquire(slots, i) == null; n++) {
            if (n < 100) {
                Thread.onSpinWait();
            } else if (n < 200) {
                Thread.yield();
            } else {
                Parker.parkNanos(this, 50_000);
            }
        }
    }

    /** Waits for a message, which stays there; END at the end. */
    private Object await() throws InterruptedException {
        return requireNonNull(awaitUntil(false, 0));
    }

    /** Waits for a message, which stays there; END at the end, null when time is up. */
    private @Nullable Object awaitUntil(boolean timed, long deadline) throws InterruptedException {
        Thread me = Thread.currentThread();
        for (; ; ) {
            Object m = peekClaimed();
            if (m != null) {
                return m;
            }
            Thread other = sleeper;
            if (other != null && other != me) {
                throw new IllegalStateException(
                        "thread \""
                                + other.getName()
                                + "\" #"
                                + other.threadId()
                                + " is receiving from "
                                + this
                                + ": a receiver is used by one thread at a time");
            }
            sleeper = me;
            long t = tail;
            if (t >>> 1 != head || (t & CLOSED_BIT) != 0) {
                sleeper = null;
                continue;
            }
            while (sleeper == me) {
                if (Thread.interrupted()) {
                    sleeper = null;
                    throw new InterruptedException();
                }
                if (timed) {
                    long left = deadline - System.nanoTime();
                    if (left <= 0) {
                        sleeper = null;
                        return peekClaimed();
                    }
                    Parker.parkNanos(this, left);
                } else {
                    Parker.park(this);
                }
            }
        }
    }

    @SuppressWarnings("unchecked") // senders put T only
    private T take(Object m) {
        advance();
        return (T) m;
    }

    private void advance() {
        Segment s = headSegment;
        int i = (int) head & segmentSize - 1;
        s.slots[i] = null;
        if (i == segmentSize - 1) {
            leave(s);
        }
        if (capacity == UNBOUNDED) {
            HEAD.setOpaque(this, head + 1);
        } else {
            HEAD.setVolatile(this, head + 1);
            if (!blocked.isEmpty()) {
                blocked.service();
            }
        }
    }

    private void leave(Segment s) {
        Segment n = s.next;
        if (n == null) {
            n = append(s);
        }
        HEAD_SEGMENT.setRelease(this, n);
        advanceTailSegment(n);
        s.next = s;
    }

    private ChannelClosedException ended() {
        return new ChannelClosedException("there are no more messages in " + this);
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

        final long id;
        final @Nullable Object[] slots;
        volatile @Nullable Segment next;

        Segment(long id, int size) {
            this.id = id;
            this.slots = new @Nullable Object[size];
        }
    }
}

// The fields of MpscQueue, those of senders, of both sides and of the receiver on cache lines of
// their own. The JVM lays out a superclass before its subclass.

@SuppressWarnings("unused")
abstract class MpscPadding {
    private long p0, p1, p2, p3, p4, p5, p6, p7;
}

abstract class MpscTail extends MpscPadding {
    volatile long tail;
    volatile MpscQueue.Segment tailSegment;

    MpscTail(MpscQueue.Segment first) {
        tailSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class MpscTailPadding extends MpscTail {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    MpscTailPadding(MpscQueue.Segment first) {
        super(first);
    }
}

abstract class MpscShared extends MpscTailPadding {
    long limit;
    volatile @Nullable Thread sleeper;
    volatile int senders;
    volatile boolean closed;

    MpscShared(MpscQueue.Segment first) {
        super(first);
    }
}

@SuppressWarnings("unused")
abstract class MpscSharedPadding extends MpscShared {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    MpscSharedPadding(MpscQueue.Segment first) {
        super(first);
    }
}

abstract class MpscHead extends MpscSharedPadding {
    long head;
    MpscQueue.Segment headSegment;

    MpscHead(MpscQueue.Segment first) {
        super(first);
        headSegment = first;
    }
}

@SuppressWarnings("unused")
abstract class MpscHeadPadding extends MpscHead {
    private long p0, p1, p2, p3, p4, p5, p6, p7;

    MpscHeadPadding(MpscQueue.Segment first) {
        super(first);
    }
}
