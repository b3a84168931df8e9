package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** A sender of an {@link MpscQueue}: the queue and whether this sender is open. */
final class MpscSender<T> implements Sender<T> {
    private static final VarHandle CLOSED;

    static {
        try {
            CLOSED =
                    MethodHandles.lookup().findVarHandle(MpscSender.class, "closed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MpscQueue<T> queue;
    private volatile boolean closed; // compare-and-set, so that the queue is told once

    MpscSender(MpscQueue<T> queue) {
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

    @Override
    public Sender<T> duplicate() {
        if (closed) {
            throw new ChannelClosedException("this sender to " + queue + " is closed");
        }
        return queue.newSender();
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

    private void checkOpen(T message) {
        if (closed) {
            throw new ChannelClosedException("this sender to " + queue + " is closed", message);
        }
    }
}
