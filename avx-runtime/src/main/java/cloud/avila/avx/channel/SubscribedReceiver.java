package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.TimeoutException;

/**
 * A receiver that gets everything by itself, whatever other receivers get: how it waits.
 *
 * <p>{@code waiting} is the waiter of the one thread or task that receives. It is written by that
 * thread (compare-and-set) before it looks whether there is something, and read by who closes the
 * receiver after that was made visible: one of the two sees the other.
 */
abstract class SubscribedReceiver<T> implements Receiver<T>, ReceiveSide {
    /** Stands for a message where there will be none. */
    static final Object END = new Object();

    private static final VarHandle WAITING;

    static {
        try {
            WAITING =
                    MethodHandles.lookup()
                            .findVarHandle(SubscribedReceiver.class, "waiting", SelectWaiter.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Object channel;
    private final PositionQueue queue;
    private final PollSlot<RecvResult<T>> poll = new PollSlot<>(this, _ -> tryRecvOrNull());
    private volatile @Nullable SelectWaiter waiting;

    SubscribedReceiver(Object channel, PositionQueue queue) {
        this.channel = channel;
        this.queue = queue;
    }

    /** Takes the next message: the message, END, or null if there is none now. */
    abstract @Nullable Object tryTake();

    /** The position that the channel must move past for there to be something. */
    abstract long awaited();

    /** What to throw at the end. */
    abstract ChannelClosedException ended();

    /** Wakes who waits here, after the receiver was closed. */
    final void wakeClosed() {
        SelectWaiter w = waiting;
        if (w != null && queue.withdraw(w)) {
            w.wake();
        }
    }

    @Override
    public final void register(SelectWaiter waiter) {
        poll.close();
        if (!WAITING.compareAndSet(this, null, waiter)) {
            throw new IllegalStateException(
                    "another thread is receiving from "
                            + this
                            + ": a receiver is used by one thread at a time");
        }
        waiter.position = awaited();
        queue.add(waiter);
    }

    @Override
    public final void deregister(SelectWaiter waiter) {
        queue.withdraw(waiter);
        WAITING.compareAndSet(this, waiter, null);
    }

    @Override
    public final T recv() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        for (; ; ) {
            Object m = tryTake();
            if (m != null) {
                return message(m);
            }
            await(false, 0);
        }
    }

    @Override
    public final T recv(Duration timeout) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object m = tryTake();
        if (m == null) {
            long deadline = Deadline.after(timeout);
            do {
                if (!await(true, deadline)) {
                    throw new TimeoutException("no message in " + channel + " within " + timeout);
                }
                m = tryTake();
            } while (m == null);
        }
        return message(m);
    }

    @Override
    public final RecvResult<T> tryRecv() {
        RecvResult<T> result = tryRecvOrNull();
        return result == null ? new RecvResult.Empty<>() : result;
    }

    @SuppressWarnings("unchecked") // channels hold T only
    private @Nullable RecvResult<T> tryRecvOrNull() {
        Object m = tryTake();
        if (m == null) {
            return null;
        }
        return m == END ? new RecvResult.Closed<>() : new RecvResult.Received<>((T) m);
    }

    @Override
    public final Poll<RecvResult<T>> pollRecv(Context cx) {
        return poll.poll(cx);
    }

    @Override
    public final Future<RecvResult<T>> recvFuture() {
        return poll;
    }

    @Override
    public final Iterator<T> iterator() {
        return new Iterator<>() {
            private @Nullable Object next; // taken, so that a close by another cannot come between

            @Override
            public boolean hasNext() {
                try {
                    while (next == null) {
                        awaitReady();
                        next = tryTake();
                    }
                } catch (InterruptedException e) {
                    throw RecvIteration.interrupted(e);
                }
                return next != END;
            }

            @Override
            @SuppressWarnings("unchecked") // channels hold T only
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException(channel + " is closed and drained");
                }
                T message = (T) Objects.requireNonNull(next);
                next = null;
                return message;
            }
        };
    }

    /** Waits until there is something, which stays. */
    final void awaitReady() throws InterruptedException {
        while (!isReady()) {
            await(false, 0);
        }
    }

    /**
     * Waits until there is something; false when time is up. Without an interrupt it is not late.
     */
    final boolean awaitReady(long deadline) throws InterruptedException {
        while (!isReady()) {
            if (!await(true, deadline)) {
                return false;
            }
        }
        return true;
    }

    /** Waits until there may be something; false when time is up and there is not. */
    private boolean await(boolean timed, long deadline) throws InterruptedException {
        var waiter = new SelectWaiter();
        register(waiter);
        try {
            if (isReady()) {
                return true;
            }
            if (timed) {
                queue.awaitUntil(waiter, channel, deadline);
            } else {
                queue.await(waiter, channel);
            }
        } finally {
            deregister(waiter);
        }
        return !timed || deadline - System.nanoTime() > 0 || isReady();
    }

    @SuppressWarnings("unchecked") // channels hold T only
    private T message(Object m) {
        if (m == END) {
            throw ended();
        }
        return (T) m;
    }
}
