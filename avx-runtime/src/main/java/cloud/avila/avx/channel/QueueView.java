package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.AbstractQueue;
import java.util.Collection;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** An {@link MpmcQueue} as the JDK knows queues. */
final class QueueView<T> extends AbstractQueue<T> implements BlockingQueue<T> {
    private final MpmcQueue<T> queue;

    QueueView(MpmcQueue<T> queue) {
        this.queue = queue;
    }

    @Override
    public boolean offer(T e) {
        return queue.offer(requireNonNull(e)).isSent();
    }

    @Override
    public void put(T e) throws InterruptedException {
        queue.send(requireNonNull(e));
    }

    @Override
    public boolean offer(T e, long timeout, TimeUnit unit) throws InterruptedException {
        requireNonNull(e);
        try {
            queue.send(e, Duration.ofNanos(unit.toNanos(timeout)));
            return true;
        } catch (TimeoutException full) {
            return false;
        }
    }

    @Override
    public @Nullable T poll() {
        return message(queue.tryReceive());
    }

    @Override
    public T take() throws InterruptedException {
        checkInterrupt();
        Object m = queue.tryReceive();
        T message = message(m != null ? m : queue.receive(false, 0));
        if (message == null) {
            throw queue.ended();
        }
        return message;
    }

    @Override
    public @Nullable T poll(long timeout, TimeUnit unit) throws InterruptedException {
        checkInterrupt();
        Object m = queue.tryReceive();
        if (m == null && timeout > 0) {
            m = queue.receive(true, Deadline.afterNanos(unit.toNanos(timeout)));
        }
        return message(m);
    }

    @Override
    public @Nullable T peek() {
        return message(queue.peek());
    }

    @Override
    public int remainingCapacity() {
        return queue.roomLeft();
    }

    @Override
    public int drainTo(Collection<? super T> c) {
        return drainTo(c, Integer.MAX_VALUE);
    }

    @Override
    public int drainTo(Collection<? super T> c, int maxElements) {
        if (requireNonNull(c) == this) {
            throw new IllegalArgumentException("a queue cannot be drained to itself");
        }
        int n = 0;
        for (T m; n < maxElements && (m = poll()) != null; n++) {
            c.add(m);
        }
        return n;
    }

    @Override
    public int size() {
        return queue.length();
    }

    @Override
    public boolean isEmpty() {
        return peek() == null;
    }

    @Override
    public boolean contains(@Nullable Object o) {
        var walk = queue.walk();
        while (o != null && walk.advance()) {
            if (o.equals(walk.message())) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean remove(@Nullable Object o) {
        var walk = queue.walk();
        while (o != null && walk.advance()) {
            if (o.equals(walk.message()) && walk.remove()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public Iterator<T> iterator() {
        return new View();
    }

    @Override
    public Spliterator<T> spliterator() {
        return Spliterators.spliteratorUnknownSize(
                iterator(), Spliterator.ORDERED | Spliterator.NONNULL | Spliterator.CONCURRENT);
    }

    private static void checkInterrupt() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    @SuppressWarnings("unchecked") // senders put T only
    private @Nullable T message(@Nullable Object m) {
        return m == SegmentQueue.END ? null : (T) m;
    }

    /** Weakly consistent: a message that it has seen is returned, taken meanwhile or not. */
    private final class View implements Iterator<T> {
        private MpmcQueue<T>.Walk ahead = queue.walk();
        private MpmcQueue<T>.@Nullable Walk last;
        private boolean has = ahead.advance();

        @Override
        public boolean hasNext() {
            return has;
        }

        @Override
        public T next() {
            if (!has) {
                throw new NoSuchElementException("the queue has no more elements");
            }
            T m = requireNonNull(message(ahead.message()));
            last = ahead;
            ahead = ahead.copy();
            has = ahead.advance();
            return m;
        }

        @Override
        public void remove() {
            var removed = last;
            if (removed == null) {
                throw new IllegalStateException(
                        "next has not been called since the last remove, so there is nothing to"
                                + " remove");
            }
            last = null;
            removed.remove();
        }
    }
}
