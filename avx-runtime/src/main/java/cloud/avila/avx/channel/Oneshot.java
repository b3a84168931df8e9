package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.Parker;

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
     * `receiver` is written by the thread that waits (volatile) before it reads `cell` again and
     * parks. A sender or closer changes `cell` (compare-and-set) and then reads `receiver`
     * (volatile): one of the two sees the other, so no wake-up is lost. It is cleared again
     * (release is enough: a late unpark is harmless), so that no thread is retained.
     */

    private static final Object TAKEN = new Object();
    private static final Object CLOSED = new Object();
    private static final VarHandle CELL;
    private static final VarHandle RECEIVER;

    static {
        try {
            var lookup = MethodHandles.lookup();
            CELL = lookup.findVarHandle(Oneshot.class, "cell", Object.class);
            RECEIVER = lookup.findVarHandle(Oneshot.class, "receiver", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile @Nullable Object cell;
    private volatile @Nullable Thread receiver;

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
            Parker.unpark(receiver);
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
        return requireNonNull(await(false, 0));
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
        T value = await(true, Deadline.after(timeout));
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
            Parker.unpark(receiver);
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

    /** Waits for the value and takes it; null when time is up. */
    private @Nullable T await(boolean timed, long deadline) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Object c = cell;
        if (c == null) {
            Thread me = Thread.currentThread();
            if (!RECEIVER.compareAndSet(this, null, me)) {
                throw new IllegalStateException(
                        "another thread is receiving from this oneshot: it has one receiver");
            }
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
            } finally {
                RECEIVER.setRelease(this, null);
            }
        }
        if (c == CLOSED) {
            throw new ChannelClosedException("the oneshot was closed, no value was sent");
        }
        return take(c);
    }

    @SuppressWarnings("unchecked") // trySend puts T only
    private T take(Object value) {
        if (value == TAKEN || !CELL.compareAndSet(this, value, TAKEN)) {
            throw new IllegalStateException(
                    "the value of this oneshot was received before: it can be received once");
        }
        return (T) value;
    }
}
