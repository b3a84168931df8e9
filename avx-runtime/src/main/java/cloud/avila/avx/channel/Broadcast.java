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

/**
 * A channel in which every receiver gets every message that is sent after it subscribed. Any number
 * of threads may send.
 *
 * {@snippet :
 * var events = Broadcast.<Event>create(1024);
 * try (Receiver<Event> mine = events.subscribe()) {
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
 * <p>The channel keeps no reference to its receivers other than while they wait, and no message
 * other than the newest {@link #capacity()}.
 *
 * @param <T> the type of messages
 */
public final class Broadcast<T> implements AutoCloseable {
    /*
     * Overview
     *
     * Messages have positions 0, 1, 2, ...; position p lives in slot p % capacity, wrapped in an
     * entry that knows its position. Entries are immutable.
     *
     *   field        written by                                     mode
     *   tail         senders (claim), close                         compare-and-set, getAndOr
     *                twice the next position, plus 1 when closed
     *   slot         the sender that claimed one of its positions   compare-and-set, read volatile
     *   subscribers  subscribe and close of a receiver              getAndAdd
     *   next         the receiver; its next position                plain, one thread at a time
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
     * it; if a later one, `tail` has moved on and is read again.
     *
     * Waking: a receiver joins `sleepers` with its position, then reads `tail` again and leaves if
     * it has moved on. A sender changes `tail` first and looks at the queue afterwards. So those who
     * stay joined before `tail` moved past them, and those before them in the queue joined even
     * earlier: their positions grow along the queue, and serve() may stop at the first that has
     * nothing to read. WaitQueue says why no wake-up is lost.
     *
     * A message sent while nobody is subscribed is dropped without a claim: `subscribers` grows
     * before a new receiver reads `tail`, so a sender that reads zero comes before it.
     */

    private static final int DEFAULT_CAPACITY = 1024;
    private static final long CLOSED_BIT = 1;
    private static final int READY = Waiter.GRANTED;
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Entry[].class);
    private static final VarHandle TAIL;
    private static final VarHandle SUBSCRIBERS;
    private static final VarHandle SUBSCRIPTION_CLOSED;

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(Broadcast.class, "tail", long.class);
            SUBSCRIBERS = lookup.findVarHandle(Broadcast.class, "subscribers", int.class);
            SUBSCRIPTION_CLOSED =
                    lookup.findVarHandle(Broadcast.Subscription.class, "closed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final @Nullable Entry[] ring;
    private final Sleepers sleepers = new Sleepers();
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
     * @return how many receivers are subscribed; when 0 the message is dropped
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
            int receivers = subscribers;
            if (receivers == 0) {
                return 0;
            }
            if (TAIL.weakCompareAndSet(this, t, t + 2)) {
                put(new Entry(t >>> 1, message));
                if (!sleepers.isEmpty()) {
                    sleepers.service();
                }
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
    public Receiver<T> subscribe() {
        SUBSCRIBERS.getAndAdd(this, 1);
        long t = tail;
        if ((t & CLOSED_BIT) != 0) {
            SUBSCRIBERS.getAndAdd(this, -1);
            throw new ChannelClosedException("nobody can subscribe to " + this + ", it is closed");
        }
        return new Subscription(t >>> 1);
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
        sleepers.service();
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

    private record Entry(long position, Object message) {}

    private static final class Sleeper extends Waiter {
        final long next;

        Sleeper(long next) {
            this.next = next;
        }
    }

    private final class Sleepers extends WaitQueue<Sleeper> {
        @Override
        protected void serve() {
            for (Sleeper s; (s = first()) != null && (isClosed() || tail >>> 1 > s.next); ) {
                grant(s, READY);
            }
        }
    }

    private final class Subscription implements Receiver<T> {
        private static final Object END = new Object();
        private static final Object LAGGED = new Object();
        private long next;
        private volatile boolean closed;
        private volatile @Nullable Sleeper sleeper; // so that close finds who waits

        Subscription(long next) {
            this.next = next;
        }

        @Override
        public T recv() throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            Object m = await();
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
                throw new TimeoutException(
                        "no message in " + Broadcast.this + " within " + timeout);
            }
            if (m == END) {
                throw ended();
            }
            return take(m);
        }

        @Override
        public RecvResult<T> tryRecv() {
            Object m = peek();
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
            Object m = await();
            if (m == END) {
                return 0;
            }
            if (m == LAGGED) {
                throw lagged();
            }
            int n = 0;
            do {
                @SuppressWarnings("unchecked") // send puts T only
                T message = (T) m;
                into.add(message); // may throw, so the message is taken afterwards
                next++;
                m = peek();
            } while (++n < max && m != null && m != LAGGED && m != END);
            return n;
        }

        @Override
        public Iterator<T> iterator() {
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    try {
                        return await() != END;
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        var c =
                                new CancellationException(
                                        "interrupted while waiting for a message");
                        c.initCause(e);
                        throw c;
                    }
                }

                @Override
                public T next() {
                    if (!hasNext()) {
                        throw new NoSuchElementException(Broadcast.this + " is closed and drained");
                    }
                    return take(requireNonNull(peek()));
                }
            };
        }

        @Override
        public boolean isClosed() {
            return closed || Broadcast.this.isClosed();
        }

        @Override
        public void close() {
            if (SUBSCRIPTION_CLOSED.compareAndSet(this, false, true)) {
                SUBSCRIBERS.getAndAdd(Broadcast.this, -1);
                Sleeper s = sleeper;
                if (s != null && sleepers.withdraw(s)) {
                    Parker.unpark(s.thread());
                }
            }
        }

        @Override
        public String toString() {
            return "Subscription[next=" + next + " of " + Broadcast.this + "]";
        }

        /** The next message, LAGGED or END, or null if there is none now. */
        private @Nullable Object peek() {
            if (closed) {
                return END;
            }
            for (int n = 0; ; n++) {
                long t = tail;
                long end = t >>> 1;
                if (end == next) {
                    return (t & CLOSED_BIT) != 0 ? END : null;
                }
                if (end - next > ring.length) {
                    return LAGGED;
                }
                Entry e = (Entry) SLOT.getVolatile(ring, slot(next));
                if (e != null && e.position == next) {
                    return e.message;
                }
                if (n > 100) {
                    pause(n);
                } else {
                    Thread.onSpinWait();
                }
            }
        }

        /** The sender of the next message is between two writes, or preempted there. */
        private void pause(int n) {
            if (n < 200) {
                Thread.yield();
            } else {
                Parker.parkNanos(Broadcast.this, 50_000);
            }
        }

        private Object await() throws InterruptedException {
            Object m = peek();
            return m != null ? m : requireNonNull(awaitUntil(false, 0));
        }

        /** Waits for the next message, LAGGED or END; null when time is up. */
        private @Nullable Object awaitUntil(boolean timed, long deadline)
                throws InterruptedException {
            for (; ; ) {
                if (sleeper != null) {
                    throw new IllegalStateException(
                            "another thread is receiving from "
                                    + this
                                    + ": a receiver is used by one thread at a time");
                }
                Sleeper s = new Sleeper(next);
                sleeper = s;
                try {
                    sleepers.add(s);
                    if (closed || tail >>> 1 != next) {
                        sleepers.withdraw(s);
                    } else if (timed) {
                        sleepers.awaitUntil(s, Broadcast.this, deadline);
                    } else {
                        sleepers.await(s, Broadcast.this);
                    }
                } finally {
                    sleeper = null;
                }
                Object m = peek();
                if (m != null || timed && deadline - System.nanoTime() <= 0) {
                    return m;
                }
            }
        }

        @SuppressWarnings("unchecked") // send puts T only
        private T take(Object m) {
            if (m == LAGGED) {
                throw lagged();
            }
            next++;
            return (T) m;
        }

        private LaggedException lagged() {
            long oldest = (tail >>> 1) - ring.length;
            long missed = oldest - next;
            next = oldest;
            return new LaggedException(missed);
        }

        private ChannelClosedException ended() {
            return new ChannelClosedException(
                    closed
                            ? "this receiver of " + Broadcast.this + " is closed"
                            : "there are no more messages in " + Broadcast.this);
        }
    }
}
