package cloud.avila.avx.channel;

import static java.util.Objects.requireNonNull;

import cloud.avila.avx.internal.park.Deadline;
import cloud.avila.avx.internal.park.WaitQueue;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A value that changes, and receivers that want to know the latest: configuration, a state,
 * progress.
 *
 * {@snippet :
 * var limit = Watch.of(10);
 * try (WatchReceiver<Integer> mine = limit.subscribe()) {
 *     limit.send(20);
 *     mine.waitFor(n -> n >= 20);
 * }
 * }
 *
 * <p>A receiver that was not looking sees the newest value only; what came before it is gone. There
 * is always a value, and it can be read at any time without waiting. Values should be immutable:
 * all who read share them.
 *
 * <p>Thread-safe: any number of threads may send, and none of them ever waits. Keeps one value, and
 * no reference to receivers other than while they wait.
 *
 * @param <T> the type of the value
 */
public final class Watch<T> implements AutoCloseable {
    /*
     * Overview
     *
     *   field      written by                       mode
     *   state      senders, close                   compare-and-set; value and version together
     *   receivers  subscribe and close of a receiver  getAndAdd
     *   seen       the receiver                     plain: one thread at a time
     *   closed     close of the receiver            compare-and-set
     *
     * A state is immutable. Its version grows by two with each value, and is odd when the channel is
     * closed. A receiver has something to receive when the value's version is not the one it has
     * seen; then it reads both from one state.
     *
     * Waking: PositionQueue says how. The position of who waits is the version it has seen, and it
     * is passed as soon as the version is another. A sender changes `state` first and looks at the
     * queue afterwards.
     */

    private static final VarHandle STATE;
    private static final VarHandle RECEIVERS;
    private static final VarHandle CLOSED;

    static {
        try {
            var lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(Watch.class, "state", State.class);
            RECEIVERS = lookup.findVarHandle(Watch.class, "receivers", int.class);
            CLOSED = lookup.findVarHandle(Watch.Subscription.class, "closed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final class State<T> {
        final T value;
        final long version;

        State(T value, long version) {
            this.value = value;
            this.version = version;
        }

        boolean isClosed() {
            return (version & 1) != 0;
        }

        /** The version of the value, whether the channel is closed or not. */
        long valueVersion() {
            return version & ~1L;
        }
    }

    private final Waiting waiting = new Waiting();
    private final Deserted deserted = new Deserted();
    private volatile State<T> state;
    private volatile int receivers;

    private Watch(T initial) {
        state = new State<>(requireNonNull(initial, "initial"), 0);
    }

    /**
     * A channel with a first value.
     *
     * @param initial the value until another is sent
     * @param <T> the type of the value
     * @return a new channel
     */
    public static <T> Watch<T> of(T initial) {
        return new Watch<>(initial);
    }

    /**
     * The latest value.
     *
     * @return the value, the last one if the channel is closed
     */
    public T get() {
        return state.value;
    }

    /**
     * Sets the value and tells all receivers, also if the value equals the one before. Never waits.
     * The value is set even if nobody is subscribed.
     *
     * @param value the new value
     * @throws ChannelClosedException if the channel is closed; carries the value
     */
    public void send(T value) {
        requireNonNull(value, "value");
        for (; ; ) {
            State<T> s = state;
            if (s.isClosed()) {
                throw new ChannelClosedException(
                        "nothing can be sent to " + this + ", it is closed", value);
            }
            if (STATE.weakCompareAndSet(this, s, new State<>(value, s.version + 2))) {
                waiting.moved();
                return;
            }
        }
    }

    /**
     * Sets the value to one made from the value before, atomically, and tells all receivers.
     *
     * @param change makes the new value; has no side effects, for it is called again when another
     *     thread sent a value meanwhile
     * @return the new value
     * @throws ChannelClosedException if the channel is closed
     */
    public T modify(UnaryOperator<T> change) {
        for (; ; ) {
            State<T> s = open();
            T value = requireNonNull(change.apply(s.value), "the changed value");
            if (STATE.weakCompareAndSet(this, s, new State<>(value, s.version + 2))) {
                waiting.moved();
                return value;
            }
        }
    }

    /**
     * As {@link #modify}, but when the change returns the very value that it was given, nothing
     * happens and nobody is told.
     *
     * @param change makes the new value or returns the old one; has no side effects, for it is
     *     called again when another thread sent a value meanwhile
     * @return whether there is a new value
     * @throws ChannelClosedException if the channel is closed
     */
    @SuppressWarnings("ReferenceEquality") // "the very value"
    public boolean sendIfModified(UnaryOperator<T> change) {
        for (; ; ) {
            State<T> s = open();
            T value = requireNonNull(change.apply(s.value), "the changed value");
            if (value == s.value) {
                return false;
            }
            if (STATE.weakCompareAndSet(this, s, new State<>(value, s.version + 2))) {
                waiting.moved();
                return true;
            }
        }
    }

    /**
     * Adds a receiver, for which the present value counts as seen.
     *
     * @return a new receiver, to close when done; if the channel is closed, it can still read the
     *     last value
     */
    public WatchReceiver<T> subscribe() {
        return new Subscription(state.valueVersion());
    }

    /**
     * The channel as a publisher by the rules of Reactive Streams: each subscriber has a receiver
     * of its own and gets the present value and then the newest ones, as it asks for them.
     * Delivered by fibers of the runtime that the calling thread belongs to, or by virtual threads
     * outside of any.
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
        return new ReceiverPublisher<>(this::subscribeUnseen, executor);
    }

    private WatchReceiver<T> subscribeUnseen() {
        WatchReceiver<T> receiver = subscribe();
        receiver.markChanged();
        return receiver;
    }

    /**
     * How many receivers are subscribed.
     *
     * @return zero or more
     */
    public int receivers() {
        return receivers;
    }

    /**
     * Waits until no receiver is subscribed: nobody is interested any more. Returns at once if
     * nobody is subscribed now.
     *
     * @throws InterruptedException if the calling thread is interrupted
     */
    public void awaitNoReceivers() throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        while (receivers != 0) {
            var waiter = new SelectWaiter();
            deserted.add(waiter);
            deserted.await(waiter, this);
        }
    }

    /**
     * Waits until no receiver is subscribed, for a limited time.
     *
     * @param timeout the longest wait; zero or less does not wait
     * @return whether nobody is subscribed
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean awaitNoReceivers(Duration timeout) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        long deadline = Deadline.after(timeout);
        while (receivers != 0) {
            if (deadline - System.nanoTime() <= 0) {
                return false;
            }
            var waiter = new SelectWaiter();
            deserted.add(waiter);
            deserted.awaitUntil(waiter, this, deadline);
        }
        return true;
    }

    /**
     * Whether the channel was closed.
     *
     * @return true once there will be no other value
     */
    public boolean isClosed() {
        return state.isClosed();
    }

    /**
     * Closes the channel: the value stays what it is. A receiver that has not seen it yet gets it,
     * and then sees the end. Does nothing the second time.
     */
    @Override
    public void close() {
        for (; ; ) {
            State<T> s = state;
            if (s.isClosed()
                    || STATE.weakCompareAndSet(this, s, new State<>(s.value, s.version + 1))) {
                waiting.moved();
                return;
            }
        }
    }

    /** Whether nobody waits for the next change. */
    boolean isUnwatched() {
        return waiting.isEmpty();
    }

    /**
     * Describes the channel for a log.
     *
     * @return how often it has changed and how many are subscribed, not the value
     */
    @Override
    public String toString() {
        State<T> s = state;
        return "Watch[changes="
                + (s.version >>> 1)
                + ", receivers="
                + receivers
                + (s.isClosed() ? ", closed]" : "]");
    }

    private State<T> open() {
        State<T> s = state;
        if (s.isClosed()) {
            throw new ChannelClosedException("nothing can be sent to " + this + ", it is closed");
        }
        return s;
    }

    private final class Waiting extends PositionQueue {
        @Override
        boolean isPassed(long position) {
            return state.version != position;
        }
    }

    private final class Deserted extends WaitQueue<SelectWaiter> {
        @Override
        protected void serve() {
            for (SelectWaiter w; receivers == 0 && (w = first()) != null; ) {
                grant(w, SelectWaiter.TOLD);
            }
        }
    }

    private final class Subscription extends SubscribedReceiver<T> implements WatchReceiver<T> {
        private static final long NOTHING = -2;

        private long seen;
        private volatile boolean closed;

        Subscription(long seen) {
            super(Watch.this, waiting);
            this.seen = seen;
            RECEIVERS.getAndAdd(Watch.this, 1);
        }

        @Override
        public T borrow() {
            return state.value;
        }

        @Override
        public T borrowAndUpdate() {
            State<T> s = state;
            seen = s.valueVersion();
            return s.value;
        }

        @Override
        public boolean hasChanged() {
            return !closed && state.valueVersion() != seen;
        }

        @Override
        public void markChanged() {
            seen = NOTHING;
        }

        @Override
        public void changed() throws InterruptedException {
            recv();
        }

        @Override
        public boolean changed(Duration timeout) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (!awaitReady(Deadline.after(timeout))) {
                return false;
            }
            checkNotOver();
            seen = state.valueVersion();
            return true;
        }

        @Override
        public T waitFor(Predicate<? super T> condition) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            for (; ; ) {
                T value = current();
                if (condition.test(value)) {
                    return value;
                }
                awaitReady();
                checkNotOver();
            }
        }

        @Override
        public T waitFor(Predicate<? super T> condition, Duration timeout)
                throws InterruptedException, TimeoutException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long deadline = Deadline.after(timeout);
            for (; ; ) {
                T value = current();
                if (condition.test(value)) {
                    return value;
                }
                if (!awaitReady(deadline)) {
                    throw new TimeoutException(
                            "no value that was waited for in " + Watch.this + " within " + timeout);
                }
                checkNotOver();
            }
        }

        private T current() {
            if (closed) {
                throw ended();
            }
            return borrowAndUpdate();
        }

        private void checkNotOver() {
            if (isDrained()) {
                throw ended();
            }
        }

        @Override
        public WatchReceiver<T> duplicate() {
            return new Subscription(seen);
        }

        @Override
        public int recvMany(Collection<? super T> into, int max) throws InterruptedException {
            if (max < 1) {
                throw new IllegalArgumentException("max: " + max + " (expected: >= 1)");
            }
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            awaitReady();
            if (isDrained()) {
                return 0;
            }
            State<T> s = state;
            into.add(s.value); // may throw, so the value is marked as seen afterwards
            seen = s.valueVersion();
            return 1;
        }

        @Override
        public boolean isReady() {
            return closed || state.version != seen;
        }

        @Override
        public boolean isDrained() {
            return closed || state.version == (seen | 1);
        }

        @Override
        long awaited() {
            return seen;
        }

        @Override
        @Nullable Object tryTake() {
            if (closed) {
                return END;
            }
            State<T> s = state;
            if (s.valueVersion() != seen) {
                seen = s.valueVersion();
                return s.value;
            }
            return s.isClosed() ? END : null;
        }

        @Override
        public boolean isClosed() {
            return closed || Watch.this.isClosed();
        }

        @Override
        public void close() {
            if (CLOSED.compareAndSet(this, false, true)) {
                wakeClosed();
                if ((int) RECEIVERS.getAndAdd(Watch.this, -1) == 1 && !deserted.isEmpty()) {
                    deserted.service();
                }
            }
        }

        @Override
        public String toString() {
            return "WatchReceiver["
                    + (closed ? "closed" : "seen=" + (seen >> 1))
                    + " of "
                    + Watch.this
                    + "]";
        }

        @Override
        ChannelClosedException ended() {
            return new ChannelClosedException(
                    closed
                            ? "this receiver of " + Watch.this + " is closed"
                            : Watch.this + " is closed, there will be no other value");
        }
    }
}
