package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.WaitQueue;
import cloud.avila.avx.internal.park.Waiter;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The queue of an {@link Mpmc}, and how any number of threads take messages out of it.
 *
 * @param <T> the type of messages
 */
final class MpmcQueue<T> extends SegmentQueue<T> {
    /*
     * Overview: of the receiving side; for the rest see SegmentQueue.
     *
     * A receiver takes the message at `head` by replacing it in its slot by TAKEN (compare-and-set),
     * and then moves head on (compare-and-set). Whoever finds TAKEN, or a hole, at head moves it on,
     * so a receiver that is preempted in between holds up nobody. Since a slot changes from the
     * message to something else once, the message is taken, removed (SKIP) or dropped by one.
     *
     *   field        written by                                   mode
     *   slot         the sender: the message                      release, read by acquire
     *                receivers: TAKEN; who removes: SKIP          compare-and-set
     *   head         receivers, only forward                      compare-and-set
     *   headSegment  who moves head across a segment's end        compare-and-set, only forward
     *   receivers    open receivers, or -1 when none is left      compare-and-set
     *   handed       the server of `takers`                       volatile
     *
     * Empty is where tail, read after head and after an empty slot there, is the same position. A
     * position that is claimed and whose slot is still empty belongs to a sender between two writes:
     * the receiver waits for it, spins, yields and naps.
     *
     * Who finds nothing queues (WaitQueue). The server grants a receiver first and then takes a
     * message for it. A newcomer may have been faster: then the receiver is told to try again, and
     * queues before the others. So no message is ever in the hands of nobody. A select or a poll task
     * is told that there is a message, and takes it as a newcomer does; of so many messages no more
     * waiters are told or served, and one that was told and leaves has the next served.
     *
     * Rendezvous: capacity 0, and the places set apart in tail are those that receivers offer. A
     * receiver adds one and waits; a sender claims a position in exchange for one. So there are
     * never more positions claimed than receivers that wait for a message:
     *
     *   receivers between offering and receiving = places offered + messages not yet taken
     *
     * A receiver that gives up takes back a place. If there is none, a sender has claimed one
     * already, so there is or will be a message for this receiver, and it receives it after all. A
     * claim that ends as a hole gives its place back.
     *
     * A message that is removed out of the middle leaves a hole, whose place is free at once. So that
     * a head nobody takes does not let the list grow without bound, from 32768 holes on a removed
     * message counts as one that is there until head passes it: TAKEN is written instead.
     *
     * A channel that keeps the newest messages only is unbounded for senders: whoever sends then
     * takes out what is too old, while position and head are too far apart, which stays true of a
     * given head however many others send. So not one message too many is dropped, and at no time
     * is the channel without the newest. A position that holds no message must not count for one,
     * not for a moment: here no position is claimed after the end, and a hole counts as one before
     * it is made, and until head has passed it. Whoever was told of too many holes because of that,
     * and drops nothing, is made good for: who corrected the number looks once more.
     */

    private static final int HANDED = Waiter.GRANTED;
    private static final int ENDED = Waiter.GRANTED + 1;
    private static final int NO_RECEIVER_LEFT = -1;
    private static final int MEETING_YIELDS = 64;
    private static final int MOST_HOLES = 1 << 15;
    private static final Object TAKEN = new Object();
    private static final Object RETRY = new Object();

    /** A sender has claimed the position at the head and not written its message yet. */
    static final Object CLAIMED = new Object();

    private static final VarHandle RECEIVERS;
    private static final VarHandle DROPPED;

    static {
        try {
            var lookup = MethodHandles.lookup();
            RECEIVERS = lookup.findVarHandle(MpmcQueue.class, "receivers", int.class);
            DROPPED = lookup.findVarHandle(MpmcQueue.class, "dropped", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Takers takers = new Takers();
    private final int keep; // the newest so many are kept; 0 if none are dropped for newer ones
    private final boolean dropsNewest;
    private volatile int receivers;
    private volatile long dropped;

    private MpmcQueue(
            int capacity, int keep, boolean dropsNewest, int segmentSize, long firstSegment) {
        super(capacity, segmentSize, firstSegment);
        this.keep = keep;
        this.dropsNewest = dropsNewest;
    }

    static <T> MpmcQueue<T> bounded(int capacity, int segmentSize, long firstSegment) {
        return new MpmcQueue<>(capacity, 0, false, segmentSize, firstSegment);
    }

    static <T> MpmcQueue<T> droppingNewest(int capacity, int segmentSize) {
        return new MpmcQueue<>(capacity, 0, true, segmentSize, 0);
    }

    static <T> MpmcQueue<T> droppingOldest(int keep, int segmentSize) {
        return new MpmcQueue<>(UNBOUNDED, keep, false, segmentSize, 0);
    }

    @Override
    String kind() {
        return "Mpmc";
    }

    @Override
    int capacity() {
        return keep == 0 ? capacity : keep;
    }

    long dropped() {
        return dropped;
    }

    // ---- sending

    @Override
    boolean mayClaimInVain() {
        return keep == 0;
    }

    @Override
    SendResult offerOrDrop(T message) {
        SendResult result = offer(message);
        if (dropsNewest && result == SendResult.FULL) {
            DROPPED.getAndAdd(this, 1L);
            return SendResult.SENT;
        }
        return result;
    }

    @Override
    void arrived() {
        if (keep != 0) {
            dropOldest();
        }
        if (!takers.isEmpty()) {
            takers.service();
        }
    }

    private void dropOldest() {
        for (int n = 0; ; n++) {
            long h = (long) HEAD.getVolatile(this);
            if ((position(tail) - h >> PLACE_SHIFT) - holes <= keep) {
                return;
            }
            if (takeAt(h) != null) {
                DROPPED.getAndAdd(this, 1L);
            } else if ((long) HEAD.getVolatile(this) == h) {
                pause(n);
            }
        }
    }

    // ---- receiving without waiting

    /** A message, END, or null if there is none now. */
    @Nullable Object tryReceive() {
        if (capacity != 0) {
            return tryTake();
        }
        if (blocked.isEmpty() || !offerPlace()) {
            return isClosed() ? tryTake() : null;
        }
        blocked.service();
        for (int n = 0; n < MEETING_YIELDS; n++) {
            long t = tail;
            if (reserved(t) == 0 || position(t) != (long) HEAD.getVolatile(this)) {
                break;
            }
            Thread.yield(); // lets a select that was told there is a receiver find it
        }
        return retractPlace();
    }

    /**
     * A message, END, null if there is none now, or CLAIMED. A rendezvous waits for a message that
     * is claimed: its sender has been promised that this receiver takes it.
     */
    @Nullable Object tryReceiveWritten() {
        return capacity == 0 ? tryReceive() : tryTakeWritten();
    }

    private @Nullable Object tryTake() {
        for (int n = 0; ; n++) {
            Object m = tryTakeWritten();
            if (m != CLAIMED) {
                return m;
            }
            pause(n);
        }
    }

    private @Nullable Object tryTakeWritten() {
        for (; ; ) {
            long h = (long) HEAD.getVolatile(this);
            Object m = takeAt(h);
            if (m != null) {
                return m;
            }
            dropWhatWasSpared();
            long t = tail;
            if (position(t) == h) {
                return isEnd(t, h) ? END : null;
            }
            if ((long) HEAD.getVolatile(this) == h) {
                return CLAIMED;
            }
        }
    }

    /**
     * Takes the message at a position, which was the head. Null if it could not: there is none, or
     * others were faster, and head has moved on.
     */
    private @Nullable Object takeAt(long h) {
        Segment s = segmentOf(h);
        if (s == null) {
            return null;
        }
        int i = index(h);
        Object m = SLOT.getAcquire(s.slots, i);
        if (m == null) {
            return null;
        }
        if (m == SKIP) {
            passHole(s, h);
            return null;
        }
        boolean mine = m != TAKEN && SLOT.compareAndSet(s.slots, i, m, TAKEN);
        moveOn(s, h);
        return mine ? m : null;
    }

    private void passHole(Segment s, long h) {
        if (keep != 0) {
            if (moveOn(s, h)) {
                removeHole();
            }
            return;
        }
        removeHole();
        if (!moveOn(s, h)) {
            addHole();
        }
    }

    /** After holes were counted that are none any more. */
    private void dropWhatWasSpared() {
        if (keep != 0) {
            dropOldest();
        }
    }

    private boolean moveOn(Segment s, long h) {
        if (!HEAD.compareAndSet(this, h, h + PLACE)) {
            return false;
        }
        if (index(h) == segmentSize - 1) {
            leave(s);
        }
        serveSenders();
        return true;
    }

    private void leave(Segment s) {
        Segment n = s.next;
        if (n == null) {
            n = append(s);
        }
        for (Segment x; (x = firstSegment()).base - n.base < 0; ) {
            if (HEAD_SEGMENT.compareAndSet(this, x, n)) {
                break;
            }
        }
        advanceTailSegment(n);
        s.next = s;
    }

    private Segment firstSegment() {
        return (Segment) HEAD_SEGMENT.getAcquire(this);
    }

    /** Null if nobody has added it yet, or if it has been left. */
    private @Nullable Segment segmentOf(long h) {
        long base = base(h);
        Segment s = firstSegment();
        while (s.base != base) {
            Segment n = s.next;
            if (s.base - base > 0 || n == null) {
                return null;
            }
            s = n == s ? firstSegment() : n;
        }
        return s;
    }

    private boolean isEnd(long t, long h) {
        long rest = capacity == 0 ? POSITION_MASK | CLOSED_BIT : ~WAITING_BIT;
        return (t & rest) == (h | CLOSED_BIT);
    }

    private void passHoles() {
        while (holes > 0) {
            long h = (long) HEAD.getVolatile(this);
            Segment s = segmentOf(h);
            if (s == null || SLOT.getAcquire(s.slots, index(h)) != SKIP) {
                return;
            }
            passHole(s, h);
            dropWhatWasSpared();
        }
    }

    // ---- looking without taking, and removing

    /** The message at the head, or null if there is none now. */
    @Nullable Object peek() {
        for (int n = 0; ; ) {
            long h = (long) HEAD.getVolatile(this);
            Segment s = segmentOf(h);
            Object m = s == null ? null : SLOT.getAcquire(s.slots, index(h));
            if (s != null && m == TAKEN) {
                moveOn(s, h);
            } else if (s != null && m == SKIP) {
                passHole(s, h);
                dropWhatWasSpared();
            } else if (m != null) {
                return m;
            } else if (position(tail) == h) {
                return null;
            } else if ((long) HEAD.getVolatile(this) == h) {
                pause(n++);
            }
        }
    }

    /** How many messages can be sent now without waiting. */
    int roomLeft() {
        return capacity == UNBOUNDED
                ? UNBOUNDED
                : Math.max(0, capacity - length() - (capacity == 0 ? 0 : reserved(tail)));
    }

    Walk walk() {
        return new Walk();
    }

    /**
     * A look at each message that is there during all of the walk, and perhaps at others, in order.
     * Used by one thread.
     */
    final class Walk {
        private long next;
        private Segment cursor = firstSegment(); // where the last look was
        private @Nullable Segment segment; // of the message
        private int index;
        private @Nullable Object message;

        Walk() {
            next = (long) HEAD.getVolatile(MpmcQueue.this);
        }

        private Walk(Walk from) {
            next = from.next;
            cursor = from.cursor;
        }

        /** One that goes on where this one is. */
        Walk copy() {
            return new Walk(this);
        }

        /** Goes to the next message; false at the end. */
        boolean advance() {
            for (; ; next += PLACE) {
                long h = (long) HEAD.getVolatile(MpmcQueue.this);
                if (next - h < 0) {
                    next = h;
                }
                if (next - position(tail) >= 0) {
                    return false;
                }
                Segment s = find(next);
                if (s != null) {
                    Object m = SLOT.getAcquire(s.slots, index(next));
                    if (m != null && m != SKIP && m != TAKEN) {
                        segment = s;
                        index = index(next);
                        message = m;
                        next += PLACE;
                        return true;
                    }
                }
            }
        }

        private @Nullable Segment find(long position) {
            long base = base(position);
            while (cursor.base - base < 0) {
                Segment n = cursor.next;
                if (n == null) {
                    return null; // whoever has claimed the position has not got there yet
                }
                cursor = n == cursor ? firstSegment() : n;
            }
            return cursor.base == base ? cursor : null;
        }

        @Nullable Object message() {
            return message;
        }

        /** Takes the message out; false if it has gone meanwhile. */
        boolean remove() {
            Segment s = segment;
            Object m = message;
            if (s == null || m == null) {
                return false;
            }
            if (holes >= MOST_HOLES) {
                return SLOT.compareAndSet(s.slots, index, m, TAKEN);
            }
            if (keep != 0) {
                addHole();
                boolean removed = SLOT.compareAndSet(s.slots, index, m, SKIP);
                if (!removed) {
                    removeHole();
                    dropWhatWasSpared();
                }
                passHoles();
                return removed;
            }
            if (!SLOT.compareAndSet(s.slots, index, m, SKIP)) {
                return false;
            }
            addHole();
            passHoles();
            return true;
        }
    }

    // ---- rendezvous

    /** Offers a place to senders; false if the channel is closed. */
    private boolean offerPlace() {
        for (; ; ) {
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                return false;
            }
            if (reserved(t) == MOST_RESERVED) {
                throw new IllegalStateException(
                        MOST_RESERVED
                                + " receivers wait at "
                                + this
                                + ", the most that can; receive in fewer threads or tasks");
            }
            if (TAIL.weakCompareAndSet(this, t, t + RESERVED_ONE)) {
                return true;
            }
        }
    }

    /** Takes back a place; if it has been used, returns the message, and END if closed. */
    private @Nullable Object retractPlace() {
        for (; ; ) {
            long t = tail;
            if ((t & CLOSED_BIT) == 0 && reserved(t) > 0) {
                if (TAIL.weakCompareAndSet(this, t, t - RESERVED_ONE)) {
                    return null;
                }
            } else {
                Object m = tryTake();
                if (m != null) {
                    return m;
                }
                Thread.onSpinWait();
            }
        }
    }

    @Override
    void claimedInVain() {
        if (capacity == 0) {
            TAIL.getAndAdd(this, RESERVED_ONE);
        }
    }

    // ---- receiving

    /** A message or END, waiting for it; null when time is up. */
    @Nullable Object receive(boolean timed, long deadline) throws InterruptedException {
        boolean meeting = capacity == 0;
        if (meeting) {
            if (!offerPlace()) {
                return tryTake();
            }
            if (!blocked.isEmpty()) {
                blocked.service();
                Object m = tryTake();
                if (m != null) {
                    return m;
                }
            }
        }
        for (boolean again = false; ; again = true) {
            var w = new Taker(again);
            takers.add(w);
            int outcome;
            try {
                outcome = timed ? takers.awaitUntil(w, this, deadline) : takers.await(w, this);
            } catch (InterruptedException e) {
                Object m = meeting ? retractPlace() : null;
                if (m == null || m == END) {
                    throw e;
                }
                Thread.currentThread().interrupt();
                return m;
            }
            if (outcome == Waiter.WITHDRAWN) {
                return meeting ? retractPlace() : tryTake();
            }
            if (outcome == ENDED) {
                return END;
            }
            Object m = w.handed();
            if (m != RETRY) {
                return m;
            }
            m = meeting ? null : tryTake();
            if (m != null) {
                return m;
            }
        }
    }

    private void pause(int n) {
        if (n < 100) {
            Thread.onSpinWait();
        } else if (n < 200) {
            Thread.yield();
        } else {
            Parker.parkNanos(this, 50_000);
        }
    }

    /** Adds a select that waits for a message. */
    void register(SelectWaiter waiter) {
        takers.add(waiter);
    }

    /** Takes a select, which was told or not, out of those who wait for a message. */
    void deregister(SelectWaiter waiter) {
        if (!takers.withdraw(waiter) && !takers.isEmpty()) {
            takers.service();
        }
    }

    /** A thread that waits for a message. */
    private static final class Taker extends Waiter {
        private volatile @Nullable Object handed;

        Taker(boolean first) {
            super(first);
        }

        /** Waits for the server that has granted this to say what. */
        Object handed() {
            for (int n = 0; ; n++) {
                Object m = handed;
                if (m != null) {
                    return m;
                }
                if (n < 100) {
                    Thread.onSpinWait();
                } else {
                    Thread.yield();
                }
            }
        }
    }

    /** Those who wait for a message. */
    private final class Takers extends WaitQueue<Waiter> {
        @Override
        protected void serve() {
            int told = 0; // in this turn, of messages that are still there
            for (Waiter w; (w = first()) != null; ) {
                passHoles();
                long t = tail;
                long h = (long) HEAD.getVolatile(MpmcQueue.this);
                boolean select = w instanceof SelectWaiter;
                if (position(t) - h >> PLACE_SHIFT > told) {
                    if (!select) {
                        hand((Taker) w);
                    } else if (grant(w, SelectWaiter.TOLD)) {
                        told++;
                    }
                } else if (isEnd(t, h)) {
                    grant(w, select ? SelectWaiter.TOLD : ENDED);
                } else if (select && capacity == 0 && told == 0 && !blocked.isEmpty()) {
                    grant(w, SelectWaiter.TOLD);
                    told++;
                } else {
                    return;
                }
            }
        }

        private void hand(Taker w) {
            if (grant(w, HANDED)) {
                Object m = tryTake();
                w.handed = m == null || m == END ? RETRY : m;
            }
        }
    }

    // ---- receivers

    MpmcReceiver<T> newReceiver() {
        for (; ; ) {
            int n = receivers;
            if (n == NO_RECEIVER_LEFT) {
                throw new ChannelClosedException(
                        "no receiver can be added to " + this + ", all were closed");
            }
            if (RECEIVERS.compareAndSet(this, n, n + 1)) {
                return new MpmcReceiver<>(this);
            }
        }
    }

    void receiverClosed() {
        for (; ; ) {
            int n = receivers;
            int left = n == 1 ? NO_RECEIVER_LEFT : n - 1;
            if (RECEIVERS.compareAndSet(this, n, left)) {
                if (left == NO_RECEIVER_LEFT) {
                    close();
                }
                return;
            }
        }
    }

    ChannelClosedException ended() {
        return new ChannelClosedException("there are no more messages in " + this);
    }
}
