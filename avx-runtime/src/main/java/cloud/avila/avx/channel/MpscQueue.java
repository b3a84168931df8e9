package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.internal.park.Waiter;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Collection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeoutException;

/** The queue of an {@link Mpsc}, and its one receiver. */
final class MpscQueue<T> extends SegmentQueue<T> implements Receiver<T>, ReceiveSide {
    /*
     * Overview: of the receiving side; for the rest see SegmentQueue.
     *
     * One receiver takes the slots in order, so `head` and `headSegment` have one writer, and a slot
     * that is taken is set to null for the garbage collector by a plain write: nobody reads it again.
     *
     *   field        written by                                   mode
     *   head         receiver                                     bounded: volatile, else opaque
     *   headSegment  receiver                                     release, read by acquire
     *   sleeper      receiver: itself, before it waits            volatile
     *                whoever wakes it, and the receiver: null     compare-and-set
     *
     * Waking the receiver: it writes `sleeper` (volatile), a thread or the waiter of a select or of
     * a poll task, then reads `tail`. A sender has changed `tail` by a read-modify-write, then reads
     * `sleeper` (volatile). One of the two sees the other; the slot need not take part. When the
     * receiver finds a position claimed but its slot still empty, the sender is between the two
     * writes, and the receiver spins, yields and naps until the slot is filled.
     */

    private static final VarHandle SLEEPER;

    static {
        try {
            SLEEPER =
                    MethodHandles.lookup()
                            .findVarHandle(QueueShared.class, "sleeper", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final PollSlot<RecvResult<T>> polled = new PollSlot<>(this, this::tryRecv);

    MpscQueue(int capacity, int segmentSize) {
        this(capacity, segmentSize, 0);
    }

    MpscQueue(int capacity, int segmentSize, long firstSegment) {
        super(capacity, segmentSize, firstSegment);
    }

    @Override
    String kind() {
        return "Mpsc";
    }

    @Override
    void arrived() {
        Object s = sleeper;
        if (s != null && SLEEPER.compareAndSet(this, s, null)) {
            if (s instanceof Thread t) {
                Parker.unpark(t);
            } else {
                ((SelectWaiter) s).tell();
            }
        }
    }

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
                        throw RecvIteration.interrupted(e);
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
    public Poll<RecvResult<T>> pollRecv(Context cx) {
        return polled.poll(cx);
    }

    @Override
    public Future<RecvResult<T>> recvFuture() {
        return new PollSlot<>(this, this::tryRecv);
    }

    /** Null if there is nothing; does not wait for a sender that has claimed the position. */
    private @Nullable RecvResult<T> tryRecv(Context cx) {
        Object m = peek();
        if (m == null) {
            long t = tail;
            if (position(t) != head) {
                cx.pollAgain();
                return null;
            }
            return isEnd(t) ? new RecvResult.Closed<>() : null;
        }
        return new RecvResult.Received<>(take(m));
    }

    @Override
    public void register(SelectWaiter waiter) {
        Object other = sleeper;
        if (other instanceof Thread t) {
            checkMine(t);
        } else if (other instanceof SelectWaiter w && w.thread() != waiter.thread()) {
            w.tell(); // it looks again, rather than being forgotten
        }
        sleeper = waiter;
    }

    @Override
    public void deregister(SelectWaiter waiter) {
        waiter.decide(Waiter.WITHDRAWN);
        SLEEPER.compareAndSet(this, waiter, null);
    }

    @Override
    public boolean isReady() {
        return peekClaimed() != null;
    }

    @Override
    public boolean isDrained() {
        return peekClaimed() == END;
    }

    /** The message at the head, which stays there, or null if its slot is empty. */
    private @Nullable Object peek() {
        for (; ; ) {
            Object m = SLOT.getAcquire(headSegment.slots, index(head));
            if (m != SKIP) {
                return m;
            }
            removeHole();
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
            if (position(t) == head) {
                return isEnd(t) ? END : null;
            }
            awaitSlot(headSegment, head);
        }
    }

    private boolean isEnd(long t) {
        return (t & ~WAITING_BIT) == (head | CLOSED_BIT);
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
            Object other = sleeper;
            if (other instanceof Thread t) {
                checkMine(t);
            } else if (other instanceof SelectWaiter w) {
                w.tell(); // it looks again, rather than being forgotten
            }
            sleeper = me;
            long t = tail;
            if (position(t) != head || isEnd(t)) {
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

    private void checkMine(Thread receiving) {
        if (receiving != Thread.currentThread()) {
            throw new IllegalStateException(
                    "thread \""
                            + receiving.getName()
                            + "\" #"
                            + receiving.threadId()
                            + " is receiving from "
                            + this
                            + ": a receiver is used by one thread at a time");
        }
    }

    @SuppressWarnings("unchecked") // senders put T only
    private T take(Object m) {
        advance();
        return (T) m;
    }

    private void advance() {
        Segment s = headSegment;
        long h = head;
        int i = index(h);
        s.slots[i] = null;
        if (i == segmentSize - 1) {
            leave(s);
        }
        if (capacity == UNBOUNDED) {
            HEAD.setOpaque(this, h + PLACE);
        } else {
            HEAD.setVolatile(this, h + PLACE);
            serveSenders();
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
}
