package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;
import cloud.avila.avx.task.Context;
import cloud.avila.avx.task.Future;
import cloud.avila.avx.task.Poll;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/**
 * A channel for a single value, from one thread to another: the reply to a request.
 *
 * {@snippet :
 * var reply = Oneshot.<String>create();
 * requests.send(new Request("price", reply));
 * String price = reply.recv();
 * }
 *
 * <p>The value is sent once and received once. Either side may close the channel instead: a
 * receiver that waits, or comes later, gets a {@link ChannelClosedException}, and so does a sender,
 * with its value. Closing after the value was sent changes nothing, so both sides may close in a
 * {@code finally}.
 *
 * @param <T> the type of the value
 */
public final class Oneshot<T> implements AutoCloseable {
    /*
     * Overview
     *
     * `cell` is the state: null -> the value -> TAKEN, or null -> CLOSED. Every step is one
     * compare-and-set (volatile), so of several senders, receivers and closers one succeeds, and
     * the value is published with the cell that holds it.
     *
     * `receiver` is who waits for the value, `sender` who waits for the channel to be closed: a
     * thread, or a SelectWaiter. Each is written (compare-and-set from null) before `cell` is read
     * again and the thread parks. Who changes `cell` (compare-and-set) then reads both (volatile):
     * one of the two sees the other, so no wake-up is lost. They are cleared again (release is
     * enough: a late wake-up is harmless), so that no thread is retained.
     */

    private static final Object TAKEN = new Object();
    private static final Object CLOSED = new Object();
    private static final VarHandle CELL;
    private static final VarHandle RECEIVER;
    private static final VarHandle SENDER;

    static {
        try {
            var lookup = MethodHandles.lookup();
            CELL = lookup.findVarHandle(Oneshot.class, "cell", Object.class);
            RECEIVER = lookup.findVarHandle(Oneshot.class, "receiver", Object.class);
            SENDER = lookup.findVarHandle(Oneshot.class, "sender", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Object cell;
    private volatile @Nullable Object receiver;
    private volatile @Nullable Object sender;
    private @Nullable Side side; // the receiver's own

    private Oneshot() {}

    /**
     * A channel for one value.
     *
     * @param <T> the type of the value
     * @return a new channel
     */
    public static <T> Oneshot<T> create() {
        return new Oneshot<>();
    }

    /**
     * Sends the value. Never waits.
     *
     * @param value the value
     * @throws IllegalStateException if a value was sent before
     * @throws ChannelClosedException if the channel is closed; carries the value
     */
    public void send(T value) {
        if (!trySend(value).isSent()) {
            throw new ChannelClosedException("the oneshot was closed before it was sent", value);
        }
    }

    /**
     * Sends the value unless the channel is closed. Never waits.
     *
     * @param value the value
     * @return {@link SendResult#SENT} or {@link SendResult#CLOSED}
     * @throws IllegalStateException if a value was sent before
     */
    public SendResult trySend(T value) {
        requireNonNull(value, "value");
        Object seen = CELL.compareAndExchange(this, null, value);
        if (seen == null) {
            wake();
            return SendResult.SENT;
        }
        if (seen == CLOSED) {
            return SendResult.CLOSED;
        }
        throw new IllegalStateException(
                "a value was sent through this oneshot before: it carries exactly one");
    }

    /**
     * Receives the value, waiting for it if need be.
     *
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted; the value was not taken
     * @throws ChannelClosedException if the channel was closed instead of sent
     * @throws IllegalStateException if the value was received before, or another thread is
     *     receiving
     */
    public T recv() throws InterruptedException {
        return requireNonNull(receive(false, 0));
    }

    /**
     * Receives the value, waiting for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return the value
     * @throws InterruptedException if the calling thread is interrupted; the value was not taken
     * @throws TimeoutException if no value was sent in all that time
     * @throws ChannelClosedException if the channel was closed instead of sent
     * @throws IllegalStateException if the value was received before, or another thread is
     *     receiving
     */
    public T recv(Duration timeout) throws InterruptedException, TimeoutException {
        T value = receive(true, Deadline.after(timeout));
        if (value == null) {
            throw new TimeoutException("nothing was sent through the oneshot within " + timeout);
        }
        return value;
    }

    /**
     * Receives the value if it is there.
     *
     * @return the value, or that there is none yet, or that there will be none
     * @throws IllegalStateException if the value was received before
     */
    public RecvResult<T> tryRecv() {
        Object c = cell;
        if (c == null) {
            return new RecvResult.Empty<>();
        }
        return c == CLOSED ? new RecvResult.Closed<>() : new RecvResult.Received<>(take(c));
    }

    /**
     * Receives the value in a poll task. Takes one operation of the budget if it is there.
     *
     * @param cx what belongs to this poll; its waker is woken when the value is there or there will
     *     be none
     * @return ready with the value, or that there will be none; pending if there is none yet
     * @throws IllegalStateException if the value was received before
     */
    public Poll<RecvResult<T>> pollRecv(Context cx) {
        Side s = side();
        return s.poll.poll(cx);
    }

    /**
     * A future that receives the value: ready with the value, or that there will be none. Dropping
     * it before it is ready leaves the value there.
     *
     * @return a new future, to be polled by whoever receives
     */
    public Future<RecvResult<T>> recvFuture() {
        return side().poll;
    }

    /**
     * Waits until the channel is closed, for a sender that can save itself the work when nobody
     * wants the value any more. Used by one thread at a time.
     *
     * @return true once it is closed; false if a value was sent, so that it never will be
     * @throws InterruptedException if the calling thread is interrupted
     * @throws IllegalStateException if another thread waits for the same
     */
    public boolean awaitClosed() throws InterruptedException {
        return await(SENDER, false, 0) == CLOSED;
    }

    /**
     * Waits until the channel is closed, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return true if it is closed; false if it is not yet, or a value was sent, so that it never
     *     will be
     * @throws InterruptedException if the calling thread is interrupted
     * @throws IllegalStateException if another thread waits for the same
     */
    public boolean awaitClosed(Duration timeout) throws InterruptedException {
        return await(SENDER, true, Deadline.after(timeout)) == CLOSED;
    }

    /**
     * Whether the channel was closed before a value was sent.
     *
     * @return true once there will be no value
     */
    public boolean isClosed() {
        return cell == CLOSED;
    }

    /**
     * Closes the channel from either side, unless the value was sent: then this does nothing, and
     * the value can still be received.
     */
    @Override
    public void close() {
        if (CELL.compareAndSet(this, null, CLOSED)) {
            wake();
        }
    }

    /**
     * Describes the channel for a log.
     *
     * @return its state
     */
    @Override
    public String toString() {
        Object c = cell;
        return "Oneshot["
                + (c == null ? "empty" : c == CLOSED ? "closed" : c == TAKEN ? "received" : "sent")
                + "]";
    }

    /** What a select, or a poll task, waits for. */
    Side side() {
        if (side == null) {
            side = new Side();
        }
        return side;
    }

    /** Waits for the value and takes it; null when time is up. */
    private @Nullable T receive(boolean timed, long deadline) throws InterruptedException {
        if (side != null) {
            side.poll.close();
        }
        Object c = await(RECEIVER, timed, deadline);
        if (c == null) {
            return null;
        }
        if (c == CLOSED) {
            throw new ChannelClosedException("the oneshot was closed, no value was sent");
        }
        return take(c);
    }

    /** Waits for the cell to be filled and returns what is in it; null when time is up. */
    private @Nullable Object await(VarHandle place, boolean timed, long deadline)
            throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object c = cell;
        if (c != null) {
            return c;
        }
        occupy(place, Thread.currentThread());
        try {
            while ((c = cell) == null) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                if (!timed) {
                    Parker.park(this);
                    continue;
                }
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return null;
                }
                Parker.parkNanos(this, left);
            }
            return c;
        } finally {
            place.setRelease(this, null);
        }
    }

    private void occupy(VarHandle place, Object waiter) {
        if (!place.compareAndSet(this, null, waiter)) {
            throw new IllegalStateException(
                    place == RECEIVER
                            ? "another thread is receiving from this oneshot: it has one receiver"
                            : "another thread is waiting for this oneshot to be closed");
        }
    }

    private void wake() {
        wake(receiver);
        wake(sender);
    }

    private static void wake(@Nullable Object waiter) {
        if (waiter instanceof SelectWaiter w) {
            w.tell();
        } else {
            Parker.unpark((Thread) waiter);
        }
    }

    @SuppressWarnings("unchecked") // trySend puts T only
    private T take(Object value) {
        if (value == TAKEN || !CELL.compareAndSet(this, value, TAKEN)) {
            throw new IllegalStateException(
                    "the value of this oneshot was received before: it can be received once");
        }
        return (T) value;
    }

    /** The receiving side, for those who wait for more than this. */
    final class Side implements ReceiveSide {
        private final PollSlot<RecvResult<T>> poll =
                new PollSlot<>(this, _ -> isReady() ? tryRecv() : null);

        @Override
        public boolean isReady() {
            return cell != null;
        }

        @Override
        public boolean isDrained() {
            return cell == CLOSED;
        }

        @Override
        public void register(SelectWaiter waiter) {
            poll.close();
            occupy(RECEIVER, waiter);
        }

        @Override
        public void deregister(SelectWaiter waiter) {
            RECEIVER.compareAndSet(Oneshot.this, waiter, null);
        }
    }
}
