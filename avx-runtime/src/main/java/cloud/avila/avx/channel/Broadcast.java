package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Parker;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collection;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/**
 * A channel in which every receiver gets every message that is sent after it subscribed. Any number
 * of threads may send.
 *
 * {@snippet :
 * var events = Broadcast.<Event>create(1024);
 * try (BroadcastReceiver<Event> mine = events.subscribe()) {
 *     for (Event e : mine) {
 *         show(e);
 *     }
 * }
 * }
 *
 * <p>A sender never waits. The newest messages are kept in a ring; a receiver that falls further
 * behind than the ring's capacity gets a {@link LaggedException} once, with the exact number of
 * messages it has missed, and then goes on with the oldest that is left.
 *
 * <p>The channel keeps no reference to its receivers other than while they wait. Of the newest
 * {@link #capacity()} messages it keeps those that some receiver has still to receive, and drops
 * each when the last receiver has passed it or is closed. (A message that was sent in the very
 * moment in which a receiver came or went may stay until it is overwritten; so do those that a
 * receiver which was forgotten instead of closed has not received.)
 *
 * @param <T> the type of messages
 */
public final class Broadcast<T> implements AutoCloseable {
    /*
     * Overview
     *
     * Messages have positions 0, 1, 2, ...; position p lives in slot p % capacity, wrapped in an
     * entry that knows its position.
     *
     *   field         written by                                     mode
     *   tail          senders (claim), close                         compare-and-set, getAndOr
     *                 twice the next position, plus 1 when closed
     *   slot          the sender that claimed one of its positions   compare-and-set, read volatile
     *   subscribers   subscribe and close of a receiver              getAndAdd
     *   next          the receiver: its next position                compare-and-set
     *                 close of the receiver: GONE                    getAndSet
     *   remaining     receivers that pass the entry                  getAndAdd
     *   message       the last of them: null                         plain, see below
     *
     * A sender claims a position by a compare-and-set of `tail` and then puts its entry into the
     * slot, unless an entry of a later position is there already: then it was so slow that its own
     * message is overwritten before anybody could read it. So sending is lock-free, and a slot's
     * position only grows.
     *
     * A receiver at position p reads `tail` first. Further than the capacity ahead of p: it has
     * lagged, by exactly tail - capacity - p. Otherwise, at the moment of that read, p was among
     * the newest `capacity` messages; then if the slot holds p, that is the message; if it holds an
     * earlier position, the sender of p is between claim and write, and the receiver waits for
     * it; if a later one, `tail` has moved on and is read again. It takes the message by moving
     * `next` on; who closes the receiver sets `next` to GONE, so a message is either received before
     * the close or never, and each position is passed once: by its receipt or by the close.
     *
     * Waking: PositionQueue says how; the position that has been passed is `tail`. A sender changes
     * `tail` first and looks at the queue afterwards.
     *
     * A message sent while nobody is subscribed is dropped without a claim: `subscribers` grows
     * before a new receiver reads `tail`, so a sender that reads zero comes before it.
     *
     * Freeing: an entry counts in `remaining` the receivers that have not passed it, and the last one
     * to pass drops the message. It starts with what the sender reads of `subscribers` after its
     * claim, which is never too few. A receiver that has to pass p had grown `subscribers` before
     * its read of `tail` found p unclaimed, and shrinks it only after its close has passed all entries
     * that were there; one that was not there yet it leaves alone. So at worst, when receivers come
     * or go in the moment of a send, the count is too high and the message stays until it is
     * overwritten. Each receiver reads `message` before its read-modify-write of `remaining`, and
     * the last one writes after its own: no reader can find null for what it has still to pass, other
     * than one that is being closed meanwhile.
     */

    private static final int DEFAULT_CAPACITY = 1024;
    private static final long CLOSED_BIT = 1;
    private static final long GONE = -1;
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Entry[].class);
    private static final VarHandle TAIL;
    private static final VarHandle SUBSCRIBERS;
    private static final VarHandle NEXT;
    private static final VarHandle REMAINING;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(Broadcast.class, "tail", long.class);
            SUBSCRIBERS = lookup.findVarHandle(Broadcast.class, "subscribers", int.class);
            NEXT = lookup.findVarHandle(Broadcast.Subscription.class, "next", long.class);
            REMAINING = lookup.findVarHandle(Entry.class, "remaining", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final Entry LAGGED = new Entry(-1, new Object(), 0);
    private static final Entry LAST = new Entry(-1, new Object(), 0);

    private final @Nullable Entry[] ring;
    private final Waiting waiting = new Waiting();
    private volatile long tail;
    private volatile int subscribers;

    private Broadcast(int capacity) {
        ring = new @Nullable Entry[capacity];
    }

    /**
     * A channel that keeps the newest 1024 messages.
     *
     * @param <T> the type of messages
     * @return a new channel
     */
    public static <T> Broadcast<T> create() {
        return create(DEFAULT_CAPACITY);
    }

    /**
     * A channel that keeps the newest messages.
     *
     * @param capacity how many, from 1 to 2<sup>30</sup>; rounded up to a power of two
     * @param <T> the type of messages
     * @return a new channel
     * @throws IllegalArgumentException if the capacity is out of range
     */
    public static <T> Broadcast<T> create(int capacity) {
        if (capacity < 1 || capacity > 1 << 30) {
            throw new IllegalArgumentException(
                    "capacity: " + capacity + " (expected: 1 to " + (1 << 30) + ")");
        }
        return new Broadcast<>(Integer.highestOneBit(2 * capacity - 1));
    }

    /**
     * Sends a message to everybody who is subscribed. Never waits.
     *
     * @param message the message
     * @return how many receivers are subscribed at that moment, of which some may come or go; when
     *     0 the message is dropped
     * @throws ChannelClosedException if the channel is closed; carries the message
     */
    public int send(T message) {
        requireNonNull(message, "message");
        for (; ; ) {
            long t = tail;
            if ((t & CLOSED_BIT) != 0) {
                throw new ChannelClosedException(
                        "nothing can be sent to " + this + ", it is closed", message);
            }
            if (subscribers == 0) {
                return 0;
            }
            if (TAIL.weakCompareAndSet(this, t, t + 2)) {
                int receivers = subscribers;
                put(new Entry(t >>> 1, receivers == 0 ? null : message, receivers));
                waiting.moved();
                return receivers;
            }
        }
    }

    /**
     * Adds a receiver, which gets every message sent from now on.
     *
     * @return a new receiver, to close when done; closing it ends this subscription only
     * @throws ChannelClosedException if the channel is closed
     */
    public BroadcastReceiver<T> subscribe() {
        SUBSCRIBERS.getAndAdd(this, 1);
        long t = tail;
        if ((t & CLOSED_BIT) != 0) {
            SUBSCRIBERS.getAndAdd(this, -1);
            throw new ChannelClosedException("nobody can subscribe to " + this + ", it is closed");
        }
        return new Subscription(t >>> 1);
    }

    /**
     * The channel as a publisher by the rules of Reactive Streams: each subscriber has a receiver
     * of its own and gets every message that is sent after it subscribed. One that asks too slowly
     * for more than the channel keeps is told {@link LaggedException}. Delivered by fibers of the
     * runtime that the calling thread belongs to, or by virtual threads outside of any.
     *
     * @return a publisher for any number of subscribers
     */
    public Flow.Publisher<T> asPublisher() {
        return asPublisher(ReceiverPublisher.defaultExecutor());
    }

    /**
     * As {@link #asPublisher()}, with an executor of the caller's.
     *
     * @param executor what runs the subscribers, see {@link Receiver#asPublisher(Executor)}
     * @return a publisher for any number of subscribers
     */
    public Flow.Publisher<T> asPublisher(Executor executor) {
        return new ReceiverPublisher<>(this::subscribe, executor);
    }

    /**
     * How many receivers are subscribed.
     *
     * @return zero or more
     */
    public int subscribers() {
        return subscribers;
    }

    /**
     * How many messages are kept.
     *
     * @return the capacity, a power of two
     */
    public int capacity() {
        return ring.length;
    }

    /**
     * How many messages were sent to somebody.
     *
     * @return zero or more, growing
     */
    public long sent() {
        return tail >>> 1;
    }

    /**
     * Whether the channel was closed. There may still be messages to receive.
     *
     * @return true once no message can be sent
     */
    public boolean isClosed() {
        return (tail & CLOSED_BIT) != 0;
    }

    /**
     * Closes the channel: nothing more can be sent, and a receiver sees the end when it has
     * received what was sent before. Does nothing the second time.
     */
    @Override
    public void close() {
        TAIL.getAndBitwiseOr(this, CLOSED_BIT);
        waiting.moved();
    }

    /** Whether nobody waits for the next change. */
    boolean isUnwatched() {
        return waiting.isEmpty();
    }

    /**
     * Describes the channel for a log.
     *
     * @return its capacity and how many are subscribed
     */
    @Override
    public String toString() {
        return "Broadcast[capacity="
                + ring.length
                + ", subscribers="
                + subscribers
                + ", sent="
                + sent()
                + (isClosed() ? ", closed]" : "]");
    }

    private void put(Entry entry) {
        int i = slot(entry.position);
        for (Entry old = ring[i]; ; ) {
            if (old != null && old.position > entry.position) {
                return;
            }
            Entry seen = (Entry) SLOT.compareAndExchange(ring, i, old, entry);
            if (seen == old) {
                return;
            }
            old = seen;
        }
    }

    private int slot(long position) {
        return (int) position & ring.length - 1;
    }

    private @Nullable Entry entry(long position) {
        return (Entry) SLOT.getVolatile(ring, slot(position));
    }

    private static final class Entry {
        final long position;
        @Nullable Object message;
        private volatile int remaining;

        Entry(long position, @Nullable Object message, int receivers) {
            this.position = position;
            this.message = message;
            REMAINING.set(this, receivers); // published with the entry
        }

        /** One receiver has passed; the last one drops the message. */
        void pass() {
            if (remaining == 1 || (int) REMAINING.getAndAdd(this, -1) == 1) {
                message = null;
            }
        }
    }

    private final class Waiting extends PositionQueue {
        @Override
        boolean isPassed(long position) {
            long t = tail;
            return t >>> 1 > position || (t & CLOSED_BIT) != 0;
        }
    }

    private final class Subscription extends SubscribedReceiver<T> implements BroadcastReceiver<T> {
        private volatile long next;

        Subscription(long next) {
            super(Broadcast.this, waiting);
            NEXT.set(this, next); // seen by other threads only through what hands it over
        }

        @Override
        public BroadcastReceiver<T> resubscribe() {
            return subscribe();
        }

        @Override
        public long unread() {
            long p = next;
            return p == GONE ? 0 : (tail >>> 1) - p;
        }

        @Override
        public boolean isReady() {
            return look() != null;
        }

        @Override
        public boolean isDrained() {
            return look() == LAST;
        }

        @Override
        long awaited() {
            long p = next;
            return p == GONE ? 0 : p; // looks again after it has joined, and leaves
        }

        @Override
        @Nullable Object tryTake() {
            for (; ; ) {
                Entry e = look();
                if (e == null) {
                    return null;
                }
                if (e == LAST) {
                    return END;
                }
                if (e == LAGGED) {
                    skip();
                    continue;
                }
                Object m = e.message;
                if (m != null && take(e)) {
                    return m;
                }
            }
        }

        @Override
        public int recvMany(Collection<? super T> into, int max) throws InterruptedException {
            if (max < 1) {
                throw new IllegalArgumentException("max: " + max + " (expected: >= 1)");
            }
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            int n = 0;
            while (n < max) {
                Entry e = look();
                if (e == null) {
                    if (n > 0) {
                        return n;
                    }
                    awaitReady();
                } else if (e == LAST) {
                    return n;
                } else if (e == LAGGED) {
                    if (n > 0) {
                        return n;
                    }
                    skip();
                } else if (addTo(into, e)) {
                    n++;
                }
            }
            return n;
        }

        /** Adds first, for adding may throw, and takes afterwards. */
        private boolean addTo(Collection<? super T> into, Entry e) {
            @SuppressWarnings("unchecked") // send puts T only
            T m = (T) e.message;
            if (m == null) {
                return false;
            }
            into.add(m);
            take(e);
            return true;
        }

        @Override
        public boolean isClosed() {
            return next == GONE || Broadcast.this.isClosed();
        }

        @Override
        public void close() {
            long p = (long) NEXT.getAndSet(this, GONE);
            if (p != GONE) {
                passRest(p);
                SUBSCRIBERS.getAndAdd(Broadcast.this, -1);
                wakeClosed();
            }
        }

        /** Passes what is there from a position on, up to a sender that is about to write. */
        private void passRest(long from) {
            long end = tail >>> 1;
            for (long p = Math.max(from, end - ring.length); p < end; p++) {
                Entry e = entry(p);
                if (e == null || e.position < p) {
                    return;
                }
                if (e.position == p) {
                    e.pass();
                }
            }
        }

        @Override
        public String toString() {
            long p = next;
            return "BroadcastReceiver["
                    + (p == GONE ? "closed" : "next=" + p)
                    + " of "
                    + Broadcast.this
                    + "]";
        }

        /** The next entry, LAGGED or LAST, or null if there is none now. */
        private @Nullable Entry look() {
            for (int n = 0; ; n++) {
                long p = next;
                if (p == GONE) {
                    return LAST;
                }
                long t = tail;
                long end = t >>> 1;
                if (end == p) {
                    return (t & CLOSED_BIT) != 0 ? LAST : null;
                }
                if (end - p > ring.length) {
                    return LAGGED;
                }
                Entry e = entry(p);
                if (e != null && e.position == p) {
                    return e;
                }
                pause(n);
            }
        }

        /** The sender of the next message is between two writes, or preempted there. */
        private void pause(int n) {
            if (n < 100) {
                Thread.onSpinWait();
            } else if (n < 200) {
                Thread.yield();
            } else {
                Parker.parkNanos(Broadcast.this, 50_000);
            }
        }

        private boolean take(Entry e) {
            if (NEXT.compareAndSet(this, e.position, e.position + 1)) {
                e.pass();
                return true;
            }
            return false;
        }

        /** Goes to the oldest message that is left. */
        private void skip() {
            long p = next;
            long oldest = (tail >>> 1) - ring.length;
            if (p != GONE && p < oldest && NEXT.compareAndSet(this, p, oldest)) {
                throw new LaggedException(oldest - p);
            }
        }

        @Override
        ChannelClosedException ended() {
            return new ChannelClosedException(
                    next == GONE
                            ? "this receiver of " + Broadcast.this + " is closed"
                            : "there are no more messages in " + Broadcast.this);
        }
    }
}
