package cloud.avila.avx.channel;

import cloud.avila.avx.internal.park.Deadline;
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
import java.util.Objects;
import java.util.concurrent.TimeoutException;

/** A receiver of an {@link MpmcQueue}: the queue and whether this receiver is open. */
final class MpmcReceiver<T> implements SharedReceiver<T>, Selectable {
    private static final int OPEN = 0;
    private static final int CLOSING = 1; // by one, who tells the queue; still receives
    private static final int CLOSED = 2;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(MpmcReceiver.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MpmcQueue<T> queue;
    private final PollSlot<RecvResult<T>> polled = new PollSlot<>(this, this::tryRecv);
    private volatile int state; // the queue is closed, if this was the last, before CLOSED is seen

    MpmcReceiver(MpmcQueue<T> queue) {
        this.queue = queue;
    }

    @Override
    public T recv() throws InterruptedException {
        return message(Objects.requireNonNull(receive()));
    }

    @Override
    public T recv(Duration timeout) throws InterruptedException, TimeoutException {
        checkOpen();
        checkInterrupt();
        Object m = queue.tryReceive();
        if (m == null && timeout.isPositive()) {
            m = queue.receive(true, Deadline.after(timeout));
        }
        if (m == null) {
            throw new TimeoutException("no message in " + queue + " within " + timeout);
        }
        return message(m);
    }

    @Override
    public RecvResult<T> tryRecv() {
        Object m = isLeft() ? SegmentQueue.END : queue.tryReceive();
        return m == null ? new RecvResult.Empty<>() : result(m);
    }

    /** Null if there is nothing; does not wait for a sender that has claimed the position. */
    private @Nullable RecvResult<T> tryRecv(Context cx) {
        Object m = isLeft() ? SegmentQueue.END : queue.tryReceiveWritten();
        if (m == MpmcQueue.CLAIMED) {
            cx.pollAgain();
            return null;
        }
        return m == null ? null : result(m);
    }

    @SuppressWarnings("unchecked") // senders put T only
    private RecvResult<T> result(Object m) {
        return m == SegmentQueue.END ? new RecvResult.Closed<>() : new RecvResult.Received<>((T) m);
    }

    @Override
    @SuppressWarnings("unchecked") // senders put T only
    public int recvMany(Collection<? super T> into, int max) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("max: " + max + " (expected: >= 1)");
        }
        int n = 0;
        for (Object m = receive(); m != null && m != SegmentQueue.END; m = queue.tryReceive()) {
            into.add((T) m);
            if (++n == max) {
                break;
            }
        }
        return n;
    }

    @Override
    public Poll<RecvResult<T>> pollRecv(Context cx) {
        return polled.poll(cx);
    }

    @Override
    public Future<RecvResult<T>> recvFuture() {
        return new PollSlot<>(this, this::tryRecv);
    }

    @Override
    public Iterator<T> iterator() {
        return new Iterator<>() {
            private @Nullable Object next;

            @Override
            public boolean hasNext() {
                if (next == null) {
                    try {
                        next = receive();
                    } catch (InterruptedException e) {
                        throw RecvIteration.interrupted(e);
                    }
                }
                return next != SegmentQueue.END;
            }

            @Override
            public T next() {
                if (!hasNext()) {
                    throw new NoSuchElementException(queue + " is closed and drained");
                }
                T m = message(Objects.requireNonNull(next));
                next = null;
                return m;
            }
        };
    }

    @Override
    public void register(SelectWaiter waiter) {
        queue.register(waiter);
    }

    @Override
    public void deregister(SelectWaiter waiter) {
        queue.deregister(waiter);
    }

    @Override
    public SharedReceiver<T> duplicate() {
        if (state != OPEN) {
            throw new ChannelClosedException("this receiver of " + queue + " is closed");
        }
        return queue.newReceiver();
    }

    @Override
    public boolean isClosed() {
        return state != OPEN || queue.isClosed();
    }

    @Override
    public void close() {
        if (STATE.compareAndSet(this, OPEN, CLOSING)) {
            queue.receiverClosed();
            state = CLOSED;
        }
    }

    @Override
    public String toString() {
        return "Receiver[" + queue + (state != OPEN ? ", closed]" : "]");
    }

    /** A message or END. */
    private @Nullable Object receive() throws InterruptedException {
        checkOpen();
        checkInterrupt();
        Object m = queue.tryReceive();
        return m != null ? m : queue.receive(false, 0);
    }

    private static void checkInterrupt() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    /** Whether it was closed while others are open. */
    private boolean isLeft() {
        return state == CLOSED && !queue.isClosed();
    }

    private void checkOpen() {
        if (isLeft()) {
            throw new ChannelClosedException("this receiver of " + queue + " is closed");
        }
    }

    @SuppressWarnings("unchecked") // senders put T only
    private T message(Object m) {
        if (m == SegmentQueue.END) {
            throw queue.ended();
        }
        return (T) m;
    }
}
