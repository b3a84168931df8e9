package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.task.Future;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A sender to a {@link SegmentQueue}: the queue and whether this sender is open. */
final class ChannelSender<T> implements Sender<T>, Selectable {
    private static final VarHandle CLOSED;

    static {
        try {
            CLOSED =
                    MethodHandles.lookup()
                            .findVarHandle(ChannelSender.class, "closed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final SegmentQueue<T> queue;
    private volatile boolean closed; // compare-and-set, so that the queue is told once

    ChannelSender(SegmentQueue<T> queue) {
        this.queue = queue;
    }

    @Override
    public void send(T message) throws InterruptedException {
        requireNonNull(message, "message");
        checkOpen(message);
        queue.send(message);
    }

    @Override
    public void send(T message, Duration timeout) throws InterruptedException, TimeoutException {
        requireNonNull(message, "message");
        checkOpen(message);
        queue.send(message, timeout);
    }

    @Override
    public SendResult trySend(T message) {
        requireNonNull(message, "message");
        return closed ? SendResult.CLOSED : queue.offer(message);
    }

    /** As trySend, but a channel that drops messages rather than wait says that it was sent. */
    SendResult sendOrQueue(T message) {
        return closed ? SendResult.CLOSED : queue.offerOrDrop(message);
    }

    @Override
    public SendPermit<T> reserveMany(int places) throws InterruptedException {
        checkOpen();
        queue.reserve(places);
        return new SendPermit<>(queue, places);
    }

    @Override
    public SendPermit<T> reserveMany(int places, Duration timeout)
            throws InterruptedException, TimeoutException {
        checkOpen();
        queue.reserve(places, timeout);
        return new SendPermit<>(queue, places);
    }

    @Override
    public @Nullable SendPermit<T> tryReserveMany(int places) {
        checkOpen();
        return queue.tryReserve(places) ? new SendPermit<>(queue, places) : null;
    }

    @Override
    public Future<SendResult> sendFuture(T message) {
        requireNonNull(message, "message");
        return new SendFuture<>(this, queue, message);
    }

    @Override
    public Future<SendPermit<T>> reserveFuture(int places) {
        queue.checkPlaces(places);
        return new ReserveFuture<>(this, queue, places);
    }

    /** For a select that waits for room. */
    @Override
    public void register(SelectWaiter waiter) {
        queue.blocked.add(waiter);
    }

    @Override
    public void deregister(SelectWaiter waiter) {
        queue.withdraw(waiter);
    }

    @Override
    public Sender<T> duplicate() {
        checkOpen();
        return queue.newSender();
    }

    @Override
    public WeakSender<T> downgrade() {
        return new WeakSender<>(queue);
    }

    @Override
    public boolean isClosed() {
        return closed || queue.isClosed();
    }

    @Override
    public void close() {
        if (CLOSED.compareAndSet(this, false, true)) {
            queue.senderClosed();
        }
    }

    @Override
    public String toString() {
        return "Sender[" + queue + (closed ? ", closed]" : "]");
    }

    void checkOpen() {
        if (closed) {
            throw new ChannelClosedException("this sender to " + queue + " is closed");
        }
    }

    private void checkOpen(T message) {
        if (closed) {
            throw new ChannelClosedException("this sender to " + queue + " is closed", message);
        }
    }
}
